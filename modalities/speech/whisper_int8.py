"""A Whisper's linear layers in int8 on a CPU, swapped in place.

Weights have a scale for every output, what goes into them one for every row, found as it runs (LLM.int8's vector-wise
scheme, Dettmers et al. 2022, arXiv:2208.07339): a loud row does not coarsen the others, and a window's tokens do not
depend on what else is in its batch. The products are oneDNN's, by the operator PyTorch's own quantisation for x86 uses.
"""

from __future__ import annotations

from typing import Any

import torch

LEVELS = 127
"""Steps on either side of zero."""


def supported() -> bool:
    """Whether this processor multiplies int8 without overflow (AVX-512 VNNI), so that int8 is quick and right."""
    return bool(torch._C._has_mkldnn and torch.cpu._is_vnni_supported())


class Int8Linear(torch.nn.Module):
    """Multiplies by `weight.T` and adds `bias`.

    Args:
        weight: (outputs, inputs), float32.
        bias: (outputs,), or None.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        scales = weight.detach().abs().amax(1).clamp_min(1e-12) / LEVELS
        levels = (weight.detach() / scales[:, None]).round().to(torch.int8)
        self._packed = torch.ops.onednn.qlinear_prepack(levels, None)
        self._scales, self._zeros = scales, torch.zeros(len(scales), dtype=torch.int32)
        self._bias = torch.zeros(len(scales)) if bias is None else bias.detach()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product, float32, of x (..., inputs)."""
        rows = x.reshape(-1, x.shape[-1])
        unit = rows.abs().amax(1, keepdim=True).clamp_min_(1e-9).div_(LEVELS)
        codes = (rows / unit).add_(LEVELS + 1.5).to(torch.uint8)  # rounds: every code is above zero
        product = torch.ops.onednn.qlinear_pointwise(
            codes, 1.0, LEVELS + 1, self._packed, self._scales, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return torch.addcmul(self._bias, product, unit).reshape(*x.shape[:-1], -1)


def to_int8(model: Any) -> None:
    """Put int8 in the place of every linear layer of a Whisper."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Linear):
                setattr(module, name, Int8Linear(child.weight, child.bias))

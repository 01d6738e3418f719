"""Which phone is said when: encoder states to the probabilities of 39 phones, 50 times a second.

A small bidirectional network over `SoundEncoder`'s states, trained by connectionist temporal classification (Graves et
al. 2006): most frames are "blank", and each phone stands out in a frame or two. `training.phone_head` makes its
weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from modalities.errors import WeightsError
from modalities.speech.sound_encoder import WIDTH, SoundEncoder, fingerprint
from modalities.types import Audio, FloatArray

BLANK = "_"


class PhoneHead(nn.Module):
    """Encoder states to log probabilities of blank and phones.

    Args:
        phones: how many, blank included.
        width, hidden: sizes of its layers.
    """

    def __init__(self, phones: int, width: int = 256, hidden: int = 192, dropout: float = 0.2) -> None:
        super().__init__()
        self.norm, self.project = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, width)
        self.around = nn.Conv1d(width, width, 3, padding=1)
        self.both_ways = nn.GRU(width, hidden, bidirectional=True, batch_first=True)
        self.out = nn.Linear(2 * hidden, phones)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor) -> Tensor:
        """States (batch, n, 384) to log probabilities (batch, n, phones), blank first."""
        x = torch.relu(self.project(self.dropout(self.norm(states))))
        x = x + torch.relu(self.around(x.transpose(1, 2)).transpose(1, 2))
        x, _ = self.both_ways(self.dropout(x))
        found: Tensor = self.out(self.dropout(x)).log_softmax(dim=-1)
        return found


class Phones:
    """Recordings to phones. Safe to use from several threads.

    Attributes:
        names: blank, then the phones (ARPAbet, without stress), in the order of the probabilities.
    """

    def __init__(self, path: Path) -> None:
        """Load the weights.

        Raises:
            WeightsError: they are missing, damaged, or made for other states than the installed encoder's.
            MissingPartError: the encoder is not installed.
        """
        from safetensors import SafetensorError, safe_open

        self._encoder = SoundEncoder()
        try:
            with safe_open(path, framework="pt") as file:
                notes = file.metadata() or {}
                tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
            self.names: Sequence[str] = tuple(notes["phones"].split())
            self._head = PhoneHead(len(self.names), len(tensors["project.weight"]), tensors["out.weight"].shape[1] // 2)
            self._head.load_state_dict(tensors)
        except (OSError, SafetensorError, RuntimeError, KeyError, IndexError) as error:
            raise WeightsError(
                f"phones {str(path)!r} are missing or damaged ({type(error).__name__}): fetch the project again"
            ) from error
        if notes.get("encoder") != fingerprint():
            raise WeightsError(f"phones {str(path)!r} are not for the installed pipecat-ai; pip install 1.14.0")
        self._head.eval()

    def log_probabilities(self, audio: Audio) -> FloatArray:
        """Of blank and each phone, shape (n, len(names)), 50 a second; sound of any rate and length."""
        states = self._encoder.encode(audio)
        if not len(states):
            return states[:, : len(self.names)]
        with torch.inference_mode():
            found: FloatArray = self._head(torch.from_numpy(states)[None])[0].numpy()
        return found


def save(head: PhoneHead, path: Path, names: Sequence[str], **notes: str) -> None:
    """Write trained weights in half precision."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in head.state_dict().items()}
    save_file(tensors, path, metadata={"encoder": fingerprint(), **notes, "phones": " ".join(names)})

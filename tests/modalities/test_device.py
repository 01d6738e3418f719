"""Devices are checked by name before anything is loaded onto them."""

from __future__ import annotations

import pytest

from modalities.device import check_device, present
from modalities.errors import DeviceError


def machine(monkeypatch: pytest.MonkeyPatch, gpus: int, apple: bool = False) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)


@pytest.mark.parametrize(
    ("gpus", "apple", "found"),
    [(0, False, ("cpu",)), (2, False, ("cpu", "cuda:0", "cuda:1")), (0, True, ("cpu", "mps"))],
)
def test_present(gpus: int, apple: bool, found: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, gpus, apple)
    assert present() == found
    assert [check_device(name) for name in found] == list(found)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "CPU", "gpu", "", "cpu:x"])
def test_what_is_not_here_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 0)
    with pytest.raises(DeviceError, match="present: cpu"):
        check_device(name)


def test_cuda_is_the_first_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 1)
    assert check_device("cuda") == "cuda"
    with pytest.raises(DeviceError, match="present: cpu, cuda:0"):
        check_device("cuda:1")

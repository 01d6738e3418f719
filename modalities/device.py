"""Compute devices by the names torch gives them, checked before anything is loaded onto one."""

from __future__ import annotations

from modalities.errors import DeviceError


def present() -> tuple[str, ...]:
    """The devices of this machine: "cpu" first, then "cuda:0" and on, or "mps"."""
    import torch

    found = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)


def check_device(name: str) -> str:
    """The name itself when the device is here; "cuda" stands for the first of its kind.

    Raises:
        DeviceError: no such device; the message lists what is present.
    """
    devices = present()
    if name in devices or (name == "cuda" and "cuda:0" in devices):
        return name
    raise DeviceError(f"no device {name!r} on this machine; present: {', '.join(devices)}")

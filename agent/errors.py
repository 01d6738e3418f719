"""The agent's errors: one small hierarchy under `modalities.errors.CallsightError`."""

from __future__ import annotations

from modalities.errors import CallsightError, DeviceError, InputError, MissingPartError, WeightsError


class ConfigError(CallsightError):
    """A setting or stack that is unknown or wrong; the message names the key and the valid choices."""


class PackError(CallsightError):
    """A domain pack that is missing or wrong; the message names the file and, where it can, the line."""


class BackendError(CallsightError):
    """The company's systems did not answer; the same call may succeed later."""

    retryable = True


__all__ = [
    "BackendError",
    "CallsightError",
    "ConfigError",
    "DeviceError",
    "InputError",
    "MissingPartError",
    "PackError",
    "WeightsError",
]

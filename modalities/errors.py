"""The errors Callsight raises on purpose: what was wrong, what would be right, and whether a retry can help.

Messages name the input and the remedy; they never carry a customer's words, numbers or pixels.
"""

from __future__ import annotations


class CallsightError(Exception):
    """Base of every error Callsight raises on purpose.

    Attributes:
        retryable: True when the same call may succeed later without any change by the caller.
    """

    retryable: bool = False


class InputError(CallsightError):
    """A recording, photo or text that cannot be used: empty, damaged, too large, or not what its name says."""


class WeightsError(CallsightError):
    """Weights that are missing, damaged, or made for another encoder or label set."""


class DeviceError(CallsightError):
    """A compute device that does not exist here."""


class MissingPartError(CallsightError):
    """A component or optional package that is not installed, or a component name nobody registered."""


class DownloadError(WeightsError):
    """A download that failed on its way: no network, a broken line, a busy server. The same call may succeed later."""

    retryable = True

"""JSON messages from a far end that may be anybody's: read without ever raising, whatever they hold."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from demos.carriers.events import MAX_MESSAGE, Message

Fields = Mapping[str, Any]
NOTHING: Fields = {}


def read(message: Message) -> Fields | None:
    """The object that a text message is; None where it is too long or none."""
    if not isinstance(message, str) or len(message) > MAX_MESSAGE:
        return None
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def table(fields: Fields, name: str) -> Fields:
    """The object under a name; an empty one where there is none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else NOTHING


def bytes_of(value: object) -> bytes | None:
    """The bytes that a base64 text stands for; None where it stands for none."""
    if not isinstance(value, str):
        return None
    try:
        return b64decode(value, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def number(value: object) -> int | None:
    """A count that a carrier gives as a number or as its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 2**53 else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        return int(value)
    return None

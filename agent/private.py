"""Which entity types are personal, and how: what `agent.masking` hides of them."""

from __future__ import annotations

from typing import Literal, get_args

from agent.domain import EntityType

Private = Literal["card", "account", "phone", "email", "address", "name", "id"]
KINDS: tuple[Private, ...] = get_args(Private)

_BY_RECOGNIZER: dict[str, Private] = {"card": "card", "iban": "account", "phone": "phone", "email": "email"}
_BY_NAME: tuple[tuple[str, Private], ...] = (
    ("card", "card"), ("account", "account"), ("address", "address"), ("postcode", "address"), ("person", "name"),
    ("name", "name"),
)  # fmt: skip


def private_kind(kind: EntityType) -> Private | None:
    """What a pack's entity type tells of a person: by its recognizer, else by its name; None for what tells nothing.

    An id with a check digit is somebody's: an order's, a transfer's.
    """
    if kind.recognizer in _BY_RECOGNIZER:
        return _BY_RECOGNIZER[kind.recognizer]
    if kind.recognizer in ("tagger", "id"):
        for part, private in _BY_NAME:
            if part in kind.name.split("_"):
                return private
        return "id" if kind.checksum else None
    return None

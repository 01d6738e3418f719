"""FreeSWITCH's mod_audio_fork (https://github.com/drachtio/drachtio-freeswitch-modules), in its versions that play what
comes back: 16-bit PCM in binary messages both ways, JSON in text.

The module sends the metadata it was started with as its first text message, and then whatever the dialplan sends by
`uuid_audio_fork UUID send_text`: keys as `{"event": "dtmf", "digit": "1"}`.
"""

from __future__ import annotations

import json

from demos.carriers.events import MAX_MESSAGE, Happening, Message, Played, Sound, Started, Stopped, key_of, short
from demos.carriers.payload import Fields, read, table


class FreeSwitch:
    """The `Codec` of mod_audio_fork.

    Args:
        rate: what the module was started with, 8000 or 16000.
    """

    def __init__(self, rate: int = 8_000) -> None:
        self.rate = rate
        self.refused = 0
        self._started = False

    def decode(self, message: Message) -> tuple[Happening, ...]:
        """What one message tells. Sound before any metadata begins a call without a name."""
        happened = self._text(message) if isinstance(message, str) else self._sound(message)
        if happened is None:
            self.refused += 1
        return happened or ()

    def _sound(self, message: bytes) -> tuple[Happening, ...] | None:
        if not message or len(message) > MAX_MESSAGE or len(message) % 2:
            return None
        return (*self._begin({}), Sound(message))

    def _text(self, message: str) -> tuple[Happening, ...] | None:
        """None where the message cannot be used."""
        fields = read(message)
        if fields is None:
            return None
        event = fields.get("event")
        if event == "dtmf" and self._started:
            return key_of(fields.get("digit")) or None
        if event == "stop" and self._started:
            return (Stopped(),)
        if fields.get("type") == "playDone" or event == "mark":
            name = short(table(fields, "data").get("name"))
            return (Played(name),) if name and self._started else None
        return self._begin(fields) or None

    def _begin(self, fields: Fields) -> tuple[Happening, ...]:
        if self._started:
            return ()
        self._started = True
        call = short(fields.get("call_id")) or "freeswitch"
        return (Started(call, call, short(fields.get("ticket"))),)

    def sound(self, pcm: bytes) -> tuple[Message, ...]:
        """A binary message."""
        return (pcm,)

    def clear(self) -> tuple[Message, ...]:
        """A killAudio message."""
        return (json.dumps({"type": "killAudio"}),)

    def mark(self, name: str) -> tuple[Message, ...]:
        """A mark; versions of the module without marks pass it by."""
        return (json.dumps({"type": "mark", "data": {"name": name}}),)

    def hang_up(self) -> tuple[Message, ...]:
        """disconnect; the dialplan decides what follows."""
        return (json.dumps({"type": "disconnect"}),)

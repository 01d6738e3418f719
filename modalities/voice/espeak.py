"""eSpeak NG's voices, through the library and data in the wheel `espeakng-loader`, by ctypes.

The engine is one per process and keeps its voice and speed between calls, so every call sets both under one lock.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from modalities.errors import InputError, MissingPartError
from modalities.types import Audio
from modalities.voice.base import Speaker
from modalities.voice.normalize import clean, normalize

SLOWEST, FASTEST = 80, 450
"""Words per minute the engine can speak at."""

# Constants of espeak-ng's speak_lib.h.
_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_END_PAUSE = 0x1000
_PARAMETER_RATE = 1
_PHONEMES_IPA = 2
_SEPARATOR_SHIFT = 8

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _VoiceRecord(ctypes.Structure):
    """`espeak_VOICE` of speak_lib.h; `languages` is a priority byte followed by the language's code."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("unused", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class ESpeak(Speaker):
    """One of eSpeak NG's voices.

    Args:
        voice: a language such as "en-us" or "en-gb", with a variant of the speaker if wanted: "en-us+f3".
        speed: words per minute.

    Attributes:
        name: "espeak:" and the voice.
        rate: samples per second, 22,050.

    Raises:
        InputError: the voice or the speed does not exist; the message lists what does.
        MissingPartError: `espeakng-loader` is not installed or its library does not load.
    """

    def __init__(self, voice: str = "en-us", speed: int = 160) -> None:
        if not SLOWEST <= speed <= FASTEST:
            raise InputError(f"speed must be {SLOWEST} to {FASTEST} words per minute, got {speed!r}")
        self._engine = engine()
        self._engine.check(voice)
        self._voice, self._speed = voice, speed
        super().__init__(f"espeak:{voice}", self._engine.rate, normalize if voice.startswith("en") else clean)

    def say(self, sentence: str, stopped: Callable[[], bool]) -> Audio:
        """One normalised sentence, cut short once `stopped()` turns true."""
        return Audio(self._engine.synthesize(sentence, self._voice, self._speed, stopped), self.rate)


class Engine:
    """The process's one eSpeak NG library. Use `engine()`; its state is guarded by one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library, data = _load()
        self.rate: int = self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT)
        if self.rate <= 0:
            raise MissingPartError(f"eSpeak NG cannot read its data at {data!r}: reinstall espeakng-loader")

    def voices(self) -> tuple[str, ...]:
        """The languages it speaks, sorted."""
        with self._lock:
            return tuple(sorted({language for language, _ in self._list(None)}))

    def variants(self) -> tuple[str, ...]:
        """The speakers that may follow a language after "+", sorted."""
        language = ctypes.create_string_buffer(b"variant")
        wanted = _VoiceRecord(languages=ctypes.cast(language, ctypes.c_void_p))
        with self._lock:
            return tuple(sorted({file.rpartition("/")[2] for _, file in self._list(ctypes.byref(wanted))}))

    def check(self, voice: str) -> None:
        """Raise InputError, listing the valid choices, unless `voice` is a language with or without a variant."""
        language, plus, variant = voice.partition("+")
        if language not in (known := self.voices()):
            raise InputError(f"no eSpeak voice {voice!r}; the languages are {', '.join(known)}")
        # The library itself takes an unknown variant in silence and speaks without it.
        if plus and variant not in (known := self.variants()):
            raise InputError(f"no eSpeak variant {variant!r} in {voice!r}; the variants are {', '.join(known)}")

    def synthesize(self, text: str, voice: str, speed: int, stop: Any = lambda: False) -> Any:
        """Samples of shape (n,), float32 within -1..1; cut short when `stop()` turns true."""
        blocks: list[bytes] = []

        def receive(samples: Any, count: int, _: Any) -> int:
            if samples and count > 0:
                blocks.append(ctypes.string_at(samples, 2 * count))
            return int(stop())

        callback = _CALLBACK(receive)
        encoded = text.encode("utf-8", "ignore") + b"\0"
        with self._lock:
            self._library.espeak_SetSynthCallback(callback)
            self._library.espeak_SetVoiceByName(voice.encode())
            self._library.espeak_SetParameter(_PARAMETER_RATE, speed, 0)
            self._library.espeak_Synth(encoded, len(encoded), 0, 0, 0, _CHARS_UTF8 | _END_PAUSE, None, None)
        return np.frombuffer(b"".join(blocks), dtype=np.int16).astype(np.float32) / 32768

    def phonemes(self, text: str, voice: str, separator: str = "_") -> str:
        """The text in IPA, the sounds of a word parted by `separator`, clauses by spaces."""
        at = ctypes.c_char_p(text.replace("\0", " ").encode("utf-8", "ignore"))
        mode = _PHONEMES_IPA | (ord(separator) << _SEPARATOR_SHIFT)
        clauses = []
        with self._lock:
            self._library.espeak_SetVoiceByName(voice.encode())
            while at.value is not None:
                clauses.append(self._library.espeak_TextToPhonemes(ctypes.byref(at), _CHARS_UTF8, mode) or b"")
        return " ".join(clause.decode() for clause in clauses if clause)

    def _list(self, wanted: Any) -> Iterator[tuple[str, str]]:
        """(language, file) of each voice. Voices of MBROLA need another program and are left out."""
        records = self._library.espeak_ListVoices(wanted)
        for record in records:
            if not record:
                return
            file = record.contents.identifier.decode()
            if not file.startswith("mb/"):
                yield ctypes.string_at(record.contents.languages + 1).decode(), file


@cache
def engine() -> Engine:
    """The process's engine, loaded on the first call.

    Raises:
        MissingPartError: `espeakng-loader` is not installed or its library does not load.
    """
    return Engine()


def _load() -> tuple[Any, str]:
    """The library with the types of what is called in it, and the path of its data."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise MissingPartError("the eSpeak voice needs the package espeakng-loader: pip install it") from error
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise MissingPartError(f"eSpeak NG's library does not load ({error}): reinstall espeakng-loader") from error
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceRecord))
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int)
    library.espeak_Synth.argtypes = (
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    )
    return library, espeakng_loader.get_data_path()

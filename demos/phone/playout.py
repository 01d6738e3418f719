"""What the caller has heard of the agent's words so far: pieces queued, sound sent, and the clock of the far end."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Words and how long they take to say, in seconds."""

    words: str
    seconds: float


class Playout:
    """The agent's side of one call. Times are seconds of a clock that never goes back.

    Attributes:
        until: when the far end will have played all it was sent.
        gaps: times the far end ran out of sound in the middle of what was being said, and how long it waited in all.
    """

    def __init__(self) -> None:
        self.until = 0.0
        self.gaps: list[float] = []
        self._pieces: deque[Piece] = deque()
        self._sent = 0.0  # seconds sent of the pieces, less what was thrown away
        self._resting = False  # the agent fell quiet on purpose

    def add(self, words: str, seconds: float) -> None:
        """Words that were queued to be sent."""
        self._pieces.append(Piece(words, seconds))

    def wrote(self, seconds: float, now: float) -> None:
        """So much sound was sent."""
        if self._sent and now > self.until and not self._resting:
            self.gaps.append(now - self.until)
        self._resting = False
        self.until = max(self.until, now) + seconds
        if self._pieces:  # else it is the end of words that were done, sent again
            self._sent += seconds

    def cleared(self, now: float) -> float:
        """The far end throws away what it has not played: so many seconds."""
        thrown = max(0.0, self.until - now)
        self._sent = max(0.0, self._sent - thrown)
        self.until = min(self.until, now)
        return thrown

    def rest(self) -> None:
        """The agent falls quiet on purpose: what follows is no gap."""
        self._resting = True

    def done(self) -> str:
        """All was sent and nothing more is to come: what was said."""
        return self._take(self._total)[0]

    def cut(self, now: float) -> tuple[str, str]:
        """The agent was interrupted: what the caller heard, and what was still to be said."""
        return self._take(max(0.0, self._sent - max(0.0, self.until - now)))

    @property
    def _total(self) -> float:
        return sum(piece.seconds for piece in self._pieces)

    def _take(self, heard: float) -> tuple[str, str]:
        said, left = [], []
        for piece in self._pieces:
            words = piece.words.split()
            share = min(1.0, max(0.0, heard / piece.seconds)) if piece.seconds else 1.0
            count = len(words) if share > 0.98 else round(share * len(words))
            said += words[:count]
            if count < len(words):
                left += words  # a sentence is said again from its beginning
            heard -= piece.seconds
        self._pieces.clear()
        self._sent, self._resting = 0.0, False
        return " ".join(said), " ".join(left)

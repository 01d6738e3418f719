"""Which token may come next, for a whole batch at once and without leaving the device.

The rules are openai-whisper's (`whisper/decoding.py`: SuppressBlank, SuppressTokens, ApplyTimestampRules), in tensor
operations of one shape, where the original loops over rows in Python.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

NO = float("-inf")


@dataclass
class Trace:
    """What the rules know of each row, shape (rows,) each.

    Attributes:
        last: the token chosen last.
        before: the one before it; counts as a timestamp while there is none.
        stamp: the last timestamp, -1 while there is none.
    """

    last: torch.Tensor
    before: torch.Tensor
    stamp: torch.Tensor


class Rules:
    """Masks of one model's vocabulary.

    Args:
        tokenizer: openai-whisper's.
        vocabulary: number of tokens the model scores.
        device: where scores lie.
        timestamps: whether timestamps are wanted between the words.
        suppress: tokens never to come, besides those that mark tasks; None for openai-whisper's own choice, which is
            everything that is not spoken.
        initial: latest first timestamp, in steps of 20 ms; None for any.
    """

    def __init__(
        self,
        tokenizer: Any,
        vocabulary: int,
        device: str,
        *,
        timestamps: bool = False,
        suppress: Iterable[int] | None = None,
        initial: int | None = 50,
    ) -> None:
        self.timestamps, self.vocabulary, self.eot = timestamps, vocabulary, tokenizer.eot
        self.no_speech: int | None = tokenizer.no_speech
        self._begin = tokenizer.timestamp_begin
        marks = [tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm]
        never = {*(tokenizer.non_speech_tokens if suppress is None else suppress), *marks}
        if tokenizer.no_speech is not None:
            never.add(tokenizer.no_speech)
        if timestamps and tokenizer.no_timestamps is not None:
            never.add(tokenizer.no_timestamps)
        self._always = torch.zeros(vocabulary, device=device)
        self._always[sorted(never)] = NO
        self._first = self._always.clone()
        self._first[[*tokenizer.encode(" "), tokenizer.eot]] = NO
        if timestamps:
            self._first[: self._begin] = NO
            if initial is not None:
                self._first[self._begin + initial + 1 :] = NO
        self._steps = torch.arange(self._begin, vocabulary, device=device)

    def apply(self, scores: torch.Tensor, trace: Trace, first: bool) -> None:
        """Forbid, in place, in scores (rows, vocabulary); `first` where no token has been chosen yet."""
        scores += self._first if first else self._always
        if not self.timestamps:
            return
        words, stamps = scores[:, : self._begin], scores[:, self._begin :]
        if not first:
            self._pairs(scores, stamps, trace)
        likely = torch.log_softmax(scores, dim=-1)
        more = likely[:, self._begin :].logsumexp(dim=-1) > likely[:, : self._begin].amax(dim=-1)
        words.masked_fill_(more[:, None], NO)

    def _pairs(self, scores: torch.Tensor, stamps: torch.Tensor, trace: Trace) -> None:
        """Timestamps come in pairs, except before the end, and never go back."""
        was, was_before = trace.last >= self._begin, trace.before >= self._begin
        open_pair = was & ~was_before
        least = torch.where(open_pair, trace.stamp, trace.stamp + 1)
        stamps.masked_fill_((was & was_before)[:, None] | (self._steps < least[:, None]), NO)
        scores[:, : self.eot].masked_fill_(open_pair[:, None], NO)

    def note(self, trace: Trace, chosen: torch.Tensor, first: bool) -> None:
        """Remember, in place, what was chosen, (rows,)."""
        if first:
            trace.before.fill_(self.vocabulary)
            trace.stamp.fill_(-1)
        else:
            trace.before.copy_(trace.last)
        trace.last.copy_(chosen)
        trace.stamp.copy_(torch.where(chosen >= self._begin, chosen, trace.stamp))

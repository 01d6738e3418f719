"""When each word was said: the decoder's attention over the sound, aligned by dynamic time warping.

The method is openai-whisper's (`whisper/timing.py`: attention of chosen heads, normalised over the tokens, smoothed
over time), for a batch of windows whose encoder states are at hand, so that nothing is encoded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from modalities.speech.whisper_windows import STATES_PER_SECOND
from modalities.types import FloatArray, Word

SMOOTHED = 7  # states: the width of the median that takes single peaks out
LONGEST_WORD = 3.0  # seconds; a longer one has swallowed a pause
BEFORE, AFTER = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Marks that belong to the word after them, and to the one before."""


class Aligner:
    """Word times for a model of openai-whisper's class.

    Args:
        model: its `alignment_heads` say which heads follow the sound.
        tokenizer: openai-whisper's, for splitting tokens into words.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._heads: dict[int, list[int]] = {}
        for layer, head in model.alignment_heads.indices().T.tolist():
            self._heads.setdefault(layer, []).append(head)

    @torch.inference_mode()
    def words(self, features: torch.Tensor, tokens: Sequence[int], seconds: float, language: str) -> tuple[Word, ...]:
        """The words of one window's tokens, with times from its start.

        Args:
            features: its encoder states (states, width).
            tokens: what it was decoded to, without timestamps.
            seconds: how much of it holds sound.
            language: code of the language that is spoken.
        """
        text = [token for token in tokens if token < self._tokenizer.eot]
        if not text:
            return ()
        start = self._start(language)
        states = max(1, min(len(features), round(seconds * STATES_PER_SECOND)))
        weights, sure = self._attention(features, [*start, *text, self._tokenizer.eot], len(start), states)
        began = _first_states(-_standardised(weights)[len(start) - 1 : -1])
        return self._timed(text, began / np.float32(STATES_PER_SECOND), sure, states / STATES_PER_SECOND)

    def _start(self, language: str) -> list[int]:
        given = self._tokenizer
        if not self._model.is_multilingual:
            return [given.sot, given.no_timestamps]
        return [given.sot, given.to_language_token(language or "en"), given.transcribe, given.no_timestamps]

    def _attention(
        self, features: torch.Tensor, tokens: list[int], start: int, states: int
    ) -> tuple[FloatArray, FloatArray]:
        """Attention of the chosen heads (heads, tokens, states), and the probability of each text token."""
        decoder, found = self._model.decoder, []
        device, kind = features.device, features.dtype
        x = decoder.token_embedding(torch.tensor(tokens, device=device)) + decoder.positional_embedding[: len(tokens)]
        x, sound = x[None].to(kind), features[None]
        for at, block in enumerate(decoder.blocks):
            x = x + block.attn(block.attn_ln(x), mask=decoder.mask)[0]
            hidden = block.cross_attn_ln(x)
            if at in self._heads:
                found.append(self._scores(block.cross_attn, hidden, sound[:, :states], self._heads[at]))
            x = x + block.cross_attn(hidden, sound)[0]
            x = x + block.mlp(block.mlp_ln(x))
        scores = decoder.ln(x)[0, start - 1 : -2] @ decoder.token_embedding.weight.to(kind).T
        likely = scores[:, : self._tokenizer.eot].float().softmax(dim=-1)
        chosen = torch.tensor(tokens[start:-1], device=device)
        sure = likely.gather(1, chosen[:, None])[:, 0]
        return torch.cat(found).softmax(dim=-1).cpu().numpy(), sure.cpu().numpy()

    def _scores(self, layer: Any, hidden: torch.Tensor, sound: torch.Tensor, heads: list[int]) -> torch.Tensor:
        """Scores of some heads (heads, tokens, states) in full precision."""
        query, keys = layer.query(hidden)[0].float(), layer.key(sound)[0].float()
        depth = query.shape[-1] // layer.n_head
        query, keys = (x.reshape(len(x), -1, depth).transpose(0, 1)[heads] for x in (query, keys))
        scores: torch.Tensor = torch.matmul(query, keys.transpose(1, 2)) * depth**-0.5
        return scores

    def _timed(self, text: list[int], began: FloatArray, sure: FloatArray, seconds: float) -> tuple[Word, ...]:
        """Tokens as words. A mark alone goes with the word it belongs to."""
        written, parts = self._tokenizer.split_to_word_tokens([*text, self._tokenizer.eot])
        timed: list[Word] = []
        waiting, at = "", 0
        for word, tokens in zip(written[:-1], parts[:-1], strict=True):
            first, at = at, at + len(tokens)
            shown, end = word.strip(), float(began[at]) if at < len(began) else seconds
            start, confidence = float(began[first]), float(sure[first:at].mean())
            if shown and shown in BEFORE and word.startswith(" "):
                waiting += shown
            elif timed and shown and shown in AFTER:
                last = timed[-1]
                timed[-1] = Word(last.text + shown, last.start, last.end, last.confidence)
            elif shown:
                start = max(start, end - LONGEST_WORD)
                timed.append(Word(waiting + shown, start, max(start, end), min(1.0, confidence)))
                waiting = ""
        return tuple(timed)


def _standardised(weights: FloatArray) -> FloatArray:
    """Mean over heads of attention (heads, tokens, states): what each token sees more than the others do."""
    from scipy.ndimage import median_filter

    spread = weights.std(axis=1, keepdims=True)
    standing = (weights - weights.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-9)
    if standing.shape[-1] > SMOOTHED // 2:
        standing = median_filter(standing, size=(1, 1, SMOOTHED), mode="mirror")
    return np.asarray(standing.mean(axis=0), dtype=np.float32)


def _first_states(cost: FloatArray) -> FloatArray:
    """The state at which each token begins on the cheapest path through cost (tokens, states).

    Dynamic time warping (Sakoe and Chiba 1978): each step goes one token on, one state on, or both.
    """
    tokens, states = cost.shape
    total = np.full((tokens + 1, states + 1), np.inf)
    total[0, 0] = 0.0
    for line in range(2, tokens + states + 1):  # cells of one diagonal do not depend on each other
        rows = np.arange(max(1, line - states), min(tokens, line - 1) + 1)
        columns = line - rows
        before = np.minimum(
            total[rows - 1, columns - 1], np.minimum(total[rows - 1, columns], total[rows, columns - 1])
        )
        total[rows, columns] = cost[rows - 1, columns - 1] + before
    first = np.zeros(tokens, dtype=np.float32)
    row, column = tokens, states
    while row > 0 and column > 0:
        first[row - 1] = column - 1
        ways = (total[row - 1, column - 1], total[row - 1, column], total[row, column - 1])
        best = int(np.argmin(ways))
        row, column = row - (best < 2), column - (best != 1)
    return first

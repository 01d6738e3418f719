"""Whisper's decoder, driven token by token for a whole batch of windows.

openai-whisper's loop grows its cache by copying it at every token, applies its rules row by row in Python, and keeps
rows that have ended until the last one has. Here the cache is laid out once, the rules are a few operations of fixed
shape, rows that have ended make room, and on CUDA a step is one captured graph. The tokens are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from modalities.speech.whisper_int8 import Int8Linear
from modalities.speech.whisper_rules import Rules, Trace

SEED = 7
LOOK_EVERY = 8  # steps on CUDA between looks at which rows have ended: each look waits for the device
WARM_UP = 3  # steps run before one is captured, as CUDA graphs want it
BUCKET = 8  # on CUDA the rows of a step are a multiple of this, so that few graphs are captured


@dataclass(frozen=True)
class Decoded:
    """What one window decoded to.

    Attributes:
        tokens: chosen tokens, the end mark left out.
        log_probability: mean over the tokens and the end mark.
        no_speech: probability that nobody speaks; 0 where the model has no token for it.
    """

    tokens: tuple[int, ...]
    log_probability: float
    no_speech: float


@dataclass
class _State:
    """Everything that a step reads and writes, row by row: what is below rows in use is stale.

    Attributes:
        tokens: (rows, length).
        done, log_probability: (rows,).
        own: keys and values of the tokens so far, (rows, 2, layers, heads, length, depth).
        sound: those of the encoder states, (rows, 2, layers, heads, states, depth).
        place: (1,), the position of the token that goes in next.
    """

    tokens: torch.Tensor
    done: torch.Tensor
    log_probability: torch.Tensor
    trace: Trace
    own: torch.Tensor
    sound: torch.Tensor
    place: torch.Tensor

    def by_row(self) -> tuple[torch.Tensor, ...]:
        trace = self.trace
        small = (self.tokens, self.done, self.log_probability, trace.last, trace.before, trace.stamp)
        return (*small, self.own, self.sound)

    def first(self, rows: int) -> Trace:
        """Views of the first rows of the trace."""
        return Trace(self.trace.last[:rows], self.trace.before[:rows], self.trace.stamp[:rows])


class Decoder:
    """Greedy decoding, or sampling, of encoded windows.

    Not safe for several threads at once: one state is kept and used again.

    Args:
        model: openai-whisper's model, its layers already in the precision they are to run in.
        rules: which tokens may come next.
        int8: score the vocabulary in int8 and keep keys and values in bfloat16; for a model of int8 layers.
        static: steps of one shape whatever the number of tokens, with rows in multiples of `BUCKET`, which on CUDA are
            captured as graphs; None for doing so on CUDA only.
    """

    def __init__(self, model: Any, rules: Rules, *, int8: bool = False, static: bool | None = None) -> None:
        self._model, self._decoder, self._rules = model, model.decoder, rules
        self._device = model.decoder.positional_embedding.device
        self._heads: int = model.dims.n_text_head
        vocabulary = model.decoder.token_embedding.weight.detach()
        self._type = model.encoder.conv1.weight.dtype
        self._keep = torch.bfloat16 if int8 else self._type
        self._score: Any = Int8Linear(vocabulary, None) if int8 else _Scores(vocabulary.to(self._type))
        self._graphed = self._device.type == "cuda" and static is not False
        self._static = self._graphed or bool(static)
        self._graphs: dict[int, Any] = {}
        self._pool = torch.cuda.graph_pool_handle() if self._graphed else None
        self._state: _State | None = None

    def row_bytes(self) -> int:
        """Memory that one row's keys and values take."""
        dims = self._model.dims
        size = torch.empty(0, dtype=self._keep).element_size()
        return int(2 * dims.n_text_layer * dims.n_text_state * (dims.n_audio_ctx + dims.n_text_ctx) * size)

    @torch.inference_mode()
    def decode(
        self, features: torch.Tensor, prompts: torch.Tensor, steps: int, temperature: float = 0.0, start: int = 0
    ) -> list[Decoded]:
        """Decode encoded windows, each on its own.

        Args:
            features: encoder states (rows, states, width).
            prompts: tokens that come before the first chosen one, (rows, n).
            steps: tokens to choose at most.
            temperature: 0 for the likeliest token; above, sampled by one seed, the same for each row.
            start: where in the prompt the start mark stands, at which the probability of no speech is read.
        """
        rows, length = prompts.shape
        whole = min(length + steps, self._model.dims.n_text_ctx + 1)
        state = self._prepare(features, prompts)
        noise = torch.Generator(self._device).manual_seed(SEED) if temperature else None
        scores, no_speech = self._read_prompt(state, rows, length, start)
        self._choose(state, scores, rows, temperature, noise, first=True)
        ends = self._finish(state, rows, length, whole, temperature, noise)
        return [
            _decoded(tokens[length:], total, silent, self._rules.eot)
            for (tokens, total), silent in zip(ends, no_speech, strict=True)
        ]

    def _finish(
        self, state: _State, rows: int, length: int, whole: int, temperature: float, noise: Any
    ) -> list[tuple[list[int], float]]:
        """Steps until each row has ended; tokens and summed log-probabilities, in order."""
        order, live = list(range(rows)), rows
        ends: list[tuple[list[int], float]] = [([], 0.0)] * rows
        every = LOOK_EVERY if self._static else 1
        for count, size in enumerate(range(length + 1, whole + 1)):
            if count % every == 0 or size == whole:
                done = state.done[:live].tolist() if size < whole else [True] * live
                if any(done):
                    for row in (row for row, ended in enumerate(done) if ended):
                        ends[order[row]] = (state.tokens[row, :size].tolist(), float(state.log_probability[row]))
                    live = _close_ranks(state, order, done)
                if not live:
                    break
            self._step(state, live, size, temperature, noise)
        return ends

    def languages(self, features: torch.Tensor, start: int, languages: Sequence[int]) -> torch.Tensor:
        """Log-probability of each language's token (rows, languages), of encoded windows."""
        with torch.inference_mode():
            rows = len(features)
            prompts = torch.full((rows, 1), start, device=self._device)
            scores, _ = self._read_prompt(self._prepare(features, prompts), rows, 1, 0)
            return torch.log_softmax(scores[:, list(languages)], dim=-1)

    # -- state -------------------------------------------------------------------------------------------------------

    def _prepare(self, features: torch.Tensor, prompts: torch.Tensor) -> _State:
        """A state with these prompts, and keys and values of these windows computed once for all steps."""
        rows, length = prompts.shape
        state = self._room(rows)
        few = 16 if self._device.type == "cuda" else 1  # one by one, what is between stays in a processor's cache
        state.tokens[:rows, :length] = prompts
        state.done.fill_(True)
        state.done[:rows] = False
        state.log_probability.zero_()
        for at, block in enumerate(self._decoder.blocks):
            for which, layer in enumerate((block.cross_attn.key, block.cross_attn.value)):
                for first in range(0, rows, few):
                    part = self._split(layer(features[first : first + few]))
                    state.sound[first : first + len(part), which, at].copy_(part)
        return state

    def _room(self, rows: int) -> _State:
        if self._state is not None and len(self._state.done) >= rows:
            return self._state
        self._state, dims = None, self._model.dims
        self._graphs.clear()
        room = math.ceil(rows / BUCKET) * BUCKET if self._static else rows
        depth = dims.n_text_state // self._heads
        blocks = (room, 2, dims.n_text_layer, self._heads)
        whole = {"device": self._device, "dtype": torch.long}
        self._state = _State(
            tokens=torch.zeros(room, dims.n_text_ctx + 1, **whole),
            done=torch.ones(room, dtype=torch.bool, device=self._device),
            log_probability=torch.zeros(room, device=self._device),
            trace=Trace(*(torch.zeros(room, **whole) for _ in range(3))),
            own=torch.zeros(*blocks, dims.n_text_ctx, depth, device=self._device, dtype=self._keep),
            sound=torch.zeros(*blocks, dims.n_audio_ctx, depth, device=self._device, dtype=self._keep),
            place=torch.zeros(1, **whole),
        )
        return self._state

    # -- one pass ----------------------------------------------------------------------------------------------------

    def _read_prompt(self, state: _State, rows: int, length: int, start: int) -> tuple[torch.Tensor, list[float]]:
        """Scores after the prompt (rows, vocabulary), and each row's probability of no speech."""
        places = torch.arange(length, device=self._device)
        hidden = self._layers(state, rows, places, length, None)
        silence = self._rules.no_speech
        if silence is None:
            no_speech = [0.0] * rows
        else:
            at_start: torch.Tensor = self._score(hidden[:, start]).float()
            no_speech = at_start.softmax(dim=-1)[:, silence].tolist()
        state.place.fill_(length - 1)
        return self._score(hidden[:, -1]).float(), no_speech

    def _step(self, state: _State, live: int, size: int, temperature: float, noise: Any) -> None:
        """One more token for the first rows, `size` tokens being there."""
        rows = min(math.ceil(live / BUCKET) * BUCKET, len(state.done)) if self._static else live
        no_room = rows not in self._graphs and size + WARM_UP >= state.own.shape[-2]
        if not self._graphed or temperature or no_room:
            self._advance(state, rows, size, temperature, noise)
            return
        if rows not in self._graphs:
            self._graphs[rows] = self._capture(state, rows)
        self._graphs[rows].replay()

    def _advance(self, state: _State, rows: int, size: int, temperature: float, noise: Any) -> None:
        """The step itself. A static one looks at the whole cache under a mask."""
        mask = None
        if self._static:
            size = state.own.shape[-2]
            mask = (torch.arange(size, device=self._device) <= state.place)[None, None, None]
        hidden = self._layers(state, rows, state.place, size, mask)
        self._choose(state, self._score(hidden[:, -1]).float(), rows, temperature, noise, first=False)

    def _layers(
        self, state: _State, rows: int, places: torch.Tensor, size: int, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Hidden states (rows, places, width) of the tokens at some places, those before being in the cache."""
        decoder = self._decoder
        x = decoder.token_embedding(state.tokens[:rows].index_select(1, places))
        x = (x + decoder.positional_embedding.index_select(0, places)).to(self._type)
        for at, block in enumerate(decoder.blocks):
            layer, hidden = block.attn, block.attn_ln(x)
            keys, values = state.own[:rows, 0, at], state.own[:rows, 1, at]
            keys.index_copy_(2, places, self._split(layer.key(hidden)))
            values.index_copy_(2, places, self._split(layer.value(hidden)))
            seen = self._attend(layer.query(hidden), keys[:, :, :size], values[:, :, :size], mask, len(places) > 1)
            x = x + layer.out(seen)
            layer, hidden = block.cross_attn, block.cross_attn_ln(x)
            seen = self._attend(layer.query(hidden), state.sound[:rows, 0, at], state.sound[:rows, 1, at])
            x = x + layer.out(seen)
            x = x + block.mlp(block.mlp_ln(x))
        normal: torch.Tensor = decoder.ln(x)
        return normal

    def _attend(
        self,
        query: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        mask: torch.Tensor | None = None,
        causal: bool = False,
    ) -> torch.Tensor:
        seen = scaled_dot_product_attention(self._split(query), keys, values, attn_mask=mask, is_causal=causal)
        return seen.transpose(1, 2).flatten(2).to(self._type)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, n, width) as (rows, heads, n, depth), in the type that is kept."""
        return x.view(*x.shape[:-1], self._heads, -1).transpose(1, 2).to(self._keep)

    def _choose(
        self, state: _State, scores: torch.Tensor, rows: int, temperature: float, noise: Any, *, first: bool
    ) -> None:
        """Choose each row's next token and write it down; a row that has ended goes on ending."""
        trace, done, total = state.first(rows), state.done[:rows], state.log_probability[:rows]
        self._rules.apply(scores, trace, first)
        drawn = scores if not temperature else scores / temperature + _gumbel(scores.shape[-1], self._device, noise)
        chosen = drawn.argmax(dim=-1)
        gained = scores.gather(1, chosen[:, None])[:, 0] - scores.logsumexp(dim=-1)
        total += torch.where(done, 0.0, gained)
        chosen = torch.where(done, self._rules.eot, chosen)
        self._rules.note(trace, chosen, first)
        done |= chosen == self._rules.eot
        state.place += 1
        state.tokens[:rows].index_copy_(1, state.place, chosen[:, None])

    # -- CUDA --------------------------------------------------------------------------------------------------------

    def _capture(self, state: _State, rows: int) -> Any:
        """A step of so many rows as a CUDA graph.

        The state is afterwards what it was, but for keys and values of tokens to come, which they will overwrite.
        """
        changed = [*state.by_row()[:-2], state.place]
        before = [tensor.clone() for tensor in changed]
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._advance(state, rows, 0, 0.0, None)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            self._advance(state, rows, 0, 0.0, None)
        for tensor, value in zip(changed, before, strict=True):
            tensor.copy_(value)
        return graph


class _Scores:
    """Every token's score: hidden states (rows, width) by the vocabulary (tokens, width)."""

    def __init__(self, vocabulary: torch.Tensor) -> None:
        self._vocabulary = vocabulary

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden @ self._vocabulary.T


def _close_ranks(state: _State, order: list[int], done: Sequence[bool]) -> int:
    """Move live rows into the places of those that have ended; how many live rows there are now.

    `order` says, and goes on saying, which window each row decodes.
    """
    live = done.count(False)
    holes = [row for row in range(live) if done[row]]
    movers = [row for row in range(live, len(done)) if not done[row]]
    if movers:
        into, out = (torch.tensor(rows, device=state.place.device) for rows in (holes, movers))
        for tensor in state.by_row():
            tensor.index_copy_(0, into, tensor.index_select(0, out))
        for hole, mover in zip(holes, movers, strict=True):
            order[hole] = order[mover]
    state.done[live:] = True
    return live


def _decoded(tokens: list[int], total: float, no_speech: float, eot: int) -> Decoded:
    chosen = tokens[: tokens.index(eot)] if eot in tokens else tokens
    return Decoded(tuple(chosen), total / (len(chosen) + 1), no_speech)


def _gumbel(size: int, device: torch.device, noise: torch.Generator) -> torch.Tensor:
    """Noise that makes the greatest of scores a fair draw. Rows share it, so none depends on its neighbours."""
    drawn = torch.rand(size, device=device, generator=noise).clamp_(min=1e-12)
    return -torch.log((-torch.log(drawn)).clamp_(min=1e-12))

"""How simulated customers' words reach the agent: with their meaning, as typed, or as a recogniser may hear them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from agent.domain import Pack
from agent.flows import Flows
from agent.operations import OPERATIONS
from agent.types import Entity, Intent, Photo, Sentiment, Turn, Understanding, Verdict
from benchmarks.said import Said
from benchmarks.speech import word_errors
from modalities.speech.language_model import tidy
from modalities.speech.spoken import say
from modalities.types import Transcript

if TYPE_CHECKING:
    from agent.agent import Agent
    from training.misheard import Confusions

DRAWS = 8
"""Hearings of a turn tried, to come near the share of errors wanted."""


class Given:
    """Every word understood as it was meant."""

    error_rate = 0.0

    def __init__(self) -> None:
        pack = Pack.load("retail", with_examples=False)
        self.flows = Flows.load(pack.root / "flows.toml", pack.intents, pack.entities, OPERATIONS)

    def __call__(self, turns: Sequence[tuple[Said, str]]) -> list[Understanding]:
        """Some turns understood, each with the channel it came by."""
        return [self._understood(said) for said, _ in turns]

    def _understood(self, said: Said) -> Understanding:
        entities = tuple(
            Entity(self.flows.slots[name].entity, said.text[start:end], value, start, end, "pattern", 0.95)
            for name, value, start, end in said.slots
            if name in self.flows.slots and self.flows.slots[name].entity
        )
        intents = tuple(Intent(name, 0.95) for name in said.intents)
        mood = Sentiment("negative", -0.9) if said.unhappy else Sentiment("neutral", 0.0)
        verdict: Verdict = "ok" if intents else "out_of_scope"
        return Understanding(
            said.text, None, intents, len(intents), entities, verdict, sentiment=mood, image=photo(said)
        )  # fmt: skip


class Models:
    """Words read by the pack's models, typed or misheard."""

    def __init__(self, agent: Agent, errors: float, seed: int, mishear: Confusions | None) -> None:
        self.agent, self.errors, self.mishear = agent, errors, mishear
        self.rng = Random(seed)
        self._wrong = self._words = 0

    @property
    def error_rate(self) -> float:
        """The share of words that came out wrong (insertions and losses among them)."""
        return self._wrong / max(1, self._words)

    def __call__(self, turns: Sequence[tuple[Said, str]]) -> list[Understanding]:
        """Some turns understood, each with the channel it came by."""
        spoken = [self.mishear is not None and not said.text.isdigit() for said, _ in turns]
        texts = [self._heard(said.text) if aloud else said.text for (said, _), aloud in zip(turns, spoken, strict=True)]
        found = self.agent.understand([Turn(text=text) for text in texts])
        return [_sensed(u, said, aloud) for u, (said, _), aloud in zip(found, turns, spoken, strict=True)]

    def _heard(self, text: str) -> str:
        """One hearing; of a few draws the one that brings the share of errors nearest to what is wanted."""
        assert self.mishear is not None
        meant = " ".join(tidy(say(text, Random(0))))
        draws = [self.mishear(text, (), self.rng)[0] for _ in range(DRAWS)]
        made = [(word_errors(meant, " ".join(tidy(say(draw, Random(0))))), draw) for draw in draws]
        words = len(meant.split())
        goal = self.errors * (self._words + words)
        errors, heard = min(made, key=lambda item: abs(self._wrong + item[0] - goal))
        self._wrong, self._words = self._wrong + errors, self._words + words
        return heard


def photo(said: Said) -> Photo | None:
    """What a photo sent with the words shows; no model looks."""
    return Photo("clothing", 0.95, condition=said.photo) if said.photo else None


def _sensed(understanding: Understanding, said: Said, aloud: bool) -> Understanding:
    """With what was shown, and marked as heard where it was."""
    transcript = Transcript(understanding.text) if aloud else None
    return replace(understanding, transcript=transcript, image=photo(said))


def given() -> Given:
    """Understands everything as it was meant."""
    return Given()


def models(options: argparse.Namespace) -> Models:
    """The pack's models on its words, misheard where `options.words` says so."""
    from agent.agent import build

    weights = str(options.weights or "weights/{domain}")
    agent = build("embedded", "retail", store_url="sqlite://", fusion_weights=weights)
    mishear = None
    if options.words == "heard":
        from training.misheard import Confusions, Slips

        texts = [row.text for row in Pack.load("retail").examples() if row.intents]
        mishear = Confusions(texts, Slips(worst=min(1.0, 4 * options.errors)), options.seed)
    return Models(agent, options.errors, options.seed, mishear)

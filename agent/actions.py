"""Perform what the policy decided: through a backend for the shop's systems, through the articles for answers.

An operation's outcome is always a `Result`: a rule or a missing row is an error code, and a system that is down is
one too, after it was tried again. Repeating is safe because a change is done once for its call, turn and action.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.orm import Session

from agent.errors import BackendError, CallsightError, ConfigError
from agent.flows import Request
from agent.operations import OPERATIONS, Desk, Operation, Refusal
from agent.operations.requests import declared
from agent.shop import Catalogue
from agent.store import Store
from agent.types import Action, Result

log = logging.getLogger(__name__)

Key = tuple[str, int]
"""Call id and turn: with the action, what makes a change happen once."""

SENTENCES = 3
"""How much of an article is read out."""

STEM = 4
"""Letters by which words are told to be the same: "return" and "returning"."""

ATTEMPTS = 3
PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 4.0
"""Nobody on the line waits longer for another attempt."""


class Backend(Protocol):
    """A company's systems."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """What they can do, by name."""
        ...

    def run(self, action: Action, key: Key, *, customer_id: int | None, preview: bool) -> Result:
        """Carry out one operation; with `preview`, only say what it would come to.

        Raises:
            BackendError: the systems did not answer.
        """
        ...


class ArticleHit(Protocol):
    """A help article that fits a question."""

    @property
    def article_id(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102


class Articles(Protocol):
    """The help articles."""

    def search(
        self, query: str, k: int = 3, about: str = "", likely: Mapping[str, float] | None = None, strange: float = 0.0
    ) -> Sequence[ArticleHit]:
        """The articles that fit best, best first; see `agent.articles.Articles.search`."""
        ...


class ShopBackend:
    """The shop in a `Store`.

    Args:
        store: the shop's rows.
        graph: the products.
        clock: gives the shop's day.
        checks: the rules of each operation, from the pack's flows (`Flows.checks`).
        requests: the operations the pack declares (`Flows.requests`).
    """

    def __init__(
        self,
        store: Store,
        graph: Catalogue,
        clock: Callable[[], dt.date] = dt.date.today,
        checks: Mapping[str, Mapping[str, Any]] | None = None,
        requests: Mapping[str, Request] | None = None,
    ) -> None:
        self.store, self.graph, self.clock = store, graph, clock
        self.checks = checks or {}
        self._operations = {**OPERATIONS, **declared(requests or {})}

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Every operation of the shop and every request of the pack, by name."""
        return self._operations

    def run(self, action: Action, key: Key, *, customer_id: int | None, preview: bool) -> Result:
        """Carry out one operation in one transaction.

        Raises:
            ConfigError: there is no operation of this name.
            BackendError: the database did not answer; nothing was changed.
        """
        operation = self._operations.get(action.name)
        if operation is None:
            known = ", ".join(sorted(self._operations))
            raise ConfigError(f"the shop has no operation {action.name!r}; it has {known}")

        def work(session: Session) -> Result:
            return self._work(session, operation, action.arguments, customer_id)

        if preview:
            return self.store.preview(work)
        if not operation.changes:
            with self.store.session() as session:
                return work(session)
        return self.store.run_once((*key, fingerprint(action)), work)

    def _work(
        self, session: Session, operation: Operation, arguments: Mapping[str, Any], customer_id: int | None
    ) -> Result:
        known = {k: v for k, v in arguments.items() if k in operation.arguments}
        checks = self.checks.get(operation.name, {})
        desk = Desk(session, self.graph, self.clock(), known, checks, customer_id)
        try:
            if operation.owner:
                desk.customer()
            return Result(True, operation.work(desk))
        except Refusal as refusal:
            session.expunge_all()
            return Result(False, refusal.facts, refusal.code)


def fingerprint(action: Action) -> str:
    """The action's name and a digest of its arguments: the same decision always reads the same."""
    text = json.dumps(dict(action.arguments), sort_keys=True, default=str)
    return f"{action.name}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def perform(
    action: Action,
    backend: Backend,
    articles: Articles | None,
    key: Key,
    *,
    customer_id: int | None = None,
    preview: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Do one thing the policy decided.

    Args:
        action: an operation of the backend, or "answer" to look in the articles.
        backend: the company's systems.
        articles: the help articles, if there are any.
        key: call id and turn.
        customer_id: whose call it is, once proved.
        preview: only say what it would come to.
        sleep: waits between attempts.
        clock: seconds; a backend that took long to fail is not asked again.

    Raises:
        ConfigError: the backend has no such operation.
    """
    if action.name == "answer":
        return _answer(action, articles)
    start = clock()
    for attempt in range(ATTEMPTS):
        try:
            return _sound(backend.run(action, key, customer_id=customer_id, preview=preview))
        except BackendError:
            log.warning("operation %s failed, attempt %d of %d", action.name, attempt + 1, ATTEMPTS)
        except CallsightError:
            raise
        except Exception as error:  # noqa: BLE001 - a company's systems may fail in any way, and the call goes on
            log.error("operation %s broke: %s", action.name, type(error).__name__)  # its message may hold their words
            break
        if clock() - start > PATIENCE_SECONDS:
            break
        sleep(PAUSE_SECONDS * 2**attempt)
    return Result(False, {}, "backend_down")


def _sound(result: object) -> Result:
    """The result, where it is one.

    Raises:
        TypeError: it is nonsense.
    """
    if isinstance(result, Result) and isinstance(result.ok, bool) and isinstance(result.data, Mapping):
        return result
    raise TypeError("no result")


def _answer(action: Action, articles: Articles | None) -> Result:
    """The part of the article that fits the customer's words best, else the topic."""
    asked, topic = str(action.arguments.get("query", "")), str(action.arguments.get("topic", ""))
    about, likely = str(action.arguments.get("about", "")), action.arguments.get("likely", {})
    strange = float(action.arguments.get("strange", 0.0))
    for query in (asked, topic):
        hits = articles.search(query, 1, about, likely, strange) if articles and query.strip() else ()
        if hits:
            text = excerpt(hits[0].text, query)
            return Result(True, {"title": hits[0].title, "text": text, "source": hits[0].article_id})
    return Result(False, {}, "no_article")


def excerpt(text: str, query: str) -> str:
    """The few sentences in a row that share most words with the question: what can be listened to.

    Of equally good stretches the one that begins with the answer is taken, then the first.
    """
    sentences = re.split(r"(?<=[.!?])\s+", text.strip())
    asked = _stems(query)
    common = [asked & _stems(sentence) for sentence in sentences]

    def worth(start: int) -> tuple[int, int]:
        return len(set().union(*common[start : start + SENTENCES])), len(common[start])

    best = max(range(max(1, len(sentences) - SENTENCES + 1)), key=worth)
    return " ".join(sentences[best : best + SENTENCES])


def _stems(text: str) -> set[str]:
    """The longer words of a text, cut so that their forms look alike."""
    return {word[:STEM] for word in re.findall(r"[a-z]{4,}", text.lower())}

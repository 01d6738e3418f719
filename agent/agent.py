"""The wiring: a stack's models, a pack and a store put together as one agent.

`Agent.understand` takes a batch of turns and is all that batch work needs; `Agent.respond` runs one turn to its Reply.
Both are plain synchronous functions.
"""

from __future__ import annotations

import datetime as dt
import gc
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence

import torch
from sqlalchemy import select

from agent.actions import ShopBackend
from agent.config import load_settings
from agent.domain import Pack
from agent.entities import Names
from agent.errors import PackError
from agent.flows import Flows
from agent.knowledge import Articles, ProductGraph
from agent.manager import Manager
from agent.operations import OPERATIONS
from agent.parts import Parts
from agent.rephrase import Rephraser
from agent.replies import Replies
from agent.shop import ORDERS, Catalogue, NoProducts, seed
from agent.store import Store
from agent.tables import Customer
from agent.types import Reply, Turn, Understanding
from agent.understanding import Understander
from modalities.types import Audio

logger = logging.getLogger(__name__)


class Agent:
    """Understands turns and answers calls."""

    def __init__(self, parts: Parts, understander: Understander, manager: Manager | None) -> None:
        self.parts = parts
        self.manager = manager
        self._understander = understander
        self._models = threading.Lock()

    def understand(self, turns: Sequence[Turn], *, explain: bool = False) -> list[Understanding]:
        """Understand turns, each on its own; nothing is decided or stored.

        Args:
            turns: what customers gave.
            explain: also find the evidence, which costs about as much again as understanding typed words.
        """
        with self._models:
            torch.set_num_threads(self.parts.settings.threads)  # holds for the thread that calls
            return self._understander.understand(turns, explain=explain)

    def respond(self, turn: Turn, *, speak: bool = True, explain: bool = False) -> Reply:
        """Answer one turn of a call.

        Args:
            turn: its `call_id` ties it to the turns before; without one it is a call of its own.
            speak: also say the words in the agent's voice.
            explain: also find the evidence for what was understood.

        Raises:
            PackError: the pack has no flows, so it can understand but not answer.
        """
        if self.manager is None:
            raise PackError(f"the pack {self.parts.pack.name!r} has no flows.toml: it can understand, but not answer")
        started = time.perf_counter()
        understanding = self.understand([turn], explain=explain)[0]
        answer = self.manager.turn(turn.call_id or f"single-{uuid.uuid4().hex}", understanding, turn.channel)
        timings = {**understanding.timings_ms, **answer.timings_ms}
        audio = None
        if speak and answer.text:
            spoken = time.perf_counter()
            audio = self.say(answer.text)
            timings["speak"] = 1000 * (time.perf_counter() - spoken)
        timings["total"] = 1000 * (time.perf_counter() - started)
        return Reply(
            answer.text, answer.action, understanding, audio, answer.events, answer.changes, answer.reason, timings
        )

    def say(self, text: str) -> Audio:
        """Words in the agent's voice."""
        return self.parts.voice.speak(text)

    def warm(self, *, audio: bool = True, image: bool = True, explain: bool = False) -> None:
        """Load the models now rather than at the first turn that needs them.

        What is loaded by then is no longer looked through for garbage (`gc.freeze`): a full look stops every call of
        the process for a tenth of a second.
        """
        self.understand([Turn(text="hello")], explain=explain)
        self.parts.voice.speak("Hello.")
        if self.manager is not None and self.manager.articles is not None:
            self.manager.articles.search("opening hours")
        if audio:
            _ = self.parts.speech, self.parts.segmenter
        if image:
            _ = self.parts.vision, self.parts.reader
        gc.collect()
        gc.freeze()

    def close(self) -> None:
        """Let go of the store."""
        if self.manager is not None:
            self.manager.store.close()


def build(
    stack: str = "embedded",
    domain: str = "retail",
    *,
    clock: Callable[[], dt.date] = dt.date.today,
    **overrides: str,
) -> Agent:
    """Put an agent together. Models are loaded when first needed.

    Args:
        stack: a name in agent/stacks or the path of a TOML file.
        domain: a pack's name or folder.
        clock: the day it is, for relative dates and the shop's rules.
        overrides: `device`, `store_url`, `fusion_weights` in place of what the stack says.

    Raises:
        ConfigError: no such stack, or something wrong in it.
        PackError: no such pack, or something wrong in it.
        DeviceError: the stack's device is not here.
    """
    settings = load_settings(stack, **overrides)
    pack = Pack.load(domain)
    products = pack.root / "knowledge" / "products.ttl"
    graph = ProductGraph(products) if products.is_file() else None
    parts = Parts(settings, pack, [product.name for product in graph.products()] if graph else ())
    understander = Understander(parts, product_names(graph) if graph else None, clock)
    manager = _manager(parts, graph or NoProducts(), clock) if (pack.root / "flows.toml").is_file() else None
    return Agent(parts, understander, manager)


def product_names(graph: ProductGraph) -> Names:
    """What customers call the products: names and aliases -> product id."""
    names = {name.lower(): product.id for product in graph.products() for name in product.aliases}
    return Names(names | {product.name.lower(): product.id for product in graph.products()})


def _manager(parts: Parts, graph: Catalogue, clock: Callable[[], dt.date]) -> Manager:
    pack = parts.pack
    store = Store(parts.settings.store_url.replace("{domain}", pack.name))
    with store.session() as session:
        empty = session.scalar(select(Customer.id).limit(1)) is None
    if empty:
        logger.info("the shop's database is new: filling it with made-up customers and orders")
        seed(store, graph, orders=ORDERS if graph.products() else 0, today=clock())
    flows = Flows.load(pack.root / "flows.toml", pack.intents, pack.entities, OPERATIONS)
    backend = ShopBackend(store, graph, clock, flows.checks, flows.requests)
    replies = Replies.load(pack.root / "replies.toml", flows.keys, flows.flows, clock)
    articles = Articles(pack.root / "knowledge", lambda texts: parts.search_text.pool(texts))
    asked = parts.settings.rephrase
    rephrase = Rephraser(asked["url"], asked.get("model", ""), asked.get("key", "")) if asked.get("url") else None
    return Manager(flows, replies, backend, articles, store, rephrase=rephrase)

"""A language model at any OpenAI-compatible endpoint may reword a reply, and nothing else.

It sees only the reply. What comes back is taken only when its facts - ids, numbers, money, days, names, addresses,
negations, whether it asks - are those of the reply; otherwise, and when it takes too long, the reply stays as it was.
Chat completions: https://platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

import json
import logging
import re
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError

from agent.errors import ConfigError

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.8
LONGEST_ANSWER = 64_000
"""Bytes of an answer that are read."""

GROWTH = 1.6
"""How much longer than the reply its rewording may be."""

ORDER = (
    "Reword this message of a shop's service agent so that it sounds natural and friendly. Keep every fact, number, "
    "name and negation as it is, keep a question a question, add nothing. Answer with the message alone."
)
_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_FACT = re.compile(r"[\w.+-]+@[\w.-]+\w|\$?\w*\d(?:[\w,.:/-]*\w)?%?")
_NEGATION = re.compile(r"\b(?:no|not|never|nothing|nobody|none|neither|nor|without|cannot|unable|\w+n[’']t)\b", re.I)
_NAME = re.compile(r"(?<![.?!:;] )(?<!^)\b[A-Z][a-z]+\b")
_WORD = re.compile(r"[\w'’@.-]+")


class Rephraser:
    """Asks the endpoint, and believes nothing it says about facts.

    Args:
        url: the endpoint's base, such as http://127.0.0.1:8000/v1.
        model: the model's name there.
        key: sent as a bearer token where given.
        timeout: seconds in all.

    Raises:
        ConfigError: the URL is none of http or https.
    """

    def __init__(self, url: str, model: str, key: str = "", *, timeout: float = TIMEOUT_SECONDS) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError(
                f"the rephrasing endpoint {url!r} is no http URL; write one like http://127.0.0.1:8000/v1"
            )
        self._url, self._model, self._timeout = f"{url.rstrip('/')}/chat/completions", model, timeout
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        # A read may outlast the socket's own time limit by trickling in, so it is waited for from outside.
        self._workers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="rephrase")

    def __call__(self, text: str) -> str:
        """The text reworded, or as it was."""
        if not text.strip():
            return text
        try:
            reworded = self._workers.submit(self._ask, text).result(self._timeout)
        except (LateError, urllib.error.URLError, OSError, ValueError, LookupError, TypeError) as error:
            log.warning("rephrasing failed (%s): the template stands", type(error).__name__)
            return text
        if not same_facts(text, reworded):
            log.warning("a rewording changed the facts: the template stands")
            return text
        return reworded

    def _ask(self, text: str) -> str:
        asked = [{"role": "system", "content": ORDER}, {"role": "user", "content": text}]
        body = json.dumps({"model": self._model, "messages": asked, "temperature": 0.7, "max_tokens": 300}).encode()
        request = urllib.request.Request(self._url, body, self._headers)
        with urllib.request.urlopen(request, timeout=self._timeout) as answer:
            found = json.loads(answer.read(LONGEST_ANSWER))
        content = found["choices"][0]["message"]["content"]
        if not isinstance(content, str):
            raise ValueError("the endpoint answered with no text")
        return " ".join(content.split())


def same_facts(text: str, reworded: str) -> bool:
    """Whether a rewording tells what the text tells: no fact more, less or other."""
    if not reworded or len(reworded) > GROWTH * len(text) + 20:
        return False
    return facts(text) == facts(reworded) and names(text) <= words(reworded) and names(reworded) <= words(text)


def facts(text: str) -> tuple[Counter[str], int, bool]:
    """Ids, numbers, money, days and addresses; how many negations; whether it asks something."""
    spelled = [w for w in re.findall(r"[a-z]+", text.lower()) if w in _NUMBER_WORDS and w != "one"]
    found = Counter(match.strip(".,").lower().replace(",", "") for match in _FACT.findall(text))
    return found + Counter(str(_NUMBER_WORDS.index(w)) for w in spelled), len(_NEGATION.findall(text)), "?" in text


def names(text: str) -> frozenset[str]:
    """Words with a capital letter inside a sentence: people, products, months, towns."""
    return frozenset(word.lower() for word in _NAME.findall(text))


def words(text: str) -> frozenset[str]:
    """Every word, in small letters."""
    return frozenset(word.lower().strip(".'’-") for word in _WORD.findall(text))

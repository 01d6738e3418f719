import gzip
import math
from collections import defaultdict
from pathlib import Path

import pytest

from modalities.errors import InputError, WeightsError
from modalities.speech.language_model import ARPA, META, WORDS, compile_model, fingerprint, is_current, pronounce, tidy
from modalities.speech.pronunciation import guess, to_arpabet

SENTENCES = ["where is my order", "where is my refund", "my order is late", "cancel my order", "yes", "is it late"]


def read_arpa(folder: Path) -> list[dict[tuple[str, ...], tuple[float, float]]]:
    """The grams of each order: words -> (probability, backoff weight)."""
    text = gzip.decompress((folder / ARPA).read_bytes()).decode()
    found: list[dict[tuple[str, ...], tuple[float, float]]] = []
    for line in text.splitlines():
        if line.endswith("-grams:"):
            found.append({})
        elif found and line and not line.startswith("\\"):
            probability, *rest = line.split()
            words = tuple(rest[: len(found)])
            backoff = float(rest[len(found)]) if len(rest) > len(found) else 0.0
            found[-1][words] = (10 ** float(probability), 10**backoff)
    return found


def test_probabilities_sum_to_one_after_every_history(tmp_path: Path) -> None:
    grams = read_arpa(compile_model(SENTENCES, tmp_path))
    words = [w for (w,) in grams[0] if w != "<s>"]

    def probability(history: tuple[str, ...], word: str) -> float:
        gram = (*history, word)
        if gram in grams[len(history)]:
            return grams[len(history)][gram][0]
        weight = grams[len(history) - 1].get(history, (0, 1.0))[1]
        return weight * probability(history[1:], word)

    histories = [gram for order in grams[:2] for gram in order if gram[-1] != "</s>"]
    assert len(histories) > 10
    for history in [(), *histories]:
        assert math.isclose(sum(probability(history, word) for word in words), 1.0, abs_tol=2e-3), history


def test_what_was_said_is_likelier_than_what_was_not(tmp_path: Path) -> None:
    grams = read_arpa(compile_model(SENTENCES, tmp_path))
    after: dict[str, dict[str, float]] = defaultdict(dict)
    for (one, two), (probability, _) in grams[1].items():
        after[one][two] = probability
    assert after["my"]["order"] > after["my"]["refund"]
    assert after["<s>"]["where"] > after["<s>"]["yes"]


def test_same_sentences_same_bytes(tmp_path: Path) -> None:
    one, two = compile_model(SENTENCES, tmp_path / "a"), compile_model(SENTENCES, tmp_path / "b")
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in (ARPA, WORDS, META))


def test_dictionary_holds_the_words_used_and_marks_sound_like_their_word(tmp_path: Path) -> None:
    compile_model(["order k~a1 four~a2 four~a3", "call four"], tmp_path)
    lines = (tmp_path / WORDS).read_text().splitlines()
    said = {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in lines}
    assert {word.partition("(")[0] for word in said} == {"order", "k~a1", "four~a2", "four~a3", "call", "four"}
    assert said["four~a2"] == said["four~a3"] == said["four"] == "F AO R"


def test_given_pronunciations_go_first_and_are_checked(tmp_path: Path) -> None:
    assert pronounce(["order"], {"order": ("AO R D",)}) == {"order": ("AO R D",)}
    with pytest.raises(InputError, match=r"'order' has unknown phones \['QQ'\]"):
        compile_model(SENTENCES, tmp_path, pronunciations={"order": ["AO QQ"]})


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("callsight", "K AO L S AY T"),
        ("beanies", "B IY N IY Z"),
        ("anorak", "AE N AH R AE K|AE N AO R AE K|AE N ER AE K"),
    ],
)
def test_unknown_words_are_said_as_espeak_says_them(word: str, phones: str) -> None:
    assert guess([word])[0] in phones.split("|")


def test_ipa_becomes_arpabet() -> None:
    assert to_arpabet("ˈtʃɛɹi") == "CH EH R IY"
    assert to_arpabet("θɹˈiː") == "TH R IY"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Where's my order, please?", ["where's", "my", "order", "please"]),
        ("T-shirt — 'quoted'", ["t", "shirt", "quoted"]),
        ("don’t", ["don't"]),
        ("four~a2", ["four~a2"]),
        ("...", []),
    ],
)
def test_tidy(text: str, words: list[str]) -> None:
    assert tidy(text) == words


def test_no_sentences_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one sentence"):
        compile_model(["", "!!"], tmp_path)


def test_a_model_knows_what_it_was_made_from(tmp_path: Path) -> None:
    wanted = fingerprint(b"examples", b"products")
    assert wanted != fingerprint(b"examplesproducts", b"") != fingerprint(b"examples", b"other")
    assert not is_current(tmp_path, wanted)
    compile_model(SENTENCES, tmp_path, fingerprint=wanted)
    assert is_current(tmp_path, wanted)
    assert not is_current(tmp_path, fingerprint(b"other"))
    (tmp_path / META).write_text("{")
    assert not is_current(tmp_path, wanted)


@pytest.mark.parametrize("name", [ARPA, WORDS, META])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    from modalities.speech.language_model import read_meta

    compile_model(SENTENCES, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(WeightsError, match=name):
        read_meta(tmp_path)


def test_a_short_unknown_word_is_known_by_its_letters_too() -> None:
    ways = pronounce(["apr", "kalsite"], {})
    assert ways["apr"][-1] == "EY P IY AA R"
    assert len(ways["kalsite"]) == 1

import random

from training.augment import Rates, augment

TEXT = "Hi, please cancel my order K482137 and send it to 12 Main St., to ana@x.com!"
WORDS = ("K482137", "12 Main St.", "ana@x.com")


def test_spans_stay_on_their_words() -> None:
    spans = tuple(("x", TEXT.index(word), TEXT.index(word) + len(word)) for word in WORDS)
    rng = random.Random(1)
    changed = 0
    for _ in range(500):
        text, moved = augment(TEXT, spans, rng, Rates(0.3, 0.8, 0.8, 0.5))
        changed += text != TEXT
        found = [text[a:b].lower().replace(".", " ").strip() for _, a, b in moved]
        assert found == ["k482137", "12 main st", "ana@x com"]
    assert changed > 400


def test_nothing_to_change_is_fine() -> None:
    assert augment("", (), random.Random(0)) == ("", ())

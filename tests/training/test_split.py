import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training import near
from training.near import near_duplicate_groups
from training.rows import Row
from training.split import links_of, split, split_rows, tie

SENTENCES = [
    f"{verb} my {thing} number {i}"
    for i, thing in enumerate(["order", "parcel", "refund", "invoice"] * 6)
    for verb in ("cancel", "track", "show", "find")
]
WORDS = "cancel track order parcel refund invoice late broken tomorrow number please again".split()


def test_near_duplicates_share_a_group() -> None:
    groups = near_duplicate_groups(["where is my order", "Where is my order?", "I want to close my account"])
    assert groups[0] == groups[1] != groups[2]


def test_an_article_more_is_a_near_duplicate_and_another_wish_is_not() -> None:
    texts = [
        "I would like to return the shoes that I bought last week",
        "I would like to return shoes that I bought last week",
        "I would like to know when my refund arrives",
        *SENTENCES,
    ]
    groups = near_duplicate_groups(texts)
    assert groups[0] == groups[1] != groups[2]


def test_blank_texts_are_nobodys_duplicates_but_signs_are_their_own() -> None:
    groups = near_duplicate_groups(["", " ", "", "???", "???", "!", "hello"])
    assert len(set(groups)) == 6
    assert groups[3] == groups[4]


def test_groups_are_those_of_comparing_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(WORDS, size=rng.integers(4, 9))) for _ in range(150)]
    texts += [f"{text} {rng.choice(WORDS)}" for text in texts]
    matrix = near._vectors(texts)
    pairs = np.argwhere((matrix @ matrix.T).toarray() >= near.NEAR)
    expected = tie([[("pair", *sorted(pair)) for pair in pairs.tolist() if row in pair] for row in range(len(texts))])
    assert 1 < len(set(expected)) < len(texts) - 10
    for tile in (near.TILE, 64):
        monkeypatch.setattr(near, "TILE", tile)
        found = near_duplicate_groups(texts)
        assert len(set(zip(found, expected, strict=True))) == len(set(found)) == len(set(expected))


def test_very_many_duplicates_are_found_without_comparing_all_their_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    common = "please tell me where my order is, it was promised for last week, nobody called and the shop is closed"
    texts = [f"{common} {letter}" for letter in "abcdefghijkl"]
    expected = near_duplicate_groups(texts)
    monkeypatch.setattr(near, "MOST", 5)
    assert near_duplicate_groups(texts) == expected == [expected[0]] * len(texts)


def test_no_group_is_torn_apart() -> None:
    texts = [*SENTENCES, *(f"{sentence}!" for sentence in SENTENCES)]
    labels = [text.split()[0] for text in texts]
    parts = split(texts, labels, (0.5, 0.5), seed=3)
    groups = near_duplicate_groups(texts)
    assert not {groups[i] for i in parts[0]} & {groups[i] for i in parts[1]}
    assert sorted(i for part in parts for i in part) == list(range(len(texts)))


def test_same_seed_same_split_other_seed_another() -> None:
    labels = [text.split()[0] for text in SENTENCES]
    assert split(SENTENCES, labels, seed=1) == split(SENTENCES, labels, seed=1)
    assert split(SENTENCES, labels, seed=1) != split(SENTENCES, labels, seed=2)


def test_each_part_gets_its_share_of_every_label() -> None:
    sizes = {"common": 200, "usual": 60, "rare": 10, "rarer": 5}
    labels = [(name,) for name, count in sizes.items() for _ in range(count)] + [("common", "rare")] * 10
    texts = [f"{np.random.default_rng(i).bytes(12).hex()}" for i in range(len(labels))]
    parts = split(texts, labels, (0.6, 0.2, 0.2))
    for name, total in Counter(name for label in labels for name in label).items():
        held = [sum(name in labels[i] for i in part) for part in parts]
        assert held == pytest.approx([0.6 * total, 0.2 * total, 0.2 * total], abs=1), name


def test_labels_too_rare_to_be_divided_are_spread_over_the_parts_all_the_same() -> None:
    labels = [f"label {i // 2}" for i in range(200)]
    texts = [f"{np.random.default_rng(i).bytes(12).hex()}" for i in range(len(labels))]
    assert [len(part) for part in split(texts, labels)] == pytest.approx([140, 30, 30], abs=8)


def test_a_group_that_swallows_the_rows_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        split(SENTENCES, ["a"] * len(SENTENCES), links=[["one"]] * 40 + [[]] * (len(SENTENCES) - 40))
    assert "40 of 96 rows (42%, from row 1 on) are tied into one group" in caplog.text
    caplog.clear()
    split(SENTENCES, ["a"] * len(SENTENCES))
    assert not caplog.text


def test_the_same_photo_under_another_name_is_a_link(tmp_path: Path) -> None:
    for name, content in {"a.png": b"one", "b.png": b"one", "c.png": b"two", "d.png": b"three"}.items():
        (tmp_path / name).write_bytes(content)
    rows = [Row("", photo=tmp_path / name) for name in ("a.png", "b.png", "c.png", "d.png", "a.png", "gone.png")]
    rows.append(Row("", audio=tmp_path / "c.png"))
    assert tie(links_of(rows)) == [0, 0, 2, 3, 0, 5, 2]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(WORDS), max_size=4),
            st.none() | st.sampled_from("abcde"),
            st.sampled_from([None, (), ("x",), ("y",), ("x", "y")]),
        ),
        max_size=30,
    ),
    st.integers(0, 3),
)
def test_any_rows_are_split_whole_without_leaks_and_the_same_again(
    rows: list[tuple[list[str], str | None, tuple[str, ...] | None]], seed: int
) -> None:
    made = [Row(" ".join(words), intents, group=person) for words, person, intents in rows]
    texts, labels = [row.text for row in made], [row.intents for row in made]
    parts = split(texts, labels, seed=seed, links=links_of(made))
    assert sorted(i for part in parts for i in part) == list(range(len(made)))
    part_of = {i: number for number, part in enumerate(parts) for i in part}
    groups = near_duplicate_groups(texts)
    for i, one in enumerate(made):
        for j, other in enumerate(made[:i]):
            if groups[i] == groups[j] or (one.group is not None and one.group == other.group):
                assert part_of[i] == part_of[j]
    assert split_rows(made, seed=seed) == [[made[i] for i in part] for part in parts]

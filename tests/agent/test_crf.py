from itertools import pairwise, product

import numpy as np
import pytest
import torch

from agent.crf import FloatArray, LinearChainCRF, best_paths, marginals
from agent.decode import Tagged, decode_tags
from agent.heads import Labels

TAGS, LENGTH, IGNORED = 3, 4, -100


@pytest.fixture
def crf() -> LinearChainCRF:
    made = LinearChainCRF(TAGS)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return made


@torch.no_grad()
def every(crf: LinearChainCRF, scores: torch.Tensor) -> dict[tuple[int, ...], float]:
    """The score of each sequence of tags."""
    return summed(crf.first.numpy(), crf.follow.numpy(), scores)


def ruled(crf: LinearChainCRF, scores: torch.Tensor) -> dict[tuple[int, ...], float]:
    """The score of each sequence of tags, those that break the rules far below."""
    transitions = crf.transitions()
    return summed(transitions.first, transitions.follow, scores)


def summed(first: FloatArray, follow: FloatArray, scores: torch.Tensor) -> dict[tuple[int, ...], float]:
    found = {}
    for tags in product(range(TAGS), repeat=len(scores)):
        steps = sum(float(follow[a, b]) for a, b in pairwise(tags))
        found[tags] = float(first[tags[0]]) + steps + sum(float(scores[i, tag]) for i, tag in enumerate(tags))
    return found


def test_the_loss_is_that_of_counting_every_sequence(crf: LinearChainCRF) -> None:
    scores = 3 * torch.randn(2, LENGTH + 2, TAGS)
    tags = torch.tensor([[IGNORED, 0, 1, 2, 2, IGNORED], [IGNORED, 1, 0, IGNORED, IGNORED, IGNORED]])
    wanted = 0.0
    for row, known in ((0, slice(1, 5)), (1, slice(1, 3))):
        table = every(crf, scores[row, known])
        total = np.logaddexp.reduce(list(table.values()))
        wanted += float(total) - table[tuple(tags[row, known].tolist())]
    assert crf.loss(scores, tags, IGNORED).item() == pytest.approx(wanted / 6, rel=1e-4)


def test_rows_without_tags_change_nothing(crf: LinearChainCRF) -> None:
    scores = torch.randn(3, LENGTH, TAGS, requires_grad=True)
    tags = torch.randint(TAGS, (3, LENGTH))
    tags[1] = IGNORED
    loss = crf.loss(scores, tags, IGNORED)
    assert loss.item() == pytest.approx(crf.loss(scores[[0, 2]], tags[[0, 2]], IGNORED).item())
    (gradient,) = torch.autograd.grad(loss, scores)
    assert not gradient[1].any()


def test_marginals_are_those_of_counting_every_sequence(crf: LinearChainCRF) -> None:
    scores = 2 * torch.randn(LENGTH, TAGS)
    table = ruled(crf, scores)
    total = np.logaddexp.reduce(list(table.values()))
    wanted = np.zeros((LENGTH, TAGS))
    for tags, score in table.items():
        wanted[range(LENGTH), tags] += np.exp(score - total)
    np.testing.assert_allclose(marginals([scores.numpy()], crf.transitions())[0], wanted, atol=1e-5)


def test_the_best_path_is_the_highest_of_every_sequence(crf: LinearChainCRF) -> None:
    for scores in 2 * torch.randn(20, LENGTH, TAGS):
        table = ruled(crf, scores)
        assert tuple(best_paths([scores.numpy()], crf.transitions())[0]) == max(table, key=lambda tags: table[tags])
    assert best_paths([scores[:1].numpy()], crf.transitions())[0].shape == (1,)


@torch.no_grad()
def test_what_cannot_follow_is_never_read(crf: LinearChainCRF) -> None:
    for alone in (False, True):
        crf.alone[:] = alone
        for scores in 5 * torch.randn(60, LENGTH, TAGS):
            path = best_paths([scores.numpy()], crf.transitions())[0].tolist()
            assert path[0] != 2
            for before, after in pairwise(path):
                assert (before, after) != (0, 2), "goes on without having begun"
                assert not (alone and before and after == 1), "of this type, none stand side by side"
            chances = marginals([scores.numpy()], crf.transitions())[0]
            assert chances[0, 2] == 0.0


@torch.no_grad()
def test_within_a_word_nothing_begins_or_ends(crf: LinearChainCRF) -> None:
    joined = [False, True, False, True]
    for scores in 5 * torch.randn(60, LENGTH, TAGS):
        path = best_paths([scores.numpy()], crf.transitions(), [joined])[0]
        for i in (1, 3):
            assert (path[i - 1] == 0) == (path[i] == 0)
            assert path[i] != 1
        allowed = {
            tags: score
            for tags, score in ruled(crf, scores).items()
            if all((tags[i - 1] == 0) == (tags[i] == 0) and tags[i] != 1 for i in (1, 3))
        }
        assert tuple(path) == max(allowed, key=lambda tags: allowed[tags])


def test_sentences_side_by_side_are_read_as_each_alone(crf: LinearChainCRF) -> None:
    rng = np.random.default_rng(7)
    sentences = [3 * rng.normal(size=(n, TAGS)) for n in rng.integers(1, 40, 300)]
    joined = [[False, *(rng.random(len(scores) - 1) < 0.3).tolist()] for scores in sentences]
    rules = crf.transitions()
    paths, chances = best_paths(sentences, rules, joined), marginals(sentences, rules)
    for scores, within, path, found in zip(sentences, joined, paths, chances, strict=True):
        np.testing.assert_array_equal(path, best_paths([scores], rules, [within])[0])
        np.testing.assert_allclose(found, marginals([scores], rules)[0], atol=1e-9)
    assert best_paths([], rules) == marginals([], rules) == []


def test_long_and_extreme_sentences_stay_finite(crf: LinearChainCRF) -> None:
    scores = 60 * torch.randn(1, 500, TAGS)
    found = marginals([scores[0].numpy()], crf.transitions())[0]
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)
    assert torch.isfinite(crf.loss(scores, scores.argmax(dim=-1), IGNORED))
    assert crf.loss(scores, torch.full((1, 500), IGNORED), IGNORED).item() == 0.0


def test_a_tag_is_read_with_its_neighbours() -> None:
    labels, crf = Labels((), ("name",)), LinearChainCRF(TAGS)
    scores = np.array([[0.0, 3.0, 0.0], [1.5, 0.0, 1.0], [0.0, 2.0, 1.9]], np.float32)
    places, text = [(0, 1), (2, 3), (4, 5)], "a b c"
    (alone,) = decode_tags([Tagged(scores, places, text)], labels, crf.transitions())
    assert [span[1:3] for span in alone] == [(0, 1), (4, 5)]
    with torch.no_grad():
        crf.follow[1, 2] = crf.follow[2, 2] = 2.0  # names are long
    (together,) = decode_tags([Tagged(scores, places, text)], labels, crf.transitions())
    assert [span[1:3] for span in together] == [(0, 5)]

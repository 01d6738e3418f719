"""Vectors of one intent are drawn together, also across batches; what means several or nothing is left out."""

import torch

from training.contrast import RECENT, Contrast

ONE = torch.eye(3)


def test_vectors_of_one_intent_side_by_side_cost_less() -> None:
    meant = ONE[[0, 0, 1, 1]]
    apart = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    together = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    assert Contrast().loss(together, meant) < 0.1 < Contrast().loss(apart, meant)


def test_length_does_not_count() -> None:
    meant, vectors = ONE[[0, 0, 1]], torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(Contrast().loss(vectors, meant), Contrast().loss(9 * vectors, meant))


def test_earlier_batches_are_compared_with_until_forgotten() -> None:
    contrast = Contrast()
    first, second = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True)
    assert float(contrast.loss(first, ONE[[0, 1]])) == 0.0, "nobody has a partner yet"
    loss = contrast.loss(second, ONE[[0, 1]])
    assert float(loss.detach()) > 1
    torch.autograd.backward(loss)
    assert second.grad is not None
    contrast.forget()
    assert float(contrast.loss(second.detach(), ONE[[0, 1]])) == 0.0


def test_rows_of_several_intents_or_none_are_left_out() -> None:
    vectors = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    meant = torch.stack([ONE[0], ONE[0], ONE[0] + ONE[1], torch.zeros(3)])
    torch.testing.assert_close(Contrast().loss(vectors, meant), Contrast().loss(vectors[:2], meant[:2]))
    assert float(Contrast().loss(vectors[2:], meant[2:])) == 0.0
    assert float(Contrast().loss(vectors[:0], meant[:0])) == 0.0


def test_no_more_than_the_recent_ones_are_kept() -> None:
    contrast, vectors = Contrast(), torch.randn(600, 2)
    for _ in range(6):
        contrast.loss(vectors, ONE[torch.arange(600) % 3])
    assert contrast._vectors is not None
    assert len(contrast._vectors) == RECENT

"""A turn means what the rows most like it mean, as far as the memory counts."""

import torch

from agent.fusion import FusionConfig, ModalityBatch
from agent.heads import Labels, UnderstandingModel
from agent.memory import Memory

POOLED = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.1, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, -3.0]])
INTENTS = torch.tensor([0, 0, 1, 2])


def test_the_nearest_rows_decide_whatever_their_length() -> None:
    memory = Memory.filled(POOLED, INTENTS).tuned(0.5, 40.0)
    asked = torch.tensor([[5.0, 0.2, 0.0], [0.0, 0.1, 0.0], [0.1, 0.1, -9.0]])
    chances = memory.chances(asked, 4)
    assert chances.argmax(dim=1).tolist() == [0, 1, 2]
    torch.testing.assert_close(chances.sum(dim=1), torch.ones(3))
    assert float(chances[:, 3].sum()) == 0.0


def test_scores_become_the_mixture_and_keep_their_height() -> None:
    memory = Memory.filled(POOLED, INTENTS)
    scores, asked = torch.tensor([[2.0, 1.5, -1.0]]), torch.tensor([[0.0, 1.0, 0.1]])
    assert torch.equal(memory.tuned(0.0, 40.0)(scores, asked), scores)
    mixed = memory.tuned(0.25, 40.0)(scores, asked)
    torch.testing.assert_close(mixed.logsumexp(1), scores.logsumexp(1))
    expected = 0.75 * scores.softmax(1) + 0.25 * memory.chances(asked, 3)
    torch.testing.assert_close(mixed.softmax(1), expected)
    assert int(memory.tuned(0.5, 40.0)(scores, asked).argmax()) == 1, "the head alone says 0"


def test_a_model_asks_its_memory_and_rejection_does_not() -> None:
    torch.manual_seed(0)
    model = UnderstandingModel(FusionConfig({"text": 8}, width=16, layers=1, heads=2), Labels(("a", "b"), ())).eval()
    batch = {"text": ModalityBatch(torch.randn(4, 3, 8), torch.ones(4, 3, dtype=torch.bool))}
    plain = model(batch)
    other = 1 - plain.intents.argmax(dim=1)
    model.remember(Memory.filled(plain.pooled, other).tuned(0.9, 200.0))
    asked = model(batch)
    assert torch.equal(asked.intents.argmax(dim=1), other)
    torch.testing.assert_close(asked.out_of_scope, plain.out_of_scope)
    torch.testing.assert_close(asked.pooled, plain.pooled)

import random
from pathlib import Path

import torch

from agent.crf import LinearChainCRF
from agent.fusion import FusionConfig
from agent.heads import Labels, Logits, UnderstandingModel
from modalities.text import TextEncoder
from tests.tiny import tiny_text_encoder
from training.batches import Batches, Material, Mixture
from training.rows import Row
from training.targets import IGNORED, TELLING, alone, loss_of, tag_ids, targets_of

CRF = LinearChainCRF(5)
LABELS = Labels(("track", "cancel"), ("order_id", "date"))


def test_tags_follow_the_spans() -> None:
    offsets = [(0, 0), (0, 6), (7, 9), (9, 14), (15, 23), (0, 0)]
    names = ["-" if i == IGNORED else LABELS.tags[i] for i in tag_ids((("order_id", 7, 14),), offsets, LABELS)]
    assert names == ["-", "O", "B-order_id", "I-order_id", "O", "-"]
    assert tag_ids(None, offsets, LABELS) == [IGNORED] * 6


def test_types_that_never_stand_side_by_side_are_known_from_enough_spans() -> None:
    far, near = (
        Row("k1 or k2", (), (("order_id", 0, 2), ("order_id", 6, 8))),
        Row("k1  k2", (), (("order_id", 0, 2), ("order_id", 4, 6))),
    )
    days = Row("may 1, k1", (), (("date", 0, 5), ("order_id", 7, 9)))
    assert alone([far] * TELLING, LABELS).tolist() == [True, False]
    assert alone([far] * (TELLING // 2 - 1), LABELS).tolist() == [False, False]
    assert alone([far] * TELLING + [near], LABELS).tolist() == [False, False]
    assert alone([days] * TELLING, LABELS).tolist() == [True, True]


def test_most_rows_with_entities_are_read_as_they_came(tmp_path: Path) -> None:
    rows = [
        Row("track the order k1 please", ("track",), (("order_id", 16, 18),)),
        Row("cancel the order", ("cancel",), ()),
    ]
    encoder = TextEncoder(str(tiny_text_encoder(tmp_path / "encoder")))
    mixture = Mixture(compose=0, twice=0, story=0)
    batches, rng = Batches(Material(rows), mixture, encoder, LABELS), random.Random(0)
    same = [sum(batches._changed(row, rng) == row for _ in range(400)) / 400 for row in rows]
    assert same[0] > mixture.untouched - 0.05
    assert same[1] < mixture.untouched - 0.1


def logits(intents: list[list[float]], scope: list[float]) -> Logits:
    """Scores of a batch; more than one high intent counts as several."""
    found = torch.tensor(intents)
    several = torch.where((found > 0).sum(dim=1) > 1, 5.0, -5.0)
    return Logits(
        torch.zeros(len(intents), 2), found, torch.tensor(scope), several, torch.zeros(len(intents), 3), {}, None, None
    )


def test_right_scores_cost_less() -> None:
    rows = [Row("a", ("track",)), Row("b", ("track", "cancel")), Row("c", ())]
    targets = targets_of(rows, {}, [None] * 3, [None] * 3, LABELS)
    right = loss_of(logits([[5.0, -5.0], [5.0, 5.0], [-5.0, -5.0]], [-5.0, -5.0, 5.0]), targets, CRF)
    wrong = loss_of(logits([[-5.0, 5.0], [5.0, -5.0], [5.0, -5.0]], [5.0, -5.0, -5.0]), targets, CRF)
    assert right < wrong / 4


def test_rows_without_labels_teach_nothing() -> None:
    targets = targets_of([Row("a")], {}, [None], [None], LABELS)
    model = UnderstandingModel(FusionConfig({"text": 4}, width=8, layers=1, heads=2), LABELS)
    assert float(loss_of(logits([[1.0, 2.0]], [3.0]), targets, model.crf)) == 0.0
    assert model.labels is LABELS

import torch

from agent.crf import LinearChainCRF
from agent.fusion import FusionConfig
from agent.heads import Labels, Logits, UnderstandingModel
from training.rows import Row
from training.targets import IGNORED, loss_of, tag_ids, targets_of

CRF = LinearChainCRF(5)
LABELS = Labels(("track", "cancel"), ("order_id", "date"))


def test_tags_follow_the_spans() -> None:
    offsets = [(0, 0), (0, 6), (7, 9), (9, 14), (15, 23), (0, 0)]
    names = ["-" if i == IGNORED else LABELS.tags[i] for i in tag_ids((("order_id", 7, 14),), offsets, LABELS)]
    assert names == ["-", "O", "B-order_id", "I-order_id", "O", "-"]
    assert tag_ids(None, offsets, LABELS) == [IGNORED] * 6


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

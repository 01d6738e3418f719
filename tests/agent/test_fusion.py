import numpy as np
import pytest
import torch

from agent.fusion import Fusion, FusionConfig, collate
from modalities.types import Encoding

CONFIG = FusionConfig({"text": 12, "ocr": 12, "image": 8}, width=16, layers=2, heads=2, dropout=0.0)


def encoding(kind: str, n: int, width: int, seed: int = 0) -> Encoding:
    rng = np.random.default_rng(seed)
    boxes = tuple(tuple(rng.random(4)) for _ in range(n)) if kind in ("ocr", "image") else ()
    return Encoding(kind, rng.standard_normal((n, width)).astype(np.float32), (), boxes)  # type: ignore[arg-type]


@pytest.fixture
def fusion() -> Fusion:
    torch.manual_seed(0)
    return Fusion(CONFIG).eval()


def test_padding_and_batch_mates_change_nothing(fusion: Fusion) -> None:
    short, long = encoding("text", 3, 12, 1), encoding("text", 9, 12, 2)
    alone = fusion({"text": collate([short])})
    together = fusion({"text": collate([short, long])})
    torch.testing.assert_close(alone.pooled[0], together.pooled[0])
    torch.testing.assert_close(alone.tokens["text"][0], together.tokens["text"][0, :3])


def test_an_absent_modality_is_absent_not_zeros(fusion: Fusion) -> None:
    text, image = encoding("text", 4, 12), encoding("image", 4, 8)
    alone = fusion({"text": collate([text])}).pooled[0]
    beside_a_row_with_photo = fusion({"text": collate([text, text]), "image": collate([None, image])}).pooled
    torch.testing.assert_close(alone, beside_a_row_with_photo[0])
    assert not torch.allclose(alone, beside_a_row_with_photo[1])


def test_place_matters_for_print(fusion: Fusion) -> None:
    top = encoding("ocr", 2, 12)
    bottom = Encoding("ocr", top.vectors, (), ((0.0, 0.9, 1.0, 1.0),) * 2)
    above, below = (fusion({"ocr": collate([lines])}).tokens["ocr"] for lines in (top, bottom))
    assert not torch.allclose(above, below)


def test_nothing_to_fuse_is_an_error(fusion: Fusion) -> None:
    with pytest.raises(ValueError, match="nothing to fuse"):
        fusion({})


def test_unknown_modality_is_named() -> None:
    with pytest.raises(ValueError, match="smell"):
        Fusion(FusionConfig({"smell": 4}))


def test_collate_of_nothing_is_none() -> None:
    assert collate([None, None]) is None

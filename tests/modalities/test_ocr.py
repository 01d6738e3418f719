from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
import zxingcpp
from PIL import Image as pil

from modalities.errors import InputError, WeightsError
from modalities.leveling import Corners
from modalities.ocr import Reader, _Piece, _reading_order, _within, quarter_turns, read_barcodes, rows, turn_box
from modalities.types import Image, TextLine
from training.draw import draw_receipt, photograph, receipt_details


def placed(text: str, x: float, y: float, width: float = 100, height: float = 20, tilt: float = 0.0) -> _Piece:
    """A piece of print on paper that is turned clockwise by `tilt` degrees around the photo's corner."""
    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], dtype=float)
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    return _Piece(text, corners @ np.array([[cos, sin], [-sin, cos]]), 0.9)


def line(text: str, x0: float, y0: float, x1: float, y1: float) -> TextLine:
    return TextLine(text, (x0, y0, x1, y1), 0.9)


@pytest.mark.parametrize("tilt", [-12.0, -4.0, 0.0, 4.0, 12.0])
def test_reading_order_goes_by_rows_even_on_tilted_paper(tilt: float) -> None:
    table = ["SHOP", "tea", "2.50", "milk", "1.00", "TOTAL", "3.50"]
    spots = [(200, 0), (0, 40), (500, 42), (0, 80), (500, 78), (0, 120), (500, 121)]
    pieces = [placed(text, x, y, tilt=tilt) for text, (x, y) in zip(table, spots, strict=True)]
    shuffled = [pieces[i] for i in (4, 6, 0, 2, 5, 1, 3)]
    assert [piece.text for piece in _reading_order(shuffled)[0]] == table


@pytest.mark.parametrize("tilt", [-14.0, -5.0, 5.0, 14.0])
def test_rows_of_tilted_paper_stay_together(tilt: float) -> None:
    pieces = [
        placed(text, x, 40 * row, tilt=tilt) for row in range(8) for text, x in ((f"item {row}", 0), ("9.00", 500))
    ]
    ordered, straight = _reading_order(pieces)
    lines = [TextLine(p.text, (0, 0, 1, 1), 0.9, place) for p, place in zip(ordered, _within(straight), strict=True)]
    assert rows(lines) == tuple((2 * row, 2 * row + 1) for row in range(8))


def test_rows_seen_from_the_side_stay_together() -> None:
    def seen(corners: Corners) -> Corners:
        sunk = corners[:, 0] * (0.12 - 0.0004 * corners[:, 1])
        return np.column_stack([corners[:, 0], corners[:, 1] + sunk])

    flat = [placed(text, x, 40 * row) for row in range(12) for text, x in ((f"item {row}", 0), ("9.00", 500))]
    pieces = [_Piece(p.text, seen(p.corners), 0.9) for p in flat]
    ordered, straight = _reading_order(pieces)
    lines = [TextLine(p.text, (0, 0, 1, 1), 0.9, place) for p, place in zip(ordered, _within(straight), strict=True)]
    assert rows(lines) == tuple((2 * row, 2 * row + 1) for row in range(12))


def test_rows_join_pieces_side_by_side_and_nothing_else() -> None:
    lines = [
        line("SHOP", 0.4, 0.00, 0.6, 0.04),
        line("tea", 0.0, 0.10, 0.2, 0.14),
        line("2.50", 0.8, 0.11, 0.9, 0.15),
        line("milk", 0.0, 0.20, 0.2, 0.24),
        line("cold", 0.0, 0.23, 0.2, 0.27),
    ]
    assert rows(lines) == ((0,), (1, 2), (3,), (4,))
    assert rows([]) == ()


TABLE = (
    line("HARBOR LANE", 0.3, 0.0, 0.7, 0.04),
    line("Rain jacket", 0.0, 0.1, 0.4, 0.14),
    line("79.90", 0.8, 0.1, 0.9, 0.14),
    line("Total amount", 0.0, 0.2, 0.4, 0.24),
    line("79.90", 0.8, 0.2, 0.9, 0.24),
)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_rows_are_found_whichever_way_the_photo_is_turned(turns: int) -> None:
    lines = [TextLine(found.text, turn_box(found.box, turns), found.confidence) for found in TABLE]
    assert quarter_turns(lines) == -turns % 4
    assert rows(lines) == ((0,), (1, 2), (3, 4))


def test_turning_a_box_goes_clockwise_and_comes_round() -> None:
    box = (0.1, 0.2, 0.3, 0.6)
    assert turn_box(box, 1) == pytest.approx((0.4, 0.1, 0.8, 0.3))
    assert turn_box(turn_box(box, 3), -3) == pytest.approx(box)
    assert turn_box(box, 4) == box


@pytest.mark.parametrize("format_name", ["Code128", "QRCode"])
@pytest.mark.parametrize("turns", [0, 1, 2])
def test_barcodes_are_read_with_their_place(format_name: str, turns: int) -> None:
    code = zxingcpp.create_barcode("K123455", getattr(zxingcpp.BarcodeFormat, format_name))
    bars = np.array(zxingcpp.write_barcode_to_image(code, scale=4))
    page = np.full((600, 600), 255, np.uint8)
    page[50 : 50 + bars.shape[0], 40 : 40 + bars.shape[1]] = bars
    pixels = np.rot90(page, turns)
    (found,) = read_barcodes(Image(np.repeat(pixels[..., None], 3, axis=2).copy()))
    assert (found.text, found.format) == ("K123455", format_name)
    x0, y0, x1, y1 = (round(600 * v) for v in found.box)
    inside = pixels[y0:y1, x0:x1]
    assert (inside < 128).sum() > 0.7 * (page < 128).sum()


def test_no_barcode_where_there_is_none() -> None:
    assert read_barcodes(Image(np.full((300, 300, 3), 200, np.uint8))) == ()
    assert read_barcodes(Image(np.zeros((1, 1, 3), np.uint8))) == ()


def test_threads_are_checked() -> None:
    with pytest.raises(InputError, match="threads"):
        Reader(-1)


def test_missing_models_are_not_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.glob", lambda *_: iter(()))
    with pytest.raises(WeightsError, match="reinstall rapidocr"):
        Reader()


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(1)


@pytest.fixture(scope="module")
def paper() -> pil.Image:
    details = receipt_details(
        np.random.default_rng(5),
        shop="Harbor Lane Outfitters",
        day=date(2026, 3, 14),
        items=(("Rain jacket", 1, Decimal("79.90")), ("Wool socks", 2, Decimal("6.05"))),
        order_id="K123455",
        day_format="%Y-%m-%d",
        total_word="TOTAL",
        paid=None,
    )
    return draw_receipt(details)


def looked_at(picture: pil.Image) -> Image:
    return Image(np.asarray(picture.convert("RGB")))


@pytest.mark.weights
def test_a_receipt_is_read_in_order_with_boxes(reader: Reader, paper: pil.Image) -> None:
    lines = reader.read(looked_at(paper))
    texts = [found.text.upper() for found in lines]
    assert texts[0] == "HARBOR LANE OUTFITTERS"
    assert texts.index("TOTAL") < texts.index("97.52")
    assert texts.index("97.52") == texts.index("TOTAL") + 1
    total = lines[texts.index("97.52")]
    pixels = np.asarray(paper.convert("L"))
    x0, y0, x1, y1 = (round(v * side) for v, side in zip(total.box, (paper.width, paper.height) * 2, strict=True))
    assert (pixels[y0:y1, x0:x1] < 128).any()
    assert x0 > paper.width / 2
    assert all(0 <= a < c <= 1 and 0 <= b < d <= 1 for a, b, c, d in (found.box for found in lines))
    assert all(0.5 <= found.confidence <= 1 for found in lines)


@pytest.mark.weights
def test_a_photographed_receipt_is_read(reader: Reader, paper: pil.Image) -> None:
    table = pil.new("RGB", (900, 1_200), (110, 90, 70))
    image = looked_at(photograph(paper, table, np.random.default_rng(2)))
    texts = [found.text for found in reader.read(image)]
    assert "97.52" in texts
    assert any("2026-03-14" in text for text in texts)
    assert [code.text for code in read_barcodes(image)] == ["K123455"]


@pytest.mark.weights
@pytest.mark.parametrize("turns", [1, 2])
def test_a_receipt_on_its_side_or_head_is_read_in_order(reader: Reader, paper: pil.Image, turns: int) -> None:
    upright = reader.read(looked_at(paper))
    turned = reader.read(Image(np.rot90(np.asarray(paper), turns).copy()))
    assert [found.text for found in turned] == [found.text for found in upright]
    for a, b in zip(upright, turned, strict=True):
        assert turn_box(a.box, -turns) == pytest.approx(b.box, abs=0.02)


@pytest.mark.weights
@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (300, 9), (64, 64), (40, 2_000), (2_000, 40)])
def test_pictures_without_print_give_no_lines(reader: Reader, shape: tuple[int, int]) -> None:
    assert reader.read(Image(np.full((*shape, 3), 128, np.uint8))) == ()


@pytest.mark.weights
def test_reading_stays_off_stdout(reader: Reader, paper: pil.Image, capfd: pytest.CaptureFixture[str]) -> None:
    Reader(1).read(looked_at(paper))
    reader.read(Image(np.zeros((64, 64, 3), np.uint8)))
    assert capfd.readouterr().out == ""

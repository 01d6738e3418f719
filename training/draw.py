"""Receipts drawn by us: for tests, for the demo's sample, and for showing the photo models other layouts.

`receipt_details(rng)` makes up a shop and a purchase whose sums agree, `draw_receipt` prints it as a till would, and
`photograph` lays a print on a table: tilted, unevenly lit, slightly blurred. Every name and number is invented.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as pil
from PIL import ImageDraw, ImageFilter, ImageFont

Rng = np.random.Generator
_CENT = Decimal("0.01")
_WIDTH = 576  # pixels across, as on an 80 mm thermal printer
_COLUMNS = 38  # characters across
_FIRST = ("Harbor", "Maple", "North", "Silver", "Corner", "Bright", "Cedar", "Union", "River", "Stone")
_SECOND = ("Lane", "Street", "Gate", "Field", "Point", "Hill", "Bay", "Market", "House", "Mill")
_TRADE = ("Outfitters", "Grocers", "Home & Garden", "Stationery", "Hardware", "Books", "Cafe", "Pharmacy", "Sports")
_ROADS = ("Pier Road", "Oak Avenue", "Main Street", "Station Way", "Mill Lane", "Second Street", "Quay Side")
_TOWNS = ("Portland, ME 04101", "Albany, NY 12207", "Madison, WI 53703", "Salem, OR 97301", "Austin, TX 78701")
_GOODS = (
    "Rain jacket", "Linen shirt", "Wool socks", "Canvas shoes", "Desk lamp", "Oat milk 1L", "Green apples",
    "Notebook A5", "Paint brush", "Coffee beans", "Tea towel", "Hand soap", "Baseball cap", "Denim jeans",
)  # fmt: skip
_DATE_FORMATS = ("%d/%m/%Y", "%d-%m-%y", "%d %b %Y", "%Y-%m-%d", "%m/%d/%Y", "%b %d, %Y")
_TOTAL_WORDS = ("TOTAL", "Total", "GRAND TOTAL", "Amount due", "TOTAL USD", "Net total")


@dataclass(frozen=True)
class ReceiptDetails:
    """What a receipt says.

    Attributes:
        shop: the company at the top.
        address: its address, one string a printed line.
        day: the day of the purchase.
        items: (name, quantity, price of one).
        tax: added to the sum of the items.
        order_id: printed and, as a barcode, at the bottom; empty for none.
        paid: cash given, or None when paid by card.
        day_format: how the day is printed, as for `strftime`.
        total_word: the words before the total.
    """

    shop: str
    address: tuple[str, ...]
    day: date
    items: tuple[tuple[str, int, Decimal], ...]
    tax: Decimal = Decimal("0.00")
    order_id: str = ""
    paid: Decimal | None = None
    day_format: str = "%Y-%m-%d"
    total_word: str = "TOTAL"

    @property
    def subtotal(self) -> Decimal:
        """Sum of the items."""
        return sum((count * price for _, count, price in self.items), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        """What was to be paid."""
        return self.subtotal + self.tax

    @property
    def key(self) -> dict[str, str]:
        """The true values, in the form of the public data sets' keys; the date as YYYY-MM-DD."""
        return {
            "company": self.shop,
            "date": self.day.isoformat(),
            "address": ", ".join(self.address),
            "total": f"{self.total:.2f}",
        }


def receipt_details(rng: Rng, **given: Any) -> ReceiptDetails:
    """A made-up purchase; `given` fixes any field of `ReceiptDetails`."""

    def pick(values: tuple[str, ...]) -> str:
        return values[int(rng.integers(len(values)))]

    goods = rng.permutation(len(_GOODS))[: int(rng.integers(1, 8))]
    items = tuple(
        (_GOODS[int(i)], int(rng.choice([1, 1, 1, 2, 3])), Decimal(int(rng.integers(99, 9_999))) / 100) for i in goods
    )
    values: dict[str, Any] = {
        "shop": f"{pick(_FIRST)} {pick(_SECOND)} {pick(_TRADE)}",
        "address": (f"{int(rng.integers(1, 400))} {pick(_ROADS)}", pick(_TOWNS)),
        "day": date(2016, 1, 1) + timedelta(days=int(rng.integers(0, 3_900))),
        "items": items,
        "day_format": pick(_DATE_FORMATS),
        "total_word": pick(_TOTAL_WORDS),
    }
    values.update(given)
    subtotal = sum((count * price for _, count, price in values["items"]), Decimal(0))
    if "tax" not in given:
        values["tax"] = (subtotal * Decimal("0.06")).quantize(_CENT, ROUND_HALF_UP)
    if "paid" not in given and rng.random() < 0.5:
        values["paid"] = (subtotal + values["tax"]) // 10 * 10 + 10
    return ReceiptDetails(**values)


def draw_receipt(details: ReceiptDetails) -> pil.Image:
    """The receipt as a till prints it: RGB, 576 pixels wide, as long as it needs to be."""
    font, bold = _font(24), _font(30, bold=True)
    rows: list[tuple[str, ImageFont.FreeTypeFont]] = [(details.shop.upper().center(30), bold)]
    rows += [(text.center(_COLUMNS), font) for text in (*details.address, "", "SALES RECEIPT", "")]
    rows += [(text, font) for text in _body(details)]
    barcode = _barcode(details.order_id) if details.order_id else None
    height = 60 + sum(int(used.size * 1.45) for _, used in rows) + (barcode.height + 40 if barcode else 0)
    paper = pil.new("RGB", (_WIDTH, height), (250, 249, 245))
    pen, y = ImageDraw.Draw(paper), 30
    for text, used in rows:
        pen.text((14, y), text, font=used, fill=(35, 35, 40))
        y += int(used.size * 1.45)
    if barcode:
        paper.paste(barcode, ((_WIDTH - barcode.width) // 2, y + 20))
    return paper


def render_receipt(rng: Rng, **given: Any) -> tuple[pil.Image, Mapping[str, str]]:
    """A made-up receipt and its key; `given` fixes any field of `ReceiptDetails`."""
    details = receipt_details(rng, **given)
    return draw_receipt(details), details.key


def _body(details: ReceiptDetails) -> list[str]:
    """Everything below the head, one string a row."""
    rows = [f"Date: {details.day.strftime(details.day_format)}  10:42"]
    rows += [f"Order: {details.order_id}"] if details.order_id else []
    rows.append("-" * _COLUMNS)
    for name, count, price in details.items:
        rows.append(_row(f"{count} x {name}", count * price))
    rows += ["-" * _COLUMNS, _row("Subtotal", details.subtotal), _row("Sales tax", details.tax)]
    rows.append(_row(details.total_word, details.total))
    if details.paid is not None:
        rows += [_row("Cash", details.paid), _row("Change", details.paid - details.total)]
    else:
        rows.append(_row("Card", details.total))
    return [*rows, "", "Thank you, come again".center(_COLUMNS)]


def _row(label: str, amount: Decimal) -> str:
    return f"{label:<{_COLUMNS - 10}}{amount:>10.2f}"


def _barcode(text: str) -> pil.Image:
    """The text as a Code 128 barcode."""
    import zxingcpp

    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    bars = pil.fromarray(np.array(zxingcpp.write_barcode_to_image(made, scale=3))).convert("RGB")
    return bars.resize((bars.width, 90))


def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """A fixed-width font out of matplotlib where that is installed, else Pillow's own."""
    spec = importlib.util.find_spec("matplotlib")
    if spec and spec.origin:
        name = "DejaVuSansMono-Bold.ttf" if bold else "DejaVuSansMono.ttf"
        path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / name
        if path.exists():
            return ImageFont.truetype(str(path), size)
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def photograph(paper: pil.Image, background: pil.Image, rng: Rng) -> pil.Image:
    """The paper on a background of any size, as a phone would see it: turned, in perspective, shaded, a little soft."""
    scene = background.convert("RGB")
    across, down = scene.size
    share = rng.uniform(0.6, 0.97)
    scale = min(share * across / paper.width, share * down / paper.height)
    width, height = paper.width * scale, paper.height * scale
    left, top = (across - width) * rng.uniform(0.2, 0.8), (down - height) * rng.uniform(0.2, 0.8)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)]) + np.array((left, top))
    corners += rng.normal(0, 0.015, (4, 2)) * (across, down)
    angle, middle = rng.normal(0, 0.05), corners.mean(axis=0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (corners - middle) @ turn.T + middle
    source = np.array([(0, 0), (paper.width, 0), (paper.width, paper.height), (0, paper.height)], dtype=float)
    bend = _homography(corners, source)
    method, bicubic = pil.Transform.PERSPECTIVE, pil.Resampling.BICUBIC
    laid = paper.convert("RGB").transform(scene.size, method, bend, bicubic)
    mask = pil.new("L", paper.size, 255).transform(scene.size, method, bend)
    scene = pil.composite(laid, scene, mask)
    light = np.linspace(rng.uniform(0.6, 1.05), rng.uniform(0.6, 1.05), across)[None, :, None]
    shaded = np.asarray(scene, dtype=np.float32) * light + rng.normal(0, 3, (down, across, 1))
    return pil.fromarray(shaded.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.8)))


def _homography(seen: np.ndarray[Any, Any], source: np.ndarray[Any, Any]) -> list[float]:
    """The eight coefficients by which Pillow maps points seen to points of the source."""
    rows, values = [], []
    for (x, y), (u, v) in zip(seen, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(c) for c in np.linalg.solve(np.array(rows), np.array(values))]

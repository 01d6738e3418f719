"""Makes the sample inputs of the demo call: the customer's recordings and the photo of the receipt.

Run it with `python -m demos.samples.make`, with Debian's flite installed. The words are the scenario's, the receipt
is that of a real order in the scenario's shop, and all of it comes out the same every time.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from demos import cli, customer, scenario, shop
from modalities import audio as sound
from modalities.types import Audio

SCENARIO = Path(__file__).parent.parent / "scenarios" / "demo.toml"
RECEIPT_OF = "K877019"
RATE = 16_000
LEAD_SECONDS = 0.3  # of quiet before and after the words, as on a real line
ROOM_LEVEL = 3e-4  # of the room's noise
LONG_SIDE = 1300
PAPER = (560, 740)  # pixels of the flat receipt

Pixels = npt.NDArray[np.float32]


def main() -> int:
    """Writes every recording and photo that the scenario names and that is ours to make."""
    script = scenario.load(SCENARIO, check_files=False)
    rng = np.random.default_rng(7)
    for turn in script.turns:
        if turn.recording is not None and turn.say is not None:
            said = _recorded(customer.speak(turn.say, script.voice), rng)
            print(sound.save(said, turn.recording))
        if turn.image is not None:
            _photographed(_receipt(_lines(script)), rng).save(turn.image, quality=88)
            print(turn.image)
    return cli.OK


def _recorded(said: Audio, rng: np.random.Generator) -> Audio:
    """Speech at 16 kHz, with quiet around it and a trace of noise: digital silence is found on no line."""
    quiet = np.zeros(round(LEAD_SECONDS * RATE), dtype=np.float32)
    samples = np.concatenate([quiet, sound.resample(said, RATE).samples, quiet])
    noise = rng.normal(0.0, ROOM_LEVEL, len(samples)).astype(np.float32)
    return Audio(0.8 * samples / np.abs(samples).max() + noise, RATE)


def _lines(script: scenario.Scenario) -> list[tuple[str, str]]:
    """The receipt's lines, left and right, as the order stands in the scenario's shop."""
    from agent.store import Store
    from agent.tables import Order

    with tempfile.TemporaryDirectory() as folder:
        store = Store(shop.fresh(replace(script, out=Path(folder))))
        with store.session() as session:
            order = session.get(Order, RECEIPT_OF)
            assert order is not None, f"the scenario's shop has no order {RECEIPT_OF}"
            items = [(f"{i.quantity} {i.variant.product}", _money(i.price_cents * i.quantity)) for i in order.items]
            tail = [("Delivery", _money(order.delivery_cents)), ("TOTAL", f"$ {_money(order.total_cents)}")]
            placed = [("Date", order.placed_on.strftime("%m/%d/%Y"))]
            paid = [("Paid by", order.payment_method.replace("_", " "))]
        store.close()
    return [*placed, ("", ""), *items, *tail[:1], ("", ""), *tail[1:], *paid]


def _money(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _receipt(lines: list[tuple[str, str]]) -> Image.Image:
    """The flat receipt, dark on white."""
    paper = Image.new("RGB", PAPER, (250, 249, 245))
    draw, width = ImageDraw.Draw(paper), PAPER[0]
    y = 50
    for text, size in (("HARBOR LANE", 46), ("21 Wharf Street, Portland ME 04101", 24), ("SALES RECEIPT", 26)):
        draw.text((width / 2, y), text, fill=(30, 30, 34), font=ImageFont.load_default(size), anchor="mt")
        y += size + 22
    y += 20
    for left, right in lines:
        if not left:
            draw.line((40, y + 8, width - 40, y + 8), fill=(90, 90, 95), width=2)
            y += 30
            continue
        font = ImageFont.load_default(38 if left == "TOTAL" else 28)
        draw.text((40, y), left, fill=(30, 30, 34), font=font)
        draw.text((width - 40, y), right, fill=(30, 30, 34), font=font, anchor="ra")
        y += 58 if left == "TOTAL" else 48
    draw.text(
        (width / 2, y + 50),
        "Thank you for shopping with us",
        fill=(60, 60, 66),
        font=ImageFont.load_default(24),
        anchor="mt",
    )
    return paper


def _photographed(paper: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The receipt as a telephone sees it: on a table, aslant, in uneven light, with a camera's blur and grain."""
    size = (round(LONG_SIDE * 0.8), LONG_SIDE)
    corners = [(135, 110), (905, 130), (890, 1185), (110, 1160)]
    flat = [(0, 0), (PAPER[0], 0), PAPER, (0, PAPER[1])]
    slant = _perspective(corners, flat)
    bent = paper.transform(size, Image.Transform.PERSPECTIVE, slant, Image.Resampling.BICUBIC)
    mask = Image.new("L", PAPER, 255).transform(size, Image.Transform.PERSPECTIVE, slant, Image.Resampling.BICUBIC)
    table = Image.fromarray(_wood(size, rng))
    shadow = Image.new("RGB", size, (20, 14, 10))
    table.paste(shadow, (14, 18), mask.filter(ImageFilter.GaussianBlur(14)).point(lambda v: v * 0.5))
    table.paste(bent, (0, 0), mask)
    return Image.fromarray(_camera(np.asarray(table.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float32), rng))


def _perspective(seen: list[tuple[int, int]], flat: list[tuple[int, int]]) -> list[float]:
    """Pillow's eight coefficients that bring the points `flat` to where they are `seen`."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(seen, flat, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    target = [float(value) for point in flat for value in point]
    return [float(c) for c in np.linalg.solve(np.array(rows, dtype=np.float64), np.array(target))]


def _wood(size: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A brown table with a grain along it; shape (height, width, 3)."""
    width, height = size
    grain = np.cumsum(rng.normal(0, 1, width))[None, :] * 1.5 + rng.normal(0, 3, (height, width))
    grain = grain - grain.mean()
    brown: Pixels = np.array([124, 92, 64], dtype=np.float32)
    color: Pixels = np.clip(brown + 0.6 * grain[:, :, None], 0, 255)
    return color.astype(np.uint8)


def _camera(pixels: Pixels, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Light that falls off to one corner, and grain."""
    height, width = pixels.shape[:2]
    x, y = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    light = (1.05 - 0.28 * (0.6 * x + 0.4 * y))[:, :, None]
    seen: Pixels = np.clip(pixels * light + rng.normal(0, 4, pixels.shape), 0, 255)
    return seen.astype(np.uint8)


if __name__ == "__main__":
    sys.exit(cli.run(main))

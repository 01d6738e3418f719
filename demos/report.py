"""The report of a call: one HTML file that needs nothing else, for a reader who was not there.

The photo with the found fields drawn on it, the transcript with its entities marked, intents, decisions, database
rows before and after, each stage's time, and the call itself to listen to.
"""

from __future__ import annotations

from collections.abc import Sequence

from demos import view
from demos.record import CallRecord
from modalities.types import Audio


def render(record: CallRecord, channels: Sequence[Audio]) -> str:
    """The page as HTML.

    Args:
        record: the call.
        channels: its sound, customer and agent, to be listened to in the page.
    """
    stages = list(dict.fromkeys(stage for turn in record.turns for stage in view.stage_ms(turn.reply)))
    turns = [
        {"record": turn, "place": place, "view": view.view(turn.reply, turn.turn.image, stages)}
        for turn, place in zip(record.turns, record.places, strict=True)
    ]
    return view.render(
        "report.html",
        record=record,
        recording=view.mp3_url(channels),
        seconds=channels[0].seconds,
        turns=turns,
        computing=sum(turn.seconds for turn in record.turns),
    )

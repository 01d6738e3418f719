import datetime as dt
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.errors import PackError
from demos.batches import clusters, measures, report, score, trends
from demos.batches.rows import Row
from demos.batches.trends import NEGATIVE, Call
from demos.batches.voices import gain

START = dt.datetime(2026, 6, 1)


def turn(who: str, start: float, end: float, text: str = "a b c d e f", **more: Any) -> Row:
    return {
        "number": 0, "who": who, "start": start, "end": end, "text": text, "heard": 0.9, "verdict": "ok", "intents": [],
        "likeliest": None, "confidence": None, "sentiment": "neutral", "sentiment_score": 0.0, "entities": [],
        "masked": {}, "evidence": [], **more,
    }  # fmt: skip


def call(*turns: Row, seconds: float = 60.0, speakers: str = "sides", path: str = "a.wav") -> Row:
    return {
        "path": path, "at": START.isoformat(), "dated": "name", "seconds": seconds, "speakers": speakers,
        "turns": list(turns), "image": None, "masked": {}, "audio": None, "duplicate_of": None, "error": None,
    }  # fmt: skip


def test_talk_silence_and_interruptions() -> None:
    row = call(turn("agent", 0, 10), turn("customer", 8, 20), turn("agent", 30, 40), turn("customer", 39.8, 45))
    facts = measures.measures(row)
    assert (facts["talk_customer"], facts["talk_agent"]) == (17.2, 20.0)
    assert (facts["silence"], facts["longest_silence"]) == (25.0, 15.0)
    assert facts["interruptions"] == 1


def test_a_nod_is_no_interruption() -> None:
    assert measures.interruptions([turn("agent", 0, 10), turn("customer", 5, 6, "mhm okay")]) == 0


def test_of_one_channel_interruptions_cannot_be_told() -> None:
    assert measures.measures(call(turn("customer", 0, 1), speakers="guessed"))["interruptions"] is None


@pytest.mark.parametrize(
    ("last", "answer"),
    [
        ({"intents": [{"name": "thanks", "confidence": 0.9}]}, "yes"),
        ({"sentiment": "negative"}, "no"),
        ({"intents": [{"name": "human_agent", "confidence": 0.9}]}, "no"),
        ({"intents": [{"name": "track_order", "confidence": 0.9}]}, "unknown"),
    ],
)
def test_the_end_tells_whether_it_was_resolved(last: Any, answer: str) -> None:
    assert measures.measures(call(turn("customer", 0, 1), turn("customer", 2, 3, **last)))["resolved"] == answer


@pytest.mark.parametrize(
    ("scores", "mood"), [((0.0, -0.9), "negative"), ((0.5, 0.1), "positive"), ((-0.1,), "neutral")]
)
def test_mood_of_a_call(scores: Any, mood: str) -> None:
    turns = [turn("customer", i, i + 1, sentiment_score=s) for i, s in enumerate(scores)]
    assert measures.measures(call(*turns))["sentiment"] == mood


def rules(folder: Path, text: str) -> Any:
    (folder / "scorecard.toml").write_text(text)
    return score.load(folder)


RULES = """
[[rule]]
name = "Greets"
says = ["how can I help"]
within = 1
points = 30
[[rule]]
name = "Lets the customer talk"
measure = "talk_agent_share"
most = 0.5
points = 10
"""


def test_a_score_card_by_what_is_said_nearly_and_by_measures(tmp_path: Path) -> None:
    found = rules(tmp_path, RULES)
    row = call(turn("agent", 0, 30, "welcome how can i hope you"), turn("customer", 30, 40, "my order"))
    card = score.score(found, row, measures.measures(row))
    assert card == score.Score(75.0, ("Lets the customer talk",))
    late = call(turn("agent", 0, 5, "hello"), turn("agent", 6, 9, "how can i help"), turn("customer", 30, 40, "well"))
    assert score.score(found, late, measures.measures(late)) == score.Score(25.0, ("Greets",))
    assert score.score(found, call(turn("customer", 0, 1), speakers="one"), {}) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[rule]]\nname="a"\npoints=1\n', "says = "),
        ('[[rule]]\nname="a"\npoints=1\nsays=["x"]\nwho="boss"\n', "who must be"),
        ('[[rule]]\nname="a"\npoints=1\nmeasure="love"\nmost=1\n', "measure must be one of"),
        ('[[rule]]\nname="a"\npoint=1\nsays=["x"]\n', "unknown key 'point'"),
        ("[[rule", "not valid TOML"),
    ],
)
def test_a_wrong_score_card_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PackError, match=message):
        rules(tmp_path, text)


@pytest.mark.parametrize("pack", ["retail", "banking"])
def test_packs_that_ship_have_score_cards(pack: str) -> None:
    from agent.domain import PACKS

    assert len(score.load(PACKS / pack)) > 4


def log(days: int, per_day: int, share: float, risen: float = 0.0, since: int = 0, seed: int = 3) -> list[Call]:
    rng = Random(seed)
    found = []
    for day in range(days):
        now = risen if since and day >= since else share
        for number in range(per_day):
            series = {"late_delivery"} if rng.random() < now else set()
            series |= {"track_order"} if rng.random() < 0.3 else set()
            found.append(Call(START + dt.timedelta(days=day, minutes=number), frozenset(series)))
    return found


def test_a_surge_is_noticed_and_dated() -> None:
    (alarm,) = trends.alarms(log(40, 200, 0.04, 0.12, 30))
    assert alarm.series == "late_delivery"
    assert START + dt.timedelta(days=30) <= alarm.noticed < START + dt.timedelta(days=32)
    assert abs(alarm.since - (START + dt.timedelta(days=30))) < dt.timedelta(days=1.5)
    assert alarm.before < 0.06 < 0.09 < alarm.after


def test_nothing_is_noticed_where_nothing_rises() -> None:
    assert trends.alarms(log(40, 200, 0.04)) == []
    assert trends.alarms([]) == []
    rate, times = trends.false_alarms(log(20, 100, 0.05), shuffles=3)
    assert (rate, times) == (0.0, 3)


def test_shares_by_hour_and_day() -> None:
    calls = [Call(START + dt.timedelta(hours=h), frozenset({NEGATIVE} if h > 1 else set())) for h in (0, 1, 2, 30)]
    days = trends.shares(calls, "day")
    assert [(share.calls, share.count) for share in days] == [(3, 1), (1, 1)]
    assert len(trends.shares(calls, "hour")) == 4


def test_what_was_not_understood_is_grouped() -> None:
    lost = {"verdict": "out_of_scope"}
    rows = [
        call(turn("customer", 0, 1, "do you sell garden furniture", **lost), path="1"),
        call(turn("customer", 0, 1, "i look for garden furniture please", **lost), path="2"),
        call(turn("customer", 0, 1, "what about the weather tomorrow", **lost), path="3"),
        call(turn("customer", 0, 1, "this was understood"), path="4"),
        call(turn("agent", 0, 1, "nobody asked the agent", **lost), path="5"),
    ]
    found = clusters.clusters(rows)
    assert (found[0].count, found[0].calls) == (2, 2)
    assert "furniture" in found[0].about
    assert sum(cluster.count for cluster in found) == 3


def test_calls_worth_an_ear_say_why_and_come_by_weight() -> None:
    bad = call(turn("customer", 0, 1, sentiment_score=-0.9, sentiment="negative"), path="bad")
    good = call(turn("customer", 0, 1), seconds=2.0, path="good")
    slow = call(turn("customer", 40, 41), path="slow")
    rows = [{**row, "facts": {**measures.measures(row), "score": None, "failed": []}} for row in (good, slow, bad)]
    found = report.listed(rows)
    assert [(one.row["path"], one.reasons) for one in found] == [
        ("bad", ("unhappy", "not resolved", "long silence")),
        ("slow", ("long silence",)),
    ]


def test_two_voices_explain_two_clouds_and_one_explains_one() -> None:
    import numpy as np

    rng = np.random.default_rng(1)
    one, same = (rng.normal(0, 1, (400, 19)).astype(np.float32) for _ in range(2))
    other = rng.normal(2, 1, (400, 19)).astype(np.float32)
    assert gain(one, other) > 0 > gain(one, same)

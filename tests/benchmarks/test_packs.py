"""The benchmarks end to end, on small made-up sets with a small random encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import clinc150, pack_time, snips
from benchmarks.packs import Figure, Understand
from benchmarks.sets import Parts
from tests.benchmarks.test_sets import write_clinc, write_snips
from tests.training.test_train import write_stack

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def ran(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_clinc_is_trained_measured_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clinc150, "COMPOSED", 30)
    write_clinc(tmp_path, each=20)
    stack = ["--data", str(tmp_path), "--stack", write_stack(tmp_path), "--threads", "1"]
    keep = tmp_path / "kept"
    assert clinc150.main([*stack, "--epochs", "4", "--keep", str(keep), "--baselines", "--json"]) == 0
    result = ran(capsys)
    assert result["ran"]["rows"]["validation"] == 16
    assert result["training"]["seconds"] > 0
    assert list(result["systems"]) == ["callsight", "frozen", "fine-tuned"]
    for ours in result["systems"].values():
        assert all(0 <= f["value"] <= 1 for name, f in ours.items() if not name.startswith("points"))
        assert ours["intent accuracy"]["rows"] == 16
        assert ours["out-of-scope recall at 3% false rejection"]["rows"] == 6
        assert ours["two intents both right, other joints"]["rows"] == clinc150.COMPOSED
    frozen = result["systems"]["frozen"]
    assert frozen["intent accuracy"]["value"] > 0.9  # each verb is one intent
    assert frozen["two intents both right, other joints"]["value"] == 0.0
    assert frozen["intent accuracy, 10% of characters mistyped"]["value"] < frozen["intent accuracy"]["value"]

    again = [*stack, "--weights", str(keep)]
    assert clinc150.main([*again, "--json"]) == 0
    assert ran(capsys)["systems"]["callsight"] == result["systems"]["callsight"]
    monkeypatch.setattr(clinc150, "COMPOSED", 2)
    assert clinc150.main(again) == 0
    assert "intent accuracy" in capsys.readouterr().out


def test_snips_slots_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_snips(tmp_path, each=24)
    stack = ["--data", str(tmp_path), "--stack", write_stack(tmp_path), "--threads", "1", "--epochs", "1"]
    assert snips.main([*stack, "--baselines", "--json"]) == 0
    result = ran(capsys)
    for ours in result["systems"].values():
        assert ours["slot F1"]["rows"] == 48
        assert 0 <= ours["slot F1"]["value"] <= 1
    assert result["systems"]["frozen"]["slot F1"]["value"] > 0.3


def test_the_time_of_a_pack_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clinc(tmp_path, each=12)
    write_snips(tmp_path)
    stack = ["--data", str(tmp_path), "--stack", write_stack(tmp_path), "--threads", "1", "--epochs", "1"]
    monkeypatch.setattr(pack_time, "INTENTS", 4)
    assert pack_time.main([*stack, "--examples", "40", "--json"]) == 0
    result = ran(capsys)
    assert (result["examples"], result["intents"], result["entity_types"]) == (40, 6, 1)
    assert result["seconds"] > 0


def test_a_missing_set_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert clinc150.main(["--data", str(tmp_path)]) == 2
    assert "clinc150.json" in capsys.readouterr().err


def test_what_is_measured_was_not_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pack that training reads holds no sentence of the validation part."""
    write_clinc(tmp_path)
    seen: list[str] = []

    def spy(options: Any) -> dict[str, Any]:
        seen.extend(Path(options.domain, "examples.jsonl").read_text().splitlines())
        raise KeyboardInterrupt

    monkeypatch.setattr("training.train.train", spy)
    with pytest.raises(KeyboardInterrupt):
        clinc150.main(["--data", str(tmp_path)])
    texts = {json.loads(line)["text"] for line in seen}
    parts = clinc150_parts(tmp_path)
    assert texts == {row.text for row in parts.training}
    assert not texts & {row.text for row in parts.validation}


def clinc150_parts(data: Path) -> Parts:
    from benchmarks.sets import clinc150 as read

    return read(data)


def test_the_figures_of_clinc_are_exact() -> None:
    """A stand-in that knows every sentence as written and no other."""
    from agent.types import Intent, Understanding
    from training.rows import Row

    validation = [Row(f"please {v} the box number {i}", (v,)) for v in ("open", "shut") for i in range(10)]
    validation += [Row(f"is the sky {i} blue", ()) for i in range(5)]
    known = {row.text: row.intents for row in validation}

    def knows(texts: Any) -> list[Understanding]:
        results = []
        for text in texts:
            names = known.get(text)
            best = names[0] if names else "lift"
            outside = 0.0 if names else 1.0
            verdict: Any = "ok" if names else "out_of_scope"
            ranked = (Intent(best, 1.0), Intent("other", 0.0))
            results.append(Understanding(text=text, intents=ranked, wanted=1, verdict=verdict, out_of_scope=outside))
        return results

    understand: Understand = knows
    figures = clinc150.measure(understand, Parts("x", "x", [], validation), 7)
    assert figures["intent accuracy"] == Figure(1.0, 20)
    assert figures["calibration error"] == Figure(0.0, 20)
    assert figures["out-of-scope recall at 3% false rejection"] == Figure(1.0, 5)
    assert figures["two intents both right, other joints"] == Figure(0.0, clinc150.COMPOSED)
    mistyped = figures["intent accuracy, 10% of characters mistyped"]
    assert mistyped.rows == 20
    assert mistyped.value < 0.5
    assert figures["points lost to typing errors"].value == pytest.approx(100 * (1 - mistyped.value))

"""The benchmark of live edits counts from the edit: late editions and turns without one are seen."""

from __future__ import annotations

from benchmarks.live_edit import Log, figures


def test_an_edit_served_late_is_late() -> None:
    told = [(0.5, 0.6, "article", 0), (1.5, 1.6, "article", 0), (1.8, 1.9, "article", 1), (1.2, 1.3, "product", 0)]
    found = figures([("article", 1, 1.0)], Log(told))
    assert found["first_reply_with_the_edit_s"]["max"] == 0.9
    assert found["last_question_answered_without_it_s"]["max"] == 0.5
    assert found["reached"]
    late = figures([("article", 1, 1.0)], Log([*told, (4.0, 4.1, "article", 0)]))
    assert not late["reached"]
    assert not figures([("article", 1, 1.0)], Log(told, ["BackendError"]))["reached"]
    assert not figures([("product", 1, 1.0)], Log(told))["reached"]

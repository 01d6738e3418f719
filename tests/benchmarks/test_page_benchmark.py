from __future__ import annotations

import pytest

from benchmarks.page import _late, _told
from benchmarks.page_tab import GAP_SECONDS, _ends


def test_speech_ends_where_half_a_gap_is_quiet() -> None:
    first, second = [100.0, 120.0, 900.0, 920.0], [920.0 + 1000 * GAP_SECONDS, 940.0 + 1000 * GAP_SECONDS]
    assert _ends([*first, *second]) == [920.0, second[-1]]
    assert _ends([]) == []


@pytest.mark.parametrize(("count", "late"), [(1, 0.0), (20, 19.0), (100, 95.0)])
def test_the_95th_percentile(count: int, late: float) -> None:
    assert _late([float(n) for n in range(count)]) == late


def test_nothing_measured_is_told_as_nothing() -> None:
    assert _told([]) == "none"
    assert _told([1.0, 3.0]).startswith("median 2.00 s")

"""Time to a gap: medians over the points that are certified so closely, and the share that they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from frontier.analysis.time_to_gap import time_to_gap
from frontier.reporting.prepared import Prepared
from frontier.reporting.sections import time_to_gap as section
from tests.analysis.runs import row, run


def cells(*changes: dict[str, object]) -> pd.DataFrame:
    """Four points of `slow`, one of them rough, and two of `fast`, rough both."""
    gaps = [("slow", 1e-12, 2.0), ("slow", 1e-12, 4.0), ("slow", 1e-12, 6.0), ("slow", 1e-3, 1.0)]
    gaps += [("fast", 1e-5, 0.1), ("fast", 1e-5, 0.3)]
    rows = [
        row(label, lam=0.1 * (k + 1), relative_gap=gap, fit_seconds=time, certified=True, timing="clean")
        for k, (label, gap, time) in enumerate(gaps)
    ]
    return run(*rows, *(rows[0] | one for one in changes)).cells


def test_seconds_are_medians_of_the_points_that_got_so_close() -> None:
    slow, fast = time_to_gap(cells()).to_dict("records")
    assert (slow["label"], slow["points"], fast["label"]) == ("slow", 4, "fast")  # the closest first
    assert (slow["reached_0.01"], slow["seconds_0.01"]) == (1.0, 3.0)
    assert (slow["reached_1e-10"], slow["seconds_1e-10"]) == (0.75, 4.0)
    assert (fast["reached_0.0001"], fast["seconds_0.0001"]) == (1.0, pytest.approx(0.2))
    assert (fast["reached_1e-06"], np.isnan(fast["seconds_1e-06"])) == (0.0, True)


def test_seconds_taken_beside_others_refits_repeats_and_points_without_a_gap_do_not_count() -> None:
    more = [{"timing": "contended"}, {"refit": "fitted"}, {"repeat": 1}, {"relative_gap": None}, {"status": "error"}]
    pd.testing.assert_frame_equal(time_to_gap(cells(*more)), time_to_gap(cells()))


def test_the_section_names_the_share_and_is_left_out_for_a_single_method() -> None:
    found = run()
    told = section.blocks(Prepared(cells(), found.manifest))
    assert len(told) == 3
    [table] = [block for block in told[0].blocks if hasattr(block, "rows")]  # type: ignore[union-attr]
    assert table.rows[0] == ["slow", "4", "3.00 s", "4.00 s (75%)", "4.00 s (75%)", "4.00 s (75%)", "4.00 s (75%)"]
    assert table.rows[1][-3:] == ["–"] * 3
    some = cells()
    assert section.blocks(Prepared(some[some["label"] == "slow"], found.manifest)) == []

"""The figure of `frontier suggest`."""

from __future__ import annotations

import pandas as pd

from frontier.advice.choice import table
from frontier.reporting.charts.suggestion_figure import suggestion_figure
from tests.advice.test_suggest import trial


def test_every_bar_ends_within_its_panel() -> None:
    rows = [trial(truth_capped=lost) for lost in (0.02, 0.20)]
    rows += [trial(method="b", truth_capped=lost) for lost in (0.10, 0.11)]
    figure = suggestion_figure(table(pd.DataFrame(rows), 100.0), "ours", whole_error=0.001, initial_error=0.05)
    panel = figure.axes[-1]
    ends = [y for bars in panel.collections for bar in bars.get_segments() for _, y in bar]  # type: ignore[attr-defined]
    assert len(ends) == 4
    low, high = panel.get_ylim()
    assert low < min(ends) < max(ends) < high

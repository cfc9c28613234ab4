"""The forest: what is undecided does not look decided."""

from __future__ import annotations

import pandas as pd
import pytest

from frontier.analysis.contrasts import ARMS
from frontier.reporting.charts.forest_figure import forest_figure


@pytest.mark.parametrize(
    ("verdict", "filled"), [("A better", True), ("undecided", False), ("depends on family", False)]
)
def test_the_mean_is_coloured_only_where_the_verdict_is_that_one_is_better(verdict: str, filled: bool) -> None:
    arms = dict(zip(ARMS, ("one", "none", "other", "none"), strict=True))
    interval = {"difference": -0.1, "difference_low": -0.12, "difference_high": -0.08}
    contrasts = pd.DataFrame([arms | interval | {"verdict": verdict}])
    families = pd.DataFrame([arms | interval | {"family": "age", "places": 1, "n_targets": 9}])
    figure = forest_figure(contrasts, families, "a title")
    assert figure is not None
    [diamond] = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert (diamond.get_markerfacecolor() != "white") == filled

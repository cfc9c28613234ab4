"""Pictures on axes of one's own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

import frontier
from frontier.core.errors import InputError
from tests.conftest import make_problem


def cells() -> pd.DataFrame:
    problem = make_problem(n=200, m=8)
    split = frontier.Split("half", [True, True, True, True, True, True, False, False])
    training = problem.restrict(split.train)
    points = [frontier.Point(budget=k, seed=seed) for k in (20, 60) for seed in (0, 1)]
    return pd.DataFrame([frontier.evaluate(problem, split, s) for s in frontier.solve(training, "pps_sample", points)])


def test_a_frontier_is_drawn_on_the_axes_that_are_given() -> None:
    ax = Figure().subplots()
    assert frontier.plot.frontier(cells(), ax=ax) is ax
    assert ax.get_xscale() == ax.get_yscale() == "log"
    [line] = [line for line in ax.get_lines() if len(line.get_xdata()) == 2]
    assert list(line.get_xdata()) == [20, 60]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["pps_sample"]


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(InputError, match="quantity: no quantity 'heldout_mre'; did you mean 'heldout_mare'"):
        frontier.plot.frontier(cells(), "heldout_mre")
    with pytest.raises(InputError, match="nothing has weights and 'ess' in the arm 'fitted'"):
        frontier.plot.frontier(cells(), "ess", refit="fitted")
    two = pd.concat([cells(), cells().assign(problem="other")])
    with pytest.raises(InputError, match="of several problems or splits"):
        frontier.plot.frontier(two)


def test_misses_and_weights_are_drawn(tmp_path: Path) -> None:
    problem = make_problem()
    for draw in (frontier.plot.misses, frontier.plot.weights):
        ax = draw(problem, 1.2 * problem.w0)
        ax.figure.savefig(tmp_path / "x.png")
        assert len(ax.patches) > 0
    assert frontier.plot.misses(problem, problem.w0).get_yticklabels()
    with pytest.raises(InputError, match="none are positive"):
        frontier.plot.weights(problem, 0 * problem.w0)

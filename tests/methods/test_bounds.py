"""Bounds on weights hold in whatever a fit ends with, and the bounded refit is an optimum over its box."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize

import frontier
from frontier.commands.fit_files import read_settings
from frontier.core.bounds import Bounds, read_bounds
from frontier.core.errors import InputError
from frontier.core.status import Status
from frontier.methods.refit import refit
from frontier.methods.solution import Solution
from frontier.problems.splits import every_target
from frontier.results.run import load_run
from frontier.sweep.experiment import read_experiment
from frontier.sweep.scoring import evaluate
from tests.conftest import make_problem

SAID = [
    pytest.mark.filterwarnings(f"ignore::frontier.{where}")  # what a bounded file is like is not asked here
    for where in (
        *("sweep.weight_warnings.WeightWarning", "problems.diagnostics.DataWarning", "sweep.solve.NotAsAskedWarning"),
    )
]


@pytest.mark.parametrize("anchor", ["fitted", "initial"])
def test_the_bounded_refit_is_the_minimum_over_its_box_by_an_independent_solver_and_by_its_certificate(
    anchor: str,
) -> None:
    problem = make_problem(n=40, m=5)
    rng = np.random.default_rng(0)
    start = Solution(np.where(rng.random(40) < 0.6, problem.w0 * rng.uniform(0.5, 3, 40), 0.0), Status.COMPLETED)
    box = Bounds(max_ratio=2.0, min_weight=6.0, max_weight=25.0).box(np.maximum(problem.w0, 6.0))
    found = refit(problem, start, anchor, box=box)  # type: ignore[arg-type]
    assert found.weights is not None
    assert start.weights is not None
    kept = np.flatnonzero(start.weights)
    assert found.status is Status.OPTIMAL
    assert (found.weights[kept] >= box[0][kept]).all()
    assert (found.weights[kept] <= box[1][kept]).all()
    assert (np.isclose(found.weights[kept], box[1][kept]) | np.isclose(found.weights[kept], box[0][kept])).any()
    row = evaluate(problem, every_target(problem), found)
    assert row["certified"]
    assert found.objective is not None

    def value(part: np.ndarray) -> float:
        whole = np.zeros(40)
        whole[kept] = part
        assert found.objective is not None
        return found.objective.value(problem, whole)

    bounds = list(zip(box[0][kept], box[1][kept], strict=True))
    middle = np.clip(start.weights[kept], box[0][kept], box[1][kept])
    options = {"maxiter": 5000, "maxfun": 500_000, "ftol": 1e-14, "gtol": 1e-9}
    other = scipy.optimize.minimize(value, middle, method="L-BFGS-B", bounds=bounds, options=options)
    assert value(found.weights[kept]) <= other.fun * (1 + 1e-9)
    assert value(found.weights[kept]) == pytest.approx(other.fun, rel=1e-5)  # numerical gradients of the other


def test_a_box_that_does_not_bind_changes_nothing() -> None:
    problem = make_problem(n=40, m=5)
    start = Solution(np.where(np.arange(40) < 25, problem.w0, 0.0), Status.COMPLETED)
    free = refit(problem, start, "fitted")
    bounded = refit(problem, start, "fitted", box=Bounds(max_weight=1e9).box(problem.w0))
    assert free.weights is not None
    np.testing.assert_allclose(bounded.weights, free.weights, rtol=1e-9)  # the tolerance of both


@SAID[0]
@SAID[1]
@SAID[2]
@pytest.mark.parametrize("method", ["hard_concrete", "coreset", "anchored_l1", "pps_sample", "raking", "top_k"])
def test_every_method_ends_within_the_bounds(method: str) -> None:
    problem = frontier.load_problem("cps_ohio")
    params = {"epochs": 300} if method in ("hard_concrete", "coreset") else {}
    budget = None if method == "raking" else 300
    bounds = Bounds(max_ratio=25.0, max_weight=40_000.0, min_weight=200.0)
    free = frontier.calibrate(problem, method=method, budget=budget, params=params)
    solution = frontier.calibrate(problem, method=method, budget=budget, params=params, bounds=bounds)
    assert solution.weights is not None
    assert free.weights is not None
    lower, upper = bounds.box(problem.w0)
    kept = solution.weights > 0
    assert (solution.weights <= upper * (1 + 1e-9)).all()
    assert (solution.weights >= lower * (1 - 1e-9))[kept].all()
    if method not in ("raking",):
        assert not (free.weights <= upper).all()  # else nothing was shown


@SAID[0]
@SAID[1]
def test_an_earlier_file_is_weighted_again_within_bounds() -> None:
    problem = frontier.load_problem("cps_ohio")
    drawn = frontier.calibrate(problem, method="pps_sample", budget=500)
    assert drawn.weights is not None
    again = frontier.reweigh(problem, drawn.weights, bounds=Bounds(max_ratio=14.0))
    assert again.weights is not None
    assert (again.weights <= 14.0 * problem.w0 * (1 + 1e-9)).all()
    assert (drawn.weights > 14.0 * problem.w0).any()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["max_weigth=9"], r"--bound\.max_weigth: unknown key; did you mean 'max_weight'"),
        (["max_weight=-1"], r"--bound\.max_weight: not a bound; expected a finite number ≥ 0, got -1"),
        (["max_weight=much"], r"--bound\.max_weight: input should be a valid number"),
        (["max_weight"], "--bound: not a setting"),
    ],
)
def test_a_bound_that_is_none_is_refused(given: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_bounds(read_settings(given, "--bound"), "--bound")


def test_bounds_without_room_name_the_record() -> None:
    with pytest.raises(
        InputError, match="no weight is between them; got 9 to 4 for record 1, whose initial weight is 2"
    ):
        Bounds(min_weight=9.0, max_ratio=2.0).box(np.array([5.0, 2.0]))
    assert not read_bounds({}, "bounds")
    assert dataclasses.asdict(Bounds(max_ratio=2.0))["max_ratio"] == 2.0


EXPERIMENT = """
name: bounded
bounds: {max_ratio: 30, min_weight: 150}
refit: [none, fitted, initial]
budgets: [300]
problems: [{name: cps_ohio}]
methods:
  - {name: pps_sample, seeds: [0, 1]}
  - {name: hard_concrete, seeds: [0], epochs: 300}
  - {name: coreset, seeds: [0], epochs: 300}
  - {name: anchored_l1}
"""


def test_every_row_of_a_bounded_experiment_is_within_its_bounds(tmp_path: Path) -> None:
    path = tmp_path / "bounded.yaml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the data
        cells = frontier.run_experiment(path, jobs=1, out=tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert run.manifest["bounds"]["max_ratio"] == 30
    assert len(cells) == 3 * 5
    assert cells["max_weight_ratio"].max() <= 30 * (1 + 1e-9)
    assert set(cells["refit"]) == {"none", "fitted", "initial"}
    assert (cells["max_weight_ratio"] > 29).any()  # it binds
    brought = cells[cells["message"].str.contains("brought within the bounds by a refit")]
    assert len(brought)
    assert brought["certified"].all()


@pytest.mark.parametrize(
    ("bounds", "said"),
    [("{max_ratoi: 3}", "bounds.max_ratoi: unknown key"), ("{max_ratio: -3}", "bounds.max_ratio: not a bound")],
)
def test_bounds_of_an_experiment_are_checked(bounds: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"bounds: {bounds}\nproblems: [{{name: planted}}]\nmethods: [{{name: raking}}]\n")
    with pytest.raises(InputError, match=said):
        read_experiment(path)

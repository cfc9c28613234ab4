"""Weights of the records in the distance, q: the textbook's equations, certificates, and where they come from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.optimize

import frontier
from frontier.core.errors import InputError
from frontier.core.partition import Partition
from frontier.core.problem import CalibrationProblem
from frontier.core.resampling import resampled
from frontier.core.status import Status
from frontier.problems.splits import every_target
from tests.conftest import make_problem

LOW, HIGH = 0.2, 4.0


def with_q(seed: int = 0) -> CalibrationProblem:
    problem = make_problem(m=4, seed=seed)
    return dataclasses.replace(problem, q=np.random.default_rng(seed).uniform(0.3, 3.0, problem.n_records))


def ratio(method: str, u: np.ndarray) -> np.ndarray:
    """F(u) as Deville & Särndal (1992, table 1) print it."""
    if method == "greg":
        return np.asarray(1 + u)
    if method == "raking":
        return np.asarray(np.exp(u))
    steep = np.exp((HIGH - LOW) / ((1 - LOW) * (HIGH - 1)) * u)
    return np.asarray((LOW * (HIGH - 1) + HIGH * (1 - LOW) * steep) / (HIGH - 1 + (1 - LOW) * steep))


PARAMS = {"greg": {"lower": None, "negative": True}, "raking": {}, "logit": {"low": LOW, "high": HIGH}}


@pytest.mark.parametrize("method", PARAMS)
def test_weights_solve_the_textbook_s_equations_with_q(method: str) -> None:
    problem = with_q()
    assert problem.q is not None
    A, b = problem.M.toarray() / problem.scale[:, None], problem.y / problem.scale

    def missed(theta: np.ndarray) -> np.ndarray:
        assert problem.q is not None
        return np.asarray(A @ (problem.w0 * ratio(method, problem.q * (A.T @ theta))) - b)

    solved = scipy.optimize.root(missed, np.zeros(4), options={"xtol": 1e-14})
    assert np.abs(solved.fun).max() < 1e-10
    [found] = frontier.solve(problem, method, tol=1e-11, **PARAMS[method])
    assert found.status is Status.OPTIMAL
    expected = problem.w0 * ratio(method, problem.q * (A.T @ solved.x))
    np.testing.assert_allclose(found.weights, expected, rtol=1e-8)  # both tolerances times the condition of A
    row = frontier.evaluate(problem, every_target(problem), found)
    assert row["certified"]
    plain = dataclasses.replace(problem, q=None)
    [other] = frontier.solve(plain, method, tol=1e-11, **PARAMS[method])
    assert not np.allclose(found.weights, other.weights, rtol=1e-3)
    wrong = dataclasses.replace(other, objective=found.objective)
    assert not frontier.evaluate(problem, every_target(problem), wrong)["certified"]


@pytest.mark.parametrize("method", PARAMS)
def test_equal_weights_in_the_distance_change_nothing_but_its_unit(method: str) -> None:
    problem = make_problem(m=4)
    [plain] = frontier.solve(problem, method, tol=1e-11, **PARAMS[method])
    [same] = frontier.solve(dataclasses.replace(problem, q=np.full(60, 2.5)), method, tol=1e-11, **PARAMS[method])
    np.testing.assert_allclose(same.weights, plain.weights, rtol=1e-8)  # both tolerances times the condition of A


def test_a_record_with_a_small_q_hardly_moves_also_within_tolerances_and_bounds() -> None:
    q = np.ones(60)
    q[:20] = 1e-6
    problem = dataclasses.replace(make_problem(m=4), q=q, tolerance=np.full(4, 1e-3))
    for method in PARAMS:
        [found] = frontier.solve(problem, method, **PARAMS[method])
        assert found.status is Status.OPTIMAL
        assert found.weights is not None
        change = np.abs(found.weights / problem.w0 - 1)
        assert change[:20].max() < 1e-4 * change[20:].max()


def test_q_goes_with_its_records() -> None:
    problem = with_q()
    assert problem.q is not None
    assert problem.fingerprint != dataclasses.replace(problem, q=None).fingerprint
    numbered = dataclasses.replace(problem, q=np.arange(1.0, 61.0))
    sample = resampled(numbered, resample=1)
    assert sample.q is not None
    np.testing.assert_array_equal(sample.M.toarray(), problem.M.toarray()[:, sample.q.astype(int) - 1])
    [one] = Partition.of(problem, ["all"] * 60).parts()
    assert one.problem is not None
    np.testing.assert_array_equal(one.problem.q, problem.q)
    np.testing.assert_array_equal(problem.restrict([0, 2]).q, problem.q)  # type: ignore[arg-type]


def test_q_is_a_column_of_own_data(tmp_path: Path) -> None:
    problem = with_q()
    path = frontier.write_problem(problem, tmp_path)
    assert "q: q" in path.read_text()
    read = frontier.load_problem(
        "files",
        matrix=str(tmp_path / "matrix.npz"),
        targets=str(tmp_path / "targets.csv"),
        records=str(tmp_path / "records.csv"),
        q="q",
    )
    assert read.fingerprint == problem.fingerprint
    people = pd.DataFrame({"id": [1, 1, 2, 3], "weight": 1.0, "trust": [0.5, 9.0, 2.0, 1.0], "age": [3, 4, 5, 6]})
    cells = pd.DataFrame({"name": ["old"], "variable": ["age"], "statistic": ["amount"], "value": [20.0]})
    own = frontier.load_problem("files", microdata=people, targets=cells, id="id", q="trust")
    np.testing.assert_array_equal(own.q, [0.5, 2.0, 1.0])  # of the first row of a record, as its weight
    people.loc[2, "trust"] = 0.0
    with pytest.raises(InputError, match="row 3, column 'trust': no weight in the distance; expected a number > 0"):
        frontier.load_problem("files", microdata=people, targets=cells, id="id", q="trust")
    with pytest.raises(InputError, match="q: no weight in the distance"):
        dataclasses.replace(problem, q=np.zeros(60))

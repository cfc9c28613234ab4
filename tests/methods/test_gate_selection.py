"""`sample_gate` and `hybrid_gate`: exactly k records in every cell, drawn from a Hard Concrete fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from frontier import Point, refit, solve
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.methods.hybrid_gate import HybridGateSample
from frontier.methods.sample_gate import GateSample
from frontier.objectives.weight_statistics import active_count
from tests.conftest import make_problem

SHORT: dict[str, Any] = {"epochs": 150, "device": "cpu", "precision": "float64"}


@pytest.mark.parametrize("settings", [{}, {"draw": "cube"}, {"lam": 1e-2}])
@pytest.mark.parametrize("name", ["sample_gate", "hybrid_gate"])
def test_every_cell_has_exactly_its_budget_before_and_after_the_refit(name: str, settings: dict[str, Any]) -> None:
    problem = make_problem(300)
    points = [Point(budget=k, seed=s) for k in (1, 17, 100, 300) for s in (0, 1)]
    for point, solution in zip(points, solve(problem, name, points, **SHORT, **settings), strict=True):
        assert solution.weights is not None
        assert active_count(solution.weights) == point.budget
        for anchor in ("fitted", "initial"):
            again = refit(problem, solution, anchor)
            assert again.weights is not None
            assert np.count_nonzero(again.weights) == point.budget


def test_each_record_has_its_type_and_shares_add_up() -> None:
    problem = make_problem(300)
    method = HybridGateSample(learned_share=0.25, lam=1e-2, **SHORT)
    [(solution, found)] = method.solve_with_selections(problem, [Point(budget=40, seed=0)])
    assert found is not None
    np.testing.assert_array_equal(found.items, solution.active)
    assert np.count_nonzero(found.kinds == "learned") == 10 == solution.claims["learned"]
    assert np.count_nonzero(found.kinds == "random") == 30


def test_weights_are_without_bias_those_of_the_expected_file() -> None:
    """The mean over many draws from one fit: Horvitz–Thompson."""
    problem = make_problem(200)
    points = [Point(budget=30, seed=s) for s in range(3)]
    method = GateSample(lam=3e-3, **SHORT)
    for (solution, found), (_, gates) in zip(
        method.solve_with_selections(problem, points),
        method.fitted.solve_with_gates(problem, [Point(lam=3e-3, seed=s) for s in range(3)]),
        strict=True,
    ):
        assert found is not None
        assert gates is not None
        assert solution.weights is not None
        expected = gates.scale * gates.open_probability
        np.testing.assert_allclose(solution.weights[found.items] * found.probabilities[found.items],
                                   expected[found.items], rtol=1e-12)  # fmt: skip  # one product
        assert found.probabilities.sum() == pytest.approx(30, rel=1e-12)  # a sum of 200 numbers


def test_a_budget_above_the_records_is_infeasible_and_others_are_served(tiny: CalibrationProblem) -> None:
    above, served = solve(tiny, "sample_gate", [Point(budget=61, seed=0), Point(budget=60, seed=0)], **SHORT)
    assert (above.status, above.message) == ("infeasible", "the budget exceeds the 60 records")
    assert len(served.active) == 60


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"epochs": 61}, "epochs: fewer than a gate needs to close"),
        ({"learned_share": 1.5}, "learned_share: out of range"),
        ({"lam": -1.0}, "lam: out of range"),
        ({"draw": "lottery"}, "draw: input should be 'systematic', 'sampford', 'pivotal' or 'cube'"),
        ({"temperature": 0.0}, "temperature: out of range"),
    ],
)
def test_wrong_parameters_are_one_clear_line(tiny: CalibrationProblem, params: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        solve(tiny, "hybrid_gate", [Point(budget=10, seed=0)], **params)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)

"""Hard Concrete beyond the contract: λ prunes, parameters reach the fit, too short a run is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from frontier import Point, solve
from frontier.errors import InputError
from frontier.problem import CalibrationProblem
from tests.conftest import make_problem


def run(problem: CalibrationProblem, lams: list[float], **params: Any) -> list[np.ndarray]:
    points = [Point(lam=lam, seed=0) for lam in lams]
    settings = {"epochs": 300, "device": "cpu", "precision": "float64"} | params
    solutions = solve(problem, "hard_concrete", points, **settings)
    assert [s.status for s in solutions] == ["completed"] * len(lams), solutions[0].message
    return [solution.weights for solution in solutions if solution.weights is not None]


def test_larger_lam_keeps_fewer_records_on_average() -> None:
    lams = [1e-4, 1e-2, 1e-1]
    counts = np.mean([[np.count_nonzero(w) for w in run(make_problem(200, seed=s), lams)] for s in range(4)], axis=0)
    assert (np.diff(counts) < 0).all()


def test_every_parameter_reaches_the_fit(tiny: CalibrationProblem) -> None:
    [base] = run(tiny, [1e-2])
    changes: dict[str, Any] = {
        "epochs": 301,
        "lr": 0.11,
        "init_keep_prob": 0.9,
        "initial_weights": 20.0,
        "temperature": 0.5,
        "gamma": -0.2,
        "zeta": 1.2,
        "lam_l2": 1e-6,
        "log_alpha_jitter_sd": 0.2,
        "log_weight_jitter_sd": 0.2,
        "precision": "float32",
    }
    for name, value in changes.items():
        [changed] = run(tiny, [1e-2], **{name: value})
        assert not np.array_equal(base, changed), name


def test_the_untempered_gate_keeps_more_records(tiny: CalibrationProblem) -> None:
    [tempered] = run(tiny, [1e-2], epochs=80)
    [untempered] = run(tiny, [1e-2], epochs=80, test_gate="untempered")
    assert np.count_nonzero(untempered) >= np.count_nonzero(tempered)
    assert not np.array_equal(tempered, untempered)


def test_keep_probabilities_per_record_start_each_record_apart(tiny: CalibrationProblem) -> None:
    keep = np.full(tiny.n_records, 0.9)
    keep[:30] = 0.02  # closed from the start, and with this λ not worth opening
    [weights] = run(tiny, [0.5], init_keep_prob=keep, epochs=60)
    assert np.count_nonzero(weights[:30]) < np.count_nonzero(weights[30:])


def test_jitters_come_from_the_seed_alone(tiny: CalibrationProblem) -> None:
    points = [Point(lam=1e-3, seed=s) for s in (0, 1)]
    settings: dict[str, Any] = {"epochs": 80, "device": "cpu", "log_weight_jitter_sd": 0.1}
    one, other = (solve(tiny, "hard_concrete", points, **settings) for _ in range(2))
    np.testing.assert_array_equal(one[0].weights, other[0].weights)
    assert not np.array_equal(one[0].weights, one[1].weights)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"epochs": 61}, "epochs: fewer than a gate needs to close; expected at least 62"),
        ({"init_keep_prob": 1.5}, "init_keep_prob: not a probability"),
        ({"initial_weights": -1.0}, "initial_weights: negative weights"),
        ({"lam_l2": -1.0}, "lam_l2: negative"),
        ({"device": "gpu"}, "device: input should be 'auto', 'cpu' or 'cuda'"),
        ({"epochs": 2.5}, "epochs: input should be a valid integer"),
        ({"lamda": 1}, "lamda: unknown key"),
    ],
)
def test_wrong_parameters_are_one_clear_line(tiny: CalibrationProblem, params: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        solve(tiny, "hard_concrete", [Point(lam=1e-2, seed=0)], **({"epochs": 100} | params))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_parameter_of_the_wrong_length_is_told_as_a_failure(tiny: CalibrationProblem) -> None:
    # the length is known only with the problem, so in a sweep this must be a row, not the end of the sweep
    [solution] = solve(tiny, "hard_concrete", [Point(lam=1e-2, seed=0)], init_keep_prob=[0.5, 0.5], epochs=100)
    assert solution.status == "error"
    assert "init_keep_prob: wrong length; expected one number or 60" in solution.message

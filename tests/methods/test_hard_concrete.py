"""Hard Concrete beyond the contract: λ prunes, parameters reach the fit, too short a run is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frontier import Point, solve
from frontier.core.errors import InputError
from frontier.core.point import reached
from frontier.core.problem import CalibrationProblem
from frontier.methods.hard_concrete import HardConcreteCalibrator
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
        "loss": "capped",
        "lam_unit": "share",
        "max_weight_ratio": 1.1,
        "conserve_total": True,
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
        ({"init_keep_prob": 1.5}, "init_keep_prob: out of range"),
        ({"initial_weights": -1.0}, "initial_weights: out of range"),
        ({"lam_l2": -1.0}, "lam_l2: out of range"),
        ({"lam_l2": 1.0, "conserve_total": True}, "lam_l2: not together with conserve_total"),
        ({"cap": 0.0}, "cap: out of range"),
        ({"max_weight_ratio": 0.0}, "max_weight_ratio: out of range"),
        ({"initial_temperature": 1.0}, "initial_temperature: a constant temperature has no other start"),
        ({"temperature_schedule": "linear", "initial_temperature": -1.0}, "initial_temperature: not a temperature"),
        ({"anneal_epochs": 101}, "anneal_epochs: β would not arrive; expected at most 100 (epochs), got 101"),
        ({"anneal_epochs": 0}, "anneal_epochs: out of range"),
        ({"stop_tol": -1.0}, "stop_tol: out of range"),
        ({"stop_every": 0}, "stop_every: out of range"),
        ({"checkpoint_every": 0}, "checkpoint_every: out of range"),
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


@pytest.mark.parametrize("name", ["init_keep_prob", "initial_weights"])
def test_a_parameter_of_the_wrong_length_is_refused(tiny: CalibrationProblem, name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: wrong length; expected one number or 60"):
        solve(tiny, "hard_concrete", [Point(lam=1e-2, seed=0)], epochs=100, **{name: [0.5, 0.5]})


def test_start_probabilities_of_0_and_1_are_moved_inside_as_by_the_peer(tiny: CalibrationProblem) -> None:
    for given, taken in ((1.0, 1 - 1e-6), (0.0, 1e-6)):
        found = [
            solve(tiny, "hard_concrete", [Point(lam=1e-2, seed=0)], epochs=300, init_keep_prob=p)[0]
            for p in (given, taken)
        ]
        np.testing.assert_array_equal(found[0].weights, found[1].weights)


def test_every_optional_setting_reaches_the_fit(tiny: CalibrationProblem) -> None:
    [base] = run(tiny, [1e-2])
    for settings in (
        {"loss": "capped", "cap": 0.05, "lr": 0.05},
        {"lam_l2": 1.0, "l2_on": "ratio"},
        {"temperature_schedule": "cosine", "initial_temperature": 1.5},
        {"temperature_schedule": "linear", "initial_temperature": 1.5},
        {"temperature_schedule": "linear", "initial_temperature": 1.5, "anneal_epochs": 100},
    ):
        [changed] = run(tiny, [1e-2], **settings)
        assert not np.array_equal(base, changed), settings


def test_the_weight_ratio_is_a_hard_cap_and_the_total_is_conserved(tiny: CalibrationProblem) -> None:
    total = tiny.w0.sum()
    for settings in (
        {"max_weight_ratio": 1.5},
        {"conserve_total": True},
        {"max_weight_ratio": 20.0, "conserve_total": True},
    ):
        for weights in run(tiny, [1e-3, 1e-2], **settings):
            if "max_weight_ratio" in settings:
                assert (weights <= settings["max_weight_ratio"] * tiny.w0 * (1 + 1e-12)).all()  # one rounding
            if "conserve_total" in settings:
                assert weights.sum() == pytest.approx(total, rel=1e-9)  # rescaled in float64


def test_a_total_that_the_caps_forbid_is_a_failure_with_a_cure(tiny: CalibrationProblem) -> None:
    settings: dict[str, Any] = {"epochs": 300, "device": "cpu", "max_weight_ratio": 1.05, "conserve_total": True}
    [solution] = solve(tiny, "hard_concrete", [Point(lam=1.0, seed=0)], **settings)
    assert solution.status == "infeasible"
    assert "raise max_weight_ratio, lower λ or drop conserve_total" in solution.message


def test_a_share_is_lam_over_the_number_of_records(tiny: CalibrationProblem) -> None:
    [per_record] = run(tiny, [1e-3])
    [share] = run(tiny, [1e-3 * tiny.n_records], lam_unit="share")
    np.testing.assert_array_equal(per_record, share)


def test_budgets_and_lams_may_be_mixed_and_each_says_what_it_did() -> None:
    problem = make_problem(n=600)
    points = [Point(budget=200, seed=0), Point(lam=1e-3, seed=0), Point(budget=50, seed=1)]
    solutions = solve(problem, "hard_concrete", points, epochs=200, device="cpu")
    for point, solution in zip(points, solutions, strict=True):
        assert solution.status == "completed"
        if point.budget:
            assert reached(len(solution.active), point.budget)
            assert solution.claims["rounds"] >= 1
            assert solution.objective is not None
            assert solution.objective.lam > 0
    [alone] = solve(problem, "hard_concrete", points[2:], epochs=200, device="cpu")
    assert reached(len(alone.active), 50)


def test_a_settled_fit_says_so(tiny: CalibrationProblem) -> None:
    settings: dict[str, Any] = {"epochs": 2000, "device": "cpu", "stop_tol": 1e-2}
    [solution] = solve(tiny, "hard_concrete", [Point(lam=1e-2, seed=0)], **settings)
    assert solution.status == "stopped_early"
    assert solution.n_iter < 2000
    assert solution.message == f"settled after {solution.n_iter} epochs"


def test_a_fit_with_checkpoints_is_the_fit_without(tiny: CalibrationProblem, tmp_path: Path) -> None:
    [base] = run(tiny, [1e-2])
    [kept] = run(tiny, [1e-2], checkpoint=str(tmp_path / "state"), checkpoint_every=7)
    np.testing.assert_array_equal(base, kept)


def test_epochs_can_be_added_to_a_finished_fit_bit_for_bit(tiny: CalibrationProblem, tmp_path: Path) -> None:
    kept = {"checkpoint": str(tmp_path / "state"), "checkpoint_keep": True}
    [whole] = run(tiny, [1e-2], epochs=400)
    run(tiny, [1e-2], epochs=150, **kept)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "state").iterdir()}
    assert len(before) == 1
    [more] = run(tiny, [1e-2], epochs=400, **kept)
    np.testing.assert_array_equal(more, whole)
    assert [path.stat().st_mtime_ns for path in before] != [*before.values()]  # one state, of 400 epochs now
    [fewer] = run(tiny, [1e-2], epochs=150, **kept)  # a longer fit's state is no state of a shorter one
    np.testing.assert_array_equal(fewer, run(tiny, [1e-2], epochs=150)[0])


def test_a_fit_whose_temperature_depends_on_its_length_is_not_gone_on_from(
    tiny: CalibrationProblem, tmp_path: Path
) -> None:
    annealed = {"temperature_schedule": "linear", "initial_temperature": 2.0}
    run(tiny, [1e-2], epochs=150, checkpoint=str(tmp_path), checkpoint_keep=True, **annealed)
    [longer] = run(tiny, [1e-2], epochs=400, checkpoint=str(tmp_path), **annealed)
    np.testing.assert_array_equal(longer, run(tiny, [1e-2], epochs=400, **annealed)[0])


def test_a_solution_predicts_and_counts() -> None:
    problem = make_problem()
    [solution] = solve(problem, "hard_concrete", [Point(lam=1e-2, seed=0)], epochs=300, device="cpu")
    assert solution.weights is not None
    np.testing.assert_array_equal(solution.predict(problem.M), problem.M @ solution.weights)
    np.testing.assert_array_equal(solution.active, np.flatnonzero(solution.weights))
    assert solution.sparsity == 1 - len(solution.active) / problem.n_records
    with pytest.raises(InputError, match="M: not over these records"):
        solution.predict(np.ones((2, 3)))


def test_diverging_weights_are_a_failure_with_a_cure(tiny: CalibrationProblem) -> None:
    huge = CalibrationProblem("huge", tiny.M * 1e30, tiny.y, tiny.w0)
    [solution] = solve(huge, "hard_concrete", [Point(lam=1e-2, seed=0)], epochs=100, device="cpu")
    assert solution.status == "error"
    assert "lower lr or use precision: float64" in solution.message


def test_epochs_after_the_annealing_can_be_added_bit_for_bit(tiny: CalibrationProblem, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"temperature_schedule": "cosine", "initial_temperature": 1.5, "anneal_epochs": 100}
    [whole] = run(tiny, [1e-2], epochs=300, **settings)
    kept = {"checkpoint": str(tmp_path), "checkpoint_keep": True}
    run(tiny, [1e-2], epochs=150, **settings, **kept)
    [state] = tmp_path.iterdir()
    before = state.stat().st_mtime_ns
    [more] = run(tiny, [1e-2], epochs=300, **settings, **kept)
    np.testing.assert_array_equal(more, whole)
    assert state.stat().st_mtime_ns != before  # the same state went on


@pytest.mark.parametrize("settings", [{}, {"stop_tol": 1e-2, "epochs": 2000}])
def test_gate_probabilities_come_to_who_asks_and_change_nothing(
    tiny: CalibrationProblem, settings: dict[str, Any]
) -> None:
    method = HardConcreteCalibrator(**({"epochs": 300, "device": "cpu", "precision": "float64"} | settings))
    points = [Point(lam=1e-2, seed=0), Point(budget=20, seed=1)]
    for (solution, gates), plain in zip(method.solve_with_gates(tiny, points), method.solve(tiny, points), strict=True):
        assert gates is not None
        assert solution.weights is not None
        np.testing.assert_array_equal(solution.weights, plain.weights)
        assert gates.open_probability.sum() == pytest.approx(solution.claims["expected_active"], rel=1e-12)  # one sum
        np.testing.assert_array_equal(gates.open_probability > 0.5, solution.weights > 0)  # where a tempered gate opens
        assert (solution.weights <= gates.scale).all()


def test_more_epochs_than_fit_in_memory_are_refused_before_anything_is_allocated() -> None:
    with pytest.raises(InputError, match=r"epochs: out of range; expected 1 ≤ epochs ≤ 10000000, got 2147483648"):
        HardConcreteCalibrator(epochs=2**31)

"""Spread below 100 records, in both readings of ±, and the zero variance of what takes a seed and of what does not."""

from __future__ import annotations

import numpy as np

from frontier.results.run import Run
from frontier.study.claims.model import FAILS, HOLDS, ONLY_IF, UNDECIDED
from frontier.study.claims.spread import explodes, zero_variance
from tests.study.claims.made import Cell, cell
from tests.study.claims.made import results as made_results


def results(cells: list[Cell], temperature: float = 2 / 3) -> Run:
    params = {"temperature": temperature, "test_gate": "tempered"}
    methods = {"Hard Concrete L0": {"name": "hard_concrete", "params": params}}
    return made_results(cells, methods=methods)


def hard_concrete(deviation: float, records: int, n: int = 40, lam: float = 0.01) -> list[Cell]:
    """Seeds whose errors have exactly this standard deviation."""
    errors = np.random.default_rng(0).standard_normal(n)
    errors = 0.5 + deviation * (errors - errors.mean()) / errors.std(ddof=1)
    return [
        cell("hard_concrete", "Hard Concrete L0", lam=lam, seed=s, n_active=records, heldout_mare=float(e))
        for s, e in enumerate(errors)
    ]


def test_a_standard_error_above_the_band_holds_in_both_readings() -> None:
    verdict = explodes({"made": results(hard_concrete(0.5, 20))})  # 0.5/√5 = 22%
    assert verdict.word == HOLDS
    assert verdict.evidence["spread_error"].tolist() == [np.float64(0.5 / np.sqrt(5)), 0.5]


def test_a_standard_deviation_in_the_band_holds_only_as_a_standard_deviation() -> None:
    verdict = explodes({"made": results(hard_concrete(0.16, 20))})  # 0.16/√5 = 7%
    assert verdict.word == ONLY_IF
    assert verdict.condition == "± is the standard deviation over seeds (p)"


def test_a_small_spread_fails() -> None:
    assert explodes({"made": results(hard_concrete(0.01, 20))}).word == FAILS


def test_sizes_from_100_records_on_do_not_count() -> None:
    cells = [*hard_concrete(0.01, 99), *hard_concrete(0.5, 100, lam=0.001)]
    assert explodes({"made": results(cells)}).word == FAILS
    assert explodes({"made": results(hard_concrete(0.5, 100))}).evidence.empty


def test_too_few_seeds_leave_the_spread_undecided() -> None:
    assert explodes({"made": results(hard_concrete(0.5, 20, n=3))}).word == UNDECIDED


def deterministic(sizes: tuple[int, int], objective: float = 1.0) -> list[Cell]:
    """One λ by two exact solvers."""
    same = {"lam": 0.1, "lam_absolute": 0.1, "certified": True, "status": "optimal", "heldout_mare": 0.3}
    return [
        cell("nn_lasso", n_active=sizes[0], objective=1.0, **same),
        cell("cvxpy_reference", n_active=sizes[1], objective=objective, **same),
    ]


def test_only_the_settings_of_the_notebook_count_whatever_the_label_says() -> None:
    assert explodes({"made": results(hard_concrete(0.5, 20), temperature=0.25)}).evidence.empty


def test_the_largest_of_several_spreads_is_told_with_the_intervals_of_all_of_them() -> None:
    alone = explodes({"made": results(hard_concrete(0.5, 20))}).evidence
    of_three = [*hard_concrete(0.5, 20), *hard_concrete(0.01, 30, lam=0.02), *hard_concrete(0.01, 40, lam=0.03)]
    picked = explodes({"made": results(of_three)}).evidence
    assert (picked["spread_error"] == alone["spread_error"]).all()
    assert (picked["spread_error_low"] < alone["spread_error_low"]).all()
    assert picked["against_the_claimed"].tolist() == ["more than claimed", "more than claimed"]


def test_a_deterministic_method_with_one_optimum_has_zero_variance() -> None:
    verdict = zero_variance({"made": results(deterministic((50, 50)))})
    assert verdict.word == HOLDS
    assert verdict.evidence["reading"].tolist() == ["over exact solvers"]  # that it takes no seed is no evidence


def test_two_certified_optima_of_other_sizes_are_told() -> None:
    verdict = zero_variance({"made": results(deterministic((6, 900)))})
    assert verdict.word == FAILS
    assert "6 and 900 records" in verdict.reason


def test_optima_of_another_objective_are_not_compared() -> None:
    assert zero_variance({"made": results(deterministic((6, 900), objective=2.0))}).evidence.empty


def test_a_method_that_draws_at_random_has_variance_unless_its_seeds_agree() -> None:
    def raking(errors: tuple[float, ...]) -> list[Cell]:
        return [cell("stratified_raking", lam=5.0, seed=s, n_active=31, heldout_mare=e) for s, e in enumerate(errors)]

    assert zero_variance({"made": results(raking((0.1, 0.2, 0.3)))}).word == FAILS
    assert zero_variance({"made": results(raking((0.1, 0.1, 0.1)))}).word == HOLDS

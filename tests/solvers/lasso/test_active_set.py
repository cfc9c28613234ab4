"""The active-set method and the factor it works on."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.objectives.l1 import l1_certificate, lam_max
from frontier.solvers.lasso import active_set as active_set_module
from frontier.solvers.lasso import columns as columns_module
from frontier.solvers.lasso.active_set import settle
from frontier.solvers.lasso.columns import ActiveSet, Columns
from tests.solvers.lasso.designs import DESIGNS, design

every_design = pytest.mark.parametrize("name", DESIGNS)


@every_design
@pytest.mark.parametrize("ratio", [0.7, 0.1, 1e-3])
def test_settling_from_nothing_solves_the_lasso(name: str, ratio: float) -> None:
    given = DESIGNS[name]
    lam = ratio * lam_max(given)
    active = ActiveSet(Columns.of(given))
    settled = settle(active, lam)
    assert settled.reached
    weights = active.columns.weights(active.members, settled.x)
    assert l1_certificate(given, weights, lam).relative_gap <= 1e-10  # rounding of Aᵀ(b − Aw), 1e-13 of λc


@every_design
def test_settling_from_a_wrong_guess_ends_in_the_same_minimum(name: str) -> None:
    given = DESIGNS[name]
    lam = 0.05 * lam_max(given)
    active = ActiveSet(Columns.of(given))
    for i in range(active.columns.used.size - 1, -1, -4):
        active.add(i)
    settled = settle(active, lam)
    assert settled.reached
    weights = active.columns.weights(active.members, settled.x)
    assert l1_certificate(given, weights, lam).relative_gap <= 1e-10  # as above


@every_design
def test_settling_from_weights_at_hand_ends_in_the_same_minimum(name: str) -> None:
    given = DESIGNS[name]
    lam = 0.05 * lam_max(given)
    before = ActiveSet(Columns.of(given))
    settle(before, 0.5 * lam_max(given))
    active = ActiveSet(before.columns)
    active.load(before.members)
    settled = settle(active, lam, start=np.ones(len(active)))  # nobody's optimum
    assert settled.reached
    weights = active.columns.weights(active.members, settled.x)
    assert l1_certificate(given, weights, lam).relative_gap <= 1e-10  # as above


def test_the_limit_on_changes_is_kept() -> None:
    active = ActiveSet(Columns.of(DESIGNS["random signs"]))
    settled = settle(active, 0.0, max_changes=2)
    assert not settled.reached
    assert settled.n_changes >= 2


def test_rounding_does_not_keep_the_search_going(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active_set_module, "VIOLATION", 0.0)  # every correlation above its cost counts
    for given in DESIGNS.values():
        active = ActiveSet(Columns.of(given))
        assert settle(active, 0.1 * lam_max(given), max_changes=1000).reached


def test_a_record_that_cannot_enter_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    A = DESIGNS["random signs"].A.toarray()
    given, without = design(A, np.ones(12)), design(A * (np.arange(60) != 7), np.ones(12))
    enter = active_set_module._enter
    refusal = None, 0
    monkeypatch.setattr(active_set_module, "_enter", lambda a, i, x: refusal if i == 7 else enter(a, i, x))
    lam = 0.1 * lam_max(given)
    active = ActiveSet(Columns.of(given))
    settled = settle(active, lam)
    weights = active.columns.weights(active.members, settled.x)
    assert l1_certificate(without, weights, lam).relative_gap <= 1e-10  # as above
    assert l1_certificate(given, weights, lam).relative_gap > 1e-6  # record 7 is missed


def test_a_record_that_nothing_can_make_way_for_does_not_enter() -> None:
    active = ActiveSet(Columns.of(design(np.array([[1.0, -1.0]]), np.ones(1))))
    active.add(0)
    assert active_set_module._enter(active, 1, np.array([0.5])) == (None, 0)
    assert active.members == [0]


def test_a_dependent_column_is_refused_and_changes_nothing() -> None:
    active = ActiveSet(Columns.of(DESIGNS["every column twice"]))
    assert active.add(0)
    assert not active.add(1)
    assert active.members == [0]


def test_the_factor_survives_many_insertions_and_deletions(monkeypatch: pytest.MonkeyPatch) -> None:
    given = DESIGNS["columns of unequal lengths"]
    rng = np.random.default_rng(0)
    for refresh in (10**9, 7):  # never, and often
        monkeypatch.setattr(columns_module, "REFRESH", refresh)
        active = ActiveSet(Columns.of(given))
        for _ in range(400):
            if len(active) and (rng.random() < 0.5 or len(active) == active.capacity):
                active.remove(int(rng.integers(len(active))))
            else:
                outside = np.flatnonzero(~active.is_active)
                active.add(int(rng.choice(outside)))
        while len(active) < 8:
            active.add(int(rng.choice(np.flatnonzero(~active.is_active))))
        A = active.columns.rows[active.members].toarray().T
        cost = active.columns.costs[active.members]
        line = active.line()
        u = np.linalg.lstsq(A, given.b, rcond=None)[0]
        v = np.linalg.solve(A.T @ A, cost)
        np.testing.assert_allclose(line.u, u, rtol=1e-8, atol=1e-10 * np.abs(u).max())  # conditioning up to 1e3
        np.testing.assert_allclose(line.v, v, rtol=1e-8, atol=1e-10 * np.abs(v).max())  # and its square
        np.testing.assert_allclose(line.p, given.b - A @ u, atol=1e-12 * np.linalg.norm(given.b))  # 400 rotations
        np.testing.assert_allclose(line.d, A @ v, atol=1e-9 * np.linalg.norm(A @ v))  # the normal equations' v
        assert active.is_active.sum() == len(active)

"""The interior point method finds θ and ends near a vertex of the solutions, on every shape of problem."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.objectives.design import WeightedDesign
from frontier.objectives.l1 import l1_certificate, lam_max
from frontier.solvers.lasso.interior import Approach, InteriorPoint
from tests.solvers.lasso.designs import DESIGNS

CERTIFIED = 1e-8  # relative gap: that of θ is 1e-9, the vertex of the raised limits adds about as much


def unit_columns(given: WeightedDesign) -> tuple[WeightedDesign, np.ndarray]:
    """The columns that are not empty, scaled to length 1, and the costs that go with that."""
    used = np.flatnonzero(given.curvature > 0)
    lengths = np.sqrt(given.curvature[used])
    return WeightedDesign(sp.csr_array(given.A[:, used] @ sp.diags_array(1 / lengths)), given.b), 1 / lengths


def face_of(n: int) -> WeightedDesign:
    """n records whose costs are the first row of the design, with targets that can be met: all are on the face."""
    rng = np.random.default_rng(0)
    counts = np.vstack((np.ones(n), rng.random((40, n)) < 0.3)).astype(float)
    return WeightedDesign(sp.csr_array(counts), counts @ rng.uniform(0.5, 1.5, n))


def gap(design: WeightedDesign, found: Approach, limits: np.ndarray) -> float:
    return l1_certificate(design, found.x, 1.0, limits, found.theta).relative_gap


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("ratio", [0.5, 0.01])
def test_theta_certifies_where_it_ends(name: str, ratio: float) -> None:
    unit, costs = unit_columns(DESIGNS[name])
    limits = ratio * lam_max(unit, costs) * costs
    found = InteriorPoint(sp.csc_array(unit.A), unit.b).solve(limits)
    assert (found.x >= 0).all()
    assert gap(unit, found, limits) <= CERTIFIED


def test_of_a_face_a_vertex_is_found_that_only_theta_certifies() -> None:
    unit, costs = unit_columns(face_of(2_000))
    limits = 1e-5 * lam_max(unit, costs) * costs
    found = InteriorPoint(sp.csc_array(unit.A), unit.b).solve(limits)
    assert np.count_nonzero(found.x) <= 41 + 5  # the rank, and columns that depend on them but for rounding
    assert gap(unit, found, limits) <= CERTIFIED
    assert l1_certificate(unit, found.x, 1.0, limits).relative_gap > 1e-7  # its residual: off by the raise, 1e-6


@pytest.mark.parametrize("factor", [0.4, 3.0, 1e-4])
def test_the_start_from_the_last_problem_changes_nothing_but_the_steps(factor: float) -> None:
    unit, costs = unit_columns(face_of(300))
    method = InteriorPoint(sp.csc_array(unit.A), unit.b)
    limits = 0.1 * lam_max(unit, costs) * costs
    method.solve(limits)
    uneven = factor * limits * np.random.default_rng(1).uniform(1, 1.5, limits.size)  # other costs, too
    again, fresh = method.solve(uneven), InteriorPoint(sp.csc_array(unit.A), unit.b).solve(uneven)
    assert gap(unit, again, uneven) <= CERTIFIED
    bound = 1e-4 * float(np.linalg.norm(fresh.theta))  # √gap: the dual is strongly concave
    np.testing.assert_allclose(again.theta, fresh.theta, atol=bound)


def test_without_a_penalty_the_fit_is_the_least_squares_one() -> None:
    unit, _ = unit_columns(face_of(300))
    method = InteriorPoint(sp.csc_array(unit.A), unit.b)
    for _ in range(2):  # λ = 0 leaves nothing to start from
        found = method.solve(np.zeros(300))
        assert np.linalg.norm(unit.A @ found.x - unit.b) <= 1e-8 * np.linalg.norm(unit.b)  # the targets can be met

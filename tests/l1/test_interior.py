"""The interior point method ends near a vertex of the solutions, on every shape of problem."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.l1.interior import vertex
from frontier.objective import WeightedDesign, l1_certificate, lam_max
from tests.l1.designs import DESIGNS


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("ratio", [0.5, 0.01])
def test_it_ends_within_its_perturbation_of_the_minimum(name: str, ratio: float) -> None:
    given = DESIGNS[name]
    used = np.flatnonzero(given.curvature > 0)
    lengths = np.sqrt(given.curvature[used])
    unit = WeightedDesign(sp.csr_array(given.A[:, used] @ sp.diags_array(1 / lengths)), given.b)
    limits = ratio * lam_max(given) / lengths
    x = vertex(sp.csc_array(unit.A), given.b, limits)
    assert (x >= 0).all()
    assert l1_certificate(unit, x, 1.0, limits).gap <= 1e-3 * 0.5 * float(given.b @ given.b)  # raised costs: 1e-4


def test_without_columns_there_is_nothing() -> None:
    assert vertex(sp.csc_array((3, 0)), np.ones(3), np.zeros(0)).size == 0

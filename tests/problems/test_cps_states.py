"""The tax units of the whole country: the published problem to the last cent."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split


def test_it_is_the_published_problem() -> None:
    problem = load_problem("cps_states")
    M = problem.M
    assert M.shape == (2_376, 280_005)
    assert M.nnz == 2_722_325
    assert default_split(problem).train.sum() == 2_121
    assert problem.w0.sum() == 170_633_811
    assert problem.meta["record"] == "tax_unit"
    parts = [M.indptr.astype("<i8"), M.indices.astype("<i8"), np.rint(M.data * 100).astype("<i8"), problem.y]
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    assert digest == "770b2360e1b7e49ed05821791b356954a0d1e92aeda4094293d773d7eb24b389"


def test_targets_may_count_as_in_l0_paper_and_weights_begin_alike() -> None:
    problem = load_problem("cps_national", fiscal_importance=True, uniform_weights=True)
    plain = load_problem("cps_national")
    assert np.unique(problem.w0).size == 1
    assert np.isclose(problem.w0.sum(), plain.w0.sum(), rtol=1e-12)
    amount = np.array(["/amount" in name for name in problem.target_names])
    # either basis is half of the whole, the mean is 1, and within a basis ω goes as the root of the size
    assert problem.importance.mean() == pytest.approx(1, rel=1e-12)
    assert problem.importance[amount].sum() == pytest.approx(problem.importance[~amount].sum(), rel=1e-12)
    for basis in (amount, ~amount):
        ratio = problem.importance[basis] ** 2 / np.maximum(np.abs(problem.y[basis]), 1)
        assert np.ptp(ratio) < 1e-12 * ratio.max()

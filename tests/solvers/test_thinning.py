"""Thinning keeps every total and no more records than the rank."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.problems.registry import load_problem
from frontier.solvers import thinning
from frontier.solvers.thinning import rank, thin


def matrices() -> dict[str, FloatArray]:
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 3, size=(8, 120)).astype(float)
    dollars = counts * np.round(rng.lognormal(mean=9, sigma=2, size=counts.shape))
    parts = rng.lognormal(sigma=2.0, size=(5, 150))
    return {
        "random signs": rng.normal(size=(10, 200)),
        "counts": counts,
        "dollars beside counts": np.vstack((counts, dollars)),
        "rank 3": rng.random((9, 3)) @ rng.random((3, 70)),
        "a total and its parts": np.vstack((parts, parts.sum(axis=0))),
        "a total and its parts, each entry rounded": np.vstack((parts, parts.sum(axis=0).astype(np.float32))),
        "rows of zeros and empty columns": np.vstack((counts[:4] * (np.arange(120) % 3 > 0), np.zeros((2, 120)))),
        "equal columns": np.ones((3, 50)),
        "fewer records than targets": rng.random((30, 12)),
        "one target": rng.random((1, 40)),
        "one record": rng.random((6, 1)),
    }


MATRICES = matrices()
every_matrix = pytest.mark.parametrize("name", MATRICES)


def weights_of(n: int) -> dict[str, FloatArray]:
    rng = np.random.default_rng(3)
    return {
        "equal": np.ones(n),
        "survey": rng.uniform(100, 3000, size=n),
        "skewed": rng.lognormal(sigma=4.0, size=n),
        "many zeros": rng.integers(0, 2, size=n).astype(float),
    }


def scaled(A: FloatArray, w: FloatArray) -> FloatArray:
    """The active columns, rows divided by their absolute totals and columns by their lengths: no units left."""
    totals = np.abs(A) @ w
    columns = (A / np.where(totals > 0, totals, 1.0)[:, None])[:, w > 0]
    lengths = np.linalg.norm(columns, axis=0)
    return columns / np.where(lengths > 0, lengths, 1.0)


def worst_change(A: FloatArray, before: FloatArray, after: FloatArray) -> float:
    totals = np.abs(A) @ before
    return float(np.max(np.abs(A @ after - A @ before) / np.where(totals > 0, totals, 1.0)))


@every_matrix
@pytest.mark.parametrize("kind", weights_of(1))
def test_totals_stay_and_at_most_rank_records_do(name: str, kind: str) -> None:
    A = MATRICES[name]
    w = weights_of(A.shape[1])[kind]
    thinned = thin(sp.csr_array(A), w)
    assert (thinned >= 0).all()
    assert worst_change(A, w, thinned) <= 1e-13  # sums of up to 200 terms in float64: 1e-14, solved by an inverse
    singular = np.linalg.svd(scaled(A, w), compute_uv=False)
    assert np.count_nonzero(thinned) <= np.count_nonzero(singular > 1e-12 * singular.max(initial=0.0))  # RANK
    assert not thinned[w == 0].any()


@every_matrix
def test_the_rank_is_that_of_the_active_columns(name: str) -> None:
    A = MATRICES[name]
    w = weights_of(A.shape[1])["survey"]
    assert rank(sp.csr_array(A), w) == np.linalg.matrix_rank(scaled(A, w), tol=1e-11)  # the module's 1e-12 of about 10
    assert rank(sp.csr_array(A), np.zeros(A.shape[1])) == 0


@every_matrix
def test_units_of_targets_do_not_matter(name: str) -> None:
    A = MATRICES[name]
    w = weights_of(A.shape[1])["survey"]
    units = 10.0 ** np.random.default_rng(4).integers(-9, 10, size=A.shape[0])
    assert worst_change(A, w, thin(sp.csr_array(units[:, None] * A), w)) <= 1e-13  # as above


def test_thin_weights_are_left_as_they_are() -> None:
    A = sp.csr_array(MATRICES["random signs"])
    once = thin(A, np.ones(200))
    np.testing.assert_allclose(thin(A, once), once, rtol=1e-10)  # solved for again, at conditioning up to 1e4


def test_no_weight_stays_no_weight() -> None:
    assert not thin(sp.csr_array(np.ones((2, 3))), np.zeros(3)).any()


def test_weights_on_empty_columns_go() -> None:
    A = np.array([[1.0, 0.0, 2.0]])
    thinned = thin(sp.csr_array(A), np.array([1.0, 5.0, 1.0]))
    assert thinned[1] == 0
    assert np.count_nonzero(thinned) == 1


def test_thinning_draws_nothing_remembers_nothing_and_leaves_its_input_alone() -> None:
    A = sp.csr_array(MATRICES["dollars beside counts"])
    before, w = A.copy(), np.ones(120)
    w.flags.writeable = False
    np.random.seed(0)
    first = thin(A, w)
    assert (before != A).nnz == 0
    np.random.seed(1)
    thin(sp.csr_array(MATRICES["random signs"]), np.ones(200))  # what another problem leaves behind changes nothing
    np.testing.assert_array_equal(thin(before, w), first)


def test_records_in_another_order_keep_the_same_ones() -> None:
    A = MATRICES["random signs"]
    w = weights_of(200)["survey"]
    order = np.random.default_rng(5).permutation(200)
    one, other = thin(sp.csr_array(A), w), thin(sp.csr_array(A[:, order]), w[order])
    np.testing.assert_allclose(one[order], other, rtol=1e-9, atol=1e-12 * one.max())  # conditioning up to 1e4


def test_blocks_and_fresh_inverses_change_rounding_only(monkeypatch: pytest.MonkeyPatch) -> None:
    A, w = sp.csr_array(MATRICES["random signs"]), weights_of(200)["survey"]
    whole = thin(A, w)
    monkeypatch.setattr(thinning, "BLOCK", 7)
    monkeypatch.setattr(thinning, "REFRESH", 3)
    np.testing.assert_allclose(thin(A, w), whole, rtol=1e-9, atol=1e-12 * whole.max())  # conditioning up to 1e4


def test_a_survey_file_is_thinned_to_as_many_households_as_targets() -> None:
    problem = load_problem("cps_ohio")
    thinned = thin(problem.M, problem.w0)
    assert np.count_nonzero(thinned) <= problem.n_targets
    assert worst_change(problem.M.toarray(), problem.w0, thinned) <= 1e-12  # 5,177 terms, an inverse at 1e3


@pytest.mark.parametrize("wrong", [np.ones(2), np.array([1.0, -1.0, 1.0]), np.array([1.0, np.nan, 1.0])])
def test_what_are_no_weights_is_refused(wrong: FloatArray) -> None:
    with pytest.raises(InputError, match="weights"):
        thin(sp.csr_array(np.ones((2, 3))), wrong)

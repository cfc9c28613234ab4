"""The path against the harness's certificate at every breakpoint, and against independent solvers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.methods.nn_lasso import NnLasso
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.objectives.l1 import L1Objective, l1_certificate, lam_max
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split
from frontier.solvers.lasso import homotopy as module
from frontier.solvers.lasso.columns import ActiveSet
from frontier.solvers.lasso.homotopy import HomotopyPath
from tests.conftest import make_problem
from tests.solvers.lasso.designs import DESIGNS, design

every_design = pytest.mark.parametrize("name", DESIGNS)


def homotopy(
    given: WeightedDesign, lam_min: float, costs: FloatArray | float = 1.0, max_breakpoints: int = 20_000
) -> HomotopyPath:
    path = HomotopyPath(given, costs, max_breakpoints)
    path.down_to(lam_min)
    return path


def vertices(path: HomotopyPath) -> FloatArray:
    found = np.zeros((len(path.lams), path.columns.n_records))
    for row, support, values in zip(found, path.supports, path.values, strict=True):
        row[support] = values
    return found


def gaps(given: WeightedDesign, path: HomotopyPath, lams: FloatArray, costs: FloatArray | float = 1.0) -> FloatArray:
    return np.array([l1_certificate(given, path.weights(lam), lam, costs).relative_gap for lam in lams])


def random_lams(path: HomotopyPath, size: int = 20) -> FloatArray:
    return np.exp(np.random.default_rng(0).uniform(np.log(path.lams[-1]), np.log(1.2 * path.lams[0]), size=size))


@every_design
def test_the_certificate_confirms_every_breakpoint_and_what_lies_between(name: str) -> None:
    given = DESIGNS[name]
    path = homotopy(given, 1e-3 * lam_max(given))
    assert path.status == "complete"
    breakpoints = np.array(path.lams)
    middles = (breakpoints[1:] + breakpoints[:-1]) / 2
    lams = np.concatenate((breakpoints, middles, random_lams(path)))
    # the certificate knows Aᵀ(b − Aw) to 1e-16 of ‖b‖, which is 1e-13 of λc at 1e-3 λ_max, 1e-12 for unequal columns
    assert gaps(given, path, lams).max() <= 1e-10


@every_design
def test_the_path_holds_for_unequal_costs(name: str) -> None:
    given = DESIGNS[name]
    costs = np.random.default_rng(1).choice([0.5, 1.0, 3.0], size=given.A.shape[1])
    path = homotopy(given, 1e-3 * lam_max(given, costs), costs)
    assert path.lams[0] == pytest.approx(lam_max(given, costs), rel=1e-12)  # the same sums, in another order
    assert gaps(given, path, np.concatenate((path.lams, random_lams(path))), costs).max() <= 1e-10  # as above


@every_design
def test_at_zero_the_path_ends_in_nonnegative_least_squares(name: str) -> None:
    given = DESIGNS[name]
    w = homotopy(given, 0.0).weights(0.0)
    least = scipy.optimize.nnls(given.A.toarray(), given.b)[1] ** 2 / 2
    loss = 0.5 * float(np.sum((given.A @ w - given.b) ** 2))
    assert loss == pytest.approx(least, rel=1e-10, abs=1e-12 * float(given.b @ given.b))  # both exact but for rounding
    assert l1_certificate(given, w, 0.0).kkt_residual <= 1e-12  # rounding, at condition numbers up to 1e4


@every_design
def test_active_columns_are_independent(name: str) -> None:
    given = DESIGNS[name]
    path = homotopy(given, 1e-6 * lam_max(given))
    A = given.A.toarray()
    lengths = np.linalg.norm(A, axis=0)
    for row in range(len(path.lams)):
        support = path.supports[row]
        assert np.linalg.matrix_rank(A[:, support] / lengths[support]) == support.size


def test_real_households_are_certified_down_to_a_hundred_thousandth_of_lam_max() -> None:
    problem = load_problem("cps_ohio")
    given = weighted_design(problem.restrict(default_split(problem).train))
    path = homotopy(given, 1e-5 * lam_max(given))
    assert path.status == "complete"
    assert 50 < len(path.lams) < 500
    # columns of unequal lengths: ‖b‖ eps is 1e-10 of λc at 1e-5 λ_max
    assert gaps(given, path, np.concatenate((path.lams, random_lams(path, 100)))).max() <= 1e-8


@pytest.mark.parametrize("ratio", [0.5, 0.1, 0.02])
def test_fista_reaches_the_same_objective(ratio: float) -> None:
    problem = make_problem(n=200, m=8)
    given = weighted_design(problem)
    lam = ratio * lam_max(given)
    path = homotopy(given, lam)
    (nn_lasso,) = NnLasso(tol=1e-9).solve(problem, [Point(lam=lam)])
    assert nn_lasso.weights is not None
    value = L1Objective(lam).value
    # FISTA's gap of 1e-9, with the path's 1e-12
    assert value(problem, path.weights(lam)) == pytest.approx(value(problem, nn_lasso.weights), rel=1e-8)


def test_between_breakpoints_the_solution_is_the_mean_of_its_neighbours() -> None:
    given = DESIGNS["columns of unequal lengths"]
    path = homotopy(given, 1e-3 * lam_max(given))
    assert len(path.lams) > 2
    for upper, lower in zip(path.lams[:-1], path.lams[1:], strict=True):
        ends = np.array([path.weights(upper), path.weights(lower)])
        middle = path.weights((upper + lower) / 2)
        np.testing.assert_allclose(middle, ends.mean(axis=0), rtol=1e-9, atol=0)  # (upper + lower)/2 is rounded
        # the interior of a segment is solved afresh: nothing happens there
        again = homotopy(given, (upper + lower) / 2).weights((upper + lower) / 2)
        np.testing.assert_allclose(middle, again, rtol=1e-7, atol=1e-12 * middle.max())  # conditioning 1e4


def test_at_a_breakpoint_the_weights_are_the_vertex() -> None:
    given = DESIGNS["random signs"]
    path = homotopy(given, 1e-3 * lam_max(given))
    np.testing.assert_array_equal([path.weights(lam) for lam in path.lams], vertices(path))


@every_design
def test_at_lam_max_and_above_all_weights_are_zero(name: str) -> None:
    given = DESIGNS[name]
    top = lam_max(given)
    for path in (homotopy(given, 0.1 * top), homotopy(given, 2 * top)):
        assert not any(path.weights(ratio * path.lams[0]).any() for ratio in (1.0, 1.5, 1e6))
    first = homotopy(given, 0.999 * top).weights(0.999 * top)
    assert first.any()


def test_where_no_record_helps_the_path_is_zero_throughout() -> None:
    for A, b in ((np.zeros((2, 3)), np.ones(2)), (-np.ones((2, 3)), np.ones(2)), (np.ones((2, 3)), np.zeros(2))):
        path = homotopy(design(A, b), 0.0)
        assert path.status == "complete"
        assert not path.weights(0.0).any()
        assert not path.weights(1.0).any()


def test_of_equal_columns_only_the_first_enters() -> None:
    given = DESIGNS["every column twice"]
    w = vertices(homotopy(given, 1e-4 * lam_max(given)))
    assert not w[:, 1::2].any()
    assert w[:, ::2].any()


@every_design
def test_the_path_walked_on_from_lam_to_lam_is_the_path_walked_at_once(name: str) -> None:
    given = DESIGNS[name]
    lams = np.array([0.5, 0.1, 0.02, 3e-3, 1e-3]) * lam_max(given)
    whole, steps = homotopy(given, float(lams[-1])), HomotopyPath(given)
    for lam in lams:
        found = steps.solve(lam)
        assert found.certificate.relative_gap <= 1e-10  # as everywhere
        # the minimiser may be one of many: what it is worth is not
        loss = [0.5 * np.sum((given.A @ w - given.b) ** 2) + lam * w.sum() for w in (found.weights, whole.weights(lam))]
        assert loss[0] == pytest.approx(loss[1], rel=1e-10)  # as everywhere
    again = steps.solve(float(lams[1]))  # above where it stands: read off, nothing is walked
    assert (again.n_iter, steps.lam) == (found.n_iter, lams[-1])
    assert again.certificate.relative_gap <= 1e-10  # as everywhere


def test_the_path_can_end_early_and_says_so() -> None:
    given = DESIGNS["random signs"]
    whole, part = homotopy(given, 0.0), homotopy(given, 0.0, max_breakpoints=5)
    assert part.status == "max_breakpoints"
    assert len(part.lams) == 5
    np.testing.assert_array_equal(part.lams, whole.lams[:5])
    with pytest.raises(InputError, match="below the end of the path"):
        part.weights(float(part.lams[-1]) / 2)
    assert part.solve(0.0).certificate.kkt_residual > 1e-3  # its end, at which λ = 0 is not solved


def test_the_path_is_the_same_on_every_run() -> None:
    given = DESIGNS["small counts with ties"]
    one = homotopy(given, 0.0)
    np.random.seed(1)
    homotopy(DESIGNS["random signs"], 0.0)  # what another path leaves behind changes nothing
    other = homotopy(WeightedDesign(given.A.copy(), given.b.copy()), 0.0)
    assert len(one.lams) > 1
    np.testing.assert_array_equal(one.lams, other.lams)
    np.testing.assert_array_equal(vertices(one), vertices(other))


def test_a_support_that_comes_back_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    given = DESIGNS["random signs"]
    lam = 1e-2 * lam_max(given)
    expected = homotopy(given, lam)
    change, calls = module.HomotopyPath._change, []

    def forgetful(walk: module.HomotopyPath, event: tuple[int, int]) -> None:
        calls.append(event)
        if len(calls) not in (4, 5):  # the fourth and fifth events are lost: the same support, λ after λ
            change(walk, event)

    monkeypatch.setattr(module.HomotopyPath, "_change", forgetful)
    path = homotopy(given, lam)
    assert len(path.lams) > len(expected.lams)
    assert gaps(given, path, np.array(path.lams)).max() <= 1e-10  # as everywhere
    np.testing.assert_allclose(path.weights(lam), expected.weights(lam), rtol=1e-9)  # conditioning 1e3


def test_a_stride_never_goes_past_the_end_of_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    given = DESIGNS["random signs"]
    lam = 1e-2 * lam_max(given)
    monkeypatch.setattr(module, "STRIDE", 1.0)
    monkeypatch.setattr(module.HomotopyPath, "_change", lambda walk, event: None)  # nothing ever enters
    path = homotopy(given, lam)
    assert path.lams[-1] == lam
    assert l1_certificate(given, path.weights(lam), lam).relative_gap <= 1e-10  # as everywhere


def test_events_that_rounding_hides_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    given = DESIGNS["random signs"]
    whole = homotopy(given, 0.0)
    assert whole.status == "complete"
    monkeypatch.setattr(module, "KNOWN", 3e14)  # as if rounding were a good share of λ_max
    path = homotopy(given, 0.0)
    assert path.status == "rounding"
    assert len(path.lams) < len(whole.lams)
    losses = [float(np.sum((given.A @ p.weights(0.0) - given.b) ** 2)) for p in (path, whole)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-20)  # both 0 but for rounding: more records than targets


@pytest.mark.parametrize("lam_min", [-1.0, float("nan"), float("inf")])
def test_the_end_of_the_path_must_be_a_penalty(lam_min: float) -> None:
    with pytest.raises(InputError, match="lam_min: not a penalty"):
        homotopy(DESIGNS["one target"], lam_min)


@pytest.mark.parametrize("cost", [0.0, -1.0, float("nan")])
def test_costs_must_be_positive(cost: float) -> None:
    with pytest.raises(InputError, match="costs"):
        homotopy(DESIGNS["one target"], 0.0, cost)


def test_dependent_columns_are_refused_even_where_rounding_calls_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NOISE", 0.0)  # every inner product counts, so columns in the active span come up
    refused = []
    add = ActiveSet.add

    def watched(active: ActiveSet, i: int) -> bool:
        added = add(active, i)
        refused.extend([i] * (not added))
        return added

    monkeypatch.setattr(ActiveSet, "add", watched)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        A = rng.integers(0, 3, size=(8, 2)) @ rng.integers(0, 3, size=(2, 30)).astype(float)
        given = design(A, rng.normal(size=8))
        path = homotopy(given, 1e-3 * lam_max(given))
        assert max(map(len, path.supports)) <= 2
        assert gaps(given, path, np.array(path.lams)).max(initial=0.0) <= 1e-10  # as everywhere
    assert refused

"""Calibration by parts: the weights of the parts fitted one by one, failures as data, crossing targets refused."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
import scipy.sparse as sp

import frontier
from frontier.core.errors import InputError
from frontier.core.partition import Partition
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.sweep.solve import NotAsAskedWarning
from tests.conftest import make_problem

STATES = ("b", "a", "c")
# that made-up totals take away weight is not asked here
pytestmark = pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")


def country(*, crossing: bool = False, broken: bool = False) -> tuple[CalibrationProblem, np.ndarray]:
    """Three states of unequal sizes with their records mixed; with a national total, or with a state that cannot be."""
    states = [make_problem(n=n, m=5, seed=seed, noise=0.05) for seed, n in enumerate((60, 90, 120))]
    M = sp.block_diag([state.M for state in states], format="csr")
    y, w0 = (np.concatenate([getattr(state, name) for state in states]) for name in ("y", "w0"))
    names = [f"{label}{j}" for label in STATES for j in range(5)]
    if crossing:
        M, y, names = sp.vstack([M, np.ones((1, 270))]), np.append(y, w0.sum()), [*names, "nation"]
    if broken:
        M, y, names = sp.vstack([M, M[[0]]]), np.append(y, 2 * y[0]), [*names, "twice"]
    order = np.random.default_rng(0).permutation(270)
    order[[0, np.flatnonzero(order == 0)[0]]] = 0, order[0]  # the first record is of the first state
    labels = np.repeat(STATES, (60, 90, 120))[order]
    whole = CalibrationProblem("country", sp.csr_array(M)[:, order], y, w0[order], target_names=tuple(names))
    return whole, labels


def test_whatever_is_known_of_each_record_is_cut_with_the_records() -> None:
    whole, labels = country()
    known = {"groups": np.arange(270) // 2, "strata": np.arange(270) % 7, "q": np.arange(1.0, 271.0)}
    for part in Partition.of(dataclasses.replace(whole, **known), labels).parts():  # type: ignore[arg-type]
        assert part.problem is not None
        for name, values in known.items():
            np.testing.assert_array_equal(getattr(part.problem, name), values[part.records])


@pytest.mark.parametrize("method", ["raking", "pps_sample"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_weights_are_those_of_the_parts_fitted_one_by_one(method: str, jobs: int) -> None:
    whole, labels = country()
    budget = None if method == "raking" else 0.5
    found = frontier.calibrate_by(whole, labels, jobs=jobs, method=method, budget=budget)
    for label in STATES:
        records = np.flatnonzero(labels == label)
        targets = [j for j, name in enumerate(whole.target_names) if name.startswith(label)]
        rows = whole.restrict(targets)
        alone = dataclasses.replace(rows, M=sp.csr_array(sp.csc_array(rows.M)[:, records]), w0=whole.w0[records])
        one = frontier.calibrate(alone, method=method, budget=budget)
        np.testing.assert_array_equal(found.weights[records], one.weights)
    assert found.parts[0].part.label == "b"
    assert {one.solution.status for one in found.parts} == {Status.OPTIMAL}
    assert found.table()["records"].sum() == 270
    assert repr(found).splitlines()[0].startswith("b: ")
    if method == "raking":
        np.testing.assert_allclose(whole.M @ found.weights, whole.y, rtol=1e-8)  # the method's tol, and sums


def test_targets_that_cross_parts_are_named_in_one_line() -> None:
    whole, labels = country(crossing=True)
    with pytest.raises(InputError, match="partition: 1 target crosses parts: 'nation'; expected each about one part"):
        frontier.calibrate_by(whole, labels, method="dense_nnls")
    found = frontier.calibrate_by(whole.restrict(range(15)), labels, method="raking")
    assert not np.isnan(found.weights).any()


def test_a_part_that_fails_has_a_status_and_the_others_have_weights() -> None:
    whole, labels = country(broken=True)
    with pytest.warns(NotAsAskedWarning, match="part 'b': no weights for 60 records; infeasible: .*'b0', 'twice'"):
        found = frontier.calibrate_by(whole, labels, method="raking")
    assert np.isnan(found.weights[labels == "b"]).all()
    assert not np.isnan(found.weights[labels != "b"]).any()
    assert found.table().set_index("part")["status"].to_dict() == {"b": "infeasible", "a": "optimal", "c": "optimal"}


def test_a_part_without_targets_is_a_failure_and_is_said() -> None:
    whole, labels = country()
    with pytest.warns(NotAsAskedWarning, match="part 'c': .*no target is about its records"):
        found = frontier.calibrate_by(whole.restrict(range(10)), labels, method="raking")
    assert np.isnan(found.weights[labels == "c"]).all()


def test_a_budget_too_large_for_a_part_is_its_failure_alone() -> None:
    whole, labels = country()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = frontier.calibrate_by(whole, labels, method="pps_sample", budget=80)
    assert found.table().set_index("part")["status"]["b"] == "infeasible"
    assert sum(issubclass(one.category, NotAsAskedWarning) for one in caught) == 1
    assert np.count_nonzero(found.weights[labels == "a"]) == 80


def test_auxiliary_statistics_and_tolerances_go_with_their_parts() -> None:
    whole, labels = country()
    with_more = dataclasses.replace(whole, auxiliary=sp.csr_array(np.ones((1, 270))), tolerance=np.full(15, 2.0))
    for part in Partition.of(with_more, labels).parts():
        assert part.problem is not None
        assert part.problem.auxiliary is not None
        assert part.problem.auxiliary.shape == (1, part.records.size)
        assert part.problem.tolerance is not None
        assert part.problem.families == with_more.families[:5]


@pytest.mark.parametrize(
    ("partition", "options", "said"),
    [
        (["a"] * 3, {}, "partition: not a label per record"),
        ("state", {}, "partition: nothing is known of the records"),
        (["a"] * 270, {"methd": "raking"}, "methd: unknown option; did you mean 'method'?"),
        (["a"] * 270, {"method": "rakin"}, "unknown method 'rakin'"),
        (["a"] * 270, {"method": "raking", "jobs": 0}, "jobs: not a number of processes"),
    ],
)
def test_bad_input_is_refused(partition: object, options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        frontier.calibrate_by(country()[0], partition, **options)  # type: ignore[arg-type]

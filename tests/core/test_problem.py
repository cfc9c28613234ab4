"""The problem and the split: every bad input is one clear line, everything good is copied, read-only and hashed."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, Split

M = [[1.0, 0.0, 2.0, 1.0], [0.0, 3.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]]


def arguments(**changes: Any) -> dict[str, Any]:
    """Arguments of a valid 3 × 4 problem with every field given, but for `changes`."""
    valid: dict[str, Any] = {
        "name": "tiny",
        "M": sp.csr_array(np.array(M)),
        "y": np.array([10.0, -20.0, 0.5]),
        "w0": np.array([1.0, 0.0, 2.0, 1.0]),
        "scale": np.array([10.0, 20.0, 1.0]),
        "importance": np.array([1.0, 0.5, 0.0]),
        "families": ("a", "a", "b"),
        "target_names": ("a1", "a2", "b1"),
        "groups": np.array([7, 7, 8, 9]),
        "meta": {"held_out_families": ("b",)},
    }
    return valid | changes


def make(**changes: Any) -> CalibrationProblem:
    return CalibrationProblem(**arguments(**changes))


def with_entry(rows: list[list[float]], value: float) -> sp.csr_array:
    changed = np.array(rows)
    changed[1, 1] = value
    return sp.csr_array(changed)


BAD = {
    "NaN in M": ({"M": with_entry(M, np.nan)}, "problem 'tiny'.M: 1 entries are NaN or infinite; .*nan in row 1"),
    "infinity in M": ({"M": with_entry(M, -np.inf)}, "problem 'tiny'.M: .*-inf in row 1"),
    "M is a vector": ({"M": np.ones(4)}, "problem 'tiny'.M: not a matrix; expected 2 dimensions"),
    "M has no rows": ({"M": np.empty((0, 4))}, r"problem 'tiny'.M: empty matrix; .*got \(0, 4\)"),
    "M has no columns": ({"M": np.empty((3, 0))}, r"problem 'tiny'.M: empty matrix; .*got \(3, 0\)"),
    "NaN in y": ({"y": [1.0, np.nan, 1.0]}, "problem 'tiny'.y: NaN or infinite entries; .*nan at index 1"),
    "infinity in y": ({"y": [1.0, 1.0, np.inf]}, "problem 'tiny'.y: .*inf at index 2"),
    "NaN in w0": ({"w0": [np.nan, 1.0, 1.0, 1.0]}, "problem 'tiny'.w0: NaN or infinite entries; .*nan at index 0"),
    "infinity in w0": ({"w0": [1.0, np.inf, 1.0, 1.0]}, "problem 'tiny'.w0: .*inf at index 1"),
    "negative w0": ({"w0": [1.0, 1.0, -2.0, 1.0]}, "problem 'tiny'.w0: negative entries; .*-2.0 at index 2"),
    "y too short": ({"y": [1.0, 1.0]}, r"problem 'tiny'.y: shape mismatch; expected \(3,\).*targets, got \(2,\)"),
    "y is a column": ({"y": np.ones((3, 1))}, r"problem 'tiny'.y: shape mismatch; .*got \(3, 1\)"),
    "w0 for targets": ({"w0": np.ones(3)}, r"problem 'tiny'.w0: shape mismatch; expected \(4,\).*records, got \(3,\)"),
    "scale too long": ({"scale": np.ones(4)}, r"problem 'tiny'.scale: shape mismatch; .*got \(4,\)"),
    "zero scale": ({"scale": [1.0, 0.0, 1.0]}, "problem 'tiny'.scale: zero residual scale; .*index 1"),
    "negative scale": ({"scale": [1.0, -1.0, 1.0]}, "problem 'tiny'.scale: negative entries"),
    "NaN importance": ({"importance": [np.nan, 1.0, 1.0]}, "problem 'tiny'.importance: NaN or infinite"),
    "negative importance": ({"importance": [-1.0, 1.0, 1.0]}, "problem 'tiny'.importance: negative entries"),
    "importance too short": ({"importance": [1.0]}, "problem 'tiny'.importance: shape mismatch"),
    "families too short": ({"families": ("a", "b")}, r"problem 'tiny'.families: wrong length; expected 3 .*got 2"),
    "names too long": ({"target_names": tuple("abcd")}, "problem 'tiny'.target_names: wrong length; .*got 4"),
    "names not unique": (
        {"target_names": ("a1", "b1", "b1")},
        "problem 'tiny'.target_names: duplicate target name; got 'b1'; make it unique",
    ),
    "groups for targets": (
        {"groups": np.arange(3)},
        r"problem 'tiny'.groups: wrong shape; expected \(4,\), got \(3,\)",
    ),
    "strata for targets": (
        {"strata": np.arange(3)},
        r"problem 'tiny'.strata: wrong shape; expected \(4,\), got \(3,\)",
    ),
    "zero target": (
        {"y": [1.0, 0.0, 1.0], "scale": None},
        "problem 'tiny'.y: zero target has no relative error; .*y = 0 at index 1; give floor",
    ),
    "zero floor": ({"scale": None, "floor": 0.0}, "problem 'tiny'.floor: not a residual scale; .*got 0.0"),
    "NaN floor": ({"scale": None, "floor": np.nan}, "problem 'tiny'.floor: not a residual scale; .*got nan"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_that_names_the_place(case: str) -> None:
    changes, message = BAD[case]
    with pytest.raises(InputError, match=message) as caught:
        make(**changes)
    assert "\n" not in str(caught.value)


def test_a_zero_target_passes_with_a_floor_which_becomes_its_scale() -> None:
    problem = make(y=[-10.0, 0.0, 3.0], scale=None, floor=5.0)
    np.testing.assert_array_equal(problem.scale, [10.0, 5.0, 5.0])


def test_a_zero_target_passes_with_a_scale() -> None:
    assert make(y=[1.0, 0.0, 1.0]).y[1] == 0


def test_the_default_scale_is_the_size_of_the_target_but_at_least_one() -> None:
    np.testing.assert_array_equal(make(scale=None).scale, [10.0, 20.0, 1.0])


def test_defaults_are_equal_importance_one_family_and_numbered_names() -> None:
    problem = make(importance=None, families=None, target_names=None, groups=None)
    np.testing.assert_array_equal(problem.importance, np.ones(3))
    assert problem.families == ("all",) * 3
    assert problem.target_names == ("target_0", "target_1", "target_2")
    assert problem.groups is None


@pytest.mark.parametrize("form", [np.array, sp.csr_array, sp.csc_matrix, sp.coo_array, lambda rows: rows])
def test_any_form_of_the_estimate_matrix_becomes_the_same_csr_float64(form: Any) -> None:
    problem = make(M=form(M))
    assert problem.M.format == "csr"
    assert problem.M.dtype == np.float64
    assert problem.fingerprint == make().fingerprint


def test_duplicate_entries_are_added_and_stored_zeros_dropped() -> None:
    rows, columns, values = [0, 0, 1, 2, 2], [1, 1, 3, 0, 2], [1.0, 2.0, 0.0, 5.0, 6.0]
    problem = make(M=sp.coo_array((values, (rows, columns)), shape=(3, 4)))
    np.testing.assert_array_equal(problem.M.toarray(), [[0, 3, 0, 0], [0, 0, 0, 0], [5, 0, 6, 0]])
    assert problem.M.nnz == 3


def arrays_of(problem: CalibrationProblem) -> list[np.ndarray[Any, Any]]:
    return [
        problem.M.data,
        problem.M.indices,
        problem.M.indptr,
        problem.y,
        problem.w0,
        problem.scale,
        problem.importance,
    ]


@pytest.mark.parametrize(
    "through", [lambda p: p, lambda p: pickle.loads(pickle.dumps(p)), lambda p: p.restrict([0, 2])]
)
def test_arrays_and_meta_are_read_only(through: Any) -> None:
    problem = through(make())
    for array in arrays_of(problem):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(TypeError):
        problem.meta["held_out_families"] = ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.y = np.ones(3)


def test_groups_are_read_only() -> None:
    problem = make()
    assert problem.groups is not None
    assert not problem.groups.flags.writeable


def test_inputs_are_copied_and_not_mutated() -> None:
    given = arguments()
    # unsorted, with a stored zero: what validation tidies up in its own copy
    given["M"] = sp.csr_array((np.array([2.0, 1.0, 0.0]), np.array([2, 0, 1]), np.array([0, 2, 3, 3])), shape=(3, 4))
    before = pickle.dumps(given)
    problem = CalibrationProblem(**given)
    assert pickle.dumps(given) == before
    sources = [given["M"].data, given["M"].indices, given["M"].indptr]
    sources += [given[name] for name in ("y", "w0", "scale", "importance", "groups")]
    for owned, source in zip([*arrays_of(problem), problem.groups], sources, strict=True):
        assert source.flags.writeable
        assert not np.shares_memory(owned, source)
    given["y"][:] = 99.0
    given["meta"]["held_out_families"] = ()
    assert problem.y[0] == 10.0
    assert problem.meta["held_out_families"] == ("b",)


@pytest.mark.parametrize("rows", [[0, 2], np.array([True, False, True]), np.array([0, 2], dtype=np.int32)])
def test_restrict_keeps_the_rows_and_drops_meta(rows: Any) -> None:
    problem = make(floor=1.0)
    training = problem.restrict(rows)
    np.testing.assert_array_equal(training.M.toarray(), np.array(M)[[0, 2]])
    for name in ("y", "scale", "importance"):
        np.testing.assert_array_equal(getattr(training, name), getattr(problem, name)[[0, 2]])
    np.testing.assert_array_equal(training.w0, problem.w0)
    np.testing.assert_array_equal(training.groups, problem.groups)
    assert training.families == ("a", "b")
    assert training.target_names == ("a1", "b1")
    assert training.name == "tiny"
    assert dict(training.meta) == {}


def test_restricting_to_every_row_copies_no_matrix_and_still_hides_meta() -> None:
    problem = make(meta={"secret": 1})
    training = problem.restrict(np.ones(3, dtype=bool))
    assert np.shares_memory(training.M.data, problem.M.data)
    assert not training.M.data.flags.writeable
    assert training.fingerprint == problem.fingerprint
    assert not training.meta
    assert not np.shares_memory(problem.restrict([2, 1, 0]).M.data, problem.M.data)


def test_restrict_keeps_a_zero_target_that_passed_with_a_floor() -> None:
    problem = make(y=[1.0, 0.0, 1.0], scale=None, floor=2.0)
    np.testing.assert_array_equal(problem.restrict([1]).scale, [2.0])


def test_a_mask_for_another_number_of_targets_is_refused() -> None:
    with pytest.raises(InputError):
        make().restrict(np.array([True]))


def test_restricting_to_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="empty matrix"):
        make().restrict(np.zeros(3, dtype=bool))


CHANGES: dict[str, dict[str, Any]] = {
    "an entry of M": {"M": with_entry(M, 3.5)},
    "the pattern of M": {"M": sp.csr_array(np.array(M)[:, [1, 0, 2, 3]])},
    "y": {"y": [10.0, -20.0, 0.25]},
    "w0": {"w0": [1.0, 0.0, 2.0, 1.5]},
    "scale": {"scale": [10.0, 20.0, 2.0]},
    "importance": {"importance": [1.0, 0.5, 1.0]},
    "families": {"families": ("a", "b", "b")},
    "target_names": {"target_names": ("a1", "a2", "c1")},
    "groups": {"groups": np.array([7, 8, 8, 9])},
    "strata": {"strata": np.array([1, 1, 2, 2])},
}


@pytest.mark.parametrize("field", CHANGES)
def test_the_fingerprint_changes_with(field: str) -> None:
    assert make(**CHANGES[field]).fingerprint != make().fingerprint


def test_the_fingerprint_does_not_change_with_meta_or_the_labels_of_the_groups() -> None:
    assert make(meta={"source": "elsewhere"}).fingerprint == make().fingerprint
    assert make(groups=np.array(["p", "p", "q", "r"])).fingerprint == make().fingerprint


def test_a_problem_survives_pickling_whole() -> None:
    problem = make()
    copy = pickle.loads(pickle.dumps(problem))
    assert copy.fingerprint == problem.fingerprint
    assert copy.name == problem.name
    assert dict(copy.meta) == dict(problem.meta)
    np.testing.assert_array_equal(copy.groups, problem.groups)


def test_a_split_is_a_read_only_copy_whose_heldout_is_the_rest() -> None:
    train = np.array([True, False, True])
    split = Split("s", train)
    train[0] = False
    np.testing.assert_array_equal(split.train, [True, False, True])
    np.testing.assert_array_equal(split.heldout, [False, True, False])
    with pytest.raises(ValueError, match="read-only"):
        split.train[0] = False


def test_a_split_may_hold_nothing_out() -> None:
    assert not Split("all", np.ones(3, dtype=bool)).heldout.any()


@pytest.mark.parametrize("train", [np.zeros(3, dtype=bool), np.zeros(0, dtype=bool), np.ones((3, 1), dtype=bool)])
def test_a_split_without_a_target_to_fit_is_refused_in_one_line(train: Any) -> None:
    with pytest.raises(InputError, match=r"split 's': holds out everything; .*hold out fewer") as caught:
        Split("s", train)
    assert "\n" not in str(caught.value)

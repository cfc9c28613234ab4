"""Hold-out designs: what is held out, that it is deterministic, and that bad or leaking choices are told."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, Split
from frontier.problems.splits import (
    DESIGNS,
    NestedTargetsWarning,
    build_splits,
    default_split,
    design_parameters,
    family_folds,
    held_out_families,
    held_out_rows,
    random_rows,
    rotation,
    training_problem,
)

SIZES = {"age": 4, "sex": 2, "wages": 3, "snap": 1}


def make(sizes: dict[str, int] = SIZES, **meta: Any) -> CalibrationProblem:
    families = tuple(family for family, size in sizes.items() for _ in range(size))
    m = len(families)
    names = tuple(f"{family}_{i}" for i, family in enumerate(families))
    return CalibrationProblem(
        name="tiny",
        M=np.ones((m, 2)),
        y=np.ones(m),
        w0=np.ones(2),
        families=families,
        target_names=names,
        meta=meta,
    )


def heldout_families(problem: CalibrationProblem, split: Split) -> set[str]:
    return {problem.families[j] for j in np.flatnonzero(split.heldout)}


def masks(splits: tuple[Split, ...]) -> list[list[bool]]:
    return [split.train.tolist() for split in splits]


def random_without_warning(problem: CalibrationProblem, **params: Any) -> tuple[Split, ...]:
    with pytest.warns(NestedTargetsWarning):
        return random_rows(problem, **params)


def test_the_default_split_holds_out_the_families_the_problem_names() -> None:
    problem = make(held_out_families=("sex", "snap"))
    split = default_split(problem)
    assert split.name == "default"
    assert heldout_families(problem, split) == {"sex", "snap"}
    assert split.heldout.sum() == 3


@pytest.mark.parametrize("meta", [{}, {"held_out_families": ()}])
def test_the_default_split_holds_nothing_out_when_the_problem_names_no_family(meta: dict[str, Any]) -> None:
    assert default_split(make(**meta)).train.all()


def test_the_default_split_refuses_a_family_that_the_problem_lacks() -> None:
    with pytest.raises(InputError, match=r"problem 'tiny'.meta\['held_out_families'\]\[1\]: unknown family 'sx'"):
        default_split(make(held_out_families=("age", "sx")))


def test_named_families_are_held_out_whole_whatever_their_order() -> None:
    problem = make()
    (split,) = held_out_families(problem, families=("wages", "age", "wages"))
    assert split.name == "without_age+wages"
    assert heldout_families(problem, split) == {"age", "wages"}
    assert split.heldout.sum() == 7
    assert masks(held_out_families(problem, families=("age", "wages"))) == masks((split,))


def test_holding_out_no_family_gives_a_split_for_fitting_only() -> None:
    (split,) = held_out_families(make(), families=())
    assert split.name == "without_nothing"
    assert split.train.all()


def test_named_rows_are_held_out_and_named_by_their_content() -> None:
    problem = make()
    (split,) = held_out_rows(problem, names=("sex_5", "age_0"))
    assert np.flatnonzero(split.heldout).tolist() == [0, 5]
    (same,) = held_out_rows(problem, names=("age_0", "sex_5"))
    (other,) = held_out_rows(problem, names=("age_1", "sex_5"))
    assert split.name == same.name != other.name
    assert split.name.startswith("without_2_rows_")


def test_unknown_names_get_the_nearest_one() -> None:
    with pytest.raises(
        InputError, match=r"held_out_families.families\[1\]: unknown family 'wage'; did you mean 'wages'"
    ):
        held_out_families(make(), families=("age", "wage"))
    with pytest.raises(InputError, match=r"held_out_rows.names\[0\]: unknown target 'snap_8'; did you mean 'snap_9'"):
        held_out_rows(make(), names=("snap_8",))
    with pytest.raises(InputError, match=r"family_folds.families\[0\]: unknown family 'agee'; did you mean 'age'"):
        family_folds(make(), k=1, families=("agee",))


def test_a_name_near_no_target_does_not_list_thousands() -> None:
    with pytest.raises(InputError, match="there are 500, 'age_0' is the first") as caught:
        held_out_rows(make({"age": 500}), names=("?",))
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    "hold_out_all",
    [
        lambda problem: held_out_families(problem, families=tuple(SIZES)),
        lambda problem: held_out_rows(problem, names=problem.target_names),
        lambda problem: family_folds(problem, k=1),
        lambda problem: (default_split(make(held_out_families=tuple(SIZES))),),
    ],
)
def test_holding_out_everything_is_refused(hold_out_all: Callable[[CalibrationProblem], Any]) -> None:
    with pytest.raises(InputError, match="holds out everything"):
        hold_out_all(make())


@settings(max_examples=60, deadline=None)  # no deadline: time is not what is tested
@given(sizes=st.lists(st.integers(1, 12), min_size=2, max_size=9), data=st.data())
def test_family_folds_hold_each_family_out_once_whole_and_in_balance(sizes: list[int], data: st.DataObject) -> None:
    problem = make({f"f{i}": size for i, size in enumerate(sizes)})
    k = data.draw(st.integers(2, len(sizes)))
    seed = data.draw(st.integers(0, 3))
    splits = family_folds(problem, k=k, seed=seed)
    assert [split.name for split in splits] == [f"fold_{i + 1}of{k}" for i in range(k)]
    np.testing.assert_array_equal(sum(split.heldout.astype(int) for split in splits), np.ones(problem.n_targets))
    for split in splits:
        held, kept = heldout_families(problem, split), {problem.families[j] for j in np.flatnonzero(split.train)}
        assert held
        assert not held & kept
    loads = [int(split.heldout.sum()) for split in splits]
    assert max(loads) - min(loads) <= max(sizes)  # Graham's bound for greedy balancing
    assert masks(splits) == masks(family_folds(problem, k=k, seed=seed))


def test_equal_families_are_folded_evenly_and_differently_by_seed() -> None:
    problem = make({f"f{i}": 5 for i in range(12)})
    first, second = family_folds(problem, k=4), family_folds(problem, k=4, seed=1)
    assert [int(split.heldout.sum()) for split in first] == [15] * 4
    assert masks(first) != masks(second)


def test_only_the_given_families_rotate() -> None:
    problem = make()
    splits = family_folds(problem, k=2, families=("age", "wages"))
    assert sorted(map(sorted, (heldout_families(problem, split) for split in splits))) == [["age"], ["wages"]]


def test_as_many_folds_as_families_leave_one_family_out() -> None:
    problem = make()
    held = [heldout_families(problem, split) for split in family_folds(problem, k=4)]
    assert sorted(map(tuple, held)) == sorted((family,) for family in SIZES)


@pytest.mark.parametrize(("k", "families"), [(5, None), (0, None), (-1, None), (3, ("age", "sex")), (1, ())])
def test_more_folds_than_families_or_none_are_refused(k: int, families: tuple[str, ...] | None) -> None:
    with pytest.raises(InputError, match=rf"family_folds.k: .*got {k}"):
        family_folds(make(), k=k, families=families)


def test_random_rows_hold_out_the_share_and_warn_that_nested_targets_leak() -> None:
    problem = make()
    with pytest.warns(NestedTargetsWarning, match="nested targets leak"):
        splits = random_rows(problem, share=0.3, seed=4, repeats=3)
    assert [split.name for split in splits] == ["random_1of3", "random_2of3", "random_3of3"]
    assert [int(split.heldout.sum()) for split in splits] == [3, 3, 3]
    assert len({tuple(mask) for mask in masks(splits)}) == 3


def test_random_rows_depend_on_the_seed_and_a_repeat_not_on_their_number() -> None:
    problem = make()
    three = masks(random_without_warning(problem, share=0.3, repeats=3))
    assert masks(random_without_warning(problem, share=0.3, repeats=2)) == three[:2]
    assert masks(random_without_warning(problem, share=0.3, seed=1, repeats=3)) != three


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan"), 0.04, 0.96])
def test_a_share_that_holds_out_nothing_or_everything_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=r"random_rows.share: "):
        random_rows(make(), share=share)  # refused before it warns


def test_other_bad_numbers_are_refused() -> None:
    with pytest.raises(InputError, match=r"random_rows.repeats: not a number of splits; .*got 0"):
        random_rows(make(), share=0.5, repeats=0)
    with pytest.raises(InputError, match=r"family_folds.seed: negative seed; .*got -1"):
        family_folds(make(), k=2, seed=-1)
    with pytest.raises(InputError, match=r"random_rows.seed: negative seed"), pytest.warns(NestedTargetsWarning):
        random_rows(make(), share=0.5, seed=-1)


def test_a_family_known_to_leak_warns_only_when_held_out_alone() -> None:
    problem = make(never_hold_out_alone=("age",))
    with pytest.warns(NestedTargetsWarning, match="family 'age' is held out alone"):
        held_out_families(problem, families=("age",))
    with pytest.warns(NestedTargetsWarning, match="family 'age' is held out alone"):
        family_folds(problem, k=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held_out_families(problem, families=("age", "sex"))
        held_out_families(problem, families=("sex",))


PARAMETERS: dict[str, dict[str, Any]] = {
    "default": {},
    "held_out_families": {"families": ["age"]},
    "held_out_rows": {"names": ["age_0"]},
    "family_folds": {"k": 2},
    "rotation": {"k": 2},
    "random_rows": {"share": 0.5},
}


@pytest.mark.filterwarnings(
    "ignore::frontier.problems.splits.NestedTargetsWarning"
)  # random_rows always warns; tested above
@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_builds_a_tuple_of_splits_from_yaml_values(name: str) -> None:
    problem = make()
    splits = build_splits(problem, name, PARAMETERS[name], "x.yaml: splits[0]")
    assert isinstance(splits, tuple)
    assert splits
    assert all(isinstance(split, Split) and split.train.shape == (problem.n_targets,) for split in splits)
    assert len({split.name for split in splits}) == len(splits)
    assert masks(splits) == masks(DESIGNS[name](problem, **design_parameters(name, PARAMETERS[name], "x.yaml")))


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("family_fold", {}, "x.yaml: unknown hold-out design 'family_fold'; did you mean 'family_folds'"),
        ("default", {"k": 2}, "x.yaml.k: unknown key"),
        ("family_folds", {"k": 2, "sede": 1}, "x.yaml.sede: unknown key; did you mean 'seed'"),
        ("family_folds", {}, "x.yaml.k: missing key"),
        ("family_folds", {"k": "2"}, "x.yaml.k: .*got '2'"),
        ("family_folds", {"k": 2, "problem": 1}, "x.yaml.problem: unknown key"),
        ("held_out_families", {"families": "age"}, "x.yaml.families: .*got 'age'"),
        ("random_rows", {"share": True}, "x.yaml.share: "),
    ],
)
def test_designs_and_their_parameters_are_checked_strictly_without_a_problem(
    name: str, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        design_parameters(name, params, "x.yaml")


def test_a_complaint_about_the_problem_begins_with_the_place_in_the_file() -> None:
    with pytest.raises(InputError, match=r"^x.yaml: splits\[0\].family_folds.k: .*got 9"):
        build_splits(make(), "family_folds", {"k": 9}, "x.yaml: splits[0]")


def test_a_rotation_holds_out_each_family_that_does_not_leak_exactly_once_and_whole() -> None:
    problem = make(never_hold_out_alone=("age", "other"), held_out_families=("snap",))
    splits = rotation(problem, k=3)
    assert [split.name for split in splits] == ["rotation_1of3", "rotation_2of3", "rotation_3of3"]
    assert {frozenset(heldout_families(problem, split)) for split in splits} == {
        frozenset({family}) for family in ("sex", "wages", "snap")
    }
    assert all(split.train[:4].all() for split in splits)  # the leaking family is always fitted
    assert masks(rotation(problem, k=3)) == masks(splits)


def test_a_rotation_over_too_few_families_names_itself() -> None:
    with pytest.raises(InputError, match=r"splits\[0\]\.rotation\.k: families cannot be divided .* expected 1 to 3"):
        build_splits(make(never_hold_out_alone=("age",)), "rotation", {"k": 4}, "splits[0]")


def test_the_training_problem_remembers_which_families_leak_and_nothing_else() -> None:
    outer = make(held_out_families=("snap",), never_hold_out_alone=("age", "snap"), provenance="somewhere")
    training = training_problem(outer, default_split(outer))
    assert dict(training.meta) == {"never_hold_out_alone": ("age",)}
    assert training.truth is None
    assert "snap" not in training.families
    held_out = {family for split in rotation(training, k=2) for family in np.array(training.families)[split.heldout]}
    assert held_out == set(training.families) - {"age"}

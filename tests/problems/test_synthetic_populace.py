"""The made-up population: its published shape, its nested rows, its planted truth, and what shrinking keeps."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import relative_residual
from frontier.problems.registry import load_problem
from frontier.problems.synthetic_populace import DISTRICTS, NONZEROS, RECORDS, STATES, TARGETS


@cache
def built(scale: str) -> CalibrationProblem:
    return load_problem("synthetic_populace", scale=scale)


def test_the_shape_is_the_published_one_times_the_scale() -> None:
    for scale, share in (("1/64", 1 / 64), ("1/8", 1 / 8)):
        M = built(scale).M
        assert M.shape == (round(TARGETS * share), round(RECORDS * share))
        assert M.nnz / (NONZEROS * share) == pytest.approx(1, abs=0.01)  # 60 binomial draws, each within 1% or less
    assert (TARGETS, RECORDS, NONZEROS) == (32_633, 337_704, 28_900_000)


def test_the_known_weights_meet_every_target_and_the_initial_ones_do_not() -> None:
    problem = built("1/64")
    known = problem.meta["known_weights"]
    assert not known.flags.writeable
    assert np.abs(relative_residual(problem, known)).max() <= 1e-12  # rounding of one product
    assert 0.1 < np.abs(relative_residual(problem, problem.w0)).mean() < 0.4


def test_targets_span_six_orders_of_magnitude_and_no_row_or_record_is_empty() -> None:
    for scale in ("1/64", "1/8"):
        problem = built(scale)
        assert problem.y.min() > 0
        assert np.log10(problem.y.max() / problem.y.min()) >= 6
        assert np.diff(problem.M.indptr).min() >= 10
        assert np.bincount(problem.M.indices, minlength=problem.n_records).min() > 0


def test_rows_are_nested_districts_in_states_in_the_nation_and_classes_within_it() -> None:
    problem = built("1/32")
    names = np.array(problem.target_names)
    rows = {name: row for row, name in enumerate(names)}
    dense = problem.M.toarray()
    for v in (0, 7, 59):
        nation = dense[rows[f"us-1/v{v:02d}"]]
        by_level = {
            level: dense[[r for name, r in rows.items() if name.startswith(level) and name.endswith(f"/v{v:02d}")]]
            for level in ("state", "district", "class")
        }
        np.testing.assert_array_equal(by_level["state"].sum(axis=0), nation)
        np.testing.assert_array_equal(by_level["district"].sum(axis=0), nation)
        part = by_level["class"].sum(axis=0)
        assert ((part == nation) | (part == 0)).all()  # the lowest class has no row
        assert 0 < np.count_nonzero(part) < np.count_nonzero(nation)
        assert len(by_level["district"])
        for district in by_level["district"]:  # within one state
            assert np.count_nonzero((by_level["state"] * (district != 0)).any(axis=1)) == 1


def test_a_scale_is_a_number_or_a_fraction_and_the_seed_decides_the_rest() -> None:
    problem = built("1/64")
    assert load_problem("synthetic_populace", scale=1 / 64).fingerprint == problem.fingerprint
    assert load_problem("synthetic_populace").fingerprint == problem.fingerprint
    assert load_problem("synthetic_populace", seed=1).fingerprint != problem.fingerprint


def test_places_grow_with_the_scale() -> None:
    places = [len({name.split("/")[0] for name in built(s).target_names}) for s in ("1/64", "1/32", "1/8")]
    assert places == sorted(places)
    assert places[2] >= (STATES + DISTRICTS) // 8


@pytest.mark.parametrize("scale", [0, 17, -1, "1/500", "nonsense", "1/0"])
def test_a_scale_that_is_none_or_out_of_range_is_refused(scale: float | str) -> None:
    with pytest.raises(InputError, match=r"problem 'synthetic_populace'.scale: .*expected 1/128 to 16"):
        load_problem("synthetic_populace", scale=scale)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match=r"problem 'synthetic_populace'.seed: negative seed"):
        load_problem("synthetic_populace", seed=-1)

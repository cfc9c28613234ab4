"""Bootstrap samples of a problem: whole groups, drawn as often as there are, the same for the same number."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.resampling import resampled
from frontier.problems.registry import load_problem


def problem(groups: np.ndarray | None = None) -> CalibrationProblem:
    n = 60
    M = np.vstack([np.arange(1.0, n + 1), np.ones(n)])
    return CalibrationProblem("p", M, np.array([5.0, 7.0]), np.full(n, 2.0), groups=groups, auxiliary=M[:1])


def test_groups_are_drawn_whole_and_as_many_as_there_are() -> None:
    whole = problem(np.repeat(np.arange(20), 3))
    sample = resampled(whole, resample=3)
    times = sample.w0 / 2
    assert set(np.unique(times)) <= set(range(1, 21))
    assert times.sum() == 60  # 20 draws of three records
    by_group = [set(times[sample.groups == g]) for g in np.unique(sample.groups)]
    assert all(len(found) == 1 for found in by_group)
    assert all((sample.groups == g).sum() == 3 for g in np.unique(sample.groups))
    kept = sample.M.toarray()[0].astype(int) - 1  # the first row of M numbers the records
    np.testing.assert_array_equal(sample.groups, whole.groups[kept])
    np.testing.assert_array_equal(sample.auxiliary.toarray()[0], sample.M.toarray()[0])
    np.testing.assert_array_equal(sample.y, whole.y)


def test_every_stratum_is_drawn_from_by_itself() -> None:
    strata = np.repeat(["a", "b"], [45, 15])
    whole = dataclasses.replace(problem(np.repeat(np.arange(20), 3)), strata=strata)
    for number in range(5):
        sample = resampled(whole, resample=number)
        assert sample.strata is not None
        assert [(sample.w0[sample.strata == one] / 2).sum() for one in "ab"] == [45, 15]


def test_a_sample_is_the_same_for_the_same_number_and_another_for_another() -> None:
    first, again, other = (resampled(problem(), resample=number) for number in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert resampled(problem()).fingerprint == problem().fingerprint


def test_the_mean_over_samples_is_the_survey() -> None:
    totals = [(s := resampled(problem(), resample=number)).M @ s.w0 for number in range(300)]
    error = np.std(totals, axis=0, ddof=1) / np.sqrt(300)
    np.testing.assert_array_less(np.abs(np.mean(totals, axis=0) - problem().M @ problem().w0), 4 * error + 1e-9)


def test_every_problem_takes_it_but_one_of_which_there_are_new_samples() -> None:
    assert load_problem("cps_ohio", resample=2).n_records < 5177
    with pytest.raises(InputError, match="resample: not the number of a sample"):
        load_problem("cps_ohio", resample=-1)
    with pytest.raises(InputError, match=r"a sample of a known population.*replicate"):
        load_problem("census_arena", n=2000, resample=0)

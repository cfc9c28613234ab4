"""Samples of a known population: what is drawn is what is said, and replicates are independent of how they are made."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.problems.census_arena import build
from frontier.problems.cps.population import population


def test_the_population_is_all_households_and_its_totals_are_those_of_the_file() -> None:
    people = population()
    assert people.weights.size == 200_576
    assert people.weights.sum() == pytest.approx(123_343_135, rel=1e-8)  # the sum of w0 of cps_districts, rounded
    names = list(people.targets["name"])
    assert "US/wages/amount/agi=50000..75000" in names
    assert (np.diff(people.hidden.tocsr().indptr) >= 100).all()
    assert len(people.hidden_rows) == people.hidden.shape[0]


def test_a_replicate_is_the_same_whenever_it_is_built_and_another_one_is_not() -> None:
    one, again, other = build(replicate=3, n=2000), build(replicate=3, n=2000), build(replicate=4, n=2000)
    assert one.fingerprint == again.fingerprint != other.fingerprint
    assert abs(one.n_records - 2000) < 5 * np.sqrt(2000)  # five standard deviations of a Poisson number


@pytest.mark.parametrize("response", ["none", "at_random", "not_at_random"])
def test_weights_that_know_design_and_response_are_unbiased_and_the_initial_ones_are_not(response: str) -> None:
    truth_error, initial_error = [], []
    for replicate in range(8):
        problem = build(replicate=replicate, n=5000, response=response, strength=2.0)  # type: ignore[arg-type]
        assert problem.truth is not None
        assert problem.truth.weights is not None
        for weights, errors in ((problem.truth.weights, truth_error), (problem.w0, initial_error)):
            errors.append((problem.truth.H @ weights - problem.truth.totals)[:30] / problem.truth.totals[:30])
    mean, spread = np.mean(truth_error, axis=0), np.std(truth_error, axis=0, ddof=1) / np.sqrt(8)
    assert np.mean(np.abs(mean) < 3 * spread) > 0.8  # wages by state: within three standard errors, but for few
    if response != "none":
        assert np.abs(np.mean(initial_error)) > 2 * np.abs(np.mean(truth_error))


def test_more_targets_are_known_in_the_richer_settings_and_published_items_are_not_hidden() -> None:
    poor, benefits, rich = (build(n=5000, targets=t) for t in ("national", "national_and_benefits", "states"))
    assert poor.n_targets < benefits.n_targets < rich.n_targets
    assert benefits.truth is not None
    assert poor.truth is not None
    assert "snap_benefits/dollars/OH" in poor.truth.names
    assert "snap_benefits/dollars/OH" not in benefits.truth.names
    assert poor.auxiliary is not None
    assert poor.auxiliary.shape[1] == poor.n_records


def test_the_exam_shows_what_is_asked_and_not_the_answers() -> None:
    known, usual = build(n=2000, exam=True), build(n=2000)
    assert known.truth is not None
    assert known.auxiliary is not None
    assert known.auxiliary.nnz == known.truth.H.nnz
    np.testing.assert_array_equal(known.auxiliary.data, known.truth.H.data)
    np.testing.assert_array_equal(known.y, usual.y)  # nothing of the population's hidden totals


def test_targets_are_the_populations_totals_up_to_their_noise() -> None:
    exact, noisy = build(n=2000, target_noise=0.0), build(n=2000, target_noise=0.01)
    people = population()
    known = dict(zip(people.targets["name"], people.totals, strict=True))
    assert exact.y.tolist() == [known[name] for name in exact.target_names]
    assert np.std(noisy.y / [known[name] for name in noisy.target_names]) == pytest.approx(0.01, rel=0.3)


@pytest.mark.parametrize(
    "wrong", [{"n": 100}, {"strength": -1.0}, {"target_noise": float("nan")}, {"min_records": 10**9}]
)
def test_impossible_samples_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        build(**({"n": 1000} | wrong))  # type: ignore[arg-type]

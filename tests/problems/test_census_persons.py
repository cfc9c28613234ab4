"""Samples of a census of persons: margins published, crossed tables hidden, response that the design does not know."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.problems.census_persons import build, census


def test_margins_add_up_and_hidden_tables_are_crossings_of_them() -> None:
    people = census()
    totals = people.rows["published"] @ people.weights
    names = people.names["published"]
    by_age = sum(total for total, name in zip(totals, names, strict=True) if name.startswith("age:"))
    assert by_age == pytest.approx(people.weights.sum())
    hidden = dict(zip(people.names["hidden"], people.rows["hidden"] @ people.weights, strict=True))
    works = sum(total for name, total in hidden.items() if name.startswith("works/state"))
    assert works == pytest.approx(sum(t for t, n in zip(totals, names, strict=True) if n.startswith("works/age")))
    assert not {name.split(":")[0] for name in people.names["auxiliary"]} & {name.split(":")[0] for name in hidden}


def test_a_replicate_is_a_sample_of_the_size_asked_for_and_another_one_another() -> None:
    first, again, other = build(replicate=3), build(replicate=3), build(replicate=4)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.n_records == pytest.approx(4600, abs=5 * np.sqrt(4600))
    assert first.w0.sum() == pytest.approx(census().weights.sum(), rel=0.05)
    assert first.truth is not None
    assert first.restrict(range(first.n_targets)).truth is None


def test_a_response_that_depends_on_persons_biases_the_initial_weights() -> None:
    missed = [np.mean(np.abs(p.M @ p.w0 / p.y - 1)) for p in (build(strength=0.0), build(strength=2.0))]
    assert missed[1] > 1.5 * missed[0]


@pytest.mark.parametrize("wrong", [{"n": 100}, {"min_records": 10**6}])
def test_impossible_samples_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        build(**wrong)

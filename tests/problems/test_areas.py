"""Areas: nested totals of every area, those above it over all records, and records that know where they are."""

from __future__ import annotations

import numpy as np
import pytest

from frontier.core.errors import InputError
from frontier.core.partition import Partition
from frontier.problems.areas import ABOVE, OWN
from frontier.problems.registry import load_problem


def test_areas_have_nested_totals_and_known_weights_that_meet_them() -> None:
    problem = load_problem("areas", areas=3, records=80, above=True)
    assert problem.M.shape == (3 * OWN + ABOVE, 240)
    np.testing.assert_allclose(problem.M @ problem.meta["known_weights"], problem.y, rtol=1e-12)  # as it was made
    population, by_sex, by_age = problem.y[0], problem.y[1:3], problem.y[3:11]
    assert by_sex.sum() == pytest.approx(population, rel=1e-12)
    assert by_age.sum() == pytest.approx(population, rel=1e-12)
    origins = problem.y[-ABOVE : -ABOVE + 5]
    assert origins.sum() == pytest.approx(problem.y[[0, OWN, 2 * OWN]].sum(), rel=1e-12)


def test_records_know_their_area_and_only_totals_above_cross() -> None:
    problem = load_problem("areas", areas=3, records=80, above=True)
    labels = problem.meta["records"]()["area"].to_numpy(dtype=str)
    assert len(Partition.of(problem, labels).crossing) == ABOVE
    alone = load_problem("areas", areas=3, records=80)
    assert [part.targets.size for part in Partition.of(alone, labels).parts()] == [OWN] * 3


def test_no_total_of_a_small_area_is_empty() -> None:
    problem = load_problem("areas", areas=400, records=60)
    assert (np.diff(problem.M.indptr) > 0).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"areas": 0}, "areas: too few"),
        ({"records": 10}, "records: too few for 24 totals"),
        ({"seed": -1}, "seed: negative seed"),
        ({"areas": 10**6, "records": 10**6}, "too large"),
    ],
)
def test_what_is_no_file_of_areas_is_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=f"problem 'areas'.*{message}"):
        load_problem("areas", **wrong)

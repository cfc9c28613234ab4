"""Performance profiles: shares of comparisons within a factor of the best, each method at its better arm."""

from __future__ import annotations

from typing import Any

import pytest

from frontier.analysis.profiles import LEAST, profiles
from frontier.reporting.prepared import Prepared
from frontier.reporting.sections.profiles import blocks
from tests.analysis.runs import row, run

ERRORS = {  # label, refit: error of each of five splits
    ("one", "none"): (0.10, 0.20, 0.10, 0.10, 0.30),
    ("one", "initial"): (0.50, 0.50, 0.50, 0.50, 0.50),
    ("two", "none"): (0.11, 0.10, 0.104, 0.20, None),
}


def cells(errors: dict[tuple[str, str], tuple[float | None, ...]] = ERRORS, **values: Any) -> Any:
    rows = [
        row(label, split=f"fold_{i}", refit=refit, budget=50, heldout_capped_mare=error, **values)
        for (label, refit), some in errors.items()
        for i, error in enumerate(some)
        if error is not None
    ]
    return run(*rows)


def test_shares_count_the_comparisons_within_each_factor_of_the_best() -> None:
    two_extra = ERRORS | {("three", "none"): (1.0, 1.0, 1.0, 1.0, 0.15)}
    table = profiles(cells(two_extra).cells).set_index("label")
    one, two, three = (table.loc[name] for name in ("one", "two", "three"))
    # ratios of one: 1, 2, 1, 1, 2; of two: 1.1, 1, 1.04, 2, not served; of three: 10, 10, 10, 10, 1
    assert [one["within_1"], one["within_1.05"], one["within_2"], one["worst"]] == [0.6, 0.6, 1.0, 2.0]
    assert [two["within_1"], two["within_1.05"], two["within_1.25"], two["within_2"]] == [0.2, 0.4, 0.6, 0.8]
    assert (two["served"], three["within_2"]) == (4, pytest.approx(0.2))
    assert one["refit"] == "none"  # the arm with the smaller mean error
    assert list(table.index) == ["one", "two", "three"]


def test_fewer_than_five_comparisons_have_no_profile() -> None:
    few = {arm: some[: LEAST - 1] for arm, some in ERRORS.items()}
    assert profiles(cells(few).cells).empty


def test_an_error_of_nothing_is_the_best_and_not_divided_by() -> None:
    exact = {("one", "none"): (0.0,) * 5, ("two", "none"): (0.1,) * 5}
    table = profiles(cells(exact).cells).set_index("label")
    assert table.loc["one", "within_1"] == 1
    assert table.loc["two", "within_2"] == 0


def test_a_known_truth_is_what_counts() -> None:
    third = {("three", "none"): (1.0,) * 5}
    table = profiles(cells(ERRORS | third, truth_mean=0.3).cells)
    assert sorted(table["within_1"]) == [0.8, 1.0, 1.0]  # all alike by the truth, one budget not served


def test_the_section_is_a_table_of_shares() -> None:
    found = cells()
    text = str(blocks(Prepared(found.cells, found.manifest)))
    assert "Over 4 comparisons" not in text
    extra = cells(ERRORS | {("three", "none"): (1.0,) * 5})
    text = str(blocks(Prepared(extra.cells, extra.manifest)))
    assert "Over 5 comparisons (problem, split, budget) by held-out error" in text

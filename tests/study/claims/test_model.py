"""How settings make a verdict, what missing results give, and the intervals that the judges use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from frontier.analysis.intervals import difference_interval, mean_interval
from frontier.results.run import Run
from frontier.study.claims.model import (
    FAILS,
    HOLDS,
    NOT_EVALUATED,
    ONLY_IF,
    UNDECIDED,
    Claim,
    Verdict,
    combine,
    condition,
    deviation_interval,
    evaluate,
    everywhere,
    top,
)
from frontier.study.claims.registry import CLAIMS
from frontier.sweep.experiment import read_experiment
from tests.study.claims.made import cell, results

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([HOLDS, HOLDS], HOLDS),
        ([HOLDS, FAILS], ONLY_IF),
        ([HOLDS, UNDECIDED], ONLY_IF),
        ([FAILS, UNDECIDED], FAILS),
        ([UNDECIDED], UNDECIDED),
        ([], UNDECIDED),
    ],
)
def test_settings_combine_to_a_verdict(words: list[str], expected: str) -> None:
    assert combine(words) == expected


def test_a_claim_that_says_always_fails_as_soon_as_one_setting_does() -> None:
    frame = pd.DataFrame({"verdict": [HOLDS, FAILS]})
    found = everywhere(Verdict(ONLY_IF, "Why.", condition="p", evidence=frame))
    assert (found.word, found.condition, found.detail) == (FAILS, "", "It holds for p.")
    open_still = everywhere(Verdict(ONLY_IF, "", condition="p", evidence=pd.DataFrame({"verdict": [HOLDS, UNDECIDED]})))
    assert open_still.word == UNDECIDED
    assert everywhere(Verdict(HOLDS, "", evidence=frame)).word == HOLDS
    assert {claim.id for claim in CLAIMS if claim.universal} == {
        "l1_dominates_as_published",
        "l1_dominates_as_described",
        "stable_selection",
        "l1_zero_variance",
        "normalised_targets",
        "untempered_gate",
    }


def test_missing_results_name_the_command_and_are_no_error() -> None:
    evaluated = evaluate(CLAIMS, {})
    assert [one.claim for one in evaluated] == list(CLAIMS) != []
    for one in evaluated:
        assert one.verdict.word == NOT_EVALUATED
        assert one.claim.needs
        for name in one.claim.needs:
            assert f"python -m frontier.run experiments/{name}.yaml" in one.verdict.reason


def test_results_without_the_cells_of_a_claim_are_not_evaluated_either() -> None:
    empty = results([cell("greg", n_active=1)], pd.DataFrame({"cell": [], "heldout": [], "value": []}))
    names = {name for claim in CLAIMS for name in claim.needs}
    evaluated = evaluate(CLAIMS, dict.fromkeys(names, empty))
    assert [one.claim for one in evaluated] == list(CLAIMS)
    for one in evaluated:
        assert one.verdict.word == NOT_EVALUATED


def test_a_judge_sees_only_the_results_that_its_claim_needs() -> None:
    def judge(seen: object) -> Verdict:
        assert isinstance(seen, dict)
        assert list(seen) == ["a"]
        return Verdict(HOLDS, "", evidence=pd.DataFrame({"verdict": [HOLDS]}))

    claim = Claim(id="c", words="", source="", rule="", needs=("a",), judge=judge, not_tested=())
    run = results([cell("greg", n_active=1)])
    [one] = evaluate([claim], {"a": run, "b": Run(pd.DataFrame())})
    assert one.verdict.word == HOLDS


def test_every_claim_has_its_own_name_a_rule_and_limits_and_needs_experiments_that_exist() -> None:
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.rule
        assert claim.not_tested


@pytest.mark.parametrize("name", sorted({name for claim in CLAIMS for name in claim.needs}))
def test_the_experiments_of_the_claims_are_valid(name: str) -> None:
    assert read_experiment(EXPERIMENTS / f"{name}.yaml").methods


def test_a_condition_lists_where_it_holds() -> None:
    frame = pd.DataFrame(
        {"arm": ["a", "a", "b", "c"], "at": ["p", "q", "p", "p"], "verdict": [HOLDS, HOLDS, FAILS, HOLDS]}
    )
    assert condition(frame, "{arm}", "{at}") == "a (p, q); c (p)"
    assert condition(frame, "{arm}", "{at}", most=1) == "a (p, q); and 1 more"


def test_the_largest_row_is_never_a_missing_one() -> None:
    assert top(pd.DataFrame({"x": [1.0, 3.0, float("nan")], "at": ["a", "b", "c"]}), "x")["at"] == "b"


def test_intervals_are_the_textbook_ones() -> None:
    one, other = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 2.5, 3.5])
    mean, low, high = difference_interval(one, other)
    welch = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert (low, high) == pytest.approx((welch.low, welch.high), rel=1e-12)  # float64 rounding of sums
    assert mean == pytest.approx(-1 / 6)
    student = stats.ttest_1samp(one, 0).confidence_interval(0.95)
    assert mean_interval(one)[1:] == pytest.approx((student.low, student.high), rel=1e-12)  # the same


def test_a_deterministic_side_adds_no_variance() -> None:
    one = np.array([1.0, 2.0, 3.0])
    mean, low, high = difference_interval(one, np.array([1.0]))
    student = stats.ttest_1samp(one, 1.0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((student.low - 1, student.high - 1), rel=1e-12)  # float64 rounding
    assert mean == 1.0
    assert difference_interval(np.array([2.0]), np.array([1.0])) == (1.0, 1.0, 1.0)


def test_the_interval_of_a_deviation_covers_it_for_normal_seeds() -> None:
    rng = np.random.default_rng(1)
    found = [deviation_interval(rng.standard_normal(40)) for _ in range(100)]
    covered = sum(low <= 1.0 <= high for _, low, high in found)
    assert covered >= 87  # 95% nominal; BCa at 40 seeds covers about 92%, less three binomial deviations
    assert deviation_interval(np.full(10, 0.1)) == (0.0, 0.0, 0.0)
    assert np.isnan(deviation_interval(np.array([1.0, 2.0]))[1])

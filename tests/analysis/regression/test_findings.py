"""What counts as worse: tolerances for single cells, a test over seeds with a stated error rate, nothing else."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from frontier.analysis.regression.findings import compare, holm, paired_p_value
from frontier.analysis.regression.tolerances import Tolerances
from frontier.core.errors import InputError
from frontier.results.run import Run
from tests.analysis.runs import row, run

DEFAULTS = Tolerances()


def judged(now: Run, baseline: Run, tolerances: Tolerances = DEFAULTS) -> dict[str, str]:
    """The findings that are no pass, by metric (or kind)."""
    findings = compare(now, baseline, tolerances)
    return {f["metric"] or f["note"]: f["verdict"] for f in findings.to_dict("records") if f["verdict"] != "pass"}


def one(**values: Any) -> Run:
    return run(row(lam=0.1, **values))


def test_a_run_passes_against_itself() -> None:
    same = run(row(lam=0.1), row(budget=50), *(row("random", budget=50, seed=s) for s in range(3)))
    findings = compare(same, same, DEFAULTS)
    assert set(findings["verdict"]) == {"pass"}
    assert set(findings["kind"]) == {"cell", "seeds", "frontier"}


@pytest.mark.parametrize(
    ("metric", "before", "allowed", "too_much", "better"),
    [
        ("train_mare", 0.02, 0.02 + 1e-6, 0.02 + 5e-6, 0.019),
        ("heldout_mare", 0.1, 0.1 + 5e-6, 0.1 + 2e-5, 0.09),
        ("n_active", 500, 504, 506, None),
        ("n_active", 500, 496, 494, None),
        ("ess", 40.0, 39.97, 39.95, None),
        ("max_weight_ratio", 5.0, 5.04, 5.06, 4.9),
        ("objective", 2.0, 2.0 + 1e-6, 2.0 + 1e-5, 1.9),
        ("relative_gap", 1e-12, 9e-7, 2e-6, None),
    ],
)
def test_a_cell_without_a_seed_is_held_to_the_tolerance_of_each_metric(
    metric: str, before: float, allowed: float, too_much: float, better: float | None
) -> None:
    baseline = one(**{metric: before})
    assert metric not in judged(one(**{metric: allowed}), baseline)
    assert judged(one(**{metric: too_much}), baseline)[metric] == "regression"
    if better is not None:
        assert judged(one(**{metric: better}), baseline)[metric] == "improved"


def test_a_regression_names_its_numbers() -> None:
    findings = compare(one(train_mare=0.03), one(train_mare=0.02), DEFAULTS)
    [found] = findings[(findings["metric"] == "train_mare")].to_dict("records")
    assert (found["baseline"], found["now"], found["verdict"]) == (0.02, 0.03, "regression")
    assert found["difference"] == pytest.approx(0.01, rel=1e-12)  # a subtraction
    assert found["tolerance"] == pytest.approx(1e-6 + 1e-4 * 0.02, rel=1e-12)  # the default, written out
    assert (found["label"], found["point"]) == ("exact", "lam=0.1")


@pytest.mark.parametrize("seed", [None, 3])
def test_a_status_that_got_worse_is_a_regression_and_one_that_got_better_is_not(seed: int | None) -> None:
    order = ["optimal", "completed", "not_converged", "error"]
    for worse, better in itertools.combinations(reversed(order), 2):
        assert judged(one(status=worse, seed=seed), one(status=better, seed=seed))["status"] == "regression"
        assert judged(one(status=better, seed=seed), one(status=worse, seed=seed))["status"] == "improved"
    assert "status" not in judged(one(status="completed"), one(status="stopped_early"))


def test_cells_of_one_run_only_are_listed_as_missing_or_extra() -> None:
    two, other = run(row(lam=0.1), row(lam=0.2)), run(row(lam=0.1), row(lam=0.3))
    assert judged(other, two) == {
        "in the baseline, not in the run": "missing",
        "in the run, not in the baseline": "extra",
    }


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "another problem": ({"problems": {"p": {"fingerprint": "g", "n_records": 9}}}, "another problem (fingerprint)"),
    "no fingerprint": ({"problems": {}}, "another problem (fingerprint)"),
    "another split": ({"splits": {"p": {"default": {"fingerprint": "t"}}}}, "another split (held-out targets)"),
    "no split": ({"splits": {}}, "another split (held-out targets)"),
    "another method": ({"methods": {"exact": {"name": "x", "params": {}}}}, "another method under this label"),
    "another parameter": (
        {"methods": {"exact": {"name": "exact", "params": {"tol": 1e-9, "new": 1}}}},
        "other parameters: new, tol",
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_cells_of_another_plan_are_incomparable_with_the_reason_and_their_numbers_are_not_compared(what: str) -> None:
    manifest, reason = CHANGED[what]
    now = run(row(lam=0.1, train_mare=9.0), **manifest)
    assert judged(now, one()) == {reason: "incomparable"}


def test_refits_are_incomparable_under_another_rho_and_fits_are_not() -> None:
    rows = [row(lam=0.1), row(lam=0.1, refit="fitted")]
    assert judged(run(*rows, refit={"rho": 0.2}), run(*rows)) == {"another ρ of the refit": "incomparable"}


def test_what_the_problem_leaves_open_is_not_compared() -> None:
    changed = {"n_active": 6, "ess": 5.0, "heldout_mare": 0.5}
    assert set(judged(one(**changed), one())) > {"n_active", "ess", "heldout_mare"}
    assert judged(one(support_is_unique=False, **changed), one(support_is_unique=False)) == {}
    assert "train_mare" in judged(one(support_is_unique=False, train_mare=0.5), one(support_is_unique=False))


def test_a_value_that_disappeared_is_incomparable() -> None:
    assert judged(one(heldout_mare=None), one())["heldout_mare"] == "incomparable"


def seeds(errors: list[float], **values: Any) -> Run:
    return run(*(row("random", budget=50, seed=s, train_mare=e, **values) for s, e in enumerate(errors)))


BEFORE = [0.020, 0.024, 0.022, 0.026, 0.023]


def of_seeds(**values: Any) -> Run:
    """Five seeds at one point; of a list each has its own."""
    return run(*(row("r", budget=50, seed=s, **{k: v[s] for k, v in values.items()}) for s in range(5)))


def test_a_value_that_disappeared_from_one_seed_or_from_all_is_incomparable() -> None:
    before = of_seeds(heldout_mare=[0.1, 0.11, 0.12, 0.1, 0.11])
    for gone in ([None] * 5, [0.1, 0.11, 0.12, 0.1, None]):
        assert judged(of_seeds(heldout_mare=gone), before)["heldout_mare"] == "incomparable"


def test_one_seed_far_outside_is_a_regression_and_one_among_the_others_is_none() -> None:
    errors = [0.10, 0.11, 0.12, 0.10, 0.11]
    before = of_seeds(heldout_mare=errors)
    stray = judged(of_seeds(heldout_mare=[*errors[:4], 11.0]), before)
    assert stray == {"heldout_mare": "regression", "hypervolume[heldout]": "regression"}
    assert judged(of_seeds(heldout_mare=[*errors[:4], 0.14]), before) == {}
    assert judged(of_seeds(heldout_mare=[*errors[:4], 0.001]), before) == {}


@pytest.mark.parametrize("seed", [None, 3])
def test_a_certificate_that_is_gone_is_a_regression(seed: int | None) -> None:
    certified, refused, none = (one(certified=value, seed=seed) for value in (True, False, None))
    assert judged(refused, certified)["certified"] == judged(none, certified)["certified"] == "regression"
    assert judged(certified, refused)["certified"] == "improved"
    assert "certified" not in judged(certified, certified)
    assert "certified" not in judged(certified, none)


def test_a_single_enormous_weight_is_a_regression_with_seeds_and_without() -> None:
    assert judged(one(max_weight_ratio=5e6), one(max_weight_ratio=5.0)) == {"max_weight_ratio": "regression"}
    before = of_seeds(max_weight_ratio=[5.0, 5.5, 6.0, 5.1, 5.2])
    assert judged(of_seeds(max_weight_ratio=[5e6] * 5), before) == {"max_weight_ratio": "regression"}


def test_a_larger_effective_sample_size_is_no_regression() -> None:
    assert judged(one(ess=158.1), one(ess=157.6)) == {"ess": "changed"}
    assert judged(run(row(budget=50, ess=158.1)), run(row(budget=50, ess=157.6))) == {"ess": "improved"}


def test_seeds_that_all_got_worse_are_a_regression_and_better_or_mixed_ones_are_not() -> None:
    worse = [e + 0.005 + 0.0001 * i for i, e in enumerate(BEFORE)]
    assert judged(seeds(worse), seeds(BEFORE))["train_mare"] == "regression"
    assert judged(seeds(BEFORE), seeds(worse)) == {}
    assert judged(seeds([*BEFORE[1:], BEFORE[0]]), seeds(BEFORE)) == {}  # another draw of the same errors
    assert judged(seeds([e + 2e-4 for e in BEFORE]), seeds(BEFORE)) == {}  # certain, and smaller than anybody minds


def test_effective_sample_size_is_tested_at_budgets_only() -> None:
    budgets = [run(*(row("r", budget=50, seed=s, ess=e + s) for s in range(4))) for e in (40.0, 20.0)]
    penalties = [run(*(row("r", lam=0.1, seed=s, ess=e + s) for s in range(4))) for e in (40.0, 20.0)]
    assert judged(budgets[1], budgets[0]) == {"ess": "regression"}
    assert judged(penalties[1], penalties[0]) == {}


def test_a_single_seed_that_got_worse_cannot_be_told_from_luck_and_says_so() -> None:
    assert judged(seeds([0.03]), seeds([0.02]))["train_mare"] == "incomparable"
    assert judged(seeds([0.02]), seeds([0.02])) == {}


def test_repeats_do_not_count_as_seeds() -> None:
    now, before = (run(*(row("r", budget=50, seed=0, repeat=i, train_mare=e) for i in range(5))) for e in (0.03, 0.02))
    assert judged(now, before)["train_mare"] == "incomparable"  # one seed, however often it ran


def test_the_p_value_is_that_of_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=7), rng.normal(0.3, size=7)
    expected = stats.ttest_rel(now - 0.1, before, alternative="greater").pvalue
    assert paired_p_value(now - before, 0.1) == pytest.approx(expected, rel=1e-12)  # the same formula
    assert paired_p_value(np.full(3, 0.5), 0.1) == 0.0
    assert paired_p_value(np.full(3, 0.5), 0.5) == 1.0


def test_holm_rejects_what_its_definition_rejects() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        p = rng.random(6) ** 4
        order = np.argsort(p)
        rejected: set[int] = set()
        for step, i in enumerate(order):  # Holm (1979): stop at the first that is not below α/(m − i)
            if p[i] > 0.05 / (6 - step):
                break
            rejected.add(int(i))
        assert {i for i, a in enumerate(holm(list(p))) if a <= 0.05} == rejected
    assert holm([]) == []


def test_a_method_that_is_not_worse_is_accused_no_more_often_than_stated() -> None:
    rng = np.random.default_rng(2)
    accused = 0
    for _ in range(2000):  # ten points, five seeds, correlated as seeds of one method are, no difference in truth
        shared = rng.normal(size=5)
        worse = [0.5 * shared + rng.normal(size=5) for _ in range(10)]
        accused += min(holm([paired_p_value(d, 0.0) for d in worse])) <= 0.05
    # 5% of 2,000 is 100 with a standard deviation below 10; three of them
    assert accused <= 130


def test_a_frontier_that_lost_area_is_a_regression() -> None:
    budgets, errors = (10, 100, 500), (0.5, 0.2, 0.1)
    before = run(*(row(budget=k, n_active=k, train_mare=e) for k, e in zip(budgets, errors, strict=True)))
    now = run(*(row(budget=k, n_active=k, train_mare=2 * e) for k, e in zip(budgets, errors, strict=True)))
    findings = compare(now, before, DEFAULTS)
    area = findings[findings["metric"] == "hypervolume[train]"].iloc[0]
    x = np.log(budgets) / np.log(1000)
    assert area["baseline"] == pytest.approx(0.5 * (1 - x[0]) + 0.3 * (1 - x[1]) + 0.1 * (1 - x[2]), rel=1e-12)
    assert (area["verdict"], area["point"]) == ("regression", "frontier")


def test_a_table_without_identity_is_one_clear_line() -> None:
    whole = one()
    with pytest.raises(InputError, match="run: no column 'refit'; expected a cells table"):
        compare(Run(whole.cells.drop(columns="refit"), whole.manifest), whole, DEFAULTS)
    twice = Run(pd.concat([whole.cells, whole.cells]), whole.manifest)
    with pytest.raises(InputError, match="run: a cell given twice"):
        compare(twice, whole, DEFAULTS)

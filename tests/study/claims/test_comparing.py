"""One arm against another at equal size: held out by the test of the reports, in training by the seeds."""

from __future__ import annotations

from frontier.results.run import Run
from frontier.study.claims.comparing import balanced_and_pps, errs_less, relaxed_and_lasso
from frontier.study.claims.model import FAILS, HOLDS, UNDECIDED, Verdict
from tests.analysis.made_up import curve, tables

DENSE = {"dense": "anchored_l1", "penalty": None}


def judged(first: float, second: float, *, fit: tuple[float, float], dense: str = "anchored_l1") -> Verdict:
    points = []
    for method, level, training in (("balanced_sample", first, fit[0]), ("pps_sample", second, fit[1])):
        for seed in range(4):
            errors = {k: [level + 1e-4 * seed] * 3 for k in (10, 1000)}
            points += curve(method, errors, method=method, seed=seed, train_mare=training + 1e-4 * seed)
    cells, targets = tables(*points)
    methods = {
        "balanced_sample": {"params": DENSE | {"draw": "cube"}},
        "pps_sample": {"params": DENSE | {"dense": dense}},
    }
    run = Run(cells, {"methods": methods}, targets=targets)
    return errs_less(balanced_and_pps, "Told")({"made": run})


def words(verdict: Verdict) -> dict[str, str]:
    return dict(zip(verdict.evidence["error"], verdict.evidence["verdict"], strict=True))


def test_each_error_has_a_verdict_of_its_own() -> None:
    assert words(judged(0.2, 0.3, fit=(0.01, 0.05))) == {"held-out": HOLDS, "training": HOLDS}
    assert words(judged(0.3, 0.2, fit=(0.01, 0.05))) == {"held-out": FAILS, "training": HOLDS}


def test_shown_to_be_level_is_not_better_and_equal_fits_are_undecided() -> None:
    assert words(judged(0.2, 0.2, fit=(0.05, 0.05))) == {"held-out": FAILS, "training": UNDECIDED}


def test_samples_of_other_weights_are_not_the_same_comparison() -> None:
    assert judged(0.2, 0.3, fit=(0.01, 0.05), dense="initial").evidence.empty


def test_a_lasso_without_a_refit_has_nothing_to_compare() -> None:
    cells, targets = tables(*curve("lasso", {10: [0.1] * 3, 100: [0.1] * 3}, method="nn_lasso"))
    run = Run(cells, {"methods": {"lasso": {"params": {}}}}, targets=targets)
    assert relaxed_and_lasso(run) == [(("lasso", "fitted"), ("lasso", "none"))]
    assert errs_less(relaxed_and_lasso, "Told")({"made": run}).evidence.empty

"""Robustness by arm, target and family: means worked out by hand, intervals and indices by their own formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy import stats

from frontier.analysis.aggregate import prepare
from frontier.analysis.robustness import by_arm, by_target, fragile, hold_outs, initial_errors, judged
from frontier.analysis.stability import stability
from frontier.results.supports import overlaps
from tests.analysis.robustness_runs import SPLITS, tables
from tests.analysis.runs import N_RECORDS

ONE = {"rotation_1of2": (0.3, -0.05, 0.01, 0.02), "rotation_2of2": (0.1, 0.2, 4.0, 0.4)}
TWO = {"rotation_1of2": (0.5, 0.05, 0.03, 0.04), "rotation_2of2": (0.1, 0.0, 0.8, 0.1)}
INITIAL = {"rotation_1of2": (0.2, 0.2, 0.2, 0.2), "rotation_2of2": (0.2, 0.2, 0.9, 0.9)}
CONTROL = (INITIAL, {"label": "w0", "method": "initial_weights", "n_active": N_RECORDS})


def arms_of(cells: pd.DataFrame, targets: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    ready = prepare(cells)
    found = hold_outs(ready, targets)
    some = judged(ready, targets, found)
    return by_arm(some, found, n_records={"p": N_RECORDS}, initial=initial_errors(some, {})), some


def test_errors_are_means_over_hold_outs_of_means_over_seeds_each_target_capped() -> None:
    arms, _ = arms_of(*tables((ONE, {"label": "x", "seed": 0}), (TWO, {"label": "x", "seed": 1}), CONTROL))
    row = arms[arms["label"] == "x"].iloc[0]
    errors = np.array([[0.175, 0.7], [0.275, 0.45]])  # seeds × hold-outs, 4.0 counted as 1
    assert row["heldout"] == pytest.approx(errors.mean(), abs=1e-12)
    assert [row["best"], row["worst"]] == pytest.approx([0.225, 0.575], abs=1e-12)
    assert row["worst_at"] == "rotation_2of2"
    assert row["within"] == pytest.approx((0.5 + 0.25) / 2)
    assert row["training"] == pytest.approx((0.025 + 0.1) / 2)
    assert row["gap"] == pytest.approx(row["heldout"] - row["training"])
    assert row["excess"] == pytest.approx(errors.mean() - (0.2 + 0.9) / 2)
    assert (row["n_worse"], row["n_known"], row["n_seeds"]) == (1, 2, 2)


def test_the_interval_of_an_arm_without_seeds_is_nadeau_and_bengios_and_stays_between_0_and_100_percent() -> None:
    arms, _ = arms_of(*tables((ONE, {"label": "x"}), CONTROL))
    row = arms[arms["label"] == "x"].iloc[0]
    differences = np.array([0.175 - 0.2, 0.7 - 0.9])
    half = stats.t.isf(0.025, 1) * np.sqrt((1 / 2 + 2 / 2) * differences.var(ddof=1))
    limits = [differences.mean() - half, differences.mean() + half]
    assert [row["excess_low"], row["excess_high"]] == pytest.approx(limits)
    assert [row["heldout_low"], row["heldout_high"]] == [0, 1]  # two hold-outs say next to nothing


def test_initial_weights_that_the_run_was_made_with_need_no_control() -> None:
    cells, targets = tables((ONE, {"label": "x"}))
    arms, some = arms_of(cells, targets)
    assert arms["n_known"].tolist() == [0]
    assert np.isnan(arms["excess"]).all()
    ready = prepare(cells)
    known = {("p", split): 0.1 for split in SPLITS}
    found = hold_outs(ready, targets)
    arms = by_arm(some, found, n_records={"p": N_RECORDS}, initial=initial_errors(some, known))
    assert (arms["n_worse"].item(), arms["excess"].item()) == (2, pytest.approx(0.4375 - 0.1))


def test_stability_is_over_seeds_within_a_hold_out_and_over_hold_outs_within_a_seed() -> None:
    cells, targets = tables((ONE, {"label": "x", "seed": 0}), (TWO, {"label": "x", "seed": 1}))
    rng = np.random.default_rng(1)
    weights = sp.csr_array((rng.random((4, N_RECORDS)) < [[0.1], [0.2], [0.3], [0.4]]).astype(float))
    cells = cells.assign(n_active=np.diff(weights.indptr))
    arms, _ = arms_of(cells.join(overlaps(cells, weights)), targets)
    chosen = weights.toarray()  # rows: seed 0 on both hold-outs, then seed 1

    def index(*rows: int) -> float:
        kept, common = chosen[list(rows)].sum(axis=1), chosen[list(rows)].prod(axis=0).sum()
        return stability(kept, np.full(2, common), N_RECORDS)[0]

    row = arms.iloc[0]
    assert row["stability_over_seeds"] == pytest.approx((index(0, 2) + index(1, 3)) / 2)
    assert row["stability_over_splits"] == pytest.approx((index(0, 1) + index(2, 3)) / 2)
    assert row["stability_over_seeds_low"] < row["stability_over_seeds"] < row["stability_over_seeds_high"]
    jaccard = [chosen[[i, j]].min(axis=0).sum() / chosen[[i, j]].max(axis=0).sum() for i, j in ((0, 1), (2, 3))]
    assert row["jaccard_over_splits"] == pytest.approx(np.mean(jaccard))


def test_results_from_before_overlaps_were_counted_have_errors_and_no_indices() -> None:
    arms, _ = arms_of(*tables((ONE, {"label": "x"})))
    assert arms["heldout"].notna().all()
    names = [name for name in arms if name.startswith(("stability", "jaccard"))]
    assert len(names) == 8
    assert arms[names].isna().all(axis=None)


def test_a_design_counts_from_two_hold_outs_on_and_rows_without_their_family_are_told() -> None:
    cells, targets = tables((ONE, {"label": "x"}))
    assert len(hold_outs(prepare(cells[:1]), targets)) == 0
    found = hold_outs(prepare(cells), targets)
    assert found["families"].tolist() == [("a",), ("b", "c")]
    assert not found["divided"].any()
    rows = {"rotation_1of2": ("a1",), "rotation_2of2": ("b1",)}
    cells, targets = tables((ONE, {"label": "x"}), held=rows)
    assert hold_outs(prepare(cells), targets)["divided"].tolist() == [True, False]


def test_fits_without_weights_and_repeats_are_left_out() -> None:
    lost = {"label": "x", "status": "error", "n_active": pd.NA}
    _, some = arms_of(*tables((ONE, {"label": "x"}), (TWO, {"label": "x", "repeat": 1}), (TWO, lost | {"seed": 1})))
    assert some["heldout"].tolist() == pytest.approx([0.175, 0.7])


def test_a_target_is_fragile_where_it_is_missed_held_out_and_met_fitted() -> None:
    cells, targets = tables((ONE, {"label": "x", "seed": 0}), (TWO, {"label": "x", "seed": 1}), CONTROL)
    _, some = arms_of(cells, targets)
    errors = by_target(some, targets)
    found = fragile(errors, "target").set_index("target")
    assert found["heldout"].to_dict() == pytest.approx({"b1": 2.4, "a1": 0.4, "c1": 0.25, "a2": 0.05})
    assert found["training"].to_dict() == pytest.approx({"b1": 0.02, "a1": 0.1, "c1": 0.03, "a2": 0.1})
    assert found["within"].to_dict() == pytest.approx({"b1": 0, "a1": 0, "c1": 0.5, "a2": 1})
    assert found["initial"].to_dict() == pytest.approx({"b1": 0.9, "a1": 0.2, "c1": 0.9, "a2": 0.2})
    assert found["kind"].to_dict() == {"b1": "met only when fitted", "a1": "met only when fitted"} | {
        "c1": "met only when fitted",
        "a2": "holds",
    }


def test_families_have_the_share_of_the_error_that_is_theirs_and_medians_over_arms() -> None:
    always = dict.fromkeys(SPLITS, (0.5, 0.5, 0.5, 0.1))
    cells, targets = tables((ONE, {"label": "x"}), (TWO, {"label": "y"}), (always, {"label": "z"}), CONTROL)
    found = fragile(by_target(arms_of(cells, targets)[1], targets), "family").set_index("family")
    assert found["heldout"].to_dict() == pytest.approx({"a": 0.275, "b": 0.8, "c": 0.1})
    assert (found.loc["a", "least"], found.loc["a", "most"]) == pytest.approx((0.175, 0.5))
    total = 0.35 + 0.55 + 1.0 + (1.0 + 0.8 + 0.5) + (0.4 + 0.1 + 0.1)
    assert found["share"].to_dict() == pytest.approx({"a": 1.9 / total, "b": 2.3 / total, "c": 0.6 / total})
    assert found["held"].to_dict() == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.25})


def test_a_target_that_is_missed_either_way_is_told_from_one_that_was_never_fitted() -> None:
    always = dict.fromkeys(SPLITS, (0.5, 0.0, 0.5, 0.5))
    held = {"rotation_1of2": ("a1", "a2"), "rotation_2of2": ("a1", "a2", "b1")}
    cells, targets = tables((always, {"label": "x"}), held=held)
    found = fragile(by_target(arms_of(cells, targets)[1], targets), "target").set_index("target")
    assert found["kind"].to_dict() == {"a1": "never fitted", "b1": "missed either way", "a2": "holds"}
    assert found["n_splits"].to_dict() == {"a1": 2, "b1": 1, "a2": 2}

"""The section on robustness: when it is there, and what its rules make of errors and of the records kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from frontier.reporting.markdown import blocks_markdown
from frontier.reporting.prepared import Prepared
from frontier.reporting.sections import robustness
from tests.analysis.robustness_runs import tables
from tests.analysis.runs import N_RECORDS

TARGETS = {f"{family}{j}": family for family in "abcde" for j in range(3)}
FIVE = {f"rotation_{i + 1}of5": tuple(f"{family}{j}" for j in range(3)) for i, family in enumerate("abcde")}
CONTROL = {"label": "w0", "method": "initial_weights", "n_active": N_RECORDS}


def misses(*, out: float, fitted: float, also: Mapping[str, float] | None = None) -> dict[str, list[float]]:
    """What an arm misses each target by: `out` where held out (a little more by the fold), `also` by family."""
    return {
        split: [
            ((also or {}).get(family, out) + 0.001 * i) if name in held else fitted for name, family in TARGETS.items()
        ]
        for i, (split, held) in enumerate(FIVE.items())
    }


def text(*arms: tuple[dict[str, list[float]], dict[str, Any]], columns: Mapping[str, float] | None = None) -> str:
    cells, targets = tables(*arms, held=FIVE, families=TARGETS)
    return shown(cells.assign(**(columns or {})), targets)


def shown(cells: pd.DataFrame, targets: pd.DataFrame | None, splits: Mapping[str, Any] | None = None) -> str:
    manifest = {"problems": {"p": {"n_records": N_RECORDS}}, "splits": {"p": splits or {}}}
    return "\n".join(blocks_markdown(robustness.blocks(Prepared(cells, manifest, targets)), {}))


def line(found: str, start: str) -> str:
    [one] = [one for one in found.splitlines() if one.startswith(f"- {start}")]
    return one


def test_one_hold_out_or_none_or_no_estimates_have_no_such_section() -> None:
    cells, targets = tables((misses(out=0.5, fitted=0.01), {"label": "x"}), held=FIVE, families=TARGETS)
    assert "## Robustness" in shown(cells, targets)
    assert shown(cells, None) == ""
    assert shown(cells[:1], targets) == ""
    assert shown(cells, targets.assign(heldout=False)) == ""


def test_what_errs_more_than_the_initial_weights_is_not_to_be_trusted_and_with_a_gap_overfit() -> None:
    found = text(
        (misses(out=0.6, fitted=0.01), {"label": "close"}),
        (misses(out=0.4, fitted=0.38), {"label": "loose"}),
        (misses(out=0.1, fitted=0.02), {"label": "good"}),
        (misses(out=0.3, fitted=0.3), CONTROL),
    )
    assert line(found, "**Not to be trusted").endswith("beyond these hold-outs that is sure of loose; close.")
    assert line(found, "**Overfit**").startswith("- **Overfit**: close.")
    assert line(found, "Better than the initial weights").endswith(": good.")
    assert line(found, "Smallest held-out errors").startswith("- Smallest held-out errors: good 10.2%; loose 40.2%.")
    assert "too few for a verdict" not in found
    row = next(row for row in found.splitlines() if row.startswith("| close |"))
    assert "5 of 5" in row


def test_without_initial_weights_nothing_is_said_of_them_unless_the_manifest_knows_them() -> None:
    arm = (misses(out=0.6, fitted=0.01), {"label": "x"})
    assert "The initial weights, fitted" not in text(arm)
    cells, targets = tables(arm, held=FIVE, families=TARGETS)
    facts = {split: {"n_train": 12, "initial_heldout_capped_mare": 0.2} for split in FIVE}
    assert "sure of x." in line(shown(cells, targets, facts), "**Not to be trusted")


def test_a_difference_of_a_point_is_none() -> None:
    found = text((misses(out=0.305, fitted=0.25), {"label": "x"}), (misses(out=0.3, fitted=0.3), CONTROL))
    assert "no arm is clearly worse or better" in found
    assert "- **Not to be trusted" not in found


def test_a_family_that_carries_the_error_and_the_hold_out_that_stands_out_are_named() -> None:
    found = text((misses(out=0.02, fitted=0.01, also={"c": 0.9}), {"label": "x"}))
    assert "with 20.0% of the held-out targets" in line(found, "**c carries the error**")
    assert "rotation_3of5, without c, in x." in line(found, "**One hold-out stands out**")
    assert line(found, "Of 15 totals") == "- Of 15 totals 3 are met only when fitted."
    even = text((misses(out=0.5, fitted=0.01), {"label": "x"}))
    assert "carries the error**" not in even
    assert "stands out**" not in even


def test_which_records_are_kept_is_arbitrary_or_settled_and_unknown_for_earlier_runs() -> None:
    arms = [(misses(out=0.2, fitted=0.01), {"label": "x", "seed": seed, "n_active": 100}) for seed in range(3)]
    little = {
        "shared_records": 11.0,
        "shared_over_splits": 95.0,
        "jaccard_over_seeds": 0.06,
        "jaccard_over_splits": 0.9,
    }
    found = text(*arms, columns=little)
    assert line(found, "**Which records").endswith("another seed keeps others: x.")
    assert line(found, "Which records are kept is settled").endswith("another hold-out keeps nearly the same: x.")
    assert "| Jaccard over hold-outs |" in found
    before = text(*arms)
    assert "Which records are kept is arbitrary**" not in before
    assert "Φ over" not in before


def test_few_hold_outs_judge_nothing_and_rows_apart_from_their_family_are_too_easy() -> None:
    rows = {"random_1of2": ("a0", "b0"), "random_2of2": ("c0", "b1")}
    values = [0.3 if name in ("a0", "b0", "c0", "b1") else 0.0 for name in TARGETS]
    arm = (dict.fromkeys(rows, values), {"label": "x"})
    control = (dict.fromkeys(rows, [0.1] * len(TARGETS)), CONTROL)
    found = shown(*tables(arm, control, held=rows, families=TARGETS))
    assert line(found, "**2 hold-outs are too few for a verdict**")
    assert line(found, "**These errors are too small**")
    assert "beyond these hold-outs" not in line(found, "**Not to be trusted")


def test_an_arm_that_failed_in_a_hold_out_is_named_and_not_compared() -> None:
    half = misses(out=0.0, fitted=0.0)
    half.pop("rotation_5of5")
    found = text((half, {"label": "half"}), (misses(out=0.2, fitted=0.1), {"label": "whole"}))
    assert "Without weights in some hold-out: half." in found
    assert "| half |" not in found


def test_a_method_that_has_no_solution_near_the_size_of_the_others_is_named() -> None:
    arms = [(misses(out=0.2, fitted=0.0), {"label": f"m{n}", "lam": 0.1, "n_active": n}) for n in (50, 52, 900)]
    found = text(*arms)
    assert "arms near 50 records. Of no such size: m900." in found
    assert "| m900 |" not in found


def test_of_many_arms_each_method_stands_at_its_best() -> None:
    arms = [
        (misses(out=0.1 * j + 0.01 * i, fitted=0.0), {"label": f"m{i:02}", "refit": refit})
        for i in range(11)
        for j, refit in enumerate(("none", "fitted"), start=1)
    ]
    found = text(*arms)
    table = found.split("| method |")[1].split("\n- ")[0]
    assert sum(row.startswith("| m") for row in table.splitlines()) == 11
    assert "refit" not in table
    assert "Each method stands at its best arm" in found

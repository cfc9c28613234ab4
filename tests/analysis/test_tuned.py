"""Defaults against tuned settings: the arms that the search chose, paired over problems, and the order of methods."""

from __future__ import annotations

from typing import Any

import matplotlib
import pandas as pd
import pytest

from frontier.analysis.tuned import orders, tuned_table
from frontier.reporting.charts.canvas import rc
from frontier.reporting.charts.tuned_figure import tuned_figure
from frontier.reporting.prepared import Prepared
from frontier.reporting.sections.tuned import answer, blocks
from tests.analysis.runs import row, run

SPLITS = ("a", "b", "c")
ERRORS = {  # label, refit: error on each split
    ("one", "none"): (0.30, 0.31, 0.32),
    ("one", "initial"): (0.20, 0.21, 0.22),
    ("one, tuned", "none"): (0.10, 0.12, 0.11),
    ("two", "none"): (0.15, 0.16, 0.17),
}


def fact(label: str, default: str, **other: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"label": label, "default": default, "problem": "", "split": "", "budget": 50}
    facts |= {"refit": "none", "default_refit": "none", "trial": 3, "trials": 9, "refused": 1, "failed": 0}
    return facts | {"cpu_seconds": 5.0, "inner_default": 0.3, "inner_tuned": 0.2, "settings": {"lr": 0.1}} | other


def made(**manifest: Any) -> tuple[Any, Any]:
    rows = [
        row(label, split=split, refit=refit, budget=50, heldout_mare=error, budget_reached=True, certified=None)
        for (label, refit), errors in ERRORS.items()
        for split, error in zip(SPLITS, errors, strict=True)
    ]
    found = run(*rows, **manifest)
    return found.cells, found.manifest


TUNED = [fact("one, tuned", "one", default_refit="initial"), fact("two", "two", settings={})]


def test_each_side_has_the_weights_that_the_search_chose_and_differences_are_paired() -> None:
    table = tuned_table(*made(tuned=TUNED)).set_index("label")
    one = table.loc["one"]
    assert one["default"] == pytest.approx(0.21)  # the refit, not the 0.31 as fitted
    assert one["tuned"] == pytest.approx(0.11)
    assert one["difference"] == pytest.approx(-0.10)
    assert one["pairs"] == 3
    # differences −0.10, −0.09, −0.11: mean −0.10, sd 0.01, t(0.975, 2) = 4.303, so ± 0.0248
    assert one["difference_high"] == pytest.approx(-0.10 + 4.303 * 0.01 / 3**0.5, abs=1e-5)
    assert not table.loc["two", "searched"]


def test_the_order_of_methods_is_told_before_and_after() -> None:
    [order] = orders(tuned_table(*made(tuned=TUNED))).to_dict("records")
    assert order["default"] == ["two", "one"]
    assert order["tuned"] == ["one", "two"]
    assert order["tau"] == pytest.approx(-1)
    # 0.15 − 0.10, 0.16 − 0.12, 0.17 − 0.11: mean 0.05, sd 0.01, so ± 0.0248
    assert order["lead"] == pytest.approx(0.05)
    assert order["lead_low"] == pytest.approx(0.05 - 4.303 * 0.01 / 3**0.5, abs=1e-5)


def test_a_setting_of_one_split_is_judged_on_that_split_alone() -> None:
    facts = [fact("one, tuned", "one", problem="p", split="b", default_refit="initial")]
    [one] = tuned_table(*made(tuned=facts)).to_dict("records")
    assert (one["default"], one["tuned"], one["pairs"]) == pytest.approx((0.21, 0.12, 1))


def test_rows_that_missed_their_budget_are_no_pair() -> None:
    cells, manifest = made(tuned=TUNED)
    cells.loc[cells["split"] == "c", "budget_reached"] = False
    assert tuned_table(cells, manifest).set_index("label").loc["one", "pairs"] == 2


def test_the_section_answers_whether_the_best_stays_the_best() -> None:
    cells, manifest = made(tuned=TUNED)
    table = tuned_table(cells, manifest)
    text = answer(table, orders(table), "held-out error")
    assert text.startswith("**Tuning changes the held-out error by −48%** in the median of 1 methods and budgets")
    assert "1 are better beyond chance and 0 worse" in text
    assert "**The best method changes** at 1 of 1 budgets." in text
    lines = str(blocks(Prepared(cells, manifest)))
    assert (
        "50 records: as configured two errs least, as tuned one, ahead of two by +5.00 points (+2.52 to +7.48); "
        "Kendall's τ of both orders −1.0." in lines
    )
    assert "trials failed" not in lines


@pytest.mark.parametrize(("reason", "told"), [({"failure": "error: KeyError: 'poisson'"}, "KeyError"), ({}, "not rec")])
def test_a_search_that_lost_trials_says_how_many_and_why(reason: dict[str, str], told: str) -> None:
    facts = [fact("one, tuned", "one", budget=size, failed=4, **reason) for size in (50, 60)]
    lines = str(blocks(Prepared(*made(tuned=facts))))
    assert lines.count("one: 4 of 9 trials failed, most often for this reason: ") == 1
    assert told in lines


def test_the_figure_has_a_panel_a_budget_and_both_errors_of_every_searched_method() -> None:
    cells, manifest = made(tuned=[*TUNED, fact("one, tuned", "one", default_refit="initial", budget=60)])
    later = cells[cells["label"].str.startswith("one")].assign(budget=60.0)
    prepared = Prepared(pd.concat([cells, later], ignore_index=True), manifest)
    table = tuned_table(prepared.stored, manifest)
    with matplotlib.rc_context(rc()):
        figure = tuned_figure(table, prepared.styles, "held-out error", "a run")
        assert tuned_figure(table[~table["searched"]], prepared.styles, "held-out error", "a run") is None
    assert figure is not None
    assert [ax.get_title("left") for ax in figure.axes] == ["50 records", "60 records"]
    for ax in figure.axes:
        assert [float(line.get_xdata()[0]) for line in ax.lines[1:]] == pytest.approx([0.21, 0.11])
        [[[low, _], [high, _]]] = ax.collections[0].get_segments()
        assert (low, high) == pytest.approx((0.21 - 0.1248, 0.21 - 0.0752), abs=1e-4)  # ± 0.0248, as above
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["one"]  # two was not searched


def test_a_run_that_nothing_was_tuned_for_has_no_such_section() -> None:
    assert blocks(Prepared(*made())) == []

"""Verdicts on pairs in a report: seen from both sides, drawn, and told in words."""

from __future__ import annotations

import io
import math
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from frontier.reporting.arms import arm_name
from frontier.reporting.charts.canvas import rc
from frontier.reporting.charts.pairwise_figure import (
    BLUE,
    GREEN,
    NAME_LENGTH,
    ORANGE,
    PALE_BLUE,
    pairwise_figure,
    shortened,
)
from frontier.reporting.charts.versus_figure import versus_figure
from frontier.reporting.markdown import blocks_markdown
from frontier.reporting.sections.who_wins import pairwise_blocks
from frontier.reporting.standings import band_name, both_sides, ranked, standings

ERRORS = {"ant": 0.20, "bee": 0.30, "cat": 0.301, "dog": 0.33}


def pair(a: str, b: str, verdict: str, half: float = 0.02, **changes: Any) -> dict[str, Any]:
    difference = ERRORS[a] - ERRORS[b]
    row: dict[str, Any] = {"problem": "p", "design": "default", "band": 5, "low": 300.0, "high": 1000.0}
    row |= {"label_a": a, "refit_a": "none", "label_b": b, "refit_b": "none", "mean_a": ERRORS[a], "mean_b": ERRORS[b]}
    row |= {"difference": difference, "difference_low": difference - half, "difference_high": difference + half}
    row |= {"p_value": 0.01, "p_adjusted": 0.03, "p_equivalent": 0.9, "minimum_detectable_difference": 0.04}
    row |= {"delta": 0.01, "verdict": verdict, "families_agree": True, "n_families_a": 3, "n_splits": 1, "n_seeds": 5}
    row |= {"n_families": 3, "n_targets": 12, "basis": "paired seeds; these held-out targets only"}
    return row | changes


def frame(**changes: Any) -> pd.DataFrame:
    rows = [
        pair("ant", "bee", "A better"),
        pair("ant", "cat", "A better", band=6, low=1000.0, high=3000.0),
        pair("ant", "dog", "A better", p_value=math.nan, p_adjusted=math.nan, minimum_detectable_difference=math.nan),
        pair("bee", "cat", "equivalent", 0.005, p_equivalent=0.002),
        pair("bee", "dog", "undecided", 0.02),
        pair("cat", "dog", "undecided", 0.04, minimum_detectable_difference=1.5),
    ]
    return pd.DataFrame(rows).assign(**changes)


def told(part: pd.DataFrame) -> list[str]:
    return blocks_markdown(pairwise_blocks(part), {})


def drawn(figure: Figure | None) -> Figure:
    assert figure is not None
    with matplotlib.rc_context(rc()):
        figure.savefig(io.BytesIO(), format="png")  # what cannot be laid out warns here
    return figure


def test_a_pair_is_seen_from_both_sides() -> None:
    sides = {(row["arm"][0], row["rival"][0]): row for row in both_sides(frame()).to_dict("records")}
    one, other = sides["ant", "bee"], sides["bee", "ant"]
    assert (one["verdict"], other["verdict"]) == ("better", "worse")
    assert one["difference"] == -other["difference"] < 0
    assert (one["difference_low"], one["difference_high"]) == (-other["difference_high"], -other["difference_low"])
    assert (one["mean"], other["mean"]) == (0.2, 0.3)
    assert sides["bee", "dog"]["leaning"] == "better"  # 0 is outside −5 to −1 points
    assert sides["cat", "dog"]["leaning"] == ""
    assert sides["ant", "dog"]["leaning"] == ""  # a range is no interval


def test_standings_count_verdicts_and_rank_by_error_within_bands() -> None:
    table = standings(both_sides(frame()))
    ant = table[table["arm"] == ("ant", "none")].set_index("band")
    assert ant["better"].to_dict() == {5: 2, 6: 1}
    bee = table[table["arm"] == ("bee", "none")].iloc[0]
    assert (bee["worse"], bee["equivalent"], bee["undecided"], bee["mean"]) == (1, 1, 1, 0.3)
    assert ranked(table)[0] == ("ant", "none")
    assert ranked(table)[-1] == ("dog", "none")


def test_names_are_for_readers() -> None:
    assert arm_name("PPS", "none") == "PPS"
    assert arm_name("PPS", "fitted") == "PPS, refit"
    assert band_name(300.0, 1000.0) == "300–1,000 records"
    long = shortened(("a very long label that nobody can read beside a matrix", "fitted"))
    assert len(long) == NAME_LENGTH
    assert long.endswith("…, refit")


def test_the_matrix_is_blue_where_the_row_has_the_lower_error() -> None:
    figure = drawn(pairwise_figure(frame(), "p"))
    [image] = figure.axes[0].images
    colours = np.array(image.get_array(), dtype=np.float64)
    names = [text.get_text().rsplit("  ", 1)[0] for text in figure.axes[0].get_yticklabels()]
    place = {name: i for i, name in enumerate(names)}
    assert names[0] == "ant"

    def colour(row: str, column: str) -> tuple[float, ...]:
        return tuple(colours[place[row], place[column]])

    assert colour("ant", "bee") == to_rgb(BLUE)
    assert colour("bee", "ant") == to_rgb(ORANGE)
    assert colour("bee", "cat") == colour("cat", "bee") == to_rgb(GREEN)
    assert colour("bee", "dog") == to_rgb(PALE_BLUE)
    assert colour("cat", "dog") == to_rgb("0.92")
    assert colour("ant", "cat") == to_rgb("white")  # compared in the other band only
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["300–1,000 records", "1,000–3,000 records"]


def test_one_arm_against_all_is_drawn_with_its_intervals_and_verdicts() -> None:
    figure = drawn(versus_figure(frame(), ("bee", "none"), "bee"))
    [ax] = figure.axes
    points = [(np.asarray(line.get_xdata(), dtype=np.float64).round(6).tolist(), line) for line in ax.get_lines()]
    marks = {(x[0], line.get_marker()): line.get_color() for x, line in points if line.get_marker() in ("o", "s")}
    assert marks == {(10.0, "o"): ORANGE, (-0.1, "s"): GREEN, (-3.0, "o"): "0.45"}
    bars = [x for x, line in points if line.get_linestyle() == "-"]
    assert [8.0, 12.0] in bars
    assert [-5.0, -1.0] in bars


def test_a_bar_without_ends_and_one_that_is_too_long_can_be_drawn() -> None:
    rows = frame()
    rows.loc[4, ["difference_low", "difference_high"]] = math.nan
    rows.loc[3, ["difference_low", "difference_high"]] = [-30.0, 30.0]
    figure = drawn(versus_figure(rows, ("bee", "none"), "bee"))
    assert {line.get_marker() for line in figure.axes[0].get_lines()} >= {"<", ">"}
    assert figure.axes[0].get_xlim()[1] <= 105 + 1e-9  # rounding


def test_families_that_disagree_are_told_apart_from_noise() -> None:
    rows = frame()
    rows.loc[4, "families_agree"] = False
    assert "2 are undecided, 1 of them only because held-out families disagree." in told(rows)[0]
    figure = drawn(versus_figure(rows, ("bee", "none"), "bee"))
    assert "D" in {line.get_marker() for line in figure.axes[0].get_lines()}
    rows.loc[4, "p_adjusted"] = 0.06
    assert "2 are undecided. " in told(rows)[0]


def test_nothing_compared_gives_no_figure() -> None:
    assert pairwise_figure(frame().iloc[:0], "p") is None
    assert versus_figure(frame().iloc[:0], ("ant", "none"), "p") is None
    assert versus_figure(frame(), ("emu", "none"), "p") is None


def test_the_section_says_first_what_is_decided_and_what_it_is_about() -> None:
    sentence, bands, _, arms, _, decided = told(frame())
    assert sentence.startswith(
        "**Who wins where.** Of 6 comparisons (4 arms, 2 bands of records) 3 have a winner, 1 is equivalent within 1 "
        "percentage point, and 2 are undecided. They are about the held-out targets of this split only (3 families, "
    )
    assert "| 300–1,000 | 5 | 2 | 1 | 2 | 4 (4 to above 100) |" in bands
    assert "| ant | 20.0% +2 | 20.0% +1 |" in arms
    assert "| bee | 30.0% −1 | – |" in arms
    row = (
        "| 300–1,000 | ant | bee | 20.0% | 30.0% | −10.00 | −12.00 to −8.00 | 0.03 | 4 | A better | 5 | paired seeds; "
    )
    assert row in decided
    assert "| 0.002 | 4 | equivalent |" in decided
    assert "undecided" not in decided


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"n_splits": 4, "n_families": 5}, "the 4 folds (5 families) are correlated resamples"),
        ({"n_families": 9, "basis": "9 held-out families and seeds"}, "the 9 held-out families are the sample"),
        ({"n_families": 1}, "(one family, too few to speak of others)"),
    ],
)
def test_the_section_says_what_verdicts_cover(changes: dict[str, Any], text: str) -> None:
    assert text in told(frame(**changes))[0]


def test_labels_are_escaped_and_nothing_decided_is_no_table() -> None:
    told_of = told(frame(label_a="a|b*", verdict="undecided"))
    assert len(told_of) == 4
    assert "a\\|b\\*" in told_of[3]

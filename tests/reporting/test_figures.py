from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from frontier.analysis.aggregate import prepare
from frontier.analysis.budgets import by_budget
from frontier.reporting import numbers
from frontier.reporting.charts import style
from frontier.reporting.charts.costs_figure import costs_figure
from frontier.reporting.charts.error_figure import error_figure, spread
from frontier.reporting.charts.frontier_figure import frontier_figure
from frontier.reporting.charts.style import WIDTH_INCHES, label_styles, legend_columns, log_axis, log_ticks
from frontier.reporting.document import Document
from frontier.reporting.facts import problem_facts
from frontier.reporting.prepared import Prepared, figure_stems
from frontier.reporting.quantities import LEAST_ERROR
from frontier.reporting.sections import costs as costs_section
from frontier.reporting.sections import frontiers
from frontier.reporting.write import write_document

MANIFEST = {
    "problems": {"tiny": {"n_records": 9600, "n_targets": 400, "meta": {"heldout_floor": 0.1215}}},
    "splits": {"tiny": {"default": {"n_train": 300}}},
}


def cell(label: str = "gates", active: int | None = 100, error: float = 0.2, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"problem": "tiny", "split": "default", "method": label, "label": label, "refit": "none"}
    row |= {"lam": 0.1, "budget": None, "seed": None, "status": "completed", "certified": None, "timing": "clean"}
    row |= {"n_active": active, "ess": active and 0.5 * active, "heldout_mare": error, "train_mare": error / 2}
    return row | {"fit_seconds": 1.0} | changes


def failure(label: str = "gates", **changes: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("n_active", "ess", "heldout_mare", "train_mare"), None)
    return cell(label, status="timeout", **nothing) | changes


def path_with_zeros() -> list[dict[str, Any]]:
    """A deterministic path of 12 λ, 10 of them at or above λ_max."""
    known = [
        cell("nn_lasso", 150, 0.19, lam=1e-4, certified=False, status="not_converged"),
        cell("nn_lasso", 60, lam=2e-4),
    ]
    return [*known, *(cell("nn_lasso", 0, 1.0, lam=10.0**-k, train_mare=1.0) for k in np.linspace(3, 0, 10))]


def seeded(label: str = "gates") -> list[dict[str, Any]]:
    generator = np.random.default_rng(0)
    points = [(lam, seed) for lam in (1e-3, 1e-2, 1e-1) for seed in range(5)]
    return [
        cell(label, int(10 / lam * generator.uniform(0.8, 1.2)), generator.uniform(0.1, 0.4), lam=lam, seed=seed)
        for lam, seed in points
    ]


def draw(rows: list[dict[str, Any]], kind: str = "heldout_mare", manifest: dict[str, Any] | None = None) -> Figure:
    ready = prepare(pd.DataFrame(rows))
    facts = problem_facts(MANIFEST if manifest is None else manifest, "tiny", "default")
    figure = frontier_figure(ready, kind, label_styles(ready["label"]), "tiny", facts)
    assert figure is not None
    figure.draw_without_rendering()
    return figure


def ticks(figure: Figure, axis: str) -> list[str]:
    return [tick.get_text() for tick in getattr(figure.axes[0], f"get_{axis}ticklabels")()]


def legend_texts(figure: Figure) -> list[str]:
    legend = figure.legends[0]
    return [legend.get_title().get_text(), *(text.get_text() for text in legend.get_texts())]


def mean_markers(figure: Figure, axes: int = 0) -> list[Any]:
    return [line for line in figure.axes[axes].lines if line.get_markersize() == 5.5]


def test_fifty_six_labels_differ_in_colour_or_marker() -> None:
    looks = label_styles(f"label {k}" for k in range(56))
    assert len({(look.colour, look.marker) for look in looks.values()}) == 56


def test_a_label_looks_the_same_in_whatever_order_labels_are_met() -> None:
    assert label_styles(["b", "a", "c", "a"]) == label_styles(["c", "a", "b"])


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (numbers.percent, 0.1234, "12.3%"),
        (numbers.percent, 0.0, "0%"),
        (numbers.percent, float("nan"), "–"),
        (numbers.percent, 12.0, "1,200%"),
        (numbers.percent, -0.523, "−52.3%"),
        (numbers.percent, 3e-12, "3.00e-10%"),
        (numbers.percent_tick, 1e-4, "0.01%"),
        (numbers.percent_tick, 0.3, "30%"),
        (numbers.percent_tick, 10.0, "1,000%"),
        (numbers.percent_tick, 1e4, "10⁶%"),
        (numbers.percent_tick, 2e4, "2·10⁶%"),
        (numbers.count_tick, 20_000.0, "20,000"),
        (numbers.seconds_tick, 2e-5, "20 µs"),
        (numbers.seconds_tick, 0.01, "10 ms"),
        (numbers.seconds_tick, 0.1, "0.1 s"),
        (numbers.count, 12.4, "12.4"),
        (numbers.count, 12345.6, "12,346"),
        (numbers.seconds, 0.01234, "12.3 ms"),
        (numbers.seconds, 1234.5, "1,234 s"),
        (numbers.parameter, 0.1, "0.1"),
        (numbers.parameter, 500.0, "500"),
        (numbers.parameter, 0.0021630001, "0.002163"),
    ],
)
def test_numbers_are_written_for_humans(write: Callable[[float], str], value: float, text: str) -> None:
    assert write(value) == text


def test_a_mean_is_rounded_to_its_standard_error() -> None:
    assert numbers.percent_with_error(0.123456, 0.00213) == "12.35% ± 0.21%"
    assert numbers.percent_with_error(0.123456, float("nan")) == "12.3%"


@pytest.mark.parametrize(
    ("low", "high"), [(0.12, 0.4), (0.13, 0.17), (19.0, 9e3), (1e-6, 1e4), (1.0, 1e12), (7.0, 8.0)]
)
def test_ticks_are_few_and_inside(low: float, high: float) -> None:
    for most in (5, 9):
        found = log_ticks(low, high, most)
        assert 2 <= len(found) <= most
        assert all(low * 0.999 <= t <= high * 1.001 for t in found)
        assert list(found) == sorted(set(found))


def test_a_log_axis_shows_every_value_it_was_given() -> None:
    values = np.array([0.0, 3.0, 80.0, 9000.0])
    axis = log_axis(values, label=str, zeros=3)
    placed = axis.place(values)
    assert (axis.low < placed).all()
    assert (placed < axis.high).all()
    assert axis.edge is not None
    assert placed[0] < axis.edge < placed[1]
    assert axis.tick_labels[0] == "0"


def test_values_below_the_floor_are_drawn_at_the_floor_and_the_tick_says_so() -> None:
    axis = log_axis([1e-9, 0.0, 0.3], label=numbers.percent_tick, least=LEAST_ERROR)
    assert list(axis.place([1e-9, 0.0, 0.3])) == [1e-6, 1e-6, 0.3]
    assert axis.tick_labels[0] == "≤ 0.0001%"
    unclipped = log_axis([0.1, 0.3], label=numbers.percent_tick, least=LEAST_ERROR)
    assert not any("≤" in text for text in unclipped.tick_labels)


def test_an_axis_without_positive_values_still_stands() -> None:
    axis = log_axis([0.0, float("nan")], label=str, zeros=1)
    assert 0 < axis.low < axis.high


def drawn_files(cells: pd.DataFrame, folder: Path, manifest: dict[str, Any] | None = None) -> list[Path]:
    """The figures of costs, and of the section of every problem and split, as SVG."""
    run = Prepared(cells, MANIFEST if manifest is None else manifest)
    written = write_document(
        Document("t", [*costs_section.blocks(run), *frontiers.blocks(run)]), folder, formats=["svg"], tables=[]
    )
    return written[1:]


def test_files_are_named_by_problem_split_and_kind(tmp_path: Path) -> None:
    written = drawn_files(pd.DataFrame(seeded()), tmp_path)
    assert [path.name for path in written] == [f"tiny__{kind}.svg" for kind in ("costs", "heldout", "train")]


def test_stems_name_the_split_are_safe_and_never_collide() -> None:
    assert figure_stems([("cps", "default")]) == {("cps", "default"): "cps"}
    assert figure_stems([("cps", "wages")]) == {("cps", "wages"): "cps__wages"}
    keys = [("../a b", "default"), ("../a/b", "default"), ("A b", "default"), ("..", "default"), ("a", "soi")]
    stems = figure_stems(keys)
    assert len({stem.lower() for stem in stems.values()}) == len(keys)
    assert not any("/" in stem or stem.startswith(".") for stem in stems.values())


def test_svg_bytes_are_the_same_twice_whatever_the_user_has_configured(tmp_path: Path) -> None:
    cells = pd.DataFrame(seeded() + path_with_zeros())
    first = drawn_files(cells, tmp_path / "a")
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 20, "svg.hashsalt": None}):
        second = drawn_files(cells.sample(frac=1, random_state=1), tmp_path / "b")
        assert matplotlib.rcParams["axes.facecolor"] == "red"
    assert len(first) == 3
    for before, after in zip(first, second, strict=True):
        assert before.read_bytes() == after.read_bytes()
        assert b"dc:date" not in before.read_bytes()


def test_no_pyplot_state_is_touched() -> None:
    code = "import sys, frontier.reporting.report; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cells_without_active_records_are_visible_and_counted() -> None:
    figure = draw(path_with_zeros())
    assert ticks(figure, "x")[0] == "0"
    assert "10 λ" in [text.get_text() for text in figure.axes[0].texts]
    low, high = figure.axes[0].get_xlim()
    in_strip = [x for line in mean_markers(figure) for x in line.get_xdata() if low < x < low * (high / low) ** 0.1]
    assert len(in_strip) == 10


def test_labels_stand_side_by_side_in_the_strip() -> None:
    rows = [cell(f"method {k}", 0, 1.0) for k in range(4)]
    positions = [line.get_xdata()[0] for line in mean_markers(draw(rows))]
    assert len(set(positions)) == 4


def test_a_mean_below_one_record_stays_on_the_axis() -> None:
    figure = draw(
        [cell(active=active, error=0.5, seed=seed) for seed, active in enumerate([0, 0, 0, 0, 1])], "train_mare"
    )
    ax = figure.axes[0]
    markers = mean_markers(figure)
    assert markers
    for line in markers:
        assert ax.get_xlim()[0] < line.get_xdata()[0] < ax.get_xlim()[1]
        assert ax.get_ylim()[0] < line.get_ydata()[0] < ax.get_ylim()[1]


def test_what_did_not_converge_or_is_refused_is_hollow_and_the_legend_says_so() -> None:
    rows = [cell("a", status="not_converged"), cell("b", status="optimal", certified=False), cell("c", certified=True)]
    figure = draw(rows)
    hollow = [to_rgba(line.get_markerfacecolor()) == to_rgba("white") for line in mean_markers(figure)]
    assert hollow == [True, True, False]
    assert any(text.startswith("hollow") for text in legend_texts(figure))
    assert not any(text.startswith("hollow") for text in legend_texts(draw([rows[2]])))


def test_one_hollow_seed_makes_its_mean_hollow() -> None:
    figure = draw([cell(seed=0), cell(seed=1, status="not_converged")])
    assert [to_rgba(line.get_markerfacecolor()) for line in mean_markers(figure)] == [to_rgba("white")]


def test_cells_that_cannot_be_drawn_are_counted_with_the_reason() -> None:
    rows = [cell(), failure(lam=1.0), failure("nn_lasso", status="crash"), cell("nn_lasso", heldout_mare=None)]
    note = legend_texts(draw(rows))[0]
    assert note == "Not drawn: 3 of 4 cells. gates: timeout 1; nn_lasso: crash 1, no value 1."


def test_the_heldout_floor_is_a_labelled_line_on_the_heldout_figure_only() -> None:
    heldout, train = draw(seeded()), draw(seeded(), "train_mare")
    assert "held-out floor 12.15%" in legend_texts(heldout)
    assert any(np.all(np.asarray(line.get_ydata()) == 0.1215) for line in heldout.axes[0].lines)
    assert not any("floor" in text for text in legend_texts(train))
    assert not any("floor" in text for text in legend_texts(draw(seeded(), manifest={})))


def test_errors_from_a_billionth_to_a_thousandfold_share_one_log_axis() -> None:
    rows = [cell(active=10**k, train_mare=10.0 ** (5 - 3 * k), lam=10.0**-k) for k in range(1, 5)]
    figure = draw([*rows, cell(active=20_000, train_mare=1e-9, lam=1e-5)], "train_mare")
    ax = figure.axes[0]
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[1] > 100
    assert ticks(figure, "y")[0] == "≤ 0.0001%"
    assert {"1%", "100%"} <= set(ticks(figure, "y"))


def test_a_single_point_is_drawn_without_warnings() -> None:
    assert len(mean_markers(draw([cell(lam=None, seed=None)], manifest={}))) == 1


def test_every_refit_has_its_own_panel_with_shared_scales() -> None:
    rows = [cell(refit=refit, error=error) for refit, error in (("raking", 0.1), ("none", 0.4), ("nnls", 0.2))]
    figure = draw(rows)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["as fitted", "refit nnls", "refit raking"]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1


def test_the_legend_never_covers_data_with_twelve_labels() -> None:
    rows = [row for k in range(12) for row in seeded(f"a method with a long name {k}")]
    figure = draw(rows + [failure(f"label {k}") for k in range(40)])
    legend = figure.legends[0].get_window_extent()
    assert all(legend.y1 < ax.get_tightbbox().y0 + 1 for ax in figure.axes)  # a pixel for rounding
    assert legend.y0 >= -1
    assert figure.axes[0].get_window_extent().height > 2.5 * figure.dpi  # the plot is not squeezed


def test_labels_are_shown_as_they_are_written(tmp_path: Path) -> None:
    rows = [cell("_private"), cell("costs $5 or $6_")]
    assert legend_texts(draw(rows))[1:3] == [" _private", "costs $5 or $6_"]
    assert len(drawn_files(pd.DataFrame(rows), tmp_path, {})) == 3


def test_nothing_to_draw_gives_no_figure(tmp_path: Path) -> None:
    no_holdout = [row | {"heldout_mare": None} for row in seeded()]
    written = drawn_files(pd.DataFrame([*no_holdout, failure(problem="dead")]), tmp_path, {})
    assert [path.name for path in written] == ["tiny__costs.svg", "tiny__train.svg"]
    assert "No figure: no cell has anything to draw." in (tmp_path / "report.md").read_text()


def test_no_cells_give_no_figures(tmp_path: Path) -> None:
    assert drawn_files(pd.DataFrame(columns=list(cell())), tmp_path, {}) == []


def costs(rows: list[dict[str, Any]], focus: list[str]) -> Figure | None:
    ready = prepare(pd.DataFrame(rows))
    found = by_budget(ready).assign(whole_file=False)
    return costs_figure(found, label_styles(ready["label"]), focus, "tiny")


def test_seconds_that_may_not_be_compared_are_hollow_and_methods_that_are_not_compared_grey() -> None:
    rows = [cell(seed=s, timing="amortised", fit_seconds=1.0 + s) for s in range(6)]
    figure = costs([*rows, cell("nn_lasso"), cell("omp", timing="unmeasured", fit_seconds=None)], ["gates"])
    assert figure is not None
    assert [ax.get_title(loc="left") for ax in figure.axes] == [
        "training error", "effective sample size", "seconds a fit",
    ]  # fmt: skip
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["gates", "nn_lasso", "omp"]
    marks = {line.get_ydata()[0]: line for line in figure.axes[2].lines}
    assert set(marks) == {0, 1}  # no seconds were measured of the third
    assert [to_rgba(marks[y].get_markerfacecolor()) == to_rgba("white") for y in (0, 1)] == [True, False]
    assert [marks[y].get_color() == style.OTHERS for y in (0, 1)] == [False, True]
    assert "hollow: seconds that may not be compared (amortised)" in legend_texts(figure)


def test_unmeasured_costs_give_no_figure() -> None:
    assert costs([cell(timing="unmeasured", fit_seconds=None, train_mare=None, ess=None)], []) is None


def test_the_figure_of_the_answer_names_what_is_compared_at_its_lines_and_draws_the_rest_grey() -> None:
    rows = [
        cell(name, budget=k, active=k, heldout_capped_mare=error / k, seed=seed)
        for name, error in (("gates", 40.0), ("nn_lasso", 41.0), ("omp", 30.0))
        for k in (100, 1000)
        for seed in range(2)
    ]
    points = by_budget(prepare(pd.DataFrame(rows)))
    looks = label_styles(["gates", "nn_lasso", "omp"])
    figure = error_figure(points, "heldout_capped_mare", looks, ["gates", "nn_lasso"], "tiny", 0.2)
    assert figure is not None
    names = {text.get_text(): text for text in figure.axes[0].texts}
    assert set(names) == {"gates", "nn_lasso", "Initial weights 20.0%"}
    assert names["gates"].get_color() == looks["gates"].colour
    drawn = {line.get_color() for line in figure.axes[0].lines}
    assert {style.OTHERS, looks["gates"].colour} <= drawn
    assert looks["omp"].colour not in drawn
    assert "1 other methods" not in legend_texts(figure)
    assert "1 other method" in legend_texts(figure)
    assert error_figure(points.assign(n_active_mean=0.0), "heldout_capped_mare", looks, [], "tiny") is None


def test_names_beside_a_plot_are_moved_apart_and_keep_their_order() -> None:
    heights, sizes = [0.5, 0.49, 0.98, 1.0, 0.0], [0.1] * 5
    places = spread(heights, sizes)
    ordered = sorted(places)
    assert all(b - a > 0.1 - 1e-12 for a, b in itertools.pairwise(ordered))  # rounding
    assert ordered[0] >= 0.05 - 1e-12
    assert ordered[-1] <= 0.95 + 1e-12
    assert [places.index(place) for place in ordered] == [4, 1, 0, 2, 3]


def test_a_legend_never_runs_off_the_figure() -> None:
    texts = ["Anchored L1", "CVXPY reference", "Hard Concrete L0", "NN-LASSO", "Random subset, reweighted", "one seed"]
    texts += ["mean and range over seeds", "initial weights, all records: 26.7%", "k = rank(A) = 454"]
    for number in range(2, len(texts) + 1):
        columns = legend_columns(texts[:number])
        parts = np.array_split(np.array(texts[:number]), columns)  # as matplotlib deals them out
        width = sum(0.5 + 0.067 * max(map(len, part)) for part in parts)  # inches, as the function estimates them
        assert columns == 1 or width < WIDTH_INCHES


def test_a_registered_method_looks_the_same_in_every_report() -> None:
    small = label_styles(["HC", "mine"], {"HC": "hard_concrete", "mine": "unheard_of"})
    large = label_styles(
        ["A", "B", "Gates", "NN"], {"Gates": "hard_concrete", "NN": "nn_lasso", "A": "omp", "B": "iht"}
    )
    assert small["HC"] == large["Gates"]
    assert len({look.colour for look in large.values()}) == 4


def test_styles_of_methods_are_distinct_and_so_are_labels_of_one_method() -> None:
    assert len({look[:2] for look in style.METHOD_STYLES.values()}) == len(style.METHOD_STYLES)
    labels = {f"variant {i}": "nn_lasso" for i in range(9)} | {f"other {i}": "unheard_of" for i in range(9)}
    looks = label_styles(labels, labels)
    assert list(looks) == sorted(labels)
    assert len({(look.colour, look.marker) for look in looks.values()}) == 18
    shared = [looks[f"variant {i}"] for i in range(3)]
    assert len({look.colour for look in shared}) == 1
    assert len({look.linestyle for look in shared}) == 3


def test_every_registered_method_has_a_style_of_its_own() -> None:
    from frontier.methods.registry import method_names

    assert set(method_names()) <= set(style.METHOD_STYLES)

"""Figures of attainment: what is drawn, that it is the same for the same data, and what is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PatchCollection, PolyCollection
from matplotlib.colors import to_rgb

from frontier.reporting.charts.attainment_figure import attainment_figure, difference_figure
from frontier.reporting.charts.style import label_styles

LABELS = ("Hard Concrete L0", "NN-LASSO", 'Stratified raking (published "SparseCalibrator", with a longer name)')


def surfaces(**changes: Any) -> pd.DataFrame:
    """Two stochastic arms and a deterministic one; the first label also refit."""
    rows = []
    for label in LABELS:
        for refit in ("none", "fitted") if label == LABELS[0] else ("none",):
            runs = 1 if label == "NN-LASSO" else 5
            for level, factor in (("best", 0.8), ("median", 1.0), ("worst", 1.3)):
                if runs > 1 or level == "median":
                    for k, e in ((10.0 * factor, 0.5 * factor), (100.0, 0.2 * factor)):
                        rows.append(("cps", "default", label, refit, runs, level, k, e))
    columns = ["problem", "design", "label", "refit", "n_runs", "level", "n_active", "error"]
    return pd.DataFrame(rows, columns=columns).assign(**changes)


def rectangles() -> pd.DataFrame:
    place = {"problem": "cps", "design": "default", "label_a": LABELS[0], "refit_a": "fitted"}
    place |= {"label_b": LABELS[1], "refit_b": "none", "n_runs_a": 5, "n_runs_b": 1}
    rows = [
        {"k_low": 8.0, "k_high": 10.0, "error_low": 0.4, "error_high": np.inf, "difference": 0.2},
        {"k_low": 100.0, "k_high": np.inf, "error_low": 0.2, "error_high": 0.26, "difference": -0.8},
    ]
    return pd.DataFrame([place | row for row in rows])


def test_there_is_a_panel_per_label_with_a_band_only_where_there_are_several_runs() -> None:
    figure = attainment_figure(surfaces(), label_styles(LABELS), "title")
    assert figure is not None
    bands = {ax.get_title(loc="left"): sum(isinstance(c, PolyCollection) for c in ax.collections) for ax in figure.axes}
    # the first label has two arms of five runs; a band is carried on by a second one
    assert list(bands.values()) == [4, 0, 2]
    assert list(bands)[:2] == ["Hard Concrete L0", "NN-LASSO"]
    assert list(bands)[2].startswith("Stratified raking")
    assert list(bands)[2].count("\n") == 1
    limits = {(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes}
    assert len(limits) == 1


def test_the_median_is_a_step_from_vertex_to_vertex_in_the_colour_of_its_label() -> None:
    styles = label_styles(LABELS)
    figure = attainment_figure(surfaces(), styles, "title")
    assert figure is not None
    coloured = [line for line in figure.axes[1].lines if line.get_color() == styles["NN-LASSO"].colour]
    step = next(line for line in coloured if line.get_drawstyle() == "steps-post")
    assert list(step.get_xdata()) == [10, 100]
    assert list(step.get_ydata()) == [0.5, 0.2]


def test_a_band_is_open_upwards_where_not_every_run_has_a_point() -> None:
    figure = attainment_figure(surfaces(), label_styles(LABELS), "title")
    assert figure is not None
    ax = figure.axes[2]
    band = next(c for c in ax.collections if isinstance(c, PolyCollection)).get_paths()[0].vertices
    left = band[band[:, 0] < 10]  # the best run has a point from 8 on, the worst from 13
    assert left[:, 1].min() == pytest.approx(0.4)
    assert left[:, 1].max() == pytest.approx(ax.get_ylim()[1])


def test_rectangles_are_shaded_by_side_and_size_and_infinite_ends_are_at_the_edge() -> None:
    figure = difference_figure(rectangles(), surfaces(), "title")
    assert figure is not None
    ax = figure.axes[0]
    patches = next(c for c in ax.collections if isinstance(c, PatchCollection))
    first, second = (np.array(colour[:3]) for colour in patches.get_facecolor())
    assert first[2] > first[0]  # blue for the first arm
    assert second[0] > second[2]  # orange for the second
    assert first.mean() > second.mean()  # 20% is lighter than 80%
    corners = [path.vertices for path in patches.get_paths()]
    assert corners[0][:, 1].max() == pytest.approx(ax.get_ylim()[1])
    assert corners[1][:, 0].max() == pytest.approx(ax.get_xlim()[1])
    assert figure.legends[0].get_texts()[0].get_text() == "median run of Hard Concrete L0, refit"
    assert difference_figure(rectangles().iloc[:0], surfaces(), "title") is None
    assert attainment_figure(surfaces().iloc[:0], {}, "title") is None


def test_shades_of_the_two_sides_differ_in_lightness_from_each_other_and_from_white() -> None:
    def lightness(colour: Any) -> float:
        return float(np.dot(to_rgb(colour), [0.299, 0.587, 0.114]))  # ITU-R BT.601 luma

    figure = difference_figure(rectangles(), surfaces(), "title")
    assert figure is not None
    markers = [h.get_color() for h in figure.legends[0].legend_handles if h.get_marker() == "s"]
    assert len(markers) == 8
    for side in (markers[:4], markers[4:]):
        values = [1.0, *map(lightness, side)]
        assert max(np.diff(values)) < -0.04  # each class visibly darker than the one before

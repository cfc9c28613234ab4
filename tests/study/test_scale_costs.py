"""Exponents of cost against size: recovered from known laws, honest about what did not finish."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from frontier.core.errors import InputError
from frontier.study.scale.costs import costs, exponents, grid_law, medians

SCALES = (1, 2, 4, 8)
MANIFEST: dict[str, Any] = {
    "problems": {f"s{s}": {"n_records": 1000 * s, "n_targets": 100 * s, "nnz": 50_000 * s} for s in SCALES}
}


def cell(label: str, scale: int, seconds: float, **changes: Any) -> dict[str, Any]:
    """One row of cells; peak memory is 2e8 bytes and 60 per non-zero."""
    row: dict[str, Any] = {"problem": f"s{scale}", "label": label, "method": label, "refit": "none", "repeat": 0}
    row |= {"status": "completed", "message": "", "timing": "clean", "fit_seconds": seconds, "cpu_seconds": 2 * seconds}
    row |= {"peak_memory_bytes": 200_000_000 + 60 * 50_000 * scale, "n_iter": 10, "n_active": 5.0}
    return row | {"relative_gap": np.nan} | changes


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return medians(costs(pd.DataFrame(rows), MANIFEST))


def test_a_power_law_is_recovered_with_no_error_and_memory_as_a_line() -> None:
    fits = exponents(table([cell("a", s, 3.0 * s**1.5) for s in SCALES])).set_index("cost")
    for size in ("n_records", "n_targets", "nnz"):
        assert fits.loc["seconds", size] == pytest.approx(1.5, abs=1e-12)  # rounding of logarithms
        assert fits.loc["seconds", f"{size}_se"] == pytest.approx(0, abs=1e-7)  # the root of rounding
    assert fits.loc["peak_bytes", "fixed"] == pytest.approx(2e8, rel=1e-9)  # rounding
    assert fits.loc["peak_bytes", "per_nonzero"] == pytest.approx(60, rel=1e-9)
    assert 0 < float(fits["nnz"]["peak_bytes"]) < 0.5  # type: ignore[arg-type]


def test_the_standard_error_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    one = table([cell("a", s, 1.0 * s) for s in SCALES])
    many = pd.concat([one.assign(label=str(i)) for i in range(200)])
    many["seconds"] *= np.exp(0.1 * rng.normal(size=len(many)))
    fits = exponents(many)
    fits = fits[fits["cost"] == "seconds"]
    # the 97.5% point of t with two degrees of freedom
    missed = np.count_nonzero(abs(fits["nnz"] - 1.0) > 4.303 * fits["nnz_se"])
    assert 2 <= missed <= 20  # 10 expected of 200; three standard deviations are 9


def test_repeats_of_a_size_are_one_point_their_median() -> None:
    rows = [cell("a", s, seconds * s, repeat=r) for s in SCALES for r, seconds in enumerate((1.0, 2.0, 30.0))]
    sizes = table(rows)
    assert sizes["seconds"].tolist() == [2, 4, 8, 16]
    assert sizes["seconds_least"].tolist() == [1, 2, 4, 8]
    assert sizes["seconds_most"].tolist() == [30, 60, 120, 240]
    assert exponents(sizes)["sizes"].tolist() == [4, 4, 4]


def test_what_did_not_finish_is_kept_but_is_in_no_exponent() -> None:
    rows = [cell("a", s, 1.0 * s) for s in SCALES]
    late = {"status": "timeout", "timing": "unmeasured", "peak_memory_bytes": 0, "n_active": None}
    rows[3] = cell("a", 8, np.nan, message="took longer", **late)
    rows += [cell("b", s, 1.0 * s, status="not_converged" if s == 8 else "optimal") for s in SCALES]
    sizes = table(rows)
    assert sizes.set_index(["label", "problem"])["finished"].to_dict()["a", "s8"] is False
    assert sizes["peak_bytes"].isna().sum() == 1
    fits = exponents(sizes)
    assert set(fits["sizes"]) == {3}
    np.testing.assert_allclose(fits.loc[fits["cost"] == "seconds", "nnz"], 1.0, rtol=1e-12)  # rounding
    assert exponents(table(rows[:2])).empty


def test_processor_time_below_a_tick_of_the_clock_is_not_measured_and_in_no_exponent() -> None:
    rows = [cell("a", s, 1.0 * s, **({"cpu_seconds": 0.0} if s == 1 else {})) for s in SCALES]
    fits = exponents(table(rows)).set_index("cost")
    assert fits["sizes"].to_dict() == {"seconds": 4, "cpu_seconds": 3, "peak_bytes": 4}
    np.testing.assert_allclose(fits["nnz"][["seconds", "cpu_seconds"]], 1.0, rtol=1e-12)  # rounding
    rows += [cell("a × 5", s, 0.1 * s, method="a", timing="amortised") for s in SCALES for _ in range(5)]
    rows += [cell("a × 9", s, 0.1 * s, method="a", timing="amortised") for s in SCALES for _ in range(9)]
    assert grid_law(table([row | {"cpu_seconds": 0.0} if row["problem"] == "s1" else row for row in rows]))[
        "points"
    ].tolist() == [6]


def test_the_cells_of_a_label_add_up_and_timings_beside_other_work_are_refused() -> None:
    rows = [cell("a", 1, 0.5, timing="amortised", seed=seed) for seed in range(4)]
    row = costs(pd.DataFrame(rows), MANIFEST).iloc[0]
    assert (row["n_cells"], row["seconds"], row["cpu_seconds"]) == (4, 2.0, 4.0)
    with pytest.raises(InputError, match="timings that must not be compared; expected clean or amortised, got conten"):
        costs(pd.DataFrame([cell("a", 1, 1.0, timing="contended")]), MANIFEST)
    with pytest.raises(InputError, match="problem 'elsewhere', method 'a': not in the manifest"):
        costs(pd.DataFrame([cell("a", 1, 1.0, problem="elsewhere")]), MANIFEST)


def test_the_law_of_the_grid_is_linear_in_both_where_cost_is() -> None:
    rows = [
        cell(f"a {k}", s, 0.01 * s, method="a", timing="amortised", seed=seed)
        for k in (5, 20)
        for s in SCALES
        for seed in range(k)
    ]
    rows += [cell("a", s, 0.5 * s) for s in SCALES]  # single cells cost more each: not part of the law
    [law] = grid_law(table(rows)).to_dict("records")
    for name in ("nnz", "cells", "product"):
        assert law[name] == pytest.approx(1.0, abs=1e-12)  # rounding of logarithms
    assert law["points"] == 8
    assert grid_law(table([cell("a", s, 1.0) for s in SCALES])).empty

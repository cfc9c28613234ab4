"""How cost grows with size: what every method took on problems of one shape and many sizes, and the exponents.

A power law `y = c x^e` is a line in logarithms, `log y = log c + e log x`, fitted by ordinary least squares over sizes;
its standard error is that of the slope, from the residuals, so it says how far the points are from a power law. Repeats
of a size are one point, their median: they are no further sizes. Memory is also fitted as `y = f + b x` (fixed part and
bytes per non-zero), since an interpreter alone has a hundred million bytes. Records, targets and non-zeros that grow
together cannot be told apart: then the exponents are equal, and one of them is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import linregress

from frontier.core.errors import InputError
from frontier.core.status import ENDED_WELL
from frontier.solvers.dual.newton import DENSE_LIMIT
from frontier.solvers.sampling.leverage import EXACT_ROWS

SIZES = ("n_records", "n_targets", "nnz")
COSTS = ("seconds", "cpu_seconds", "peak_bytes")
LEAST_SIZES = 3  # a slope with a standard error needs three
REGIMES = {"anchored_l1": DENSE_LIMIT, "leverage_sample": EXACT_ROWS}  # methods that solve otherwise with more targets
LEAST_CHANGE = 0.1  # of a logarithm: a size that varies by less than a tenth gives no exponent
KEYS = ["label", "method", "problem"]
READ = ("fit_seconds", "cpu_seconds", "peak_memory_bytes", "n_iter", "n_active", "relative_gap")
SHARES = ("fit_seconds", "cpu_seconds")  # of a batch: every cell carries an equal one, and they add up


def costs(cells: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """One row per label, problem and repeat: sizes, number of cells, seconds, CPU seconds, peak bytes, status, gap.

    Costs are those of all cells of the label together, NaN where a cell has none; `finished` says whether every cell
    ended well, so that its cost is what the work costs. Raises `InputError` for timings taken beside other batches and
    for a problem that the manifest does not know.
    """
    rows = []
    cells = cells[cells["refit"] == "none"]
    cells = cells.assign(**{name: cells[name].astype("Float64").to_numpy(np.float64, na_value=np.nan) for name in READ})
    for key, part in cells.groupby([*KEYS, "repeat"], sort=False):
        label, method, problem, repeat = key
        facts = (manifest.get("problems") or {}).get(problem)
        place = f"problem '{problem}', method '{label}'"
        if facts is None:
            raise InputError(place, "not in the manifest", cure="run the experiment again")
        kinds = ", ".join(sorted(set(part["timing"]) - {"clean", "amortised", "unmeasured"}))
        if kinds:
            raise InputError(
                place, "timings that must not be compared", expected="clean or amortised", got=kinds, cure="--jobs 1"
            )
        seconds, cpu = (float(part[name].sum(skipna=False)) for name in SHARES)
        peak = float(part["peak_memory_bytes"].max())
        cpu, peak = (cost if cost > 0 else np.nan for cost in (cpu, peak))  # shorter than the clock ticks; not measured
        statuses = ", ".join(sorted(set(part["status"])))
        rows.append(
            {"label": label, "method": method, "problem": problem, "repeat": repeat}
            | {"built_by": str(facts.get("name") or problem)}
            | {name: int(facts[name]) for name in SIZES}
            | {"n_cells": len(part), "n_iter": part["n_iter"].max(), "seconds": seconds}
            | {"cpu_seconds": cpu, "peak_bytes": peak, "status": statuses}
            | {"finished": bool(part["status"].isin(ENDED_WELL).all()) and not np.isnan(seconds)}
            | {"n_active": float(part["n_active"].median()), "relative_gap": float(part["relative_gap"].max())}
            | {"message": next((m for m in part["message"] if isinstance(m, str) and m), "")}
        )
    return pd.DataFrame(rows)


def medians(table: pd.DataFrame) -> pd.DataFrame:
    """`costs` with the repeats of a size made one row: median, least and largest of every cost, smallest size first."""
    rows = []
    for _, part in table.groupby(KEYS, sort=False):
        row = part.iloc[0].to_dict() | {"repeats": len(part), "status": ", ".join(dict.fromkeys(part["status"]))}
        row |= {"relative_gap": part["relative_gap"].max(), "finished": bool(part["finished"].all())}
        for name in COSTS:
            # a repeat without a time leaves the size without one
            row |= {name: part[name].median(skipna=False)}
            row |= {f"{name}_least": part[name].min(skipna=False), f"{name}_most": part[name].max(skipna=False)}
        rows.append(row)
    found = pd.DataFrame(rows).drop(columns="repeat")
    return found.sort_values("nnz", kind="stable").reset_index(drop=True)


def exponents(sizes: pd.DataFrame) -> pd.DataFrame:
    """One row per label and cost of `medians`: the exponent in each size with its standard error, and the line in nnz.

    Labels with fewer than three finished sizes have none; sizes that did not finish are left out, and a size that does
    not vary has no exponent (NaN). `fixed` and `per_nonzero` with `per_nonzero_se` are the line.
    """
    rows = []
    for (label, cost), part in ((k, p) for c in COSTS for k, p in _finished(_by_regime(sizes), c)):
        row: dict[str, Any] = {"label": label, "cost": cost, "sizes": len(part)}
        for name in SIZES:
            row |= {name: np.nan, f"{name}_se": np.nan}
            if part[name].nunique() >= LEAST_SIZES:
                fit = linregress(np.log(part[name].astype(float)), np.log(part[cost]))
                row |= {name: float(fit.slope), f"{name}_se": float(fit.stderr)}
        line = linregress(part["nnz"].astype(float), part[cost])
        row |= {"fixed": float(line.intercept), "per_nonzero": float(line.slope)}
        rows.append(row | {"per_nonzero_se": float(line.stderr)})
    sized = [column for name in SIZES for column in (name, f"{name}_se")]
    return pd.DataFrame(rows, columns=["label", "cost", "sizes", *sized, "fixed", "per_nonzero", "per_nonzero_se"])


def _by_regime(sizes: pd.DataFrame) -> pd.DataFrame:
    """Beside every label whose method solves otherwise beyond some number of targets, its sizes up to there and above.

    A single exponent over both would describe neither.
    """
    parts = [sizes]
    for method, limit in REGIMES.items():
        some = sizes[sizes["method"] == method]
        below, above = some[some["n_targets"] <= limit], some[some["n_targets"] > limit]
        if len(below) and len(above):
            parts += [below.assign(label=[f"{label}, to {limit:,} targets" for label in below["label"]])]
            parts += [above.assign(label=[f"{label}, above {limit:,}" for label in above["label"]])]
    return pd.concat(parts)


def grid_law(sizes: pd.DataFrame, least_cells: int = 2) -> pd.DataFrame:
    """One row per method: `log CPU seconds = c + e log nnz + g log cells` over its labels with `least_cells` or more.

    e, g with standard errors, and `product`, the exponent of nnz × cells together: 1 is a cost linear in both. Methods
    with too few points, or whose labels do not vary both, are left out.
    """
    rows = []
    known = sizes[(sizes["n_cells"] >= least_cells) & sizes["finished"] & sizes["cpu_seconds"].notna()]
    for method, part in known.groupby("method", sort=True):
        if min(part["nnz"].nunique(), part["n_cells"].nunique()) < 2 or len(part) <= LEAST_SIZES:
            continue
        y, entries, cells = (np.log(part[name].to_numpy(np.float64)) for name in ("cpu_seconds", "nnz", "n_cells"))
        (_, e, g), (_, e_se, g_se) = _least_squares(np.column_stack([np.ones_like(y), entries, cells]), y)
        both = linregress(entries + cells, y)
        rows.append(
            {"method": method, "points": len(part), "nnz": e, "nnz_se": e_se, "cells": g, "cells_se": g_se}
            | {"product": float(both.slope), "product_se": float(both.stderr)}
        )
    return pd.DataFrame(rows)


def shape_law(sizes: pd.DataFrame) -> pd.DataFrame:
    """One row per label: `log seconds = c + e log n + g log m + h log (nnz/n)` over problems that vary them apart.

    e is that of records with the same number of entries each, g that of targets over which the same non-zeros are
    spread, h that of entries per record; each with its standard error. c is one constant for each problem of the
    registry: their totals are harder or easier to meet. What does not vary has no exponent (NaN).
    """
    rows = []
    for label, part in sizes[sizes["finished"] & sizes["seconds"].notna()].groupby("label", sort=True):
        y, n, m, nnz = (np.log(part[k].to_numpy(np.float64)) for k in ("seconds", "n_records", "n_targets", "nnz"))
        kinds = pd.get_dummies(part["built_by"]).to_numpy(np.float64)
        known = {"records": n, "targets": m, "entries": nnz - n}
        varied = {k: x for k, x in known.items() if np.ptp(x - kinds @ _means(kinds, x)) > LEAST_CHANGE}
        design = np.column_stack([*varied.values(), kinds])
        if len(part) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
            continue
        found, errors = _least_squares(design, y)
        row: dict[str, Any] = {"label": label, "points": len(part), "parameters": design.shape[1]}
        row |= {k: np.nan for name in known for k in (name, f"{name}_se")}
        for name, value, error in zip(varied, found, errors, strict=False):
            row |= {name: value, f"{name}_se": error}
        rows.append(row)
    return pd.DataFrame(rows)


def _means(kinds: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of x in each kind, whose members are the ones of a column."""
    return np.asarray(kinds.T @ x / kinds.sum(axis=0))


def _finished(sizes: pd.DataFrame, cost: str) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Labels with enough sizes at which the cost is known."""
    known = sizes[sizes[cost].notna() & sizes["finished"]]
    parts = [((str(label), cost), part) for label, part in known.groupby("label", sort=False)]
    return [(key, part) for key, part in parts if part["nnz"].nunique() >= LEAST_SIZES]


def _least_squares(
    design: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients of `y ≈ design @ c` and their standard errors."""
    coefficients = np.asarray(np.linalg.lstsq(design, y)[0], dtype=np.float64)
    residual = y - design @ coefficients
    variance = residual @ residual / (len(y) - design.shape[1])
    errors = np.sqrt(variance * np.diagonal(np.linalg.inv(design.T @ design)))
    return coefficients, np.asarray(errors, dtype=np.float64)

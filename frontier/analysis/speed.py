"""How many times as long each method takes as a reference: pair by pair over repeats, from clean timings only.

The unit is the whole path: every point of one method on one problem in one repeat. A path is solved in batches that ran
alone, and the shares of a batch (timing `amortised`) add up to the time of its call, so

    seconds(method, r) = Σ fit_seconds over the cells of repeat r
    ratio(method, r) = seconds(method, r)/seconds(reference, r)

Repeats are measured in turn, so a ratio compares neighbours in time; the median of the ratios is the result and their
range its spread. Timings beside other batches are refused. Labels that differ only after ` @ ` are one method: its
settings may differ by problem. A path is *solved* when the harness certifies every point in every repeat: what is fast
without that is no faster. Set-up (import, compilation) is outside `fit_seconds` and is reported apart.

Methods that train for as many epochs as they are told have no certificate and a cost that grows with epochs and cells
alone. With the unit `epoch`, seconds are per epoch of one cell, `Σ fit_seconds / Σ n_iter`, so that a slow peer need
not be run to the end; it has solved a cell when it has run as prescribed.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from frontier.analysis.aggregate import prepare, tally
from frontier.core.errors import InputError, did_you_mean
from frontier.core.status import ENDED_WELL

LEAST_REPEATS = 3  # a median and a spread need three
ALONE = ("clean", "amortised")
SEPARATOR = " @ "
SAME_POINT = 1e-6  # relative; λ in force may differ by the rounding of λ_max in another order of summation

GROUP = ["problem", "split", "method"]
Unit = Literal["path", "epoch"]


def method_of(label: str) -> str:
    """The method that a label stands for: what is before ` @ `."""
    return label.partition(SEPARATOR)[0]


def paths(cells: pd.DataFrame, reference: str, unit: Unit = "path") -> pd.DataFrame:
    """One row per problem, split, method and repeat: seconds of the unit, and the ratio to the reference's.

    `seconds` and `ratio` are NaN where a point has no weights. Raises `InputError` for an unknown reference, fewer than
    three repeats, timings taken beside other work, a path with cells missing, two labels of one method on one problem,
    and, for whole paths, a method whose points are not the reference's.
    """
    ready = prepare(cells)
    ready = ready[ready["refit"] == "none"]
    ready["method"] = [method_of(label) for label in ready["label"]]
    _check(ready, reference)
    rows = [
        {**dict(zip([*GROUP, "repeat"], key, strict=True)), **_path(part, unit)}
        for key, part in ready.groupby([*GROUP, "repeat"], sort=True)
    ]
    table = pd.DataFrame(rows).astype({"repeat": int})
    records = table.to_dict("records")
    base = {(r["problem"], r["split"], r["repeat"]): r for r in records if r["method"] == reference}
    ratios = []
    for row in records:
        place = f"problem '{row['problem']}', repeat {row['repeat']}"
        key = (row["problem"], row["split"], row["repeat"])
        if key not in base:
            raise InputError(place, f"not solved by the reference '{reference}'", cure="run the whole experiment")
        other = base[key]
        if unit == "path" and not _same_points(row["lams"], other["lams"]):
            raise InputError(
                place,
                f"'{row['method']}' did not solve the points of '{reference}'",
                expected=f"{len(other['lams'])} equal λ",
                got=f"{len(row['lams'])} λ",
                cure="give both the same list",
            )
        ratios.append(row["seconds"] / other["seconds"])
    return table.assign(ratio=ratios).drop(columns="lams")


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per problem, split and method of `paths`: medians and ranges over repeats, worst gap, statuses."""
    rows = []
    for key, part in table.groupby(GROUP, sort=True):
        row: dict[str, Any] = dict(zip(GROUP, key, strict=True))
        row |= {"label": part["label"].iloc[0], "points": int(part["points"].iloc[0]), "repeats": len(part)}
        for name in ("seconds", "ratio"):
            values = part[name].to_numpy()
            # one repeat without a time leaves the method without a median: it did not do the work
            row |= {
                f"{name}_median": float(np.median(values)),
                f"{name}_min": values.min(),
                f"{name}_max": values.max(),
            }
        row["relative_gap_worst"] = float(np.fmax.reduce(part["relative_gap_worst"].to_numpy(), initial=np.nan))
        row["solved"] = bool(part["solved"].all())
        row["statuses"] = tally(s for statuses in part["statuses"] for s in statuses)
        row["setup_seconds_max"] = float(np.fmax.reduce(part["setup_seconds"].to_numpy(), initial=np.nan))
        row["timing"] = ", ".join(sorted(set(part["timing"]) - {""}))
        row["message"] = next((message for message in part["message"] if message), "")
        rows.append(row)
    return pd.DataFrame(rows)


def verdicts(results: pd.DataFrame, reference: str) -> list[str]:
    """One sentence per problem and split: the reference against the fastest other method that solved every point."""
    sentences = []
    for key, part in results.groupby(["problem", "split"], sort=True):
        place = str(key[0]) if key[1] == "default" else f"{key[0]}, split {key[1]}"
        ours, others = part[part["method"] == reference].iloc[0], part[part["method"] != reference]
        solved = others[others["solved"] & others["ratio_median"].notna()]
        if not ours["solved"]:
            text = f"{reference} did not solve every point, so no ratio is a result"
        elif others.empty:
            text = f"no other method ran beside {reference}"
        elif solved.empty:
            text = f"no other method solved every point; {reference} did"
        else:
            rival = solved.sort_values("ratio_median").iloc[0]
            spread = f"{times(rival['ratio_min'])} to {times(rival['ratio_max'])} over {rival['repeats']} repeats"
            text = (
                f"{rival['method']}, the fastest other method that solved every point, took "
                f"{times(rival['ratio_median'])} times as long as {reference} ({spread})"
            )
        sentences.append(f"{place}: {text}.")
    return sentences


def times(ratio: float) -> str:
    """A ratio at three significant digits: `0.52`, `12.3`, `1,234`."""
    if np.isnan(ratio):
        return "–"
    return f"{ratio:,.0f}" if ratio >= 100 else f"{float(f'{ratio:.3g}'):g}"


def _path(part: pd.DataFrame, unit: Unit) -> dict[str, Any]:
    """What one repeat of one method took for its whole path, or for an epoch of a cell."""
    whole = bool(part["has_weights"].all())
    share = 1.0 / part["batch_size"]
    done = part["status"].isin(ENDED_WELL) if unit == "epoch" else part["certified"].fillna(value=False)
    units = float(part["n_iter"].sum()) if unit == "epoch" else 1.0
    return {
        "label": part["label"].iloc[0],
        "points": len(part),
        "seconds": float(part["fit_seconds"].sum(skipna=False)) / units if whole else float("nan"),
        "setup_seconds": float((part["setup_seconds"] * share).sum(min_count=1)),
        "relative_gap_worst": float(np.fmax.reduce(part["relative_gap"].to_numpy(), initial=np.nan)),
        "solved": whole and bool(done.all()),
        "statuses": list(part["status"]),
        "message": next((m for m in part.loc[~part["status"].isin(ENDED_WELL), "message"] if m), ""),
        "timing": ", ".join(sorted(set(part.loc[part["has_weights"], "timing"]))),
        "lams": np.sort(part["lam_absolute"].to_numpy()),
    }


def _check(ready: pd.DataFrame, reference: str) -> None:
    methods = set(ready["method"])
    if reference not in methods:
        raise InputError(
            "--reference", f"no method '{reference}' in these results", cure=did_you_mean(reference, methods)
        )
    for key, part in ready.groupby([*GROUP], sort=True):
        place = f"problem '{key[0]}', method '{key[2]}'"
        labels = sorted(part["label"].unique())
        if len(labels) > 1:
            raise InputError(
                place, "two labels of one method", got=" and ".join(labels), cure=f"keep one label before '{SEPARATOR}'"
            )
        repeats = part["repeat"].nunique()
        if repeats < LEAST_REPEATS:
            raise InputError(
                place,
                "too few repeats for a speed report",
                expected=f"at least {LEAST_REPEATS}",
                got=repeats,
                cure="add 'repeats: 3' to the experiment and run it again",
            )
        kinds = sorted(set(part.loc[part["has_weights"], "timing"]) - set(ALONE))
        if kinds:
            raise InputError(
                place,
                "timings that must not be compared",
                expected=" or ".join(ALONE),
                got=", ".join(kinds),
                cure="run with --jobs 1 --fresh; 'timing: clean' in the experiment enforces it",
            )
        for repeat, some in part.groupby("repeat"):
            shares = float((1.0 / some["batch_size"]).sum())
            if abs(shares - round(shares)) > 1e-9:  # sums of a few hundred 1/k are exact to 1e-13
                raise InputError(f"{place}, repeat {repeat:.0f}", "cells of a batch are missing", cure="run it again")


def _same_points(one: np.ndarray[Any, np.dtype[np.float64]], other: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Whether two paths have the same λ in force; a failed point has none, and then only the numbers are compared."""
    if len(one) != len(other):
        return False
    known = ~(np.isnan(one).any() or np.isnan(other).any())
    return not known or bool(np.allclose(one, other, rtol=SAME_POINT, atol=0.0))

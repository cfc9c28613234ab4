"""One row per point of a frontier: cells in, means, ranges and standard errors over seeds out.

Only cells with weights (`optimal`, `completed`, `not_converged`, a `timeout` with a best point) enter a statistic; the
others are counted in `statuses`. A standard error is `sd/√n` over seeds (sd with n − 1): it says how much the seed
matters and nothing about other targets or other samples. Rows do not depend on the order of the cells. Repeats of a
cell are equal but for their timings: the first stands for them here, and `frontier.analysis.speed` compares them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.analysis.groups import Columns, arrays_of, groups_of, known, rows_where
from frontier.core.errors import InputError
from frontier.results.schema import POINT, TIMINGS, has_weights, is_hollow, missed_budget, selected
from frontier.results.supports import OVERLAPS

METRICS = (
    *("n_active", "train_mare", "heldout_mare", "heldout_median_are", "heldout_capped_mare", "ess"),
    *("fit_seconds", "refit_seconds"),
)
STATISTICS = ("mean", "min", "max", "se")
READ = (
    *("has_weights", "hollow", "lam_absolute", "seed", "relative_gap", "n_equicorrelated", "certified", "status"),
    *("timing", *METRICS),
)

_REQUIRED = ("problem", "label", "status")
_DEFAULTS = {"cell": "", "split": "default", "method": "", "refit": "none", "timing": "unmeasured", "message": ""}
_NUMBERS = (
    *("lam", "budget", "seed", "lam_absolute", "relative_gap", "n_equicorrelated", "train_capped_mare"),
    *("repeat", "batch_size", "setup_seconds", "n_iter"),
    *("n_active_1e-9", "n_active_1e-6", "n_active_1e-3"),
    *(name for pair in OVERLAPS.values() for name in pair),
    *METRICS,
)


def prepare(cells: pd.DataFrame) -> pd.DataFrame:
    """A copy of `cells` in canonical order with every column that reporting reads, missing values being NaN or "".

    `n_active` is the size of the selection (`results.schema.selected`), `n_weighted` what has weight. Numbers become
    float64, `certified`, `threshold_matters` and `budget_reached` nullable booleans. A missing `split` reads "default",
    a missing `refit` "none". Raises `InputError` without `problem`, `label` or `status`, and for text where numbers
    belong.
    """
    for name in _REQUIRED:
        if name not in cells.columns:
            raise InputError("cells", f"no column '{name}'", expected=", ".join(_REQUIRED), got=list(cells.columns)[:8])
    missing = cells.isna()
    columns: dict[str, Any] = {name: cells[name].astype(str).to_numpy(dtype=object) for name in _REQUIRED}
    for name, default in _DEFAULTS.items():
        columns[name] = [str(value) for value in _values(cells, missing, name, default)]
    claimed = "claimed_status" if "claimed_status" in cells.columns else "status"
    columns["claimed_status"] = [str(value) for value in _values(cells, missing, claimed, "")]
    columns |= {name: _floats(cells, missing, name) for name in _NUMBERS}
    columns["repeat"] = _floats(cells, missing, "repeat", 0.0)  # results from before there were repeats
    for name in ("certified", "threshold_matters", "budget_reached"):
        values = _values(cells, missing, name, pd.NA)
        columns[name] = pd.array([value if value is pd.NA else bool(value) for value in values], dtype="boolean")
    ready = pd.DataFrame(columns, index=pd.RangeIndex(len(cells)))
    ready = ready.assign(n_weighted=ready["n_active"], n_active=selected(ready))
    ready = ready.assign(has_weights=has_weights(ready), missed=missed_budget(ready), hollow=is_hollow(ready))
    ready["is_refit"] = ready["refit"] != "none"  # as fitted comes first
    order = [*POINT[:4], "is_refit", *POINT[4:], "seed", "repeat", "cell"]
    return ready.sort_values(order, kind="stable").reset_index(drop=True)


def first_repeats(ready: pd.DataFrame) -> pd.DataFrame:
    """Prepared cells without the repeats after the first, which would count as seeds."""
    return ready[ready["repeat"] == 0].reset_index(drop=True)


def _values(cells: pd.DataFrame, missing: pd.DataFrame, name: str, default: Any) -> list[Any]:
    """A column with `default` where a value is missing, or the whole column is."""
    if name not in cells.columns:
        return [default] * len(cells)
    return [default if absent else value for value, absent in zip(cells[name], missing[name], strict=True)]


def _floats(cells: pd.DataFrame, missing: pd.DataFrame, name: str, default: float = np.nan) -> NDArray[np.float64]:
    try:
        return np.asarray(_values(cells, missing, name, default), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"cells.{name}", "not a number", expected="numbers or NA", got=error) from error


def aggregate(ready: pd.DataFrame) -> pd.DataFrame:
    """Prepared cells over seeds: one row per (problem, split, label, method, refit, λ or budget), in this order.

    `n_seeds` counts cells, `n_with_weights` those with weights; `seeded` is False for a method without seeds. Each of
    `METRICS` gives `_mean`, `_min`, `_max` and `_se` (NaN below two seeds). `relative_gap_worst` is the largest,
    and so is `n_equicorrelated_max`.
    `certified` is "all", "any" (some, not all), "none", or NA without a certificate. `n_hollow` counts cells that did
    not converge, missed their budget, or whose certificate refuses. Seconds of unlike timing kinds are never averaged:
    they are those of the first kind present (clean, contended, amortised, cached), and `timing` names it with its share
    when mixed.
    """
    ready = first_repeats(ready)
    rows = [{**key, **_collapse(group)} for key, group in groups_of(ready, POINT, READ)]
    nothing = _collapse({name: arrays_of(ready[name].iloc[:0]) for name in READ})
    table = pd.DataFrame(rows, columns=[*POINT, *nothing])
    table["certified"] = table["certified"].astype("string")
    return table


def _collapse(group: Columns) -> dict[str, Any]:
    """The row of one point, without its keys."""
    good = rows_where(group, group["has_weights"])
    seconds, timing = fit_seconds(good)
    row: dict[str, Any] = {
        "lam_absolute": _common(group["lam_absolute"]),
        "n_seeds": len(group["seed"]),
        "seeded": known(group["seed"]).size > 0,
        "n_with_weights": len(good["seed"]),
        "n_hollow": int(good["hollow"].sum()),
    }
    for metric in METRICS:
        values = seconds if metric == "fit_seconds" else good[metric]
        row |= {f"{metric}_{name}": value for name, value in zip(STATISTICS, _statistics(values), strict=True)}
    row["n_equicorrelated_max"] = float(np.fmax.reduce(good["n_equicorrelated"], initial=np.nan))
    row["relative_gap_worst"] = float(np.fmax.reduce(good["relative_gap"], initial=np.nan))
    confirmed = [value for value in good["certified"] if value is not None]
    row["certified"] = _extent(confirmed) if confirmed else pd.NA
    row["statuses"] = tally(group["status"])
    row["timing"] = timing
    return row


def _statistics(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Mean, minimum, maximum and standard error of the values that are there."""
    values = known(values)
    if not values.size:
        return (float("nan"),) * 4
    finite = bool(np.isfinite(values).all())
    error = float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 and finite else float("nan")
    return float(values.mean()), float(values.min()), float(values.max()), error


def fit_seconds(good: Columns) -> tuple[NDArray[np.float64], str]:
    """Seconds of one kind of timing, and its name: `clean`, or `clean (3 of 5)` when kinds are mixed."""
    present = set(good["timing"])
    kinds = [*(kind for kind in TIMINGS if kind in present), *sorted(present - set(TIMINGS))]
    if not kinds:
        return np.empty(0), ""
    chosen = good["timing"] == kinds[0]
    name = kinds[0] if len(kinds) == 1 else f"{kinds[0]} ({chosen.sum()} of {len(chosen)})"
    return good["fit_seconds"][chosen], name


def _common(values: NDArray[np.float64]) -> float:
    """The value that all share, or their mean."""
    values = known(values)
    if not values.size:
        return float("nan")
    return float(values[0]) if (values == values[0]).all() else float(values.mean())


def _extent(confirmed: Sequence[bool]) -> str:
    if all(confirmed):
        return "all"
    return "any" if any(confirmed) else "none"


def tally(statuses: Iterable[str]) -> str:
    """`optimal`, `completed x5`, or `optimal 3, not_converged 2` with the most frequent first."""
    counts = sorted(Counter(statuses).items(), key=lambda item: (-item[1], str(item[0])))
    if len(counts) == 1:
        name, times = counts[0]
        return str(name) if times == 1 else f"{name} x{times}"
    return ", ".join(f"{name} {times}" for name, times in counts)

"""What a row of the cells table is: the columns that identify it, their types, and what makes a row count as what.

Everything that reads results says it in these words: methods and the sweep make such rows, statistics and reports
read them. What a row is worth, from the weakest to the strongest:

    has_weights      there are weights, whatever they are worth: its metrics may enter a mean
    is_hollow        there are, but what they claim to minimise, or the size asked for, was not reached
    settled          the weights are those that the method claims (`core.status.SETTLED`), as the first
                     repeat of their cell, also without any active record: claims count these
    frontier point   a settled row with an active record: it has a place on a log axis, and a curve may join it

The size of a row is that of its selection (`selected`), also where a refit left some of it next to nothing.
Rows are told apart by `IDENTITY`; `cell` is a name made of it, and `method` follows from the label. Without seed and
repeat an identity is a `POINT` of a figure, and `ARM` is what a figure has a line for. Which statuses ended well is
in `core.status` (`ENDED_WELL`, `SETTLED`, `WITH_WEIGHTS`), what serves a budget in `core.point` (`reached`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.status import SETTLED, WITH_WEIGHTS, Status

if TYPE_CHECKING:  # a process that only solves and scores starts without it, half a second sooner
    import pandas as pd

RESULT_FORMAT = 2  # raised when the meaning or layout of stored results changes; part of every batch key
ERROR_CAP = 1.0  # a target missed by more than 100% counts as missed by 100% in the capped mean

IDENTITY = ("problem", "split", "label", "lam", "budget", "seed", "refit", "repeat")
POINT = ("problem", "split", "label", "method", "refit", "lam", "budget")
ARM = ("label", "refit")
REFITS = ("none", "fitted", "initial")  # whose weights a row has, in the order in which reports show them
FIRST = ("cell", "problem", "split", "method", "label", "lam", "budget", "seed", "refit", "repeat")  # in tables
INTEGERS = (
    *("budget", "seed", "repeat", "n_iter", "n_equicorrelated", "active_rank"),
    *("peak_memory_bytes", "batch_size", "threads", "weights_row"),
)
BOOLEANS = ("budget_reached", "certified", "support_is_unique", "threshold_matters")
TEXTS = (
    *("cell", "problem", "split", "method", "label", "refit", "status", "claimed_status"),
    *("message", "claims", "timing", "code"),
)
TIMINGS = ("clean", "contended", "amortised", "cached", "unmeasured")  # how seconds were taken, the best first


def identity(
    *, problem: str, split: str, method: str, label: str, point: Point | None, refit: str
) -> dict[str, str | int | float | None]:
    """What a metrics row begins with: whose result it is."""
    at = Point() if point is None else point
    return {
        **{"problem": problem, "split": split, "method": method, "label": label},
        **{"lam": at.lam, "budget": at.budget, "seed": at.seed, "refit": refit},
    }


def cells_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Metrics rows as one tidy frame: identity columns first, nullable integers and booleans, missing as NA."""
    import pandas as pd

    names = dict.fromkeys([*FIRST, *(name for row in rows for name in row)] if rows else ())
    return pd.DataFrame({name: pd.array([row.get(name) for row in rows], dtype=_kind(name)) for name in names})


def _kind(column: str) -> Any:  # whose names pandas types one by one
    if column in TEXTS:
        return "string"
    if column in INTEGERS or column.startswith("n_active"):
        return "Int64"
    return "boolean" if column in BOOLEANS else "float64"


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Every row of a table by column, as plain values; missing ones are None."""
    missing: Any = None  # which pandas takes, but its types do not
    columns = [column.to_numpy(dtype=object, na_value=missing) for _, column in table.items()]
    names = [str(name) for name in table.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def require(cells: pd.DataFrame, columns: Sequence[str] = IDENTITY, place: str = "cells") -> None:
    """Raise `InputError`, about `place`, for a table without one of `columns`."""
    for name in columns:
        if name not in cells.columns:
            raise InputError(place, f"no column '{name}'", expected="a cells table", cure="run the experiment again")


def has_weights(cells: pd.DataFrame) -> pd.Series[bool]:
    """Where a row has weights; one that ran out of time may have its best point so far."""
    late = cells["status"] == Status.TIMEOUT
    return (cells["status"].isin(WITH_WEIGHTS) | (late & cells["n_active"].notna())).astype(bool)


def selected(cells: pd.DataFrame) -> pd.Series[Any]:
    """The size of each row: active records, of a refit those of the selection that it was given.

    A refit may leave a record next to nothing; placed by what is left, it would be compared with smaller selections.
    """
    if (cells["refit"] == "none").all():
        return cells["n_active"]
    key = [name for name in IDENTITY if name != "refit" and name in cells.columns]
    fits = cells.loc[cells["refit"] == "none", [*key, "n_active"]].drop_duplicates(key)
    of_fit = cells[key].merge(fits, on=key, how="left")["n_active"].set_axis(cells.index)
    return of_fit.where((cells["refit"] != "none") & of_fit.notna(), cells["n_active"])


def missed_budget(cells: pd.DataFrame) -> pd.Series[bool]:
    """Where a row is of another size than the one asked for."""
    return ~cells["budget_reached"].astype("boolean").fillna(value=True).astype(bool)


def is_hollow(cells: pd.DataFrame) -> pd.Series[bool]:
    """Where a row has weights, but what they claim to minimise, or the size that was asked for, was not reached."""
    refused = ~cells["certified"].astype("boolean").fillna(value=True).astype(bool)
    unfinished = cells["status"].isin((Status.TIMEOUT, Status.NOT_CONVERGED))
    return has_weights(cells) & (refused | missed_budget(cells) | unfinished)


def settled(cells: pd.DataFrame) -> pd.Series[bool]:
    """Where a row's weights are those that its method claims, as the first repeat of its cell."""
    return (cells["status"].isin(SETTLED) & cells["n_active"].notna() & is_first_repeat(cells)).astype(bool)


def is_frontier_point(cells: pd.DataFrame) -> pd.Series[bool]:
    """Where a settled row has an active record."""
    return settled(cells) & (cells["n_active"] > 0).fillna(value=False).astype(bool)


def is_first_repeat(cells: pd.DataFrame) -> pd.Series[bool]:
    """Where a row is no repeat of another one; results from before there were repeats have none."""
    if "repeat" not in cells.columns:
        return cells["status"].isna() | True
    return (cells["repeat"].isna() | (cells["repeat"] == 0)).fillna(value=True).astype(bool)

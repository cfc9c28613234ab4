"""Statistics of records that somebody wants to know the error of: totals, means, ratios, quantiles, shares, by domain.

    count                    Σ w                     total X              Σ w x
    mean X                   Σ w x / Σ w             ratio X / Y          Σ w x / Σ w y
    share C                  of the records in each category of C, Σ w 1_c / Σ w
    median X, quantile X p   the least x that at least a share p of the weight does not exceed

A domain is a category of a column: sums then run over its records. Records without a value of X or Y are left out of
every sum of a statistic, as is usual, and their number is said. X and Y are amounts of the record table, or names of
targets (what each record adds to it); C is a category. Every statistic has a linearised variable z (n), whose total has
the variance of the statistic to first order (Deville 1999): x; (x − R y)/Σ w y of a ratio R; of a quantile
`(1{x ≤ q} − p)/Σ w`, that of the share below it, whose interval is read off at the quantiles (Woodruff 1952).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import CalibrationProblem
from frontier.core.truth import weighted_quantiles
from frontier.problems.records.variables import MISSING, MOST_LABELS

KINDS = ("count", "total", "mean", "ratio", "share", "median", "quantile")
EVERYWHERE = "all"
OVER = " / "

Ranked = tuple[FloatArray, NDArray[np.intp], float]


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """K statistics of n records: their names, and what they are for given weights.

    `rows` (L × n) are sums, of which statistic k is number `top[k]`, divided by number `below[k]` unless that is −1. A
    quantile has an entry in `ranked` instead: its variable in ascending order, the records in that order, and p.
    `without` has the number of records that have no value, of every statistic with such.
    """

    names: tuple[str, ...]
    domains: tuple[str, ...]
    rows: sp.csr_array
    top: NDArray[np.intp]
    below: NDArray[np.intp]
    ranked: dict[int, Ranked] = field(default_factory=dict)
    without: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def of(self, weights: FloatArray) -> FloatArray:
        """The statistics of weights (n), (K,); NaN where a domain has no weight."""
        sums = self.rows @ weights
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(self.below < 0, sums[self.top], sums[self.top] / sums[self.below])
        found = np.where(np.isfinite(found), found, np.nan)
        for k, (_, _, p) in self.ranked.items():
            found[k] = self._quantile(k, weights, p)
        return found

    def linearised(self, weights: FloatArray) -> FloatArray:
        """The linearised variable of every statistic, (K, n); of a quantile, that of the share below it."""
        sums = self.rows @ weights
        z = np.empty((len(self), self.rows.shape[1]))
        with np.errstate(divide="ignore", invalid="ignore"):
            for k, (top, below) in enumerate(zip(self.top, self.below, strict=True)):
                if k in self.ranked:
                    x, order, p = self.ranked[k]
                    z[k] = 0.0
                    z[k, order] = ((x <= self._quantile(k, weights, p)) - p) / sums[below]
                elif below < 0:
                    z[k] = self._row(top)
                else:
                    z[k] = (self._row(top) - sums[top] / sums[below] * self._row(below)) / sums[below]
        return np.where(np.isfinite(z), z, np.nan)

    def interval(self, k: int, weights: FloatArray, error: float, times: float) -> tuple[float, float, float]:
        """Standard error and interval of statistic k, whose linearised variable has this error; `times` wide each way.

        Of a quantile: quantiles at p ± times error, and the error that such an interval would have.
        """
        if k not in self.ranked:
            value = float(self.of(weights)[k])
            return error, value - times * error, value + times * error
        p = self.ranked[k][2]
        low, high = (self._quantile(k, weights, share) for share in (p - times * error, p + times * error))
        return (high - low) / (2 * times), low, high

    def _row(self, number: int) -> FloatArray:
        return np.asarray(self.rows[[number]].toarray()[0])

    def _quantile(self, k: int, weights: FloatArray, p: float) -> float:
        x, order, _ = self.ranked[k]
        used = weights[order] > 0
        if not used.any() or not np.isfinite(p):
            return float("nan")
        return float(weighted_quantiles(x[used], weights[order][used], (min(max(p, 0.0), 1.0),))[0])


def estimates(
    problem: CalibrationProblem, table: pd.DataFrame | None, statistics: Sequence[str], by: Sequence[str] = ()
) -> Estimates:
    """The statistics in words, `mean agi` say, everywhere and in every category of the columns `by`.

    `table` has a row per record, in the problem's order. Raises `InputError` for what is no statistic, and a column
    that is not there, is of the other sort or has no values.
    """
    n = problem.n_records
    table = pd.DataFrame(index=range(n)) if table is None else table
    if len(table) != n:
        raise InputError("records", "not a row per record", expected=f"{n:,} rows", got=f"{len(table):,}")
    if not statistics:
        raise InputError("statistics", "none", expected="some, 'mean agi' say")
    domains = [(EVERYWHERE, np.ones(n)), *(domain for name in by for domain in _domains(table, name))]
    names: list[str] = []
    of: list[str] = []
    rows: list[sp.csr_array] = []
    top: list[int] = []
    below: list[int] = []
    ranked: dict[int, Ranked] = {}
    without: dict[str, int] = {}
    for text in statistics:
        parts = _parts(problem, table, text)
        if parts[0].without:
            without[text] = parts[0].without
        for domain, inside in domains:
            for part in parts:
                top.append(len(rows))
                below.append(-1 if part.over is None else len(rows) + 1)
                rows += [sp.csr_array((inside * one)[None, :]) for one in (part.values, part.over) if one is not None]
                if part.p is not None and part.over is not None:
                    used = np.flatnonzero(inside * part.over)
                    order = used[np.argsort(part.values[used], kind="stable")]
                    ranked[len(names)] = (part.values[order], order, part.p)
                names.append(part.name)
                of.append(domain)
    sums = sp.csr_array(sp.vstack(rows))
    return Estimates(tuple(names), tuple(of), sums, np.array(top), np.array(below), ranked, without)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One statistic of one domain: what is added up (n), over what, of a quantile p, and records without a value."""

    name: str
    values: FloatArray
    over: FloatArray | None = None
    p: float | None = None
    without: int = 0


def _parts(problem: CalibrationProblem, table: pd.DataFrame, text: str) -> list[_Part]:
    """What a statistic in words is made of; several of a share."""
    kind, _, of = " ".join(text.split()).partition(" ")
    place = f"statistic '{text}'"
    if kind not in KINDS or (kind == "count") != (not of):
        cure = did_you_mean(kind, KINDS) if kind not in KINDS else None
        raise InputError(place, "not a statistic", expected="count, or one of a column: mean agi", cure=cure)
    ones = np.ones(problem.n_records)
    if kind == "count":
        return [_Part(text, ones)]
    if kind == "share":
        return [_Part(f"share {name}", mask, ones) for name, mask in _domains(table, of)]
    if kind == "ratio":
        first, over, second = of.partition(OVER)
        if not over:
            raise InputError(place, "not a ratio", expected=f"two columns, ratio X{OVER}Y")
        x, y = (_amount(problem, table, name, place) for name in (first, second))
        known = np.isfinite(x) & np.isfinite(y)
        return [_Part(text, np.where(known, x, 0.0), np.where(known, y, 0.0), without=int((~known).sum()))]
    p = 0.5 if kind == "median" else None
    if kind == "quantile":
        of, _, level = of.rpartition(" ")
        p = _share(level, place)
    values = _amount(problem, table, of, place)
    known = np.isfinite(values)
    among = None if kind == "total" else known.astype(np.float64)
    return [_Part(text, np.where(known, values, 0.0), among, p, int((~known).sum()))]


def _share(text: str, place: str) -> float:
    try:
        p = float(text)
    except ValueError:
        p = float("nan")
    if not 0 < p < 1:
        raise InputError(place, "not a quantile", expected="a column and a share: quantile agi 0.9", got=repr(text))
    return p


def _amount(problem: CalibrationProblem, table: pd.DataFrame, name: str, place: str) -> FloatArray:
    """The numbers of a column (NaN: none), or what each record adds to the target of this name; (n,)."""
    if name not in table.columns:
        if name in problem.target_names:
            return np.asarray(problem.M[[problem.target_names.index(name)]].toarray()[0])
        raise _no_column(table, name, place)
    column = table[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if not pd.api.types.is_numeric_dtype(column):
        raise InputError(place, f"'{name}' is text, not an amount", cure=f"ask for its categories: share {name}")
    values = column.to_numpy(np.float64, na_value=np.nan)
    if not np.isfinite(values).any():
        raise InputError(place, f"'{name}' has no value in {len(values):,} records")
    return np.asarray(values)


def _no_column(table: pd.DataFrame, name: str, place: str) -> InputError:
    known = [*map(str, table.columns)]
    cure = did_you_mean(name, known) if known else "the problem knows no variables of its records: give `records`"
    return InputError(place, f"no column '{name}'", cure=cure)


def _domains(table: pd.DataFrame, name: str) -> list[tuple[str, FloatArray]]:
    """The categories of a column, `column=label`, and which records are in each (n, 0 or 1)."""
    if name not in table.columns:
        raise _no_column(table, name, "by")
    codes, labels = pd.factorize(table[name].astype("object").map(str, na_action="ignore"), sort=True)
    texts = [*map(str, labels), *([MISSING] if (codes < 0).any() else [])]
    if len(texts) > MOST_LABELS:
        cure = "use a column of categories"
        raise InputError("by", f"'{name}' has too many values", expected=f"≤ {MOST_LABELS}", got=len(texts), cure=cure)
    codes = np.where(codes < 0, len(labels), codes)
    return [(f"{name}={text}", np.asarray(codes == i, dtype=np.float64)) for i, text in enumerate(texts)]

"""Replicates of a survey: what another draw of its units might have been, as factors of the initial weights.

An estimate θ has the variance `v = Σ_r c_r (θ_r − θ̄)²`; θ_r is the same estimate made of the initial weights times the
factors of replicate r, by everything that θ was made by. A unit is a cluster of records that was drawn as a whole; n_h
of G units are in stratum h, drawn with replacement or so few of so many that it makes no difference.

    jk1        a group of units left out, the others times R/(R − 1); c = (R − 1)/R. Each unit is a group, or they are
               dealt to R groups at random                                          (Wolter 2007, section 4.2)
    jkn        a unit left out, the others of its stratum times n_h/(n_h − 1); c = (n_h − 1)/n_h      (the same, 4.5)
    brr, fay   2 − k times one of the two units of every stratum, k times the other, by a Hadamard matrix;
               c = 1/(R (1 − k)²), and brr is k = 0               (McCarthy 1969; Dippo, Fay & Morganstein 1984)
    bootstrap  n_h − 1 units drawn with replacement in every stratum, a factor of n_h/(n_h − 1) for each time drawn;
               c = 1/R (Rao, Wu & Yue 1992). A total's variance is right on average; n_h draws would make it too
               small, by (n_h − 1)/n_h
    sdr        units in the order of the file: 1 + (a_{i+1} − a_{i+2})/√8 with rows a of a Hadamard matrix; c = 4/R
               (Fay & Train 1995: of a systematic sample from an ordered list)

Arrays only; the statistics and the fits are the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from frontier.core import random
from frontier.core.arrays import FloatArray, IntArray
from frontier.core.errors import InputError, did_you_mean

Kind = Literal["jk1", "jkn", "brr", "fay", "bootstrap", "sdr"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NUMBER = 200  # of replicates that a bootstrap has, and at most those of jk1, where no number is asked for
SDR_NUMBER = 80  # those of the American Community Survey
FAY = 0.5  # k of Fay's method, where none is given
LARGEST = 20_000  # replicates


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The unit of each record (n, codes in order of first appearance) and the stratum of each unit (G, codes)."""

    of_record: IntArray
    stratum: IntArray
    names: tuple[str, ...] = ("all",)
    word: str = "records"

    @property
    def sizes(self) -> IntArray:
        """Units in each stratum."""
        return np.bincount(self.stratum)

    @property
    def degrees(self) -> int:
        """Degrees of freedom of a variance: units less strata."""
        return len(self.stratum) - len(self.sizes)


def units_of(n: int, groups: ArrayLike | None = None, strata: ArrayLike | None = None) -> Units:
    """The units of n records: those of one group, or each its own; all in one stratum unless `strata` says of which.

    Raises `InputError` for a group in two strata, and for a stratum of a single unit: nothing is to be learnt there.
    """
    of_record = np.arange(n) if groups is None else _codes(groups)[0]
    first = np.unique(of_record, return_index=True)[1]
    if strata is None:
        stratum, names = np.zeros(len(first), dtype=np.intp), np.array(["all"])
    else:
        codes, names = _codes(strata)
        stratum = codes[first]
        if (mixed := stratum[of_record] != codes).any():
            i = int(mixed.argmax())
            got = f"{names[codes[i]]!s} and {names[stratum[of_record[i]]]!s}"
            raise InputError("strata", "a group in two strata", got=got, cure="give groups that are within strata")
    single = np.bincount(stratum) < 2
    if single.any():
        name = str(names[int(single.argmax())])
        cure = "merge it with another"
        raise InputError("strata", "one unit tells nothing of a variance", expected="at least 2", got=name, cure=cure)
    return Units(of_record, stratum, tuple(map(str, names)), "records" if groups is None else "groups")


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Factors of the initial weights, made when they are asked for, and the coefficients c (R) of the variance.

    `degrees` are the degrees of freedom of a variance made with them, `said` what they are in words.
    """

    units: Units
    coefficients: FloatArray
    degrees: int
    said: str
    kind: Kind | Literal["given"]
    table: NDArray[Any]  # of `kind`: what the factors are made from
    fay: float = 0.0

    def __len__(self) -> int:
        return len(self.coefficients)

    def factors(self, r: int) -> FloatArray:
        """How many times as much as at first every record counts in replicate r, (n,)."""
        if self.kind == "given":
            return np.asarray(self.table[:, r], dtype=np.float64)
        return self._of_units(r)[self.units.of_record]

    def _of_units(self, r: int) -> FloatArray:
        stratum, table = self.units.stratum, self.table
        match self.kind:
            case "jk1":
                return np.where(table == r, 0.0, len(self) / (len(self) - 1))
            case "jkn":
                size = self.units.sizes[stratum[r]]
                found = np.where(stratum == stratum[r], size / (size - 1), 1.0)
                found[r] = 0.0
                return found
            case "brr" | "fay":  # the table is the place of each unit in its stratum, +1 or −1
                signs = _hadamard(len(self))[1 + stratum, r] * table
                return np.where(signs > 0, 2 - self.fay, self.fay)
            case "sdr":  # the two rows of each unit
                rows = _hadamard(len(self))[:, r]
                return np.asarray(1 + (rows[table[:, 0]] - rows[table[:, 1]]) / np.sqrt(8))
        return self._drawn(int(table[0]), r)

    def _drawn(self, seed: int, r: int) -> FloatArray:
        """Of the bootstrap: how often every unit is drawn, rescaled."""
        generator = random.generator(seed, random.STREAM_REPLICATE, r)
        stratum, sizes = self.units.stratum, self.units.sizes
        order = np.argsort(stratum, kind="stable")
        begin = np.cumsum(sizes) - sizes
        of_draw = np.repeat(np.arange(len(sizes)), sizes - 1)
        drawn = order[begin[of_draw] + (generator.random(len(of_draw)) * sizes[of_draw]).astype(np.intp)]
        return np.bincount(drawn, minlength=len(stratum)) * (sizes / (sizes - 1))[stratum]

    def variance(self, estimates: FloatArray, around: FloatArray | None = None) -> FloatArray:
        """`Σ c_r (θ_r − θ̄)²` of estimates (R, K), K; θ̄ their mean, or `around` (K).

        A replicate that is NaN is left out, and the others stand for it: their sum is multiplied by R over their
        number. NaN where fewer than two are left.
        """
        known = np.isfinite(estimates)
        count = known.sum(axis=0)
        values = np.where(known, estimates, 0.0)
        centre = values.sum(axis=0) / np.maximum(count, 1) if around is None else around
        squares = np.where(known, (values - centre) ** 2, 0.0)
        found = self.coefficients @ squares * (len(self) / np.maximum(count, 1))
        return np.where(count < 2, np.nan, found)


def make(kind: str, units: Units, *, number: int | None = None, fay: float | None = None, seed: int = 0) -> Replicates:
    """Replicates of one kind.

    number  how many, where the kind leaves a choice: bootstrap (default 200), jk1 (default one for each unit, at most
            200; units are dealt to that many groups), sdr (default at least 80)
    fay     k of Fay's method, 0 < k < 1

    Raises `InputError` for another kind, brr of a stratum that has not two units, and a number that cannot be.
    """
    if kind not in KINDS:
        raise InputError("replicates", f"unknown kind '{kind}'", cure=did_you_mean(kind, KINDS))
    n = len(units.stratum)
    if number is not None and kind in ("jkn", "brr", "fay"):
        raise InputError("number", f"{kind} has no choice of it", cure="drop it, or use the bootstrap")
    if number is not None and not 2 <= number <= LARGEST:
        raise InputError("number", "not a number of replicates", expected=f"2 to {LARGEST:,}", got=number)
    if fay is not None and (kind != "fay" or not 0 < fay < 1):
        expected = "a number between 0 and 1, of kind fay"
        raise InputError("fay", "not Fay's factor", expected=expected, got=f"{fay} of kind {kind}")
    which = "" if len(units.names) == 1 else f" in {len(units.names):,} strata"
    of = f"of {n:,} {units.word}{which}"
    if kind == "bootstrap":
        R = NUMBER if number is None else number
        degrees = min(R - 1, units.degrees)
        return Replicates(units, np.full(R, 1 / R), degrees, f"{R} bootstrap replicates {of}", kind, np.array([seed]))
    if kind == "jk1":
        R = min(n, NUMBER) if number is None else number
        if n < R or len(units.names) > 1:
            cure = "use jkn" if len(units.names) > 1 else "ask for fewer"
            raise InputError("replicates", "jk1 is of one stratum, with a unit or more in each", got=of, cure=cure)
        group = np.arange(n)
        if n > R:
            shuffle = random.generator(seed, random.STREAM_REPLICATE)
            group = shuffle.permutation(n) % R
        said = f"{R} jackknife replicates (JK1) {of}"
        return Replicates(units, np.full(R, (R - 1) / R), R - 1, said, kind, group)
    if kind == "jkn":
        if n > LARGEST:
            cure = "use the bootstrap"
            raise InputError(
                "replicates", "one for each unit", expected=f"at most {LARGEST:,}", got=f"{n:,}", cure=cure
            )
        sizes = units.sizes[units.stratum]
        said = f"{n} jackknife replicates (JKn) {of}"
        return Replicates(units, (sizes - 1) / sizes, units.degrees, said, kind, np.empty(0))
    if kind == "sdr":
        R = _order(SDR_NUMBER if number is None else number)
        said = f"{R} successive-difference replicates {of}"
        return Replicates(units, np.full(R, 4 / R), min(R, n) - 1, said, kind, _pairs(n, R - 1))
    wrong = units.sizes != 2
    if wrong.any():
        h = int(wrong.argmax())
        got = f"{units.sizes[h]} in stratum {units.names[h]!r}"
        cure = "use jkn or the bootstrap"
        raise InputError("replicates", f"{kind} wants two units in every stratum", expected=2, got=got, cure=cure)
    R = _order(len(units.sizes) + 1)
    first = np.zeros(n, dtype=bool)
    first[np.unique(units.stratum, return_index=True)[1]] = True
    k = 0.0 if kind == "brr" else FAY if fay is None else fay
    said = f"{R} balanced half-samples {of}" + (f", Fay's k = {k:g}" if k else "")
    c = np.full(R, 1 / (R * (1 - k) ** 2))
    return Replicates(units, c, len(units.sizes), said, cast(Kind, kind), np.where(first, 1, -1), k)


def given(
    weights: FloatArray,
    w0: FloatArray,
    units: Units,
    *,
    kind: str,
    fay: float | None = None,
    coefficients: ArrayLike | None = None,
) -> Replicates:
    """Replicate weights that came with the file, (n, R), as factors of w0; `kind` gives c, or `coefficients` (R) do.

    Raises `InputError` for a kind without one c for all, and for replicate weights that are not finite and ≥ 0.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or len(weights) != len(w0) or weights.shape[1] < 2:
        expected = f"({len(w0)}, R): a column for each replicate"
        raise InputError("replicate weights", "wrong shape", expected=expected, got=weights.shape)
    bad = ~(np.isfinite(weights) & (weights >= 0)) | ((w0 == 0)[:, None] & (weights > 0))
    if bad.any():
        i, r = map(int, np.argwhere(bad)[0])
        expected = "a finite number ≥ 0, and 0 where w0 is"
        raise InputError(f"replicate weights[{i}, {r}]", "not a weight", expected=expected, got=weights[i, r])
    R = weights.shape[1]
    by_kind = {"bootstrap": 1 / R, "brr": 1 / R, "jk1": (R - 1) / R, "sdr": 4 / R}
    by_kind["fay"] = 1 / (R * (1 - (FAY if fay is None else fay)) ** 2)
    if coefficients is None and kind not in by_kind:
        cure = f"known: {', '.join(by_kind)}; or give coefficients"
        raise InputError("replicates", f"'{kind}' does not say what given replicates count", cure=cure)
    c = np.full(R, by_kind[kind]) if coefficients is None else np.asarray(coefficients, dtype=np.float64)
    if c.shape != (R,) or not (c >= 0).all():
        raise InputError("coefficients", "not one for each replicate", expected=f"{R} numbers ≥ 0", got=c.shape)
    factors = np.divide(weights, w0[:, None], out=np.zeros_like(weights), where=w0[:, None] > 0)
    return Replicates(units, c, R - 1, f"{R} given replicates ({kind})", "given", factors)


def _codes(labels: ArrayLike) -> tuple[IntArray, NDArray[Any]]:
    """Codes of labels in order of first appearance, and the labels."""
    names, first, code = np.unique(np.asarray(labels), return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return place[code], names[order]


def _order(least: int) -> int:
    """The smallest q + 1 ≥ least (and 4) with a prime q = 3 mod 4: Paley's Hadamard matrices have these orders."""
    q = max(least - 1, 3)
    while q % 4 != 3 or any(q % d == 0 for d in range(3, int(q**0.5) + 1, 2)):
        q += 1
    return q + 1


@cache
def _hadamard(order: int) -> NDArray[np.int8]:
    """Paley's Hadamard matrix: entries ±1, orthogonal rows, the first of ones only."""
    q = order - 1
    is_square = np.full(q, -1, dtype=np.int8)
    is_square[np.arange(1, q) ** 2 % q] = 1
    whole = np.ones((order, order), dtype=np.int8)
    whole[1:, 1:] = is_square[(np.arange(q)[None, :] - np.arange(q)[:, None]) % q]
    return whole


def _pairs(n: int, q: int) -> IntArray:
    """The two rows (1 … q) of each of n units: the second is the first of the next, in turns of q units.

    Turn t steps by t modulo q, so that the same two rows come together again only after (q − 1)/2 turns. Units of one
    turn make the sum of squared differences exactly; those of different turns meet in a row at random.
    """
    turn, place = np.divmod(np.arange(n), q)
    step = turn % ((q - 1) // 2) + 1
    first = place * step % q
    return np.column_stack([first, (first + step) % q]) + 1

"""What is known to be true of a population beside its published totals, to judge weights by; no method sees it.

Hidden totals are rows like those of M, with the population's own totals. A distribution is judged by what only all
records together give: quantiles, the Gini coefficient and the poverty rate of an income, everywhere and by place.

For totals `e_k = |(H w)_k − T_k| / max(|T_k|, 1)`:

    truth_mean, truth_median, truth_rmse   of the e_k; `truth_capped` the mean of min(e_k, 1)
    truth_wmape        Σ_k |(H w)_k − T_k| / Σ_k |T_k| over the totals of one unit, averaged over the units
    truth_log_ratio    mean |log((H w)_k / T_k)|, with ratios held within 1/1000 and 1000
    truth_bias         mean signed error, ((H w)_k − T_k)/|T_k| held within ±1000%
    truth_beyond       the share of totals missed by more than 100%
    truth_quantiles    mean error of quantiles (the least income that a share p of the weight does not exceed), relative
                       to the quantile or to the poverty line, whichever is larger: low quantiles may be 0
    truth_gini         mean relative error of the Gini coefficient (of incomes; negative ones count as 0)
    truth_poverty      mean relative error of the share below the poverty line, half the population's median
    truth_distribution the mean of the last three
    reserve_mean, reserve_median   of totals that are looked at in final reports only

Where the totals are the coefficients β of a regression (0: not in it), `b = H w` is judged by these instead:

    truth_recall              the share of the k with β_k ≠ 0 for which b_k ≠ 0
    truth_false_discovery     the share of the k with b_k ≠ 0 for which β_k = 0; 0 where all b_k = 0
    truth_coefficient_error   ‖b − β‖, in units of the coefficients
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray

if TYPE_CHECKING:
    import scipy.sparse as sp

LARGEST_RATIO = 1000.0
LARGEST_BIAS = 10.0
SCALE_FLOOR = 1.0
LEAST_RATE = 1e-3  # a Gini coefficient or poverty rate below it is judged by its absolute error
PROBABILITIES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)  # of quantiles everywhere
BY_PLACE = (0.1, 0.25, 0.5, 0.75, 0.9)  # of those by place
HEADLINE = ("truth_mean", "truth_median", "truth_capped", "truth_wmape", "truth_log_ratio", "truth_rmse")
COLUMNS = (
    *("truth_mean", "truth_median", "truth_capped", "truth_wmape", "truth_log_ratio", "truth_rmse", "truth_bias"),
    *("truth_beyond", "truth_quantiles", "truth_gini", "truth_poverty", "truth_distribution"),
    *("reserve_mean", "reserve_median"),
    *("truth_recall", "truth_false_discovery", "truth_coefficient_error"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """An income (n) and the place (n, codes from 0) of every record, in a population of `places` places.

    Records whose income is NaN have none that is known, and no part in anything here.

    `quantiles`, `gini`, `poverty` hold the population's values: everywhere first, then place by place. `line` is the
    poverty line, half the population's median.
    """

    income: FloatArray
    place: NDArray[np.intp]
    quantiles: FloatArray
    gini: FloatArray
    poverty: FloatArray
    line: float

    @classmethod
    def of(cls, income: FloatArray, place: NDArray[np.intp], weights: FloatArray) -> Distribution:
        """The distribution of a whole population with its weights."""
        known = ~np.isnan(income)
        [median] = weighted_quantiles(*_sorted(income[known], weights[known]), (0.5,))
        line = 0.5 * float(median)
        quantiles, gini, poverty = _functionals(income, place, weights, int(place.max()) + 1, line)
        return cls(income, place, quantiles, gini, poverty, line)

    def of_records(self, records: NDArray[np.intp]) -> Distribution:
        """The same truth for some of the records."""
        return Distribution(
            self.income[records], self.place[records], self.quantiles, self.gini, self.poverty, self.line
        )

    def errors(self, weights: FloatArray) -> dict[str, float]:
        """Mean relative errors of what `weights` (n) give; a place without weight counts as missed by 100%."""
        found = _functionals(self.income, self.place, weights, len(self.gini) - 1, self.line)
        names = ("truth_quantiles", "truth_gini", "truth_poverty")
        errors: dict[str, float] = {}
        for name, values, true in zip(names, found, (self.quantiles, self.gini, self.poverty), strict=True):
            known = np.isfinite(true)
            scale = np.maximum(np.abs(true), self.line) if name == "truth_quantiles" else np.abs(true)
            error = np.abs(values - true)[known] / np.maximum(scale[known], LEAST_RATE)
            errors[name] = float(np.mean(np.where(np.isfinite(error), error, 1.0)))
        return errors | {"truth_distribution": float(np.mean(list(errors.values())))}


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Hidden totals T (K, target units) of a matrix H (K × n), a distribution, and weights that would be right.

    names, units   of each total; totals of one unit may be added up
    reserve        which of them are kept for final reports
    weights        weights (n) that know the design and the response: what sampling alone leaves to be missed
    coefficients   whether the totals are coefficients of a regression
    """

    H: sp.csr_array
    totals: FloatArray
    names: tuple[str, ...]
    units: tuple[str, ...]
    reserve: NDArray[np.bool_]
    distribution: Distribution | None = None
    weights: FloatArray | None = None
    coefficients: bool = False

    @property
    def fingerprint(self) -> str:
        """sha256 of all that metrics can depend on."""
        digest = hashlib.sha256()
        arrays = [self.H.indptr, self.H.indices, self.H.data, self.totals, self.reserve]
        if self.distribution is not None:
            one = self.distribution
            arrays += [one.income, one.place, one.quantiles, one.gini, one.poverty]
        for array in arrays:
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        digest.update("\0".join((*self.names, *self.units)).encode())
        if self.coefficients:
            digest.update(b"coefficients")
        return digest.hexdigest()

    def errors(self, weights: FloatArray) -> dict[str, float | None]:
        """The metrics of `weights` (n), one for each of `COLUMNS`; None where nothing is known to compute it from."""
        found: dict[str, float | None] = dict.fromkeys(COLUMNS)
        estimate = self.H @ weights
        if self.coefficients:
            return found | _selection(estimate, self.totals)
        shown = ~self.reserve
        if shown.any():
            found |= _totals(estimate[shown], self.totals[shown], np.array(self.units)[shown])
        if self.reserve.any():
            error = _relative(estimate[self.reserve], self.totals[self.reserve])
            found |= {"reserve_mean": float(error.mean()), "reserve_median": float(np.median(error))}
        return found | ({} if self.distribution is None else self.distribution.errors(weights))


def hidden_truth(H: sp.csr_array, totals: FloatArray, names: Sequence[str], units: Sequence[str]) -> Truth:
    """Totals alone, none of them in reserve."""
    return Truth(H, totals, tuple(names), tuple(units), np.zeros(len(totals), dtype=bool))


def _selection(estimate: FloatArray, true: FloatArray) -> dict[str, float]:
    chosen, right = estimate != 0, true != 0
    return {
        "truth_recall": float(np.mean(chosen[right])),
        "truth_false_discovery": float(np.mean(~right[chosen])) if chosen.any() else 0.0,
        "truth_coefficient_error": float(np.linalg.norm(estimate - true)),
    }


def _relative(estimate: FloatArray, totals: FloatArray) -> FloatArray:
    return np.abs(estimate - totals) / np.maximum(np.abs(totals), SCALE_FLOOR)


def _totals(estimate: FloatArray, totals: FloatArray, units: NDArray[np.str_]) -> dict[str, float]:
    error = _relative(estimate, totals)
    scale = np.maximum(np.abs(totals), SCALE_FLOOR)
    ratio = np.clip(estimate / np.where(totals == 0, 1.0, totals), 1 / LARGEST_RATIO, LARGEST_RATIO)
    shares = [
        float(np.abs(estimate - totals)[units == unit].sum() / np.abs(totals)[units == unit].sum())
        for unit in dict.fromkeys(units.tolist())
    ]
    return {
        "truth_mean": float(error.mean()),
        "truth_median": float(np.median(error)),
        "truth_capped": float(np.minimum(error, 1.0).mean()),
        "truth_wmape": float(np.mean(shares)),
        "truth_log_ratio": float(np.abs(np.log(ratio[totals != 0])).mean()),
        "truth_rmse": float(np.sqrt(np.mean(error**2))),
        "truth_bias": float(np.clip((estimate - totals) / scale, -LARGEST_BIAS, LARGEST_BIAS).mean()),
        "truth_beyond": float(np.mean(error > 1)),
    }


def _functionals(
    income: FloatArray, place: NDArray[np.intp], weights: FloatArray, places: int, line: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Quantiles, Gini coefficients and poverty rates: everywhere first, then place by place; NaN without weight."""
    used = np.flatnonzero((weights != 0) & ~np.isnan(income))
    order = used[np.lexsort((income[used], place[used]))]
    cuts = np.searchsorted(place[order], np.arange(places + 1))
    parts = [order[start:stop] for start, stop in itertools.pairwise(cuts)]
    everywhere = _sorted(income[used], weights[used])
    ranked = [everywhere, *((income[part], weights[part]) for part in parts)]
    levels = [PROBABILITIES, *([BY_PLACE] * places)]
    quantiles = np.concatenate([weighted_quantiles(*one, p) for one, p in zip(ranked, levels, strict=True)])
    return quantiles, np.array([_gini(*one) for one in ranked]), np.array([_below(*one, line) for one in ranked])


def _sorted(income: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(income, kind="stable")
    return income[order], weights[order]


def weighted_quantiles(income: FloatArray, weights: FloatArray, probabilities: tuple[float, ...]) -> FloatArray:
    """The least of sorted incomes that shares of the weight do not exceed, one for each share; NaN without weights."""
    if not weights.size:
        return np.full(len(probabilities), np.nan)
    shares = np.cumsum(weights) / weights.sum()
    at = np.searchsorted(shares, np.array(probabilities) - 1e-12)  # a share that is reached but for rounding is reached
    return income[np.minimum(at, income.size - 1)]


def _gini(income: FloatArray, weights: FloatArray) -> float:
    """Twice the area between the Lorenz curve and the diagonal, by trapezoids; incomes in ascending order."""
    amount = weights * np.maximum(income, 0.0)
    if not amount.sum() > 0:
        return float("nan")
    lorenz = np.concatenate([[0.0], np.cumsum(amount)]) / amount.sum()
    return float(1.0 - (weights / weights.sum()) @ (lorenz[1:] + lorenz[:-1]))


def _below(income: FloatArray, weights: FloatArray, line: float) -> float:
    return float(weights[income < line].sum() / weights.sum()) if weights.size else float("nan")

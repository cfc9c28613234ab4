"""Whether one method errs less than another: the difference of their mean held-out errors, its interval, a verdict.

`E[s, c]` is an arm's mean error in seed s over the held-out targets of *block* c: one family in one split. With
D = A − B the difference is the mean over splits j of the mean over the targets of j, and over seeds. Below 0: A is
better.

What varies, each a term of SE² with its own degrees of freedom:

* *Targets.* With J ≥ 2 splits these are correlated resamples of one data set, since fitted targets are shared. The
  corrected resampled t test (Nadeau & Bengio 2003) takes `(1/J + n_test/n_train) s²(D_j)` with J − 1
  degrees of freedom; for folds, which it was not derived for, it is the usual approximation (Bouckaert & Frank 2004).
  Folds of unequal size only make such a t test more cautious (Ibragimov & Müller 2010, for levels up to 8%).
  With one split, targets of a family move together and families are the sample: a jackknife over families,
  `(G − 1)/G Σ_g (D_(−g) − D)²`, sizes unequal (Cameron & Miller 2015, CV3), with G − 1. That needs `FEWEST_FAMILIES`;
  three families allow no inference about others, so with fewer the difference is about *these held-out targets* only,
  and this term is absent.
* *Seeds.* `s²(D_s)/K` with K − 1 where seeds are paired, else `s²(A_s)/K_A + s²(B_s)/K_B` (Welch 1947); a
  deterministic arm adds nothing. Seeds are crossed with splits, so s²(D_j) holds what is between seed and split, this
  term what a seed does in all splits. Part is counted twice: too wide rather than too narrow.

Degrees of freedom of the sum: Satterthwaite (1946), at most those of the targets' term where there is one.

*Better* is a two-sided t test, *equivalent* two one-sided ones within ±δ (Schuirmann 1987), each Holm-adjusted over all
comparisons handed in together: with probability 1 − α no winner is false, and so for equivalence. A difference shown to
be both is equivalent: less than δ is not worth a winner.

On a single split with few families a verdict must not rest on how many targets a family happens to have: a winner also
needs the better mean in every held-out family, equivalence a difference within ±δ in each. Two deterministic arms leave
nothing random there: the difference is exact for these targets, and what is called its interval is the range of the
family differences, where every weighting of the families puts it. It has a winner when the range excludes 0 and the
mean difference exceeds δ; with a single family, never.

Not done here: intervals are not adjusted for multiplicity, and nothing is said of other data sets. All of it supposes
that means over targets vary roughly normally. Five seeds cannot show whether they do, and it matters at the levels that
Holm leaves many comparisons: noise as skewed as an exponential makes a test of 5 seeds at 1e-4 err 25 times as often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from frontier.analysis.regression.findings import holm
from frontier.core.problem import FloatArray

ALPHA = 0.05
POWER = 0.8  # of the minimum detectable difference: the convention (Cohen 1988)
FEWEST_FAMILIES = 5
ROUNDING = 1e-12  # errors are of order 1: a smaller standard error is rounding, not randomness

A_BETTER, B_BETTER, EQUIVALENT, UNDECIDED = "A better", "B better", "equivalent", "undecided"


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """What the last axis of errors is: for each block its split and family (integers from 0) and number of targets.

    `test_train_ratio` is n_test/n_train, the mean over splits.
    """

    splits: NDArray[np.int64]
    families: NDArray[np.int64]
    sizes: FloatArray
    test_train_ratio: float

    @property
    def n_splits(self) -> int:
        return len(np.unique(self.splits))

    @property
    def n_families(self) -> int:
        return len(np.unique(self.families))

    def split_means(self, errors: FloatArray) -> FloatArray:
        """Means over the targets of each split: (…, blocks) to (…, splits)."""
        return self._means(errors, self.splits)

    def family_means(self, errors: FloatArray) -> FloatArray:
        """Means over the targets of each family: (…, blocks) to (…, families)."""
        return self._means(errors, self.families)

    def _means(self, errors: FloatArray, of: NDArray[np.int64]) -> FloatArray:
        member = (of == np.unique(of)[:, None]) * self.sizes
        return np.asarray(errors @ (member / member.sum(axis=1, keepdims=True)).T)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """A variance of the difference and its degrees of freedom (NaN: nothing random)."""

    variance: FloatArray
    df: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A against B; arrays of the leading shape, `families` with one more axis for the difference of each family.

    `exact`: nothing is random, `low` and `high` are the range over families and there is no standard error.
    `every_family`: a verdict must hold in every family. `basis` says what the interval covers.
    """

    mean_a: FloatArray
    mean_b: FloatArray
    families: FloatArray
    standard_error: FloatArray
    df: FloatArray
    low: FloatArray
    high: FloatArray
    exact: bool
    every_family: bool
    basis: str

    @property
    def difference(self) -> FloatArray:
        return self.mean_a - self.mean_b

    @property
    def families_agree(self) -> NDArray[np.bool_]:
        """Whether no held-out family contradicts the sign of the difference."""
        return np.asarray((np.sign(self.families) == np.sign(self.difference)[..., None]).all(axis=-1))

    def p_difference(self) -> FloatArray:
        """Two-sided p value of "no difference"; NaN without a standard error."""
        return np.asarray(2 * stats.t.sf(np.abs(self._t(self.difference)), self.df))

    def p_equivalent(self, delta: float) -> FloatArray:
        """p value of "the difference is at least δ, one way or the other"; NaN without a standard error."""
        return np.asarray(stats.t.sf(self._t(delta - np.abs(self.difference)), self.df))

    def detectable(self, level: float) -> FloatArray:
        """The difference that a two-sided test at `level` would find with a probability of `POWER`.

        SE times the noncentrality at which the noncentral t passes the critical value that often.
        """
        critical = stats.t.isf(level / 2, self.df)
        return np.asarray(special.nctdtrinc(self.df, 1 - POWER, critical) * self.standard_error)

    def _t(self, numerator: FloatArray) -> FloatArray:
        numerator = np.where(np.abs(numerator) <= ROUNDING, 0.0, numerator)
        known, sure = self.standard_error > ROUNDING, np.copysign(np.where(numerator == 0, 0.0, np.inf), numerator)
        t = np.where(known, numerator / np.where(known, self.standard_error, 1.0), sure)
        return np.asarray(np.where(np.isnan(self.standard_error), np.nan, t))


def compare(a: FloatArray, b: FloatArray, blocks: Blocks, *, stochastic: tuple[bool, bool], paired: bool) -> Comparison:
    """The difference of two arms from their errors, shapes (…, seeds of A, blocks) and (…, seeds of B, blocks).

    stochastic  whether each arm has seeds at all; a deterministic one has a single row
    paired      row s of A and row s of B are the same seed
    """
    ends = [(blocks.split_means(arm).mean(axis=-2), blocks.family_means(arm).mean(axis=-2)) for arm in (a, b)]
    by_split, by_family = ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]
    by_seed = [blocks.split_means(arm).mean(axis=-1) for arm in (a, b)]
    seeds = _over_seeds(by_seed, stochastic, paired)
    enough = blocks.n_families >= FEWEST_FAMILIES
    resampled = blocks.n_splits > 1 or enough
    terms, words = [], []
    if blocks.n_splits > 1:
        terms.append(over_splits(by_split, blocks.test_train_ratio))
        words.append(f"{blocks.n_splits} splits, corrected for shared targets")
    elif enough:
        terms.append(over_families(by_family, _family_sizes(blocks)))
        words.append(f"{blocks.n_families} held-out families")
    if seeds is not None:
        terms.append(seeds)
        words.append("paired seeds" if paired and all(stochastic) else "seeds")
    exact = not terms and not any(stochastic)
    total = _sum(terms, most_df=terms[0].df if resampled else None) if terms else _unknown(by_split[..., 0])
    mean_a, mean_b = (np.asarray(end[0].mean(axis=-1)) for end in ends)
    difference, se = mean_a - mean_b, np.asarray(np.sqrt(total.variance))
    half = stats.t.isf(ALPHA / 2, total.df) * se
    low, high = difference - half, difference + half
    if exact:
        low, high = by_family.min(axis=-1), by_family.max(axis=-1)
        words.append("exact, range over families")
    elif not terms:
        words.append("one seed: no interval")
    basis = " and ".join(words) + ("" if resampled else "; these held-out targets only")
    return Comparison(mean_a, mean_b, by_family, se, total.df, low, high, exact, not resampled, basis)


def over_splits(differences: FloatArray, test_train_ratio: float) -> Spread:
    """Nadeau & Bengio's corrected variance of a mean over splits, (…, J): `(1/J + n_test/n_train) s²`, J − 1."""
    j = differences.shape[-1]
    variance = (1 / j + test_train_ratio) * differences.var(axis=-1, ddof=1)
    return Spread(np.asarray(variance), np.full(differences.shape[:-1], j - 1.0))


def over_families(differences: FloatArray, sizes: FloatArray) -> Spread:
    """Jackknife variance of the mean over targets, leaving out a family at a time, (…, G) and (G,); G − 1."""
    g, share = len(sizes), sizes / sizes.sum()
    mean = differences @ share
    shift = share / (1 - share) * (differences - mean[..., None])  # of the mean when a family is left out
    return Spread(np.asarray((g - 1) / g * (shift**2).sum(axis=-1)), np.full(differences.shape[:-1], g - 1.0))


def over_seeds(values: FloatArray) -> Spread:
    """Variance of a mean over seeds, (…, K): `s²/K`, K − 1."""
    k = values.shape[-1]
    return Spread(np.asarray(values.var(axis=-1, ddof=1) / k), np.full(values.shape[:-1], k - 1.0))


def _over_seeds(values: Sequence[FloatArray], stochastic: tuple[bool, bool], paired: bool) -> Spread | None:
    """The seeds' term of two arms, None where there is no randomness or a single seed cannot show it."""
    if all(stochastic) and paired:
        return over_seeds(values[0] - values[1]) if values[0].shape[-1] > 1 else None
    drawn = [arm for arm, has_seeds in zip(values, stochastic, strict=True) if has_seeds]
    if not drawn or any(arm.shape[-1] < 2 for arm in drawn):
        return None
    return _sum([over_seeds(arm) for arm in drawn], most_df=None)


def _sum(terms: Sequence[Spread], *, most_df: FloatArray | None) -> Spread:
    """Independent terms together, with Satterthwaite's degrees of freedom."""
    variance = np.asarray(sum(term.variance for term in terms))
    weight = np.asarray(sum(term.variance**2 / term.df for term in terms))
    fewest = np.min([term.df for term in terms], axis=0)
    df = np.where(weight > 0, variance**2 / np.where(weight > 0, weight, 1.0), fewest)
    return Spread(variance, df if most_df is None else np.minimum(df, most_df))


def _unknown(like: FloatArray) -> Spread:
    return Spread(np.full(like.shape, math.nan), np.full(like.shape, math.nan))


def _family_sizes(blocks: Blocks) -> FloatArray:
    return np.array([blocks.sizes[blocks.families == g].sum() for g in np.unique(blocks.families)])


def adjusted(p_values: FloatArray) -> FloatArray:
    """Holm-adjusted p values of a family of tests, (m,); NaN is no test."""
    found = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values)
    found[known] = holm(p_values[known].tolist())
    return found


def next_level(p_adjusted: FloatArray) -> float:
    """The level that the next hypothesis has to meet after Holm's rejections: α/(m − rejected)."""
    m, rejected = int((~np.isnan(p_adjusted)).sum()), int((p_adjusted <= ALPHA).sum())
    return ALPHA / max(m - rejected, 1)


def decide(comparison: Comparison, delta: float, p_adjusted: ArrayLike, p_equivalent: ArrayLike) -> NDArray[np.str_]:
    """The verdicts, shape of the comparison, from its adjusted p values (which count for nothing where it is exact)."""
    size, farthest = np.abs(comparison.difference), np.abs(comparison.families).max(axis=-1)
    if comparison.exact:
        equivalent, ahead = np.full(size.shape, True), (size > delta) & (comparison.families.shape[-1] > 1)
    else:
        equivalent, ahead = np.asarray(p_equivalent) <= ALPHA, np.asarray(p_adjusted) <= ALPHA
    if comparison.every_family:
        equivalent, ahead = equivalent & (farthest <= delta), ahead & comparison.families_agree
    a_ahead = comparison.difference < 0
    return np.select([equivalent, ahead & a_ahead, ahead], [EQUIVALENT, A_BETTER, B_BETTER], UNDECIDED)

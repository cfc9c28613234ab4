"""Whether one method errs less than another: the difference of their mean held-out errors, its interval, a verdict.

`E[s, c]` is an arm's mean error in seed s over the held-out targets of *block* c: one family in one split. With
D = A − B the difference is the mean over splits j of the mean over the targets of j, and over seeds. Below 0: A is
better.

What varies, each a term of SE² with its own degrees of freedom:

* *Targets.* Over J folds, each holding out its own families: `(1/J + n_test/n_train) s²(D_j)`, J − 1. The second term
  is Nadeau & Bengio's (2003) for overlapping training sets; they derived it for random resamples, and no unbiased
  estimate exists for folds (Bengio & Grandvalet 2004), nor does such an interval speak of one particular fit (Bates,
  Hastie & Tibshirani 2023). What it covers here was simulated (`tests/analysis/test_error_rates.py`): 95 to 99% where
  families differ in how well either method predicts them, 70 to 90% where all folds share one cause instead. Without
  it the same are 94 and 55 to 80%. Fewer than `LEAST_FOLDS` folds are described and judge nothing.
  With one split, targets of a family move together and families are the sample: a jackknife over families,
  `(G − 1)/G Σ_g (D_(−g) − D)²`, sizes unequal (Cameron & Miller 2015, CV3), with G − 1. That needs `FEWEST_FAMILIES`;
  with fewer the difference is about *these held-out targets* only, and this term is absent.
* *Seeds.* `s²(A_s)/K_A + s²(B_s)/K_B` (Welch 1947), or `s²(D_s)/K` with K − 1 where both arms draw from the same
  streams (a fit and its refit); seeds of two methods are not related, and pairing them would only cost degrees of
  freedom. A deterministic arm adds nothing. Seeds are crossed with splits, so s²(D_j) holds what is between seed and
  split, this term what a seed does in all splits. Part is counted twice: too wide rather than too narrow.

Degrees of freedom of the sum: Satterthwaite (1946), at most those of the targets' term where there is one.

A winner needs a two-sided t test, Holm-adjusted over the comparisons that were declared: with probability 1 − α no
winner is false. *Level* means within ±δ: beside every difference stands the smallest margin for which two one-sided
tests (Schuirmann 1987) at α over their number would show equivalence; level is where that is at most δ. Where families
contradict each other beyond their seeds (Bonferroni over families and comparisons) and there is no winner, the verdict
is *depends on family*; on a few families nothing but that can contradict a winner. A comparison that no difference in
the range of the error could have decided is *out of reach*: it says nothing and counts as nothing.

Not done here: intervals are not adjusted for multiplicity, and nothing is said of other samples of records. All of it
supposes that means over targets vary roughly normally.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from frontier.analysis.regression.findings import holm
from frontier.core.arrays import FloatArray
from frontier.core.student import t_above, t_quantile

ALPHA = 0.05
POWER = 0.8  # of the minimum detectable difference: the convention (Cohen 1988)
FEWEST_FAMILIES = 5
LEAST_FOLDS = 5  # three or four leave two or three degrees of freedom: a t test that finds nothing or is luck
ROUNDING = 1e-12  # errors are of order 1: a smaller standard error is rounding, not randomness

A_BETTER, B_BETTER, LEVEL, DEPENDS = "A better", "B better", "level", "depends on family"
UNDECIDED, OUT_OF_REACH, NOT_JUDGED = "undecided", "out of reach", "too few folds"


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
    """A against B; arrays of the leading shape, those of families with one more axis.

    families    the difference of each family; `seeds` its spread over seeds (variance 0 where nothing is random)
    n_splits, resampled   how many splits there are; whether targets are a sample, so that a verdict is about others too
    basis       what the interval covers
    """

    mean_a: FloatArray
    mean_b: FloatArray
    families: FloatArray
    seeds: Spread
    standard_error: FloatArray
    df: FloatArray
    n_splits: int
    resampled: bool
    basis: str

    @property
    def difference(self) -> FloatArray:
        return self.mean_a - self.mean_b

    @property
    def interval(self) -> tuple[FloatArray, FloatArray]:
        """The 95% interval of the difference, by itself; NaN where nothing is random."""
        half = -t_quantile(ALPHA / 2, self.df) * self.standard_error
        return self.difference - half, self.difference + half

    def p_difference(self) -> FloatArray:
        """Two-sided p value of "no difference"; NaN without a standard error."""
        return np.asarray(2 * t_above(np.abs(_t(self.difference, self.standard_error)), self.df))

    def detectable(self, level: float) -> FloatArray:
        """The difference that a two-sided test at `level` would find with a probability of `POWER`.

        SE times the noncentrality at which the noncentral t passes the critical value that often.
        """
        critical = -t_quantile(level / 2, self.df)
        return np.asarray(special.nctdtrinc(self.df, 1 - POWER, critical) * self.standard_error)

    def margin(self, level: float) -> FloatArray:
        """The smallest δ at which two one-sided tests at `level` show a difference within ±δ: |D| + t SE."""
        return np.asarray(np.abs(self.difference) - t_quantile(level, self.df) * self.standard_error)

    def family_signs(self, level: float, delta: float) -> NDArray[np.int64]:
        """−1 where A errs less in a family beyond its seeds (two-sided at `level`), 1 where B does, else 0.

        Where nothing is random a difference beyond δ is one.
        """
        se = np.sqrt(self.seeds.variance)
        p = 2 * t_above(np.abs(_t(self.families, se)), self.seeds.df)
        sure = np.where(np.isnan(self.seeds.df), np.abs(self.families) > delta, p <= level)
        return np.where(sure, np.sign(self.families), 0).astype(np.int64)


def _t(numerator: FloatArray, standard_error: FloatArray) -> FloatArray:
    numerator = np.where(np.abs(numerator) <= ROUNDING, 0.0, numerator)
    known, sure = standard_error > ROUNDING, np.copysign(np.where(numerator == 0, 0.0, np.inf), numerator)
    t = np.where(known, numerator / np.where(known, standard_error, 1.0), sure)
    return np.asarray(np.where(np.isnan(standard_error), np.nan, t))


def compare(a: FloatArray, b: FloatArray, blocks: Blocks, *, stochastic: tuple[bool, bool], paired: bool) -> Comparison:
    """The difference of two arms from their errors, shapes (…, seeds of A, blocks) and (…, seeds of B, blocks).

    stochastic  whether each arm has seeds at all; a deterministic one has a single row
    paired      row s of A and row s of B were drawn from the same streams
    """
    ends = [(blocks.split_means(arm).mean(axis=-2), blocks.family_means(arm).mean(axis=-2)) for arm in (a, b)]
    by_split, by_family = ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]
    seeds = _over_seeds([blocks.split_means(arm).mean(axis=-1) for arm in (a, b)], stochastic, paired)
    in_family = _over_seeds([np.moveaxis(blocks.family_means(arm), -2, -1) for arm in (a, b)], stochastic, paired)
    enough = blocks.n_families >= FEWEST_FAMILIES
    resampled = blocks.n_splits > 1 or enough
    terms, words = [], []
    if blocks.n_splits > 1:
        terms.append(over_splits(by_split, blocks.test_train_ratio))
        words.append(f"{blocks.n_splits} folds, corrected for shared targets")
    elif enough:
        terms.append(over_families(by_family, _family_sizes(blocks)))
        words.append(f"{blocks.n_families} held-out families")
    if seeds is not None:
        terms.append(seeds)
        words.append("paired seeds" if paired and all(stochastic) else "seeds")
    total = _sum(terms, most_df=terms[0].df if resampled else None) if terms else _unknown(by_split[..., 0])
    if not terms:
        words.append("one seed: no interval" if any(stochastic) else "nothing random: exact")
    return Comparison(
        mean_a=np.asarray(ends[0][0].mean(axis=-1)),
        mean_b=np.asarray(ends[1][0].mean(axis=-1)),
        families=by_family,
        seeds=_none(by_family, unknown=any(stochastic)) if in_family is None else in_family,
        standard_error=np.asarray(np.sqrt(total.variance)),
        df=total.df,
        n_splits=blocks.n_splits,
        resampled=resampled,
        basis=" and ".join(words) + ("" if resampled else "; these held-out targets only"),
    )


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


def _none(like: FloatArray, *, unknown: bool) -> Spread:
    """No spread: nothing is random, or (`unknown`) a single seed cannot show it, so that no sign is sure."""
    return Spread(np.full(like.shape, math.nan if unknown else 0.0), np.full(like.shape, 1.0 if unknown else math.nan))


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


def judge(found: Sequence[Comparison], delta: float) -> list[str]:
    """The verdicts of single comparisons (no leading shape) that were declared together, by the rules above."""
    p = adjusted(np.array([float(c.p_difference()) for c in found]))
    level = next_level(p)
    return [_verdict(c, adjusted_p, level, len(found), delta) for c, adjusted_p in zip(found, p.tolist(), strict=True)]


def _verdict(c: Comparison, p: float, level: float, declared: int, delta: float) -> str:
    if 1 < c.n_splits < LEAST_FOLDS:
        return NOT_JUDGED
    signs = c.family_signs(ALPHA / (declared * len(c.families)), delta)
    mixed = bool((signs < 0).any() and (signs > 0).any())
    ahead = A_BETTER if float(c.difference) < 0 else B_BETTER
    contrary = bool((signs == -np.sign(float(c.difference))).any())
    if np.isnan(c.standard_error):  # nothing random: a fact about these targets; a single family is no rule
        exact = bool(np.isnan(c.seeds.df).all())
        if not exact:
            return UNDECIDED
        if mixed:
            return DEPENDS
        if (np.abs(c.families) <= delta).all():
            return LEVEL
        agree = len(signs) > 1 and abs(float(c.difference)) > delta and not contrary and (signs != 0).all()
        return ahead if agree else UNDECIDED
    if float(c.margin(ALPHA / declared)) <= delta:
        return LEVEL
    if p <= ALPHA and (c.resampled or not contrary):
        return ahead
    if mixed or (p <= ALPHA and contrary):
        return DEPENDS
    return OUT_OF_REACH if float(c.detectable(level)) > 1 else UNDECIDED

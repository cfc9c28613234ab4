"""What a claim under test is: its authors' words, a decision rule, and a function from results to a verdict.

A claim is tested in one or more *settings* (a problem, a metric, an arm, a reading of its words), each with a verdict
of its own, and the verdict on the claim follows from those (`combine`):

    all settings hold → holds; some hold, others do not → holds only if (and which); none holds and some fail → fails;
    else undecided

A verdict is never written down: a judge computes it from the frames that it is given, by the rule that the claim
states, and the page prints the rule beside it. Intervals are 95% over seeds; they say nothing about other targets or
files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from frontier.results.schema import settled

FloatArray = NDArray[np.float64]
Word = Literal["holds", "fails", "holds only if", "undecided", "not evaluated"]
HOLDS: Word = "holds"
FAILS: Word = "fails"
ONLY_IF: Word = "holds only if"
UNDECIDED: Word = "undecided"
NOT_EVALUATED: Word = "not evaluated"

LEVEL = 0.95
LEAST_RESAMPLED = 5
REPLICATES = 2_000


@dataclass(frozen=True, slots=True)
class Results:
    """One experiment's results: its cells, its targets (empty where they were not kept) and its manifest."""

    cells: pd.DataFrame
    targets: pd.DataFrame = field(default_factory=pd.DataFrame)
    manifest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word, the condition under which it holds, the reason in a sentence or two, more of it, and the numbers.

    `evidence` has one row per setting with its own `verdict`; `points` are the numbers behind a figure, if there is
    one.
    """

    word: Word
    reason: str
    _: KW_ONLY
    condition: str = ""
    detail: str = ""
    evidence: pd.DataFrame = field(default_factory=pd.DataFrame)
    points: pd.DataFrame = field(default_factory=pd.DataFrame)


Judge = Callable[[Mapping[str, Results]], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A published claim and how it is judged.

    words       the claim, as near to its authors' words as they are known
    source      where it stands
    rule        the decision rule in words: what makes a setting hold or fail
    needs       experiments whose results the judge reads, by name
    judge       results by experiment → verdict
    not_tested  what a reader must not take the verdict for
    """

    id: str
    words: str
    source: str
    rule: str
    needs: tuple[str, ...]
    judge: Judge
    not_tested: tuple[str, ...]
    needs_targets: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with its verdict."""

    claim: Claim
    verdict: Verdict


def evaluate(claims: Sequence[Claim], results: Mapping[str, Results]) -> list[Judged]:
    """Every claim with its verdict; one whose results are missing is `not evaluated` and says what to run."""
    return [Judged(claim, _verdict(claim, results)) for claim in claims]


def _verdict(claim: Claim, results: Mapping[str, Results]) -> Verdict:
    missing = [
        name
        for name in claim.needs
        if name not in results or results[name].cells.empty or (claim.needs_targets and results[name].targets.empty)
    ]
    if missing:
        return Verdict(
            NOT_EVALUATED, "run " + "; ".join(f"python -m frontier.run experiments/{m}.yaml" for m in missing)
        )
    verdict = claim.judge({name: results[name] for name in claim.needs})
    if verdict.evidence.empty:
        return Verdict(
            NOT_EVALUATED, f"the results of {', '.join(claim.needs)} have no cells for it: run them again with --fresh"
        )
    return verdict


def combine(words: Sequence[str]) -> Word:
    """The verdict on a claim from those of its settings."""
    if not words:
        return UNDECIDED
    if all(word == HOLDS for word in words):
        return HOLDS
    if HOLDS in words:
        return ONLY_IF
    return FAILS if FAILS in words else UNDECIDED


def decide(low: float, high: float, *, above: float = 0.0) -> Word:
    """Whether a quantity is above a bound: holds if its whole interval is, fails if all of it is at or below."""
    if low > above:
        return HOLDS
    return FAILS if high <= above else UNDECIDED


def usable(cells: pd.DataFrame) -> pd.DataFrame:
    """The settled cells: the weights are those that their method claims, the first repeat of each."""
    return cells[settled(cells)]


def floats(values: pd.Series[Any]) -> FloatArray:
    """A column as float64, missing values being NaN."""
    return np.asarray(values.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))


def mean_interval(values: FloatArray, level: float = LEVEL) -> tuple[float, float, float]:
    """Mean and its t interval over seeds; no width for values that do not vary, NaN limits for a single one."""
    mean = float(values.mean())
    if values.size < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.5 + level / 2, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))
    return mean, mean - half, mean + half


def single_draw(cells: pd.DataFrame) -> bool:
    """Whether the cells of a point are one draw of a stochastic method: nothing is known of its variance."""
    return len(cells) == 1 and bool(cells["seed"].notna().any())


def difference_interval(
    one: FloatArray, other: FloatArray, level: float = LEVEL, *, lonely: bool = False
) -> tuple[float, float, float]:
    """Mean difference of independent samples and its Welch interval; a deterministic side (one value) has no variance.

    With a single value on both sides the limits are the difference itself: nothing there is random. `lonely` says that
    a single value is one draw of something random (`single_draw`): then the limits are NaN, and nothing is decided.
    """
    mean = float(one.mean() - other.mean())
    if lonely:
        return mean, float("nan"), float("nan")
    parts = [(float(x.var(ddof=1)) / x.size, x.size - 1) for x in (one, other) if x.size > 1]
    variance = sum(v for v, _ in parts)
    if np.ptp(one) == 0 and np.ptp(other) == 0:
        return mean, mean, mean
    freedom = variance**2 / sum(v**2 / n for v, n in parts)  # Welch-Satterthwaite
    half = float(stats.t.ppf(0.5 + level / 2, freedom) * np.sqrt(variance))
    return mean, mean - half, mean + half


def deviation_interval(values: FloatArray, level: float = LEVEL) -> tuple[float, float, float]:
    """Standard deviation and its BCa bootstrap interval (errors are skewed); no width where nothing varies.

    NaN limits below five values, too few to resample.
    """
    deviation = float(values.std(ddof=1)) if values.size > 1 else float("nan")
    if values.size > 1 and np.ptp(values) == 0:  # equal values have a deviation at rounding level otherwise
        return 0.0, 0.0, 0.0
    if values.size < LEAST_RESAMPLED:
        return deviation, float("nan"), float("nan")
    found = stats.bootstrap(
        (values,),
        lambda sample, axis: sample.std(ddof=1, axis=axis),
        confidence_level=level,
        n_resamples=REPLICATES,
        method="BCa",
        rng=np.random.default_rng(0),  # the page must not change from one reading of the results to the next
    )
    return deviation, float(found.confidence_interval.low), float(found.confidence_interval.high)


def top(frame: pd.DataFrame, column: str) -> dict[Any, Any]:
    """The row with the largest value of a column."""
    return frame.sort_values(column, kind="stable", na_position="first").iloc[-1].to_dict()


def condition(evidence: pd.DataFrame, by: Sequence[str], over: str, most: int = 6) -> str:
    """The settings that hold, told as `what (where, where); what (where)`; at most so many of the former."""
    holding = evidence[evidence["verdict"] == HOLDS]
    told = [
        f"{', '.join(map(str, key))} ({', '.join(dict.fromkeys(map(str, part[over])))})"
        for key, part in holding.groupby(list(by), sort=False)
    ]
    more = [f"and {len(told) - most} more"] if len(told) > most else []
    return "; ".join([*told[:most], *more])


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction in percent, for sentences."""
    return f"{100 * fraction:.{digits}f}%"

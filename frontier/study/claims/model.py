"""What a claim under test is: its authors' words, a decision rule, and a function from results to a verdict.

A claim is tested in one or more *settings* (a problem, a metric, an arm, a reading of its words), each with a verdict
of its own, and the verdict on the claim follows from those (`combine`):

    all settings hold → holds; some hold, others do not → holds only if (and which); none holds and some fail → fails;
    else undecided

A claim that says "always" (`universal`) fails as soon as one setting does.

A verdict is never written down: a judge computes it from the frames that it is given, by the rule that the claim
states, and the page prints the rule beside it. Intervals are 95% over seeds; they say nothing about other targets or
files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from frontier.analysis.intervals import LEVEL
from frontier.core.arrays import FloatArray
from frontier.results.run import Run
from frontier.results.schema import settled

Word = Literal["holds", "fails", "holds only if", "undecided", "not evaluated"]
HOLDS: Word = "holds"
FAILS: Word = "fails"
ONLY_IF: Word = "holds only if"
UNDECIDED: Word = "undecided"
NOT_EVALUATED: Word = "not evaluated"

LEAST_RESAMPLED = 5
REPLICATES = 2_000


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


Judge = Callable[[Mapping[str, Run]], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A published claim and how it is judged.

    words       the claim, as near to its authors' words as they are known
    source      where it stands
    rule        the decision rule in words: what makes a setting hold or fail
    needs       experiments whose results the judge reads, by name
    judge       results by experiment → verdict
    not_tested  what a reader must not take the verdict for
    universal   whether it says that something is so everywhere, so that one setting refutes it
    """

    id: str
    words: str
    source: str
    rule: str
    needs: tuple[str, ...]
    judge: Judge
    not_tested: tuple[str, ...]
    needs_targets: bool = False
    universal: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with its verdict."""

    claim: Claim
    verdict: Verdict


def evaluate(claims: Sequence[Claim], results: Mapping[str, Run]) -> list[Judged]:
    """Every claim with its verdict; one whose results are missing is `not evaluated` and says what to run."""
    return [Judged(claim, _verdict(claim, results)) for claim in claims]


def _verdict(claim: Claim, results: Mapping[str, Run]) -> Verdict:
    missing = [name for name in claim.needs if name not in results or not _has_what_is_read(results[name], claim)]
    if missing:
        commands = "; ".join(f"python -m frontier.run experiments/{name}.yaml" for name in missing)
        return Verdict(NOT_EVALUATED, f"run {commands}")
    verdict = claim.judge({name: results[name] for name in claim.needs})
    if verdict.evidence.empty:
        return Verdict(
            NOT_EVALUATED, f"the results of {', '.join(claim.needs)} have no cells for it: run them again with --fresh"
        )
    return everywhere(verdict) if claim.universal else verdict


def everywhere(verdict: Verdict) -> Verdict:
    """The verdict on a claim that something is so everywhere: where it holds only somewhere, it does not hold."""
    if verdict.word != ONLY_IF:
        return verdict
    word: Word = FAILS if FAILS in set(verdict.evidence["verdict"]) else UNDECIDED
    detail = " ".join(filter(None, (f"It holds for {verdict.condition}.", verdict.detail)))
    return replace(verdict, word=word, condition="", detail=detail)


def _has_what_is_read(run: Run, claim: Claim) -> bool:
    return not run.cells.empty and not (claim.needs_targets and targets_of(run).empty)


def targets_of(run: Run) -> pd.DataFrame:
    """The targets of a run; an empty table where they were not kept."""
    return pd.DataFrame() if run.targets is None else run.targets


def parameters(run: Run, label: str) -> Mapping[str, Any]:
    """The parameters of the method behind a label: what arms are chosen by, never the words of a label."""
    return ((run.manifest.get("methods") or {}).get(label) or {}).get("params") or {}


def labels_of(run: Run, method: str, wanted: Mapping[str, Any]) -> list[str]:
    """The labels of a method whose parameters are those wanted, in order."""
    labels = sorted(map(str, set(run.cells.loc[run.cells["method"] == method, "label"])))
    return [label for label in labels if wanted.items() <= parameters(run, label).items()]


def published(run: Run) -> pd.DataFrame:
    """The cells without Hard Concrete pulled to the initial weights, which nobody published."""
    pulled = [label for label in run.cells["label"].unique() if parameters(run, str(label)).get("lam_l2")]
    return run.cells[~run.cells["label"].isin(pulled)]


def combine(words: Sequence[str]) -> Word:
    """The verdict on a claim from those of its settings."""
    if not words:
        return UNDECIDED
    if all(word == HOLDS for word in words):
        return HOLDS
    if HOLDS in words:
        return ONLY_IF
    return FAILS if FAILS in words else UNDECIDED


def ruled(*, holds: bool, fails: bool) -> Word:
    """The verdict of a setting: of a rule whose intervals leave both open it is undecided."""
    return HOLDS if holds else FAILS if fails else UNDECIDED


def conclude(
    settings: Sequence[Mapping[str, Any]] | pd.DataFrame,
    tell: Callable[[pd.DataFrame], tuple[str, str]],
    *,
    what: str,
    where: str = "{problem}",
    points: Sequence[Mapping[str, Any]] = (),
) -> Verdict:
    """The verdict on a claim from its settings, one row each with a `verdict`; without any there is no evidence.

    `tell` makes the reason and the detail from the evidence; `what` and `where` name a setting in the condition.
    """
    evidence = pd.DataFrame(settings)
    if evidence.empty:
        return Verdict(UNDECIDED, "")
    word = combine(list(evidence["verdict"]))
    reason, detail = tell(evidence)
    only = condition(evidence, what, where) if word == ONLY_IF else ""
    return Verdict(word, reason, condition=only, detail=detail, evidence=evidence, points=pd.DataFrame(points))


def condition(evidence: pd.DataFrame, what: str, where: str, most: int = 6) -> str:
    """The settings that hold, told as `what (where, where); what (where)`; at most so many of the former.

    Both are format strings over the columns: `"{problem} at λ = {lam:g}"`.
    """
    places: dict[str, dict[str, None]] = {}
    for row in evidence[evidence["verdict"] == HOLDS].to_dict("records"):
        names = {str(name): value for name, value in row.items()}
        places.setdefault(what.format_map(names), {})[where.format_map(names)] = None
    told = [f"{name} ({', '.join(found)})" for name, found in places.items()]
    more = [f"and {len(told) - most} more"] if len(told) > most else []
    return "; ".join([*told[:most], *more])


def fits_of(cells: pd.DataFrame, method: str) -> pd.DataFrame:
    """The settled cells of a method, as fitted."""
    return cells[settled(cells) & (cells["method"] == method) & (cells["refit"] == "none")]


def floats(values: pd.Series[Any]) -> FloatArray:
    """A column as float64, missing values being NaN."""
    return np.asarray(values.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))


def corrected_level(comparisons: int) -> float:
    """The level of one of several intervals that are to hold together (Bonferroni)."""
    return 1 - (1 - LEVEL) / comparisons


def single_draw(cells: pd.DataFrame) -> bool:
    """Whether the cells of a point are one draw of a stochastic method: nothing is known of its variance."""
    return len(cells) == 1 and bool(cells["seed"].notna().any())


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

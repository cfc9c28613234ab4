"""Every problem and split by itself: its figures, and a table with a row per point."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from frontier.reporting.charts.frontier_figure import frontier_figure
from frontier.reporting.document import Block, Data, Live, Picture, Reading, Section, Table, Text
from frontier.reporting.facts import ProblemFacts, problem_facts
from frontier.reporting.markdown import escape
from frontier.reporting.numbers import MISSING, count, percent, percent_with_error, point_words, seconds
from frontier.reporting.prepared import Key, Prepared
from frontier.results.arms import arm_name
from frontier.results.designs import has_matched_budgets

PLACE = 40
CAPTIONS = {
    "heldout": ("heldout_mare", "Active records against held-out error"),
    "train": ("train_mare", "Active records against training error"),
}
COLUMNS = (
    *("method", "λ or budget", "seeds", "active records", "training error", "held-out error", "held-out, capped"),
    *("ESS", "worst relative gap", "status", "seconds per cell"),
)
READING = (
    "**Point.** One row, and one large marker, is one λ or budget of one method: the mean over its seeds. Bars run "
    "from the lowest to the highest seed, in both directions.",
    "**Error.** The mean over targets of |estimate − target| / max(|target|, floor). No records at all give 100%, less "
    "where a target is below the floor. *Capped* limits what one target contributes, so that a few cannot decide the "
    "mean.",
    "**Active records.** Records with a non-zero weight (above a threshold relative to the mean weight, where a solver "
    "returns no exact zeros). Points with none stand in the strip left of the axis break, with their number.",
    "**Active ≤ N.** An optimum of this convex problem may use any of N records: the certificate cannot exclude them "
    "from every optimum's support. Where N is much larger than the count, columns tie and the count is the solver's "
    "choice, not λ's.",
    "**Certificate.** For convex methods the harness bounds from the returned weights how far they are from the "
    "optimum, without asking the solver: the relative gap. Methods without such a bound say *no certificate*, and "
    "nobody knows how good they could have been.",
    "**Hollow marker.** The method did not converge, its certificate refuses what it claims, or its budget was not "
    "reached, for at least one seed. Its place is not a property of the method.",
    "**As fitted and refit.** A penalty shrinks the weights of the records it keeps. A refit row has the weights of "
    "the same records fitted again without it.",
    "**Seconds per cell.** (3 of 5) says how many cells are of the kind of timing shown.",
)


def blocks(run: Prepared) -> list[Block]:
    """A section per problem and split; the page has its worst misses, all results and convergence here."""
    alone = [key for key, part in run.parts.items() if part["split"].nunique() == 1]  # others: at equal budgets
    sections: list[Block] = [_section(run, key) for key in alone]
    if run.points.empty:
        sections.append(Text("No cells: nothing was run."))
    sections.append(Data("summary", run.points, words=[summary(run.points, named=True)]))
    return [
        Live("misses", "Worst misses"),
        Live("results", "Results", sections),
        Live("convergence", "Convergence"),
        Reading(READING),
    ]


def _section(run: Prepared, key: Key) -> Section:
    part, title, stem = run.parts[key], run.titles[key], run.stems[key]
    problem, split = key[0], str(part["split"].iloc[0])
    facts = problem_facts(run.manifest, problem, split)
    told: list[Block] = [*_floor(run.manifest, problem), *_rank(facts)]
    if not part["has_weights"].any():
        told.append(Text("No figure: no cell has anything to draw."))
    for kind, (column, caption) in CAPTIONS.items() if not has_matched_budgets(part) else ():  # or at equal budgets
        draw = partial(frontier_figure, part, column, run.styles, title, facts)
        told.append(Picture(f"{stem}__{kind}", caption, draw))
    points = run.points[(run.points["problem"] == problem) & (run.points["split"] == split)]
    return Section(title, [*told, summary(points)])


def _floor(manifest: Mapping[str, Any], problem: str) -> list[Block]:
    """One sentence on the held-out error that even an exact fit has."""
    meta = ((manifest.get("problems") or {}).get(problem) or {}).get("meta") or {}
    floor = meta.get("heldout_floor")
    if floor is None:
        return []
    reason = meta.get("heldout_floor_reason")
    because = f": {escape(reason)}" if reason else ""
    if not float(floor) > 0:
        return [Text(f"An exact fit can have a held-out error of 0{because}.")]
    return [Text(f"**Held-out floor {percent(float(floor), 4)}**, the error that remains after an exact fit{because}.")]


def _rank(facts: ProblemFacts) -> list[Block]:
    """Where an L1 frontier can exist at all, in one sentence."""
    if facts.rank is None:
        return []
    loss = "" if facts.bound_loss is None else f" ({facts.bound_loss:.4g} in squared loss)"
    return [
        Text(
            f"**rank(A) = {facts.rank:,}.** An L1 path can be a frontier only up to {facts.rank:,} records: NN-LASSO "
            f"has a solution that small at every λ, and from there on every budget allows the dense training loss"
            f"{loss}, so that only held-out error and weight concentration tell methods apart."
        )
    ]


def summary(points: pd.DataFrame, *, named: bool = False) -> Table:
    """Rows of `aggregate` in words; with their problem and split when `named`."""
    rows = points.to_dict("records")
    header = [*(("problem", "split") if named else ()), *COLUMNS]
    names = [[str(row["problem"]), str(row["split"])] if named else [] for row in rows]
    first = len(header) - len(COLUMNS) + 2
    lines = [[*name, *_row(row)] for name, row in zip(names, rows, strict=True)]
    return Table(header, lines, numbers=range(first, first + 6))


def _row(row: Mapping[Any, Any]) -> list[str]:
    """One aggregate row in words."""
    active = count(row["n_active_mean"])
    if row["n_active_min"] != row["n_active_max"] and row["n_with_weights"]:
        active += f" ({count(row['n_active_min'])}–{count(row['n_active_max'])})"
    if row["n_equicorrelated_max"] > row["n_active_max"]:
        active += f" ≤ {count(row['n_equicorrelated_max'])}"
    told = row["n_with_weights"], row["n_seeds"]
    seeds = str(told[1]) if told[0] == told[1] else f"{told[0]} of {told[1]}"
    return [
        arm_name(row["label"], row["refit"]),
        point_words(row["lam"], row["budget"], row["lam_absolute"]),
        seeds if row["seeded"] else MISSING,
        active,
        percent(row["train_mare_mean"]),
        percent_with_error(row["heldout_mare_mean"], row["heldout_mare_se"]),
        percent(row["heldout_capped_mare_mean"]),
        count(row["ess_mean"]),
        _gap(row),
        row["statuses"],
        f"{seconds(row['fit_seconds_mean'])} {row['timing']}".strip(),
    ]


def _gap(row: Mapping[Any, Any]) -> str:
    """The worst gap and whether the certificate confirms every seed; without weights there is nothing to certify."""
    if not row["n_with_weights"]:
        return MISSING
    if pd.isna(row["certified"]):
        return "no certificate"
    verdict = {"all": "", "any": "refused for some", "none": "refused"}[row["certified"]]
    gap = row["relative_gap_worst"]
    size = "" if pd.isna(gap) else f"{gap:.1e}" if gap else "0"
    return " ".join(part for part in (size, verdict) if part) or "confirmed"

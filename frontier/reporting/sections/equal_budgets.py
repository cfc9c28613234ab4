"""Equal budgets: what every method makes of so many records, as a figure and a table per problem and design."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from frontier.analysis.budgets import KEYS, arm_rank
from frontier.reporting.charts.budget_figure import budget_figure
from frontier.reporting.document import Block, Data, Picture, Reading, Section, Table, Text
from frontier.reporting.facts import ProblemFacts, problem_facts
from frontier.reporting.numbers import MISSING, count, percent, percent_with_error, point_words, seconds
from frontier.reporting.prepared import Prepared
from frontier.results.arms import arm_words
from frontier.results.designs import has_matched_budgets

PLACE = 10
ERRORS = {
    "train_mare": "training error",
    "heldout_mare": "held-out error",
    "heldout_median_are": "held-out median",
    "heldout_capped_mare": "held-out, capped",
}
READING = (
    "**Equal budgets.** Each block of rows is one budget: what every method makes of that many records. *Records* are "
    "those that got weight; a budget that a method cannot serve within 2% is marked *not reached*, and its row shows "
    "the nearest size. Methods without a budget (λ grids, dense ones) stand below.",
    "**± after an error.** One standard error over seeds and over the splits of the design: SE² = s²(means of the "
    "splits)/S + s²(means of the seeds)/K, a term with a single member left out. A deterministic method on a single "
    "split has none. Folds share fitted targets, so between them it describes the spread and is not unbiased.",
    "**Refit.** The same records, with weights that minimise ½ Σ ω r² + ρ D/N, where D is the Kullback-Leibler "
    "divergence from the weights as fitted (*refit*) or from the initial weights scaled to their total (*refit from "
    "w0*). What a refit changes is the penalty's bias, what it leaves is the selection. Its seconds come on top.",
)


def blocks(run: Prepared) -> list[Block]:
    """A section per problem and design with budgets that methods share."""
    if not has_matched_budgets(run.cells):
        return []
    tables = {key: budget_table(rows) for key, rows in run.budgets.groupby(["problem", "design"], sort=True)}
    shared = [key for key, part in run.parts.items() if has_matched_budgets(part)]
    words = [
        Table(["problem", "design", *table.header], [[*map(str, key), *row] for row in table.rows], range(4, 99))
        for key, table in tables.items()
        if table.rows
    ]
    sections = [_section(run, key, tables[key]) for key in shared]
    return [*sections, Data("budgets", run.budgets, words=words), *([Reading(READING)] if shared else [])]


def _section(run: Prepared, key: tuple[str, str], table: Table) -> Section:
    problem, _ = key
    part = run.parts[key]
    splits = sorted(part["split"].unique())
    facts = [problem_facts(run.manifest, problem, split) for split in splits]
    told: list[Block] = [
        Picture(
            f"{run.stems[key]}__budgets",
            "Records asked for against errors and effective sample size, as fitted and refit",
            partial(budget_figure, part, run.styles, run.titles[key], facts),
        ),
        table,
    ]
    sentences = [shared_sentence(run.manifest, problem, splits), sampling_sentence(facts)]
    said = [Text(sentence) for sentence in sentences if sentence]
    return Section(f"Equal budgets: {run.titles[key]}", [*said, *told])


def budget_table(rows: pd.DataFrame) -> Table:
    """The rows of one problem and design as text, the arms of each quantity side by side."""
    arms = sorted(rows["refit"].unique(), key=arm_rank)
    header = ["budget", "method", "records"]
    for text in (*ERRORS.values(), "ESS"):
        header += [text if arm == "none" else arm_words(arm) for arm in arms]
    header += ["seconds" if arm == "none" else f"{arm_words(arm)}, seconds" for arm in arms]
    lines = []
    for _, group in rows.groupby(list(KEYS[2:5]), dropna=False, sort=False):
        by_arm = {row["refit"]: row for row in group.to_dict("records")}
        lines.append([*_identity(by_arm["none"]), *_numbers(by_arm, arms)])
    return Table(header, lines, numbers=range(2, len(header)))


def shared_sentence(manifest: Mapping[str, Any], problem: str, splits: Sequence[str]) -> str:
    """How much of the held-out targets the fitted ones settle, as far as the manifest knows it; or nothing."""
    known = (manifest.get("splits") or {}).get(problem) or {}
    medians = [facts["median_leakage"] for split in splits if "median_leakage" in (facts := known.get(split) or {})]
    if not medians:
        return ""
    low, high = (f"{100 * value:.0f}%" for value in (min(medians), max(medians)))
    share = low if low == high else f"{low} to {high}"
    return (
        f"The fitted targets settle {share} of the held-out ones (R² of a held-out row of M on the fitted rows, "
        "weighted by w0; the median, by split): near 100% a held-out error would test nothing."
    )


def sampling_sentence(facts: Sequence[ProblemFacts]) -> str:
    """What sampling alone has of a held-out or hidden error, the unit to read it in; or nothing."""
    sides = {
        "held-out totals": [one.sampling_heldout for one in facts if one.sampling_heldout is not None],
        "hidden statistics": [one.sampling_hidden for one in facts if one.sampling_hidden is not None],
    }
    found = [f"{percent(sum(values) / len(values))} of {side}" for side, values in sides.items() if values]
    if not found:
        return ""
    return (
        f"Sampling alone would make the initial weights of the whole file miss {' and '.join(found)} on average, were "
        "they right: one unit of sampling error (its records drawn anew, with replacement). An error of several units "
        "is not chance."
    )


def _identity(row: Mapping[Any, Any]) -> list[str]:
    point = point_words(row["lam"], row["budget"]).removeprefix("budget ")
    records = count(row["n_active_mean"])
    lost, missed = row["n_cells"] - row["n_with_weights"], row["n_missed"]
    notes = []
    if missed:
        notes.append("not reached" if missed == row["n_cells"] else f"not reached in {missed} of {row['n_cells']}")
    if lost:
        notes.append("failed" if lost == row["n_cells"] else f"{lost} of {row['n_cells']} failed")
    return [point, str(row["label"]), records + (f" ({', '.join(notes)})" if notes else "")]


def _numbers(by_arm: Mapping[str, Mapping[Any, Any]], arms: Iterable[str]) -> list[str]:
    """Errors, ESS and seconds of each arm; an arm that lacks some of the fits is not compared with all of them."""
    fits = by_arm["none"]["n_with_weights"]
    by_arm = {arm: row for arm, row in by_arm.items() if arm == "none" or row["n_with_weights"] == fits}
    found = []
    for metric in ERRORS:
        for arm in arms:
            row = by_arm.get(arm)
            found.append(MISSING if row is None else percent_with_error(row[f"{metric}_mean"], row[f"{metric}_se"]))
    found += [count(by_arm[arm]["ess_mean"]) if arm in by_arm else MISSING for arm in arms]
    for arm in arms:
        row = by_arm.get(arm)
        if row is None:
            found.append(MISSING)
        elif arm == "none":
            found.append(f"{seconds(row['fit_seconds_mean'])} {row['timing']}".strip())
        else:
            found.append(seconds(row["refit_seconds_mean"]))
    return found

"""`report.md`: what was run, what came out, what failed, and how far any of it may be believed.

Markdown that a forge renders and that diffs well: sorted rows, one per point, numbers rounded for humans, and nothing
that depends on when or where it was written. Text from data is escaped; the figures are only linked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from frontier.analysis.aggregate import aggregate, first_repeats
from frontier.core.status import ENDED_WELL
from frontier.reporting.budgets import READING as BUDGETS_READING
from frontier.reporting.budgets import budget_table, by_budget, has_matched_budgets, parts_of, shared_sentence
from frontier.reporting.charts.style import series_name
from frontier.reporting.document import Table
from frontier.reporting.extra import Section
from frontier.reporting.facts import ProblemFacts, design_title, figure_title, problem_facts
from frontier.reporting.markdown import bullets, escape, folded_table, table_markdown
from frontier.reporting.numbers import MISSING, count, parameter, percent, percent_with_error, seconds, significant
from frontier.reporting.provenance import provenance_blocks
from frontier.results.schema import POINT

BESIDE = (
    "Beside this file: `index.html`, the same as an interactive page; every figure also as SVG and PDF; every table as "
    "CSV, Markdown and LaTeX."
)
MESSAGE_LENGTH = 300  # a whole traceback would make the table unreadable; the store keeps it

CAPTIONS = {
    "heldout": "Active records against held-out error",
    "train": "Active records against training error",
    "ess": "Active records against effective sample size",
    "seconds": "Fit seconds per cell",
    "budgets": "Records asked for against errors and effective sample size, as fitted and refit",
}

SUMMARY = (
    *("method", "λ or budget", "seeds", "active records", "training error", "held-out error", "held-out, capped"),
    *("ESS", "worst relative gap", "status", "seconds per cell"),
)

GENERIC_LIMITATIONS = (
    "A standard error is over seeds: how much the random start matters; at equal budgets also over the folds of a "
    "rotation. It is not an uncertainty over samples or populations, and a deterministic method on one split has none.",
    "Errors are relative to max(|target|, floor): a target near 0 counts in units of the floor, not in percent of "
    "itself.",
    "Any non-negative weights can be thinned to at most rank(M) records, so at most as many as there are targets, "
    "without changing a single estimate (Carathéodory). At and above that many records the training error says nothing "
    "about a method: read its held-out error and its effective sample size.",
    "Means over seeds are taken over the cells that have weights; cells without are listed under Failures.",
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
    "**Effective sample size (ESS).** Kish's (Σw)²/Σw²: the size of the equally weighted sample that is as precise.",
    "**Certificate.** For convex methods the harness bounds from the returned weights how far they are from the "
    "optimum, without asking the solver: the relative gap. Methods without such a bound say *no certificate*, and "
    "nobody knows how good they could have been.",
    "**Hollow marker.** The method did not converge, its certificate refuses what it claims, or its budget was not "
    "reached, for at least one seed. "
    "Its place is not a property of the method.",
    "**As fitted and refit.** A penalty shrinks the weights of the records it keeps. A refit row has the weights of "
    "the same records fitted again without it.",
    "**Seconds.** *clean*: alone on its threads; *contended*: beside other batches; *amortised*: an equal share of a "
    "batch that was solved at once; *cached*: taken from an earlier run. Only clean times may be compared, and kinds "
    "are never averaged together: (3 of 5) says how many cells are of the kind shown.",
)


def markdown_report(
    ready: pd.DataFrame,
    manifest: Mapping[str, Any],
    figures: Mapping[tuple[str, str], Sequence[Path]],
    *,
    extra: Sequence[Section] = (),
    pictures: Mapping[str, Sequence[Path]] | None = None,
    linked: bool = False,
) -> str:
    """The whole report of prepared cells; `figures` are the files of each (problem, split), linked by name.

    `pictures` are the files of the figures of `extra` by caption; `linked` says that `index.html` stands beside it.
    """
    blocks = [f"# {escape(manifest.get('experiment') or 'Report')}"]
    blocks += [escape(text) for text in re.split(r"\n\s*\n", str(manifest.get("description") or "")) if text.strip()]
    blocks += [BESIDE] if linked else []
    blocks += ["## Provenance", *provenance_blocks(ready, manifest)]
    table = aggregate(ready)
    parts = parts_of(ready)
    blocks += _equal_budgets(parts, manifest, figures)
    for section in extra:
        blocks += [f"## {escape(section.title)}", *section.body]
        for caption in section.figures:
            if files := (pictures or {}).get(caption):
                blocks += _pictures(files, caption)
    for key, part in table.groupby(["problem", "split"], sort=False):
        problem, split = str(key[0]), str(key[1])
        if (problem, split) not in parts:
            continue  # one fold of a rotation, told with the others
        blocks += [f"## {escape(figure_title(manifest, problem, split))}"]
        blocks += _floor(manifest, problem)
        blocks += _rank(problem_facts(manifest, problem, split))
        blocks += _pictures([path for path in figures.get((problem, split), ()) if not _is_of_budgets(path)])
        blocks += [table_markdown(summary_text(part))]
    if table.empty:
        blocks.append("No cells: nothing was run.")
    notes = notes_of(ready, manifest, extra)
    blocks += ["## Failures", *notes["failures"]]
    blocks += ["## Where the count depends on the threshold", *notes["thresholds"]]
    blocks += ["## How to read this", bullets(notes["reading"]), "## Limitations", bullets(notes["limitations"])]
    return "\n\n".join(blocks) + "\n"


def notes_of(ready: pd.DataFrame, manifest: Mapping[str, Any], extra: Sequence[Section] = ()) -> dict[str, list[str]]:
    """What has to be said with prepared cells: lines on how to read them and their limitations, blocks on failures."""
    shared = any(map(has_matched_budgets, parts_of(ready).values()))
    stated = [escape(text) for text in manifest.get("limitations") or ()]
    return {
        "reading": [
            *READING,
            *(BUDGETS_READING if shared else ()),
            *(line for section in extra for line in section.reading),
        ],
        "limitations": [*stated, *GENERIC_LIMITATIONS],
        "failures": _failures(ready),
        "thresholds": _thresholds(first_repeats(ready)),
    }


def _equal_budgets(
    parts: Mapping[tuple[str, str], pd.DataFrame],
    manifest: Mapping[str, Any],
    figures: Mapping[tuple[str, str], Sequence[Path]],
) -> list[str]:
    """For each problem and design with budgets that methods share: its figure and its table."""
    blocks: list[str] = []
    for (problem, design), part in parts.items():
        if not has_matched_budgets(part):
            continue
        splits = sorted(part["split"].unique())
        sentence = shared_sentence(manifest, problem, splits)
        blocks += [f"## Equal budgets: {escape(design_title(manifest, problem, design, splits))}", sentence]
        blocks += _pictures([path for path in figures.get((problem, design), ()) if _is_of_budgets(path)])
        blocks.append(table_markdown(budget_table(by_budget(part))))
    return [block for block in blocks if block]


def _is_of_budgets(path: Path) -> bool:
    return path.stem.endswith("__budgets")


def _floor(manifest: Mapping[str, Any], problem: str) -> list[str]:
    """One sentence on the held-out error that even an exact fit has."""
    meta = ((manifest.get("problems") or {}).get(problem) or {}).get("meta") or {}
    floor = meta.get("heldout_floor")
    if floor is None:
        return []
    reason = meta.get("heldout_floor_reason")
    because = f": {escape(reason)}" if reason else ""
    if not float(floor) > 0:
        return [f"An exact fit can have a held-out error of 0{because}."]
    return [f"**Held-out floor {percent(float(floor), 4)}**, the error that remains after an exact fit{because}."]


def _rank(facts: ProblemFacts) -> list[str]:
    """Where an L1 frontier can exist at all, in one sentence."""
    if facts.rank is None:
        return []
    loss = "" if facts.bound_loss is None else f" ({facts.bound_loss:.4g} in squared loss)"
    return [
        f"**rank(A) = {facts.rank:,}.** An L1 path can be a frontier only up to {facts.rank:,} records: NN-LASSO has a "
        f"solution that small at every λ, and from there on every budget allows the dense training loss{loss}, so that "
        "only held-out error and weight concentration tell methods apart."
    ]


def _pictures(paths: Sequence[Path], caption: str | None = None) -> list[str]:
    """Every PNG with its caption."""
    if not paths:
        return ["No figure: no cell has anything to draw."]
    blocks = []
    for stem in (path.stem for path in paths if path.suffix == ".png"):
        told = escape(caption or CAPTIONS.get(stem.rpartition("__")[2], "Figure"))
        blocks.append(f"![{told}]({quote(stem)}.png)\n\n{told}")
    return blocks


def summary_text(points: pd.DataFrame, *, named: bool = False) -> Table:
    """Rows of `aggregate` in words; with their problem and split when `named`."""
    rows = points.to_dict("records")
    header = [*(("problem", "split") if named else ()), *SUMMARY]
    names = [[str(row["problem"]), str(row["split"])] if named else [] for row in rows]
    first = len(header) - len(SUMMARY) + 2
    lines = [[*name, *_summary_row(row)] for name, row in zip(names, rows, strict=True)]
    return Table(header, lines, numbers=range(first, first + 6))


def _summary_row(row: Mapping[Any, Any]) -> list[str]:
    """One aggregate row in words."""
    active = count(row["n_active_mean"])
    if row["n_active_min"] != row["n_active_max"] and row["n_with_weights"]:
        active += f" ({count(row['n_active_min'])}–{count(row['n_active_max'])})"
    if row["n_equicorrelated_max"] > row["n_active_max"]:
        active += f" ≤ {count(row['n_equicorrelated_max'])}"
    told = row["n_with_weights"], row["n_seeds"]
    seeds = str(told[1]) if told[0] == told[1] else f"{told[0]} of {told[1]}"
    return [
        series_name(row["label"], row["refit"]),
        _point(row),
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


def _point(row: Mapping[Any, Any]) -> str:
    """`λ = 0.1 (2.16e-04 in force)`, `budget 500`, or a dash."""
    if not pd.isna(row["lam"]):
        lam, absolute = row["lam"], row["lam_absolute"]
        same = pd.isna(absolute) or abs(absolute - lam) <= 1e-12 * abs(lam)
        return f"λ = {parameter(lam)}" + ("" if same else f" ({significant(absolute)} in force)")
    return MISSING if pd.isna(row["budget"]) else f"budget {parameter(row['budget'])}"


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


def _failures(ready: pd.DataFrame) -> list[str]:
    """Every cell that is not `optimal` or `completed`, in canonical order."""
    bad = ready[~ready["status"].isin(ENDED_WELL)]
    bad = bad[~((bad["status"] == "unreached") & bad["is_refit"])]  # a refit keeps the size: its fit is listed
    if bad.empty:
        return ["None: every cell ended as intended." if len(ready) else "None."]
    rows = []
    # Repeats that failed alike are one row.
    for row in bad.drop_duplicates([*POINT, "seed", "status", "message"]).to_dict("records"):
        claimed = row["claimed_status"]
        status = row["status"] if claimed in ("", row["status"]) else f"{row['status']} (claimed {claimed})"
        rows.append([*_identity(row), escape(status), escape(_shorten(row["message"])) or MISSING])
    header = ("problem", "method", "λ or budget", "seed", "status", "message")
    kept = "those that did not converge, or are of another size than asked for, have weights and are drawn hollow"
    sentence = f"{len(bad):,} of {len(ready):,} cells; {kept}."
    return [sentence, folded_table(header, rows, right=("seed",))]


def _thresholds(ready: pd.DataFrame) -> list[str]:
    """Cells whose number of active records depends on what counts as zero; a refit keeps the records of its fit."""
    some = ready[ready["threshold_matters"].fillna(value=False).astype(bool) & ~ready["is_refit"]]
    if some.empty:
        return ["Nowhere: every count is the same at all three thresholds." if len(ready) else "Nowhere."]
    names = ("n_active_1e-9", "n_active_1e-6", "n_active_1e-3")
    rows = [[*_identity(row), *(count(row[name]) for name in names)] for row in some.to_dict("records")]
    header = ("problem", "method", "λ or budget", "seed", "above 1e-9", "above 1e-6", "above 1e-3")
    sentence = "Active records above a threshold relative to the mean active weight."
    return [sentence, folded_table(header, rows, right=header[3:])]


def _identity(row: Mapping[Any, Any]) -> list[str]:
    problem = row["problem"] if row["split"] == "default" else f"{row['problem']}, {row['split']}"
    seed = MISSING if pd.isna(row["seed"]) else f"{row['seed']:.0f}"
    return [escape(problem), escape(series_name(row["label"], row["refit"])), _point(row), seed]


def _shorten(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= MESSAGE_LENGTH else f"{text[: MESSAGE_LENGTH - 1]}…"

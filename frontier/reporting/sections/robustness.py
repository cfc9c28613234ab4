"""Robustness: what is left of a fit when other targets are held out or another seed is drawn, and what to make of it.

A subsection for each problem and design with two hold-outs or more, of the arms at one size; a run without has none.
The numbers are `analysis.robustness`'s; here are the rules by which they become advice.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from frontier.analysis.contrasts import CONTROL, DELTA
from frontier.analysis.paired_test import LEAST_FOLDS
from frontier.analysis.robustness import (
    CLOSE,
    DESIGN,
    EITHER_WAY,
    UNLESS_FITTED,
    by_arm,
    by_target,
    fragile,
    hold_outs,
    initial_errors,
    judged,
)
from frontier.analysis.stability import EXCELLENT, POOR
from frontier.reporting.document import Block, Bullets, Data, Reading, Section, Table, Text, walk
from frontier.reporting.facts import design_title, initial_known
from frontier.reporting.markdown import escape
from frontier.reporting.misses import ARM, at_one_size
from frontier.reporting.numbers import MISSING, count, listed, percent, points, points_interval
from frontier.reporting.prepared import Prepared
from frontier.results.arms import arm_name
from frontier.results.supports import OVERLAPS

PLACE = 25
GAP = 0.1  # points of the error scale: the width of "within 10%", so a target met in training can be missed held out
FAR = 2.0  # times the mean over hold-outs, or times a family's share of the held-out targets
MOST = 0.5  # of the hold-outs, or of the error
LISTED = 10  # families and targets shown
MOST_ROWS = 20  # of a table with all arms; of more, each method stands at its best one
IN_FILES = 1000  # targets of a problem in the files and on the page
NAMED = 5  # methods named in a sentence; of more, the number of arms
RULES = (
    f"**Rules.** An arm is not to be trusted for totals that are not fitted where it errs more than the initial "
    f"weights, by more than {100 * DELTA:.0f} point on average and in more than half of the hold-outs; that is sure "
    f"beyond these hold-outs where there are {LEAST_FOLDS} and the interval of the difference is above 0. Where its "
    f"held-out error is also more than {100 * GAP:.0f} points above its training error, it is overfit. A hold-out "
    f"stands out where an arm's error is more than {FAR:g} times its mean over hold-outs. A family carries the error "
    f"where it has more than half of all held-out errors and more than {FAR:g} times its share of the held-out "
    f"targets. Which records are kept is arbitrary where Φ is below {POOR:.2f} and settled where it is above "
    f"{EXCELLENT:.2f} (Nogueira and others 2018: poor, excellent), over seeds with its whole interval. A total is met "
    f"only when fitted where its error is above {100 * CLOSE:.0f}% held out and at most that fitted."
)
READING = (
    "**Robustness.** *Held-out error*: each target capped at 100%, the mean over hold-outs of means over seeds; its "
    "95% interval is over hold-outs, corrected for the targets they share, and seeds, as under *Declared contrasts*, "
    "one arm at a time and not adjusted for their number. *Above initial weights*: the difference from their error in "
    "the same hold-outs, in percentage points; *worse in*: where it is positive. *Gap*: held-out minus training error. "
    "Published totals come from other sources than the records, and what no total states is not judged here.",
    "**Same records.** Φ is Nogueira's index of stability: 1 where every seed (or hold-out) keeps the same records, 0 "
    "where they have no more in common than draws of that size. Jaccard's |A ∩ B|/|A ∪ B| is not corrected for chance: "
    "large selections have much in common by size alone. The interval of Φ is too narrow for few seeds (70% instead of "
    "95% with three in a simulation). A low Φ over seeds is no fault of a sample; it says that no record was kept for "
    "its own sake.",
)


def blocks(run: Prepared) -> list[Block]:
    """The rules, then for each problem and design its table, the advice, and what is most fragile."""
    if run.targets is None or run.targets.empty:
        return []
    found = hold_outs(run.first, run.targets)
    cells = judged(run.first, run.targets, found)
    if cells.empty:
        return []
    facts = run.manifest.get("problems") or {}
    sizes = {str(name): int(one["n_records"]) for name, one in facts.items()}
    arms = by_arm(cells, found, n_records=sizes, initial=initial_errors(cells, initial_known(run.manifest)))
    made = [_section(run, run.targets, part, arms, cells) for _, part in found.groupby(DESIGN, sort=True)]
    told: list[Block] = [Text(RULES), *(section for section, _ in made)]
    tables = [block for block in walk(told) if isinstance(block, Table)]
    of_arms, of_targets = ([table for table in tables if table.header[0] == name] for name in ("method", "target"))
    told += [
        Data("statistics__robustness", arms, "Robustness of every arm", of_arms),
        Data("statistics__robustness-targets", pd.concat([rows for _, rows in made]), "Fragile targets", of_targets),
    ]
    return [Section("Robustness", told), Reading(READING)]


def _section(
    run: Prepared, targets: pd.DataFrame, found: pd.DataFrame, arms: pd.DataFrame, cells: pd.DataFrame
) -> tuple[Section, pd.DataFrame]:
    """One problem and design, and its most fragile targets."""
    problem, design = (str(found[name].iloc[0]) for name in DESIGN)
    arms = arms[(arms["problem"] == problem) & (arms["design"] == design)]
    size, near = at_one_size(arms, run.focus)
    near = near.sort_values(["heldout", "label", "refit"], kind="stable", ignore_index=True)
    away = sorted(set(arms["label"]) - set(near["label"]))
    shown, left = near[near["n_splits"] == len(found)], near[near["n_splits"] < len(found)]
    table = shown if len(shown) <= MOST_ROWS else shown.drop_duplicates("label")
    families = {family for some in found["families"] for family in some}
    said = f"{len(found)} hold-outs of {len(families)} families, "
    said += f"arms near {count(size)} records." if size else "arms of any size."
    said += " Each method stands at its best arm; what is said below is of all." if len(table) < len(shown) else ""
    said += f" Without weights in some hold-out: {'; '.join(_names(left, left['n_splits'] > 0))}." if len(left) else ""
    said += f" Of no such size: {'; '.join(map(escape, away))}." if away else ""
    told: list[Block] = [Text(said), _arms(table)]
    fitted, by_name = shown[shown["method"] != CONTROL], pd.DataFrame()
    if len(fitted):
        here = cells[(cells["problem"] == problem) & (cells["design"] == design)]
        errors = by_target(here.merge(shown[ARM], on=ARM), targets)
        by_family, by_name = (fragile(errors, by) for by in ("family", "target"))
        told.append(Text("What to make of it, by the rules above:"))
        told.append(Bullets(list(_advice(fitted, found, by_family, by_name))))
        told.append(Text("Families, the largest held-out error first (medians over these arms, and their range):"))
        told.append(_fragile(by_family, "family"))
        told += [Text("Targets, the same:"), _fragile(by_name, "target")]
    return Section(design_title(run.manifest, problem, design, list(found["split"])), told), by_name.head(IN_FILES)


def _arms(arms: pd.DataFrame) -> Table:
    header = ["method", "records", "held-out error (95%)", "best to worst hold-out", "within 10%", "training", "gap"]
    header += ["above initial weights (95%)", "worse in", "Φ over seeds (95%)", "Φ over hold-outs"]
    header += ["Jaccard over seeds", "Jaccard over hold-outs"]
    rows = []
    for row in arms.to_dict("records"):
        known = row["n_known"] and row["method"] != CONTROL
        limits = points_interval(row["excess_low"], row["excess_high"])
        rows.append(
            [
                arm_name(row["label"], row["refit"]),
                count(row["n_active_mean"]),
                _limits(percent(row["heldout"]), percent(row["heldout_low"]), percent(row["heldout_high"])),
                f"{percent(row['best'])} to {percent(row['worst'])}",
                percent(row["within"]),
                percent(row["training"]),
                points(row["gap"]),
                f"{points(row['excess'])} ({limits})" if known else MISSING,
                f"{row['n_worse']} of {row['n_known']}" if known else MISSING,
                _limits(*(_index(row[f"stability_over_seeds{end}"]) for end in ("", "_low", "_high"))),
                _index(row["stability_over_splits"]),
                *(_index(row[jaccard]) for _, jaccard in OVERLAPS.values()),
            ]
        )
    kept = [i for i in range(len(header)) if i < 7 or any(row[i] != MISSING for row in rows)]
    return Table([header[i] for i in kept], [[row[i] for i in kept] for row in rows], numbers=range(1, len(kept)))


def _limits(value: str, low: str, high: str) -> str:
    return value if low == MISSING else f"{value} [{low}, {high}]"


def _index(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:z.2f}".replace("-", "−")


def _fragile(rows: pd.DataFrame, by: str) -> Table:
    header = [by, "targets" if by == "family" else "family", "held out in", "held-out error", "over arms", "within 10%"]
    header += ["where fitted", "initial weights", "kind"]
    lines = [
        [
            row[by],
            count(row["n_targets"]) if by == "family" else row["family"],
            count(row["n_splits"]),
            percent(row["heldout"]),
            f"{percent(row['least'])} to {percent(row['most'])}",
            *(percent(row[name]) for name in ("within", "training", "initial")),
            row["kind"],
        ]
        for row in rows.head(LISTED).to_dict("records")
    ]
    return Table(header, lines, numbers=range(2 if by == "target" else 1, 8))


def _advice(arms: pd.DataFrame, found: pd.DataFrame, families: pd.DataFrame, targets: pd.DataFrame) -> Iterator[str]:
    """What the rules make of fitted arms, a line each."""
    if len(found) < LEAST_FOLDS:
        yield (
            f"**{len(found)} hold-outs are too few for a verdict**: what follows is about these, and others may differ."
        )
    if found["divided"].any():
        yield (
            "**These errors are too small**: single totals are held out while others of their family are fitted, which "
            "nearly settle them. Hold out whole families (`rotation`, `family_folds`)."
        )
    yield from _on_errors(arms, found)
    yield from _on_families(families, targets)
    yield from _on_records(arms)


def _on_errors(arms: pd.DataFrame, found: pd.DataFrame) -> Iterator[str]:
    best = arms.drop_duplicates("label").head(2).to_dict("records")
    if len(best) > 1:
        two = [f"{escape(arm_name(row['label'], row['refit']))} {percent(row['heldout'])}" for row in best]
        yield f"Smallest held-out errors: {'; '.join(two)}. This is no test; a declared contrast is."
    worse = (arms["n_worse"] > MOST * arms["n_known"]) & (arms["excess"] > DELTA)
    far = arms["gap"] > GAP
    if worse.any():
        sure = worse & (arms["excess_low"] > 0)
        told = (
            f"**Not to be trusted for totals that are not fitted**: {_which(arms, worse)}. The initial weights, fitted "
        )
        told += "to nothing, err less"
        if len(found) >= LEAST_FOLDS:
            told += f"; beyond these hold-outs that is sure of {_which(arms, sure) if sure.any() else 'none'}"
        yield f"{told}."
    better = arms["excess_high"] < 0
    if better.any():
        yield f"Better than the initial weights on totals that are not fitted: {_which(arms, better)}."
    elif arms["n_known"].any() and not worse.any():
        yield "On totals that are not fitted no arm is clearly worse or better than the initial weights."
    if (worse & far).any():
        yield f"**Overfit**: {_which(arms, worse & far)}. Here the gain on the fitted totals is a loss on the others."
    if (far & ~worse).any():
        yield (
            f"The training error is no guide to other totals, whose error is more than {100 * GAP:.0f} points above "
            f"it: {_which(arms, far & ~worse)}."
        )
    stands = arms["worst"] > FAR * arms["heldout"]
    if stands.any():
        split = arms.loc[stands, "worst_at"].mode().iloc[0]
        out = list(found.loc[found["split"] == split, "families"].iloc[0])
        yield (
            f"**One hold-out stands out**, which the mean hides: {escape(split)}, without {escape(_list(out))}, in "
            f"{_which(arms, stands)}."
        )


def _on_families(families: pd.DataFrame, targets: pd.DataFrame) -> Iterator[str]:
    for row in families[(families["share"] > MOST) & (families["share"] > FAR * families["held"])].to_dict("records"):
        yield (
            f"**{escape(row['family'])} carries the error**: {percent(row['share'])} of it with "
            f"{percent(row['held'])} of the held-out targets."
        )
    away = families.loc[families["heldout"] > families["initial"] + DELTA, "family"].tolist()
    if away:
        them = "them" if len(away) > 1 else "it"
        yield (
            f"Fitting the other totals makes {escape(_list(away, NAMED))} worse than the initial weights had {them} "
            f"(median arm, by more than {100 * DELTA:.0f} point): fit {them}, or do not use the file for {them}."
        )
    kinds = targets["kind"].value_counts()
    told = f"Of {len(targets)} totals {kinds.get(UNLESS_FITTED, 0)} are met only when fitted"
    either = int(kinds.get(EITHER_WAY, 0))
    yield told + (f", {either} missed either way: look at their source and definition first." if either else ".")


def _on_records(arms: pd.DataFrame) -> Iterator[str]:
    arms = arms[arms["refit"] == "none"]  # a refit keeps the records
    for axis, what, low, high in (("seeds", "another seed", "_low", "_high"), ("splits", "another hold-out", "", "")):
        known = arms[arms[f"stability_over_{axis}"].notna()]
        poor = known[f"stability_over_{axis}{high}"] < POOR
        settled = known[f"stability_over_{axis}{low}"] > EXCELLENT
        if poor.any():
            yield f"**Which records are kept is arbitrary**, {what} keeps others: {_which(known, poor)}."
        if settled.any():
            yield f"Which records are kept is settled, {what} keeps nearly the same: {_which(known, settled)}."


def _which(arms: pd.DataFrame, chosen: pd.Series[bool]) -> str:
    """The arms chosen, by name where they are few, or all but few."""
    if chosen.all() and len(arms) > 2:
        return f"all {len(arms)} arms"
    inside, outside = _names(arms, chosen), _names(arms, ~chosen)
    if len(inside) <= NAMED:
        return "; ".join(inside)
    return f"all but {'; '.join(outside)}" if len(outside) <= NAMED else f"{chosen.sum()} of {len(arms)} arms"


def _names(arms: pd.DataFrame, chosen: pd.Series[bool]) -> list[str]:
    """What the chosen arms are called, a label with all of its arms once."""
    told = []
    for label, some in arms[chosen].groupby("label", sort=False):
        whole = len(some) == (arms["label"] == label).sum() > 1
        told += [f"{label}, every arm"] if whole else [arm_name(str(label), refit) for refit in some["refit"]]
    return [escape(name) for name in told]


def _list(names: list[str], most: int = LISTED) -> str:
    names = names if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]
    return listed(names)

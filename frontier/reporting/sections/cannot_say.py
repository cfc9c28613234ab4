"""What a run cannot say: its own limitations, and those that follow from how it was made."""

from __future__ import annotations

from collections.abc import Iterator

from frontier.reporting.document import Block, Bullets, Section
from frontier.reporting.markdown import escape
from frontier.reporting.prepared import Prepared
from frontier.reporting.provenance import limitations

PLACE = 7
FRONT = True
MOST_NAMED = 4


def blocks(run: Prepared) -> list[Block]:
    """A list; nothing for a run that compares nothing, whose report ends with its limitations."""
    if not run.can_compare:
        return []
    return [Section("What this cannot say", [Bullets([*limitations(run.manifest), *_found(run)])])]


def _found(run: Prepared) -> Iterator[str]:
    """What follows from the seeds, the hold-outs, the sizes, the seconds and the settings of this run."""
    first = run.first
    yield (
        "Other samples of records, other years and other populations: no interval of this report is over them. "
        "Published totals come from other sources than the records, so an error against them is partly theirs."
    )
    alone = [run.titles[key] for key in run.front if run.parts[key]["split"].nunique() == 1]
    if alone:
        yield "Other totals than the ones held out: a single hold-out says nothing about how it was chosen."
    seeds = first.groupby("label")["seed"].nunique()
    few = [str(label) for label in seeds.index[(seeds > 0) & (seeds < 2)]]
    if few:
        yield f"How much the random start matters for {_list(few)}: one seed only."
    missed = [
        str(label) for label, some in first.groupby("label") if some["missed"].any() and label not in run.controls
    ]
    if missed:
        yield f"Every size for {_list(missed)}: some budgets were not reached, and stand hollow where they ended."
    lost = first.loc[~first["has_weights"], "label"].unique().tolist()
    if lost:
        yield f"What {_list(sorted(lost))} would have done in the cells that ended without weights (see Failures)."
    kinds = {kind for key in run.front for kind in run.pooled[key]["timing"] if kind}
    if kinds - {"clean"}:
        yield "Which method is faster, where its seconds are not clean: they were measured beside other work or shared."
    if not run.manifest.get("tuned"):
        yield "What tuning would change: every method stands at the settings that the experiment gives it."


def _list(names: list[str]) -> str:
    shown = names if len(names) <= MOST_NAMED else [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} more"]
    return escape(", ".join(shown))

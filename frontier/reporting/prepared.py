"""The results of a run as all parts of its report read them, each prepared once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from frontier.analysis.aggregate import aggregate, first_repeats, prepare
from frontier.analysis.budgets import by_budget, parts_of
from frontier.analysis.contrasts import CONTROL, Contrast, contrasts, declared
from frontier.analysis.profiles import HELD_OUT
from frontier.core.files import stem_of
from frontier.reporting.charts.style import LabelStyle, label_styles
from frontier.reporting.facts import design_title, initial_known
from frontier.reporting.misses import Errors, errors_by_problem

Key = tuple[str, str]  # problem and design
MOST_PARTS = 3  # problems and designs on the first page; of more, what is told there holds for the first
MOST_COLOURS = 4  # methods that stand out in a figure: more lines than that nobody follows


class Prepared:
    """The tables of a run, and what several sections make of them.

    stored   the cells as they were loaded
    cells    the same as `frontier.analysis.aggregate.prepare` leaves them
    targets, traces, manifest
             as `frontier.results.store` has them; without targets there are no worst misses and no statistics, without
             traces no convergence

    Raises `InputError` when `cells` lacks a column that identifies a result.
    """

    def __init__(
        self,
        cells: pd.DataFrame,
        manifest: Mapping[str, Any],
        targets: pd.DataFrame | None = None,
        traces: pd.DataFrame | None = None,
    ) -> None:
        self.stored, self.manifest, self.targets, self.traces = cells, manifest, targets, traces
        self.cells = prepare(cells)

    @property
    def can_compare(self) -> bool:
        """Whether estimates of held-out targets are there, and two labels to compare by them."""
        known = self.targets is not None and not self.targets.empty and bool(self.targets["heldout"].any())
        return known and self.stored["label"].nunique() > 1

    @property
    def title(self) -> str:
        """The name of the experiment."""
        return str(self.manifest.get("experiment") or "Report")

    @cached_property
    def first(self) -> pd.DataFrame:
        """The cells without repeats."""
        return first_repeats(self.cells)

    @cached_property
    def styles(self) -> dict[str, LabelStyle]:
        """How every label looks, in all figures alike."""
        return label_styles(self.cells["label"], dict(zip(self.cells["label"], self.cells["method"], strict=True)))

    @cached_property
    def declared(self) -> list[Contrast]:
        """The comparisons that the experiment was made for, or those that stand for them."""
        return declared(self.manifest, self.stored) if self.can_compare else []

    @cached_property
    def contrasts(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`frontier.analysis.contrasts`, and their families; empty where nothing can be compared.

        Raises `InputError` when the targets are those of other cells.
        """
        if not self.can_compare or self.targets is None:
            return pd.DataFrame(), pd.DataFrame()
        return contrasts(self.stored, self.targets, self.declared)

    @property
    def controls(self) -> set[str]:
        """The labels of untouched initial weights."""
        return set(self.stored.loc[self.stored["method"] == CONTROL, "label"])

    @cached_property
    def focus(self) -> list[str]:
        """The labels that stand out in figures: those of the declared comparisons in their order, then the others."""
        known = list(self.styles)
        named = [label for contrast in self.declared for label, _ in contrast if label in known]
        order = dict.fromkeys(label for label in [*named, *known] if label not in self.controls)
        return list(order)[:MOST_COLOURS]

    @property
    def arm(self) -> str:
        """The refit that the first comparison is made of, of which figures speak; as fitted where there is none."""
        return self.declared[0][0][1] if self.declared else "none"

    @cached_property
    def front(self) -> list[Key]:
        """The problems and designs of the first page, those with the most folds first."""
        order = sorted(self.parts, key=lambda key: (-self.parts[key]["split"].nunique(), key))
        return order[:MOST_PARTS]

    def contrasts_of(self, key: Key) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The declared comparisons of one problem and design, and their families."""
        found, families = self.contrasts
        return part_of(found, key), part_of(families, key)

    def initial_error(self, part: pd.DataFrame) -> float | None:
        """The capped held-out error of the initial weights, a mean over the splits of `part`; None where unknown."""
        own = part.loc[part["label"].isin(self.controls)].groupby(["problem", "split"])[HELD_OUT].mean()
        known = initial_known(self.manifest) | own.to_dict()
        places = dict.fromkeys(zip(part["problem"], part["split"], strict=True))
        found = [known.get(place, float("nan")) for place in places]
        mean = sum(found) / len(found) if found else float("nan")
        return None if pd.isna(mean) else float(mean)

    @cached_property
    def errors(self) -> dict[str, Errors]:
        """The estimates of each problem."""
        return errors_by_problem(self.first, self.targets)

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per point of a frontier."""
        return aggregate(self.cells)

    @cached_property
    def pooled(self) -> dict[Key, pd.DataFrame]:
        """One row per method and budget, by problem and design."""
        return {key: by_budget(part) for key, part in self.parts.items()}

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """One row per method and budget."""
        return pd.concat(self.pooled.values()) if self.parts else by_budget(self.cells)

    @cached_property
    def parts(self) -> dict[Key, pd.DataFrame]:
        """The cells without repeats by problem and design."""
        return parts_of(self.first)

    @cached_property
    def titles(self) -> dict[Key, str]:
        """What each part is called in headings and figures."""
        return {
            key: design_title(self.manifest, *key, sorted(part["split"].unique())) for key, part in self.parts.items()
        }

    @cached_property
    def stems(self) -> dict[Key, str]:
        """What the names of each part's figures begin with."""
        return figure_stems(self.parts)


def part_of(frame: pd.DataFrame, key: Key) -> pd.DataFrame:
    """The rows of one problem and design."""
    if frame.empty:
        return frame
    return frame[(frame["problem"] == key[0]) & (frame["design"] == key[1])].reset_index(drop=True)


def figure_stems(keys: Iterable[Key]) -> dict[Key, str]:
    """A distinct file stem per part: `<problem>__<design>`, the design left out when all are "default"."""
    known = list(keys)
    named = {design for _, design in known} != {"default"}
    stems: dict[Key, str] = {}
    for key in known:
        words = [stem_of(word) for word in (key if named else key[:1])]
        stem, copy = "__".join(words), 2
        while stem.lower() in {taken.lower() for taken in stems.values()}:  # some file systems ignore case
            stem, copy = f"{'__'.join(words)}-{copy}", copy + 1
        stems[key] = stem
    return stems

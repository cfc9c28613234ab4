"""The results of a run as all parts of its report read them, each prepared once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from frontier.analysis.aggregate import aggregate, first_repeats, prepare
from frontier.analysis.budgets import by_budget, parts_of
from frontier.reporting.charts.style import LabelStyle, label_styles
from frontier.reporting.facts import design_title

Key = tuple[str, str]  # problem and design


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
    def points(self) -> pd.DataFrame:
        """One row per point of a frontier."""
        return aggregate(self.cells)

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """One row per method and budget."""
        return by_budget(self.cells)

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


def figure_stems(keys: Iterable[Key]) -> dict[Key, str]:
    """A distinct file stem per part: `<problem>__<design>`, the design left out when all are "default"."""
    known = list(keys)
    named = {design for _, design in known} != {"default"}
    stems: dict[Key, str] = {}
    for key in known:
        words = [re.sub(r"[^\w.=-]+", "-", word).strip("-.") or "unnamed" for word in (key if named else key[:1])]
        stem, copy = "__".join(words), 2
        while stem.lower() in {taken.lower() for taken in stems.values()}:  # some file systems ignore case
            stem, copy = f"{'__'.join(words)}-{copy}", copy + 1
        stems[key] = stem
    return stems

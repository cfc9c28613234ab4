"""A problem of an experiment cut into parts (`partition: COLUMN`): its parts, their splits, and their share of budgets.

A part is a problem of its own, with its records and its targets. With totals that cross parts all methods must solve a
dual, and fit the whole as one problem, part by part within a Newton step (`solvers.dual.bordered`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontier.core.errors import InputError, some
from frontier.core.partition import Part, Partition
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem, Split
from frontier.methods.base import Method
from frontier.sweep.partition import check_by_dual, labels_of


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The parts of a problem that are solved apart; none where targets cross them, and the whole is solved as one."""

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, problem: CalibrationProblem, column: str, methods: Mapping[str, Method], place: str) -> Cut:
        """The cut of a problem by a column of its records; `InputError` where a method could not do with it."""
        try:
            partition = Partition.of(problem, labels_of(problem, column))
        except InputError as error:
            raise error.at(place) from None
        for label, method in methods.items():
            check_by_dual(partition, method, {}, f"{place}, method '{label}'")
        found = [] if partition.crossing.size else partition.parts()
        if empty := [part.label for part in found if part.problem is None]:
            cure = "leave their records out, or add a total"
            raise InputError(f"{place}.partition", f"parts without a target: {some(empty)}", cure=cure)
        return cls(tuple(found))

    def problems(self, label: str) -> dict[str, CalibrationProblem]:
        """The problems of the parts of the problem `label`, by what they are called."""
        return {part_label(label, part): part.problem for part in self.parts if part.problem is not None}


def part_label(problem: str, part: Part) -> str:
    """What the problem of a part is called."""
    return f"{problem}[{part.label}]"


def part_split(split: Split, part: Part, place: str) -> Split:
    """The targets of a part that are fitted; `InputError` where a split holds all of them out."""
    train = split.train[part.targets]
    if not train.any():
        raise InputError(f"{place}, split '{split.name}'", f"nothing is left to fit in part '{part.label}'")
    return Split(split.name, train)


def part_points(points: Sequence[Point], cut: Cut, place: str) -> list[list[Point]]:
    """The points of each part: budgets are shared out in proportion to records, at least one to each."""
    sizes = np.array([part.records.size for part in cut.parts])
    shares = {}
    for budget in dict.fromkeys(point.budget for point in points if point.budget is not None):
        if budget < len(sizes):
            raise InputError(place, "a budget below one record per part", expected=f"≥ {len(sizes)}", got=budget)
        shares[budget] = _shared(budget, sizes)
    return [
        [p if p.budget is None else dataclasses.replace(p, budget=int(shares[p.budget][k])) for p in points]
        for k in range(len(sizes))
    ]


def _shared(budget: int, sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Whole numbers ≥ 1, none above its size, that sum to the budget: largest remainders."""
    budget = min(budget, int(sizes.sum()))
    exact = budget * sizes / sizes.sum()
    found = np.clip(np.floor(exact).astype(np.intp), 1, sizes)
    while found.sum() != budget:
        step = 1 if found.sum() < budget else -1
        room = np.where((found < sizes) if step > 0 else (found > 1), step * (exact - found), -np.inf)
        found[int(np.argmax(room))] += step
    return np.asarray(found, dtype=np.intp)

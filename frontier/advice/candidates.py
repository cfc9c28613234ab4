"""What is tried: the methods that have won somewhere, and the plain sample that each has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import CalibrationProblem

EPOCHS = 600  # of trained gates: a third of their default, at losses within a point of it on cps_national
BALANCED_TARGETS = 200  # the cube method takes seconds a draw with 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """A method with its parameters, and the arms it is judged by: as fitted (`none`) and refit."""

    method: str
    arms: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)


ALL = (  # the slowest first: they are begun first
    Candidate("coreset", ("none",), {"epochs": EPOCHS}),
    Candidate("hard_concrete", ("none", "fitted", "initial"), {"epochs": EPOCHS}),
    Candidate("balanced_sample", ("none", "fitted")),
    Candidate("leverage_sample", ("none", "fitted")),
    Candidate("anchored_l1", ("fitted", "initial")),
    Candidate("pps_sample", ("none", "fitted")),
)


def candidates(problem: CalibrationProblem, names: tuple[str, ...] = ()) -> list[Candidate]:
    """Those of `names`, or all that make sense for the problem; `InputError` for a name that is none of them."""
    known = [candidate.method for candidate in ALL]
    for name in names:
        if name not in known:
            raise InputError("method", f"'{name}' is not a candidate", cure=did_you_mean(name, known))
    wanted = {*names} or {*known} - _pointless(problem)
    return [candidate for candidate in ALL if candidate.method in wanted]


def _pointless(problem: CalibrationProblem) -> set[str]:
    without = set() if problem.auxiliary is not None else {"coreset"}
    return without | ({"balanced_sample"} if problem.n_targets > BALANCED_TARGETS else set())

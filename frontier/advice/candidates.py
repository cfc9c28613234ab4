"""What is tried: the methods that have won somewhere, and the plain sample that each has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.methods.registry import configured, find_method

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
    """Those of `names`, registered methods or `path/to/file.py:MyMethod`, or all that make sense for the problem.

    Raises `InputError` for a name of neither kind, and for a method that makes no file of a given size.
    """
    ours = {candidate.method: candidate for candidate in ALL}
    if not names:
        return [one for name, one in ours.items() if name not in _pointless(problem)]
    return [ours[name] if name in ours else _other(name) for name in dict.fromkeys(names)]


def _other(name: str) -> Candidate:
    """A method that is not tried unless it is asked for, at its defaults."""
    place = f"method '{name}'"
    method = configured(find_method(name, place), {}, place)
    if not method.coordinates:
        raise InputError(place, "makes no file of a given size", cure="leave it out; fit shows its weights")
    return Candidate(name, ("none",) if method.refit_from == "none" else ("none", "fitted", "initial"))


def _pointless(problem: CalibrationProblem) -> set[str]:
    without = set() if problem.auxiliary is not None else {"coreset"}
    return without | ({"balanced_sample"} if problem.n_targets > BALANCED_TARGETS else set())

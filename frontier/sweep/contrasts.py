"""The comparisons that an experiment declares: `contrasts: [{a: …, b: …, refit: …}]`, two arms each.

Declared before it is run, so that a report tests these and explores the rest (`frontier.analysis.contrasts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from frontier.core.errors import InputError, did_you_mean
from frontier.core.registry import validation_error

MOST_CONTRASTS = 100  # few on purpose: each further one costs all of them power

Contrast = tuple[str, str, str, str]  # label and refit of one arm, and of the other


class _Entry(BaseModel):
    """Two labels, and whose weights are compared: `refit` of both, or `refit_b` of the second."""

    model_config = ConfigDict(extra="forbid", strict=True)

    a: str
    b: str
    refit: str = "none"
    refit_b: str | None = None


def read_contrasts(
    entries: Sequence[Mapping[str, Any]], labels: Sequence[str], refits: Sequence[str], place: str
) -> tuple[Contrast, ...]:
    """The contrasts of a file with these labels and refits; `InputError` for an arm that it lacks, or one twice."""
    found = tuple(_contrast(entry, labels, refits, f"{place}[{i}]") for i, entry in enumerate(entries))
    seen: set[frozenset[tuple[str, str]]] = set()
    for a, refit_a, b, refit_b in found:
        arms = frozenset([(a, refit_a), (b, refit_b)])  # whichever of the two comes first
        if arms in seen:
            got = f"{a} ({refit_a}) and {b} ({refit_b}) twice"
            raise InputError(place, "duplicate contrast", expected="distinct values", got=got, cure="list each once")
        seen.add(arms)
    return found


def _contrast(entry: Mapping[str, Any], labels: Sequence[str], refits: Sequence[str], place: str) -> Contrast:
    try:
        given = _Entry.model_validate(entry)
    except ValidationError as error:
        raise validation_error(error, place) from None
    refit_b = given.refit if given.refit_b is None else given.refit_b
    for key, label in (("a", given.a), ("b", given.b)):
        if label not in labels:
            raise InputError(f"{place}.{key}", f"no method '{label:.80}'", cure=did_you_mean(label, labels))
    for key, arm in (("refit", given.refit), ("refit_b", refit_b)):
        if arm not in refits:
            expected = " or ".join(refits)
            raise InputError(f"{place}.{key}", "not an arm of this file", expected=expected, got=f"{arm!r:.40}")
    if (given.a, given.refit) == (given.b, refit_b):
        raise InputError(place, "an arm against itself", cure="name two arms")
    return given.a, given.refit, given.b, refit_b

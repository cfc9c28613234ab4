"""What a frontier shows on its vertical axis, and the lines to read it against: for figures and the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frontier.reporting.facts import ProblemFacts
from frontier.reporting.numbers import percent

LEAST_ERROR = 1e-6  # errors below 0.0001% are drawn there: no published total is known more closely
MOST_INITIAL = 2.0  # a line of initial weights further off than 200% would only flatten the rest


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column of the cells table as a reader knows it; `short` is for places without room."""

    title: str
    short: str
    is_error: bool = True


QUANTITIES = {
    "heldout_mare": Quantity("held-out error", "held-out"),
    "heldout_capped_mare": Quantity("held-out error, capped at 100% per target", "held-out, capped"),
    "train_mare": Quantity("training error", "training"),
    "ess": Quantity("effective sample size (Kish)", "ESS", is_error=False),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """Lines at `values` of a quantity (of `n_active`: vertical ones) under one name; `dashes` as in `style.DASHES`."""

    quantity: str
    values: tuple[float, ...]
    text: str
    dashes: str


def references(facts: Sequence[ProblemFacts], initial_capped: float | None = None) -> list[Reference]:
    """The lines for one or several splits: what all of them know at its mean, the rank of each.

    `initial_capped` is the capped held-out error of the initial weights.
    """
    found = []
    for quantity, values, name, digits, dashes in (
        ("heldout_capped_mare", [initial_capped], "initial weights", 3, "dashdotted"),
        ("heldout_mare", [fact.floor for fact in facts], "held-out floor", 4, "dashed"),
        ("heldout_mare", [fact.initial_heldout for fact in facts], "initial weights", 3, "dashdotted"),
        ("train_mare", [fact.dense_mare for fact in facts], "dense least squares fit", 3, "dashed"),
    ):
        known = [value for value in values if value is not None]
        if known and len(known) == len(values) and not (name == "initial weights" and max(known) >= MOST_INITIAL):
            mean = sum(known) / len(known)
            found.append(Reference(quantity, (mean,), f"{name} {percent(mean, digits)}", dashes))
    ranks = sorted({fact.rank for fact in facts if fact.rank is not None})
    if ranks:
        size = f"{ranks[0]:,}" if len(ranks) == 1 else f"{ranks[0]:,} to {ranks[-1]:,}, by fold"
        found.append(Reference("n_active", tuple(map(float, ranks)), f"k = rank(A) = {size}", "dotted"))
    return found

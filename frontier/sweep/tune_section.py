"""What an experiment file says of tuning: `tune:` how settings are searched, `tuned:` how those in it were found.

    tune:
      seconds: 300                          # CPU seconds for all trials of one method, failed ones too
      trials: 40                            # at most so many, the method as configured being the first; one of both
      generation: 4                         # trials proposed together, from all that ended before
      seed: 0
      holdouts: {design: rotation, k: 3}    # of families, on the training problem, or a list of designs; or
      problems: [...]                       # other problems than the experiment's: samples that are shown nowhere
      objective: {error: 1, within: 0, sparsity: 0, over: mean}       # or [error, records]: a frontier
      halving: {epochs: [500, 1000, 2000], keep: 0.5}                 # the better half of a generation goes on

`error` is the mean error of the validation targets, of the hidden ones where a truth is known, or the column `metric`;
`within` weighs the share not within 10%, `sparsity` the share of records kept. `over` says how hold-outs are put
together: mean, median or worst. λ is searched where a method's `search` has a range for `lam`; budgets are fixed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from frontier.core.errors import InputError, did_you_mean
from frontier.core.search_space import Range, Space, read_space

if TYPE_CHECKING:
    from frontier.methods.base import Method

MOST_TRIALS = 1_000  # where only seconds are given


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Objective(_Strict):
    """`error · e + within · (1 − share within 10%) + sparsity · (records/n)`, over the hold-outs."""

    error: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    within: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    sparsity: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    metric: str | None = None
    over: Literal["mean", "median", "worst"] = "mean"

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.error + self.within + self.sparsity:
            raise ValueError("all weights are 0: nothing would be minimised")
        return self


class Halving(_Strict):
    """Successive halving (Jamieson & Talwalkar 2016): after so many epochs each, the best `keep` go on."""

    epochs: list[int] = Field(min_length=2, max_length=20)
    keep: float = Field(default=0.5, gt=0, lt=1)

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.epochs[0] < 1 or any(a >= b for a, b in zip(self.epochs, self.epochs[1:], strict=False)):
            raise ValueError("epochs do not grow")
        return self


class Tune(_Strict):
    """How settings are searched."""

    seconds: float | None = Field(default=None, gt=0, le=1e7, allow_inf_nan=False)
    trials: int | None = Field(default=None, ge=1, le=100_000)
    generation: int = Field(default=4, ge=1, le=1000)
    seed: int = Field(default=0, ge=0, lt=2**31)
    sampler: Literal["tpe", "random"] = "tpe"
    holdouts: dict[str, Any] | list[dict[str, Any]] = {"design": "rotation", "k": 3}
    problems: list[dict[str, Any]] = []
    objective: Objective | list[Literal["error", "records"]] = Objective()
    halving: Halving | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.seconds is None and self.trials is None:
            raise ValueError("give seconds, trials or both")
        if isinstance(self.objective, list) and len(set(self.objective)) < 2:
            raise ValueError("a frontier needs both error and records")
        if isinstance(self.objective, list) and self.halving is not None:
            raise ValueError("halving ranks by one number, a frontier has two: give one of them")
        if self.problems and "holdouts" in self.model_fields_set:
            raise ValueError("both holdouts and problems: give one of them")
        return self

    @property
    def several(self) -> bool:
        """Whether a frontier is looked for and not one number made small."""
        return isinstance(self.objective, list)

    @property
    def one(self) -> Objective:
        """The objective of one number; of a frontier, its error."""
        return self.objective if isinstance(self.objective, Objective) else Objective()


class Tuned(_Strict):
    """Where one setting was found: what the search of its method cost, and what it came to on the inner hold-outs."""

    label: str
    default: str
    problem: str
    split: str
    budget: int | float | None = None
    refit: str
    default_refit: str
    trial: int
    trials: int
    refused: int
    failed: int
    failure: str = ""  # the most frequent reason
    cpu_seconds: float
    inner_default: float | None
    inner_tuned: float | None
    settings: dict[str, Any]


def read_search(method: Method, given: Mapping[str, Any] | None, fixed: Collection[str], place: str) -> Space:
    """What is searched: the ranges of the file, or else the method's own without what is `fixed` or ruled out by it.

    `InputError` for a range that is none, or that the method refuses at an end.
    """
    if given is None:
        known = type(method).search_space
        return {name: one for name, one in known.items() if name not in fixed and _refusal(method, name, one) is None}
    space = read_space(given, place)
    fields = [field.name for field in dataclasses.fields(method)] + ["lam"] * ("lam" in method.coordinates)
    for name, one in space.items():
        if name not in fields:
            raise InputError(f"{place}.{name}", "no parameter of the method", cure=did_you_mean(name, fields))
        if name in fixed:
            raise InputError(f"{place}.{name}", "both fixed and searched", cure="drop one")
        if error := _refusal(method, name, one):
            raise error.at(place)
    return space


def _refusal(method: Method, name: str, one: Range) -> InputError | None:
    """What the method says against an end of a range, if anything."""
    if name == "lam":
        return None
    try:
        for value in one.examples:
            dataclasses.replace(method, **{name: value})
    except InputError as error:
        return error
    return None

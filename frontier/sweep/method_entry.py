"""An entry of `methods:` in an experiment file: a configured method, its grid, and where it runs; all of it checked."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frontier.core.errors import InputError, did_you_mean
from frontier.core.outside import names_a_file
from frontier.core.point import Point
from frontier.core.registry import unknown_key, validation_error
from frontier.core.search_space import Space
from frontier.methods.base import Method
from frontier.methods.registry import class_name, configured, find_method
from frontier.sweep.tune_section import read_search

Budget = int | float  # records, or a share of the problem's records
RESERVED = ("name", "label", "problems", "splits", "lam", "budget", "seeds", "search")  # of a method: no parameters
PATHS = frozenset({"checkpoint"})  # parameters that name a place on disk: no result depends on them
LONGEST_LABEL = 80  # characters: a legend has no room for more
SHOWN = r"[\u0020-\u052F\u2000-\u20CF\u2100-\u22FF]+"  # of what figures print: their font has these
MOST_CELLS = 1_000_000  # of a file, before its splits: at a millisecond each a quarter of an hour


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A configured method, its grid (λ or budgets, in records or shares of n, and seeds), its problems and splits.

    Without `splits` it runs on all. `search` is what `frontier tune` tries for its parameters.
    """

    label: str
    name: str
    method: Method
    lams: tuple[float | None, ...]
    budgets: tuple[Budget | None, ...]
    seeds: tuple[int | None, ...]
    problems: tuple[str, ...]
    splits: tuple[str, ...] = ()
    search: Space = field(default_factory=dict)

    @property
    def params(self) -> dict[str, Any]:
        return dataclasses.asdict(self.method)

    def points_on(self, n_records: int) -> tuple[Point, ...]:
        """The points on a problem of `n_records`; `InputError` where shares of it round to 0 or to the same budget."""
        sizes: dict[int | None, Budget | None] = {}
        for budget in self.budgets:
            size = round(budget * n_records) if isinstance(budget, float) else budget
            if size == 0 or size in sizes:
                same = f"as is {sizes[size]}" if size in sizes else "too few"
                got = f"{budget} of {n_records:,}, {size} records, {same}"
                raise InputError("budget", "not a budget of its own", expected="distinct whole records", got=got)
            sizes[size] = budget
        return tuple(itertools.starmap(Point, itertools.product(self.lams, sizes, self.seeds)))


class _Grid(BaseModel):
    """The reserved keys of a method entry."""

    model_config = ConfigDict(strict=True)

    label: str | None = Field(default=None, min_length=1)
    problems: list[str] | None = Field(default=None, min_length=1)
    splits: list[str] | None = Field(default=None, min_length=1)
    lam: list[float] | None = Field(default=None, min_length=1)
    budget: list[Any] | None = Field(default=None, min_length=1)
    seeds: list[int] | None = Field(default=None, min_length=1)
    search: dict[str, Any] | None = None


def read_method(
    entry: dict[str, Any], place: str, problem_labels: list[str], common: tuple[Budget, ...], folder: Path
) -> MethodSpec:
    """One entry; without λ or budget of its own it takes the `common` budgets, if it has an axis at all."""
    name = name_in(entry, "name", place)
    cls = find_method(name, f"{place}.name", folder)
    fields = [field.name for field in dataclasses.fields(cls)]
    if taken := [key for key in RESERVED if key in fields]:  # by a method outside this package
        cure = "rename the parameter"
        raise InputError(f"{place}.name", f"'{name}' has a parameter called '{taken[0]}', a key of its own", cure=cure)
    known = [*RESERVED, *fields]
    unknown = [key for key in entry if key not in known]
    if unknown:
        raise unknown_key(cls, unknown[0], known, place)
    try:
        grid = _Grid.model_validate({key: entry[key] for key in RESERVED[1:] if key in entry})
    except ValidationError as error:
        raise validation_error(error, place) from None
    shown = grid.label or (class_name(cls, f"{place}.name") if names_a_file(name) else name)
    _check_label(shown, f"{place}.label")
    budgets = read_budgets(grid.budget, f"{place}.budget")
    for key in ("lam", "seeds"):
        check_unique(getattr(grid, key) or [], f"{place}.{key}", key, cure="list each value once")
    for label in grid.problems or ():
        if label not in problem_labels:
            raise InputError(
                f"{place}.problems", f"unknown problem '{label}'", cure=did_you_mean(label, problem_labels)
            )
    method = configured(cls, {key: value for key, value in entry.items() if key not in RESERVED}, place)
    if grid.seeds and not method.stochastic:
        raise InputError(f"{place}.seeds", f"'{name}' is deterministic", cure="drop seeds")
    if grid.lam and grid.budget:
        raise InputError(f"{place}.budget", "both lam and budget", expected="one of them", cure="use two entries")
    search = read_search(method, grid.search, entry.keys(), f"{place}.search")
    if not grid.lam and not budgets and method.coordinates and "lam" not in search:
        budgets = common
    for key in PATHS:
        _check_inside(getattr(method, key, None), f"{place}.{key}")
    spec = MethodSpec(
        label=shown,
        name=name,
        method=method,
        lams=tuple(grid.lam or [None]),
        budgets=budgets or (None,),
        seeds=tuple(grid.seeds or [None]),
        problems=tuple(grid.problems or problem_labels),
        splits=tuple(grid.splits or ()),
        search=search,
    )
    try:
        json.dumps(spec.params)
    except TypeError as error:  # of a method outside this package
        raise InputError(place, f"parameters that results cannot hold: {error}", expected="plain values") from None
    if n_points(spec) > MOST_CELLS:
        raise InputError(place, "too many points", expected=f"at most {MOST_CELLS:,}", got=f"{n_points(spec):,}")
    if "lam" in search:  # every trial brings its own
        return spec
    try:  # whatever the records are many enough for: shares are resolved when a problem is there
        method.check_any(dataclasses.replace(spec, budgets=(1,) if budgets else (None,)).points_on(1))
    except InputError as error:
        raise error.at(place) from None
    return spec


def _check_label(label: str, place: str) -> None:
    """Refuse a label that figures, tables and pages could not print in one line."""
    strange = next((c for c in label if not (c.isprintable() and re.fullmatch(SHOWN, c))), None)
    if strange is not None or label != label.strip() or len(label) > LONGEST_LABEL:
        got = f"{label!r:.60}" if strange is None else f"U+{ord(strange):04X}"
        got += f", {len(label):,} characters" if len(label) > LONGEST_LABEL else ""
        letters = "letters (Latin, Greek, Cyrillic), digits, signs; no spaces around them"
        expected = f"at most {LONGEST_LABEL} {letters}"
        raise InputError(place, "not a label", expected=expected, got=got)


def one_method_a_label(methods: Sequence[MethodSpec], place: str) -> None:
    """Refuse a label of two entries, unless they are settings of one method, each for cells of its own."""
    first: dict[str, MethodSpec] = {}
    for spec in methods:
        other = first.setdefault(spec.label, spec)
        alike = [one for one in methods if one.label == spec.label]
        cells = [set(itertools.product(s.lams, s.budgets, s.seeds, s.problems, s.splits or ("",))) for s in alike]
        if other.name != spec.name or sum(map(len, cells)) > len(set().union(*cells)):
            cure, got = "give each entry its own label", f"{spec.label!r} twice"
            raise InputError(place, "duplicate label", expected="distinct values", got=got, cure=cure)


def n_points(spec: MethodSpec) -> int:
    """Points of a method's grid."""
    return len(spec.lams) * len(spec.budgets) * len(spec.seeds)


def _check_inside(value: object, place: str) -> None:
    """A path in an experiment file stays below the folder that the user works in: the file may be somebody else's."""
    if isinstance(value, str) and (Path(value).is_absolute() or ".." in Path(value).parts or "\0" in value):
        raise InputError(place, "leaves the working folder", expected="a relative path without '..'", got=repr(value))


def read_budgets(values: list[Any] | None, place: str) -> tuple[Budget, ...]:
    """Whole numbers of records or shares of n, each given once."""
    for i, value in enumerate(values or ()):
        records = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        if not records and not (isinstance(value, float) and 0 < value < 1):
            expected = "records (a whole number ≥ 1) or a share of the records (0 < share < 1)"
            raise InputError(f"{place}[{i}]", "not a budget", expected=expected, got=f"{value!r:.40}")
    check_unique(values or [], place, "budget", cure="list each value once")
    return tuple(values or ())


def name_in(entry: Mapping[str, Any], key: str, place: str) -> str:
    """The string under a key that must be there."""
    value = entry.get(key)
    if value is None:
        raise InputError(f"{place}.{key}", "missing key", cure=f"add '{key}: …'")
    if not isinstance(value, str):
        raise InputError(f"{place}.{key}", "not a name", expected="a string", got=repr(value))
    return value


def check_unique(values: Iterable[Any], place: str, what: str, cure: str) -> None:
    """Refuse a value that is given twice."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise InputError(place, f"duplicate {what}", expected="distinct values", got=f"{value!r} twice", cure=cure)
        seen.add(value)

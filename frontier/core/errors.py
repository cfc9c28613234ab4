"""The one exception for bad input, and the wording of its single line.

An `InputError` reads `place: what; expected …, got …; cure`. Commands print it and exit with code 2; numerical failure
is never raised but returned as a status (`core.status`).
"""

from __future__ import annotations

import copy
import difflib
import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

MISTAKES = 20  # of one kind that are told at once; a wrong column has as many as rows
LISTED = 40  # names that still make one readable line; a problem can have thousands of targets


class InputError(ValueError):
    """Bad input, told in one line: where, what, what was expected, what came, and the cure."""

    def __init__(
        self,
        place: str | Path,
        what: str = "",
        *,
        expected: object = None,
        got: object = None,
        cure: str | None = None,
    ) -> None:
        self.place, self.what, self.cure = str(place), what, cure
        comparison = ", ".join(
            f"{word} {value}" for word, value in (("expected", expected), ("got", got)) if value is not None
        )
        parts = [part for part in (what, comparison, cure) if part]
        line = f"{self.place}: {'; '.join(parts)}" if parts else self.place  # a copy is made of the line alone
        super().__init__(" ".join(line.split()))

        self.others: tuple[InputError, ...] = ()  # found with it (`raise_first`)

    def at(self, place: str | Path) -> InputError:
        """The same error seen from further out: `place` is put before its own place."""
        outer = copy.copy(self)
        outer.place, outer.args = f"{place}.{self.place}", (f"{place}.{self.args[0]}",)
        return outer


def raise_first(errors: Iterable[InputError]) -> None:
    """Raise the first of some errors, with the others behind it for whoever shows all; nothing without any."""
    found = list(itertools.islice(errors, MISTAKES))
    if found:
        first, *later = found
        first.others += tuple(other for error in later for other in (error, *error.others))
        raise first


def mistakes(checks: Iterable[Callable[[], object]]) -> list[InputError]:
    """What independent checks complain of, each complaint once."""
    found: dict[str, InputError] = {}
    for check in checks:
        try:
            check()
        except InputError as error:
            for one in (error, *error.others):
                found.setdefault(str(one), one)
    for one in found.values():
        one.others = ()
    return list(found.values())


def some(names: Sequence[object], shown: int = 3) -> str:
    """The first of some names, quoted, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(repr(name) for name in names[:shown]) + more


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """The cure for a mistyped name: `did you mean 'lam'?`, or all options when nothing is near."""
    known = sorted(set(options))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    if len(known) > LISTED:
        return f"there are {len(known)}, '{known[0]}' is the first"
    return f"known: {', '.join(known)}" if known else "nothing is allowed here"

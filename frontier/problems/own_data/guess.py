"""How a CSV file is written, guessed from its first lines, for a first draft: what reads a problem guesses nothing."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from frontier.core.errors import InputError
from frontier.problems.own_data.dialect import STANDARD, Dialect, settings_for
from frontier.problems.own_data.opening import check_file, is_utf8

FIRST_BYTES = 1 << 20
SEPARATORS = (",", ";", "\t", "|")
DECIMALS = re.compile(r"[+-]?\d+\.\d+")
GROUPS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")


def guessed(path: Path, shown: str) -> Dialect:
    """The dialect under which most of the first fields that look like numbers are numbers."""
    check_file(path, shown)
    if path.suffix.lower() != ".csv":
        return STANDARD
    encoding = STANDARD.encoding if is_utf8(path) else "cp1252"
    with path.open("rb") as file:
        text = file.read(FIRST_BYTES).decode(encoding, errors="replace").removeprefix("\ufeff")
    lines = text.splitlines()
    sep = max(SEPARATORS, key=lambda sign: lines[0].count(sign)) if lines else STANDARD.sep
    try:
        fields = [field.strip() for row in csv.reader(lines[1:], delimiter=sep) for field in row]
    except csv.Error as error:
        raise InputError(shown, f"cannot be read: {error}", cure="CSV: UTF-8, commas, one header line") from None
    asked = [settings_for(field) for field in fields]
    commas = sum("decimal" in settings for settings in asked)
    points = sum(bool(DECIMALS.fullmatch(field) and not GROUPS.fullmatch(field)) for field in fields)
    decimal = "," if commas > points else "."
    between = Counter(settings["thousands"] for settings in asked if settings.get("thousands", decimal) != decimal)
    if decimal == ",":  # `1.234` is a number as it is, and another one
        between["."] += sum(bool(GROUPS.fullmatch(field)) for field in fields)
    [(thousands, times)] = between.most_common(1) or [("", 0)]
    return Dialect(sep, decimal, thousands if times else "", encoding)

"""Tables that a study measured and keeps as CSV files, so that its page can be drawn again without measuring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd

from frontier.core.errors import InputError
from frontier.core.files import write_atomically

T = TypeVar("T")


def keep(table: pd.DataFrame, path: Path) -> None:
    """Write a table, whole or not at all."""
    write_atomically(path, table.to_csv(index=False, lineterminator="\n").encode())


def read_kept(path: Path, read: Callable[[pd.DataFrame], T], cure: str = "measure it again") -> T:
    """What a kept table comes to; `InputError` for another table than `read` expects."""
    try:
        return read(pd.read_csv(path))
    except (ValueError, KeyError) as error:
        raise InputError(path, f"not the table that is expected: {error}", cure=cure) from None

"""Results from elsewhere as a run: a CSV table of points that another tool reached, to stand beside ours in a figure.

One row a point. `problem`, `split` and `label` say whose it is (the first two as in the runs beside it), `lam`,
`budget` and `seed` which point, where there are such; every other column is a metric of the cells table (`n_active`,
`train_mare`, `heldout_mare`, `ess`, …), in its units. Nothing of it is checked against weights: the report says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from frontier.core.errors import InputError, did_you_mean
from frontier.core.status import Status
from frontier.results.run import Run
from frontier.results.schema import TEXTS, cells_table

REQUIRED = ("problem", "split", "label", "n_active")
WHOSE = (*REQUIRED[:3], "lam", "budget", "seed")
UNCHECKED = "These numbers are another tool's own: nothing of them was computed from weights here."


def read_foreign(path: Path, runs: Sequence[Run]) -> Run:
    """The table as a run named after its file.

    Raises `InputError` for a column that no run beside it has, a problem or split they do not know, or a text where a
    number belongs.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(path, f"cannot be read: {error}", expected="a CSV table with a row per point") from None
    known = list(dict.fromkeys(name for run in runs for name in run.cells.columns if name not in set(TEXTS) - {*WHOSE}))
    for name in REQUIRED:
        if name not in table.columns:
            raise InputError(path, f"no column '{name}'", expected=", ".join(REQUIRED))
    for name in table.columns:
        if name not in known:
            raise InputError(f"{path}: column '{name}'", "unknown column", cure=did_you_mean(name, known))
    for name in ("problem", "split"):
        there = sorted({str(value) for run in runs for value in run.cells[name].unique()})
        for row, value in enumerate(table[name].astype(str)):
            if value not in there:
                raise InputError(
                    f"{path}: row {row + 2}: {name}", f"unknown '{value}'", cure=did_you_mean(value, there)
                )
    for name in table.columns.difference(list(WHOSE[:3])):
        numbers = pd.to_numeric(table[name], errors="coerce")
        if (wrong := numbers.isna() & table[name].notna()).any():
            row = int(wrong.to_numpy().argmax())
            raise InputError(f"{path}: row {row + 2}: {name}", "not a number", got=repr(table[name].iloc[row]))
        table[name] = numbers
    table["method"] = table["label"]
    rows = [
        dict.fromkeys((*known, "lam", "budget", "seed"))
        | {str(name): None if pd.isna(value) else value for name, value in row.items()}
        | {"cell": f"{path.stem}/{number}", "refit": "none", "repeat": 0, "status": Status.COMPLETED.value}
        | {"claimed_status": Status.COMPLETED.value, "timing": "unmeasured", "message": UNCHECKED}
        for number, row in enumerate(table.to_dict("records"))
    ]
    manifest = {
        "experiment": path.stem,
        "methods": {label: {"name": label, "params": {"from": path.name}} for label in table["label"].astype(str)},
        "limitations": [UNCHECKED],
    }
    return Run(cells_table(rows), manifest, path.stem)

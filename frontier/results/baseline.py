"""Baselines: small committed folders that a run is checked against, `cells.csv` and the `manifest.json` it came from.

The table has what identifies and judges a cell, without weights, traces and messages. The manifest is the run's,
without what only a report needs, and with the table's sha256: a table edited by hand, cut off or half replaced is
refused.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from frontier.core.errors import InputError
from frontier.core.files import read_limited, write_atomically
from frontier.core.outside import outside_texts
from frontier.results.history import KEY, Entry
from frontier.results.manifest import checked, read_json
from frontier.results.provenance import method_code
from frontier.results.run import Run, load_run
from frontier.results.schema import FIRST, RESULT_FORMAT, TEXTS, cells_table, require

TABLE, MANIFEST = "cells.csv", "manifest.json"
DIGEST = "cells_csv_sha256"
LARGEST_TABLE_BYTES = 64 << 20  # some 200,000 cells; what is committed should have a thousandth of that
COLUMNS = (
    *("status", "n_iter", "budget_reached", "objective", "relative_gap", "support_is_unique", "certified"),
    *("n_active", "ess", "max_weight_ratio", "train_mare", "heldout_mare", "heldout_capped_mare"),
    *("timing", "batch_size", "fit_seconds"),
)
FACTS = (
    *("format", "experiment", "experiment_file", "plan_fingerprint", "code_digest", "versions", "machine", "jobs"),
    *("threads_per_batch", "repeats", "refit", "problems", "splits", "methods", "started_unix_seconds"),
)
PROBLEM_FACTS = ("name", "params", "fingerprint", "n_targets", "n_records")
SPLIT_FACTS = ("fingerprint", "n_train", "n_heldout")


class NotComparable(InputError):
    """A baseline that cannot be compared with: of another format version, or damaged."""


def read_baseline(folder: Path) -> Run:
    """A committed baseline, or a results folder: any two runs may be compared."""
    if not folder.is_dir():
        raise InputError(
            folder, "no such folder", expected="a baseline or a results folder", cure="write with --update"
        )
    if (folder / "cells.parquet").is_file():
        return load_run(folder)
    for name in (TABLE, MANIFEST):
        if not (folder / name).is_file():
            raise InputError(
                folder, f"no {name}", expected="a baseline or a results folder", cure="write with --update"
            )
    manifest = read_json(folder / MANIFEST)
    if manifest.get("format") != RESULT_FORMAT:
        raise NotComparable(
            folder / MANIFEST,
            "a baseline of another format version",
            expected=RESULT_FORMAT,
            got=manifest.get("format"),
            cure="run the experiment and write a new one with --update",
        )
    manifest = checked(manifest, folder / MANIFEST)
    content = read_limited(folder / TABLE, LARGEST_TABLE_BYTES)
    if hashlib.sha256(content).hexdigest() != manifest.get(DIGEST):
        raise NotComparable(
            folder / TABLE,
            "checksum mismatch: edited, damaged or half written",
            cure="restore it, or write with --update",
        )
    rows = [_values(row) for row in csv.DictReader(io.StringIO(content.decode("utf-8")))]
    return Run(cells_table(rows), manifest)


def refuse_other_code(run: Run, place: Path) -> None:
    """Raise `NotComparable` for a run whose cells were not all made by the code that is here.

    A check says something about the code that is there now; cells that it did not make would vouch for it.
    """
    require(run.cells, ("label", "method"), str(place))
    made = run.cells["code"] if "code" in run.cells.columns else pd.Series("", index=run.cells.index)
    methods = run.manifest["methods"]
    for (label, method), codes in made.fillna("").groupby([run.cells["label"], run.cells["method"]], sort=True):
        source = methods.get(label, {}).get("params", {}).get("source", "")
        texts = outside_texts(str(method), _folder(run))
        here = method_code(str(method), str(source), texts)
        other = codes[codes != here]
        if len(other) or not here:
            raise NotComparable(
                place,
                f"{len(other)} of {len(codes)} cells of '{label}' were made by other code of it than is here",
                expected=here or f"a method '{method}'",
                got=", ".join(sorted(set(other))) or "none",
                cure="run the experiment again: only such cells are solved",
            )


def _folder(run: Run) -> Path:
    """Where the experiment file was, from the working folder; its methods' files are read, not run."""
    folder = Path(str(run.manifest.get("experiment_folder") or "."))
    return Path() if folder.is_absolute() or ".." in folder.parts else folder


def write_baseline(run: Run, folder: Path, history: Sequence[Entry] = ()) -> None:
    """Write `run` as a baseline: the table, then the manifest whose digest makes it valid.

    `history` is that of the baseline that it replaces (`results/history.py`).
    """
    columns = [name for name in (*FIRST, *COLUMNS, *_extra(run.cells)) if name in run.cells.columns]
    content = run.cells[columns].to_csv(index=False, lineterminator="\n").encode()
    manifest = _reduced(run.manifest) | {DIGEST: hashlib.sha256(content).hexdigest()}
    manifest |= {KEY: list(history)} if history else {}
    try:
        write_atomically(folder / TABLE, content)
        write_atomically(folder / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n")
    except OSError as error:
        raise InputError(folder, f"cannot be written: {error.strerror}") from None


def _values(row: Mapping[str, str]) -> dict[str, str | float | bool | None]:
    """One line of the table; `float` reads back every bit of what was written."""
    found: dict[str, str | float | bool | None] = {}
    for name, text in row.items():
        if name in TEXTS or not text:
            found[name] = text or None
        else:
            found[name] = text == "True" if text in ("True", "False") else float(text)
    return found


def _extra(cells: pd.DataFrame) -> list[str]:
    """Error by family, where there are few enough families to be read."""
    families = [name for name in cells.columns if name.startswith("mare[")]
    return families if len(families) <= 20 else []


def _reduced(manifest: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: manifest[name] for name in FACTS if name in manifest}
    kept["problems"] = {
        label: {name: facts[name] for name in PROBLEM_FACTS if name in facts}
        for label, facts in manifest["problems"].items()
    }
    kept["splits"] = {
        label: {name: {f: facts[f] for f in SPLIT_FACTS if f in facts} for name, facts in splits.items()}
        for label, splits in manifest["splits"].items()
    }
    return kept

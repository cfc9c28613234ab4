"""Hundreds of damaged data files: each is a problem or one `InputError`; the command writes all of its files or none.

Files are damaged as bytes (wrong encodings, truncated, other bytes in them) and as tables (other types, NaN, infinity,
duplicates, missing and renamed columns, no rows), in every format and on both routes.
"""

from __future__ import annotations

import gzip
import io
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from frontier.commands.fit import main
from frontier.core.errors import InputError
from frontier.problems.registry import build_problem

FUZZ = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), max_examples=400
)
TARGETS = pd.DataFrame(
    {"name": ["a", "b", "c"], "value": [10.0, 25.0, 3.0], "family": ["x", "x", "y"], "importance": [1.0, 2.0, 1.0]}
)
RECORDS = pd.DataFrame({"id": ["p", "q", "r", "s"], "weight": [1.0, 2.0, 3.0, 4.0], "group": [1, 1, 2, 2]})
DENSE = np.array([[1.0, 2, 0, 1], [0, 3, 3, 1], [1, 0, 0, 1]])
LONG = pd.DataFrame([(t, r, DENSE[j, i]) for j, t in enumerate("abc") for i, r in enumerate("pqrs") if DENSE[j, i]])
LONG.columns = pd.Index(["target", "record", "value"])
WIDE = pd.DataFrame(DENSE.T, columns=list("abc")).assign(id=list("pqrs"))
PEOPLE = pd.DataFrame(
    {
        "id": [1, 1, 2, 3],
        "head": [True, False, True, True],
        "weight": [10, 10, 20, 30],
        "region": ["n", "n", "s", "s"],
        "age": [40, 12, 70, 30],
        "income": [100.5, 0.0, -5.0, 50.0],
    }
)
CELLS = pd.DataFrame(
    {
        "name": ["people", "income", "north"],
        "variable": ["", "income", "age|income"],
        "statistic": ["count", "amount", "count"],
        "value": [100.0, 4000.0, 20.0],
        "where:region": ["", "", "n|s"],
        "age_lower": [np.nan, 18.0, np.nan],
    }
)
MATRIX = {"name": "files", "targets": "targets", "records": "records", "matrix": "matrix"}
MICRODATA = {"name": "files", "microdata": "people", "targets": "cells", "id": "id", "head": "head"}
VALUES: list[Any] = [
    *(None, np.nan, np.inf, -np.inf, 0, -1, 0.5, 1e30, 1e31, 1e308, 5e-324, 2**53 + 1, -0.0, True),
    *("", " ", "a", "p", "nan", "NULL", "1e999", "é漢😀", "\x1b[2J", "x" * 2000, "a|b", "1,5", "-", "'", '"', "\n"),
]


def as_bytes(table: pd.DataFrame, suffix: str) -> bytes | None:
    """The file of a table; None for a table that this format does not hold."""
    try:
        if suffix == ".csv":
            return table.to_csv(index=False).encode()
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False)
        return buffer.getvalue()
    except (ValueError, TypeError, OverflowError, OSError):  # pyarrow's errors are of these kinds
        return None


@st.composite
def damaged_table(draw: st.DrawFn, table: pd.DataFrame) -> pd.DataFrame:
    """A table with one to three things wrong with it."""
    table = table.copy()
    for _ in range(draw(st.integers(1, 3))):
        action = draw(
            st.sampled_from(["value", "value", "value", "column", "type", "drop", "rename", "rows", "none", "twice"])
        )
        columns = list(table.columns)
        if len({*columns}) < len(columns):
            break  # pandas takes two columns of one name for a table
        column = draw(st.sampled_from(columns)) if columns else ""
        if action == "value" and len(table) and columns:
            values = table[column].astype(object).tolist()
            values[draw(st.integers(0, len(table) - 1))] = draw(st.sampled_from(VALUES))
            table[column] = pd.Series(values, index=table.index, dtype=object)
        elif action == "column":
            table[draw(st.sampled_from(["extra", "scale", "where:age", "age_upper", "x_lower", "weight", "é"]))] = draw(
                st.sampled_from(VALUES)
            )
        elif action == "type" and columns:
            kind = draw(st.sampled_from([str, "category", "float32", "int8", "bool", "datetime64[ns]", object]))
            try:
                table[column] = table[column].astype(kind)
            except (ValueError, TypeError, OverflowError):
                continue
        elif action == "drop" and len(columns) > 1:
            table = table.drop(columns=column)
        elif action == "rename" and columns:
            table = table.rename(
                columns={column: draw(st.sampled_from(["name", "id", "value", "", "target", "x" * 500]))}
            )
        elif action == "rows":
            table = pd.concat([table, table.iloc[: draw(st.integers(1, 4))]], ignore_index=True)
        elif action == "none":
            table = table.iloc[: draw(st.integers(0, 2))]
        elif action == "twice" and columns:
            table = pd.concat([table, table[[column]]], axis=1)
            break
    return table


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    action = draw(st.sampled_from(["bytes", "bytes", "cut", "utf-16", "latin-1", "zero", "gzip", "repeat"]))
    if action == "cut":
        return content[: draw(st.integers(0, len(content)))]
    if action in ("utf-16", "latin-1"):
        return (content.decode("latin-1") + "é").encode(action)
    if action == "zero":
        return bytes(draw(st.integers(0, 100)))
    if action == "gzip":
        return gzip.compress(content)
    if action == "repeat":
        return content + content
    raw = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        i = draw(st.integers(0, max(0, len(raw) - 1)))
        j = min(len(raw), i + draw(st.integers(0, 6)))
        raw[i:j] = draw(
            st.one_of(st.binary(max_size=6), st.sampled_from([b",", b"\n", b'"', b"nan", b"\xff", b"9" * 30]))
        )
    return bytes(raw)


@st.composite
def folders(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of a problem, one or two of them damaged, and its entry."""
    route = draw(st.sampled_from(["matrix", "matrix", "microdata"]))
    entry: dict[str, Any] = dict(MATRIX if route == "matrix" else MICRODATA)
    tables = {"targets": TARGETS, "records": RECORDS} if route == "matrix" else {"people": PEOPLE, "cells": CELLS}
    kind = draw(st.sampled_from(["long", "wide", ".npz", ".mtx", ".mtx.gz"])) if route == "matrix" else ""
    if kind in ("long", "wide"):
        tables["matrix"] = LONG if kind == "long" else WIDE
    victims = draw(
        st.lists(st.sampled_from([*tables, *(["matrix"] if route == "matrix" else [])]), min_size=1, max_size=2)
    )
    files: dict[str, bytes] = {}
    for name, table in tables.items():
        suffix = draw(st.sampled_from([".csv", ".parquet"]))
        whole = as_bytes(table, suffix)
        assert whole is not None
        if name in victims:
            other = draw(damaged_table(table)) if draw(st.booleans()) else None
            whole = draw(damaged_bytes(whole)) if other is None else as_bytes(other, suffix) or whole
        files[name + suffix] = whole
        key = next(key for key, value in entry.items() if value == name)
        entry[key] = name + suffix
    if kind.startswith("."):
        buffer = io.BytesIO()
        if kind == ".npz":
            sp.save_npz(buffer, draw(st.sampled_from([sp.csr_array, sp.csc_array, sp.coo_array]))(DENSE))
        else:
            scipy.io.mmwrite(buffer, sp.coo_array(DENSE), field="real", symmetry="general")
        content = draw(damaged_bytes(buffer.getvalue())) if "matrix" in victims else buffer.getvalue()
        content = gzip.compress(content) if kind == ".mtx.gz" else content
        files["matrix" + kind] = draw(damaged_bytes(content)) if kind == ".mtx.gz" and draw(st.booleans()) else content
        entry["matrix"] = "matrix" + kind
    entry |= draw(st.sampled_from([{}, {"min_records": 1}, {"group": "group"}, {"weight": "age"}, {"floor": 1e-3}]))
    return files, entry


def test_no_damaged_file_ends_in_anything_but_a_problem_or_one_line(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    lines: list[str] = []

    @FUZZ
    @given(folders())
    def build(case: tuple[dict[str, bytes], dict[str, Any]]) -> None:
        files, entry = case
        for path in tmp_path.iterdir():
            path.unlink()
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        params = {key: value for key, value in entry.items() if key != "name"}
        try:
            problem = build_problem("files", params, "p", tmp_path)
        except InputError as error:
            counts["refused"] += 1
            lines.append(str(error))
        else:
            assert np.isfinite(problem.M.data).all()
            assert problem.w0.sum() > 0
            counts["built"] += 1

    build()
    assert all("\n" not in line and len(line) < 3_000 for line in lines)  # characters: a line, not a page
    assert min(counts["built"], counts["refused"]) > 40, f"damage is all fatal or all harmless: {counts}"


@pytest.mark.filterwarnings("default")  # a user sees a warning as a line
def test_the_command_writes_both_files_or_none_and_says_one_line(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()

    @settings(FUZZ, max_examples=150)
    @given(folders())
    def fit(case: tuple[dict[str, bytes], dict[str, Any]]) -> None:
        files, entry = case
        for path in tmp_path.iterdir():
            path.unlink()
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        (tmp_path / "problem.yaml").write_text(yaml.safe_dump(entry))
        arguments = [str(tmp_path / "problem.yaml"), "--method", "anchored_l1", "--lam", "0.1"]
        arguments += ["--out", str(tmp_path / "w.csv")]
        with warnings.catch_warnings():
            done = CliRunner().invoke(main, arguments)
        assert done.exit_code in (0, 1, 2), f"{done.exception!r} for {entry} {files}"
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert "Traceback" not in done.output
        written = sorted(path.name for path in tmp_path.glob("*w*.csv*"))
        if done.exit_code == 2:
            *before, last = done.stderr.splitlines()
            assert last.startswith("error: "), done.stderr
            assert all(line.startswith(("warning: ", "error: ")) for line in before), done.stderr
            assert not written
        else:
            assert written in ([], ["w.csv", "w_targets.csv"])
            assert written or done.exit_code == 1
        counts["written" if written else "refused" if done.exit_code == 2 else "failed"] += 1

    fit()
    assert min(counts["written"], counts["refused"]) > 15, f"damage is all fatal or all harmless: {counts}"

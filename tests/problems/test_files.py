"""A problem read from a matrix and two lists: exact through every format, and one clear line for every mistake."""

from __future__ import annotations

import gzip
import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp
import yaml

import frontier
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.own_data import matrix, opening, tables
from frontier.problems.own_data.export import MATRICES, TABLES, MatrixFormat, TableFormat, write_problem
from frontier.problems.registry import build_problem
from frontier.results.store import Store
from frontier.sweep.run import run_session
from frontier.sweep.session import open_session
from tests.conftest import make_problem
from tests.problems.test_problems import in_cents

README_SHA256 = "57080d85f618ce7a8a5ea36f4eb9ad54847b379e8299af7280b27bef4e41ea1f"  # data/README.md, cps_ohio


@cache
def ohio() -> CalibrationProblem:
    return frontier.load_problem("cps_ohio")


def read(folder: Path, file: str = "problem.yaml", **changes: Any) -> CalibrationProblem:
    """The problem of a `problem.yaml`, some of its keys changed (None: dropped)."""
    entry = yaml.safe_load((folder / file).read_text()) | changes
    entry = {key: value for key, value in entry.items() if value is not None}
    entry.pop("label", None)
    return build_problem(entry.pop("name"), entry, "p", folder)


@pytest.mark.parametrize("tables", TABLES)
@pytest.mark.parametrize("matrix", MATRICES)
def test_ohio_comes_back_exactly_through(matrix: MatrixFormat, tables: TableFormat, tmp_path: Path) -> None:
    write_problem(ohio(), tmp_path, matrix=matrix, tables=tables)
    found = read(tmp_path)
    assert found.fingerprint == ohio().fingerprint
    assert in_cents(found) == README_SHA256
    assert found.meta["held_out_families"] == ("usda_snap", "cms_medicaid", "irs_eitc")
    assert found.meta["warnings"] == ()


@pytest.mark.parametrize("tables", TABLES)
def test_wide_tables_are_matched_by_name_and_not_by_position(tables: TableFormat, tmp_path: Path) -> None:
    write_problem(ohio(), tmp_path, tables=tables)
    rng = np.random.default_rng(0)
    m, n = ohio().M.shape
    dense = ohio().M.toarray()
    order, columns = rng.permutation(m), rng.permutation(n)
    wide = pd.DataFrame(dense[order][:, columns], columns=[str(i) for i in columns])
    wide.insert(3, "target", np.array(ohio().target_names)[order])
    wide.to_csv(tmp_path / "wide.csv", index=False) if tables == "csv" else wide.to_parquet(tmp_path / "wide.parquet")
    assert read(tmp_path, matrix=f"wide.{tables}").fingerprint == ohio().fingerprint
    tall = pd.DataFrame(dense.T[columns][:, order], columns=np.array(ohio().target_names)[order])
    tall["id"] = columns
    tall.to_csv(tmp_path / "tall.csv", index=False) if tables == "csv" else tall.to_parquet(tmp_path / "tall.parquet")
    assert read(tmp_path, matrix=f"tall.{tables}").fingerprint == ohio().fingerprint


def test_parquet_is_read_in_blocks_of_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_problem(ohio(), tmp_path, matrix="wide", tables="parquet")
    monkeypatch.setattr(matrix, "WIDE_CELLS", 3 * 5177)  # three columns at a time
    monkeypatch.setattr(tables, "BATCH_ROWS", 100)
    assert read(tmp_path).fingerprint == ohio().fingerprint


def test_csc_coo_and_pattern_files_are_read_too(tmp_path: Path) -> None:
    problem = make_problem()
    write_problem(problem, tmp_path)
    for kind in (sp.csc_array, sp.coo_array, sp.csr_matrix):
        sp.save_npz(tmp_path / "matrix.npz", kind(problem.M))
        assert read(tmp_path).fingerprint == problem.fingerprint
    scipy.io.mmwrite(tmp_path / "dense.mtx", problem.M.toarray(), symmetry="general")
    assert read(tmp_path, matrix="dense.mtx").fingerprint == problem.fingerprint
    ones = sp.coo_array((problem.M != 0).astype(float))
    scipy.io.mmwrite(tmp_path / "ones.mtx", ones, field="pattern", symmetry="general")
    np.testing.assert_array_equal(read(tmp_path, matrix="ones.mtx").M.toarray(), ones.toarray())


def test_lists_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("name,value,importance,scale,note\na,10,,,\nb,0.5,2,,typed in\nc,3,,7,\n")
    (tmp_path / "r.csv").write_text("w\n1\n2\n")
    (tmp_path / "m.csv").write_text("target,record,value\na,0,1\na,1,2\nb,1,1e-2\nc,0,5\n")
    found = frontier.load_problem(
        "files",
        matrix=str(tmp_path / "m.csv"),
        targets=str(tmp_path / "t.csv"),
        records=str(tmp_path / "r.csv"),
        weight="w",
    )
    assert found.families == ("all",) * 3
    assert found.importance.tolist() == [1, 2, 1]
    assert found.scale.tolist() == [10, 1, 7]  # the floor of a small target is 1, as everywhere
    assert found.groups is None
    assert found.meta["record_ids"].tolist() == [0, 1]
    assert found.M.toarray().tolist() == [[1, 2], [0, 0.01], [5, 0]]


# --- mistakes: what is done to the files of a good problem, and what the one line says

TARGETS = "name,value,family\na,10,x\nb,20,x\nc,-3,y\n"
RECORDS = "id,weight,group\np,1,1\nq,2,1\nr,3,2\n"
LONG = "target,record,value\na,p,1\nb,q,2\nb,r,1\nc,p,-1\n"
GOOD = {"t.csv": TARGETS, "r.csv": RECORDS, "m.csv": LONG}
ENTRY = {"name": "files", "targets": "t.csv", "records": "r.csv", "matrix": "m.csv"}
MISTAKES: dict[str, tuple[dict[str, str | bytes], dict[str, Any], str]] = {
    "a file that is not there": ({}, {"matrix": "no.npz"}, "no.npz: no such file"),
    "a folder": ({}, {"targets": "sub.csv"}, "sub.csv: not a file"),
    "a spreadsheet": ({}, {"targets": "t.xlsx"}, "t.xlsx: not a table; expected a .csv or .parquet file"),
    "a matrix of an unknown kind": ({}, {"matrix": "m.rds"}, "m.rds: no such file"),
    "a text file as matrix": ({"m.txt": "1"}, {"matrix": "m.txt"}, "m.txt: not an estimate matrix; expected .npz"),
    "no matrix": ({}, {"matrix": None}, "problem 'files'.matrix: missing key"),
    "no records": ({}, {"records": None}, "problem 'files'.records: missing key"),
    "both routes": ({}, {"microdata": "r.csv"}, "problem 'files'.matrix: is not used with microdata"),
    "a key of the other route": ({}, {"head": "group"}, "problem 'files'.head: is used with microdata only"),
    "an absolute path": ({}, {"matrix": "/etc/passwd"}, "matrix: leaves the folder of the experiment file"),
    "a path above": ({}, {"targets": "a/../../t.csv"}, "targets: leaves the folder of the experiment file"),
    "a path with a NUL": ({}, {"records": "r\0.csv"}, "records: not a path"),
    "no column of values": ({"t.csv": TARGETS.replace("value", "valu")}, {}, "no column 'value'; did you mean 'valu'?"),
    "semicolons": ({"t.csv": TARGETS.replace(",", ";")}, {}, "t.csv: one column: its header has no ','; set sep: ';'"),
    "two columns of one name": ({"t.csv": TARGETS.replace("family", "value")}, {}, "two columns of one name; got 'v"),
    "a duplicate target": (
        {"t.csv": TARGETS.replace("b,", "a,")},
        {},
        "t.csv: row 3, column 'name': duplicate target; got 'a', as in row 2",
    ),
    "a target without a name": ({"t.csv": TARGETS.replace("b,", ",")}, {}, "row 3, column 'name': missing value"),
    "a value in words": (
        {"t.csv": TARGETS.replace("20", "twenty")},
        {},
        "row 3, column 'value': not a number; got",
    ),
    "thousands with commas": ({"t.csv": TARGETS.replace("20", '"2,000"')}, {}, "row 3, column 'value': not a number"),
    "a blank value": ({"t.csv": TARGETS.replace("20", "")}, {}, "row 3, column 'value': missing value"),
    "a NaN value": ({"t.csv": TARGETS.replace("20", "nan")}, {}, "row 3, column 'value': not a finite number; got nan"),
    "an infinite value": ({"t.csv": TARGETS.replace("20", "inf")}, {}, "row 3, column 'value': not a finite number"),
    "a target of 0": (
        {"t.csv": TARGETS.replace("20", "0")},
        {},
        "row 3, column 'value': a target of 0 has no",
    ),
    "a negative importance": (
        {"t.csv": "name,value,importance\na,1,1\nb,1,-1\nc,-1,1\n"},
        {},
        "row 3, column 'importance': out of range",
    ),
    "a scale of 0": ({"t.csv": "name,value,scale\na,1,1\nb,1,0\nc,-1,1\n"}, {}, "row 3, column 'scale': out of range"),
    "a target of the wrong sign": (
        {"t.csv": TARGETS.replace("20", "-20")},
        {},
        "row 3, column 'value' (target 'b'): wrong sign; expected the sign of what its records add, got -20",
    ),
    "a positive target of losses": ({"t.csv": TARGETS.replace("-3", "3")}, {}, "(target 'c'): wrong sign"),
    "a target without records": (
        {"m.csv": LONG.replace("c,p,-1\n", "")},
        {},
        "t.csv: row 4, column 'name' (target 'c'): no record adds to this target",
    ),
    "no targets": ({"t.csv": "name,value\n"}, {}, "t.csv: no targets"),
    "an empty file": ({"t.csv": ""}, {}, "t.csv: cannot be read: Empty CSV file"),
    "no records in the list": ({"r.csv": "id,weight\n"}, {}, "r.csv: no records"),
    "a row too short": ({"r.csv": RECORDS.replace("q,2,1", "q")}, {}, "Row #3: Expected 3 columns, got 1"),
    "no weights": ({}, {"weight": "wt"}, "r.csv: no column 'wt'; did you mean 'weight'?"),
    "a negative weight": ({"r.csv": RECORDS.replace("q,2", "q,-2")}, {}, "row 3, column 'weight': negative weight"),
    "weights of zero": ({"r.csv": "id,weight\np,0\nq,0\nr,0\n"}, {}, "column 'weight': weights sum to zero"),
    "weights beyond float64": (
        {"r.csv": "id,weight\np,1e308\nq,1\nr,1\n"},
        {},
        "row 2, column 'weight': too large",
    ),
    "a duplicate record": (
        {"r.csv": RECORDS.replace("q,", "p,")},
        {},
        "r.csv: row 3, column 'id': duplicate record; got 'p', as in row 2",
    ),
    "a record without an id": ({"r.csv": RECORDS.replace("q,", ",")}, {}, "row 3, column 'id': missing value"),
    "no such group": ({}, {"group": "cluster"}, "r.csv: no column 'cluster'"),
    "an unknown record": (
        {"m.csv": LONG.replace("q", "z")},
        {},
        "m.csv: row 3, column 'record': unknown record; got",
    ),
    "an unknown target": ({"m.csv": LONG.replace("b,q", "d,q")}, {}, "row 3, column 'target': unknown target; got"),
    "an entry twice": (
        {"m.csv": LONG.replace("b,r", "b,q")},
        {},
        "m.csv: row 4, column 'record': duplicate entry; got target 'b' and record q, as in row 3",
    ),
    "a NaN entry": ({"m.csv": LONG.replace("q,2", "q,nan")}, {}, "m.csv: row 3, column 'value': not a finite number"),
    "a blank entry": ({"m.csv": LONG.replace("q,2", "q,")}, {}, "m.csv: row 3, column 'value': missing value"),
    "a table of neither kind": ({"m.csv": "x,y\n1,2\n"}, {}, "m.csv: no column says what a row is"),
    "a wide table without a target": ({"m.csv": "id,a,b\np,1,0\nq,0,2\nr,0,1\n"}, {}, "no column for target 'c'"),
    "a wide table without a record": ({"m.csv": "id,a,b,c\np,1,0,-1\nq,0,2,0\n"}, {}, "no row for record 'r'"),
    "a wide table with a record twice": (
        {"m.csv": "id,a,b,c\np,1,0,-1\nq,0,2,0\nr,0,1,0\nq,0,0,0\n"},
        {},
        "m.csv: row 5, column 'id': duplicate record; got 'q', as in row 3",
    ),
    "a wide table with a blank": ({"m.csv": "id,a,b,c\np,1,,-1\nq,0,2,0\nr,0,1,0\n"}, {}, "row 2, column 'b': missing"),
    "an unknown family": ({}, {"held_out_families": ["z"]}, "held_out_families: unknown family 'z' in t.csv"),
    "min_records of 0": ({}, {"min_records": 0}, "min_records: too few"),
    "no target left": ({}, {"min_records": 3}, "min_records: no target is left; got 3, more than the 2 of any target"),
    "a floor of 0": ({}, {"floor": 0.0}, "floor: not a residual scale"),
    "another encoding": ({"t.csv": TARGETS.replace("x", "é").encode("latin-1")}, {}, "t.csv: cannot be read: In CSV"),
    "UTF-16": ({"t.csv": TARGETS.encode("utf-16")}, {}, "t.csv: cannot be read: CSV parse error"),
    "CSV named Parquet": ({"t.parquet": TARGETS}, {"targets": "t.parquet"}, "t.parquet: cannot be read: Parquet magic"),
    "an unknown key": ({}, {"wieght": "w"}, "p.wieght: unknown key; did you mean 'weight'?"),
    "a number for a path": ({}, {"targets": 3}, "p.targets: input should be a valid string"),
}


def put(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "sub.csv").mkdir(exist_ok=True)
    (folder / "problem.yaml").write_text(yaml.safe_dump(ENTRY))


def test_the_good_files_are_good(tmp_path: Path) -> None:
    put(tmp_path, GOOD)
    found = read(tmp_path, group="group")
    assert found.M.toarray().tolist() == [[1, 0, 0], [0, 2, 1], [-1, 0, 0]]
    assert found.groups is not None
    assert found.groups.tolist() == [1, 1, 2]


def test_strata_are_read_and_written(tmp_path: Path) -> None:
    put(tmp_path, GOOD | {"r.csv": "id,weight,group,region\np,1,1,a\nq,2,1,a\nr,3,2,b\n"})
    found = read(tmp_path, group="group", stratum="region")
    assert found.strata is not None
    assert found.strata.tolist() == ["a", "a", "b"]
    entry = yaml.safe_load(write_problem(found, tmp_path / "again").read_text())
    assert (entry["group"], entry["stratum"]) == ("group", "stratum")
    name = entry.pop("name")
    assert build_problem(name, entry, "again", tmp_path / "again").fingerprint == found.fingerprint


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_one_line_that_names_file_row_and_column(what: str, tmp_path: Path) -> None:
    files, changes, said = MISTAKES[what]
    put(tmp_path, GOOD | files)
    with pytest.raises(InputError) as caught:
        read(tmp_path, **changes)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)  # files are named as in the experiment


def test_the_folder_is_the_experiment_s_and_no_key() -> None:
    with pytest.raises(InputError, match=r"problem 'files'\.folder: unknown key"):
        frontier.load_problem("files", targets="t.csv", folder="x")


def test_targets_with_few_records_are_left_out_with_a_warning_when_that_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path, GOOD | {"t.csv": TARGETS.replace("family", "famly")})
    found = read(tmp_path, min_records=2)
    assert found.target_names == ("b",)
    assert found.meta["warnings"] == (
        "t.csv: columns that are not used: 'famly'",
        "t.csv: 2 targets with fewer than 2 records are left out: 'a', 'c'",
    )


def archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


CSR = {
    "format": np.array(b"csr"),
    "shape": np.array([3, 3]),
    "data": np.ones(4),
    "indices": np.array([0, 1, 2, 0]),
    "indptr": np.array([0, 1, 3, 4]),
}
HEADER = "%%MatrixMarket matrix coordinate real general\n% comment\n\n"
BAD_MATRICES: dict[str, tuple[str, bytes, str]] = {
    "a number that overflows": (
        "m.npz",
        archive(**CSR | {"data": np.full(4, 1e200)}),
        "too large a number; got 1e",
    ),
    "a pickle": ("m.npz", archive(**CSR | {"data": np.array([{}, 1, 2, 3], dtype=object)}), "holds pickled objects"),
    "no archive": ("m.npz", b"PK\x03\x04", "m.npz: cannot be read"),
    "another archive": ("m.npz", archive(a=np.ones(3)), "m.npz: no array 'format'"),
    "a format of its own": ("m.npz", archive(**CSR | {"format": np.array(b"dia")}), "format 'dia', expected 'csr'"),
    "complex numbers": ("m.npz", archive(**CSR | {"data": np.ones(4) * 1j}), "entries of type complex128"),
    "an index outside": ("m.npz", archive(**CSR | {"indices": np.array([0, 1, 9, 0])}), "m.npz: cannot be read"),
    "a negative index": ("m.npz", archive(**CSR | {"indices": np.array([0, 1, -9, 0])}), "m.npz: cannot be read"),
    "an indptr that falls": ("m.npz", archive(**CSR | {"indptr": np.array([0, 3, 1, 4])}), "m.npz: cannot be read"),
    "an infinity": (
        "m.npz",
        archive(**CSR | {"data": np.array([1, 2, np.inf, 1])}),
        "m.npz: not a finite number; got inf for target 'b' and record r",
    ),
    "the wrong shape": (
        "m.npz",
        archive(**CSR | {"shape": np.array([3, 10**12])}),
        "shape mismatch; expected 3 targets × 3 records, got 3 × 1,000,000,000,000",
    ),
    "a market of terabytes": (
        "m.mtx",
        b"%%MatrixMarket matrix array real general\n1000000 1000000\n",
        "shape mismatch; expected 3 targets × 3 records, got 1,000,000 × 1,000,000",
    ),
    "too many entries": ("m.mtx", f"{HEADER}3 3 {10**12}\n".encode(), "promises 1,000,000,000,000 entries, more than"),
    "fewer entries than promised": ("m.mtx", f"{HEADER}3 3 2\n1 1 1\n".encode(), "promises 2 entries, and has fewer"),
    "more entries than promised": (
        "m.mtx",
        f"{HEADER}3 3 1\n1 1 1\n2 2 1\n".encode(),
        "and has more",
    ),
    "an entry of words": ("m.mtx", f"{HEADER}3 3 1\n1 1 one\n".encode(), "m.mtx: cannot be read"),
    "an entry outside": (
        "m.mtx",
        f"{HEADER}3 3 1\n4 1 1\n".encode(),
        "not a whole number from 1 to 3",
    ),
    "symmetric storage": ("m.mtx", HEADER.replace("general", "symmetric").encode() + b"3 3 0\n", "symmetric storage"),
    "complex entries": ("m.mtx", HEADER.replace("real", "complex").encode() + b"3 3 0\n", "a complex matrix"),
    "no header": ("m.mtx", b"1 1 1\n", "no Matrix Market header"),
    "a header that does not end": ("m.mtx", b"%" * (2 << 20), "no Matrix Market header"),
    "a gzip file that breaks off": (
        "m.mtx.gz",
        gzip.compress(f"{HEADER}3 3 1\n1 1 1\n".encode())[:-12],
        "ended before",
    ),
    "a gzip bomb": ("m.mtx.gz", gzip.compress(f"{HEADER}3 3 1\n".encode() + bytes(8 << 20)), "more text than the"),
    "text named gzip": ("m.mtx.gz", HEADER.encode(), "Not a gzipped file"),
}


@pytest.mark.parametrize("what", BAD_MATRICES)
def test_a_bad_matrix_file_is_one_line(what: str, tmp_path: Path) -> None:
    name, content, said = BAD_MATRICES[what]
    put(tmp_path, GOOD | {name: content})
    with pytest.raises(InputError) as caught:
        read(tmp_path, matrix=name)
    assert said in str(caught.value)
    assert str(caught.value).startswith(name)


def test_a_transposed_matrix_is_recognised(tmp_path: Path) -> None:
    put(tmp_path, GOOD | {"r.csv": RECORDS + "s,1,3\n"})
    sp.save_npz(tmp_path / "m.npz", sp.csr_array(np.ones((4, 3))))
    with pytest.raises(InputError, match="transpose it"):
        read(tmp_path, matrix="m.npz")


def test_files_beyond_the_limits_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, GOOD)
    monkeypatch.setattr(tables, "LARGEST_ROWS", 2)
    with pytest.raises(InputError, match=r"t\.csv: too many rows; expected at most 2"):
        read(tmp_path)
    monkeypatch.setattr(opening, "LARGEST_FILE_BYTES", 10)
    with pytest.raises(InputError, match=r"t\.csv: too large; expected at most 10 bytes, got 39"):
        read(tmp_path)
    monkeypatch.undo()
    table = pd.DataFrame({"name": np.repeat("a", 100), "value": 1.0})
    table.to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(tables, "LARGEST_ROWS", 99)
    with pytest.raises(InputError, match="too many rows; expected at most 99, got 100"):
        read(tmp_path, targets="t.parquet")


def test_an_experiment_reads_its_files_from_its_own_folder_and_so_does_a_merge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from frontier.sweep.merging import merge_runs

    (tmp_path / "exp").mkdir()
    put(tmp_path / "exp", GOOD)
    text = yaml.safe_dump({"problems": [ENTRY], "methods": [{"name": "nn_lasso", "lam": [0.1], "lam_unit": "lam_max"}]})
    (tmp_path / "exp" / "a.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    session = open_session("exp/a.yaml")
    assert session.problems["files"].n_records == 3
    table = run_session(session, Store(tmp_path / "run"), quiet=True)
    merged = merge_runs([tmp_path / "run"], tmp_path / "merged")
    assert merged["cell"].tolist() == table["cell"].tolist()


def test_an_export_of_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="matrix: unknown format; expected npz or mtx"):
        write_problem(make_problem(), tmp_path, matrix="pickle")  # type: ignore[arg-type]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_problem(make_problem(), tmp_path / "file")

"""`python -m frontier score`: weights of anybody's, judged, and compared with newer ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from click.testing import Result
from typer.testing import CliRunner

import frontier
from frontier import CalibrationProblem
from frontier.commands.fit import main as fit_main
from frontier.commands.fit_files import read_problem_file
from frontier.commands.score import main

EXAMPLE = Path(__file__).resolve().parents[2] / "experiments" / "own_data"
MONTANA = "own_data/problem.yaml"
OLD, NEW = [12.0, 10, 10, 11], [10.0, 10, 10, 11]  # errors 7.5%, 20%, 10% and 2.5%, 0%, 10%


def run(command: object, *arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def score(*arguments: str | Path) -> Result:
    return run(main, *arguments)


def said(done: Result) -> list[str]:
    """What standard error says of the weights; doubts about the data are the problem's."""
    return [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the example's files."""
    shutil.copytree(EXAMPLE, tmp_path / "own_data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def four_records(**meta: object) -> CalibrationProblem:
    """Three totals of four records, 40, 10 and 20; the initial weights miss them by 10%, 40% and 0%."""
    M = sp.csr_array(np.array([[1.0, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 2]]))
    y, w0 = np.array([40.0, 10, 20]), np.array([14.0, 10, 10, 10])
    return CalibrationProblem("four", M, y, w0, families=("a", "a", "b"), target_names=("all", "one", "two"), meta=meta)


@pytest.fixture
def four(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with that problem, whose default split holds out the last total."""
    monkeypatch.chdir(tmp_path)
    frontier.write_problem(four_records(held_out_families=("b",)), ".")
    return tmp_path


def saved(name: str, weights: object) -> str:
    np.save(name, np.asarray(weights))
    return name


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("flags", [(), ("--active-only",)])
def test_what_fit_wrote_gets_the_numbers_that_fit_printed(suffix: str, flags: tuple[str, ...], folder: Path) -> None:
    arguments = (MONTANA, "--method", "pps_sample", "--refit", "fitted", "--budget", 60, "--split", "default")
    fitted = run(fit_main, *arguments, "--out", f"w.{suffix}", *flags)
    assert fitted.exit_code == 0, fitted.stderr
    done = score(MONTANA, f"w.{suffix}", "--split", "default", "--out", f"again.{suffix}")
    assert done.exit_code == 0, done.stderr
    names = ("problem", "records kept", "effective sample", "total weight", "error, fitted", "error, held out")
    lines = [line for line in fitted.stdout.splitlines() if line.startswith(names)]
    assert len(lines) == len(names)
    assert [line for line in done.stdout.splitlines() if line.startswith(names)] == lines
    assert f"weights           w.{suffix}, by household" in done.stdout
    read = pd.read_csv if suffix == "csv" else pd.read_parquet
    pd.testing.assert_frame_equal(read(f"again.{suffix}"), read(f"w_targets.{suffix}"))  # bit for bit


def test_the_five_worst_totals_are_named_with_what_they_are(folder: Path) -> None:
    _, problem = read_problem_file(Path(MONTANA))
    error = (problem.M @ problem.w0 - problem.y) / problem.scale
    worst = np.argsort(-np.abs(error))[:5]
    done = score(MONTANA, saved("w0.npy", problem.w0))
    lines = done.stdout.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("worst totals"))
    assert len(lines) == first + 5
    for line, j in zip(lines[first:], worst, strict=True):
        assert f"{problem.target_names[j]}: {problem.y[j]:,.0f}, estimate " in line
        assert line.endswith(f", {error[j]:+.1%}")
    assert done.exit_code == 0  # the initial weights are no worse than themselves


def test_arrays_and_ids_in_any_order_or_column_are_the_same_weights(four: Path) -> None:
    files = [saved("w.npy", NEW), saved("w32.npy", np.array(NEW, dtype=">f4")), saved("whole.npy", np.array(NEW, "u1"))]
    for name, frame in {
        "rows.csv": pd.DataFrame({"weight": NEW}),
        "record.csv": pd.DataFrame({"weight": NEW[::-1], "record": [3, 2, 1, 0]}),
        "id.parquet": pd.DataFrame({"id": [3.0, 1, 0, 2], "weight": [11, 10, 10, 10], "note": "ours"}),
        "text.parquet": pd.DataFrame({"id": ["3", "1", "0", "2"], "weight": [11, 10, 10, 10]}),
    }.items():
        frame.to_csv(name, index=False) if name.endswith("csv") else frame.to_parquet(name, index=False)
        files.append(name)
    shown = [score("problem.yaml", name, "--out", f"{name}.csv") for name in files]
    assert {done.exit_code for done in shown} == {0}
    assert len({done.stdout.split("records kept")[1].split("targets  ")[0] for done in shown}) == 1
    for name in files:
        assert pd.read_csv(f"{name}.csv")["estimate"].tolist() == [41.0, 10.0, 22.0]
    assert "weights           rows.csv, in the problem's order" in shown[3].stdout
    assert "weights           id.parquet, by id" in shown[5].stdout


def test_records_without_a_row_have_weight_0_also_where_the_ids_left_are_all_numbers(four: Path) -> None:
    problem = four_records(record_ids=np.array(["a", "7", "c", "12"]))
    frontier.write_problem(problem, ".")
    Path("w.csv").write_text("record,weight\n12,11\n7,30\n")
    done = score("problem.yaml", "w.csv", "--out", "t.csv")
    assert pd.read_csv("t.csv")["estimate"].tolist() == [41.0, 0.0, 22.0]
    assert "records kept      2 of 4" in done.stdout
    assert said(done) == [
        "WARNING: worse than the initial weights on the totals: mean error 37.5% against 16.7%",
        "WARNING: 1 of 3 targets is without a record left: 'one' (of 1)",
    ]
    assert done.exit_code == 1


@pytest.mark.parametrize(
    ("limit", "lines"),
    [
        ("5%", []),
        ("0.0417", []),
        ("4%", ["TOO FAR OFF: mean error on the fitted totals 4.167%, above 4%"]),
        ("0", ["TOO FAR OFF: mean error on the fitted totals 4.167%, above 0"]),
    ],
)
def test_a_mean_error_above_the_limit_is_said_and_ends_with_1(limit: str, lines: list[str], four: Path) -> None:
    done = score("problem.yaml", saved("w.npy", NEW), "--max-error", limit)
    assert said(done) == lines
    assert done.exit_code == bool(lines)


def test_held_out_totals_are_told_apart_and_only_fitted_ones_are_limited(four: Path) -> None:
    done = score("problem.yaml", saved("w.npy", NEW), "--max-error", "2%", "--split", "default")
    assert done.exit_code == 0, done.stderr
    assert (
        "error, fitted     mean 1.250%, largest 2.500% (2 targets; at w0 mean 25.000%, largest 40.000%)" in done.stdout
    )
    assert (
        "error, held out   mean 10.000%, largest 10.000% (1 targets; at w0 mean 0.000%, largest 0.000%)" in done.stdout
    )
    assert "worst totals      two: 20, estimate 22, +10.0%, held out" in done.stdout


def test_a_newer_file_that_is_better_ends_with_0_and_one_that_is_worse_with_1(four: Path) -> None:
    old, new = saved("old.npy", OLD), saved("new.npy", NEW)
    done = score("problem.yaml", old, new, "--max-error", "5%", "--out", "t.parquet")  # of the newer one
    assert done.exit_code == 0, done.stderr
    for line in (
        "totals            2 better and 0 worse by more than 0.5 percentage points, of 3",
        "mean, fitted      12.500% before, 4.167% after",
        "records           4 kept in both files, 0 in the first alone, 0 in the second",
    ):
        assert line in done.stdout
    assert "got worst" not in done.stdout
    table = pd.read_parquet("t.parquet")
    assert table.columns.tolist() == [
        *("target", "family", "fitted", "value", "estimate_at_w0", "estimate", "relative_error", "records"),
        *("estimate_2", "relative_error_2"),
    ]
    assert table["estimate"].tolist() == [43.0, 12.0, 22.0]
    assert table["estimate_2"].tolist() == [41.0, 10.0, 22.0]
    np.testing.assert_allclose(table["relative_error_2"], [0.025, 0.0, 0.1], rtol=1e-15)  # one rounding
    back = score("problem.yaml", new, old)
    assert back.exit_code == 1
    assert said(back) == ["WORSE: mean error on the fitted totals 4.167% before, 12.500% after"]
    assert "totals            0 better and 2 worse" in back.stdout
    _, worst = back.stdout.split("got worst         ")
    assert worst.splitlines()[:2] == [
        "one: +0.0% before, +20.0% after",
        "                  all: +2.5% before, +7.5% after",
    ]


def test_a_tenth_of_a_percentage_point_is_no_worse(four: Path) -> None:
    old = saved("old.npy", NEW)
    assert score("problem.yaml", old, saved("level.npy", [10, 10, 10, 11.02])).exit_code == 0  # 4.25%
    assert score("problem.yaml", old, saved("worse.npy", [10, 10, 10, 11.03])).exit_code == 1  # 4.29%


def test_a_newer_file_that_is_worse_on_held_out_totals_alone_ends_with_1(four: Path) -> None:
    old, new = saved("old.npy", [12.0, 10, 10, 10]), saved("new.npy", NEW)
    assert score("problem.yaml", old, new).exit_code == 0
    done = score("problem.yaml", old, new, "--split", "default")
    assert done.exit_code == 1
    assert said(done) == ["WORSE: mean error on the held-out totals 0.000% before, 10.000% after"]
    assert "got worst         two: +0.0% before, +10.0% after, held out" in done.stdout


def test_warnings_of_the_newer_file_alone_count_and_records_of_both_are_counted(four: Path) -> None:
    good, bad = saved("good.npy", NEW), saved("bad.npy", [10.0, 0, 20, 0])
    done = score("problem.yaml", good, bad)
    assert done.exit_code == 1
    assert [line.split(":")[0] for line in said(done)] == ["WARNING", "WARNING", "WARNING", "WORSE"]
    assert "records           2 kept in both files, 2 in the first alone, 0 in the second" in done.stdout
    back = score("problem.yaml", bad, good)
    assert back.exit_code == 0
    assert said(back) == []


BAD: dict[str, tuple[str, str, str]] = {
    "no such file": ("none.csv", "", "none.csv: no such file; check the path"),
    "another suffix": ("w.xlsx", "", "w.xlsx: not weights; expected a .npy, .csv or .parquet file, got '.xlsx'"),
    "a folder": ("folder.csv", "", "folder.csv: not a file"),
    "an empty file": ("w.csv", "", "w.csv: cannot be read"),
    "no weights": ("w.csv", "record,wieght\n0,1\n", "w.csv: no column 'weight'; did you mean 'wieght'?"),
    "an unknown id": ("w.csv", "record,weight\n0,1\n9,1\n", "w.csv: row 3, column 'record': unknown record; got '9'"),
    "an id twice": (
        "w.csv",
        "weight,id\n1,2\n1,0\n3,2\n",
        "w.csv: row 2, column 'weight': two weights for record 2; expected one, got 1 and 3; keep one of the rows",
    ),
    "no id": ("w.csv", "record,weight\n0,1\n,1\n", "w.csv: row 3, column 'record': missing value"),
    "no weight": ("w.csv", "record,weight\n0,\n", "w.csv: row 2, column 'weight': missing value; expected a number"),
    "a word": ("w.csv", "record,weight\n0,much\n", "w.csv: row 2, column 'weight': not a number; got 'much'"),
    "a negative weight": (
        "w.csv",
        "record,weight\n3,1\n0,-2\n",
        "w.csv: row 3, column 'weight': negative weight; expected a finite number ≥ 0, got -2.0",
    ),
    "no finite weight": ("w.csv", "record,weight\n0,inf\n", "w.csv: row 2, column 'weight': not a finite number"),
    "too few rows": (
        "w.csv",
        "weight\n1\n2\n3\n",
        "w.csv: wrong number of rows; expected 4, one for each record, got 3; add a column 'record' with their ids",
    ),
    "no Parquet file": ("w.parquet", "weight\n1\n", "w.parquet: cannot be read"),
    "no array": ("w.npy", "weight\n1\n", "w.npy: cannot be read"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_one_line_and_exit_code_2(what: str, four: Path) -> None:
    name, text, line = BAD[what]
    Path("folder.csv").mkdir()
    if text or what == "an empty file":
        Path(name).write_text(text)
    for files in ([name], [saved("good.npy", NEW), name]):
        done = score("problem.yaml", *files, "--out", "t.csv")
        assert done.exit_code == 2, done.output
        [found] = done.stderr.splitlines()
        assert found.startswith(f"error: {line}")
        assert done.stdout == ""
        assert not Path("t.csv").exists()


ARRAYS: dict[str, tuple[object, str]] = {
    "a wrong length": (np.ones(3), "w.npy: wrong shape; expected (4,), a weight for each record, got (3,)"),
    "a column": (np.ones((4, 1)), "w.npy: wrong shape; expected (4,), a weight for each record, got (4, 1)"),
    "a single number": (np.ones(()), "w.npy: wrong shape"),
    "a negative weight": ([1.0, 1, -1, 1], "w.npy[2]: negative weight; expected a finite number ≥ 0, got -1.0"),
    "a NaN": ([1.0, np.nan, 1, 1], "w.npy[1]: not a finite number; expected a finite number ≥ 0, got nan"),
    "an infinite one": ([1.0, 1, 1, np.inf], "w.npy[3]: not a finite number"),
    "one too large": ([1.0, 1, 1, 1e31], "w.npy[3]: too large a number"),
    "complex numbers": (np.ones(4, dtype=complex), "w.npy: not numbers; expected real numbers, got complex128"),
    "truth values": (np.ones(4, dtype=bool), "w.npy: not numbers; expected real numbers, got bool"),
    "objects": (np.array([1, 2, 3, None]), "w.npy: cannot be read"),
}


@pytest.mark.parametrize("what", ARRAYS)
def test_a_bad_array_is_one_line_and_exit_code_2(what: str, four: Path) -> None:
    array, line = ARRAYS[what]
    done = score("problem.yaml", saved("w.npy", array))
    assert done.exit_code == 2, done.output
    [found] = done.stderr.splitlines()
    assert found.startswith(f"error: {line}")


def test_an_array_that_promises_more_than_its_file_has_is_refused(four: Path) -> None:
    content = Path(saved("w.npy", np.ones(4))).read_bytes()
    Path("w.npy").write_bytes(content.replace(b"(4,)", b"(9999999999999,)").replace(b" " * 12 + b"\n", b"\n"))
    done = score("problem.yaml", "w.npy")
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("error: w.npy: cannot be read")
    Path("w.npy").write_bytes(content[:-8])
    assert score("problem.yaml", "w.npy").exit_code == 2


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no such problem": (("none.yaml", "w.npy"), "none.yaml: no such file"),
    "a limit in percent without its sign": (
        ("problem.yaml", "w.npy", "--max-error", "5"),
        "--max-error: not a share; expected a share below 1, as 0.05 or 5%, got '5'",
    ),
    "a limit that is no number": (("problem.yaml", "w.npy", "--max-error", "nan"), "--max-error: not a share"),
    "a file of no table": (("problem.yaml", "w.npy", "--out", "t.xlsx"), "--out: not a table"),
    "a file of the problem": (
        ("problem.yaml", "w.npy", "--out", "targets.csv"),
        "targets.csv: would replace a file of the problem",
    ),
    "the weights": (("problem.yaml", "w.npy", "w.csv", "--out", "./w.csv"), "w.csv: would replace the weights"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_options_are_one_line_exit_code_2_and_nothing_written(what: str, four: Path) -> None:
    arguments, line = WRONG[what]
    saved("w.npy", NEW)
    pd.DataFrame({"weight": NEW}).to_csv("w.csv", index=False)
    before = {path: path.read_bytes() for path in four.iterdir()}
    done = score(*arguments)
    assert done.exit_code == 2, done.output
    [found] = done.stderr.splitlines()
    assert found.startswith(f"error: {line}")
    assert {path: path.read_bytes() for path in four.iterdir()} == before


def test_a_registered_problem_is_scored_by_its_name(tmp_path: Path) -> None:
    problem = frontier.load_problem("planted")
    np.save(tmp_path / "w0.npy", problem.w0)
    done = score("planted", tmp_path / "w0.npy")
    assert done.exit_code == 0, done.stderr
    assert f"planted: {problem.n_targets:,} targets × {problem.n_records:,} records" in done.stdout

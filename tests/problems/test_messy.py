"""A survey file as it comes: every message on the way to a problem that can be solved, and the small file after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

import frontier
from frontier.commands.data import main as data_main
from frontier.commands.fit import main as fit_main
from frontier.commands.suggest import main as suggest_main
from frontier.core.errors import InputError
from frontier.problems.own_data.dialect import Dialect, cure
from frontier.problems.registry import build_problem
from tests.problems import messy

GERMAN = {"sep": ";", "encoding": "latin-1", "decimal": ",", "thousands": "."}
CLEAN = {**GERMAN, "weight": "Gewicht", "id": "Haushalt", "min_records": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    messy.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(**keys: Any) -> str:
    entry = {"name": "files", "label": "Haushalte", "microdata": "haushalte.csv", "targets": "ziele.csv", **keys}
    Path("problem.yaml").write_text(yaml.safe_dump(entry, allow_unicode=True), encoding="utf-8")
    return "problem.yaml"


def data(**keys: Any) -> Result:
    return CliRunner().invoke(data_main, [put(**keys)])


def test_every_obstacle_is_named_with_its_cure_all_that_can_be_seen_at_once(folder: Path) -> None:
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["ziele.csv: one column: its header has no ','; set sep: ';'", "haushalte.csv: one column: its header"]),
        ({"sep": ";"}, ["haushalte.csv: cannot be read", "set encoding: latin-1, or cp1252"]),
        (
            {"sep": ";", "encoding": "latin-1"},
            ["row 12, column 'value': not a number; got '", "set decimal: ',' and thousands: '.'"],
        ),
        (
            GERMAN,
            [
                "row 5, column 'value': not a number; got '12,5 %'; write it without the per cent sign",
                "row 7, column 'value': not a number; got 'abc'",
                "haushalte.csv: no column 'weight'; did you mean 'Gewicht'?",
            ],
        ),
    ]
    for keys, said in steps:
        done = data(**keys)
        assert done.exit_code == 2, done.output
        for text in said:
            assert text in done.stderr
        lines = done.stderr.splitlines()
        assert len(set(lines)) == len(lines)  # each once
    messy.write(folder, percent=False)
    done = data(**{key: value for key, value in CLEAN.items() if key != "min_records"})
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4  # all four of them in one run
    for line, region in zip(errors, messy.REGIONS, strict=True):
        assert f"(target '{region}/0'): no record passes this and the other filters; got 0 to 15" in line
        assert line.endswith("drop it, or set min_records: 1, which leaves such targets out")


def test_mistakes_of_both_files_are_told_in_one_run(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,weihgt,age\n1,2,3\n2,-1,4\n")
    (tmp_path / "t.csv").write_text("name,statistic,variable,value,importance\na,cuont,,1,x\na,count,agee,two,1\n")
    with pytest.raises(InputError) as caught:
        frontier.load_problem("files", microdata=str(tmp_path / "f.csv"), targets=str(tmp_path / "t.csv"), id="id")
    said = [str(one).replace(f"{tmp_path}/", "") for one in (caught.value, *caught.value.others)]
    for text in (
        *("t.csv: row 3, column 'name': duplicate target", "t.csv: row 3, column 'value': not a number; got 'two'"),
        *("t.csv: row 2, column 'importance': not a number; got 'x'", "t.csv: row 2, column 'statistic': unknown"),
        *("t.csv: row 3, column 'variable': no column 'agee'", "f.csv: no column 'weight'; did you mean 'weihgt'"),
    ):
        assert [line for line in said if line.startswith(text)], (text, said)


def test_the_clean_problem_is_described_with_what_can_be_said_against_it(folder: Path) -> None:
    messy.write(folder, percent=False, contradiction=True)
    done = data(**CLEAN)
    assert done.exit_code == 1
    for text in (
        "Haushalte: 53 targets × 2,997 records",
        "categories        Region (5), Größe (5)",
        "amounts           Einkommen, Miete, Alter",
        "- haushalte.csv: 'Gewicht' differs within 3 records; that of the first row is taken",
        "- haushalte.csv: 15 rows without 'Region' count in no target that asks for one",
        "- haushalte.csv: 3 ids of 'Haushalt' stand in several rows, each is one record: 99, 199, 299",
        "- ziele.csv: 4 targets with fewer than 1 records are left out: 'Thüringen/0'",
        "- 1 target contradicts others that fix it: 'Köln/",
        "- no weights ≥ 0 meet all targets: already ",
    ):
        assert text in done.stdout


def test_two_commands_make_a_defended_small_file_of_it(folder: Path) -> None:
    messy.write(folder, percent=False)
    arguments = ["--budget", "300", "--seeds", "1", "--jobs", "1", "--method", "coreset"]
    suggested = CliRunner().invoke(suggest_main, [put(**CLEAN), *arguments, "--out", "out"])
    assert suggested.exit_code == 0, suggested.output
    [command] = [line.split() for line in suggested.stdout.splitlines() if line.strip().startswith("frontier fit")]
    assert "coreset" in command
    assert {path.name for path in Path("out").iterdir()} == {
        *("suggestion.txt", "suggestion.csv", "trials.csv", "suggestion.png")
    }
    done = CliRunner().invoke(fit_main, [*command[2:-1], "small.csv", "--rows"])
    assert "WARNING: " in done.stderr  # the targets ask for a fifth fewer households
    small = pd.read_csv("small.csv", dtype=str)
    assert small.columns.tolist() == ["weight", *messy.households(3).columns]
    assert 290 <= len(small) <= 310
    assert set(small["Größe"]) == set(messy.SIZES)  # codes are text as they were
    trials = pd.read_csv("out/trials.csv")
    chosen = trials[trials["method"] == "coreset"].iloc[0]
    once = small.drop_duplicates("Haushalt")["weight"].astype(float)  # every row of a record has its weight
    assert once.sum() == pytest.approx(chosen["total_weight"], rel=1e-9)  # the digits of a CSV file


def test_rounded_totals_that_contradict_by_rounding_alone_are_met_within_it(folder: Path) -> None:
    messy.write(folder, percent=False)
    arguments = ("--method", "raking", "--out", "w.csv")
    exact = CliRunner().invoke(fit_main, [put(**CLEAN), *arguments])
    assert exact.exit_code == 1
    assert "FAILED, nothing written: infeasible: no weights between 0 and 1e+06 times" in exact.stderr
    rounded = CliRunner().invoke(fit_main, [put(**CLEAN, rounded=100), *arguments])
    assert "within rounding   52 of 52 targets" in rounded.stdout
    assert "optimal, for the method's own objective, to its tolerance, confirmed" in rounded.stdout
    assert "no weights" not in data(**CLEAN, rounded=100).stdout
    targets = pd.read_csv("w_targets.csv")
    assert (abs(targets["estimate"] - targets["value"]) <= 50 + 1e-4).all()  # a millionth of the tolerance


def test_tolerances_can_be_given_target_by_target_and_are_exported(tmp_path: Path) -> None:
    frame = messy.households(200)
    targets = pd.DataFrame({"name": ["all", "Köln"], "statistic": "count", "value": [2e5, 3e4]})
    targets["tolerance"] = [50.0, None]
    targets["where:Region"] = [None, "Köln"]
    problem = frontier.load_problem("files", microdata=frame, targets=targets, id="Haushalt", weight="Gewicht")
    assert problem.tolerance is not None
    assert problem.tolerance.tolist() == [50.0, 0.0]
    path = frontier.write_problem(problem, tmp_path)
    again = build_problem("files", _entry(path), "x", tmp_path)
    assert again.fingerprint == problem.fingerprint
    keys = {"id": "Haushalt", "weight": "Gewicht"}
    with pytest.raises(InputError, match="rounded: not what totals are rounded to"):
        frontier.load_problem("files", microdata=frame, targets=targets, **keys, rounded=-1.0)
    with pytest.raises(InputError, match="row 1, column 'tolerance': out of range"):
        frontier.load_problem("files", microdata=frame, targets=targets.assign(tolerance=-1.0), **keys)


def _entry(path: Path) -> dict[str, Any]:
    return {key: value for key, value in yaml.safe_load(path.read_text()).items() if key != "name"}


def test_data_frames_give_the_same_problem_as_their_files(tmp_path: Path) -> None:
    frame = messy.households(200)
    targets = pd.DataFrame(
        {"name": ["all", "Köln"], "statistic": "count", "value": [2e5, 3e4], "where:Region": [None, "Köln"]}
    )
    frame.to_csv(tmp_path / "f.csv", index=False)
    targets.to_csv(tmp_path / "t.csv", index=False)
    keys = {"id": "Haushalt", "weight": "Gewicht"}
    read = frontier.load_problem("files", microdata=str(tmp_path / "f.csv"), targets=str(tmp_path / "t.csv"), **keys)
    held = frontier.load_problem("files", microdata=frame, targets=targets, **keys)
    assert held.fingerprint == read.fingerprint
    records = pd.DataFrame({"id": np.arange(200), "weight": frame["Gewicht"]})
    for matrix in (read.M, read.M.toarray()):
        given = frontier.load_problem("files", matrix=matrix, targets=targets[["name", "value"]], records=records)
        assert given.fingerprint == read.fingerprint
    with pytest.raises(InputError, match="microdata: no column 'Gewichte'; did you mean 'Gewicht'"):
        frontier.load_problem("files", microdata=frame, targets=targets, id="Haushalt", weight="Gewichte")
    with pytest.raises(InputError, match="matrix: shape mismatch"):
        frontier.load_problem("files", matrix=read.M.T, targets=targets[["name", "value"]], records=records)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12 %", "without the per cent sign"),
        ("1,234", "thousands: ','"),
        ("1.234,5", "decimal: ',' and thousands: '.'"),
        ("1.234.567", "decimal: ',' and thousands: '.'"),
        ("3,5", "decimal: ','"),
        ("1 234", "thousands: ' '"),
        ("1\u202f234,5", "thousands: ' ' and decimal: ','"),
        ("1'234", 'thousands: "\'"'),
    ],
)
def test_a_number_written_otherwise_has_a_cure(text: str, said: str) -> None:
    assert said in str(cure(text))


def test_a_word_has_none() -> None:
    assert cure("abc") is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"sep": ";;"}, r"files'\.sep: not a separator"),
        ({"decimal": "x"}, r"files'\.decimal: not a separator"),
        ({"decimal": ",", "thousands": ","}, r"files'\.thousands: the same as decimal"),
        ({"encoding": "latin-99"}, r"files'\.encoding: unknown encoding"),
    ],
)
def test_a_setting_that_is_none_is_refused(keys: dict[str, str], said: str) -> None:
    given = {"sep": ",", "decimal": ".", "thousands": "", "encoding": "utf-8"} | keys
    with pytest.raises(InputError, match=said):
        Dialect.of("problem 'files'", **given)


def test_thousands_are_groups_of_three(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id;weight\n1;1.000,5\n2;2\n")
    (tmp_path / "t.csv").write_text("name;statistic;value\nall;count;12.34\n")
    paths = {"microdata": str(tmp_path / "f.csv"), "targets": str(tmp_path / "t.csv"), "id": "id"}
    with pytest.raises(InputError, match=r"row 2, column 'value': not a number; got '12\.34'"):
        frontier.load_problem("files", **paths, sep=";", decimal=",", thousands=".")
    (tmp_path / "t.csv").write_text("name;statistic;value\nall;count;1.234\n")
    problem = frontier.load_problem("files", **paths, sep=";", decimal=",", thousands=".")
    assert problem.y.tolist() == [1234.0]
    assert problem.w0.tolist() == [1000.5, 2.0]


def test_what_a_fit_comes_to_is_had_as_data_frames(tmp_path: Path) -> None:
    frame = messy.households(300)
    targets = pd.DataFrame({"name": ["all", "Köln"], "statistic": "count", "value": [3e5, 5e4]})
    targets["where:Region"] = [None, "Köln"]
    problem = frontier.load_problem("files", microdata=frame, targets=targets, id="Haushalt", weight="Gewicht")
    weights = problem.w0 * (np.arange(300) % 3 == 0)
    table = frontier.weights_table(problem, weights, name="Haushalt", active_only=True)
    small = frontier.small_file(problem, weights)
    assert table["Haushalt"].tolist() == small["Haushalt"].tolist() == list(range(0, 300, 3))
    assert small["Miete"].tolist() == frame["Miete"][::3].tolist()
    assert small["weight"].tolist() == frame["Gewicht"][::3].tolist()
    found = frontier.targets_table(problem, weights)
    assert found["estimate"].tolist() == (problem.M @ weights).tolist()
    assert found["fitted"].all()
    with pytest.raises(InputError, match="no microdata"):
        frontier.small_file(frontier.load_problem("planted"), np.ones(1))

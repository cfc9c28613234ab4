"""A problem drafted from a survey file alone: what is guessed of it, what is written, and what is asked instead."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from frontier.commands.data import main as data_main
from frontier.commands.fit_files import read_problem_file
from frontier.commands.new_problem import main
from frontier.objectives.design import relative_residual
from frontier.problems.own_data.dialect import Dialect
from frontier.problems.own_data.draft import draft
from frontier.problems.own_data.guess import guessed

MONTANA = Path(__file__).parents[2] / "experiments/own_data/montana.csv"


def survey(n: int = 400) -> pd.DataFrame:
    """As a statistical office's spreadsheet has it: texts, codes, ages, amounts with and without gaps, one constant."""
    rng = np.random.default_rng(0)
    income = np.round(rng.lognormal(10, 1, n), 2)
    return pd.DataFrame(
        {
            "Befragte": [f"R{i:04d}" for i in range(n)],
            "Größe der Stadt": rng.choice(["klein", "mittel", "groß"], n),
            "Haushalt": rng.integers(1, 6, n),
            "Alter": rng.integers(16, 95, n),
            "Einkommen": income,
            "Miete": np.where(rng.random(n) < 0.1, np.nan, income / 50),
            "Jahr": 2024,
            "Bemerkung": [f"Satz {i}" for i in range(n)],
            "Gewicht": np.round(rng.gamma(4, 250, n), 1),
        }
    )


def new_problem(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_file_of_a_spreadsheet_becomes_a_problem_that_nothing_is_to_say_against(
    encoding: str, tmp_path: Path
) -> None:
    survey().to_csv(tmp_path / "umfrage.csv", sep=";", decimal=",", index=False, encoding=encoding)
    done = new_problem(tmp_path / "umfrage.csv")
    assert done.exit_code == 0, done.output
    assert "400 records of umfrage.csv, ids 'Befragte'" in done.stdout
    assert "read with sep: ';', decimal: ','" in done.stdout
    assert "no totals of 'Miete' (missing values), 'Jahr' (one value), 'Bemerkung' (400 texts)" in done.stdout
    _, problem = read_problem_file(tmp_path / "umfrage.yaml")
    assert list(problem.meta["record_ids"][:2]) == ["R0000", "R0001"]
    assert problem.w0.sum() == pytest.approx(survey()["Gewicht"].sum(), rel=1e-12)  # a sum of 400 numbers
    labels = [f"Größe der Stadt={label}" for label in ("groß", "klein", "mittel")]
    codes = [f"Haushalt={k}" for k in range(1, 6)]
    ages = [f"Alter {band}" for band in ("0–17", "18–29", "30–44", "45–64", "65+")]
    assert list(problem.target_names) == ["rows", *labels, *codes, *ages, "Einkommen total"]
    assert np.abs(relative_residual(problem, problem.w0)).max() < 1e-11  # values have twelve digits
    judged = CliRunner().invoke(data_main, [str(tmp_path / "umfrage.yaml")])
    assert judged.exit_code == 0, judged.output
    assert "nothing to say against it" in judged.stdout


def test_rows_of_a_household_are_one_record_and_both_are_counted(tmp_path: Path) -> None:
    shutil.copy(MONTANA, tmp_path)
    found = draft(tmp_path / "montana.csv")
    assert found.params == {"microdata": "montana.csv", "id": "household", "weight": "weight"}
    assert found.n_records == 491
    assert found.targets["name"][:2].tolist() == ["rows", "records"]
    assert found.targets["value"][1] == found.total_weight


def test_a_parquet_file_needs_no_guess_of_how_it_is_written(tmp_path: Path) -> None:
    survey().to_parquet(tmp_path / "survey.parquet")
    found = draft(tmp_path / "survey.parquet")
    assert found.params == {"microdata": "survey.parquet", "id": "Befragte", "weight": "Gewicht"}


def test_columns_that_make_no_totals_are_left_out_with_the_reason(tmp_path: Path) -> None:
    n = 60
    odd = {
        "start": pd.date_range("2020-01-01", periods=n),
        "": range(n),
        "a|b": np.arange(n) / 7,
        "-a": np.arange(n) / 7,
        "huge": np.where(np.arange(n) == 3, np.inf, 1.5),
        "blank": np.full(n, np.nan),
        "void": pd.Series([None] * n, dtype="string"),
        "yes": np.full(n, True),
        "either": ["x|y", "z"] * 30,
        "nobody": np.where(np.arange(n) == 0, 5.5, 0.0),
        "loss": -np.arange(n) / 7,
        "where:x": np.arange(n) % 2 == 0,
        "x_lower": ["low", "high"] * 30,
        "weight": np.where(np.arange(n) == 0, 0.0, 2.0),
    }
    pd.DataFrame(odd).to_parquet(tmp_path / "odd.parquet")
    found = draft(tmp_path / "odd.parquet")
    names = ["loss total", "where:x=false", "where:x=true", "x_lower=high", "x_lower=low"]
    assert found.targets["name"].tolist() == ["rows", *names]
    assert found.targets["value"][1] < 0
    assert found.left_out == (
        *("'start' (neither texts nor numbers)", "'' (no name)", "'a|b' (| or - in its name)"),
        *("'-a' (| or - in its name)", "'huge' (infinite or too large)", "'blank' (no values)"),
        "'void' (no values)",
        *("'yes' (one value)", "'either' (texts with | or a blank at an end)", "'nobody total' (0)"),
    )


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("a,b\n1.5,x\n", Dialect()),
        ("a\tb\n1\tx\n", Dialect(sep="\t")),
        ('a,b\n"1,234,567.8","1,5"\n2.5,1.5\n', Dialect(thousands=",")),
        ("a;b\n1.234;2,50\n", Dialect(sep=";", decimal=",", thousands=".")),
        ("a;b\n1.234;2.345\n", Dialect(sep=";")),  # thousands or decimals: as it stands
        ("a|b\n1 234|2 345,5\n", Dialect(sep="|", decimal=",", thousands=" ")),
        ("a;b\n1'234;2'345.5\n", Dialect(sep=";", thousands="'")),
        ("a;ä\nü;2,5\n", Dialect(sep=";", decimal=",", encoding="cp1252")),
        ("", Dialect()),
    ],
)
def test_how_a_file_is_written_is_guessed_from_its_fields(text: str, dialect: Dialect, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode(dialect.encoding))
    assert guessed(tmp_path / "a.csv", "a.csv") == dialect


WRONG = {
    "no weights": ({"drop": ["Gewicht"]}, [], "no column is called as initial weights are; got 'Haushalt', 'Alter', "),
    "two weights": (
        {"rename": "Gewicht_2"},
        [],
        "several columns may be the initial weights; got 'Gewicht', 'Gewicht_2'",
    ),
    "no such weights": ({}, ["--weight", "gewicht"], "no column 'gewicht'; did you mean 'Gewicht'?"),
    "weights that are texts": ({}, ["--weight", "Bemerkung"], "row 2, column 'Bemerkung': not a number; got 'Satz 0'"),
    "no such id": ({}, ["--id", "nummer"], "no column 'nummer'"),
    "another folder": ({}, ["--out", "sub/new.yaml"], "not in the folder of the survey file"),
    "no problem": ({}, ["--out", "new.csv"], "new.csv: not a problem; expected a name that ends in .yaml"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_guessed_is_asked_in_one_line_and_nothing_is_written(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, arguments, said = WRONG[what]
    monkeypatch.chdir(tmp_path)
    frame = survey().drop(columns=changes.get("drop", []))
    if "rename" in changes:
        frame[changes["rename"]] = frame["Gewicht"]
    frame.to_csv("survey.csv", index=False)
    done = new_problem("survey.csv", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert all(line.startswith("error: ") for line in done.stderr.splitlines())
    assert [path.name for path in tmp_path.iterdir()] == ["survey.csv"]


@pytest.mark.parametrize(("path", "said"), [("", "not a file"), ("none.csv", "no such file"), ("a\nb.csv", "no such")])
def test_what_is_no_file_is_one_line(path: str, said: str, tmp_path: Path) -> None:
    done = new_problem(tmp_path / path)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_names_of_files_and_columns_are_quoted_where_they_are_written(tmp_path: Path) -> None:
    odd = {"a: b\nc": ["x: 1", "y\n- 2", "#3"] * 20, "[w]eight": np.full(60, 2.0), "\x1b[2J": ["u", "v"] * 30}
    pd.DataFrame(odd).to_parquet(tmp_path / "my # file: 1.parquet")
    done = new_problem(tmp_path / "my # file: 1.parquet", "--weight", "[w]eight")
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.stdout
    spec, problem = read_problem_file(tmp_path / "my # file: 1.yaml")
    assert problem.n_targets == 6
    assert spec.label == "my_file_1"
    assert f"'{tmp_path / 'my # file: 1.yaml'}'" in done.stdout  # as a shell takes it


def test_a_file_of_another_program_is_refused_with_the_way_to_convert_it(tmp_path: Path) -> None:
    survey()[["Haushalt", "Alter", "Gewicht"]].to_stata(tmp_path / "survey.dta", write_index=False)
    done = new_problem(tmp_path / "survey.dta")
    assert done.exit_code == 2
    way = "pandas.read_stata('survey.dta').to_parquet('survey.parquet')"
    assert (
        f"survey.dta: not a table; expected a .csv or .parquet file, got '.dta'; save it as one: {way}" in done.stderr
    )
    pd.read_stata(tmp_path / "survey.dta").to_parquet(tmp_path / "survey.parquet")
    assert new_problem(tmp_path / "survey.parquet").exit_code == 0


def test_files_that_are_there_are_left_as_they_are(tmp_path: Path) -> None:
    survey().to_csv(tmp_path / "survey.csv", index=False)
    for name in ("survey.yaml", "survey_targets.csv"):
        (tmp_path / name).write_text("mine")
        done = new_problem(tmp_path / "survey.csv")
        assert done.exit_code == 2
        assert f"{name}: is there already; give a new name: --out NEW.yaml" in done.stderr
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()


def test_whoever_gives_a_table_for_a_problem_is_told_how_to_make_one(tmp_path: Path) -> None:
    survey().to_csv(tmp_path / "survey.csv", index=False)
    done = CliRunner().invoke(data_main, [str(tmp_path / "survey.csv")])
    assert done.exit_code == 2
    assert "a table, not a problem" in done.stderr
    assert f"`python -m frontier new-problem {tmp_path / 'survey.csv'}` writes one" in done.stderr

"""`python -m frontier tune`: what it says, what it writes, and bad input as one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from frontier.commands.tune import main
from tests.tuning.planted import write_planted


def tune(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_ends_with_what_was_found_and_where_it_is(folder: Path) -> None:
    path = write_planted(folder, "{trials: 20}", extra=", {name: initial_weights}")
    done = tune(path.name)
    assert done.exit_code == 0, done.stderr
    first, found, second, *rest = done.stdout.splitlines()
    assert first.startswith("planted on made/without_f0: 20 trials, ")
    assert found.startswith("  40 records: ")
    assert "kind right" in found
    assert "nothing to search, it runs as it is configured" in second
    assert rest[0].startswith("made, split without_f0: 40 records")
    assert rest[-3:] == [
        "tuned:   results/planted/tuned.yaml",
        "results: results/planted",
        "report:  reports/planted/index.html",
    ]
    assert any(line.startswith("Tuning changes the held-out error by") for line in rest)
    text = (folder / "reports" / "planted" / "report.md").read_text()
    assert "## Default against tuned" in text
    assert (folder / "results" / "planted" / "search" / "trials.csv").exists()


def test_searching_alone_says_how_to_compare(folder: Path) -> None:
    done = tune(write_planted(folder, "{trials: 3}").name, "--search-only")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "compare: python -m frontier run results/planted/tuned.yaml"
    assert not (folder / "results" / "planted" / "cells.parquet").exists()


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("{trials: 3, seconds: -1}", "tune.seconds: input should be greater than 0"),
        ("{trials: 3, objective: {metric: nothing}}", "no cell has 'nothing'"),
        ("{trials: 3, colour: red}", "tune.colour"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(section: str, line: str, folder: Path) -> None:
    done = tune(write_planted(folder, section).name)
    assert done.exit_code == 2
    [told] = [text for text in done.stderr.splitlines() if text.startswith("error: ")]
    assert line in told
    assert not (folder / "results").exists()


def test_results_stand_under_the_name_of_the_experiment_as_those_of_run_do(folder: Path) -> None:
    path = write_planted(folder, "{trials: 2}")
    path.write_text("name: another\n" + path.read_text())
    done = tune(path.name)
    assert done.exit_code == 0, done.stderr
    assert (folder / "results" / "another" / "cells.parquet").exists()
    assert not (folder / "results" / "planted").exists()

"""`python -m frontier.report` on one and on several results folders, and on folders that are none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import frontier
from frontier.commands.report import main

GOOD = "problems: [{name: cps_like}]\nmethods: [{name: nn_lasso, lam: [%s]}]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs of one method at different λ."""
    folder = tmp_path_factory.mktemp("runs")
    for name, lam in (("low", 0.001), ("high", 0.1)):
        (folder / f"{name}.yaml").write_text(GOOD % lam)
        frontier.run_experiment(str(folder / f"{name}.yaml"), out=str(folder / "results" / name))
    return folder


def report(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return done.exit_code, done.output


def test_several_runs_are_one_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    code, said = report("results/low", "results/high")
    assert (code, said.splitlines()) == (
        0,
        ["report: reports/low+high/report.md", "report: reports/low+high/index.html"],
    )
    text = Path("reports/low+high/report.md").read_text(encoding="utf-8")
    assert text.startswith("# low + high\n")
    assert "### Run low" in text
    assert "### Run high" in text
    summary = pd.read_csv("reports/low+high/summary.csv")
    assert list(summary["lam"]) == [0.001, 0.1]
    assert set(summary["label"]) == {"nn_lasso"}  # one method with one set of parameters


def test_two_runs_of_one_experiment_are_told_apart_by_their_folders(folder: Path) -> None:
    again = folder / "again"
    shutil.copytree(folder / "results" / "low", again, dirs_exist_ok=True)
    code, _ = report(folder / "results" / "low", again, "--out", folder / "twice")
    assert code == 0
    assert set(pd.read_csv(folder / "twice" / "summary.csv")["label"]) == {"nn_lasso (low)", "nn_lasso (again)"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "error: nowhere: no cells.parquet; expected a results folder; run `python -m frontier.run`"),
        (["results/low", "results/low"], "error: results: two runs are named 'low'; name every run once"),
        (["results/low", "--out", "low.yaml"], "error: low.yaml: not a folder; expected a folder for the report"),
        (["results/low", "--out", "low.yaml/x"], "error: low.yaml/x: report cannot be written"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: list[str], said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    code, output = report(*arguments)
    assert code == 2
    assert output.startswith(said)
    assert output.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_a_damaged_table_of_estimates_is_refused_in_one_line(folder: Path) -> None:
    broken = folder / "broken"
    shutil.copytree(folder / "results" / "low", broken, dirs_exist_ok=True)
    (broken / "targets.parquet").write_bytes(b"not a table")
    code, output = report(broken, "--out", folder / "nothing")
    assert code == 2
    assert "targets.parquet: checksum mismatch" in output
    assert not (folder / "nothing").exists()


def test_the_name_in_a_manifest_cannot_lead_out_of_the_reports_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder / "results" / "low", tmp_path / "run")
    manifest = tmp_path / "run" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"experiment": "low"', '"experiment": "../../out"'))
    monkeypatch.chdir(tmp_path)
    assert report("run")[0] == 0
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["out"]


def test_results_from_before_estimates_were_kept_have_a_report_without_worst_misses(folder: Path) -> None:
    old = folder / "old"
    shutil.copytree(folder / "results" / "low", old, dirs_exist_ok=True)
    (old / "targets.parquet").unlink()
    code, _ = report(old, "--out", folder / "without")
    assert code == 0
    assert '"misses":{' in (folder / "without" / "index.html").read_text(encoding="utf-8")

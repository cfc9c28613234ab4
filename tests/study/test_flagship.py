"""Committed reports are made from committed compact results, by one command, and come out the same again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import frontier
from frontier.study.flagship import EVERY, main

ROOT = Path(__file__).parents[2]
TWO = "problems: [{name: cps_like}]\nmethods:\n  - {name: nn_lasso, lam: [0.001]}\n  - {name: top_k, budget: [5]}\n"


def flagship(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.output


def test_a_collected_run_gives_its_report_again_without_its_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cps_ohio.yaml").write_text(TWO)
    frontier.run_experiment("cps_ohio.yaml", out="results/cps_ohio")  # the name of a flagship run
    code, said = flagship("--collect")
    assert code == 0, said
    assert "compact: results/flagship/cps_ohio" in said
    first = {path.name: path.read_bytes() for path in Path("reports/cps_ohio").iterdir()}
    assert {"index.html", "report.md", "summary.csv"} <= set(first)
    assert "not evaluated" in Path("reports/claims.md").read_text(encoding="utf-8")
    shutil.rmtree("results/cps_ohio")
    shutil.rmtree("reports")
    code, said = flagship()
    assert code == 0, said
    assert {path.name: path.read_bytes() for path in Path("reports/cps_ohio").iterdir()} == first


def test_without_compact_results_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = flagship()
    assert (code, said) == (
        2,
        "error: results/flagship: no compact results; run the experiments, then use --collect\n",
    )


def test_every_committed_run_is_of_an_experiment_that_is_here() -> None:
    for name in EVERY:
        assert (ROOT / "experiments" / f"{name}.yaml").is_file(), name
        assert (ROOT / "results" / "flagship" / name / "manifest.json").is_file(), name

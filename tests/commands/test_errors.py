"""`python -m frontier errors`: the answer in lines, tables and replicate weights that others can read."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from frontier.commands.errors import main
from frontier.commands.fit import main as fit_main

EXAMPLE = Path(__file__).resolve().parents[2] / "experiments" / "own_data"
RAKED = ("--method", "raking", "--set", "relax=0.1", "--jobs", "1")


def errors(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["problem.yaml", "--stat", "mean agi", *arguments])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "own_data")
    monkeypatch.chdir(tmp_path / "own_data")
    return tmp_path


def test_the_answer_is_two_lines() -> None:
    done = errors(*RAKED, "--number", "20")
    assert done.exit_code == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("mean agi  7")
    assert " ± " in first
    assert second == "± one standard error: 20 bootstrap replicates of 491 records, calibration repeated in each"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_replicate_weights_are_written_as_svrepdesign_reads_them(suffix: str) -> None:
    files = ("--out", f"t.{suffix}", "--replicates", f"r.{suffix}")
    done = errors(*RAKED, "--kind", "jk1", "--number", "20", "--by", "filing_status", *files)
    assert done.exit_code == 0, done.stderr
    read = pd.read_csv if suffix == "csv" else pd.read_parquet
    weights, table = read(f"r.{suffix}"), read(f"t.{suffix}")
    assert list(weights.columns[:3]) == ["household", "weight", "rep_1"]
    assert "rscales = rep(0.95, 20)" in done.stdout
    assert list(table["domain"])[:2] == ["all", "filing_status=head_of_household"]
    # what R would do with the file
    agi = pd.read_csv("montana.csv").groupby("household", sort=False)["agi"].sum().to_numpy()
    replicates = weights.filter(like="rep_").to_numpy()
    means = agi @ replicates / replicates.sum(axis=0)
    error = np.sqrt(0.95 * np.sum((means - means.mean()) ** 2))
    assert table["standard_error"][0] == pytest.approx(error, rel=1e-9)  # but for rounding
    again = errors("--weights", f"r.{suffix}", "--kind", "jk1", "--given", f"r.{suffix}", "--jobs", "1")
    assert again.exit_code == 0, again.stderr
    assert done.stdout.splitlines()[0].split() == ["mean", "agi", *again.stdout.splitlines()[0].split()[2:]]


def test_weights_of_a_fit_are_linearised_or_made_again() -> None:
    method = ("--method", "pps_sample", "--budget", "150")
    CliRunner().invoke(fit_main, ["problem.yaml", *method, "--out", "w.csv"])
    linear = errors("--weights", "w.csv", "--out", "a.csv")
    assert linear.exit_code == 0, linear.stderr
    assert "linearised, of the 150 records that are kept" in linear.stdout
    assert "33 targets fit 150 records closely: errors are larger than this says" in linear.stdout
    again = errors("--weights", "w.csv", *method, "--number", "4", "--jobs", "1", "--out", "b.csv")
    assert "calibration and selection repeated in each" in again.stdout
    assert pd.read_csv("a.csv")["estimate"][0] == pd.read_csv("b.csv")["estimate"][0]  # the file's, in both


def test_replicates_that_fail_are_said_and_end_with_1() -> None:
    done = errors("--method", "logit", "--set", "high=6", "--number", "10", "--jobs", "1")
    assert done.exit_code == 1, done.stdout
    assert "of 10 replicates are left out (" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "error: weights: neither weights nor a method"),
        (("--set", "relax=1"), "error: --set: without a method"),
        ((*RAKED, "--kind", "linearised", "--replicates", "r.csv"), "error: --replicates: linearised errors have none"),
        ((*RAKED, "--out", "t.csv", "--replicates", "t.csv"), "error: --replicates: the file of --out too"),
        ((*RAKED, "--out", "targets.csv"), "error: targets.csv: would replace a file of the problem"),
        ((*RAKED, "--given", "targets.csv"), "error: targets.csv: row 21, column 'name': not a number"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], line: str) -> None:
    done = errors(*arguments)
    assert done.exit_code == 2
    assert line in done.stderr.splitlines()[-1]


def test_variables_may_come_from_another_file() -> None:
    rows = pd.read_csv("montana.csv")
    other = rows.rename(columns={"agi": "income"})[["household", "income"]].sample(frac=1, random_state=0)
    other.to_csv("other.csv", index=False)
    done = errors(*RAKED, "--number", "5")
    same = CliRunner().invoke(
        main, ["problem.yaml", "--stat", "mean income", "--records", "other.csv", *RAKED, "--number", "5"]
    )
    assert done.stdout.split()[2:] == same.stdout.split()[2:], same.stderr
    other[other["household"] > 5].to_csv("other.csv", index=False)
    lost = CliRunner().invoke(main, ["problem.yaml", "--stat", "mean income", "--records", "other.csv", *RAKED])
    assert "error: other.csv: records without a row; expected a row for each, got 5 records" in lost.stderr

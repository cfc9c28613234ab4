"""The check as a user runs it: exit codes, output for people and machines, baselines written and refused, pytest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from typer.testing import CliRunner

import frontier
from frontier import CalibrationProblem, Point, Solution
from frontier.commands.check import main
from frontier.methods.base import Method
from frontier.methods.nn_lasso import NnLasso
from frontier.methods.random_reweight import RandomReweight
from frontier.methods.stratified_raking import StratifiedRaking
from frontier.results.baseline import read_baseline
from frontier.results.schema import RESULT_FORMAT
from frontier.results.store import Store
from frontier.sweep.run import run_session
from frontier.sweep.session import open_session

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = """\
problems: [{name: cps_like}]
methods:
  - {name: nn_lasso, lam: [1e-4, 1e-3]}
  - {name: random_reweight, budget: [50], seeds: [0, 1, 2], epochs: 50}
"""


def run_check(*arguments: object) -> Any:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, its baseline, and a run that is worse in one number and lacks a cell."""
    folder = tmp_path_factory.mktemp("check")
    (folder / "a.yaml").write_text(EXPERIMENT)
    frontier.run_experiment(folder / "a.yaml", out=folder / "run")
    done = run_check(folder / "run", "--against", folder / "baseline", "--update")
    assert done.exit_code == 0, done.output
    assert "new baseline of 5 cells" in done.output
    return folder


def altered(folder: Path, where: Path, **values: Any) -> Path:
    """A copy of the run with values of its first cell replaced; `drop` takes the last cell away."""
    shutil.copytree(folder / "run", where)
    table = pd.read_parquet(where / "cells.parquet")
    if values.pop("drop", False):
        table = table.iloc[:-1]
    for name, value in values.items():
        table.loc[0, name] = value
    content = table.to_parquet(index=False)
    (where / "cells.parquet").write_bytes(content)
    manifest = json.loads((where / "manifest.json").read_text())
    manifest["sha256"]["cells.parquet"] = hashlib.sha256(content).hexdigest()
    (where / "manifest.json").write_text(json.dumps(manifest))
    return where


def test_a_run_passes_against_its_baseline_and_against_itself(folder: Path) -> None:
    for against in ("baseline", "run"):
        done = run_check(folder / "run", "--against", folder / against)
        assert done.exit_code == 0, done.output
        assert done.output.startswith("PASS: ")
    assert {path.name for path in (folder / "baseline").iterdir()} == {"cells.csv", "manifest.json"}


def test_a_baseline_is_read_back_bit_for_bit_and_is_small(folder: Path) -> None:
    table, stored = pd.read_parquet(folder / "run/cells.parquet"), read_baseline(folder / "baseline").cells
    pd.testing.assert_frame_equal(table[list(stored.columns)], stored, check_exact=True)
    assert sum(path.stat().st_size for path in (folder / "baseline").iterdir()) < 8_000  # bytes, for five cells


def test_a_regression_is_named_with_all_its_numbers_and_exit_code_1(folder: Path, tmp_path: Path) -> None:
    worse = altered(folder, tmp_path / "worse", train_mare=0.2)
    report, junit = tmp_path / "found.json", tmp_path / "found.xml"
    done = run_check(worse, "--against", folder / "baseline", "--json", report, "--junit", junit)
    assert done.exit_code == 1, done.output
    header, line = done.output.splitlines()[:2]
    assert header.split() == [
        *("verdict", "method", "point", "metric", "baseline", "now", "difference", "tolerance", "note"),
    ]
    assert line.split()[:4] == ["regression", "cps_like/default/nn_lasso", "lam=0.0001", "train_mare"]
    assert line.split()[5] == "0.2"
    assert "REGRESSION: " in done.output
    found = json.loads(report.read_text())
    assert (found["verdict"], found["exit_code"]) == ("regression", 1)
    [regression] = [f for f in found["findings"] if f["verdict"] == "regression"]
    assert (regression["metric"], regression["now"]) == ("train_mare", 0.2)
    suite = ElementTree.parse(junit).getroot()
    assert suite.get("failures") == "1"
    assert int(suite.get("tests", 0)) == len(found["findings"]) == len(suite.findall("testcase"))
    [failure] = suite.iter("failure")
    assert "now 0.2" in failure.get("message", "")


def test_json_on_standard_output_is_json_and_nothing_else(folder: Path) -> None:
    done = run_check(folder / "run", "--against", folder / "baseline", "--json", "-")
    assert json.loads(done.stdout)["verdict"] == "pass"


def test_a_missing_cell_is_exit_code_2_and_an_extra_one_passes(folder: Path, tmp_path: Path) -> None:
    less = altered(folder, tmp_path / "less", drop=True)
    done = run_check(less, "--against", folder / "baseline")
    assert done.exit_code == 2
    assert re.search(r"missing .*random_reweight .*budget=50 seed=2", done.output)
    done = run_check(folder / "run", "--against", less)
    assert done.exit_code == 0
    assert re.search(r"extra .*random_reweight", done.output)


def test_other_data_and_other_parameters_are_listed_as_incomparable_and_exit_code_2(
    folder: Path, tmp_path: Path
) -> None:
    text = EXPERIMENT.replace("epochs: 50", "epochs: 60")
    for name, changed, reason in [
        ("parameters", text, "other parameters: epochs"),
        ("data", EXPERIMENT.replace("cps_like", "cps_like, initial_weights: survey"), "another problem"),
    ]:
        (tmp_path / f"{name}.yaml").write_text(changed)
        frontier.run_experiment(tmp_path / f"{name}.yaml", out=tmp_path / name)
        done = run_check(tmp_path / name, "--against", folder / "baseline")
        assert done.exit_code == 2, done.output
        assert reason in done.output


def test_a_regression_outranks_what_is_missing(folder: Path, tmp_path: Path) -> None:
    both = altered(folder, tmp_path / "both", drop=True, train_mare=0.2)
    assert run_check(both, "--against", folder / "baseline").exit_code == 1


def test_a_looser_tolerance_passes_what_the_default_refuses(folder: Path, tmp_path: Path) -> None:
    worse = altered(folder, tmp_path / "worse", train_mare=0.0823)
    assert run_check(worse, "--against", folder / "baseline").exit_code == 1
    (tmp_path / "t.yaml").write_text("deterministic: {train_mare: {relative: 0.1}}")
    done = run_check(worse, "--against", folder / "baseline", "--tolerance", tmp_path / "t.yaml")
    assert done.exit_code == 0, done.output


def test_timings_of_one_repeat_are_a_warning_and_never_a_failure(folder: Path, tmp_path: Path) -> None:
    slow = altered(folder, tmp_path / "slow", fit_seconds=1e6)
    done = run_check(slow, "--against", folder / "baseline", "--reference", "nn_lasso")
    assert done.exit_code == 0
    assert "warning" in done.output


WRONG = {
    "no baseline named": (["run"], "Missing option"),
    "an unknown option": (["run", "--against", "baseline", "--jsn", "-"], "no such option: --jsn"),
    "no such run": (["nothing", "--against", "baseline"], "no cells.parquet"),
    "no such baseline": (["run", "--against", "nothing"], "nothing: no such folder"),
    "a folder of something else": (["run", "--against", "run/batches"], "no cells.csv"),
    "no such tolerances": (["run", "--against", "baseline", "--tolerance", "t.yaml"], "t.yaml: no such file"),
    "no such reference": (["run", "--against", "baseline", "--reference", "nn_laso"], "did you mean 'nn_lasso'?"),
    "a report that cannot be written": (["run", "--against", "baseline", "--junit", "a.yaml/x"], "cannot be written"),
    "a results folder as baseline": (["run", "--against", "run", "--update"], "a results folder, not a baseline"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_is_exit_code_3_and_changes_nothing(
    what: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    arguments, said = WRONG[what]
    done = run_check(*arguments)
    assert done.exit_code == 3, done.output
    assert said in done.output
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_update_shows_what_changes_and_then_writes(folder: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline"
    shutil.copytree(folder / "baseline", baseline)
    worse = altered(folder, tmp_path / "worse", train_mare=0.2)
    done = run_check(worse, "--against", baseline, "--update")
    assert done.exit_code == 0
    assert "regression  cps_like/default/nn_lasso" in done.output
    assert "baseline replaced" in done.output
    assert run_check(worse, "--against", baseline).exit_code == 0
    assert run_check(folder / "run", "--against", baseline).exit_code == 0  # an improvement passes
    assert "improved" in run_check(folder / "run", "--against", baseline).output


DAMAGE = {
    "a table edited by hand": ("cells.csv", lambda text: text.replace("optimal", "error", 1), "checksum mismatch"),
    "a table cut off": ("cells.csv", lambda text: text[:300], "checksum mismatch"),
    "an empty table": ("cells.csv", lambda text: "", "checksum mismatch"),
    "another format": (
        "manifest.json",
        lambda text: text.replace(f'"format": {RESULT_FORMAT}', '"format": 1'),
        "another format version",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_or_older_baseline_is_not_comparable_until_it_is_updated(
    what: str, folder: Path, tmp_path: Path
) -> None:
    name, damage, said = DAMAGE[what]
    baseline = tmp_path / "baseline"
    shutil.copytree(folder / "baseline", baseline)
    text = (baseline / name).read_text()
    (baseline / name).write_text(damage(text))
    assert (baseline / name).read_text() != text
    done = run_check(folder / "run", "--against", baseline)
    assert done.exit_code == 2
    assert said in done.output
    assert run_check(folder / "run", "--against", baseline, "--update").exit_code == 0
    assert run_check(folder / "run", "--against", baseline).exit_code == 0


def test_labels_with_control_characters_neither_break_xml_nor_reach_the_terminal(folder: Path, tmp_path: Path) -> None:
    hostile = altered(folder, tmp_path / "hostile", label="\x1b[2J<&\x00\n]]>", cell="x")
    junit = tmp_path / "j.xml"
    done = run_check(hostile, "--against", folder / "baseline", "--junit", junit)
    assert done.exit_code == 2
    assert "\x1b" not in done.output
    assert "<&" in str({case.get("classname") for case in ElementTree.parse(junit).getroot().iter("testcase")})


def test_the_readme_example_holds_this_repository_to_its_smoke_baseline(tmp_path: Path) -> None:
    readme = (ROOT / "experiments" / "README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(pytest_plugins.*?)```", readme, flags=re.DOTALL)
    assert len(example.strip().splitlines()) <= 6  # five lines and a blank one or two
    (tmp_path / "test_mine.py").write_text(
        example.replace("experiments/mine.yaml", "experiments/smoke.yaml").replace(
            "baselines/mine", "results/baselines/smoke"
        )
    )
    for name in ("experiments", "results"):
        (tmp_path / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize(("method", "factor"), [(NnLasso, 1.0001), (RandomReweight, 1.01), (StratifiedRaking, 1.01)])
def test_weights_that_are_off_by_little_are_found_against_the_smoke_baseline(
    method: type[Method], factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = method.solve

    def off(self: Method, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        found = honest(self, problem, points)
        return [dataclasses.replace(s, weights=None if s.weights is None else factor * s.weights) for s in found]

    monkeypatch.setattr(method, "solve", off)
    name = method.__module__.rpartition(".")[2]
    session = open_session(ROOT / "experiments/smoke.yaml")
    run_session(session, Store(tmp_path / "run"), only=[name], quiet=True)
    done = run_check(tmp_path / "run", "--against", ROOT / "results/baselines/smoke")
    assert done.exit_code == 1, done.output  # the other methods are missing, which a regression outranks
    assert re.search(rf"regression +cps_like/default/{name} .*train_mare", done.output)


pytest_plugins = ["frontier.pytest_plugin"]


def test_the_fixture_fails_with_the_table_and_the_command_that_accepts_the_change(
    folder: Path, tmp_path: Path, frontier_check: Any
) -> None:
    assert frontier_check(folder / "a.yaml", baseline=folder / "baseline", out=folder / "run").code == 0
    better = tmp_path / "better"
    done = run_check(altered(folder, tmp_path / "run2", train_mare=0.01), "--against", better, "--update")
    assert done.exit_code == 0
    with pytest.raises(
        pytest.fail.Exception, match=r"(?s)regression .*train_mare.*if this is meant: python -m frontier"
    ):
        frontier_check(folder / "a.yaml", baseline=better, out=folder / "run")
    with pytest.raises(pytest.fail.Exception, match=r"no such folder; .*--update"):
        frontier_check(folder / "a.yaml", baseline=tmp_path / "none", out=folder / "run")

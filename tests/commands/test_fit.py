"""`python -m frontier fit` and `frontier.calibrate`: the winner used on one problem, its files whole or not there."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

import frontier
from frontier import InputError, Status
from frontier.commands import fit_files
from frontier.commands.fit import main
from frontier.commands.run import main as run_main
from frontier.commands.score import main as score_main
from frontier.core import files
from frontier.results.run import load_run
from frontier.sweep.solve import NotAsAskedWarning
from frontier.sweep.weight_warnings import WeightWarning
from tests.conftest import make_problem
from tests.methods.test_published_numbers import calmar

EXAMPLE = Path(__file__).resolve().parents[2] / "experiments"
ANCHORED = ("--method", "anchored_l1", "--refit", "none")
SAMPLE = ("--method", "pps_sample", "--refit", "fitted")  # keeps the total weight: nothing to say against it


def fit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the example's files."""
    shutil.copytree(EXAMPLE / "own_data", tmp_path / "own_data")
    shutil.copy(EXAMPLE / "own_data.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_readme_s_example_runs(folder: Path) -> None:
    problem = frontier.load_problem(
        "files", microdata="own_data/montana.csv", targets="own_data/targets.csv", id="household", min_records=10
    )
    solution = frontier.calibrate(problem, method="coreset", budget=100)
    assert solution.status == "completed"
    assert 98 <= len(solution.active) <= 102  # within the 2% that serve a budget
    weights = pd.DataFrame({"household": problem.meta["record_ids"], "weight": solution.weights})
    weights[weights["weight"] > 0].to_csv("weights.csv", index=False)
    assert len(pd.read_csv("weights.csv")) == len(solution.active)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_command_writes_weights_and_targets_and_prints_what_came_out(suffix: str, folder: Path) -> None:
    done = fit("own_data/problem.yaml", *ANCHORED, "--budget", 100, "--out", f"out/w.{suffix}", "--set", "mu=1e-4")
    assert done.exit_code == 1, done.stderr  # written, and warned of: they lose too much of the total weight
    *_, last = done.stderr.splitlines()
    assert last.startswith("WARNING: ")
    assert "NOT AS ASKED FOR" not in done.stderr
    read = pd.read_csv if suffix == "csv" else pd.read_parquet
    weights, targets = read(f"out/w.{suffix}"), read(f"out/w_targets.{suffix}")
    problem = frontier.load_problem(
        "files",
        microdata="own_data/montana.csv",
        targets="own_data/targets.csv",
        id="household",
        head="head",
        min_records=10,
    )
    with pytest.warns(WeightWarning, match="of the total weight is gone"):
        same = frontier.calibrate(problem, method="anchored_l1", budget=100, refit="none", params={"mu": 1e-4})
    assert weights["household"].tolist() == problem.meta["record_ids"].tolist()
    np.testing.assert_array_equal(weights["weight"], same.weights)  # CSV keeps every bit
    np.testing.assert_array_equal(weights["active"], weights["weight"] > 0)
    np.testing.assert_array_equal(targets["target"], problem.target_names)
    np.testing.assert_array_equal(targets["value"], problem.y)
    np.testing.assert_allclose(targets["estimate_at_w0"], problem.M @ problem.w0, rtol=1e-12)  # rounding of a sum
    np.testing.assert_allclose(targets["estimate"], problem.M @ weights["weight"], rtol=1e-12)  # rounding of a sum
    error = (targets["estimate"] - targets["value"]) / np.maximum(np.abs(targets["value"]), 1)
    np.testing.assert_allclose(targets["relative_error"], error, atol=1e-12)  # rounding of a difference
    assert targets["fitted"].all()
    for line in (
        "montana: 33 targets × 491 records",
        "records kept      100 of 491",
        "optimal",
        f"out/w_targets.{suffix}",
    ):
        assert line in done.stdout
    assert done.stderr.startswith("warning: targets.csv: 6 targets with fewer than 10 records are left out")


def test_held_out_targets_are_told_apart_and_a_share_is_a_budget(folder: Path) -> None:
    done = fit(
        *("own_data.yaml", "--method", "anchored_l1", "--budget", "0.2", "--split", "default"),
        *("--refit", "initial", "--out", "w.csv"),
    )
    assert done.exit_code == 1
    assert "NOT AS ASKED FOR" not in done.stderr
    assert "WARNING: " in done.stderr
    assert "records kept      98 of 491" in done.stdout
    assert "error, held out" in done.stdout
    targets = pd.read_csv("w_targets.csv")
    assert set(targets.loc[~targets["fitted"], "family"]) == {"usda_snap", "cms_medicaid", "irs_eitc"}


def test_a_budget_out_of_reach_is_written_and_said_and_ends_with_1(folder: Path) -> None:
    done = fit("own_data/problem.yaml", "--method", "nn_lasso", "--budget", 300, "--out", "w.csv")
    assert done.exit_code == 1
    assert "NOT AS ASKED FOR: unreached: asked for 300 records, the nearest size reached is 33" in done.stderr
    assert Path("w.csv").is_file()


def test_no_weights_is_said_writes_nothing_and_ends_with_1(folder: Path) -> None:
    done = fit("own_data/problem.yaml", "--method", "raking", "--set", "max_iter=1", "--out", "w.csv")
    assert done.exit_code == 1
    assert ("NOT AS ASKED FOR" in done.stderr) == Path("w.csv").exists()
    failed = fit("own_data/problem.yaml", "--method", "dense_adam", "--set", "lr=1e300", "--out", "v.csv")
    assert failed.exit_code == 1
    assert "FAILED, nothing written: error" in failed.stderr
    refused = fit("own_data/problem.yaml", "--method", "best_subset", "--budget", 5, "--out", "v.csv")
    assert refused.exit_code == 2
    assert "too many records for an exact search" in refused.stderr
    assert not list(folder.glob("v*"))


def test_what_a_method_cannot_do_here_is_bad_input_not_a_failed_fit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontier.solvers.gates.train._has_driver", lambda: False)
    done = fit(
        "own_data/problem.yaml", "--method", "hard_concrete", "--budget", 9, "--set", "device=cuda", "--out", "v.csv"
    )
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("error: device: no CUDA device here; expected auto or cpu")
    assert not list(folder.glob("v*"))


WRONG: dict[str, tuple[list[str], str]] = {
    "no such problem": (["no.yaml", "--out", "w.csv"], "no.yaml: no such file"),
    "a file of no table": (["own_data/problem.yaml", "--budget", "9", "--out", "w.xlsx"], "--out: not a table"),
    "neither budget nor λ": (
        ["own_data/problem.yaml", "--method", "anchored_l1", "--out", "w.csv"],
        "point: incomplete; expected budget or lam",
    ),
    "neither method nor budget": (
        ["own_data/problem.yaml", "--out", "w.csv"],
        "budget: neither a budget nor a method; expected how many records to keep; give one (160, say)",
    ),
    "a λ without a method": (["own_data/problem.yaml", "--lam", "1", "--out", "w.csv"], "lam: a λ without a method"),
    "both": (["own_data/problem.yaml", "--budget", "9", "--lam", "1", "--out", "w.csv"], "point: both lam and budget"),
    "a budget in words": (["own_data/problem.yaml", "--budget", "few", "--out", "w.csv"], "--budget: not a budget"),
    "a share above 1": (["own_data/problem.yaml", "--budget", "1.5", "--out", "w.csv"], "budget: not a budget"),
    "an unknown method": (["own_data/problem.yaml", "--method", "fsta", "--out", "w.csv"], "unknown method 'fsta'"),
    "an unknown parameter": (
        ["own_data/problem.yaml", *ANCHORED, "--budget", "9", "--set", "nu=1", "--out", "w.csv"],
        "method 'anchored_l1'.nu: unknown key; did you mean 'mu'?",
    ),
    "a parameter of another type": (
        ["own_data/problem.yaml", *ANCHORED, "--budget", "9", "--set", "mu=small", "--out", "w.csv"],
        "method 'anchored_l1'.mu: input should be a valid number",
    ),
    "a setting without a value": (
        ["own_data/problem.yaml", "--budget", "9", "--set", "mu", "--out", "w.csv"],
        "--set: not a setting; expected name=value, got 'mu'",
    ),
    "a setting twice": (
        ["own_data/problem.yaml", "--budget", "9", "--set", "mu=1", "--set", "mu=2", "--out", "w.csv"],
        "--set: 'mu' is set twice",
    ),
    "a setting that is no YAML": (
        ["own_data/problem.yaml", "--budget", "9", "--set", "mu=[", "--out", "w.csv"],
        "--set mu: not valid YAML",
    ),
    "a seed for a method without": (
        ["own_data/problem.yaml", *ANCHORED, "--budget", "9", "--seed", "1", "--out", "w.csv"],
        "seed: 'anchored_l1' is deterministic; drop it",
    ),
    "a file of the problem": (
        ["own_data/problem.yaml", "--budget", "9", "--out", "own_data/montana.csv"],
        "own_data/montana.csv: would replace a file of the problem",
    ),
    "targets over those of the problem": (
        ["t.yaml", "--budget", "9", "--out", "w.csv"],
        "w_targets.csv: would replace",
    ),
    "a folder for a file": (["own_data/problem.yaml", "--budget", "9", "--out", "folder.csv"], "folder.csv: cannot be"),
    "a file for a folder": (["own_data/problem.yaml", "--budget", "9", "--out", "t.yaml/w.csv"], "t.yaml is no folder"),
    "an experiment with two": (["two.yaml", "--budget", "9", "--out", "w.csv"], "two.yaml: problems: not one problem"),
    "an unknown key": (["key.yaml", "--budget", "9", "--out", "w.csv"], "key.yaml: problem.wieght: unknown key"),
}


@pytest.mark.parametrize("what", WRONG)
def test_bad_input_is_one_line_exit_code_2_and_nothing_written(what: str, folder: Path) -> None:
    arguments, said = WRONG[what]
    (folder / "folder.csv").mkdir()
    shutil.copy("own_data/targets.csv", "w_targets.csv")
    (folder / "t.yaml").write_text(
        "{name: files, microdata: own_data/montana.csv, targets: w_targets.csv, min_records: 9}"
    )
    (folder / "two.yaml").write_text("problems: [{name: planted}, {name: cps_like}]")
    (folder / "key.yaml").write_text("{name: files, targets: t.csv, wieght: w}")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = fit(*arguments)
    assert done.exit_code == 2, done.output
    *warned, last = done.stderr.splitlines()
    assert last.startswith("error: ")
    assert said in last
    assert all(line.startswith("warning: ") for line in warned)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_full_disk_leaves_both_earlier_files_as_they_were(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fit("own_data/problem.yaml", *SAMPLE, "--budget", 100, "--out", "w.csv").exit_code == 0
    before = {path: path.read_bytes() for path in folder.glob("w*")}
    written: list[int] = []

    def second_fails(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", second_fails)
    done = fit("own_data/problem.yaml", *SAMPLE, "--budget", 60, "--out", "w.csv")
    assert done.exit_code == 1  # not the input's fault
    assert done.stderr.splitlines()[-1] == "error: [Errno 28] No space left on device; nothing was written"
    assert {path: path.read_bytes() for path in folder.glob("w*")} == before
    assert not list(folder.glob(".*.tmp"))


def test_the_command_runs_as_a_user_runs_it(folder: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "frontier",
            "fit",
            "own_data/problem.yaml",
            *SAMPLE,
            "--budget",
            "100",
            "--out",
            "weights.parquet",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(EXAMPLE.parent)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (pd.read_parquet("weights.parquet")["weight"] > 0).sum() == 100


@pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")  # made up to be fitted badly
def test_a_stochastic_method_has_seed_0_unless_one_is_given() -> None:
    problem = make_problem()
    found = [frontier.calibrate(problem, method="pps_sample", budget=20, seed=seed).weights for seed in (None, 0, 1)]
    assert found[0] is not None
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


@pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")  # made up to be fitted badly
@pytest.mark.filterwarnings("ignore::frontier.sweep.solve.NotAsAskedWarning")
def test_calibrate_has_the_harness_s_verdict_also_of_a_refit_of_what_did_not_converge() -> None:
    problem = make_problem(n=200, m=20)
    stopped = frontier.calibrate(problem, method="anchored_l1", budget=60, refit="none", params={"max_iter": 1})
    assert stopped.status in (Status.NOT_CONVERGED, Status.UNREACHED)
    again = frontier.calibrate(problem, method="anchored_l1", budget=60, params={"max_iter": 1}, refit="fitted")
    assert again.refit == "fitted"
    assert again.status == stopped.status
    with pytest.raises(InputError, match=r"refit: unknown refit; expected none, fitted, initial.*got 'weights'"):
        frontier.calibrate(problem, budget=60, refit="weights")  # type: ignore[arg-type]


def test_a_problem_file_holds_keys_or_a_problem_or_an_experiment_with_one(tmp_path: Path) -> None:
    texts = ["name: planted\nseed: 3", "problem: {name: planted, seed: 3}", "problems: [{name: planted, seed: 3}]"]
    for text in texts:
        (tmp_path / "p.yaml").write_text(text)
        _, problem = fit_files.read_problem_file(tmp_path / "p.yaml")
        assert problem.fingerprint == frontier.load_problem("planted", seed=3).fingerprint


@pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")  # made up to be fitted badly
@pytest.mark.parametrize("method", ["anchored_l1", "nn_lasso", "hard_concrete", "random_reweight"])
def test_records_without_initial_weight_are_no_obstacle(method: str) -> None:
    problem = make_problem()
    w0 = problem.w0.copy()
    w0[:5] = 0.0
    params = {"hard_concrete": {"epochs": 300}}.get(method, {})
    solution = frontier.calibrate(
        dataclasses.replace(problem, w0=w0, floor=None), method=method, budget=6, params=params
    )
    assert solution.weights is not None, solution.message
    if method == "anchored_l1":  # which never leaves w0 = 0
        assert not solution.weights[:5].any()


def test_settings_are_read_as_in_yaml() -> None:
    read = fit_files.read_settings(["a=1e-4", "b=2", "c=true", "d=[1, x]", "e=f=g", "h=null"])
    assert read == {"a": 1e-4, "b": 2, "c": True, "d": [1, "x"], "e": "f=g", "h": None}


def test_a_run_prints_keeps_and_reports_what_there_is_to_say_against_its_data(folder: Path) -> None:
    done = CliRunner().invoke(run_main, ["own_data.yaml", "--only", "anchored_l1", "--out", "run"])
    assert done.exit_code == 0, done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert line.startswith("warning: problem 'montana': own_data/targets.csv: 6 targets with fewer than 10 records")
    manifest = load_run(Path("run")).manifest
    assert line == f"warning: problem 'montana': {manifest['problems']['montana']['warnings'][0]}"
    report = Path("run/report/report.md").read_text(encoding="utf-8")
    assert "**Warnings about montana:**\n\n- own_data/targets.csv: 6 targets with fewer than 10 records" in report


def test_an_optimum_that_loses_the_population_is_written_and_warned_of_and_ends_with_1(folder: Path) -> None:
    done = fit("own_data/problem.yaml", *ANCHORED, "--budget", 100, "--out", "w.csv")
    assert done.exit_code == 1
    assert "optimal, for the method's own objective" in done.stdout
    assert "WARNING: 30% of the total weight is gone, 293,646 left of 417,927: a target for the total" in done.stderr
    assert Path("w.csv").is_file()
    problem = frontier.load_problem(
        "files", microdata="own_data/montana.csv", targets="own_data/targets.csv", id="household", min_records=10
    )
    with pytest.warns(WeightWarning, match="of the total weight is gone"):
        solution = frontier.calibrate(problem, method="anchored_l1", budget=100, refit="none", params={"mu": 1e-4})
    assert solution.status == "optimal"
    assert len(solution.active) == 100


def test_active_only_writes_the_kept_records_by_the_id_that_the_user_s_file_has(folder: Path) -> None:
    arguments = ("own_data/problem.yaml", *SAMPLE, "--budget", 60)
    assert fit(*arguments, "--out", "all.csv").exit_code == 0
    assert fit(*arguments, "--out", "kept.csv", "--active-only").exit_code == 0
    everybody, kept = pd.read_csv("all.csv"), pd.read_csv("kept.csv")
    assert kept.columns.tolist() == ["household", "weight"]
    assert len(kept) == 60
    same = everybody.loc[everybody["active"], ["household", "weight"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, same)


def test_records_without_an_id_of_their_own_are_numbered_as_record(folder: Path) -> None:
    text = (folder / "own_data" / "problem.yaml").read_text()
    (folder / "own_data" / "rows.yaml").write_text(
        text.replace("\nid: household", "\n# id:").replace("\nhead: head", "\n#")
    )
    assert fit("own_data/rows.yaml", *SAMPLE, "--budget", 100, "--out", "w.csv").exit_code in (0, 1)
    assert pd.read_csv("w.csv").columns.tolist() == ["record", "weight", "active"]


@pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")  # made up to be fitted badly
def test_python_warns_when_what_came_is_not_what_was_asked_for() -> None:
    problem = make_problem(n=200, m=20)
    with pytest.warns(NotAsAskedWarning, match="problem 'tiny': unreached: asked for 150 records"):
        solution = frontier.calibrate(problem, method="nn_lasso", budget=150)
    first, second = repr(solution).splitlines()
    assert first.startswith("Solution of nn_lasso at budget 150, refit from the initial weights: ")
    assert f"{len(solution.active)} of 200 records, total weight " in first
    assert second.startswith("unreached: asked for 150 records")
    assert repr(dataclasses.replace(solution, weights=None)).splitlines()[0].endswith(": no weights")


def test_an_earlier_file_is_weighted_again_with_its_records_frozen_or_started_from(folder: Path) -> None:
    problem = "own_data/problem.yaml"
    assert fit(problem, *SAMPLE, "--budget", 100, "--out", "old.csv", "--active-only").exit_code == 0
    targets = pd.read_csv("own_data/targets.csv")
    targets.assign(value=targets["value"] * 1.03).to_csv("own_data/targets.csv", index=False)  # a year later
    again = fit(problem, "--start", "old.csv", "--freeze", "--out", "new.csv", "--active-only")
    assert again.exit_code == 0, again.stderr
    assert "method            given weights, refit" in again.stdout
    old, new = pd.read_csv("old.csv"), pd.read_csv("new.csv")
    assert new["household"].tolist() == old["household"].tolist()
    assert new["weight"].sum() == pytest.approx(1.03 * old["weight"].sum(), rel=0.01)  # no target is the total itself
    later = fit(problem, "--method", "anchored_l1", "--budget", 60, "--start", "old.csv", "--out", "few.csv")
    few = pd.read_csv("few.csv")
    assert later.exit_code in (0, 1)
    assert set(few.loc[few["active"], "household"]) <= set(old["household"])  # it never leaves w0 = 0
    for arguments in (("--freeze",), ("--freeze", "--start", "old.csv", "--budget", 9)):
        refused = fit(problem, *arguments, "--out", "no.csv")
        assert refused.exit_code == 2
        assert refused.stderr.splitlines()[-1].startswith("error: --freeze: keeps the records of --start; give --start")


def test_metrics_show_themselves_in_two_lines_and_as_a_table() -> None:
    problem = make_problem()
    row = frontier.score(problem, problem.w0)
    first, second = repr(row).splitlines()
    assert first.startswith("weights on tiny, refit none: 60 records, training error ")
    assert second.startswith("completed, ")
    assert "<td>train_mare</td>" in row._repr_html_()
    failed = frontier.evaluate(problem, frontier.default_split(problem), frontier.Solution(None, Status.INFEASIBLE))
    assert repr(failed).splitlines()[0].endswith(": no weights")


def test_negative_weights_are_written_and_scored_where_they_are_asked_for(folder: Path) -> None:
    path = frontier.write_problem(calmar(), folder / "calmar")
    wanted = ("--method", "greg", "--set", "lower=null", "--set", "negative=true")
    refused = fit(path, *wanted[:-2], "--out", "w.csv")
    assert refused.exit_code == 1
    assert "FAILED, nothing written: error: 1 weights are negative" in refused.stderr
    done = fit(path, *wanted, "--out", "w.csv")
    assert done.exit_code == 0, done.stderr
    assert "records kept      15 of 15" in done.stdout
    assert "negative weights  1, the smallest -0.708" in done.stdout
    written = pd.read_csv("w.csv")
    assert written["active"].all()
    assert written["weight"].min() == pytest.approx(-0.7084, abs=6e-5)  # of CALMAR's, to the digits printed
    judged = CliRunner().invoke(score_main, [str(path), "w.csv"])
    assert judged.exit_code == 2
    assert "negative weight; expected a finite number ≥ 0" in judged.stderr
    judged = CliRunner().invoke(score_main, [str(path), "w.csv", "--negative"])
    assert judged.exit_code == 0, judged.stderr
    assert "negative weights  1, the smallest -0.708" in judged.stdout


def test_integer_weights_are_written_with_what_they_cost_the_totals(folder: Path) -> None:
    path = frontier.write_problem(make_problem(n=400), folder / "made")
    done = fit(path, "--method", "raking", "--integer", "--seed", 3, "--out", "w.csv")
    assert done.exit_code == 0, done.stderr
    written = pd.read_csv("w.csv")["weight"].to_numpy()
    assert (written == np.round(written)).all()
    assert "integer weights   which moves the totals by mean 0." in done.stdout
    again = fit(path, "--start", "w.csv", "--freeze", "--integer", "--out", "v.csv")
    assert again.exit_code == 0, again.stderr
    newer = pd.read_csv("v.csv")["weight"].to_numpy()
    assert (newer == np.round(newer)).all()


def two_states(folder: Path, national: bool = False) -> None:
    """Microdata of two states with targets by state, one problem file."""
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"id": range(200), "weight": rng.uniform(5, 15, 200).round(3)})
    people["state"], people["age"] = np.where(rng.random(200) < 0.4, "MT", "WY"), rng.integers(0, 90, 200)
    people.to_csv(folder / "people.csv", index=False)
    lines = ["name,variable,statistic,where:state,value", "mt,,count,MT,800", "wy,,count,WY,1300"]
    lines += ["mt old,age,amount,MT,37000", "wy old,age,amount,WY,57000", *(["us,,count,,2100"] if national else [])]
    (folder / "cells.csv").write_text("\n".join(lines) + "\n")
    (folder / "states.yaml").write_text("{name: files, microdata: people.csv, targets: cells.csv, id: id}")


def test_parts_are_fitted_apart_into_one_file_with_a_line_each(folder: Path) -> None:
    two_states(folder)
    done = fit("states.yaml", "--method", "raking", "--partition", "state", "--jobs", 2, "--out", "w.csv")
    assert done.exit_code == 0, done.stderr
    for state in ("MT", "WY"):
        assert f"state {state}          " in done.stdout
    assert "mean error 0.000% on 2 targets; optimal" in done.stdout
    targets = pd.read_csv("w_targets.csv")
    np.testing.assert_allclose(targets["relative_error"], 0, atol=1e-8)  # the method's tol
    weights = pd.read_csv("w.csv")
    assert len(weights) == 200
    assert weights["active"].all()


def test_national_targets_are_refused_for_methods_that_solve_no_dual(folder: Path) -> None:
    two_states(folder, national=True)
    done = fit("states.yaml", "--method", "dense_nnls", "--partition", "state", "--out", "w.csv")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("error: partition: 1 target crosses parts: 'us'; ")
    assert not Path("w.csv").exists()


def test_a_part_that_fails_is_left_blank_and_ends_with_1(folder: Path) -> None:
    two_states(folder)
    cells = Path("cells.csv").read_text() + "mt again,,count,MT,900\n"
    Path("cells.csv").write_text(cells)
    done = fit("states.yaml", "--method", "raking", "--partition", "state", "--out", "w.csv")
    assert done.exit_code == 1
    assert "NOT AS ASKED FOR: part 'MT': no weights for " in done.stderr
    assert "already 'mt', 'mt again' cannot be met together" in done.stderr
    people, weights = pd.read_csv("people.csv"), pd.read_csv("w.csv")
    np.testing.assert_array_equal(weights["weight"].isna(), people["state"] == "MT")


@pytest.mark.parametrize(
    ("column", "said"),
    [("sate", "partition: no column 'sate'; did you mean 'state'?"), ("age", "'age' is an amount, not a category")],
)
def test_what_is_no_partition_is_refused(column: str, said: str, folder: Path) -> None:
    two_states(folder)
    done = fit("states.yaml", "--method", "raking", "--partition", column, "--out", "w.csv")
    assert done.exit_code == 2
    assert said in done.stderr

"""A cell belongs to the code that made it: other code solves it again, and vouches for no cell that it did not make."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import frontier
import frontier.sweep.facts as facts
from frontier.core.errors import InputError
from frontier.methods.registry import method_names
from frontier.results.baseline import write_baseline
from frontier.results.provenance import method_code
from frontier.results.run import load_run
from frontier.results.store import Store
from frontier.sweep.merging import merge_runs
from frontier.sweep.run import run_session
from frontier.sweep.session import open_session

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = """\
problems: [{name: cps_like}]
methods:
  - {name: random_reweight, budget: [20, 50], seeds: [0, 1], epochs: 50}
  - {name: nn_lasso, lam: [1e-4, 1e-3]}
"""
TIMINGS = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with the package, free to be changed, and a finished run of it with its baseline."""
    shutil.copytree(ROOT / "frontier", tmp_path / "frontier")  # with what Numba has compiled
    (tmp_path / "a.yaml").write_text(EXPERIMENT)
    frontier.run_experiment(tmp_path / "a.yaml", out=tmp_path / "run")  # the same code as there
    write_baseline(load_run(tmp_path / "run"), tmp_path / "baseline")
    return tmp_path


RUN = """
import sys
from pathlib import Path
from frontier.results.store import Store
from frontier.sweep.run import run_session
from frontier.sweep.session import open_session
run_session(open_session(Path("a.yaml")), Store(Path("run")), only=sys.argv[1:], quiet=True, warn=print)
"""


def run_there(folder: Path, *only: str) -> str:
    """What the run says that goes on with the package in the folder."""
    return in_folder(folder, "-c", RUN, *only).stdout


def check_there(folder: Path) -> subprocess.CompletedProcess[str]:
    return in_folder(folder, "-m", "frontier.check", "run", "--against", "baseline")


def in_folder(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def spoil(folder: Path) -> None:
    """Let `random_reweight` return weights a thousand times too large."""
    path = folder / "frontier/methods/random_reweight.py"
    text = path.read_text()
    assert text.count("weights[support] = fitted") == 1
    path.write_text(text.replace("weights[support] = fitted", "weights[support] = 1000 * fitted"))


def test_a_changed_method_is_solved_again_alone_and_the_check_sees_its_fault(elsewhere: Path) -> None:
    batches = {path: path.stat().st_mtime_ns for path in (elsewhere / "run/batches").iterdir()}
    before = load_run(elsewhere / "run").cells
    spoil(elsewhere)
    stale = check_there(elsewhere)
    assert stale.returncode == 2
    assert "4 of 4 cells of 'random_reweight' were made by other code of it than is here" in stale.stderr
    said = run_there(elsewhere)
    assert "the code of 'random_reweight' has changed: its 4 finished cells are solved again" in said
    kept = [path for path in batches if path.stat().st_mtime_ns == batches[path]]
    assert len(kept) == 1  # the path of nn_lasso
    after = load_run(elsewhere / "run").cells
    for label, equal in (("nn_lasso", True), ("random_reweight", False)):
        was, now = (table[table["label"] == label]["train_mare"] for table in (before, after))
        assert was.equals(now) is equal
    found = check_there(elsewhere)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "regression" in found.stdout


def test_what_only_leaves_out_stays_with_a_note_and_is_not_checked(elsewhere: Path) -> None:
    spoil(elsewhere)
    said = run_there(elsewhere, "nn_lasso")
    assert "its 4 finished cells stay in the tables, as --only leaves them out" in said
    assert len(load_run(elsewhere / "run").cells) == 6
    assert check_there(elsewhere).returncode == 2


@pytest.mark.parametrize("name", method_names())
def test_every_method_has_a_code_of_its_own_that_its_solver_is_part_of(name: str) -> None:
    assert len(method_code(name)) == 12
    assert method_code(name) != method_code("initial_weights" if name != "initial_weights" else "greg")


def test_a_method_that_starts_from_another_has_the_code_of_both() -> None:
    assert method_code("caratheodory", "nn_lasso") != method_code("caratheodory", "hard_concrete")
    assert method_code("no_such_method") == ""


def test_batches_of_another_run_under_this_runs_names_are_named_and_solved_again(tmp_path: Path) -> None:
    tables = {}
    for name, text in (("one", EXPERIMENT), ("other", EXPERIMENT.replace("epochs: 50", "epochs: 5"))):
        (tmp_path / f"{name}.yaml").write_text(text)
        tables[name] = frontier.run_experiment(tmp_path / f"{name}.yaml", out=tmp_path / name)
    sessions = [open_session(tmp_path / f"{name}.yaml") for name in tables]
    for mine, theirs in zip(*(session.batches for session in sessions), strict=True):
        if mine.key != theirs.key:
            shutil.copy(Store(tmp_path / "other").path(theirs.key), Store(tmp_path / "one").path(mine.key))
    said: list[str] = []
    again = run_session(sessions[0], Store(tmp_path / "one"), quiet=True, warn=said.append)
    assert len(said) == 4
    assert all("holds the batch" in line for line in said)
    pd.testing.assert_frame_equal(again.drop(columns=TIMINGS), tables["one"].drop(columns=TIMINGS), check_exact=True)


def test_what_is_known_of_a_split_stays_until_code_problem_or_split_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, found = facts._split_facts, []
    monkeypatch.setattr(
        facts, "_split_facts", lambda problem, split: found.append(split.name) or honest(problem, split)
    )
    path, manifest = tmp_path / "a.yaml", tmp_path / "run/manifest.json"

    def again(text: str = EXPERIMENT, fresh: bool = False) -> tuple[int, object]:
        path.write_text(text)
        found.clear()
        frontier.run_experiment(path, out=tmp_path / "run", fresh=fresh)
        return len(found), json.loads(manifest.read_text())["splits"]

    once = again()
    assert once[0] == 1
    assert again() == (0, once[1])
    assert again(fresh=True) == once
    assert again(EXPERIMENT.replace("cps_like}", "cps_like, resample: 1}"))[0] == 1
    assert again(EXPERIMENT + "splits: [{design: family_folds, k: 2}]\n")[0] == 2
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"code_digest": "other"}))
    assert again(EXPERIMENT + "splits: [{design: family_folds, k: 2}]\n")[0] == 2


def test_fresh_with_only_discards_what_is_selected_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(EXPERIMENT)
    session, store = open_session(tmp_path / "a.yaml"), Store(tmp_path / "run")
    whole = run_session(session, store, quiet=True)
    written = {batch.key: store.path(batch.key).stat().st_mtime_ns for batch in session.batches}
    again = run_session(session, store, fresh=True, only=["nn_lasso"], quiet=True)
    assert len(again) == len(whole) == 6
    for batch in session.batches:
        kept = store.path(batch.key).stat().st_mtime_ns == written[batch.key]
        assert kept is (batch.method.label != "nn_lasso")


def test_a_table_whose_checksum_was_taken_out_of_the_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(EXPERIMENT)
    frontier.run_experiment(tmp_path / "a.yaml", out=tmp_path / "run")
    path = tmp_path / "run/manifest.json"
    manifest = json.loads(path.read_text())
    for without in ({}, {name: text for name, text in manifest["sha256"].items() if name != "cells.parquet"}):
        path.write_text(json.dumps(manifest | {"sha256": without}))
        with pytest.raises(InputError, match=r"states no sha256 of cells\.parquet"):
            load_run(tmp_path / "run")


def test_a_merge_leaves_out_batches_of_another_run_under_this_runs_names(tmp_path: Path) -> None:
    for name, text in (("one", EXPERIMENT), ("other", EXPERIMENT.replace("epochs: 50", "epochs: 5"))):
        (tmp_path / f"{name}.yaml").write_text(text)
        frontier.run_experiment(tmp_path / f"{name}.yaml", out=tmp_path / name)
    plans = [open_session(tmp_path / f"{name}.yaml").batches for name in ("one", "other")]
    mine, theirs = next((a, b) for a, b in zip(*plans, strict=True) if a.key != b.key)
    shutil.copy(Store(tmp_path / "other").path(theirs.key), Store(tmp_path / "one").path(mine.key))
    said: list[str] = []
    table = merge_runs([tmp_path / "one"], tmp_path / "merged", said.append)
    assert len(table) == 6 - len(mine.cells)
    assert any("holds the batch" in line for line in said)

"""What exceeds its limits, hangs or is killed costs its own batch and no more; what stops in time keeps its point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import frontier
from frontier.analysis.aggregate import prepare

ROOT = Path(__file__).resolve().parents[2]
TIMINGS = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]
EXPERIMENT = """\
limits: {limits}
problems: [{{name: cps_like}}]
methods:
  - {{name: nn_lasso, lam: [1e-4, 2e-3]}}
  - {{name: random_reweight, budget: [20, 50], seeds: [0, 1], epochs: 50}}
"""
# sitecustomize reaches the workers too; PyDLL calls do not let go of the interpreter
HOOK = """
import ctypes, sys, time
held = []
def solve(self, problem, points):
    while True:
        {}
    return honest(self, problem, points)
if not any("resource_tracker" in argument for argument in sys.orig_argv):
    import numpy as np
    import frontier.methods.nn_lasso as nn_lasso
    honest, nn_lasso.NnLasso.solve = nn_lasso.NnLasso.solve, solve
"""
HANGS = {
    "in Python": (1, "time.sleep(3600)"),
    "holding the interpreter": (1, "ctypes.PyDLL(None).sleep(3600)"),
    "on two processes": (2, "ctypes.PyDLL(None).sleep(3600)"),
}


# an hour of epochs, of which those of the time limit are kept
LATE = """\
limits: {limits}
refit: [none, fitted]
problems: [{{name: cps_like}}]
methods:
  - {{name: dense_adam, epochs: 1000000}}
  - {{name: nn_lasso, lam: [2e-3]}}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The table of a run without limits. What it compiles stays on disk: no test spends its limit on that."""
    folder = tmp_path_factory.mktemp("whole")
    tables = []
    for name, text in (("b", EXPERIMENT), ("late", LATE.replace("1000000", "1"))):
        (folder / f"{name}.yaml").write_text(text.format(limits="{}"))
        tables.append(frontier.run_experiment(folder / f"{name}.yaml", out=folder / name))
    return tables[0]


def started(folder: Path, limits: str, hook: str, jobs: int, experiment: str = EXPERIMENT) -> subprocess.Popen[str]:
    """A run in a process of its own, whose workers have the hook."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(HOOK.format(hook))
    (folder / "a.yaml").write_text(experiment.format(limits=limits))
    code = f"import frontier; frontier.run_experiment('a.yaml', jobs={jobs}, out='run')"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str], folder: Path) -> pd.DataFrame:
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said[-2000:]
    assert not list(folder.glob("run/batches/*.started"))
    return pd.read_parquet(folder / "run" / "cells.parquet")


@pytest.mark.usefixtures("whole")
def test_what_hangs_becomes_timeout_rows_and_what_stops_in_time_keeps_its_best_point(tmp_path: Path) -> None:
    limits = "{seconds: 10}"  # a loaded machine still imports and compiles in that time
    late = started(tmp_path / "late", limits, "break", 1, LATE)
    # side by side: each waits for most of its time
    runs = {how: started(tmp_path / how, limits, hook, jobs) for how, (jobs, hook) in HANGS.items()}
    is_scored_and_drawn_hollow(ended(late, tmp_path / "late").set_index("label"))
    for how, run in runs.items():
        table = ended(run, tmp_path / how)
        status = table.groupby("label")["status"].agg(list)
        assert status["nn_lasso"] == ["timeout", "timeout"], how  # one batch: the whole path
        assert status["random_reweight"] == ["completed"] * 4, how
        said = "did not stop within 10 s, set-up included, and was killed after 12 s, with its batch of 2 points"
        assert table["message"][0] == said
        if HANGS[how][0] == 1:
            assert set(table.loc[table["label"] == "random_reweight", "timing"]) == {"clean"}


def is_scored_and_drawn_hollow(table: pd.DataFrame) -> None:
    late = table.loc["dense_adam"]
    assert late["status"] == "timeout"
    assert late["message"].startswith("stopped by the clock, so not reproducible; ")
    assert late["message"].endswith("of 1000000 epochs")
    assert late["n_iter"] > 100
    assert late["train_mare"] < 0.2  # the initial weights miss the targets by far more
    assert list(table.loc[["nn_lasso"], "status"]) == ["optimal", "optimal"]
    drawn = prepare(table.reset_index()).set_index("label")
    assert bool(drawn.loc["dense_adam", "has_weights"])
    assert bool(drawn.loc["dense_adam", "hollow"])


@pytest.mark.usefixtures("whole")
def test_a_method_that_takes_more_memory_than_allowed_becomes_out_of_memory_rows(tmp_path: Path) -> None:
    hook = "held.append(np.ones(2**24)); time.sleep(0.05)"  # 128 MiB at a time
    table = ended(started(tmp_path, "{memory_gib: 1.25}", hook, jobs=1), tmp_path)
    status = table.groupby("label")["status"].agg(list)
    assert status["nn_lasso"] == ["out_of_memory", "out_of_memory"]
    assert status["random_reweight"] == ["completed"] * 4
    assert table["message"][0] == "the process held more than 1.25 GiB and was killed, with its batch of 2 points"


@pytest.mark.parametrize("limits", ["{}", "{seconds: 60, memory_gib: 8}"])
def test_a_worker_killed_from_outside_costs_its_batch_a_second_run_and_nothing_else(
    limits: str, whole: pd.DataFrame, tmp_path: Path
) -> None:
    process = started(tmp_path, limits, "time.sleep(1.5); break", jobs=2)
    until = time.monotonic() + 60
    markers: list[Path] = []
    while not markers and time.monotonic() < until:
        markers = [path for path in tmp_path.glob("run/batches/*.started") if path.read_text()]
        time.sleep(0.01)
    os.kill(int(markers[0].read_text()), signal.SIGKILL)
    table = ended(process, tmp_path)
    pd.testing.assert_frame_equal(table.drop(columns=TIMINGS), whole.drop(columns=TIMINGS), check_exact=True)

"""What exceeds its limits, hangs or is killed costs its own batch and no more; what stops in time keeps its point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
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
KILLED = {"no limits": "{}", "a limit of memory": "{memory_gib: 8}"}  # of runs whose worker is killed from outside
HOLDING = "ctypes.PyDLL(None).sleep(3600)"
GREEDY = "(held.append(np.ones(2**25)), time.sleep(0.05))"  # 256 MiB at a time: at the limit long before the clock is
ALL = f"time.sleep(3600) if self.tol == 1e-6 else {HOLDING} if self.tol == 1e-7 else {GREEDY}"
# which of them a method does stands in its tolerance; the last is an hour of epochs, of which those in time are kept
FAULTS = """\
limits: {limits}
refit: [none, fitted]
problems: [{{name: cps_like}}]
methods:
  - {{name: nn_lasso, label: waits in Python, lam: [1e-4, 2e-3], tol: 1e-6}}
  - {{name: nn_lasso, label: holds the interpreter, lam: [1e-4, 2e-3], tol: 1e-7}}
  - {{name: nn_lasso, label: takes memory, lam: [1e-4, 2e-3]}}
  - {{name: random_reweight, budget: [20, 50], seeds: [0, 1], epochs: 50}}
  - {{name: dense_adam, epochs: 1000000}}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The table of a run without limits. What it compiles stays on disk: no test spends its limit on that."""
    folder = tmp_path_factory.mktemp("whole")
    tables = []
    for name, text in (("b", EXPERIMENT), ("faults", FAULTS.replace("1000000", "1"))):
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


def under_way(folder: Path) -> list[int]:
    """The processes that solve a batch of a run just now."""
    found = []
    for marker in folder.glob("run/batches/*.started"):
        with suppress(FileNotFoundError, ValueError):  # finished, or not written yet
            found.append(int(marker.read_text()))
    return found


def kill_one_of_each(folders: list[Path]) -> None:
    """From outside, the first process of each run that is seen to solve a batch."""
    until, alive = time.monotonic() + 60, set(folders)
    while alive and time.monotonic() < until:
        time.sleep(0.01)
        for folder in sorted(alive):
            for pid in under_way(folder)[:1]:
                os.kill(pid, signal.SIGKILL)
                alive.remove(folder)
    assert not alive, "nobody was there to be killed"


def test_what_hangs_takes_too_much_or_is_killed_costs_its_own_batch_and_no_more(
    whole: pd.DataFrame, tmp_path: Path
) -> None:
    limits = "{seconds: 5, memory_gib: 1.25}"  # a loaded machine still loads what is compiled in that time
    runs = {
        "faults": started(tmp_path / "faults", limits, ALL, 1, FAULTS),
        "two processes": started(tmp_path / "two processes", "{seconds: 5}", HOLDING, 2),
        **{name: started(tmp_path / name, given, "time.sleep(1.5); break", 2) for name, given in KILLED.items()},
    }
    with ExitStack() as side_by_side:  # each waits for most of its time
        for run in runs.values():
            side_by_side.enter_context(run)
        kill_one_of_each([tmp_path / name for name in KILLED])
        tables = {name: ended(run, tmp_path / name) for name, run in runs.items()}
    late = "did not stop within 5 s, set-up included, and was killed after 7 s, with its batch of 2 points"
    ends_with(tables["faults"], "waits in Python", "timeout", late)
    ends_with(tables["faults"], "holds the interpreter", "timeout", late)
    held = "the process held more than 1.25 GiB and was killed, with its batch of 2 points"
    ends_with(tables["faults"], "takes memory", "out_of_memory", held)
    ends_with(tables["two processes"], "nn_lasso", "timeout", late)
    is_scored_and_drawn_hollow(tables["faults"])
    for name in ("faults", "two processes"):
        others = tables[name].loc[tables[name]["label"] == "random_reweight"]
        assert list(others.loc[others["refit"] == "none", "status"]) == ["completed"] * 4
        assert set(others["timing"]) == {"clean" if name == "faults" else "contended"}
    for name in KILLED:  # its batch ran a second time
        found, expected = (table.drop(columns=TIMINGS) for table in (tables[name], whole))
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def ends_with(table: pd.DataFrame, label: str, status: str, said: str) -> None:
    """One batch, the whole path, has no weights, and its rows say why."""
    rows = table[table["label"] == label]
    assert list(rows["status"]) == [status] * 2, label
    assert rows["message"].iloc[0] == said


def is_scored_and_drawn_hollow(table: pd.DataFrame) -> None:
    late = table.set_index("label").loc["dense_adam"]
    assert late["status"] == "timeout"
    assert late["message"].startswith("stopped by the clock, so not reproducible; ")
    assert late["message"].endswith("of 1000000 epochs")
    assert late["n_iter"] > 100
    assert late["train_mare"] < 0.2  # the initial weights miss the targets by far more
    drawn = prepare(table).set_index("label")
    assert bool(drawn.loc["dense_adam", "has_weights"])
    assert bool(drawn.loc["dense_adam", "hollow"])

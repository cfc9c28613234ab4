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


@pytest.fixture(scope="module")
def runs(
    whole: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[subprocess.Popen[str], Path]]:
    """All runs side by side: each waits for most of its time. A worker of the last two is killed from outside."""
    folder = tmp_path_factory.mktemp("runs")
    limits = "{seconds: 5, memory_gib: 1.25}"  # a loaded machine still loads what is compiled in that time
    found = {
        "faults": started(folder / "faults", limits, ALL, 1, FAULTS),
        "two processes": started(folder / "two processes", "{seconds: 5}", HOLDING, 2),
        **{name: started(folder / name, limits, "time.sleep(1.5); break", 2) for name, limits in KILLED.items()},
    }
    for name in KILLED:
        until, markers = time.monotonic() + 60, list[Path]()
        while not markers and time.monotonic() < until:
            markers = [path for path in (folder / name).glob("run/batches/*.started") if path.read_text()]
            time.sleep(0.01)
        os.kill(int(markers[0].read_text()), signal.SIGKILL)
    return {name: (process, folder / name) for name, process in found.items()}


def test_what_hangs_or_takes_too_much_becomes_rows_and_what_stops_in_time_keeps_its_best_point(
    runs: dict[str, tuple[subprocess.Popen[str], Path]],
) -> None:
    table, of_two = ended(*runs["faults"]), ended(*runs["two processes"])
    late = "did not stop within 5 s, set-up included, and was killed after 7 s, with its batch of 2 points"
    ends = {
        "waits in Python": ("timeout", late),
        "holds the interpreter": ("timeout", late),
        "takes memory": (
            "out_of_memory",
            "the process held more than 1.25 GiB and was killed, with its batch of 2 points",
        ),
    }
    for label, (status, said) in ends.items():  # one batch: the whole path
        rows = table[table["label"] == label]
        assert list(rows["status"]) == [status] * 2, label
        assert rows["message"].iloc[0] == said
    others = table[table["label"] == "random_reweight"]
    assert list(others.loc[others["refit"] == "none", "status"]) == ["completed"] * 4
    assert list(others.loc[others["refit"] == "fitted", "status"]) == ["optimal"] * 4
    assert set(others["timing"]) == {"clean"}
    is_scored_and_drawn_hollow(table)
    assert list(of_two.loc[of_two["label"] == "nn_lasso", "message"]) == [late] * 2
    assert list(of_two.loc[of_two["label"] == "random_reweight", "status"]) == ["completed"] * 4


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


@pytest.mark.parametrize("name", KILLED)
def test_a_worker_killed_from_outside_costs_its_batch_a_second_run_and_nothing_else(
    name: str, whole: pd.DataFrame, runs: dict[str, tuple[subprocess.Popen[str], Path]]
) -> None:
    table = ended(*runs[name])
    pd.testing.assert_frame_equal(table.drop(columns=TIMINGS), whole.drop(columns=TIMINGS), check_exact=True)

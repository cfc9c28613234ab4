"""SIGKILL at twenty moments of a run, each followed by resume: the unbroken table, nothing twice, nothing missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from frontier.results.store import Store
from frontier.sweep.run import run_session
from frontier.sweep.session import open_session

TIMINGS = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]
MOMENTS = 20
EXPERIMENT = """\
problems: [{name: cps_like}]
refit: [none, fitted]
methods:
  - {name: random_reweight, budget: [20, 50, 100], seeds: [0, 1], epochs: 300}
  - {name: nn_lasso, lam: [0, 1e-4, 1e-3, 2e-3]}
  - {name: stratified_raking, lam: [1, 2], seeds: [0, 1]}
"""
# budgets, driven and native, reached and not; refits of some cells and not of others (greg is dense)
BUDGETS = """\
budgets: [3, 20, 0.02]
refit: [none, fitted, initial]
problems: [{name: cps_like}]
methods:
  - {name: random_reweight, seeds: [0, 1, 2, 3, 4, 5], epochs: 3000}
  - {name: nn_lasso}
  - {name: stratified_raking, seeds: [0, 1]}
  - {name: greg, relax: 0.1}
"""
# one process that has everything imported and compiled forks the runs that are killed: twenty cold starts take a minute
KILLING = """
import json, os, random, signal, sys, time, warnings
from pathlib import Path
import pandas as pd
from frontier.sweep.run import run_session
from frontier.sweep.session import open_session
from frontier.results.store import Store
warnings.simplefilter("ignore", DeprecationWarning)  # this process has one thread of its own
TIMINGS = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]
folder, moments = Path(sys.argv[1]), int(sys.argv[2])
session = open_session(folder / "a.yaml")
run_session(session, Store(folder / "warm"), quiet=True)
started = time.monotonic()
whole = run_session(session, Store(folder / "whole"), quiet=True).drop(columns=TIMINGS)
length = time.monotonic() - started
draw, found = random.Random(0), []
for moment in range(moments):
    out = folder / str(moment)
    pid = os.fork()
    if pid == 0:
        run_session(session, Store(out), quiet=True)
        os._exit(0)
    due = int((moment + draw.random()) / moments * (len(session.batches) + 1))  # one in every twentieth of the run
    while len(list(out.glob("batches/*.npz"))) < due:  # its speed is another one than a moment ago
        time.sleep(0.002)
    time.sleep(length * draw.random() / moments)  # somewhere in what comes next
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    done = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.glob("batches/*.npz")}
    notes = []
    table = run_session(session, Store(out), quiet=True, warn=notes.append).drop(columns=TIMINGS)
    manifest = json.loads((out / "manifest.json").read_text())
    found.append({
        "killed": os.WIFSIGNALED(status),
        "done": len(done),
        "again": sum((path.stat().st_mtime_ns, path.stat().st_ino) != then for path, then in done.items()),
        "files": sorted(path.name for path in out.glob("batches/*")) == [f"{b.key}.npz" for b in
                 sorted(session.batches, key=lambda b: b.key)],
        "scratch": [path.name for path in out.rglob(".*.tmp")],
        "resumed": manifest["cells_resumed"], "solved": manifest["cells_solved_now"], "notes": notes,
        "equal": table.equals(whole) and pd.read_parquet(out / "cells.parquet").drop(columns=TIMINGS).equals(whole),
    })
print(json.dumps({"batches": len(session.batches), "cells": len(session.cells), "found": found,
                  "length": length}))
"""


def test_sigkill_at_twenty_moments_and_resume_give_the_unbroken_table(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(EXPERIMENT)
    command = [sys.executable, "-c", KILLING, str(tmp_path), str(MOMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert len(result["found"]) == MOMENTS
    for moment in result["found"]:
        assert moment["equal"], "another table"
        assert moment["files"], "a batch is missing, or something is left over"
        assert moment["scratch"] == [], "half a file is left over"
        assert moment["again"] == 0, "a finished batch ran again"
        assert moment["notes"] == [], "a kill left a damaged file"
        assert moment["resumed"] + moment["solved"] == result["cells"]
    finished = [moment["done"] for moment in result["found"] if moment["killed"]]
    assert len(finished) >= MOMENTS / 2, "the runs ended before they were killed"
    assert len(set(finished)) >= 5, "the kills did not fall all over the run"


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("unbroken")
    (folder / "a.yaml").write_text(BUDGETS)
    return run_session(open_session(folder / "a.yaml"), Store(folder / "run"), quiet=True)


@pytest.mark.parametrize("kill_workers", [False, True], ids=["the run alone", "the run and its workers"])
def test_a_run_of_two_workers_that_was_killed_resumes_to_the_unbroken_table(
    kill_workers: bool, unbroken: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(BUDGETS)
    code = "import frontier; frontier.run_experiment('a.yaml', jobs=2, out='run')"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment, start_new_session=True)
    until = time.monotonic() + 60
    while len(list(tmp_path.glob("run/batches/*.npz"))) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    if kill_workers:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    session, said = open_session(tmp_path / "a.yaml"), list[str]()
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("run/batches/*.npz")}
    assert 3 <= len(done) < len(session.batches), "the kill did not fall in the middle"
    assert not (tmp_path / "run/cells.parquet").exists()
    resumed = run_session(session, Store(tmp_path / "run"), quiet=True, warn=said.append)
    assert said == []
    pd.testing.assert_frame_equal(resumed.drop(columns=TIMINGS), unbroken.drop(columns=TIMINGS), check_exact=True)
    assert all(path.stat().st_mtime_ns == then for path, then in done.items()), "a finished batch ran again"


def test_hash_seed_locale_and_loaded_threads_change_no_bit(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(EXPERIMENT.replace("[20, 50, 100], seeds: [0, 1]", "[20], seeds: [0]"))
    tables = []
    for name, odd in (("one", {"PYTHONHASHSEED": "1"}), ("other", {"LC_ALL": "C", "PYTHONHASHSEED": "2"})):
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])} | odd
        environment |= {"OMP_NUM_THREADS": "1" if name == "one" else "2"}
        code = f"import frontier; frontier.run_experiment('a.yaml', out={name!r})"
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True)
        tables.append(pd.read_parquet(tmp_path / name / "cells.parquet").drop(columns=TIMINGS))
    pd.testing.assert_frame_equal(*tables, check_exact=True)

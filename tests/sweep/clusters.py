"""A real Dask cluster for tests: a scheduler and two workers in processes of their own, with hooks in the workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# In the workers: every arrival of a problem is noted, and nn_lasso's path at λ = 2e-3 kills its process while the file
# `kill` is there; `once` goes with the first one that it kills.
HOOKS = """
import functools, os, sys
from pathlib import Path
folder = Path(os.environ["HOOKS"])
def solve(self, given, points):
    if any(point.lam == 2e-3 for point in points):
        if (folder / "once").exists():
            (folder / "once").unlink()
            os.kill(os.getpid(), 9)
        if (folder / "always").exists():
            os.kill(os.getpid(), 9)
    return honest(self, given, points)
def noted(values, meta):
    with (folder / "arrivals").open("a") as file:
        file.write(f"{os.getpid()} {values['name']}\\n")
    return rebuild(values, meta)
if any("spawn_main" in argument or argument == "--no-nanny" for argument in sys.orig_argv):  # no nanny, no tracker
    import frontier.methods.nn_lasso as nn_lasso
    import frontier.core.problem as problem
    honest, rebuild = nn_lasso.NnLasso.solve, problem._rebuild
    nn_lasso.NnLasso.solve, problem._rebuild = solve, functools.wraps(rebuild)(noted)
"""
QUIET = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",  # give a batch up after two dead workers: each takes seconds
    "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "0",
}


@contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    """The address of a scheduler without workers."""
    file = folder / "scheduler.json"
    with _process(["scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)], folder, ROOT):
        for _ in range(600):
            if file.exists() and (text := file.read_text()).endswith("}"):
                break
            time.sleep(0.1)
        yield str(json.loads(text)["address"])


@contextmanager
def workers(address: str, folder: Path, *options: str, code: Path = ROOT) -> Iterator[None]:
    """Workers of a scheduler, on the package in `code`, with the hooks that `folder` switches."""
    (folder / "sitecustomize.py").write_text(HOOKS)
    with _process(["worker", address, "--host", "127.0.0.1", *options], folder, folder, code):
        yield


@contextmanager
def _process(command: list[str], folder: Path, *path: Path) -> Iterator[None]:
    environment = os.environ | QUIET | {"PYTHONPATH": os.pathsep.join(map(str, path)), "HOOKS": str(folder)}
    log = (folder / f"{command[0]}.log").open("a")
    full = [sys.executable, "-m", "dask", *command, "--no-dashboard"]
    with log, subprocess.Popen(full, cwd=folder, env=environment, stdout=log, stderr=log) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()

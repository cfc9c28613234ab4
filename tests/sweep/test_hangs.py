"""A method that hangs, in Python or in native code that holds the interpreter, costs its own batch and no more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

EXPERIMENT = """\
limits: {seconds: 6}  # a loaded machine still imports and compiles in that time
problems: [{name: cps_like}]
methods:
  - {name: fista, lam: [1e-4, 2e-3]}
  - {name: random_reweight, budget: [20, 50], seeds: [0, 1], epochs: 50}
"""
# sitecustomize reaches the workers too; PyDLL calls do not let go of the interpreter
HANGING = """
import ctypes, time
import frontier.methods.fista as fista
def hang(self, problem, points):
    while True:
        {}
fista.Fista.solve = hang
"""


@pytest.mark.parametrize(("jobs", "hang"), [(1, "ctypes.PyDLL(None).sleep(3600)"), (2, "time.sleep(3600)")])
def test_a_method_that_hangs_becomes_timeout_rows_and_the_others_finish(jobs: int, hang: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HANGING.format(hang))
    (tmp_path / "a.yaml").write_text(EXPERIMENT)
    code = f"import frontier; frontier.run_experiment('a.yaml', jobs={jobs}, out='run')"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    table = pd.read_parquet(tmp_path / "run" / "cells.parquet")
    status = table.groupby("label")["status"].agg(list)
    assert status["fista"] == ["timeout", "timeout"]  # one batch: the whole path
    assert status["random_reweight"] == ["completed"] * 4
    assert (
        table["message"][0]
        == "did not stop within 6 s, set-up included, and was killed after 8 s, with its batch of 2 points"
    )
    if jobs == 1:
        assert set(table.loc[table["label"] == "random_reweight", "timing"]) == {"clean"}
    assert not list(tmp_path.glob("run/batches/*.started"))

"""What is imported only where there is such a module: the package begins and solves without `fcntl` and `resource`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WITHOUT = """
import sys
import psutil  # has its own idea of the platform
for name in ("fcntl", "resource"):
    sys.modules[name] = None  # importing it fails
from pathlib import Path
import frontier
Path("a.yaml").write_text("problems: [{name: planted}]\\nmethods: [{name: nn_lasso, lam: [0.1]}]\\n")
table = frontier.run_experiment("a.yaml", out="run")
print(table["status"].tolist(), (table["peak_memory_bytes"] > 0).all())
"""


def test_an_experiment_runs_without_fcntl_and_resource(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['optimal'] True"

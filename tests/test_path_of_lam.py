"""What a newcomer has to open: the files that λ passes from an experiment file to a row, and on to a figure."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import frontier
from frontier.commands.start import start

LAM = 0.0123457  # nothing else has this value
TEXT = f"problems: [{{name: cps_like}}]\nmethods: [{{name: nn_lasso, lam: [{LAM}]}}]\n"
PACKAGE = str(Path(frontier.__file__).parent) + "/"


def holds(value: Any, depth: int = 0) -> bool:
    """Whether λ is in a value, as a number or as text, at most three levels down."""
    if isinstance(value, float | str):
        return value == LAM or (isinstance(value, str) and len(value) < 60 and str(LAM) in value)
    if isinstance(value, np.ndarray):
        return value.dtype == float and 0 < value.size < 100 and bool((value == LAM).any())
    if depth > 3:
        return False
    if isinstance(value, dict | list | tuple | set | frozenset):
        inside = list(value.values() if isinstance(value, dict) else value)
        return len(inside) < 300 and any(holds(one, depth + 1) for one in inside)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(holds(getattr(value, field.name, None), depth + 1) for field in dataclasses.fields(value))
    return False


def test_lam_passes_sixteen_files_to_a_row_and_twenty_four_to_a_figure(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TEXT)
    passed: dict[str, None] = {}

    def watch(frame: FrameType, event: str, arg: Any) -> None:
        file = frame.f_code.co_filename
        if event not in ("call", "return") or not file.startswith(PACKAGE):
            return
        if any(map(holds, list(frame.f_locals.values()))) or (event == "return" and holds(arg)):
            passed[file.removeprefix(PACKAGE)] = None

    sys.setprofile(watch)
    try:
        with pytest.raises(SystemExit) as ended:
            start("frontier.commands.run", args=[str(tmp_path / "a.yaml"), "--out", str(tmp_path / "run")])
    finally:
        sys.setprofile(None)
    assert not ended.value.code
    files = list(passed)
    assert files[:2] == ["core/yaml_file.py", "sweep/experiment.py"]
    to_row = files[: files.index("results/schema.py")]
    to_figure = files[: next(i for i, file in enumerate(files) if file.startswith("reporting/"))]
    assert {"solvers/lasso/working_set.py", "sweep/scoring.py"} <= set(to_row)
    assert len(to_row) <= 16, to_row
    assert {"results/tables.py", "analysis/aggregate.py"} <= set(to_figure)
    assert len(to_figure) <= 24, to_figure

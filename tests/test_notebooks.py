"""Every notebook runs from the first cell to the last, and says what it was committed with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.notebooks import code_cells, executed, stored

EXPERIMENTS = Path(__file__).resolve().parent.parent / "experiments"
NOTEBOOKS = sorted((EXPERIMENTS / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["own_data", "own_method"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_what_it_was_committed_with(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXPERIMENTS / "own_data", tmp_path / "own_data")
    monkeypatch.chdir(tmp_path)
    assert executed(path) == [stored(cell) for cell in code_cells(path)]

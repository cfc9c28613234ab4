"""A compact run gives the same tables, residuals to five digits, and says that it is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import frontier
from frontier.core.errors import InputError
from frontier.results.compact import compact_run
from frontier.results.run import load_run, load_targets, load_traces


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    frontier.run_experiment(Path("experiments/smoke.yaml"), out=out)
    return out


def test_a_compact_run_has_the_tables_of_the_run(run: Path, tmp_path: Path) -> None:
    written = compact_run(run, tmp_path / "compact")
    assert written == sum(path.stat().st_size for path in (tmp_path / "compact").iterdir())
    read = load_run(tmp_path / "compact")
    cells, manifest = read.cells, read.manifest
    read = load_run(run)
    full, full_manifest = read.cells, read.manifest
    pd.testing.assert_frame_equal(cells, full)
    pd.testing.assert_frame_equal(load_traces(tmp_path / "compact"), load_traces(run))
    assert manifest["compact"]
    assert {k: v for k, v in manifest.items() if k not in ("compact", "sha256")} == {
        k: v for k, v in full_manifest.items() if k != "sha256"
    }


def test_residuals_are_kept_to_five_digits_and_estimates_come_back(run: Path, tmp_path: Path) -> None:
    compact_run(run, tmp_path / "compact")
    compact, full = load_targets(tmp_path / "compact"), load_targets(run)
    assert set(compact.columns) == set(full.columns)
    for column in ("cell", "target", "family", "heldout", "value"):
        assert (compact[column].astype(str) == full[column].astype(str)).all()
    # 2^-16 of rounding and 2^-24 of the float32
    np.testing.assert_allclose(compact["relative_residual"], full["relative_residual"], rtol=2e-5, atol=1e-30)
    miss = (full["estimate"] - full["value"]).abs()
    assert ((compact["estimate"] - full["estimate"]).abs() <= 2e-5 * miss + 1e-9 * full["value"].abs()).all()


def test_a_run_kept_for_its_times_has_cells_only(run: Path, tmp_path: Path) -> None:
    compact_run(run, tmp_path / "compact", cells_only=True)
    assert sorted(path.name for path in (tmp_path / "compact").iterdir()) == ["cells.parquet", "manifest.json"]
    pd.testing.assert_frame_equal(load_run(tmp_path / "compact").cells, load_run(run).cells)


def test_a_compact_run_of_nothing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no cells\.parquet"):
        compact_run(tmp_path, tmp_path / "compact")
    assert not (tmp_path / "compact").exists()

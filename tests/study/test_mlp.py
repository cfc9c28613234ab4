"""Gates against magnitude pruning: equal numbers, the same rows again, and a page; the digits where scikit-learn is."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from frontier.core.errors import InputError
from frontier.study import mlp

MISSING = importlib.util.find_spec("sklearn") is None
REASON = "PACKAGE 'sklearn' NOT INSTALLED: the digits were not tested here (pip install -e '.[peers]')"


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    """Two clouds of 4 useful and 8 useless coordinates."""
    generator = np.random.default_rng(0)
    labels = np.arange(240) % 2
    X = generator.normal(size=(240, 12))
    X[:, :4] += 1.5 * labels[:, None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlp, "HIDDEN", 20)
        return mlp.compare(X, labels, 0, (1e-4, 3e-3), 120)


def test_both_choosers_keep_equally_many_and_stages_change_no_size(found: pd.DataFrame) -> None:
    sizes = found.groupby("lam")["parameters"].nunique()
    assert sizes.tolist() == [1, 1]
    small = found[found["lam"] == 3e-3]
    dense = found[found["chooser"] == "dense"]
    assert small["parameters"].max() < 0.5 * dense["parameters"].min()
    assert dense["accuracy"].max() > 0.8  # chance gives 0.5, the best rule Φ(1.5) = 0.93
    chosen = small[(small["chooser"] == "gates") & (small["stage"] == "trained on")]
    assert chosen["accuracy"].item() > 0.8  # as above


def test_the_page_has_the_figure_and_one_row_for_each_lam(found: pd.DataFrame, tmp_path: Path) -> None:
    from frontier.reporting.write import write_document

    seeds = pd.concat([found, found.assign(seed=1)])
    report = write_document(mlp._document(seeds), tmp_path, formats=("png",))[0]
    text = report.read_text()
    assert "mlp.png" in text
    assert "0.0001" in text
    assert (tmp_path / "mlp.png").is_file()


@pytest.mark.skipif(not MISSING, reason="scikit-learn is installed")
def test_a_missing_package_is_one_clear_line() -> None:
    with pytest.raises(InputError, match="the package 'sklearn' is not installed; install it"):
        mlp.digits()


@pytest.mark.skipif(MISSING, reason=REASON)
def test_gates_choose_weights_of_digits_that_work() -> None:
    X, labels = mlp.digits()
    rows = mlp.compare(X, labels, 0, (4e-4,), 20)
    kept = rows[(rows["chooser"] == "gates") & (rows["stage"] == "trained on")]
    assert kept["accuracy"].item() > 0.85
    assert kept["parameters"].item() < 17_610

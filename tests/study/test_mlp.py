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


def test_the_page_has_the_answer_the_figure_and_one_row_for_each_lam(found: pd.DataFrame, tmp_path: Path) -> None:
    pd.concat([found, found.assign(seed=1)]).to_csv(tmp_path / "accuracies.csv", index=False)
    text = mlp.write_mlp(tmp_path / "accuracies.csv", tmp_path / "page").read_text()
    assert "mlp.png" in text
    assert "0.0001" in text
    assert "**Trained on afterwards" in text
    assert (tmp_path / "page/mlp.png").is_file()


def test_the_answer_names_who_is_better_where_and_by_how_much() -> None:
    rows = [
        (chooser, "trained on", lam, size, accuracy + 0.001 * seed, seed)
        for chooser, lam, size, accuracy in (
            *(("gates", 1e-4, 500, 0.9), ("size", 1e-4, 500, 0.9), ("gates", 1e-3, 100, 0.8), ("size", 1e-3, 100, 0.7)),
            ("dense", np.nan, 1000, 0.95),
        )
        for seed in range(3)
    ]
    table = pd.DataFrame(rows, columns=["chooser", "stage", "lam", "parameters", "accuracy", "seed"])
    assert mlp.answer(table) == (
        "Trained on afterwards, of 1,000 weights, gates choose better weights by 10.0 points at 100 (10.0 to 10.0); "
        "at the other 1 of 2 numbers of weights the two are not told apart (held-out accuracy, 95% intervals)."
    )
    assert "by 10.0 points" not in mlp.answer(table[table["lam"] != 1e-3])
    assert "at no number of weights are the two told apart" in mlp.answer(table[table["lam"] != 1e-3])


def test_without_kept_accuracies_the_cure_is_to_train(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no accuracies; train with --train"):
        mlp.write_mlp(tmp_path / "accuracies.csv", tmp_path / "page")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"chooser,stage\ngates\n"])
def test_another_table_is_one_clear_line_and_writes_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "accuracies.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"accuracies\.csv: not the table that is expected: .*; train with --train"):
        mlp.write_mlp(tmp_path / "accuracies.csv", tmp_path / "page")
    assert not (tmp_path / "page").exists()


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

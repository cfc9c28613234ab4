"""Another tool's points stand beside ours in a report, and a table that does not fit is one line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from frontier.core.errors import InputError
from frontier.results.foreign import UNCHECKED, read_foreign
from frontier.results.joining import join_runs
from frontier.results.run import Run, load_run
from frontier.results.schema import is_frontier_point

OTHERS = "problem,split,label,n_active,train_mare,heldout_mare,seed\np,default,R survey,50,0.05,0.31,0\n"


@pytest.fixture
def ours() -> Run:
    committed = load_run(Path(__file__).resolve().parents[2] / "results" / "flagship" / "cps_ohio")
    return Run(committed.cells.assign(problem="p", split="default"), {"experiment": "ours"}, "ours")


def test_its_points_are_points_of_the_frontier_beside_ours(ours: Run, tmp_path: Path) -> None:
    (tmp_path / "others.csv").write_text(OTHERS)
    found = join_runs([ours, read_foreign(tmp_path / "others.csv", [ours])])
    theirs = found.cells[found.cells["label"] == "R survey"]
    assert theirs[["n_active", "heldout_mare", "refit", "timing"]].values.tolist() == [[50, 0.31, "none", "unmeasured"]]
    assert is_frontier_point(found.cells)[theirs.index].all()
    assert len(found.cells) == len(ours.cells) + 1
    assert any(UNCHECKED in line for line in found.manifest["limitations"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("problem,split,label\np,default,R\n", r"others.csv: no column 'n_active'"),
        (OTHERS.replace("heldout_mare", "heldout_mar"), r"column 'heldout_mar': unknown column; did you mean"),
        (OTHERS.replace("p,default", "q,default"), r"others.csv: row 2: problem: unknown 'q'"),
        (OTHERS.replace("0.31", "a third"), r"others.csv: row 2: heldout_mare: not a number; got 'a third'"),
        ("", r"others.csv: cannot be read: No columns to parse"),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(text: str, said: str, ours: Run, tmp_path: Path) -> None:
    (tmp_path / "others.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_foreign(tmp_path / "others.csv", [ours])


def test_a_label_of_both_is_told_apart(ours: Run, tmp_path: Path) -> None:
    label = str(ours.cells["label"].iloc[0])
    (tmp_path / "others.csv").write_text(OTHERS.replace("R survey", label))
    found = join_runs([ours, read_foreign(tmp_path / "others.csv", [ours])])
    assert isinstance(found.cells, pd.DataFrame)
    assert {f"{label} (ours)", f"{label} (others)"} <= set(found.cells["label"])

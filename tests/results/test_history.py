"""A baseline has a history: what each method came to, whenever it was replaced."""

from __future__ import annotations

from pathlib import Path

from frontier.results.baseline import read_baseline, write_baseline
from frontier.results.history import history_lines, history_of
from frontier.results.run import Run
from tests.analysis.runs import row, run

DAY = 86_400
SPLIT = {"n_train": 2, "n_heldout": 1}


def version(day: int, error: float, code: str) -> Run:
    rows = [row("one", heldout_mare=error), row("one", seed=1, heldout_mare=error, status="error", n_active=None)]
    facts = {"problems": {"p": {"n_records": 1000, "n_targets": 3}}, "splits": {"p": {"default": SPLIT}}}
    told = {"started_unix_seconds": day * DAY, "code_digest": code * 8, "format": 2, "experiment": "e"}
    return run(*rows, row("two"), **facts, **told)


def replaced(folder: Path, *versions: Run) -> Run:
    """A baseline that was replaced by one version after the other."""
    before = None
    for one in versions:
        write_baseline(one, folder, [] if before is None else history_of(before))
        before = read_baseline(folder)
    assert before is not None
    return before


def test_every_version_has_a_row_for_each_method_with_means_of_what_has_weights(tmp_path: Path) -> None:
    found = history_of(replaced(tmp_path, version(0, 0.1, "a"), version(1, 0.2, "b"), version(2, 0.3, "c")))
    told = [(entry["date"], entry["code"][0], entry["label"], entry.get("heldout_mare")) for entry in found]
    days = ("1970-01-01", "1970-01-02", "1970-01-03")
    assert told[:3] == [(days[0], "a", "one", 0.1), (days[1], "b", "one", 0.2), (days[2], "c", "one", 0.3)]
    assert [entry[2] for entry in told[3:]] == ["two"] * 3
    assert (found[0]["cells"], found[0]["failed"]) == (2, 1)


def test_the_same_run_is_in_it_once(tmp_path: Path) -> None:
    same = version(0, 0.1, "a")
    assert len(history_of(replaced(tmp_path, same, same, same))) == 2


def test_it_is_told_method_by_method_with_what_moved(tmp_path: Path) -> None:
    lines = list(history_lines(history_of(replaced(tmp_path, version(0, 0.1, "a"), version(1, 0.2, "b")))))
    assert lines[0] == "one: 2 versions"
    assert "1 failed" in lines[1]
    assert "heldout_mare 0.2 (+100%)" in lines[2]
    assert "%" not in lines[1] + lines[4] + lines[5]

"""`frontier tune`: planted optima found, the same study whatever runs it, blind to what judges it."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.methods.hard_concrete import HardConcreteCalibrator
from frontier.results.run import load_run
from frontier.results.store import Store
from frontier.sweep.run import run_session
from frontier.sweep.scoring import evaluate
from frontier.sweep.session import open_session
from frontier.sweep.solve import solve
from frontier.tuning.tune import tune
from tests.tuning.planted import BEST, write_planted

TUNE = "{trials: 60, generation: 5, holdouts: {design: rotation, k: 2}}"


def study(folder: Path) -> tuple[pd.DataFrame, dict[str, object]]:
    """Trials and tuned experiment, without what a clock says."""
    trials = pd.read_csv(folder / "search" / "trials.csv").drop(columns="cpu_seconds")
    content = yaml.safe_load((folder / "tuned.yaml").read_text())
    for one in content["tuned"]:
        del one["cpu_seconds"]
    return trials, content


def assert_same(one: Path, other: Path) -> None:
    (trials, content), (again, also) = study(one), study(other)
    pd.testing.assert_frame_equal(trials, again, check_exact=True)
    assert content == also


def test_the_planted_optimum_is_found(tmp_path: Path) -> None:
    [found] = tune(write_planted(tmp_path, TUNE), tmp_path / "out")
    best = found.best(None)
    assert best is not None
    assert found.default is not None
    assert best.settings["kind"] == "right"
    # 59 random trials of the right kind (a third) come within 0.05 of x about twice: a search does better
    assert float(str(best.settings["x"])) == pytest.approx(BEST, abs=0.1)
    assert (best.loss(None) or 1) < 0.2 * (found.default.loss(None) or 0)
    assert len(found.trials) == 60


def test_the_tuned_experiment_runs_as_any_other_and_carries_what_the_search_cost(tmp_path: Path) -> None:
    path = write_planted(tmp_path, TUNE)
    [found] = tune(path, tmp_path / "out")
    cells = run_session(open_session(tmp_path / "out" / "tuned.yaml", tmp_path), Store(tmp_path / "out"), quiet=True)
    errors = cells.set_index("label")["heldout_mare"]
    best = found.best(None)
    assert best is not None
    assert errors["planted, tuned"] == pytest.approx(best.loss(None), rel=1e-12)  # the error is one for all families
    assert errors["planted, tuned"] < errors["planted"]
    [tuned] = load_run(tmp_path / "out").manifest["tuned"]
    assert tuned["trials"] == 60
    assert tuned["settings"] == dict(best.settings)


def test_a_study_is_the_same_on_one_process_and_on_four(tmp_path: Path) -> None:
    path = write_planted(tmp_path, "{trials: 12, generation: 5, holdouts: {design: rotation, k: 2}}")
    tune(path, tmp_path / "one", jobs=1)
    tune(path, tmp_path / "four", jobs=4)
    assert_same(tmp_path / "one", tmp_path / "four")


# one process that has made the search once, so that everything is imported, forks those that are killed
KILLING = """
import os, signal, sys, time, warnings
from pathlib import Path
import frontier.sweep.runner as runner
from frontier.tuning.tune import tune
warnings.simplefilter("ignore", DeprecationWarning)  # this process has one thread of its own
write = runner._write
def slowly(*given):
    time.sleep(0.1)
    return write(*given)
path, out = Path(sys.argv[1]), Path(sys.argv[2])
tune(path, out.with_name("whole"))
runner._write = slowly
for wanted in map(int, sys.argv[3:]):
    pid = os.fork()
    if pid == 0:
        tune(path, out)
        os._exit(0)
    started = time.monotonic()
    while len(list(out.glob("search/batches/*.npz"))) < wanted and time.monotonic() - started < 60:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1]), "the search ended before it was killed"
    assert not (out / "tuned.yaml").exists()
"""


def test_a_study_is_the_same_after_three_kills(tmp_path: Path) -> None:
    path = write_planted(tmp_path, "{trials: 12, generation: 3, holdouts: {design: rotation, k: 2}}")
    out = tmp_path / "killed"
    # of 24 batches: within the first, second and fourth generation
    subprocess.run([sys.executable, "-c", KILLING, str(path), str(out), "3", "9", "15"], check=True)
    kept = {path: path.stat().st_mtime_ns for path in out.glob("search/batches/*.npz")}
    tune(path, out)
    assert_same(tmp_path / "whole", out)
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())  # nothing is solved twice


def test_a_longer_study_goes_on_from_a_shorter_one(tmp_path: Path) -> None:
    path = write_planted(tmp_path, "{trials: 9, generation: 4}")
    tune(path, tmp_path / "out")
    before = pd.read_csv(tmp_path / "out" / "search" / "trials.csv")
    path.write_text(path.read_text().replace("trials: 9", "trials: 17"))
    tune(path, tmp_path / "out")
    after = pd.read_csv(tmp_path / "out" / "search" / "trials.csv")
    assert after["trial"].nunique() == 17
    pd.testing.assert_frame_equal(after.head(len(before)), before)


def test_held_out_targets_cannot_be_seen_by_a_search(tmp_path: Path) -> None:
    tune(write_planted(tmp_path / "a", TUNE.replace("60", "9")), tmp_path / "a" / "out")
    tune(write_planted(tmp_path / "b", TUNE.replace("60", "9"), poisoned=True), tmp_path / "b" / "out")
    assert_same(tmp_path / "a" / "out", tmp_path / "b" / "out")


def test_seconds_are_spent_to_the_trial_that_passes_them_and_failures_count(tmp_path: Path) -> None:
    path = write_planted(
        tmp_path, "{seconds: 0.5, generation: 4}", entry=", fails_above: 0.05, search: {x: {low: 0.06, high: 1.0}}"
    )
    [found] = tune(path, tmp_path / "out")
    costs = [trial.cpu_seconds for trial in found.trials]
    assert sum(costs) >= 0.5 > sum(costs[:-1])
    assert all(not trial.losses.get(None) and "planted failure" in trial.message for trial in found.trials)


def test_a_method_without_a_search_space_runs_as_it_is_configured(tmp_path: Path) -> None:
    path = write_planted(tmp_path, "{trials: 4}", extra=", {name: initial_weights}")
    planted, initial = tune(path, tmp_path / "out")
    assert [len(one.trials) for one in (planted, initial)] == [4, 1]
    labels = [spec.label for spec in open_session(tmp_path / "out" / "tuned.yaml", tmp_path).experiment.methods]
    assert labels == ["planted", "planted, tuned", "initial_weights"]


def test_what_an_entry_fixes_is_not_searched(tmp_path: Path) -> None:
    [found] = tune(write_planted(tmp_path, "{trials: 5}", entry=", x: 0.4"), tmp_path / "out")
    assert all("x" not in trial.settings for trial in found.trials)
    assert set(found.spec.search) == {"kind", "size", "burn"}


def test_what_was_tried_is_not_solved_again_and_a_finite_space_ends_the_search(tmp_path: Path) -> None:
    entry = ", search: {kind: {choices: [wrong, right]}}"
    [found] = tune(write_planted(tmp_path, "{trials: 500, generation: 3}", entry=entry), tmp_path / "out")
    assert len(found.trials) < 20
    assert len(list((tmp_path / "out" / "search" / "batches").glob("*.npz"))) <= 3 * 7  # default, two kinds, once more
    assert found.best(None).settings == {"kind": "right"}  # type: ignore[union-attr]


def test_a_frontier_of_error_and_records_needs_no_weights(tmp_path: Path) -> None:
    path = tmp_path / "frontier.yaml"
    path.write_text(
        "problems: [{name: cps_like}]\n"
        "methods: [{name: anchored_l1, search: {lam: {low: 1e-3, high: 1e3, log: true}}}]\n"
        "tune: {trials: 12, objective: [error, records], holdouts: {design: rotation, k: 2}}\n"
    )
    [found] = tune(path, tmp_path / "out")
    frontier = [trial.losses[None][0] for trial in found.frontier()]
    assert len(frontier) >= 2
    assert all(a.records < b.records and a.value > b.value for a, b in pairwise(frontier))
    tuned = open_session(tmp_path / "out" / "tuned.yaml")
    assert len(tuned.cells) == len(frontier)
    assert found.default is None


def test_halving_gives_more_epochs_to_the_better_half_bit_for_bit_as_from_the_start(tmp_path: Path) -> None:
    text = (
        "problems: [{name: cps_like}]\n"
        "methods: [{name: hard_concrete, seeds: [0],"
        " search: {lam: {low: 1e-5, high: 1e-3, log: true}, lr: {low: 0.1, high: 0.3}}}]\n"
        "tune: {trials: 4, generation: 4, holdouts: {design: rotation, k: 2}, halving: {epochs: [100, 200, 400]}}\n"
    )
    (tmp_path / "halved.yaml").write_text(text)
    [found] = tune(tmp_path / "halved.yaml", tmp_path / "out")
    assert sorted(trial.settings["epochs"] for trial in found.trials) == [100, 100, 200, 400]
    last = next(trial for trial in found.trials if trial.settings["epochs"] == 400)
    problem, splits = found.inner.problems["cps_like"], found.inner.splits["cps_like"]
    method = HardConcreteCalibrator(epochs=400, lr=float(str(last.settings["lr"])))
    point = Point(lam=float(str(last.settings["lam"])), seed=0)
    errors = []
    for split in splits:
        [uninterrupted] = solve(problem.restrict(split.train), method, [point])
        errors.append(evaluate(problem, split, uninterrupted)["heldout_mare"])
    assert last.loss(None) == np.mean(errors)
    assert list((tmp_path / "out" / "search" / "checkpoints").rglob("*.*")), "the epochs so far were gone on from"


def test_a_trial_too_short_to_close_a_gate_is_refused_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(
        "problems: [{name: cps_like}]\n"
        "methods: [{name: hard_concrete, seeds: [0], budget: [10], epochs: 200,"
        " search: {lr: {choices: [1e-3, 2e-3]}}}]\n"
        "tune: {trials: 3, generation: 2, holdouts: {design: rotation, k: 2}}\n"
    )
    [found] = tune(path, tmp_path / "out")
    assert [bool(trial.refused) for trial in found.trials] == [False, True, True]
    assert "fewer than a gate needs to close" in found.trials[1].refused


BAD = {
    "empty range": ("{trials: 3}", ", search: {x: {low: 1.0, high: 1.0}}", "search.x.high: an empty range"),
    "inverted range": ("{trials: 3}", ", search: {x: {low: 1.0, high: 0.0}}", "search.x.high: an inverted range"),
    "no logarithm": ("{trials: 3}", ", search: {x: {low: 0.0, high: 1.0, log: true}}", "search.x.low: no logarithm"),
    "one choice": ("{trials: 3}", ", search: {kind: {choices: [right]}}", "search.kind.choices: no choice"),
    "half a range": ("{trials: 3}", ", search: {x: {low: 0.0}}", "search.x: not a range"),
    "no parameter": ("{trials: 3}", ", search: {y: {low: 0.0, high: 1.0}}", "search.y: no parameter of the method"),
    "fixed and searched": ("{trials: 3}", ", x: 0.5, search: {x: {low: 0.0, high: 1.0}}", "both fixed and searched"),
    "nothing to end it": ("{generation: 3}", "", "give seconds, trials or both"),
    "no such column": ("{trials: 3, objective: {metric: truth_mean}}", "", "no cell has 'truth_mean'"),
    "no weights": ("{trials: 3, objective: {error: 0}}", "", "all weights are 0"),
    "fixed budgets": ("{trials: 3, objective: [error, records]}", "", "is tuned at fixed budgets"),
    "too many folds": ("{trials: 3, holdouts: {design: rotation, k: 9}}", "", "tune.holdouts[0].rotation.k"),
    "shown": ("{trials: 3, problems: [{name: files, matrix: M.npz, targets: targets.csv, records: records.csv}]}", "",
              "is among the problems that judge"),
    "two rankings": ("{trials: 3, objective: [error, records], halving: {epochs: [100, 200]}}", "",
                     "halving ranks by one number"),
    "no epochs": ("{trials: 3, halving: {epochs: [200, 100]}}", "", "epochs do not grow"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    section, entry, line = BAD[case]
    with pytest.raises(InputError) as found:
        tune(write_planted(tmp_path, section, entry=entry), tmp_path / "out")
    assert line in str(found.value)
    assert "\n" not in str(found.value)
    assert not (tmp_path / "out").exists()


def test_a_study_is_not_resumed_under_another_file_and_nothing_is_lost(tmp_path: Path) -> None:
    path = write_planted(tmp_path, "{trials: 5}")
    tune(path, tmp_path / "out")
    before = sorted(path.name for path in (tmp_path / "out" / "search" / "batches").iterdir())
    path.write_text(path.read_text().replace("trials: 5", "trials: 5, seed: 1"))
    with pytest.raises(InputError, match="a search of another file: its tune differ"):
        tune(path, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out" / "search" / "batches").iterdir()) == before


def test_run_says_that_settings_are_searched_first(tmp_path: Path) -> None:
    session = open_session(write_planted(tmp_path, "{trials: 5}"))
    with pytest.raises(InputError, match="settings are searched first, then compared; use `python -m frontier tune`"):
        run_session(session, Store(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_without_optuna_the_search_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_planted(tmp_path, "{trials: 5}")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match="frontier tune: needs the extra 'tune'"):
        tune(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()

"""The same rows whatever the number of jobs; a crash costs one row."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import frontier
from frontier.core.errors import InputError
from frontier.objectives.l1 import L1Objective
from frontier.results.run import load_targets, load_traces
from frontier.results.store import Store
from frontier.sweep.run import run_session
from frontier.sweep.runner import stored
from frontier.sweep.session import open_session

TIMINGS = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]
SMOKE = Path("experiments/smoke.yaml").resolve()
# budgets, driven and native, reached and not; refits of some cells and not of others (greg is dense)
BUDGETS = """\
budgets: [3, 20, 0.02]
refit: [none, fitted, initial]
problems: [{name: cps_like}]
methods:
  - {name: random_reweight, seeds: [0, 1, 2, 3], epochs: 200}
  - {name: cvxpy_reference, objective: lad}
  - {name: nn_lasso}
  - {name: stratified_raking, seeds: [0, 1]}
  - {name: greg, relax: 0.1}
"""
# many small batches, so that a kill falls between and inside them
MANY = """\
problems: [{name: cps_like}]
methods:
  - {name: random_reweight, budget: [20, 50, 100], seeds: [0, 1, 2, 3, 4, 5], epochs: 400}
  - {name: nn_lasso, lam: [0, 1e-4, 1e-3, 2e-3]}
"""


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=TIMINGS)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    out = tmp_path_factory.mktemp("smoke")
    return frontier.run_experiment(SMOKE, jobs=1, out=out), out


def test_one_job_and_two_jobs_give_identical_rows(smoke: tuple[pd.DataFrame, Path], tmp_path: Path) -> None:
    table, _ = smoke
    other = frontier.run_experiment(SMOKE, jobs=2, out=tmp_path)
    pd.testing.assert_frame_equal(comparable(table), comparable(other), check_exact=True)
    assert set(other["timing"]) == {"contended"}
    assert set(table["timing"]) == {"clean", "amortised"}


def test_the_tables_on_disk_are_the_table_returned(smoke: tuple[pd.DataFrame, Path]) -> None:
    table, out = smoke
    pd.testing.assert_frame_equal(pd.read_parquet(out / "cells.parquet"), table)
    assert len(pd.read_csv(out / "cells.csv")) == len(table)
    targets = pd.read_parquet(out / "targets.parquet")
    assert len(targets) == 8 * len(table)
    cell = targets[targets["cell"] == table["cell"].iloc[0]]
    heldout = cell.loc[cell["heldout"], "relative_residual"].abs().mean()
    assert heldout == pytest.approx(table["heldout_mare"].iloc[0], rel=1e-12)  # the same sum in another order


def test_targets_and_traces_are_read_back_with_a_checksum(smoke: tuple[pd.DataFrame, Path]) -> None:
    table, out = smoke
    assert set(load_targets(out)["cell"]) == set(table["cell"])
    traces = load_traces(out)
    assert set(traces["cell"]) <= set(table["cell"])
    one = traces[(traces["cell"] == traces["cell"].iloc[0]) & (traces["quantity"] == traces["quantity"].iloc[0])]
    assert list(one["step"]) == list(range(len(one)))
    damaged = out / "traces.parquet"
    kept = damaged.read_bytes()
    damaged.write_bytes(kept[:-1])
    with pytest.raises(InputError, match="checksum mismatch"):
        load_traces(out)
    damaged.write_bytes(kept)


def test_weights_on_disk_reproduce_the_estimates(smoke: tuple[pd.DataFrame, Path]) -> None:
    import scipy.sparse as sp

    table, out = smoke
    weights = sp.load_npz(out / "weights" / "cps_like.npz")
    assert weights.shape == (len(table), 5000)
    assert len(table)
    for row in table.itertuples():
        assert weights[[row.weights_row]].sum() == pytest.approx(row.total_weight, rel=1e-12)  # order of summation


def test_fista_and_the_reference_agree_at_every_lam_of_smoke(smoke: tuple[pd.DataFrame, Path]) -> None:
    table, _ = smoke
    ours = table[table["label"] == "nn_lasso"].set_index("lam")
    reference = table[table["label"] == "cvxpy_reference"].set_index("lam")
    assert (ours["relative_gap"] <= 1e-6).all()
    assert (reference["relative_gap"] <= 1e-6).all()
    assert ours["certified"].all()
    assert len(ours)
    for lam in ours.index:
        # both within 1e-6 of the minimum; at λ = 0 the minimum is 0
        assert ours.loc[lam, "objective"] == pytest.approx(reference.loc[lam, "objective"], rel=1e-6, abs=1e-6)


def test_a_second_run_solves_nothing_and_keeps_the_table(smoke: tuple[pd.DataFrame, Path]) -> None:
    table, out = smoke
    before = {path: path.stat().st_mtime_ns for path in (out / "batches").iterdir()}
    again = frontier.run_experiment(SMOKE, out=out)
    pd.testing.assert_frame_equal(table, again)
    assert before == {path: path.stat().st_mtime_ns for path in (out / "batches").iterdir()}


REPEATED = """\
repeats: 3
timing: clean
problems: [{name: cps_like}]
methods:
  - {name: nn_lasso, lam: [1e-3, 2e-3]}
  - {name: random_reweight, budget: [20], seeds: [0], epochs: 50}
"""


def test_a_process_killed_after_it_wrote_leaves_no_marker_behind(tmp_path: Path) -> None:
    frontier.run_experiment(SMOKE, out=tmp_path)
    [batch, *_] = sorted(tmp_path.glob("batches/*.npz"))
    marker = batch.with_suffix(".started")
    marker.write_text("12345")
    written = batch.stat().st_mtime_ns
    frontier.run_experiment(SMOKE, out=tmp_path)
    assert not marker.exists()
    assert batch.stat().st_mtime_ns == written  # and its batch is not solved again


def test_repeats_give_equal_rows_but_for_their_timings(tmp_path: Path) -> None:
    experiment = tmp_path / "repeated.yaml"
    experiment.write_text(REPEATED)
    table = frontier.run_experiment(experiment, out=tmp_path / "run")
    assert list(table["repeat"]) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert list(table["label"]) == 3 * ["nn_lasso", "nn_lasso", "random_reweight"]  # measured in turn
    assert str(table["repeat"].dtype) == "Int64"
    assert list(table.columns).index("repeat") == list(table.columns).index("refit") + 1
    assert table["cell"].is_unique
    assert (table.groupby("label")["fit_seconds"].nunique() > 1).all()  # solved again, not copied
    own = ["cell", "repeat", "weights_row"]
    first, *others = (part.drop(columns=own).reset_index(drop=True) for _, part in comparable(table).groupby("repeat"))
    for other in others:
        pd.testing.assert_frame_equal(first, other, check_exact=True)
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["repeats"] == 3


def test_an_experiment_that_asks_for_clean_timings_refuses_more_than_one_process(tmp_path: Path) -> None:
    experiment = tmp_path / "repeated.yaml"
    experiment.write_text(REPEATED)
    with pytest.raises(frontier.InputError, match="jobs: the experiment asks for clean timings; expected 1, got 2"):
        frontier.run_experiment(experiment, jobs=2, out=tmp_path / "run")


def test_a_batch_stored_before_there_were_repeats_is_repeat_0(tmp_path: Path) -> None:
    experiment = tmp_path / "many.yaml"
    experiment.write_text(MANY)
    session, store = open_session(experiment), Store(tmp_path / "run")
    table = run_session(session, store, quiet=True)
    assert session.batches
    for batch in session.batches:
        found = stored(batch, store)
        assert found is not None
        rows = [{name: value for name, value in row.items() if name != "repeat"} for row in found.rows]
        store.write(batch.key, dataclasses.replace(found, rows=rows))
    pd.testing.assert_frame_equal(comparable(run_session(session, store, quiet=True)), comparable(table))


def test_every_sparse_cell_has_its_refits_beside_it_and_no_other_has(tmp_path: Path) -> None:
    experiment = tmp_path / "budgets.yaml"
    experiment.write_text(BUDGETS)
    table = frontier.run_experiment(experiment, jobs=2, out=tmp_path / "run")
    assert table["cell"].is_unique
    arms = table.groupby(["label", "budget", "seed"], dropna=False, sort=False)["refit"].agg("+".join)
    dense = arms.index.get_level_values("label") == "greg"
    assert set(arms[~dense]) == {"none+fitted+initial"}
    assert set(arms[dense]) == {"none"}
    fitted = table[table["refit"] == "none"].reset_index(drop=True)
    assert fitted["refit_seconds"].isna().all()
    refit = table[table["refit"] == "fitted"]
    assert refit["certified"].all()
    assert (refit["refit_seconds"] > 0).all()
    merged = refit.merge(fitted, on=["label", "budget", "seed"], suffixes=("", "_before"))
    assert len(merged) == len(refit)
    assert (merged["train_loss"] <= merged["train_loss_before"] * (1 + 1e-9)).all()  # up to Newton's tolerance
    assert (merged["fit_seconds"] == merged["fit_seconds_before"]).all()
    nn_lasso = table[(table["label"] == "nn_lasso") & (table["refit"] == "none")].set_index("budget")
    assert list(nn_lasso["budget_reached"]) == [True, False, False]  # six targets: an L1 optimum needs six records
    assert list(nn_lasso["status"]) == ["optimal", "unreached", "unreached"]
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["refit"]["arms"] == ["fitted", "initial"]


def test_rows_as_fitted_do_not_depend_on_the_refits(tmp_path: Path) -> None:
    tables = []
    for name, text in {"with": BUDGETS, "without": BUDGETS.replace("refit: [none, fitted, initial]\n", "")}.items():
        experiment = tmp_path / f"{name}.yaml"
        experiment.write_text(text)
        tables.append(frontier.run_experiment(experiment, out=tmp_path / name))
    fitted = tables[0][tables[0]["refit"] == "none"].reset_index(drop=True)
    plain = tables[1]
    pd.testing.assert_frame_equal(
        comparable(fitted).drop(columns="weights_row"), comparable(plain).drop(columns="weights_row"), check_exact=True
    )


def test_only_runs_the_named_methods_and_says_what_is_missing(tmp_path: Path) -> None:
    session = open_session(SMOKE)
    table = run_session(session, Store(tmp_path), only=["nn_lasso"], quiet=True)
    assert set(table["method"]) == {"nn_lasso"}
    with pytest.raises(frontier.InputError, match="--only: no such method in this experiment: 'fsta'"):
        run_session(session, Store(tmp_path), only=["fsta"], quiet=True)


def test_a_damaged_batch_is_named_and_solved_again(tmp_path: Path) -> None:
    experiment = tmp_path / "many.yaml"
    experiment.write_text(MANY)
    session, store = open_session(experiment), Store(tmp_path / "run")
    table = run_session(session, store, quiet=True)
    path = store.path(session.batches[3].key)
    path.write_bytes(path.read_bytes()[:100])
    notes: list[str] = []
    again = run_session(session, store, quiet=True, warn=notes.append)
    assert len(notes) == 1
    assert path.name in notes[0]
    pd.testing.assert_frame_equal(comparable(table), comparable(again))


CRASHING = """
import os, sys
def die(self, problem, points):
    if any(point.lam == 2e-3 for point in points):
        os.kill(os.getpid(), 9)
    return honest(self, problem, points)
if not any("resource_tracker" in argument for argument in sys.orig_argv):
    import frontier.methods.nn_lasso as nn_lasso
    honest, nn_lasso.NnLasso.solve = nn_lasso.NnLasso.solve, die
"""


def test_a_worker_that_dies_costs_its_own_cells_only(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(CRASHING)
    experiment = tmp_path / "many.yaml"
    experiment.write_text(MANY)
    code = f"import frontier; frontier.run_experiment({str(experiment)!r}, jobs=2, out={str(tmp_path / 'run')!r})"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    table = pd.read_parquet(tmp_path / "run" / "cells.parquet")
    status = table.set_index("cell")["status"]
    assert set(table.loc[table["method"] == "nn_lasso", "status"]) == {"crash"}  # one batch: the whole path
    assert set(status[table.set_index("cell")["method"] == "random_reweight"]) == {"completed"}
    assert table.loc[table["status"] == "crash", "message"].str.len().gt(0).all()


def test_a_solution_that_cannot_be_scored_is_an_error_row_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = tmp_path / "a.yaml"
    experiment.write_text("problems: [{name: cps_like}]\nmethods: [{name: nn_lasso, lam: [1e-3, 2e-3]}]\n")

    def overflows(self: L1Objective, *_: object) -> float:
        if self.lam < 1.5e-3:
            raise OverflowError("(34, 'Numerical result out of range')")
        return 1.0

    monkeypatch.setattr(L1Objective, "value", overflows)
    table = frontier.run_experiment(experiment, out=tmp_path / "run")
    assert list(table["status"]) == ["error", "optimal"]
    assert table["message"][0].startswith("cannot be scored: OverflowError: (34")
    assert table["n_active"].isna().tolist() == [True, False]

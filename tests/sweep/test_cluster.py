"""The same rows on a real Dask cluster: also when workers die; data travel once; what cannot work is one line."""

from __future__ import annotations

import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from distributed.comm.tcp import TCP
from typer.testing import CliRunner

from frontier.commands.run import main
from frontier.core.errors import InputError
from frontier.results.run import load_targets
from frontier.results.store import Store
from frontier.sweep import cluster
from frontier.sweep.run import run_session
from frontier.sweep.session import Session, open_session
from tests.conftest import heed_interrupts
from tests.sweep.clusters import ROOT, scheduler, workers

TIMINGS = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]
EXPERIMENT = """\
problems: [{name: cps_like}]
refit: [none, fitted]
methods:
  - {name: random_reweight, budget: [20, 50, 100], seeds: [0, 1, 2, 3, 4, 5], epochs: 300}
  - {name: nn_lasso, lam: [0, 1e-4, 1e-3, 2e-3]}
"""
TWO = ("--nworkers", "2", "--nthreads", "1")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, pd.DataFrame, Path]:
    """The session, its table from a run without a cluster, and where that is."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "a.yaml").write_text(EXPERIMENT)
    session = open_session(folder / "a.yaml")
    return session, run_session(session, Store(folder / "run"), quiet=True), folder


@pytest.fixture(scope="module")
def address(hooks: Path) -> Iterator[str]:
    """A scheduler with two workers, each a process with a nanny that starts it again."""
    with scheduler(hooks) as found, workers(found, hooks, *TWO):
        yield found


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hooks")


def same(table: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(table.drop(columns=TIMINGS), other.drop(columns=TIMINGS), check_exact=True)


def test_the_rows_are_those_of_a_local_run_and_data_travel_once(
    address: str,
    hooks: Path,
    local: tuple[Session, pd.DataFrame, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session, table, folder = local
    (hooks / "arrivals").write_text("")
    sent, honest = [], TCP.write

    async def write(*args: object, **kwargs: object) -> int:
        sent.append(await honest(*args, **kwargs))
        return int(sent[-1])

    monkeypatch.setattr(TCP, "write", write)
    found = run_session(session, Store(tmp_path), scheduler=address, quiet=True)
    same(found, table)
    pd.testing.assert_frame_equal(load_targets(tmp_path), load_targets(folder / "run"), check_exact=True)
    assert set(found["timing"]) == {"contended"}
    arrivals = Counter((hooks / "arrivals").read_text().split("\n")[:-1])
    assert len(arrivals) == 2, "both workers have work"
    assert set(arrivals.values()) == {1}, "a problem came to one process more than once"
    size = len(pickle.dumps(session.problems["cps_like"]))
    batches = len(session.batches)
    assert size < sum(sent) < 2.5 * size + 10_000 * batches  # two workers; a batch itself is a few kilobytes


def test_a_worker_that_dies_in_the_middle_costs_a_second_run_of_its_batches(
    address: str, hooks: Path, local: tuple[Session, pd.DataFrame, Path], tmp_path: Path
) -> None:
    session, table, _ = local
    (hooks / "once").touch()
    same(run_session(session, Store(tmp_path), scheduler=address, quiet=True), table)
    assert not (hooks / "once").exists(), "no worker was killed"


def test_a_batch_that_kills_every_worker_becomes_crash_rows_and_the_others_finish(
    address: str, hooks: Path, local: tuple[Session, pd.DataFrame, Path], tmp_path: Path
) -> None:
    session, table, _ = local
    (hooks / "always").touch()
    try:
        found = run_session(session, Store(tmp_path), scheduler=address, quiet=True)
    finally:
        (hooks / "always").unlink()
    crashed = found[found["status"] == "crash"]
    assert list(crashed["cell"]) == list(table.loc[(table["label"] == "nn_lasso") & (table["refit"] == "none"), "cell"])
    said = crashed["message"].iloc[0]
    assert said.startswith("given up by the cluster, also when it ran alone: ")
    assert "2 different workers" in said or "cancelled" in said  # cancelled: its data died with both workers
    rest = [frame[frame["label"] != "nn_lasso"].drop(columns="weights_row") for frame in (found, table)]
    same(*(frame.reset_index(drop=True) for frame in rest))


def test_an_interrupted_run_resumes_where_it_stopped_without_the_cluster(
    address: str, local: tuple[Session, pd.DataFrame, Path], tmp_path: Path
) -> None:
    session, table, folder = local
    options = ["--backend", "dask", "--scheduler", address, "--out", str(tmp_path / "run")]
    command = [sys.executable, "-m", "frontier.run", str(folder / "a.yaml"), *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    ) as process:
        until = time.monotonic() + 90
        while len(list(tmp_path.glob("run/batches/*.npz"))) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=90)
    assert process.returncode == 130, said
    assert "interrupted: finished batches are kept" in said
    assert "Traceback" not in said
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("run/batches/*.npz")}
    assert 3 <= len(done) < len(session.batches), "the interrupt did not fall in the middle"
    same(run_session(session, Store(tmp_path / "run"), quiet=True), table)
    assert all(path.stat().st_mtime_ns == then for path, then in done.items()), "a finished batch ran again"


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A scheduler that has no workers yet, and a folder for theirs."""
    folder = tmp_path_factory.mktemp("idle")
    with scheduler(folder) as found:
        yield found, folder


def refusal(session: Session, folder: Path, address: str) -> str:
    with pytest.raises(InputError) as error:
        run_session(session, Store(folder / "run"), scheduler=address, quiet=True)
    assert not list(folder.glob("run/batches/*"))
    return str(error.value)


def test_no_scheduler_and_no_workers_are_one_line(
    idle: tuple[str, Path],
    local: tuple[Session, pd.DataFrame, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 0.5)
    for wrong in ("tcp://127.0.0.1:1", "nonsense", "foo://127.0.0.1:8786"):
        assert refusal(local[0], tmp_path, wrong).startswith(f"--scheduler: no scheduler at {wrong}: ")
    said = refusal(local[0], tmp_path, idle[0])
    assert said.startswith(f"{idle[0]}: no workers after 0.5 s; start some: dask worker {idle[0]} --nworkers 2")


def test_workers_with_several_threads_or_of_another_version_are_refused(
    idle: tuple[str, Path], local: tuple[Session, pd.DataFrame, Path], tmp_path: Path
) -> None:
    with workers(*idle, "--nthreads", "2", "--no-nanny"):
        said = refusal(local[0], tmp_path, idle[0])
        assert "a worker that runs several batches at once; expected 1, got 2; start workers with --nthreads 1" in said
    shutil.copytree(ROOT / "frontier", tmp_path / "old" / "frontier")
    with (tmp_path / "old" / "frontier" / "core" / "limits.py").open("a") as file:
        file.write("# another version\n")
    with workers(*idle, "--nthreads", "1", "--no-nanny", code=tmp_path / "old"):
        assert "another version of frontier's code; expected" in refusal(local[0], tmp_path, idle[0])


def test_a_worker_of_another_version_that_joins_late_refuses_and_the_refusal_travels(
    local: tuple[Session, pd.DataFrame, Path],
) -> None:
    session, _, _ = local
    theirs = cluster.environment() | {"numpy": "1.0"}
    with pytest.raises(InputError, match=r"a worker: another version of numpy; expected 1\.0, got ") as error:
        cluster._solve_there(session.batches[0], session.problems["cps_like"], theirs)
    copied = pickle.loads(pickle.dumps(error.value))
    assert (str(copied), copied.cure) == (str(error.value), error.value.cure)


def test_a_single_worker_does_all_the_work_and_when_it_is_gone_the_run_ends_with_a_line(
    idle: tuple[str, Path],
    local: tuple[Session, pd.DataFrame, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "ABANDONED_SECONDS", 2.0)
    session, table, _ = local
    address, hooks = idle
    (hooks / "always").touch()
    with workers(address, hooks, "--nthreads", "1", "--no-nanny"):  # nobody starts it again
        started = time.monotonic()
        with pytest.raises(ConnectionError, match="all its workers are gone"):
            run_session(session, Store(tmp_path), scheduler=address, quiet=True)
        assert time.monotonic() - started < 60
    (hooks / "always").unlink()
    with workers(address, hooks, "--nthreads", "1", "--no-nanny"):
        (hooks / "arrivals").write_text("")
        same(run_session(session, Store(tmp_path), scheduler=address, quiet=True), table)
    assert len((hooks / "arrivals").read_text().split("\n")[:-1]) == 1


WRONG = {
    "a cluster without the extra": (["--backend", "dask", "--scheduler", "tcp://127.0.0.1:1"], "pip install .*dask"),
    "dask without an address": (["--backend", "dask"], "dask and --scheduler go together"),
    "an address without dask": (["--scheduler", "tcp://127.0.0.1:1"], "dask and --scheduler go together"),
    "jobs on a cluster": (
        ["--backend", "dask", "--scheduler", "tcp://127.0.0.1:1", "--jobs", "2"],
        "jobs: not together",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_go_together_is_one_line_and_exit_code_2(
    what: str, local: tuple[Session, pd.DataFrame, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, said = WRONG[what]
    monkeypatch.setitem(sys.modules, "distributed", None)  # not installed
    monkeypatch.delitem(sys.modules, "frontier.sweep.cluster")  # which has imported it here
    done = CliRunner().invoke(main, [str(local[2] / "a.yaml"), "--out", str(tmp_path / "run"), *arguments])
    assert done.exit_code == 2, done.output
    assert re.search(said, done.stderr), done.stderr
    assert done.stderr.count("\n") == 1

"""Real faults: full disks, damaged files, folders in use or read-only, clocks that jump: survived, or refused."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import frontier
from frontier.commands.run import main
from frontier.core.errors import InputError
from frontier.results.run import load_run
from frontier.results.schema import RESULT_FORMAT
from frontier.results.store import Store
from frontier.sweep.run import run_session
from frontier.sweep.session import Session, open_session

EXPERIMENT = """\
problems: [{name: cps_like}]
methods:
  - {name: random_reweight, budget: [20, 50], seeds: [0, 1, 2], epochs: 50}
  - {name: greg, relax: 0.1}
"""
TIMINGS = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path, pd.DataFrame]:
    """A finished run: its session, its folder, its table without timings."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "a.yaml").write_text(EXPERIMENT)
    session = open_session(folder / "a.yaml")
    return session, folder, run_session(session, Store(folder / "run"), quiet=True).drop(columns=TIMINGS)


def run(*arguments: str, cwd: Path, limit_bytes: int | None) -> subprocess.CompletedProcess[str]:
    """The command, with files of at most `limit_bytes`: a quota that needs no rights (SIGXFSZ ignored: EFBIG)."""

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "frontier.run", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, preexec_fn=limited)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_full_disk_ends_the_run_with_a_line_and_resume_goes_on(
    jobs: str, whole: tuple[Session, Path, pd.DataFrame], tmp_path: Path
) -> None:
    session, folder, table = whole
    sizes = sorted(path.stat().st_size for path in (folder / "run" / "batches").iterdir())
    assert sizes[-1] > 2 * sizes[-2], "the dense batch no longer stands out"
    full = run(str(folder / "a.yaml"), "--out", "run", "--jobs", jobs, cwd=tmp_path, limit_bytes=2 * sizes[-2])
    assert full.returncode == 1, full.stderr
    assert "File too large; finished batches are kept: run the same command again to resume" in full.stderr
    assert "Traceback" not in full.stderr
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("run/batches/*.npz")}
    assert len(finished) >= (6 if jobs == "1" else 4)  # the small ones, but for those in hand when the run ended
    assert not list(tmp_path.rglob("*.tmp"))
    again = run_session(session, Store(tmp_path / "run"), quiet=True)
    assert all(path.stat().st_mtime_ns == then for path, then in finished.items())
    pd.testing.assert_frame_equal(again.drop(columns=TIMINGS), table, check_exact=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("NO RIGHT TO MOUNT: a full file system was not tested here (the quota was)")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_no_space_left_on_a_real_file_system_ends_the_run_and_resume_goes_on(
    whole: tuple[Session, Path, pd.DataFrame], small_disk: Path
) -> None:
    session, folder, table = whole
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"0" * (2**20 - 64 * 1024))  # leaves 64 KiB: some batches, not all
    full = run(str(folder / "a.yaml"), "--out", "run", cwd=small_disk, limit_bytes=None)
    assert full.returncode == 1, full.stderr
    assert "No space left on device; finished batches are kept" in full.stderr
    assert "Traceback" not in full.stderr
    assert not list(small_disk.rglob("*.tmp"))
    shutil.copytree(small_disk / "run", folder / "moved")  # the tables need more than the megabyte
    again = run_session(session, Store(folder / "moved"), quiet=True)
    pd.testing.assert_frame_equal(again.drop(columns=TIMINGS), table, check_exact=True)


def flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "bit-flipped": flipped,
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_batch_is_named_and_solved_again(
    damage: str, whole: tuple[Session, Path, pd.DataFrame], tmp_path: Path
) -> None:
    session, folder, table = whole
    shutil.copytree(folder / "run", tmp_path / "run")
    path = Store(tmp_path / "run").path(session.batches[2].key)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    notes: list[str] = []
    again = run_session(session, Store(tmp_path / "run"), quiet=True, warn=notes.append)
    assert len(notes) == 1
    assert path.name in notes[0]
    pd.testing.assert_frame_equal(again.drop(columns=TIMINGS), table, check_exact=True)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_table_is_named_never_read_and_made_again_on_request(
    damage: str, whole: tuple[Session, Path, pd.DataFrame], tmp_path: Path
) -> None:
    session, folder, table = whole
    shutil.copytree(folder / "run", tmp_path / "run")
    path = tmp_path / "run" / "cells.parquet"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(InputError, match=r"cells\.parquet: checksum mismatch: .*; run the experiment again"):
        load_run(tmp_path / "run")
    run_session(session, Store(tmp_path / "run"), quiet=True)
    read = load_run(tmp_path / "run")
    found, manifest = read.cells, read.manifest
    assert manifest["cells_solved_now"] == 0
    pd.testing.assert_frame_equal(found.drop(columns=TIMINGS), table, check_exact=True)


def test_a_finished_run_reads_every_batch_once(
    whole: tuple[Session, Path, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, folder, _ = whole
    honest, read = Store.read, []

    def counted(self: Store, key: str) -> object:
        read.append(key)
        return honest(self, key)

    monkeypatch.setattr(Store, "read", counted)
    run_session(session, Store(folder / "run"), quiet=True)
    assert len(read) == len(session.batches)


def test_a_second_run_into_a_folder_in_use_is_refused_with_the_process_that_has_it(
    whole: tuple[Session, Path, pd.DataFrame],
) -> None:
    _, folder, _ = whole
    with Store(folder / "run").lock():
        done = CliRunner().invoke(main, [str(folder / "a.yaml"), "--out", str(folder / "run")])
    assert done.exit_code == 2
    assert f"run: in use by process {os.getpid()}; wait for it" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_clock_that_jumps_changes_nothing(
    whole: tuple[Session, Path, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _, table = whole
    honest = time.time()
    jumps = iter(range(1, 10_000))
    monkeypatch.setattr(time, "time", lambda: honest - 86_400.0 * 365 * next(jumps))  # a year back at every look
    run_session(session, Store(tmp_path / "run"), only=["greg"], quiet=True)
    for path in tmp_path.rglob("*"):
        os.utime(path, (honest + 1e9, honest + 1e9))  # files from the future
    found = run_session(session, Store(tmp_path / "run"), quiet=True)
    pd.testing.assert_frame_equal(found.drop(columns=TIMINGS), table, check_exact=True)
    assert (found["fit_seconds"] > 0).all()
    manifest = load_run(tmp_path / "run").manifest
    assert manifest["cells_resumed"] == 1
    assert 0 <= manifest["elapsed_seconds"] < 60


@pytest.fixture
def readable(whole: tuple[Session, Path, pd.DataFrame]) -> Iterator[Path]:
    """A finished run that this process may read and not write, also when the tests run as root."""
    _, folder, _ = whole
    copy = Path(tempfile.mkdtemp())  # not in pytest's folder, which root keeps to itself
    copy.chmod(0o755)
    shutil.copytree(folder / "run", copy / "run")
    for path in (copy / "run", *(copy / "run").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)  # nobody: root may write anywhere
        yield copy / "run"
    finally:
        if root:
            os.seteuid(0)
        for path in (copy / "run", *(copy / "run").rglob("*")):
            path.chmod(0o755)
        shutil.rmtree(copy)


def test_a_read_only_results_folder_can_be_read_and_refuses_a_run_with_one_line(
    readable: Path, whole: tuple[Session, Path, pd.DataFrame]
) -> None:
    session, _, table = whole
    pd.testing.assert_frame_equal(load_run(readable).cells.drop(columns=TIMINGS), table, check_exact=True)
    for folder in (readable, readable / "new"):
        with pytest.raises(InputError, match="cannot be written: Permission denied; use --out"):
            run_session(session, Store(folder), quiet=True)


def test_results_of_an_older_format_are_refused_by_run_and_report_alike(
    whole: tuple[Session, Path, pd.DataFrame], tmp_path: Path
) -> None:
    _, folder, _ = whole
    shutil.copytree(folder / "run", tmp_path / "run")
    manifest = tmp_path / "run" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"format": {RESULT_FORMAT}', '"format": 1'))
    for read in (
        lambda: load_run(tmp_path / "run"),
        lambda: frontier.run_experiment(folder / "a.yaml", out=tmp_path / "run"),
    ):
        with pytest.raises(InputError, match=f"another format version; expected {RESULT_FORMAT}, got 1"):
            read()

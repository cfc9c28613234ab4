"""The commands as a user runs them: exit codes, one-line errors, resume after Ctrl-C, reports redrawn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
import typer
from typer.testing import CliRunner, Result

from frontier.commands.check import main as check_main
from frontier.commands.command_line import print_lines
from frontier.commands.merge import main as merge_main
from frontier.commands.report import main as report_main
from frontier.commands.run import main as run_main
from frontier.commands.start import start
from tests.conftest import heed_interrupts

GOOD = "problems: [{name: cps_like}]\nmethods: [{name: nn_lasso, lam: [0.001, 0.1]}]\n"


def run(*arguments: str, cwd: Path, module: str = "frontier.run") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; `run_here`, in this one, spares the second and a half of its start."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=cwd, capture_output=True, text=True, env=environment()
    )


def run_here(*arguments: str, main: typer.Typer = run_main) -> Result:
    return CliRunner().invoke(main, arguments)


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}


@pytest.fixture(scope="module")
def done_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment that has been run."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "good.yaml").write_text(GOOD)
    done = run("good.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "2 optimal" in done.stdout
    return folder


@pytest.fixture
def folder(done_before: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That folder, where this process works."""
    monkeypatch.chdir(done_before)
    return done_before


def test_a_run_leaves_results_and_a_report_beside_each_other(folder: Path) -> None:
    assert len(pd.read_parquet(folder / "results/good/cells.parquet")) == 2
    assert (folder / "reports/good/report.md").read_text().startswith("# good")
    assert (folder / "reports/good/cps_like__heldout.png").stat().st_size > 10_000  # bytes: a drawn figure, not a blank


def test_the_report_is_redrawn_from_results_without_solving(folder: Path) -> None:
    report = folder / "reports/good/report.md"
    before = report.read_text()
    report.unlink()
    done = run_here("results/good", main=report_main)
    assert done.exit_code == 0, done.stderr
    assert report.read_text() == before


def test_a_dry_run_shows_the_plan_and_writes_nothing(folder: Path) -> None:
    done = run_here("good.yaml", "--dry-run", "--out", "dry")
    assert done.exit_code == 0
    assert "2 cells in 1 batches" in done.stdout
    assert not (folder / "dry").exists()


WRONG = {
    "a missing file": (["no.yaml"], "error: no.yaml: no such file"),
    "a wrong key": (["bad.yaml"], "error: bad.yaml: methods[0].lamda: unknown key; did you mean 'lam'?"),
    "no processes": (["good.yaml", "--jobs", "0"], "error: jobs: not a number of processes"),
    "an unknown method": (["good.yaml", "--only", "fsta"], "error: --only: no such method in this experiment: 'fsta'"),
    "a file for a folder": (["good.yaml", "--out", "good.yaml"], "error: good.yaml: cannot be written"),
}


@pytest.mark.parametrize("what", WRONG)
def test_bad_input_is_one_line_and_exit_code_2(what: str, folder: Path) -> None:
    (folder / "bad.yaml").write_text(GOOD.replace("lam:", "lamda:"))
    arguments, said = WRONG[what]
    results = {path: path.stat().st_mtime_ns for path in (folder / "results").rglob("*") if path.name != ".lock"}
    done = run_here(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(said), done.stderr
    assert done.stderr.count("\n") == 1
    assert {p: p.stat().st_mtime_ns for p in (folder / "results").rglob("*") if p.name != ".lock"} == results


def test_bad_input_in_a_process_of_its_own_is_one_line_and_exit_code_2(folder: Path) -> None:
    done = run("nothing", cwd=folder, module="frontier.report")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: nothing: no cells.parquet")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_keeps_finished_batches_says_how_to_resume_and_exits_130(
    jobs: str, stop: signal.Signals, tmp_path: Path
) -> None:
    process = begun(jobs, tmp_path)
    if stop is signal.SIGINT:
        os.killpg(process.pid, stop)  # as a terminal does: the workers get it too
    else:
        process.send_signal(stop)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "run the same command again to resume" in said
    assert "Traceback" not in said
    assert list(tmp_path.glob("results/long/batches/*.npz"))


def test_an_interrupt_before_a_command_is_imported_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("frontier.commands.start.import_module", interrupted)
    with pytest.raises(SystemExit) as stopped:
        start("frontier.commands.run")
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "interrupted: nothing had begun\n"


def test_a_command_begins_without_importing_what_it_may_be_stopped_in() -> None:
    asked = (
        "import sys, frontier.run; print(sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'pandas', 'torch'}))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout.strip() == "[]"


def test_a_path_is_printed_as_it_is_also_where_it_looks_like_markup(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"results: {Path('a[b]/:x:')}", "x" * 300]
    print_lines(lines)
    assert capsys.readouterr().out.splitlines() == lines


def test_a_worker_starts_without_pandas() -> None:
    code = "import sys, frontier.sweep.runner, frontier.advice.trials; sys.exit('pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_workers_of_a_killed_run_stop_too(tmp_path: Path) -> None:
    process = begun("2", tmp_path)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.kill()
    process.communicate(timeout=60)
    assert psutil.wait_procs(workers, timeout=20)[1] == []  # seconds: a fifth of one is usual
    written = set(tmp_path.glob("results/long/batches/*"))
    time.sleep(0.5)
    assert set(tmp_path.glob("results/long/batches/*")) == written


def begun(jobs: str, folder: Path) -> subprocess.Popen[str]:
    """A run of many batches of which one is finished; Ctrl-C reaches it however these tests were started."""
    (folder / "long.yaml").write_text(
        "problems: [{name: cps_like}]\n"
        "methods: [{name: random_reweight, budget: [20, 50], seeds: [0, 1, 2, 3, 4, 5, 6, 7], epochs: 30000}]\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "frontier.run", "long.yaml", "--jobs", jobs],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )
    deadline = time.monotonic() + 60
    while not list(folder.glob("results/long/batches/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    return process


def test_partial_runs_are_merged_by_the_command(folder: Path) -> None:
    done = run_here("results/good", "--out", "merged", main=merge_main)
    assert done.exit_code == 0, done.stderr
    assert "2 rows from 1 runs: merged" in done.stdout
    done = run_here("results/nothing", "--out", "merged2", main=merge_main)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: results/nothing: no manifest.json")
    done = run_here("results/good", "--against", "merged", main=check_main)
    assert done.exit_code == 0, done.stderr

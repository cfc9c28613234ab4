"""The command on claims: what is there is judged, what is not names its command, bad input is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import frontier
from frontier.study.claims.command import main

EXPERIMENT = """
problems:
  - {name: microcalibrate_example, label: source_loss, plus_one: true}
methods:
  - {name: dense_nnls, label: "Dense, exact"}
  - {name: hard_concrete, label: "L0, tempered gate", lam: [5.0e-5], seeds: [0, 1], epochs: 60, lr: 0.2, device: cpu}
"""
RESULTS = "results/claims_microcalibrate"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of a small claims_microcalibrate."""
    folder = tmp_path_factory.mktemp("claims")
    (folder / "claims_microcalibrate.yaml").write_text(EXPERIMENT)
    frontier.run_experiment(folder / "claims_microcalibrate.yaml", jobs=1, out=folder / RESULTS)
    return folder


def claims(folder: Path, *arguments: str) -> Result:
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        return CliRunner().invoke(main, list(arguments))


def test_claims_with_results_are_judged_and_the_others_name_their_command(folder: Path) -> None:
    done = claims(folder)
    assert done.exit_code == 0, done.output
    assert "plus_one: fails" in done.output  # two of the ten targets are sums of the others: y − 1 contradicts itself
    assert "l1_speed: not evaluated" in done.output
    page = (folder / "reports/claims.md").read_text()
    assert "run python -m frontier.run experiments/speed_l0.yaml" in page
    assert "| claims_microcalibrate | 3 |" in page


def test_results_may_be_named_and_the_page_put_elsewhere(folder: Path) -> None:
    assert claims(folder, "--out", "reports/claims.md").exit_code == 0
    assert claims(folder, RESULTS, "--out", "elsewhere/page.md").exit_code == 0
    assert (folder / "elsewhere/page.md").read_text() == (folder / "reports/claims.md").read_text()


def test_without_any_results_every_claim_is_not_evaluated(tmp_path: Path) -> None:
    done = claims(tmp_path)
    assert done.exit_code == 0, done.output
    *verdicts, last = done.output.splitlines()
    assert all(line.endswith(": not evaluated") for line in verdicts)
    assert last == "page: reports/claims.md"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "error: nothing: no cells.parquet"),
        ([RESULTS, RESULTS], f"error: {RESULTS}: a second run of"),
        (["--out", "results"], "error: results: a folder; expected the name of a file"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], said: str, folder: Path) -> None:
    done = claims(folder, *arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1

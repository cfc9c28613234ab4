"""A finished run that is run again draws nothing; what is missing, or of other results, is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import frontier.commands.drawn as drawn
from frontier.commands.run import main

EXPERIMENT = "problems: [{name: cps_like}]\nmethods: [{name: nn_lasso, lam: [LAMS]}]\n"


def run(folder: Path, lams: str) -> Result:
    (folder / "a.yaml").write_text(EXPERIMENT.replace("LAMS", lams))
    done = CliRunner().invoke(main, [str(folder / "a.yaml")])
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Which reports were drawn, one entry each."""
    monkeypatch.chdir(tmp_path)
    found: list[Path] = []
    draw = drawn.draw_report

    def counted(*args: object, **kwargs: object) -> list[Path]:
        paths = draw(*args, **kwargs)  # type: ignore[arg-type]
        found.append(paths[0])
        return paths

    monkeypatch.setattr(drawn, "draw_report", counted)
    return found


def test_a_finished_run_draws_nothing_and_says_the_same(draws: list[Path], tmp_path: Path) -> None:
    first, second = (run(tmp_path, "1e-3, 1e-2").stdout for _ in range(2))
    assert len(draws) == 1
    assert first == second
    assert "report:  reports/a/index.html" in second


def test_what_is_missing_or_of_other_results_is_drawn(draws: list[Path], tmp_path: Path) -> None:
    run(tmp_path, "1e-3")
    (tmp_path / "reports" / "a" / "index.html").unlink()
    run(tmp_path, "1e-3")
    assert len(draws) == 2
    run(tmp_path, "1e-3, 1e-2")
    assert len(draws) == 3
    (tmp_path / "results" / "a" / drawn.STATE).write_text("damaged")
    run(tmp_path, "1e-3, 1e-2")
    assert len(draws) == 4

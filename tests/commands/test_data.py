"""`python -m frontier data --assess`: the answer in two lines, its steps in the table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import frontier
from frontier.commands.data import main


def test_the_assessment_is_two_lines_and_columns_of_the_table(tmp_path: Path) -> None:
    out = tmp_path / "targets.csv"
    done = CliRunner().invoke(main, ["cps_like", "--assess", "--first", "sex", "--out", str(out)])
    assert done.exit_code == 1, done.stderr  # two targets contradict
    found = frontier.assess_targets(frontier.load_problem("cps_like"), ["sex"])
    assert "assessment        {}\n                  {}\n".format(*found.lines()) in done.stdout
    table = pd.read_csv(out).set_index("target")
    assert {"value", "estimate_at_w0", "records", "largest_record"} < set(table.columns)
    steps = found.table.set_index("target")
    assert list(steps.index[:2]) == ["sex=male", "sex=female"]
    pd.testing.assert_frame_equal(
        table.loc[steps.index, ["step", "rank", "loss", "met"]], steps[["step", "rank", "loss", "met"]]
    )
    assert "8/8 targets" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--first", "sex"], "error: --first: nothing to begin with it; add --assess"),
        (["--assess", "--first", "sexe"], "error: first: neither a target nor a family: 'sexe'; did you mean 'sex'?"),
        (["--assess", "--seconds", "0"], "error: --seconds: too short to assess any target; got 0; raise it"),
    ],
)
def test_what_cannot_be_assessed_is_one_line(arguments: list[str], line: str) -> None:
    done = CliRunner().invoke(main, ["cps_like", *arguments])
    assert done.exit_code == 2
    assert line in done.stderr.splitlines()

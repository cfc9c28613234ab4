"""The page of claims: verdicts first, numbers written by their names, figures beside it, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from frontier.core.errors import InputError
from frontier.reporting.document import Text
from frontier.reporting.markdown import markdown
from frontier.study.claims.page import claims_document, evidence_table, write_claims_page

CLAIMS = pd.DataFrame(
    {
        "id": ["l0_standard_error", "missing"],
        "words": ["It explodes | always", "It never ran"],
        "source": ["a notebook", "a paper"],
        "rule": ["holds if it does", "no rule"],
        "needs": ["runs", "others"],
        "not_tested": ["one limit\nanother limit", "nothing"],
        "verdict": ["holds only if", "not evaluated"],
        "condition": ["± is the sd", ""],
        "detail": ["more of it", ""],
        "reason": ["because of 5%", "run python -m frontier.run experiments/others.yaml"],
    }
)
EVIDENCE = pd.DataFrame(
    {
        "problem": ["p"],
        "lam": [0.004],
        "records": [47.5],
        "spread_error": [0.1234],
        "spread_error_low": [0.1],
        "spread_error_high": [0.2],
        "l1_seconds": [0.0345],
        "ratio": [301.4],
        "undecided": [3],
        "unknown": [float("nan")],
        "verdict": ["undecided"],
    }
)
POINTS = pd.DataFrame(
    {
        "problem": ["p", "p", "q"],
        "reading": ["standard error of five seeds"] * 3,
        "records": [10.0, 200.0, 50.0],
        "spread_error": [0.1, 0.01, 0.05],
        "spread_error_low": [0.08, 0.005, float("nan")],
        "spread_error_high": [0.15, 0.02, float("nan")],
    }
)
RUNS = pd.DataFrame({"experiment": ["runs"], "rows": ["12"], "code": ["abc"], "threads": [1], "machine": ["m"]})


def page() -> str:
    document = claims_document(CLAIMS, {"l0_standard_error": EVIDENCE}, {}, RUNS)
    return markdown(document, {"l0_standard_error": "claims/x.png"})


def test_the_verdicts_come_first_with_their_conditions() -> None:
    table = page().split("## l0_standard_error")[0]
    assert "| [It explodes \\| always](#l0_standard_error) | **◐ holds only if** ± is the sd | because of 5% |" in table
    assert "| [It never ran](#missing) | **– not evaluated** | run python -m frontier.run" in table


def test_a_claim_shows_its_words_rule_numbers_figure_and_limits() -> None:
    section = page().split("## l0_standard_error")[1].split("## missing")[0]
    for text in (
        "> It explodes",
        "> a notebook",
        "more of it",
        "**Rule.** holds if it does",
        "- another limit",
        "](claims/x.png)",
    ):
        assert text in section


def test_numbers_are_written_by_the_names_of_their_columns_and_limits_share_a_cell() -> None:
    table = evidence_table(EVIDENCE)
    [row] = table.rows
    assert table.header[:4] == ["problem", "λ", "records", "spread error"]
    assert row == ["p", "0.004", "47.5", "12.3% (10.0% to 20.0%)", "34.5 ms", "301×", "3", "–", Text("**undecided**")]
    assert [table.header[place] for place in table.numbers] == [
        "λ",
        "records",
        "spread error",
        "l1 seconds",
        "ratio",
        "undecided",
        "unknown",
    ]


def test_limits_that_are_missing_are_left_out() -> None:
    frame = pd.DataFrame({"error": [0.5], "error_low": [float("nan")], "error_high": [float("nan")]})
    assert evidence_table(frame).rows == [["50.0%"]]


def test_the_page_and_its_figures_are_written_and_an_older_figure_is_removed(tmp_path: Path) -> None:
    out = tmp_path / "reports" / "claims.md"
    (tmp_path / "reports" / "claims").mkdir(parents=True)
    (tmp_path / "reports" / "claims" / "old.png").write_bytes(b"old")
    (tmp_path / "reports" / "claims" / "notes.txt").write_text("mine")
    evidence, points = {"l0_standard_error": EVIDENCE}, {"l0_standard_error": POINTS}
    written = write_claims_page(CLAIMS, evidence, points, RUNS, out)
    assert written[0] == out
    assert {path.name for path in out.with_suffix("").iterdir()} == {
        "l0_standard_error.png",
        "notes.txt",
    }
    assert "claims/l0_standard_error.png" in out.read_text()
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []
    before = [path.read_bytes() for path in written]
    write_claims_page(CLAIMS, evidence, points, RUNS, out)
    assert [path.read_bytes() for path in written] == before


SPEED = pd.DataFrame(
    {
        "problem": ["p", "q"],
        "l0": ["old", "ours"],
        "l1": ["new", "new"],
        "ratio": [30.0, 3000.0],
        "ratio_low": [20.0, 2000.0],
        "ratio_high": [40.0, 4000.0],
    }
)
ORDER = pd.DataFrame(
    {
        "problem": ["p"] * 4,
        "l0": ["L0"] * 4,
        "dense": ["Dense"] * 4,
        "arm": ["L0 + refit", "dense", "random + reweight", "raw gated"],
        "error": [0.1, 0.2, 0.3, 0.4],
        "error_low": [0.05, float("nan"), 0.2, -0.1],
        "error_high": [0.15, float("nan"), 0.4, 0.9],
        "metric": ["training"] * 4,
    }
)


def test_the_figures_of_speed_and_order_are_drawn(tmp_path: Path) -> None:
    claims = CLAIMS.assign(id=["l1_speed", "l0_paper_training"])
    written = write_claims_page(
        claims, {"l1_speed": SPEED}, {"l0_paper_training": ORDER}, RUNS.iloc[:0], tmp_path / "claims.md"
    )
    assert written[1].name == "claims.html"
    assert {path.name for path in written[2:]} == {*("l1_speed.png", "l0_paper_training.png")}
    assert all(path.stat().st_size > 5_000 for path in written[1:])  # bytes: a drawn figure, not a blank


def test_a_folder_for_the_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder; expected the name of a file"):
        write_claims_page(CLAIMS, {}, {}, RUNS, tmp_path)

"""The page on tuning, from the committed results: the answer, the table, and how to read it."""

from __future__ import annotations

from pathlib import Path

from frontier.results.run import load_run
from frontier.study.flagship import TUNED
from frontier.study.tuned import write_tuned

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_page_is_what_the_committed_results_make(tmp_path: Path) -> None:
    folders = [ROOT / "results" / "flagship" / name for name in TUNED]
    runs = [load_run(folder) for folder in folders if folder.is_dir()]
    page, *_ = write_tuned(runs, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text == (ROOT / "reports" / "tuned" / "report.md").read_text(encoding="utf-8")
    assert text.count("### Default against tuned") == len(runs)
    assert "## How to read it" in text

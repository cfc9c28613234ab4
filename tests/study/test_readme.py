"""The README says what the committed results say, and bad files are one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from frontier.core.errors import InputError
from frontier.study.readme import BLOCKS, filled, main

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_is_what_the_committed_results_make_of_it() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert filled(text, ROOT / "results" / "flagship") == text, "run `python -m frontier study readme`"


def test_every_sentence_of_what_came_out_stands_by_a_table_or_links_one() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    told = text.split("## What came out")[1].split("\n## ")[0]
    bullets = [re.split(r"\n(?! )", part)[0] for part in re.split(r"^\* ", told, flags=re.MULTILINE)[1:]]
    assert len(bullets) >= 6
    assert all(name in told for name in BLOCKS)
    assert all("](reports/" in bullet or "table" in bullet for bullet in bullets)


def test_a_block_that_is_not_there_is_one_line() -> None:
    with pytest.raises(InputError, match=r"README: no block 'arena_national'; expected <!-- arena_national -->"):
        filled("nothing", ROOT / "results" / "flagship")


def test_a_readme_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "none.md")])
    assert stopped.value.code == 2
    assert "no such file; expected a README with blocks to fill in; check the path" in capsys.readouterr().err

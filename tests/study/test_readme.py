"""The pages between the files say what the committed results say, and bad files are one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from frontier.core.errors import InputError
from frontier.study.readme import BLOCKS, PAGES, filled, main

ROOT = Path(__file__).resolve().parents[2]


PAGE = pytest.mark.parametrize("page", PAGES, ids=str)


def read(page: Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@PAGE
def test_a_page_is_what_the_committed_results_make_of_it(page: Path) -> None:
    text = read(page)
    assert filled(text, ROOT / "results" / "flagship") == text, "run `python -m frontier study readme`"
    assert "<!-- end" in text


def test_every_block_stands_in_a_page() -> None:
    text = "".join(read(page) for page in PAGES)
    assert all(f"<!-- {name} -->" in text for name in BLOCKS)


def test_every_sentence_of_what_came_out_stands_by_a_table_or_links_one() -> None:
    told = read(Path("reports/README.md")).split("## What came out")[1].split("\n## ")[0]
    bullets = [re.split(r"\n(?! )", part)[0] for part in re.split(r"^\* ", told, flags=re.MULTILINE)[1:]]
    assert len(bullets) >= 6
    assert all("report.md" in bullet or "](claims" in bullet or "table" in bullet for bullet in bullets)


def test_the_front_page_is_short() -> None:
    assert len(read(Path("README.md")).splitlines()) <= 150


def test_links_between_pages_lead_somewhere() -> None:
    pages = [path for path in ROOT.rglob("README.md") if not {"node_modules", ".git"} & set(path.parts)]
    found = [
        (page, link)
        for page in pages
        for link in re.findall(r"\]\((?!https?://)([^)\s#]+)(?:#[^)\s]*)?\)", page.read_text(encoding="utf-8"))
    ]
    assert len(found) > 30
    assert not [(str(page), link) for page, link in found if not (page.parent / link).exists()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!-- skil -->\n<!-- end skil -->", "page: unknown block 'skil'; did you mean 'skill'?"),
        ("<!-- skill -->\n", "page: block 'skill'; expected <!-- skill --> … <!-- end skill -->, once"),
    ],
)
def test_a_block_that_is_not_known_or_not_closed_is_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        filled(text, ROOT / "results" / "flagship")


def test_a_readme_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "none.md")])
    assert stopped.value.code == 2
    assert "no such file; expected a page with blocks to fill in; check the path" in capsys.readouterr().err

"""The front door of a folder of reports: a card each, from what the first page says; text from reports is escaped."""

from __future__ import annotations

from pathlib import Path

from frontier.reporting.front_door import LONGEST, card, write_front_door

REPORT = """# A title

What it asks, with a [link](x.md) and `code`.

## In short

**Of 1 declared contrasts 1 has a winner.** The rest.

![A figure](first.png)

![Another](second.png)
"""


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "report.md").write_text(text, encoding="utf-8")
    return folder / name / "report.md"


def test_a_card_has_title_question_answer_and_the_first_figure(tmp_path: Path) -> None:
    found = card(write(tmp_path, "one", REPORT), tmp_path)
    assert (found.title, found.link) == ("A title", "one/report.md")
    assert found.description == "What it asks, with a link and code."
    assert found.answer == "Of 1 declared contrasts 1 has a winner. The rest."
    assert (found.figure, found.caption) == ("one/first.png", "A figure")


def test_a_card_opens_the_page_where_there_is_one(tmp_path: Path) -> None:
    path = write(tmp_path, "one", REPORT)
    path.with_name("index.html").touch()
    assert card(path, tmp_path).link == "one/index.html"


def test_a_report_that_is_only_a_table_has_a_card_without_words(tmp_path: Path) -> None:
    found = card(write(tmp_path, "bare", "# Bare\n\n| a |\n| --- |\n| 1 |\n"), tmp_path)
    assert (found.title, found.description, found.answer, found.figure) == ("Bare", "", "", "")


def test_a_long_description_ends_at_a_word(tmp_path: Path) -> None:
    found = card(write(tmp_path, "long", "# Long\n\n" + "word " * 200), tmp_path)
    assert len(found.description) <= LONGEST + 2
    assert found.description.endswith("word …")


def test_the_page_has_every_report_and_escapes_their_text(tmp_path: Path) -> None:
    write(tmp_path, "one", REPORT)
    write(tmp_path, "two", "# <script>alert(1)</script>\n\nPlain.\n")
    text = write_front_door(tmp_path).read_text(encoding="utf-8")
    assert text.count('<article class="card">') == 2
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert 'href="one/report.md"' in text


def test_a_folder_without_reports_says_so(tmp_path: Path) -> None:
    assert "No report yet." in write_front_door(tmp_path).read_text(encoding="utf-8")

"""A document without anything to choose as one page: all of it, escaped, with its figures inside and nothing loaded."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from frontier.reporting.document import Bullets, Data, Document, Picture, Section, Table, Text
from frontier.reporting.page.html import Html, templates
from frontier.reporting.write import write_document


def figure() -> Figure:
    made = Figure(figsize=(1, 1))
    made.subplots().plot([0, 1])
    return made


DOCUMENT = Document(
    "Which <one>?",
    [
        Bullets(["**The first.** It errs <less>."]),
        Text("What was run."),
        Table(["a", "b"], [["1", "<2>"]], numbers=[1]),
        Picture("errors", "A figure & its caption", figure),
        Section("How to read it", [Text("Downwards.")]),
        Data("all", pd.DataFrame({"x": [1, 2]}), "All rows"),
    ],
)


def test_a_report_without_a_page_of_its_own_has_a_plain_one(tmp_path: Path) -> None:
    written = write_document(DOCUMENT, tmp_path)
    assert [path.name for path in written[:2]] == ["report.md", "index.html"]
    text = written[1].read_text(encoding="utf-8")
    assert "<h1>Which &lt;one&gt;?</h1>" in text
    assert text.index("<strong>The first.</strong> It errs &lt;less&gt;.") < text.index("What was run.")
    assert '<td class="number">&lt;2&gt;</td>' in text
    assert '<img src="data:image/png;base64,' in text
    assert "A figure &amp; its caption" in text
    assert '<a href="#how-to-read-it">How to read it</a>' in text
    assert "<script" not in text
    assert "default-src 'none'" in text


def test_tables_of_data_are_linked_to_their_files(tmp_path: Path) -> None:
    text = write_document(DOCUMENT, tmp_path)[1].read_text(encoding="utf-8")
    assert '<a href="all.csv">All rows</a>: 2 rows (CSV)' in text
    assert (tmp_path / "all.csv").exists()


def test_a_report_of_another_name_has_a_page_of_that_name(tmp_path: Path) -> None:
    assert [path.name for path in write_document(DOCUMENT, tmp_path, name="l1.md")[:2]] == ["l1.md", "l1.html"]


def test_links_within_a_report_and_its_sections_find_each_other(tmp_path: Path) -> None:
    table = Table(["claim"], [[Text("[the first](#l1_is_first)")]])
    text = write_document(Document("t", [table, Section("l1_is_first", [Text("x")])]), tmp_path)[1].read_text("utf-8")
    anchors = re.findall(r'id="([^"]+)"', text)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(anchors)
    assert 'href="#l1_is_first"' in text


def test_a_line_does_not_end_within_a_small_number() -> None:
    found = Html({}, templates()).prose([Text("Anchored L1 (μ = 1e-4) & *others*, 3.5e-10; pre-2020")])
    first, second = (f'<span class="whole">{number}</span>' for number in ("1e-4", "3.5e-10"))
    assert f"(μ = {first}) &amp; <em>others</em>, {second}; pre-2020" in found

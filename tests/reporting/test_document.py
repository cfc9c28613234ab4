"""A document: the same blocks as Markdown and as files, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from frontier.core.errors import InputError
from frontier.reporting.charts.canvas import canvas
from frontier.reporting.document import (
    FOLD_ABOVE,
    Bullets,
    Data,
    Document,
    Live,
    Picture,
    Reading,
    Section,
    Table,
    Text,
    lines_of,
)
from frontier.reporting.markdown import markdown
from frontier.reporting.write import write_document


def drawing() -> Figure:
    figure, axes = canvas(1, 1, 2.0, "Volumes", [], "")
    axes[0].plot([1, 2], [1, 2])
    return figure


def document() -> Document:
    table = Table(["a|b", "n"], [["<b>", "1"], [Text("**all**"), "2"]], numbers=[1])
    data = Data("volumes", pd.DataFrame({"n_seeds": [5], "volume": [0.123456]}))
    blocks = [Picture("good one", "A *good* one", drawing), Picture("none", "Nothing", lambda: None), table, data]
    return Document("A | B", [Text("Some **words**."), Section("Parts", [Bullets(["x"]), Section("One", blocks)])])


def test_sections_are_headings_one_level_below_their_own() -> None:
    assert markdown(document(), {"good one": "good one.png"}) == "\n\n".join(
        [
            "# A \\| B",
            "Some **words**.",
            "## Parts",
            "- x",
            "### One",
            "![A \\*good\\* one](good%20one.png)",
            "A \\*good\\* one",
            "| a\\|b | n |\n| --- | ---: |\n| \\<b\\> | 1 |\n| **all** | 2 |\n",
        ]
    )


def test_what_a_page_draws_itself_is_told_in_other_words_elsewhere() -> None:
    live = Live("frontier", "Frontier", [Section("In words", [Text("x"), Reading(["**a**", "b"])])])
    assert markdown(Document("t", [live]), {}) == "# t\n\n## In words\n\nx\n"
    assert lines_of([live, Reading(["c"])]) == ["**a**", "b", "c"]


def test_a_long_table_is_folded_where_it_may_be() -> None:
    rows = [[str(i)] for i in range(FOLD_ABOVE + 1)]
    text = markdown(Document("t", [Table(["n"], rows, foldable=True), Table(["n"], rows)]), {})
    assert text.count("<details>\n<summary>21 cells</summary>\n\n| n |") == 1


def test_a_folder_holds_the_report_its_figures_and_its_data(tmp_path: Path) -> None:
    out = tmp_path / "new" / "report"
    paths = write_document(document(), out, name="a.md", tables=("csv", "tex"))
    assert [path.name for path in paths] == [
        "a.md",
        "a.html",
        "volumes.csv",
        "volumes.tex",
        "good one.png",
    ]
    assert sorted(paths) == sorted(out.iterdir())
    assert list(out.parent.iterdir()) == [out]
    assert paths[2].read_text() == "n_seeds,volume\n5,0.123456\n"
    assert "5 & 0.123" in paths[3].read_text()
    again = write_document(document(), tmp_path / "again", name="a.md", tables=("csv", "tex"))
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_figures_may_stand_in_a_folder_beside_the_report(tmp_path: Path) -> None:
    write_document(document(), tmp_path, name="claims.md", figures="claims", ours=r".+\.(png|svg)")
    assert "](claims/good%20one.png)" in (tmp_path / "claims.md").read_text()
    for name in ("claims/mine.txt", "old.png", "claims/old.png"):
        (tmp_path / name).write_text("mine")
    written = write_document(document(), tmp_path, name="claims.md", figures="claims", ours=r".+\.(png|svg)")
    kept = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == {*written, tmp_path / "claims" / "mine.txt", tmp_path / "old.png"}


def test_what_fails_half_way_leaves_the_earlier_report_whole_and_nothing_beside_it(tmp_path: Path) -> None:
    def broken() -> Figure:
        raise RuntimeError("half way")

    out = tmp_path / "report"
    before = {path: path.read_bytes() for path in write_document(document(), out)}
    with pytest.raises(RuntimeError, match="half way"):
        write_document(Document("B", [*document().blocks, Picture("b", "b", broken)]), out)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert list(tmp_path.iterdir()) == [out]


def test_places_that_cannot_hold_a_report_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="not a folder"):
        write_document(document(), tmp_path / "file")
    (tmp_path / "claims.md").mkdir()
    with pytest.raises(InputError, match="the name of a file"):
        write_document(document(), tmp_path, name="claims.md")

"""The page as a file: what `tests/reporting/test_page_in_browser.py` needs no browser for."""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd
import pytest
from jinja2 import Environment

from frontier.analysis.aggregate import aggregate, prepare
from frontier.analysis.budgets import by_budget
from frontier.reporting.document import FOLD_ABOVE, Block, Bullets, Picture, Section, Table, Text
from frontier.reporting.page.data import page_data
from frontier.reporting.page.html import Html
from frontier.reporting.page.page import page, script_json
from frontier.reporting.prepared import Prepared
from tests.reporting import made


def html(cells: pd.DataFrame, manifest: dict[str, Any] | None = None, **more: Any) -> str:
    run = Prepared(cells, made.manifest() if manifest is None else manifest, **more)
    return page(made.whole(run), run, {})


def data(cells: pd.DataFrame, **more: Any) -> dict[str, Any]:
    return page_data(Prepared(cells, made.manifest(), **more))


def told(*blocks: Block) -> str:
    return str(Html({}, Environment(autoescape=True)).prose(blocks))


def rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def test_the_page_carries_everything_inside() -> None:
    text = html(made.results())
    head = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"(src|href)=\"(?!#|data:)", head)
    assert "default-src 'none'" in head
    assert "Plotly" in text


def test_the_same_results_give_the_same_bytes_in_any_order() -> None:
    cells = made.results()
    more = {"targets": made.estimates(cells), "traces": made.traces(cells)}
    assert html(cells, **more) == html(cells[::-1], **more)


def test_json_in_a_script_element_cannot_end_it() -> None:
    written = str(script_json({"a": "</script><!-- & \u2028", "n": [1, None]}))
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written) == {"a": "</script><!-- & \u2028", "n": [1, None]}


def test_markup_stays_text() -> None:
    text = told(
        Text("a <b>b</b> **c** ![x](y.png) [z](javascript:alert(1))"), Bullets(["<u>"]), Picture("<p>", "", int)
    )
    assert "<strong>c</strong>" in text
    assert "&lt;b&gt;" in text
    assert "<li>&lt;u&gt;</li>" in text
    assert "<img" not in text
    assert 'href="javascript' not in text
    text = told(Section("<i>", [Table(["<a>", "n"], [["<b> **c**", Text("**d** <e>")]], numbers=[1])]))
    assert text.startswith("<h3>&lt;i&gt;</h3>")
    assert "<th>&lt;a&gt;</th>" in text
    assert '<td>&lt;b&gt; **c**</td><td class="number"><strong>d</strong> &lt;e&gt;</td>' in text


def test_a_folded_section_is_a_fold_of_the_page_with_its_title() -> None:
    text = told(Section("Ohio <i>", [Text("Told.")], folded=True))
    assert text.startswith('<details class="fold"><summary>Ohio &lt;i&gt;</summary>\n<p>Told.</p>')


def test_a_long_table_is_folded_away_where_it_may_be() -> None:
    rows = [[str(i)] for i in range(FOLD_ABOVE + 1)]
    assert told(Table(["n"], rows, foldable=True)).startswith("<details><summary>21 cells</summary>\n<table>")
    assert "<details>" not in told(Table(["n"], rows), Table(["n"], rows[1:], foldable=True))


def test_failures_are_told_with_their_message() -> None:
    assert "it broke" in html(made.results())


def test_points_of_a_split_are_those_of_the_summary() -> None:
    cells = made.results()
    found = data(cells)
    part = next(i for i, p in enumerate(found["parts"]) if p["name"] == "rotation_2of2")
    shown = [row for row in rows(found["points"]) if row["part"] == part]
    table = aggregate(prepare(cells))
    table = table[table["split"] == "rotation_2of2"]
    assert len(shown) == len(table) > 0
    for row, told in zip(shown, table.to_dict("records"), strict=True):
        assert found["labels"][row["label"]]["name"] == told["label"]
        assert found["refits"][row["refit"]]["id"] == told["refit"]
        ends = [told[f"heldout_mare_{name}"] for name in ("mean", "min", "max")]
        assert row["heldout_mare"][:3] == pytest.approx(ends, rel=5e-5)  # five significant digits


def test_points_of_a_rotation_are_those_of_the_budget_table() -> None:
    cells = made.results()
    found = data(cells)
    part = next(i for i, p in enumerate(found["parts"]) if "together" in p["name"])
    table = by_budget(prepare(cells))
    table = table[(table["design"] == "rotation") & (table["problem"] == "ohio")]
    expected = {
        (r["label"], r["refit"], r["budget"]): (r["ess_mean"], r["train_mare_se"]) for r in table.to_dict("records")
    }
    shown = [row for row in rows(found["points"]) if row["part"] == part]
    assert len(shown) == len(expected) > 0
    for row in shown:
        key = found["labels"][row["label"]]["name"], found["refits"][row["refit"]]["id"], row["budget"]
        assert (row["ess"][0], row["train_mare"][3]) == pytest.approx(expected[key], rel=5e-5)  # five digits


def test_a_point_without_weights_is_there_and_says_why() -> None:
    found = rows(data(made.results())["points"])
    lost = [row for row in found if row["n_with_weights"] < row["n_cells"]]
    assert [(row["lam"], row["n_cells"], row["n_with_weights"]) for row in lost] == [(0.1, 3, 2)]
    assert lost[0]["status"] == "completed 2, error 1"


def test_repeats_are_no_seeds() -> None:
    cells = pd.DataFrame([made.cell(lam=0.1, seed=0, repeat=repeat) for repeat in range(3)])
    found = data(cells)
    assert len(found["cells"]["rows"]) == 1
    assert rows(found["points"])[0]["n_cells"] == 1


def test_no_cells_and_no_manifest_still_make_a_page() -> None:
    empty = pd.DataFrame(columns=list(made.cell()))
    assert "<title>Report · frontier</title>" in html(empty, {})


def test_traces_are_thinned_and_keep_their_ends() -> None:
    cells = made.results()
    traces = made.traces(cells)
    of_target = traces[traces["quantity"] == "loss"].assign(quantity="estimate_0")  # there may be hundreds: not shown
    found = data(cells, traces=pd.concat([traces, of_target]))["traces"]
    loss = next(row for row in found if row["quantity"] == "loss")
    assert len(loss["x"]) <= 60
    assert (loss["x"][0], loss["x"][-1], loss["y"][0], loss["y"][-1]) == (10, 2000, 1, 0.005)
    assert {row["quantity"] for row in found} == {"loss", "n_active"}  # the iteration is the axis
    assert len({(row["problem"], row["budget"], row["lam"]) for row in found}) == len(found) / 2  # one seed and split

from __future__ import annotations

import re

import pandas as pd
import pytest

from frontier.reporting.document import Table, table_of
from frontier.reporting.latex import PAGE_ROWS, latex, latex_escape
from frontier.reporting.markdown import table_markdown


@pytest.mark.parametrize(
    ("text", "set_as"),
    [
        ("50% & $5 #1 a_b {c}", r"50\% \& \$5 \#1 a\_b \{c\}"),
        ("a\\b~c^d", r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d"),
        ("[x] *", "{[}x{]} {*}"),
        ("λ = 4e-7 ≤ 1 ± 2 × 3", r"$\lambda$ = 4e-7 $\leq$ 1 $\pm$ 2 $\times$ 3"),
        ("–1\n2", "--1 2"),
        ('<"q">', r"\textless{}''q''\textgreater{}"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
    ],
)
def test_text_in_latex_sets_as_itself(text: str, set_as: str) -> None:
    assert latex_escape(text) == set_as


def test_a_latex_table_has_the_rules_of_booktabs_and_as_many_cells_in_each_row() -> None:
    table = Table(["method", "error"], [["a & b", "1.0%"], ["[c]", "2.0%"]], numbers=[1])
    lines = latex(table).splitlines()
    assert lines[1:] == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"method & error \\",
        r"\midrule",
        r"a \& b & 1.0\% \\",
        r"{[}c{]} & 2.0\% \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    assert all(len(re.findall(r"(?<!\\)&", line)) == 1 for line in lines if line.endswith(r"\\"))


def test_a_table_longer_than_a_page_repeats_its_header_on_every_page() -> None:
    text = latex(Table(["n"], [["1"]] * (PAGE_ROWS + 1)))
    assert r"\begin{longtable}{l}" in text
    assert r"\endhead" in text


def test_markdown_cells_are_escaped_and_numbers_stand_as_they_are() -> None:
    table = Table(["a|b", "n"], [["<b>", "0.0123"], ["1. x", "-0.5"]], numbers=[1])
    assert table_markdown(table).splitlines() == [
        "| a\\|b | n |",
        "| --- | ---: |",
        "| \\<b\\> | 0.0123 |",
        "| 1\\. x | -0.5 |",
    ]


def test_any_frame_becomes_text() -> None:
    frame = pd.DataFrame(
        {"n_seeds": [5, 1200], "low_error": [0.123456, None], "is_it": [True, False], "who": ["a", None]}
    )
    table = table_of(frame)
    assert table.header == ["n seeds", "low error", "is it", "who"]
    assert table.rows == [["5", "0.123", "yes", "a"], ["1,200", "–", "no", "–"]]
    assert {0, 1} <= set(table.numbers)
    assert 3 not in table.numbers

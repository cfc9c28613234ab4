"""A table of finished text, written as Markdown or as LaTeX (booktabs); either escapes what the cells hold.

The LaTeX compiles with pdfLaTeX and UTF-8 input: signs that it lacks are set in maths, and a cell that would be read as
an argument of the row before it is put in braces. Tables of more rows than a page has are a `longtable`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from frontier.reporting.markdown import escape
from frontier.reporting.numbers import MISSING, significant

PAGE_ROWS = 40
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        **{sign: f"{{{sign}}}" for sign in "[]*"},  # after a row's end these would be its arguments
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        "`": r"\textasciigrave{}",
        "–": "--",
        "…": r"\ldots{}",
        "−": "$-$",
        "±": r"$\pm$",
        "×": r"$\times$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "∞": r"$\infty$",
        "²": "$^2$",
        "√": r"$\surd$",
        **dict.fromkeys("µμ", r"$\mu$"),  # the micro sign and the letter
        "α": r"$\alpha$",
        "β": r"$\beta$",
        "γ": r"$\gamma$",
        "δ": r"$\delta$",
        "ε": r"$\varepsilon$",
        "λ": r"$\lambda$",
        "ρ": r"$\rho$",
        "σ": r"$\sigma$",
        "ω": r"$\omega$",
        "Σ": r"$\Sigma$",
    }
)


@dataclass(frozen=True, slots=True)
class TextTable:
    """`header` and `rows` of plain text; `numbers` are the positions of the columns that are aligned right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Collection[int] = ()

    def markdown(self) -> str:
        """Without padding, so that one changed number changes one line."""
        rule = ["---:" if place in self.numbers else "---" for place in range(len(self.header))]
        lines = [[escape(text) for text in self.header], rule, *([escape(text) for text in row] for row in self.rows)]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def latex(self) -> str:
        """A `tabular` with the rules of booktabs, or a `longtable` that repeats its header on every page."""
        columns = "".join("r" if place in self.numbers else "l" for place in range(len(self.header)))
        long = len(self.rows) > PAGE_ROWS
        name = "longtable" if long else "tabular"
        packages = r"\usepackage{booktabs} \usepackage{longtable}" if long else r"\usepackage{booktabs}"
        return "\n".join(
            [
                f"% {packages}",
                rf"\begin{{{name}}}{{{columns}}}",
                r"\toprule",
                _latex_row(self.header),
                r"\midrule",
                *([r"\endhead"] if long else []),
                *map(_latex_row, self.rows),
                r"\bottomrule",
                rf"\end{{{name}}}",
                "",
            ]
        )


def latex_escape(value: object) -> str:
    """Text as LaTeX that sets as itself, on one line."""
    return " ".join(str(value).split()).translate(_LATEX)


def _latex_row(cells: Iterable[str]) -> str:
    return " & ".join(map(latex_escape, cells)) + r" \\"


def text_of(frame: pd.DataFrame) -> TextTable:
    """Any data frame as text: numbers at three significant digits, underscores of column names as spaces."""
    numbers = [place for place, kind in enumerate(frame.dtypes) if pd.api.types.is_numeric_dtype(kind)]
    header = [str(name).replace("_", " ") for name in frame.columns]
    return TextTable(header, [[_cell(value) for value in row] for row in frame.itertuples(index=False)], numbers)


def _cell(value: Any) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return MISSING
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if pd.api.types.is_integer(value):
        return f"{value:,}"
    return significant(float(value)) if pd.api.types.is_float(value) else str(value)

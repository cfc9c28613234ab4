"""A table as LaTeX (booktabs) that compiles with pdfLaTeX and UTF-8 input.

Signs that pdfLaTeX lacks are set in maths, and a cell that would be read as an argument of the row before it is put in
braces. Tables of more rows than a page has are a `longtable`.
"""

from __future__ import annotations

from collections.abc import Iterable

from frontier.reporting.document import Table, Text

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


def latex(table: Table) -> str:
    """A `tabular` with the rules of booktabs, or a `longtable` that repeats its header on every page."""
    columns = "".join("r" if place in table.numbers else "l" for place in range(len(table.header)))
    long = len(table.rows) > PAGE_ROWS
    name = "longtable" if long else "tabular"
    packages = r"\usepackage{booktabs} \usepackage{longtable}" if long else r"\usepackage{booktabs}"
    return "\n".join(
        [
            f"% {packages}",
            rf"\begin{{{name}}}{{{columns}}}",
            r"\toprule",
            _row(table.header),
            r"\midrule",
            *([r"\endhead"] if long else []),
            *map(_row, table.rows),
            r"\bottomrule",
            rf"\end{{{name}}}",
            "",
        ]
    )


def latex_escape(value: object) -> str:
    """Text as LaTeX that sets as itself, on one line."""
    return " ".join(str(value).split()).translate(_LATEX)


def _row(cells: Iterable[str | Text]) -> str:
    return " & ".join(latex_escape(cell.markdown if isinstance(cell, Text) else cell) for cell in cells) + r" \\"

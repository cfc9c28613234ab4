"""Notebooks executed without Jupyter: cell after cell in one namespace, with what each prints and shows last."""

from __future__ import annotations

import ast
import contextlib
import io
import json
from pathlib import Path
from typing import Any


def code_cells(path: Path) -> list[dict[str, Any]]:
    """The code cells of a notebook, in order."""
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def stored(cell: dict[str, Any]) -> str:
    """The text that a cell was committed with."""
    texts = [out.get("text") or out.get("data", {}).get("text/plain", []) for out in cell["outputs"]]
    return "".join("".join(text) for text in texts)


def executed(path: Path) -> list[str]:
    """What each code cell prints, followed by the value of its last expression, as text."""
    names: dict[str, Any] = {"__name__": "__main__"}
    told = []
    for i, cell in enumerate(code_cells(path)):
        place = f"{path.name}, code cell {i + 1}"
        tree = ast.parse("".join(cell["source"]), place)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(tree, place, "exec", dont_inherit=True), names)  # our own file
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), place, "eval", dont_inherit=True), names)
                if value is not None:
                    out.write(repr(value))
        told.append(out.getvalue())
    return told


def written(path: Path, cells: list[tuple[str, str]]) -> None:
    """Write a notebook of (kind, source) cells, code executed, as the committed ones are."""
    notebook: dict[str, Any] = {
        "cells": [
            {"cell_type": kind, "metadata": {}, "source": source.strip().splitlines(keepends=True)}
            | ({"execution_count": None, "outputs": []} if kind == "code" else {})
            for kind, source in cells
        ],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path.write_text(json.dumps(notebook), encoding="utf-8")
    texts = executed(path)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for i, (cell, text) in enumerate(zip(code, texts, strict=True)):
        cell["execution_count"] = i + 1
        lines = text.splitlines(keepends=True)
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": lines}] if lines else []
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

"""The list of slow tests names tests and files that there are."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.conftest import slow_tests

ROOT = Path(__file__).parents[1]


def test_every_slow_test_is_there_and_slow() -> None:
    for name, seconds in slow_tests().items():
        path, *function = name.split("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert {*function} <= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, name
        assert seconds >= 0.4, name

"""Imports run one way, and the heavy libraries are imported only where they are used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import frontier

ROOT = Path(frontier.__file__).parent
MAY_IMPORT = {  # beside itself
    "core": "",
    "objectives": "core",
    "solvers": "core objectives",
    "methods": "core objectives solvers",
    "problems": "core objectives solvers methods",
    "results": "core",
    "sweep": "core objectives solvers methods problems results",
    "advice": "core objectives solvers methods problems results sweep",
    "tuning": "core objectives solvers methods problems results sweep",
    "analysis": "core results",
    "reporting": "core results analysis",
    "commands": "core objectives solvers methods problems results sweep advice tuning analysis reporting",
    "study": "core objectives solvers methods problems results sweep advice tuning analysis reporting commands",
}
AT_THE_TOP = ("__init__", "__main__", "api", "check", "pytest_plugin", "report", "run")  # beside the rooms: doors
HEAVY = {
    "torch": ("solvers.gates.torch_block", "solvers.gates.ordered_sums", "solvers.gates.modules."),
    "cvxpy": (),
    "skglm": (),
    "sklearn": ("solvers.gates.modules.estimator",),
    "matplotlib": ("reporting.", "study."),
    "distributed": ("sweep.cluster",),
    "optuna": (),
}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.rglob("*.py"))
    if path.name != "__init__.py" or path.parent == ROOT
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path, *, at_import_time: bool) -> set[str]:
    """Absolute module names imported in a file: all of them, or only those imported when the module is."""
    tree = parsed(path)
    nodes: list[ast.AST] = list(tree.body) if at_import_time else list(ast.walk(tree))
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = str(node.module)
            names |= {f"{module}.{a.name}" for a in node.names} if module == "frontier" else {module}
    return names


def test_the_rooms_are_those_of_the_table() -> None:
    assert {module.split(".")[0] for module in MODULES} == {*MAY_IMPORT, *AT_THE_TOP}


def test_imports_run_one_way() -> None:
    rooms = {module: module.split(".")[0] for module in MODULES if module not in AT_THE_TOP}
    backward = [
        f"{module} imports {name}, which comes after it"
        for module, room in rooms.items()
        for name in imported(MODULES[module], at_import_time=False)
        if name.startswith("frontier.") and name.split(".")[1] not in (room, *MAY_IMPORT[room].split())
    ]
    assert not backward


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    misplaced = [
        f"{module} imports {library} at import time"
        for module, path in MODULES.items()
        for library in {name.split(".")[0] for name in imported(path, at_import_time=True)} & HEAVY.keys()
        if not module.startswith(HEAVY[library])
    ]
    assert not misplaced


@pytest.mark.parametrize("library", HEAVY)
def test_each_heavy_library_is_imported_somewhere_under_the_name_that_is_watched(library: str) -> None:
    loads = re.compile(rf'(import |from |imported\("){library}\b')  # `imported` tells of a peer that is not installed
    assert any(loads.search(path.read_text(encoding="utf-8")) for path in MODULES.values())


def test_imports_make_no_circle() -> None:
    imports = {
        module: {
            other
            for name in imported(path, at_import_time=False)
            if (other := name.removeprefix("frontier.")) in MODULES
        }
        for module, path in MODULES.items()
    }
    while leaves := [module for module, others in imports.items() if not others & imports.keys()]:
        for module in leaves:
            del imports[module]
    assert not imports, "modules that import each other, or stand above such"


def test_importing_frontier_loads_neither_torch_nor_cvxpy_nor_matplotlib() -> None:
    code = "import sys, frontier; print(sorted({'torch', 'cvxpy', 'matplotlib'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_no_file_outgrows_its_idea() -> None:
    long = {module: n for module, path in MODULES.items() if (n := len(path.read_text().splitlines())) > 400}
    assert not long, "split near 400 lines (frontier/README.md)"


def test_the_console_script_is_the_command_of_the_package() -> None:
    [script] = [entry for entry in entry_points(group="console_scripts") if entry.name == "frontier"]
    assert script.value == "frontier.__main__:main"

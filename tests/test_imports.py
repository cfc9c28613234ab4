"""Imports run one way, and the heavy libraries are imported only where they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import frontier

ROOT = Path(frontier.__file__).parent
# each room may import from itself and from rooms before it; the first matching prefix decides a module's room
ROOMS = [
    ("errors",),
    ("designs",),
    ("files", "threads", "clock"),
    ("npz", "yaml_file"),
    ("problem",),
    ("objective", "weighting"),
    ("budget", "distance", "dual", "l0", "sampling"),
    ("anchored", "thinning", "l1"),
    ("methods.base",),
    ("registry", "drive", "refit"),
    ("problems",),
    ("splits",),
    ("methods",),
    ("analysis",),
    ("sweep",),
    ("reporting",),
    ("exporting",),
    ("statistics",),
    ("command", "api", "checking"),
    ("fitting",),
    ("run", "report", "speed", "scale", "claims", "floor", "check", "fit", "merge", "pytest_plugin", "__init__"),
    ("flagship",),
]
ONLY_ERRORS = ("reporting",)  # reporting sees data frames, never methods or problems; `designs` is names of splits
HEAVY = {
    "torch": ("l0.torch_block",),
    "cvxpy": (),
    "skglm": (),
    "sklearn": (),
    "matplotlib": ("reporting.",),
    "distributed": ("sweep.cluster",),
}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.rglob("*.py"))
    if path.name != "__init__.py" or path.parent == ROOT
}


def room(module: str) -> int:
    best = max(
        ((len(prefix), i) for i, names in enumerate(ROOMS) for prefix in names if is_in(module, prefix)), default=None
    )
    assert best is not None, f"{module} has no room in DESIGN section 3: give it one here"
    return best[1]


def is_in(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def imported(path: Path, *, at_import_time: bool) -> set[str]:
    """Absolute module names imported in a file: all of them, or only those imported when the module is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes: list[ast.AST] = list(tree.body) if at_import_time else list(ast.walk(tree))
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(str(node.module))
    return names


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module: str) -> None:
    for name in imported(MODULES[module], at_import_time=False):
        if not is_in(name, "frontier"):
            continue
        other = name.removeprefix("frontier").lstrip(".") or "__init__"
        assert room(other) <= room(module), f"{module} imports {other}, which comes after it"
        if module.startswith(ONLY_ERRORS):
            assert other in ("errors", "designs") or other.startswith(ONLY_ERRORS), f"{module} imports {other}"


@pytest.mark.parametrize("module", MODULES)
def test_heavy_libraries_are_imported_where_they_are_used(module: str) -> None:
    found = {name.split(".")[0] for name in imported(MODULES[module], at_import_time=True)}
    for library, users in HEAVY.items():
        if library in found:
            assert module.startswith(users) if users else False, f"{module} imports {library} at import time"


def test_importing_frontier_loads_neither_torch_nor_cvxpy_nor_matplotlib() -> None:
    code = "import sys, frontier; print(sorted({'torch', 'cvxpy', 'matplotlib'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_no_file_outgrows_its_idea() -> None:
    long = {module: n for module, path in MODULES.items() if (n := len(path.read_text().splitlines())) > 400}
    assert not long, "split near 400 lines (DESIGN section 5)"

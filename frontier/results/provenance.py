"""Where and with what a run was made: code, versions, machine. Facts only; nothing here decides anything."""

from __future__ import annotations

import ast
import hashlib
import os
import platform
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from threadpoolctl import threadpool_info

PACKAGES = (
    "frontier",
    "numpy",
    "scipy",
    "pandas",
    "torch",
    "cvxpy",
    "clarabel",
    "highspy",
    "joblib",
    "numba",
    "pyarrow",
    "l0-python",
    "scikit-learn",
    "skglm",
)


def code_digest() -> str:
    """sha256 over the package's own source files: results of different digests come from different code."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def method_code(name: str, source: str = "", texts: tuple[bytes, ...] = ()) -> str:
    """Twelve hex digits for the code that makes a method's rows: what it and the yardstick import, directly or not.

    `source` is the method that another one starts from, by a parameter of that name; `texts` are the files of a method
    outside this package (`core.outside`). Empty for a method that is not there. Results of one method with different
    digests come from different code.
    """
    root = Path(__file__).resolve().parent.parent
    wanted = [f"methods/{method.replace('.', '/')}.py" for method in (name, source) if method]
    if texts:  # its name is no file here, and a parameter called `source` may be anything
        wanted = [path for path in wanted if (root / path).is_file()]
    if not all((root / path).is_file() for path in wanted):
        return ""
    pending, found = [*wanted, "sweep/measure.py", "sweep/scoring.py"], set()
    for text in texts:
        pending += _imports(root, text)
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += _imported(root, path)
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(path.encode() + b"\0" + (root / path).read_bytes())
    for text in texts:
        digest.update(hashlib.sha256(text).digest())
    return digest.hexdigest()[:12]


@cache
def _imported(root: Path, path: str) -> tuple[str, ...]:
    return tuple(_imports(root, (root / path).read_bytes()))


def _imports(root: Path, text: bytes) -> list[str]:
    """The files of this package that a text imports, anywhere in it, and the `__init__` of every folder there."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # of an installed package, a file that nobody imports
        return []
    names: set[str] = set()
    for node in _statements(tree.body):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    parts = [name.split(".")[1:] for name in names if name.split(".")[0] == root.name]
    files = {"/".join(part) + ".py" for part in parts if part}
    files |= {"/".join([*part[:depth], "__init__.py"]) for part in parts for depth in range(1, len(part) + 1)}
    return sorted(name for name in files if (root / name).is_file())


def _statements(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Every statement, the inner ones too: expressions, most of a tree, import nothing."""
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(node, part, ()))


def versions() -> dict[str, str]:
    """Installed versions of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system and thread pools; no names of hosts or users."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "thread_pools": sorted({f"{p['internal_api']} {p.get('version')}" for p in threadpool_info()}),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"

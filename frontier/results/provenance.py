"""Where and with what a run was made: code, versions, machine. Facts only; nothing here decides anything."""

from __future__ import annotations

import hashlib
import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
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
    for path in sorted(_files(root), key=lambda path: path.split("/")):  # folder by folder
        digest.update(_named_text(root, path))
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
    pending, found = {*wanted, "sweep/measure.py", "sweep/scoring.py"}, set()
    for text in texts:
        try:
            pending |= _imports(root, compile(text, "outside", "exec", dont_inherit=True))
        except (SyntaxError, ValueError):  # of an installed package, a file that nobody imports
            continue
    while pending:
        path = pending.pop()
        found.add(path)
        pending |= _imported(root, path) - found
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(_named_text(root, path))
    for text in texts:
        digest.update(hashlib.sha256(text).digest())
    return digest.hexdigest()[:12]


@cache
def _imported(root: Path, path: str) -> frozenset[str]:
    """What a file of this package imports, from its compiled form: Python keeps that, and parsing takes longer."""
    name = ".".join([root.name, *Path(path).with_suffix("").parts])
    code = SourceFileLoader(name, str(root / path)).get_code(name)
    return frozenset() if code is None else frozenset(_imports(root, code))


def _imports(root: Path, code: CodeType) -> set[str]:
    """The files of this package that a code imports, anywhere in it, and the `__init__` of every folder there."""
    parts = [name.split(".")[1:] for name in _names(root.name, code)]
    files = {"/".join(part) + ".py" for part in parts}
    files |= {"/".join([*part[:depth], "__init__.py"]) for part in parts for depth in range(1, len(part) + 1)}
    return files & _files(root)


def _names(package: str, code: CodeType) -> set[str]:
    """The modules of a package that a code imports, and what it imports from each: a tuple of names that it binds."""
    modules = [name for name in code.co_names if name.partition(".")[0] == package]
    bound = set(code.co_names)
    tuples = [names for names in code.co_consts if isinstance(names, tuple) and bound.issuperset(names)]
    found = {*modules, *(f"{module}.{name}" for module in modules for names in tuples for name in names)}
    return found.union(*(_names(package, part) for part in code.co_consts if isinstance(part, CodeType)))


@cache
def _named_text(root: Path, path: str) -> bytes:
    return path.encode() + b"\0" + (root / path).read_bytes()


@cache
def _files(root: Path) -> frozenset[str]:
    found = (f"{folder}/{name}" for folder, _, names in os.walk(root) for name in names if name.endswith(".py"))
    return frozenset(path[len(str(root)) + 1 :].replace(os.sep, "/") for path in found)


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
    """Processor (and GPU), cores, memory, system and thread pools; no names of hosts or users."""
    return {
        "processor": " with ".join([_processor(), *_gpus()]),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "thread_pools": sorted({f"{p['internal_api']} {p.get('version')}" for p in threadpool_info()}),
    }


def _processor() -> str:
    for line in _lines([Path("/proc/cpuinfo")]):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _gpus(told: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """The models of NVIDIA's GPUs, as their driver tells on Linux: fits by gates go to one that is there."""
    models = [line.split(":", 1)[1].strip() for line in _lines(sorted(told.glob("*/information"))) if "Model:" in line]
    return [f"{count} {model}" if count > 1 else model for model, count in Counter(models).items()]


def _lines(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        try:
            yield from path.read_text(encoding="utf-8").splitlines()
        except OSError:
            continue

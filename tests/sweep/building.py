"""Problems built once for many experiment files that differ elsewhere."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frontier.core.problem import CalibrationProblem
from frontier.problems.registry import build_problem


@functools.cache
def built(name: str, params: str, place: str, folder: Path | None) -> CalibrationProblem:
    return build_problem(name, json.loads(params), place, folder)


def build_once(name: str, params: Mapping[str, Any], place: str, folder: Path | None = None) -> CalibrationProblem:
    """`build_problem`, remembering what it built from plain parameters."""
    try:
        return built(name, json.dumps(dict(params), sort_keys=True), place, folder)
    except TypeError:
        return build_problem(name, params, place, folder)

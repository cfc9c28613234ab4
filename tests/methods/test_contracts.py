"""The contract of `Method`, checked for every registered method by itself: add a method file and it is tested here.

The checks are those of `frontier contract` (`frontier.sweep.contract`). A method that needs shorter runs than the
defaults gets an entry in `SETTINGS`; one without an entry is run with its defaults. A method that wraps an optional
package (`package`) is skipped, loudly, where that is missing.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import re
from typing import Any

import pytest

from frontier.methods.base import Method
from frontier.methods.registry import build_method, method_class, method_names
from frontier.sweep.contract import CHECKS, Check, points_for

__all__ = ["METHODS", "configured", "points_for"]  # for tests of other things that every method does

SHORT = {"epochs": 80, "precision": "float64"}
SETTINGS: dict[str, dict[str, Any]] = {
    "best_subset": {"time_limit_seconds": 2.0},
    "dense_adam": SHORT | {"device": "cpu"},
    "dense_adam_noise": SHORT | {"device": "cpu", "dropout_rate": 0.2, "records_per_step": 25},
    "hard_concrete": SHORT | {"device": "cpu"},
    "hybrid_gate": SHORT | {"device": "cpu"},
    "random_reweight": SHORT,
    "sample_gate": SHORT | {"device": "cpu"},
    "peers.l0_python": {"epochs": 80},
}


def registered(name: str) -> Any:
    """The name of a method as a test parameter, skipped where the package that it wraps is not installed."""
    package = getattr(method_class(name), "package", None)
    missing = package is not None and importlib.util.find_spec(package) is None
    reason = f"PACKAGE '{package}' NOT INSTALLED: {name} was not tested here (pip install -e '.[peers]')"
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=reason))


METHODS = [registered(name) for name in method_names()]


def configured(name: str) -> Method:
    return build_method(name, SETTINGS.get(name, {}), name)


CASES = [
    pytest.param(check, *case.values, marks=case.marks, id=f"{check.__name__}-{case.values[0]}")
    for check, concerns in CHECKS.items()
    for case in METHODS
    if concerns(configured(str(case.values[0])))
]


@pytest.mark.parametrize(("check", "name"), CASES)
def test_every_method_keeps_the_contract(check: Check, name: str) -> None:
    check(configured(name))


@pytest.mark.parametrize("name", method_names())
def test_every_parameter_has_its_line_in_the_docstring(name: str) -> None:
    told = inspect.cleandoc(method_class(name).__doc__ or "")  # Python 3.13 takes the indent off, those before do not
    named = {word for line in told.splitlines() if (match := re.match(r"(\w+(?:, \w+)*) {2,}\S", line))
             for word in match[1].split(", ")}  # fmt: skip
    fields = {field.name for field in dataclasses.fields(method_class(name))}
    assert fields <= named, f"without a line: {sorted(fields - named)}"
    assert named <= fields, f"lines of no parameter: {sorted(named - fields)}"

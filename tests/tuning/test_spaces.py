"""Every search space that a method declares is one of its parameters, and every end of it is one it takes."""

from __future__ import annotations

import dataclasses

import pytest

from frontier import Point, load_problem, solve
from frontier.core.search_space import Between
from frontier.methods.registry import method_class, method_names

SEARCHED = [name for name in method_names() if method_class(name).search_space]


@pytest.mark.parametrize("name", SEARCHED)
def test_a_search_space_is_made_of_parameters_and_each_end_is_accepted(name: str) -> None:
    cls = method_class(name)
    method = cls()
    fields = {field.name for field in dataclasses.fields(cls)}
    for parameter, one in cls.search_space.items():
        assert parameter in fields
        for value in one.examples:
            assert getattr(dataclasses.replace(method, **{parameter: value}), parameter) == value


@pytest.mark.parametrize("name", SEARCHED)
def test_a_method_has_weights_at_every_end_of_its_search_space(name: str) -> None:
    problem = load_problem("planted", n_records=60, n_targets=8, k=5)
    cls = method_class(name)
    point = Point(budget=10 if cls().coordinates else None, seed=0 if cls.stochastic else None)
    for parameter, one in cls.search_space.items():
        for value in one.examples:
            [found] = solve(problem, name, [point], **{parameter: value})
            assert found.weights is not None, (parameter, value, found.message)


@pytest.mark.parametrize("name", SEARCHED)
def test_the_default_lies_within_the_space_or_has_no_number(name: str) -> None:
    cls = method_class(name)
    for parameter, one in cls.search_space.items():
        default = getattr(cls(), parameter)
        if isinstance(one, Between):
            assert default is None or one.low <= default <= one.high
        else:
            assert default in one.values


def test_the_two_camps_and_the_samples_can_be_tuned() -> None:
    for name in ("hard_concrete", "anchored_l1", "coreset", "leverage_sample", "pps_sample", "balanced_sample"):
        assert name in SEARCHED

"""A column that numbers the rows is no amount, and where no ids are given, it is said that it could be them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import frontier
from frontier.core.problem import CalibrationProblem
from frontier.problems.records.variables import record_table


def problem_with(column: str, values: object, **options: str) -> CalibrationProblem:
    """Forty records with a weight, an amount and one more column; their number is the only target."""
    generator = np.random.default_rng(0)
    people = pd.DataFrame({"weight": np.ones(40), "income": generator.lognormal(10, 1, 40).round(2), column: values})
    targets = pd.DataFrame({"name": ["people"], "statistic": ["count"], "value": [50.0]})
    return frontier.load_problem("files", microdata=people, targets=targets, **options)


def amounts(problem: CalibrationProblem) -> list[str]:
    table = record_table(problem)
    assert table is not None
    return list(table.columns)


@pytest.mark.parametrize("column", ["id", "person_id", "Serial", "household no"])
@pytest.mark.parametrize("values", [range(1, 41), [1000 * k % 977 for k in range(40)], [f"p{k}" for k in range(40)]])
def test_a_column_that_numbers_the_rows_is_no_amount_and_could_be_the_id(column: str, values: object) -> None:
    problem = problem_with(column, values)
    assert amounts(problem) == ["income"]
    [said] = problem.meta["warnings"]
    assert said.endswith(f"'{column}' numbers the rows: give id: {column}, and weights are written under it")


def test_given_as_the_id_nothing_is_said() -> None:
    problem = problem_with("id", range(1, 41), id="id")
    assert amounts(problem) == ["income"]
    assert not problem.meta.get("warnings")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("paid", range(1, 41)),
        ("id", [1, *range(1, 40)]),
        ("household_id", np.repeat(range(8), 5)),
        ("number", [0.5] * 40),
    ],
)
def test_other_columns_are_what_they_were(column: str, values: object) -> None:
    problem = problem_with(column, values)
    assert amounts(problem) == ["income", column]
    assert not problem.meta.get("warnings")

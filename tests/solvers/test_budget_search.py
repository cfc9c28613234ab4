"""The search from a budget to a λ: exact on steps that allow it, nearest otherwise, evaluations shared."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from frontier.methods.path import A_SLOW_PATH, DOWNHILL, EACH_A_SOLVE, ON_A_PATH
from frontier.solvers.budget_search import BudgetSearch


def find(search: BudgetSearch, budget: int, count: Callable[[float], int]) -> float:
    """Search as a path does: one λ after another."""
    tries = 0
    while (lam := search.propose(budget, tries)) is not None:
        tries += lam not in (search.lowest, search.highest)
        assert lam not in search.seen
        search.seen[lam] = count(lam)
    return search.nearest(budget)


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=40, unique=True), st.integers(0, 45))
@settings(max_examples=200, deadline=None)
def test_it_finds_the_nearest_count_of_a_falling_staircase(closing: list[float], budget: int) -> None:
    def count(lam: float) -> int:
        return sum(lam < at for at in closing)

    distinct = {count(lam) for at in closing for lam in (at * (1 - 1e-9), at)} | {0, len(closing)}
    search = BudgetSearch(1e-8, 1e4, ON_A_PATH)
    found = count(find(search, budget, count))
    steps = sorted(closing)
    assume(all(b / a > 1 + 1e-6 for a, b in itertools.pairwise(steps)))  # steps that 60 halvings can tell apart
    assert abs(found - budget) == min(abs(k - budget) for k in distinct)


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=40, unique=True), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_of_the_lams_of_one_size_it_can_find_the_smallest(closing: list[float], budget: int) -> None:
    steps = sorted(closing, reverse=True)
    assume(all(a / b > 1.002 for a, b in itertools.pairwise(steps)))  # so that every stretch is wider than it is sought
    search = BudgetSearch(1e-8, 1e4, DOWNHILL)
    found = find(search, budget, lambda lam: sum(lam < at for at in closing))
    end = steps[budget] if budget < len(steps) else search.lowest
    assert end <= found <= 1.001 * end


def test_budgets_share_their_evaluations() -> None:
    calls = []

    def count(lam: float) -> int:
        calls.append(lam)
        return round(100 / (1 + lam))

    search = BudgetSearch(1e-6, 1e6, ON_A_PATH)
    for budget in (90, 50, 10):
        assert count(find(search, budget, count)) == budget
    assert len(calls) == len(set(calls)) + 3  # the three counts of this test itself
    assert len(search.seen) < ON_A_PATH.max_evaluations


def test_counts_that_rise_now_and_then_do_not_trap_it() -> None:
    def count(lam: float) -> int:
        return max(0, round(50 - 10 * math.log(lam) + 3 * math.sin(20 * math.log(lam))))

    search = BudgetSearch(1e-3, 1e3, ON_A_PATH)
    assert abs(count(find(search, 40, count)) - 40) <= 1


def test_a_slow_path_is_walked_down_only_as_far_as_the_budget() -> None:
    asked = []

    def count(lam: float) -> int:
        asked.append(lam)
        return round(100 / lam)

    search = BudgetSearch(1e-7, 1.0, A_SLOW_PATH)
    assert abs(count(find(search, 5000, count)) - 5000) <= 100  # 2%
    assert min(asked) > 5e-3  # the budget is at 0.02, one stride is 3.2


def test_a_stride_is_shorter_where_the_last_two_sizes_say_so() -> None:
    asked = []

    def count(lam: float) -> int:
        asked.append(lam)
        return round(50 / math.sqrt(lam))

    search = BudgetSearch(1e-7, 1.0, DOWNHILL)
    assert count(find(search, 400, count)) == 400
    assert min(asked) > 0.0135  # the budget is at 0.0156; a whole stride from 0.0316 would end at 0.01


def test_sizes_that_hardly_grow_make_a_stride_no_longer() -> None:
    search = BudgetSearch(1e-7, 1.0, DOWNHILL, seen={1.0: 100_000, 0.9999: 100_001})
    assert search.propose(10**9, 0) == pytest.approx(0.9999 / DOWNHILL.stride)


def test_sizes_of_solutions_that_did_not_converge_are_not_believed() -> None:
    """Below λ = 0.01 every record is counted; the budget of 50 is at 0.02, one of 300 beyond what converges."""
    for budget, found in ((50, 50), (300, 100)):
        search, tries = BudgetSearch(1e-7, 1.0, EACH_A_SOLVE), 0
        while (lam := search.propose(budget, tries)) is not None:
            tries += lam not in (search.lowest, search.highest)
            (search.seen if lam >= 0.01 else search.doubtful)[lam] = round(1 / lam) if lam >= 0.01 else 5000
        size = search.seen[search.nearest(budget)]
        assert abs(size - found) <= 0.03 * found  # 2% of the budget, and the last bracket

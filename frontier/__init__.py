"""frontier: compares sparse survey-calibration methods with one yardstick and draws their frontier.

print(frontier.suggest(frontier.load_problem("cps_ohio")))  # which small file, and what it loses
weights = frontier.calibrate(frontier.load_problem("cps_ohio"), budget=500).weights

problem = frontier.load_problem("cps_ohio")
split = frontier.default_split(problem)
solutions = frontier.solve(problem.restrict(split.train), "nn_lasso", [frontier.Point(lam=1e-5)])
refit = frontier.refit(problem.restrict(split.train), solutions[0])
row = frontier.evaluate(problem, split, refit)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from frontier.api import *  # noqa: F403
    from frontier.reporting import plot as plot

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """A name of `frontier.api`, imported when the first is asked for: a command begins without them."""
    from importlib import import_module

    if name == "plot":  # with matplotlib
        return import_module("frontier.reporting.plot")
    api = import_module("frontier.api")
    if name not in api.__all__:
        raise AttributeError(f"module 'frontier' has no attribute '{name}'")
    return getattr(api, name)

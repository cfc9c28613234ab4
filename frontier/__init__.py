"""frontier: compares sparse survey-calibration methods with one yardstick and draws their frontier.

weights = frontier.calibrate(frontier.load_problem("cps_ohio"), method="anchored_l1", budget=500).weights

problem = frontier.load_problem("cps_ohio")
split = frontier.default_split(problem)
solutions = frontier.solve(problem.restrict(split.train), "fista", [frontier.Point(lam=1e-5)])
refit = frontier.refit(problem.restrict(split.train), solutions[0])
row = frontier.evaluate(problem, split, refit)
"""

from frontier.analysis.metrics import evaluate
from frontier.api import calibrate, run_experiment, solve
from frontier.errors import InputError
from frontier.exporting import write_problem
from frontier.methods.base import Point, Solution, Status
from frontier.problem import CalibrationProblem, Split
from frontier.refit import refit
from frontier.registry import load_problem, method_names, problem_names
from frontier.splits import default_split

__version__ = "0.1.0"

__all__ = [
    "CalibrationProblem",
    "InputError",
    "Point",
    "Solution",
    "Split",
    "Status",
    "calibrate",
    "default_split",
    "evaluate",
    "load_problem",
    "method_names",
    "problem_names",
    "refit",
    "run_experiment",
    "solve",
    "write_problem",
]

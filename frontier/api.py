"""What `import frontier` offers."""

from frontier.advice.suggest import suggest
from frontier.core.bounds import Bounds
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.search_space import Between, OneOf
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.refit import refit
from frontier.methods.registry import method_names
from frontier.methods.solution import Solution
from frontier.problems.checks.assessment import Assessment, assess_targets
from frontier.problems.own_data.export import write_problem
from frontier.problems.own_data.function import problem_of_function
from frontier.problems.registry import load_problem, problem_names
from frontier.problems.splits import default_split
from frontier.solvers.sampling.designs import draw_sample
from frontier.solvers.sampling.joint import horvitz_thompson_variance, joint_probabilities
from frontier.sweep.given_weights import score
from frontier.sweep.integer_weights import integer_weights
from frontier.sweep.partition import PartedSolution, calibrate_by
from frontier.sweep.run import run_experiment
from frontier.sweep.scoring import evaluate
from frontier.sweep.solve import calibrate, reweigh, solve
from frontier.sweep.standard_errors import StandardErrors, standard_errors
from frontier.sweep.tables import small_file, targets_table, training_log, weights_table
from frontier.tuning.tune import tune

__all__ = [
    "Assessment",
    "Between",
    "Bounds",
    "CalibrationProblem",
    "InputError",
    "Method",
    "OneOf",
    "PartedSolution",
    "Point",
    "Solution",
    "Split",
    "StandardErrors",
    "Status",
    "assess_targets",
    "calibrate",
    "calibrate_by",
    "default_split",
    "draw_sample",
    "evaluate",
    "horvitz_thompson_variance",
    "integer_weights",
    "joint_probabilities",
    "load_problem",
    "method_names",
    "problem_names",
    "problem_of_function",
    "refit",
    "reweigh",
    "run_experiment",
    "score",
    "small_file",
    "solve",
    "standard_errors",
    "suggest",
    "targets_table",
    "training_log",
    "tune",
    "weights_table",
    "write_problem",
]

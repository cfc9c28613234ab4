"""The wrapped packages solve our problem, not a neighbouring one; skipped, loudly, where a package is missing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import frontier
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.nn_lasso import NnLasso
from frontier.methods.peers.skglm import SkglmLasso
from frontier.methods.peers.sklearn_lasso import SklearnLasso
from frontier.methods.registry import build_method
from frontier.methods.solution import Solution
from tests.conftest import make_problem

RATIOS = (0.9, 0.3, 0.03, 1e-3, 1e-5)
NAMES = {"peers.skglm": "skglm", "peers.sklearn_lasso": "sklearn"}


def needs(name: str, **params: Any) -> Any:
    """A configured peer as a test parameter, skipped where its package is missing."""
    missing = importlib.util.find_spec(NAMES[name]) is None
    reason = f"PACKAGE '{NAMES[name]}' NOT INSTALLED: {name} was not tested here (pip install -e '.[peers]')"
    method = build_method(name, params | {"lam_unit": "lam_max"}, name)
    identity = " ".join([name, *(f"{key}={value}" for key, value in params.items())])
    return pytest.param(method, id=identity, marks=pytest.mark.skipif(missing, reason=reason))


# tolerances at which every wrapper solves tiny problems to the gap that the tests ask for
EXACT = [
    needs("peers.skglm", tol=1e-8),
    needs("peers.skglm", tol=1e-8, scale_columns=True),
    needs("peers.sklearn_lasso", tol=1e-8),
]


def solve(method: Method, problem: CalibrationProblem, ratios: tuple[float, ...] = RATIOS) -> list[Solution]:
    return method.solve(problem, [Point(lam=ratio) for ratio in ratios])


def value(solution: Solution, problem: CalibrationProblem) -> float:
    assert solution.objective is not None
    assert solution.weights is not None
    return solution.objective.value(problem, solution.weights)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("method", EXACT)
def test_every_point_of_the_path_has_fistas_objective(method: Method, seed: int) -> None:
    problem = make_problem(n=80, m=12, seed=seed, noise=0.5)
    ours = solve(NnLasso(lam_unit="lam_max", tol=1e-9), problem)
    for one, other in zip(solve(method, problem), ours, strict=True):
        assert one.status is Status.OPTIMAL, one.message
        # both within a relative gap of 1e-7 of the minimum
        assert value(one, problem) == pytest.approx(value(other, problem), rel=1e-6)


@pytest.mark.parametrize("method", EXACT)
def test_importance_and_scale_enter_as_in_our_own_solvers(method: Method) -> None:
    base = make_problem(m=8)
    importance = np.linspace(0, 3, 8)
    problem = CalibrationProblem("w", base.M, base.y, base.w0, scale=np.abs(base.y) + 7, importance=importance)
    ours = solve(NnLasso(lam_unit="lam_max", tol=1e-9), problem)
    for one, other in zip(solve(method, problem), ours, strict=True):
        # as above
        assert value(one, problem) == pytest.approx(value(other, problem), rel=1e-6)


@pytest.mark.parametrize("method", EXACT)
def test_columns_whose_lengths_differ_by_a_million_are_certified(method: Method) -> None:
    base = make_problem()
    spread = np.logspace(-3, 3, base.n_records)
    problem = CalibrationProblem("spread", sp.csr_array(base.M.multiply(spread)), base.y, base.w0)
    for solution in solve(method, problem):
        assert solution.status is Status.OPTIMAL, solution.message
        assert solution.objective is not None
        assert solution.weights is not None
        certificate = solution.objective.certificate(problem, solution.weights)
        assert certificate is not None
        assert certificate.relative_gap <= 1e-6  # the harness's bound for "solved"


@pytest.mark.parametrize("method", EXACT)
def test_at_and_above_lam_max_the_solution_is_exactly_zero(method: Method, tiny: CalibrationProblem) -> None:
    for solution in solve(method, tiny, (1.0 + 1e-9, 2.0)):
        assert solution.status is Status.OPTIMAL
        assert solution.weights is not None
        assert not solution.weights.any()


@pytest.mark.parametrize("method", EXACT)
def test_without_a_penalty_it_ends_in_weights_or_a_status(method: Method, tiny: CalibrationProblem) -> None:
    [solution] = solve(method, tiny, (0.0,))
    assert solution.status in (Status.OPTIMAL, Status.NOT_CONVERGED)
    assert solution.weights is not None
    assert (solution.weights >= 0).all()


@pytest.mark.parametrize(
    "method",
    [
        needs("peers.skglm", tol=1e-12, max_iter=1, max_epochs=1, max_calls=1),
        needs("peers.sklearn_lasso", tol=1e-12, max_iter=2, epochs_per_call=1),
    ],
)
def test_what_did_not_converge_says_so_and_warns_nobody(method: Method, tiny: CalibrationProblem) -> None:
    [solution] = solve(method, tiny, (0.01,))
    assert solution.status is Status.NOT_CONVERGED
    assert solution.message
    assert solution.n_iter in (1, 2)  # as many as were allowed


@pytest.mark.parametrize("method", [needs("peers.skglm")])
def test_warming_up_compiles_what_solving_uses(method: Method, tiny: CalibrationProblem) -> None:
    from skglm.solvers.anderson_cd import _cd_epoch_sparse

    method.warm_up()
    compiled = len(_cd_epoch_sparse.signatures)
    solve(method, tiny)
    assert len(_cd_epoch_sparse.signatures) == compiled


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"tol": 0.0}, "tol: out of range"),
        ({"p0": 0}, "p0: out of range"),
        ({"max_epochs": 0}, "max_epochs: out of range"),
        ({"scale_colums": True}, "scale_colums: unknown key; did you mean 'scale_columns'?"),
    ],
)
def test_wrong_parameters_are_told_when_the_file_is_read(params: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        build_method("peers.skglm", params, "methods[0]")


@pytest.mark.parametrize(
    ("method", "package"), [(SkglmLasso(), "skglm"), (SklearnLasso(), "sklearn")], ids=["skglm", "sklearn"]
)
def test_a_missing_package_is_one_line_with_the_cure(
    method: Method, package: str, monkeypatch: pytest.MonkeyPatch, tiny: CalibrationProblem
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(package), *sys.meta_path])
    for call in (method.warm_up, lambda: method.solve(tiny, [Point(lam=0.1)])):
        with pytest.raises(InputError, match=rf"the package '{package}' is not installed; .*pip install .*\[peers\]"):
            call()


def test_an_experiment_with_a_missing_package_is_read_and_its_cells_say_how_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "skglm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing("skglm"), *sys.meta_path])
    experiment = tmp_path / "peer.yaml"
    experiment.write_text("problems: [{name: cps_like}]\nmethods: [{name: peers.skglm, lam: [1e-3]}]\n")
    table = frontier.run_experiment(experiment, out=tmp_path / "run")
    assert list(table["status"]) == ["error"]
    assert "pip install -c constraints.txt -e '.[peers]'" in table["message"].iloc[0]


class Missing:
    """An import hook for which one package does not exist."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.split(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {self.package!r}", name=self.package)

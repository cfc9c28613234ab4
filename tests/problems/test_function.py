"""Estimates as a function of the weights: probed exactly where it is linear, refused in one line where it is not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import frontier
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from tests.conftest import make_problem

GIVEN = make_problem()
A = GIVEN.M.toarray()
T = torch.tensor(A)
SPARSE = T.to_sparse_coo()
Function = Callable[[Any], Any]

LINEAR_TENSORS: dict[str, Function] = {
    "a product": lambda w: T @ w,
    "summed entries": lambda w: (T * w).sum(dim=1),
    "one by one": lambda w: torch.stack([(row * w).sum() for row in T]),
    "a sparse product": lambda w: torch.sparse.mm(SPARSE, w[:, None])[:, 0],
    "linear where weights are not negative": lambda w: T @ w.abs(),
}
LINEAR_ARRAYS: dict[str, Function] = {
    "a product, of columns": lambda w: A @ w,
    "a product, of rows": lambda w: w @ A.T,
    "one by one": lambda w: np.array([float(row @ w) for row in A]),
    "tensors inside": lambda w: T @ torch.from_numpy(w),
}


def of(function: Function, **settings: Any) -> frontier.CalibrationProblem:
    return frontier.problem_of_function(function, GIVEN.y, GIVEN.w0, families=GIVEN.families, name="tiny", **settings)


@pytest.mark.parametrize("what", LINEAR_TENSORS)
def test_a_linear_function_of_tensors_is_its_matrix_exactly(what: str) -> None:
    assert of(LINEAR_TENSORS[what]).fingerprint == GIVEN.fingerprint


@pytest.mark.parametrize("what", LINEAR_ARRAYS)
def test_a_linear_function_of_arrays_is_its_matrix_exactly(what: str) -> None:
    assert of(LINEAR_ARRAYS[what], arrays="numpy").fingerprint == GIVEN.fingerprint


def test_a_function_in_single_precision_is_taken_and_tested_to_its_rounding() -> None:
    single = T.float()
    problem = of(lambda w: single @ w)  # refuses float64, as those written for microcalibrate do
    assert problem.M.toarray() == pytest.approx(A, rel=1e-7)  # half a unit of single precision is 6e-8
    with pytest.raises(InputError, match="not linear"):
        of(lambda w: single @ w * (1 + 1e-3 * torch.tanh(w.mean() / 10)))


def test_blocks_of_passes_give_what_single_ones_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontier.problems.own_data.function.ENTRIES", 4 * A.size)  # blocks of 4, the last of 2
    assert of(LINEAR_TENSORS["a product"]).fingerprint == GIVEN.fingerprint
    monkeypatch.setattr("frontier.problems.own_data.function.ENTRIES", 1)
    assert of(LINEAR_TENSORS["a product"]).fingerprint == GIVEN.fingerprint
    assert of(LINEAR_ARRAYS["a product, of rows"], arrays="numpy").fingerprint == GIVEN.fingerprint


def test_stacks_of_weights_save_calls() -> None:
    calls = []

    def counted(w: FloatArray) -> FloatArray:
        calls.append(w.shape)
        return w @ A.T

    of(counted, arrays="numpy")
    assert len(calls) < 20 < GIVEN.n_records  # tests of the function, and one stack of all unit vectors
    assert (60, 60) in calls


def constant(size: float) -> Function:
    return lambda w: T @ w + torch.tensor([0.0, 0.0, size, 0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("function", "line"),
    {
        "affine": (
            constant(5.0),
            "affine, not linear; expected 0, got 5 for target 'target_2' where all weights are 0; sub",
        ),
        "a small constant": (constant(1e-9), "affine, not linear"),
        "a mean": (lambda w: T @ w / w.sum(), "not finite; .*a mean or ratio a/b with target t is linear as a − t·b"),
        "a mean with a guard": (
            lambda w: T @ w / w.sum().clamp(min=1e-9),
            "not linear, tested to 1e-06; expected M w = ",
        ),
        "squares": (lambda w: T @ w + 1e-4 * (T @ w.square()), "not linear"),
        "a cap": (lambda w: T @ w.clamp(max=300.0), "not linear"),
        "one record's product": (lambda w: T @ w + w[0] * w[1], "not linear"),
        "a maximum": (lambda w: T @ w + w.max(), "not linear.*off by 0"),
        "a threshold": (lambda w: T @ (w * (w > 1.0)), "not linear"),
        "noise": (
            lambda w: T @ torch.nn.functional.dropout(w, 0.1),
            "not a function; expected the same estimates twice",
        ),
        "detached": (lambda w: torch.tensor(A @ w.detach().numpy()), "has no gradient; .*arrays=.numpy."),
        "one number": (lambda w: w.sum(), r"wrong shape; expected \(6,\), got \(\)"),
        "a column": (lambda w: T @ w[:, None], r"wrong shape; expected \(6,\), got \(6, 1\)"),
        "NaN": (lambda w: T @ w * torch.nan, "not finite; expected finite estimates, got nan for target 'target_0'"),
        "of arrays": (lambda w: A @ w, "raised TypeError.*expected estimates for a torch tensor"),
        "arrays out": (lambda w: A @ w.detach().numpy(), "not a tensor; expected a torch tensor, got ndarray; arrays="),
        "an error": (lambda w: {}[w.numel()], "raised KeyError: 60"),
        "other weights": (lambda w: T[:, 1:] @ w, "raised RuntimeError"),
    }.values(),
)
def test_what_is_not_a_linear_function_of_tensors_is_refused_in_one_line(function: Function, line: str) -> None:
    with pytest.raises(InputError, match=rf"^problem 'tiny'\.function: {line}") as caught:
        of(function)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (lambda w: A @ w + 1.0, "affine"),
        (lambda w: A @ w / w.sum(), "not finite"),
        (lambda w: A @ np.sqrt(w), "not linear"),
        (lambda w: A @ w + np.random.default_rng().random(), "not a function"),
        (lambda w: ["a"] * 6, "not numbers"),
        (lambda w: w[:3], "wrong shape"),
    ],
)
def test_what_is_not_a_linear_function_of_arrays_is_refused(function: Function, line: str) -> None:
    with pytest.raises(InputError, match=rf"^problem 'tiny'\.function: {line}"):
        of(function, arrays="numpy")


def test_probing_that_will_take_too_long_is_refused_with_the_time_and_the_cure() -> None:
    def slow(w: FloatArray) -> FloatArray:
        time.sleep(0.01)
        return np.array([float(row @ w) for row in A])

    with pytest.raises(
        InputError, match=r"takes too long; expected at most 0\.1 seconds, got .* 60 unit vectors; write it in t"
    ):
        of(slow, arrays="numpy", seconds=0.1)
    with pytest.raises(InputError, match="6 backward passes; raise seconds"):
        of(LINEAR_TENSORS["a product"], seconds=0.0)


def test_a_function_that_changes_its_argument_harms_nobody() -> None:
    def changing(w: FloatArray) -> FloatArray:
        w *= 2.0
        return A @ w

    assert of(changing, arrays="numpy").M.toarray() == pytest.approx(2 * A, rel=1e-15)


def test_targets_and_weights_are_validated_before_anything_is_called() -> None:
    def uncalled(w: Any) -> Any:
        raise AssertionError

    with pytest.raises(InputError, match="y: "):
        frontier.problem_of_function(uncalled, [1.0, np.nan], [1.0, 1.0])
    with pytest.raises(InputError, match="w0: "):
        frontier.problem_of_function(uncalled, [1.0], [1.0, -1.0])
    with pytest.raises(InputError, match="arrays: unknown kind; expected torch or numpy, got 'jax'"):
        of(uncalled, arrays="jax")


def test_a_function_of_arrays_needs_no_torch() -> None:
    code = (
        "import sys, numpy as np, frontier\n"
        "frontier.problem_of_function(lambda w: np.ones((1, 3)) @ w, [4.0], np.ones(3), arrays='numpy')\n"
        "print('torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"

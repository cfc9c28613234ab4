"""Small problems that several test modules share, and the loud skip of GPU tests."""

from __future__ import annotations

import signal

import pytest

from frontier.core.problem import CalibrationProblem
from frontier.sweep.contract_problems import small_problem as make_problem


@pytest.fixture
def tiny() -> CalibrationProblem:
    return make_problem()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `gpu`, loudly, where there is no CUDA device."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="NO CUDA DEVICE: the GPU path was not tested here"))


def heed_interrupts() -> None:
    """For a child that is to be interrupted: a suite that was started in the background has SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)

"""Small problems that several test modules share, the loud skip of GPU tests, and `--fast`: without slow ones."""

from __future__ import annotations

import functools
import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from frontier.core.problem import CalibrationProblem
from frontier.sweep.contract_problems import small_problem as make_problem

ROOT = Path(__file__).parents[1]
SLOW = ROOT / "tests/slow.txt"
DEVICES = ("cpu", pytest.param("cuda", marks=pytest.mark.gpu))  # for what holds on both


@pytest.fixture(scope="session", autouse=True)
def one_thread_for_linear_algebra() -> Iterator[None]:
    """Two processes of tests on two cores: libraries with as many threads each are only in each other's way."""
    import scipy.linalg  # noqa: F401  its library, too, is to be loaded before it is limited

    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture
def tiny() -> CalibrationProblem:
    return make_problem()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="leave out the tests of tests/slow.txt")


@functools.cache
def slow_tests() -> dict[str, float]:
    """The slow tests, `file::function` or a whole file, and what all their cases took when the list was made."""
    lines = SLOW.read_text(encoding="utf-8").splitlines()
    return {name: float(seconds) for seconds, name in (line.split() for line in lines if not line.startswith("#"))}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--fast` a file that stands in the list is not even imported, unless it is asked for by name."""
    if config.getoption("--fast") and collection_path.is_relative_to(ROOT):
        return collection_path.relative_to(ROOT).as_posix() in slow_tests() or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--fast` drop slow tests; skip those marked `gpu`, loudly, where there is no CUDA device."""
    if config.getoption("--fast"):
        slow = slow_tests()
        quick = {item: not slow.keys() & {_file(item), item.nodeid.partition("[")[0]} for item in items}
        config.hook.pytest_deselected(items=[item for item in items if not quick[item]])
        items[:] = [item for item in items if quick[item]]
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="NO CUDA DEVICE: the GPU path was not tested here"))


def pytest_collection_finish() -> None:
    """The libraries and tests that are there now stay to the end: the collector need not look through them again."""
    gc.collect()
    gc.freeze()


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def heed_interrupts() -> None:
    """For a child that is to be interrupted: a suite that was started in the background has SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)

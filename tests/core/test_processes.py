"""Worker processes are replaced without a word, and whoever stops early leaves none of his work behind."""

import os
import sys
import time
import warnings
from pathlib import Path

import pytest

from frontier.core.processes import in_processes


def grown(number: int, megabytes: int) -> int:
    """The number, from a worker that holds `megabytes` more ever after; loky looks at most once a second."""
    sys.modules["__main__"].__dict__.setdefault("kept", []).append(bytearray(b"x" * (megabytes * 1_000_000)))
    time.sleep(1.1)
    return number


def slow(number: int) -> int:
    time.sleep(0.2)
    return number


def test_a_worker_that_grew_is_replaced_also_where_warnings_are_errors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calls = [(number, 0 if number < 2 else 400) for number in range(5)]
        with in_processes(grown, calls, 2) as ended:
            assert sorted(ended) == list(range(5))


def test_work_stopped_early_is_not_in_the_way_of_the_next() -> None:
    with in_processes(slow, [(number,) for number in range(50)], 2) as ended:
        next(ended)
    with in_processes(slow, [(number,) for number in range(4)], 2) as ended:
        assert sorted(ended) == [0, 1, 2, 3]


def test_what_a_task_raises_comes_out() -> None:
    with pytest.raises(ZeroDivisionError), in_processes(divmod, [(1, 0)], 2) as ended:
        next(ended)


def test_workers_work_where_their_caller_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "other"):  # the second time on the same workers
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        with in_processes(os.getcwd, [(), ()], 2) as ended:
            assert set(ended) == {str(tmp_path / name)}

"""The pytest fixture `frontier_check`: run an experiment and hold it to a baseline.

    pytest_plugins = ["frontier.pytest_plugin"]


    def test_my_method_has_not_got_worse(frontier_check):
        frontier_check("experiments/mine.yaml", baseline="baselines/mine")

It is loaded by name only, so that pytest sessions without it do not import frontier.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from frontier.analysis.regression.check import Check, check
from frontier.analysis.regression.tolerances import Tolerances, read_tolerances
from frontier.core.errors import InputError
from frontier.reporting.findings import as_text
from frontier.results.baseline import read_baseline
from frontier.results.run import load_run
from frontier.sweep.run import run_experiment


@pytest.fixture
def frontier_check(tmp_path: Path) -> Callable[..., Check]:
    """A function that runs an experiment and fails the test when it is worse than `baseline`, or not comparable.

    `tolerance` is a tolerance file, `reference` the method whose seconds are the unit of timings, `out` a results
    folder to go on from; by default everything is solved in the test's temporary folder. Returns a check that passed.
    """

    def run_and_check(
        experiment: Path | str,
        *,
        baseline: Path | str,
        tolerance: Path | str | None = None,
        reference: str | None = None,
        jobs: int = 1,
        out: Path | str | None = None,
    ) -> Check:
        folder = tmp_path / "run" if out is None else Path(out)
        try:
            tolerances = Tolerances() if tolerance is None else read_tolerances(Path(tolerance))
            run_experiment(experiment, jobs=jobs, out=folder)
            found = check(load_run(folder), read_baseline(Path(baseline)), tolerances, reference)
        except InputError as error:
            pytest.fail(str(error), pytrace=False)
        if found.code:
            what = shlex.join([str(folder), "--against", str(baseline), "--update"])
            command = f"python -m frontier.check {what}"
            pytest.fail(f"{as_text(found.findings, found.headline)}\nif this is meant: {command}", pytrace=False)
        return found

    return run_and_check

"""Bootstrap samples: the spread over them is the interval, and a run without any is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from frontier.analysis.resampled import over_samples
from frontier.core.errors import InputError
from frontier.results.run import Run
from frontier.study.households import write_households
from tests.analysis.made_up import curve, tables

ARMS = {"a": "a", "refit_a": "none", "b": "b", "refit_b": "none"}


def frame(differences: list[float]) -> pd.DataFrame:
    rows = [ARMS | {"problem": f"s{i}", "difference": d, "training": -d} for i, d in enumerate(differences)]
    return pd.DataFrame(rows).assign(mean_a=0.3, mean_b=0.4, training_a=0.1, training_b=0.2)


def test_the_interval_is_the_spread_over_samples_not_that_of_their_mean() -> None:
    differences = [-0.10, -0.12, -0.08, -0.11]
    [row] = over_samples(frame(differences)).to_dict("records")
    half = stats.t.isf(0.025, 3) * np.std(differences, ddof=1)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((-0.1025 - half, -0.1025 + half), rel=1e-12)
    assert (row["verdict"], row["samples"]) == ("A better", 4)
    assert row["training"] == pytest.approx(0.1025, rel=1e-12)


@pytest.mark.parametrize(
    ("differences", "verdict"), [([0.1, 0.11, 0.09], "B better"), ([0.1, -0.1, 0.05], "undecided")]
)
def test_a_verdict_needs_the_interval_on_one_side(differences: list[float], verdict: str) -> None:
    assert over_samples(frame(differences))["verdict"].tolist() == [verdict]


def test_a_single_sample_says_nothing() -> None:
    assert over_samples(frame([0.1])).empty


def test_the_page_pools_the_samples_and_refuses_other_runs(tmp_path: Path) -> None:
    points: list[dict[str, Any]] = []
    for i in range(3):
        for label, level in (("a", 0.2), ("b", 0.3)):
            errors = {k: [level + 0.01 * i * (label == "a")] * 3 for k in (10, 100)}
            points += curve(label, errors, problem=f"s{i}", method=label)
    cells, targets = tables(*points)
    problems = {f"s{i}": {"params": {"resample": i}} for i in range(3)}
    manifest = {
        "description": "d",
        "limitations": ["l"],
        "problems": problems,
        "contrasts": [["a", "none", "b", "none"]],
    }
    text = write_households(Run(cells, manifest, "boot", targets), tmp_path)[0].read_text(encoding="utf-8")
    assert "| a | b | 3 | 21.0% | 30.0% | −9.00 |" in text
    with pytest.raises(InputError, match=r"boot: no bootstrap samples.*resample"):
        write_households(Run(cells, manifest | {"problems": {"s0": {}}}, "boot", targets), tmp_path)

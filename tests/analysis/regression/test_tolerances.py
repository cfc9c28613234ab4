"""Tolerance files: what they change, and every wrong one is one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontier.analysis.regression.tolerances import DETERMINISTIC, SEEDS, Tolerance, Tolerances, read_tolerances
from frontier.core.errors import InputError


def read(folder: Path, text: str) -> Tolerances:
    path = folder / "t.yaml"
    path.write_text(text)
    return read_tolerances(path)


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    text = "alpha: 0.01\ndeterministic: {train_mare: {absolute: 1.0e-3}, ess: null, 'mare[sex]': {better: lower}}\n"
    found = read(tmp_path, text)
    assert found.alpha == 0.01
    assert found.deterministic == DETERMINISTIC | {
        "train_mare": Tolerance(absolute=1e-3, better="lower"),
        "ess": None,
        "mare[sex]": Tolerance(),
    }
    assert found.seeds == SEEDS
    assert found.timing_ratio == Tolerances().timing_ratio


def test_a_metric_keeps_its_direction_unless_told_otherwise(tmp_path: Path) -> None:
    assert read(tmp_path, "seeds: {ess: {relative: 0.1}}").seeds["ess"] == Tolerance(relative=0.1, better="higher")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alfa: 0.1", "t.yaml: tolerances.alfa: extra inputs are not permitted"),
        ("alpha: 1.5", "alpha: input should be less than 1"),
        ("timing_ratio: .nan", "timing_ratio: input should be"),
        (
            "seeds: {train_mare: {absolute: -1}}",
            "seeds.train_mare.absolute: input should be greater than or equal to 0",
        ),
        ("seeds: {train_mare: {better: up}}", "seeds.train_mare.better: input should be 'lower', 'higher' or 'either'"),
        ("seeds: {train_max_are: {relative: 0.1}}", "seeds.train_max_are: which way is worse"),
        ("seeds: 3", "seeds: input should be a valid dictionary"),
        ("- 1", "not a tolerance file; expected a mapping"),
    ],
)
def test_a_wrong_file_is_one_clear_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)

from __future__ import annotations

import pandas as pd
import pytest

from frontier.core.errors import InputError
from frontier.results.joining import join_runs
from frontier.results.run import Run
from tests.reporting.made import cell


def run(
    name: str, *, fingerprint: str = "f", lr: float = 0.1, seeds: tuple[int, ...] = (0,), label: str = "Gates"
) -> Run:
    cells = pd.DataFrame([cell(label, lam=0.1, seed=seed) for seed in seeds])
    manifest = {
        "experiment": name,
        "problems": {"ohio": {"fingerprint": fingerprint}},
        "splits": {"ohio": {"default": {"n_train": 30}}},
        "methods": {label: {"name": "hard_concrete", "params": {"lr": lr}}},
        "machine": {"processor": "p"},
        "limitations": ["small"],
        "description": "text",
    }
    targets = pd.DataFrame({"cell": cells["cell"], "target": "t", "relative_residual": 0.1})
    return Run(cells, manifest, name, targets)


def test_a_single_run_stays_as_it_is() -> None:
    one = run("a")
    assert join_runs([one]) is one


def test_runs_with_other_seeds_of_the_same_method_are_one_arm() -> None:
    both = join_runs([run("a"), run("b", seeds=(1, 2))])
    assert both.name == "a+b"
    assert set(both.cells["label"]) == {"Gates"}
    assert both.manifest["joined"] == ["No name stands for two things: runs share their problems and labels."]
    assert both.manifest["limitations"] == ["a: small", "b: small"]


def test_cells_keep_their_estimates_when_runs_use_the_same_ids() -> None:
    both = join_runs([run("a"), run("b", lr=0.2)])
    assert both.cells["cell"].is_unique
    assert both.targets is not None
    assert list(both.targets["cell"]) == list(both.cells["cell"])


@pytest.mark.parametrize(
    ("other", "labels"),
    [
        (run("b", seeds=(1,), lr=0.2), {"Gates (a)", "Gates (b)"}),  # other parameters
        (run("b"), {"Gates (a)", "Gates (b)"}),  # the same cells: joined they would count twice
        (run("b", label="Other"), {"Gates", "Other"}),
    ],
)
def test_a_label_that_means_two_things_is_kept_apart(other: Run, labels: set[str]) -> None:
    both = join_runs([run("a"), other])
    assert set(both.cells["label"]) == labels
    assert set(both.manifest["methods"]) == labels
    assert any("Gates" in line for line in both.manifest["joined"]) == (len({"Gates"} & labels) == 0)


def test_a_problem_with_other_data_is_kept_apart_and_keeps_its_facts() -> None:
    both = join_runs([run("a"), run("b", fingerprint="e")])
    assert set(both.cells["problem"]) == {"ohio (a)", "ohio (b)"}
    assert both.manifest["problems"]["ohio (b)"]["fingerprint"] == "e"
    assert both.manifest["splits"]["ohio (a)"] == {"default": {"n_train": 30}}
    assert set(both.cells["label"]) == {"Gates"}  # on other problems there is nothing to confuse


def test_other_splits_under_one_name_keep_a_problem_apart() -> None:
    other = run("b", seeds=(1,))
    other.manifest["splits"]["ohio"]["default"]["n_train"] = 29
    assert set(join_runs([run("a"), other]).cells["problem"]) == {"ohio (a)", "ohio (b)"}


def test_two_runs_of_one_name_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="two runs are named 'a'"):
        join_runs([run("a"), run("a")])


def test_machines_that_differ_are_said_to_differ() -> None:
    other = run("b", seeds=(1,))
    other.manifest["machine"]["processor"] = "q"
    assert any("seconds must not be compared" in line for line in join_runs([run("a"), other]).manifest["joined"])

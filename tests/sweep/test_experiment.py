"""Every wrong experiment file is one line with place, expectation, finding and cure, before anything runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import frontier.sweep.session as session
from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.sweep.experiment import ProblemSpec, read_experiment
from frontier.sweep.session import open_session, session_of
from tests.sweep.building import build_once

GOOD = """\
problems:
  - name: cps_like
methods:
  - name: hard_concrete
    lam: [1e-3, 2]
    seeds: [0, 1]
    epochs: 100
  - name: nn_lasso
    lam: [0.1]
"""

# what to replace in GOOD, by what, and what the error must say
WRONG = {
    "unknown method": (
        "name: nn_lasso",
        "name: nn_laso",
        "methods[1].name: unknown method 'nn_laso'; did you mean 'nn_lasso'?",
    ),
    "working sets of fista": (
        "name: nn_lasso",
        "name: fista\n    acceleration: working_set",
        "methods[1].acceleration: renamed; leave it out: fista is FISTA; exact working sets are the method nn_lasso",
    ),
    "homotopy of fista": (
        "name: nn_lasso",
        "name: fista\n    homotopy: true",
        "methods[1].homotopy: renamed; use the method nn_lasso with solver: homotopy",
    ),
    "an old key of nn_lasso": (
        "name: nn_lasso",
        "name: nn_lasso\n    homotopy: true",
        "methods[1].homotopy: renamed; use solver: homotopy",
    ),
    "unknown problem": ("cps_like", "cps_lik", "problems[0].name: unknown problem 'cps_lik'; did you mean 'cps_like'?"),
    "unknown key of a method": ("epochs", "epoch", "methods[0].epoch: unknown key; did you mean 'epochs'?"),
    "the design's own example": ("lam: [0.1]", "lamda: [0.1]", "methods[1].lamda: unknown key; did you mean 'lam'?"),
    "unknown key at the top": ("problems:", "threds: 1\nproblems:", ": threds: unknown key; did you mean 'threads'?"),
    "unknown limit": ("problems:", "limits: {memory_gb: 4}\nproblems:", "limits.memory_gb: unknown key; did you mean"),
    "no time": (
        "problems:",
        "limits: {seconds: 0}\nproblems:",
        "limits.seconds: input should be greater than 0; got 0",
    ),
    "endless time": ("problems:", "limits: {seconds: .inf}\nproblems:", "limits.seconds: input should be a finite"),
    "a number for limits": ("problems:", "limits: 600\nproblems:", ": limits: input should be a valid dictionary"),
    "the old key": ("problems:", "time_limit_seconds: 6\nproblems:", "unknown key; use limits: {seconds: …}"),
    "unknown key of a problem": (
        "name: cps_like",
        "name: cps_like\n    consistent: true",
        "problems[0].consistent: unknown key; did you mean 'consistent_targets'?",
    ),
    "unknown design": (
        "methods:",
        "splits: [{design: defalt}]\nmethods:",
        "splits[0]: unknown hold-out design 'defalt'; did you mean 'default'?",
    ),
    "unknown family": (
        "methods:",
        "splits: [{design: held_out_families, families: [sexes]}]\nmethods:",
        "unknown family 'sexes'; did you mean 'sex'?",
    ),
    "a split that holds out everything": (
        "methods:",
        "splits: [{design: held_out_families, families: [sex, age, weight]}]\nmethods:",
        "holds out everything; expected at least one target to fit",
    ),
    "wrong type": ("epochs: 100", "epochs: many", "methods[0].epochs: input should be a valid integer; got 'many'"),
    "a word for a number": ("lam: [0.1]", "lam: [tiny]", "methods[1].lam[0]: input should be a valid number"),
    "a truth value for a number": ("epochs: 100", "epochs: true", "methods[0].epochs: input should be a valid integer"),
    "negative λ": ("lam: [0.1]", "lam: [-0.1]", "methods[1].lam: not a penalty; expected a finite λ ≥ 0, got -0.1"),
    "infinite λ": ("lam: [0.1]", "lam: [.inf]", "methods[1].lam: not a penalty; expected a finite λ ≥ 0, got inf"),
    "negative seed": ("seeds: [0, 1]", "seeds: [-1]", "methods[0].seed: negative seed"),
    "duplicate seeds": (
        "seeds: [0, 1]",
        "seeds: [1, 1]",
        "methods[0].seeds: duplicate seeds; expected distinct",
    ),
    "duplicate λ": ("lam: [0.1]", "lam: [0.1, 1e-1]", "methods[1].lam: duplicate lam"),
    "duplicate labels": ("name: nn_lasso", "name: nn_lasso\n    label: hard_concrete", "methods: duplicate label"),
    "seeds for a deterministic method": ("lam: [0.1]", "lam: [0.1]\n    seeds: [0]", "'nn_lasso' is deterministic"),
    "no seeds for a stochastic method": (
        "    seeds: [0, 1]\n",
        "",
        "seeds: missing for a stochastic method",
    ),
    "a budget for a method of one size": (
        "name: nn_lasso\n    lam: [0.1]",
        "name: greg\n    budget: [5]",
        "methods[1].budget: not an axis of Greg; expected neither lam nor budget",
    ),
    "half a record": ("lam: [0.1]", "budget: [1.5]", "methods[1].budget[0]: not a budget; expected records (a whole"),
    "no record": ("lam: [0.1]", "budget: [5, 0]", "methods[1].budget[1]: not a budget"),
    "all records as a share": (
        "lam: [0.1]",
        "budget: [1.0]",
        "budget[0]: not a budget; expected records (a whole number",
    ),
    "a truth value for a budget": ("lam: [0.1]", "budget: [true]", "methods[1].budget[0]: not a budget"),
    "a word for a budget": ("lam: [0.1]", "budget: [half]", "share of the records (0 < share < 1), got 'half'"),
    "a budget given twice": ("lam: [0.1]", "budget: [5, 5]", "methods[1].budget: duplicate budget"),
    "a share that is a given budget": (
        "lam: [0.1]",
        "budget: [50, 0.01]",
        "not a budget of its own; expected distinct whole records, got 0.01 of 5,000, 50 records, as is 50",
    ),
    "a share of less than a record": (
        "lam: [0.1]",
        "budget: [0.00001]",
        "methods[1].budget: not a budget of its own; expected distinct whole records, got 1e-05 of 5,000, 0",
    ),
    "a common budget that is none": ("problems:", "budgets: [0]\nproblems:", ": budgets[0]: not a budget"),
    "an unknown refit": (
        "problems:",
        "refit: [none, w0]\nproblems:",
        ": refit[1]: unknown refit; expected none, fitted, initial, or one of the last two with",
    ),
    "a contrast of no method": (
        "problems:",
        "contrasts: [{a: hard_concret, b: nn_lasso}]\nproblems:",
        "contrasts[0].a: no method 'hard_concret'; did you mean 'hard_concrete'?",
    ),
    "a contrast of an arm that is not made": (
        "problems:",
        "contrasts: [{a: hard_concrete, b: nn_lasso, refit: fitted}]\nproblems:",
        "contrasts[0].refit: not an arm of this file; expected none, got 'fitted'",
    ),
    "an arm against itself": (
        "problems:",
        "contrasts: [{a: nn_lasso, b: nn_lasso}]\nproblems:",
        "contrasts[0]: an arm against itself; name two arms",
    ),
    "a contrast given twice, turned round": (
        "problems:",
        "contrasts: [{a: nn_lasso, b: hard_concrete}, {a: hard_concrete, b: nn_lasso}]\nproblems:",
        ": contrasts: duplicate contrast",
    ),
    "a contrast with an unknown key": (
        "problems:",
        "contrasts: [{a: nn_lasso, b: hard_concrete, arm: none}]\nproblems:",
        "contrasts[0].arm",
    ),
    "refits alone": ("problems:", "refit: [fitted]\nproblems:", ": refit: the arm 'none' is missing; add it"),
    "a refit twice": ("problems:", "refit: [none, none]\nproblems:", ": refit: duplicate arm"),
    "no common budgets": ("problems:", "budgets: []\nproblems:", ": budgets: list should have at least 1 item"),
    "both axes": ("lam: [0.1]", "lam: [0.1]\n    budget: [5]", "methods[1].budget: both lam and budget"),
    "no axis": ("    lam: [1e-3, 2]\n", "", "methods[0].point: incomplete; expected budget or lam, got neither"),
    "too few epochs": ("epochs: 100", "epochs: 61", "methods[0].epochs: fewer than a gate needs to close; expected at"),
    "no methods": ("methods:", "method:", "method: unknown key; did you mean 'methods'?"),
    "an empty list": ("lam: [0.1]", "lam: []", "methods[1].lam: list should have at least 1 item"),
    "a key given twice": ("name: nn_lasso", "name: nn_lasso\n    name: nn_lasso", "key 'name' given twice"),
    "not YAML": ("problems:", "problems: [", "not valid YAML"),
    "a Python object": ("cps_like", "!!python/object/apply:os.getcwd []", "not valid YAML"),
    "a label that is a path": ("name: cps_like", "name: cps_like\n    label: ../x", "problems[0].label: not a label"),
    "an unknown problem label": ("lam: [0.1]", "lam: [0.1]\n    problems: [cps]", "unknown problem 'cps'"),
    "impossible distribution": (
        "epochs: 100",
        "zeta: 0.5",
        "methods[0].zeta: out of range; expected a finite number > 1",
    ),
    "no repeats": (
        "problems:",
        "repeats: 0\nproblems:",
        ": repeats: input should be greater than or equal to 1",
    ),
    "too many repeats": (
        "problems:",
        "repeats: 101\nproblems:",
        ": repeats: input should be less than or equal to 100",
    ),
    "an unknown rule for timings": (
        "problems:",
        "timing: warm\nproblems:",
        ": timing: input should be 'any' or 'clean'; got 'warm'",
    ),
    "no threads": (
        "problems:",
        "threads: 0\nproblems:",
        ": threads: input should be greater than or equal to 1",
    ),
}


def write(folder: Path, text: str) -> Path:
    path = folder / "a.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_one_clear_line(what: str, tmp_path: Path) -> None:
    old, new, said = WRONG[what]
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        open_session(path)
    message = str(caught.value)
    assert said in message, message
    assert message.startswith(f"{path}: "), message
    assert "\n" not in message


def test_a_missing_empty_or_binary_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.yaml: no such file"):
        read_experiment(tmp_path / "no.yaml")
    with pytest.raises(InputError, match="not an experiment"):
        read_experiment(write(tmp_path, ""))
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_experiment(tmp_path / "b.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_experiment(tmp_path)


def test_a_good_file_reads_as_written(tmp_path: Path) -> None:
    experiment = read_experiment(write(tmp_path, GOOD))
    assert experiment.name == "a"
    first, second = experiment.methods
    assert first.points_on(9) == tuple(Point(lam=lam, seed=seed) for lam in (1e-3, 2.0) for seed in (0, 1))
    assert first.params["epochs"] == 100
    assert second.points_on(9) == (Point(lam=0.1),)


def test_common_budgets_go_to_entries_without_a_grid_of_their_own_and_shares_to_each_problem(tmp_path: Path) -> None:
    text = """\
budgets: [40, 0.05]
problems: [{name: cps_like}]
methods:
  - {name: nn_lasso}
  - {name: nn_lasso, label: own λ, lam: [0.1]}
  - {name: nn_lasso, label: own budget, budget: [0.5]}
  - {name: random_reweight, seeds: [0, 1]}
  - {name: greg}
  - {name: nn_lasso, label: one size, target_sparsity: 0.9}
"""
    points = [method.points_on(1000) for method in read_experiment(write(tmp_path, text)).methods]
    assert points[0] == (Point(budget=40), Point(budget=50))
    assert points[1] == (Point(lam=0.1),)
    assert points[2] == (Point(budget=500),)
    assert points[3] == tuple(Point(budget=k, seed=s) for k in (40, 50) for s in (0, 1))
    assert points[4] == points[5] == (Point(),)


def test_random_rows_warn_that_nested_targets_leak(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("methods:", "splits: [{design: random_rows, share: 0.3}]\nmethods:"))
    with pytest.warns(UserWarning, match="nested targets leak"):
        open_session(path)


def build_anywhere(name: str, params: Mapping[str, Any], _: str, folder: Path | None = None) -> CalibrationProblem:
    """Built once for all files that have it, wherever it stands in them."""
    return build_once(name, params, f"problem '{name}'", folder)


SMALL = {"synthetic_populace": {"scale": "1/128"}, "areas": {"areas": 3, "records": 80}}  # instead of gigabytes


def smaller(spec: ProblemSpec) -> ProblemSpec:
    """Of a problem that is drawn one sample for all: which one it is decides nothing here."""
    drawn = {name: 0 for name in ("seed", "replicate") if name in spec.params}
    return dataclasses.replace(spec, params=spec.params | SMALL.get(spec.name, {}) | drawn)


@pytest.mark.parametrize("path", sorted(Path("experiments").glob("*.yaml")), ids=str)
def test_every_experiment_in_the_repository_is_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "build_problem", build_anywhere)
    experiment = read_experiment(path)  # the parameters as they stand are checked here
    problems = tuple(smaller(spec) for spec in experiment.problems)
    assert session_of(dataclasses.replace(experiment, problems=problems), path, path.parent).cells

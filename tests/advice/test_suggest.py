"""`frontier suggest`: the trials, the rule of choice, what is lost, and what is said."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import frontier
import frontier.advice.in_words as in_words
from frontier.advice.candidates import candidates
from frontier.advice.choice import table
from frontier.commands.new_method import main as new_method
from frontier.commands.suggest import main
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.core.truth import Distribution
from frontier.problems.records.auxiliary import with_auxiliary
from frontier.problems.records.unfixed import unfixed
from frontier.problems.records.variables import MISSING, classes, emptied, record_table, variables_of
from frontier.sweep.default_method import default_method, proposal
from tests.conftest import make_problem


@pytest.fixture(scope="module")
def ohio() -> CalibrationProblem:
    return frontier.load_problem("cps_ohio")


def trial(**values: object) -> dict[str, object]:
    row = {"budget": 100, "method": "a", "refit": "none", "budget_reached": True, "n_active": 100, "train_mare": 0.005}
    row |= {"train_max_are": 0.1, "total_weight": 100.0, "ess": 50.0, "max_weight_ratio": 3.0}
    return row | {"truth_capped": 0.2, "truth_distribution": 0.1} | values


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([trial(), trial(method="b", truth_capped=0.1)], "b"),  # both in order: what loses less
        ([trial(), trial(method="b", truth_capped=0.1, train_mare=0.03)], "a"),  # too far from the totals
        ([trial(train_mare=0.03), trial(method="b", truth_capped=0.1, train_mare=0.05)], "b"),  # within twice the best
        ([trial(), trial(method="b", truth_capped=0.1, total_weight=85.0)], "a"),  # weight moved
        ([trial(), trial(method="b", truth_capped=0.1, budget_reached=False)], "a"),  # another size
        ([trial(refit="none", truth_capped=0.4), trial(refit="fitted"), trial(method="b", truth_capped=0.3)], "a"),
    ],
)
def test_the_totals_come_first_then_what_is_lost(rows: list[dict[str, object]], chosen: str) -> None:
    found = table(pd.DataFrame(rows), 100.0)
    assert found.loc[found["chosen"], "method"].tolist() == [chosen]
    assert not found["method"].duplicated().any()  # each at its best arm


def test_what_seeds_cannot_tell_apart_is_level() -> None:
    rows = [trial(truth_capped=lost) for lost in (0.20, 0.24)]
    rows += [trial(method="b", truth_capped=lost) for lost in (0.23, 0.27)]  # ranges overlap
    rows += [trial(method="c", truth_capped=lost) for lost in (0.30, 0.31)]
    found = table(pd.DataFrame(rows), 100.0).set_index("method")
    assert found["level"].to_dict() == {"a": False, "b": True, "c": False}
    assert found["chosen"].to_dict() == {"a": True, "b": False, "c": False}


def test_statistics_that_a_target_fixes_are_none_that_can_be_lost(ohio: CalibrationProblem) -> None:
    truth = unfixed(ohio, ohio.w0)
    assert truth is not None
    fixed = ohio.M @ ohio.w0
    assert not np.isin(truth.totals.round(3), fixed[ohio.M.max(axis=1).toarray() == 1].round(3)).any()
    assert (np.diff(truth.H.indptr) >= 50).all()
    assert truth.errors(ohio.w0)["truth_capped"] == 0.0
    assert truth.errors(1.1 * ohio.w0)["truth_capped"] == pytest.approx(0.1, rel=1e-9)  # rounding
    assert truth.errors(ohio.w0)["truth_distribution"] == 0.0


def test_a_bare_matrix_is_judged_by_records_that_targets_share(ohio: CalibrationProblem) -> None:
    bare = ohio.restrict(np.ones(ohio.n_targets, dtype=bool))
    truth = unfixed(bare, bare.w0)
    assert truth is not None
    assert truth.distribution is None
    assert any(" and " in name for name in truth.names)
    assert with_auxiliary(bare) is bare
    assert "coreset" not in {one.method for one in candidates(bare)}


def test_auxiliary_rows_count_records_and_share_none_with_what_is_judged(ohio: CalibrationProblem) -> None:
    whole = with_auxiliary(ohio)
    assert whole.auxiliary is not None
    assert set(np.unique(whole.auxiliary.data)) == {1.0}
    assert whole.auxiliary.nnz <= 6 * ohio.n_records
    truth = unfixed(whole, ohio.w0)
    assert truth is not None
    support = {tuple(row) for row in np.split(whole.auxiliary.indices, whole.auxiliary.indptr[1:-1])}
    judged = [tuple(row) for row in np.split(truth.H.indices, truth.H.indptr[1:-1])]
    shared = [i for i, row in enumerate(judged) if row in support and np.ptp(truth.H[[i]].data) == 0]
    assert not shared


def test_variables_are_read_from_what_columns_hold() -> None:
    frame = pd.DataFrame(
        {
            "sex": ["m", "f", None, "m"],
            "rich": [True, False, True, True],
            "id": list("abcd"),
            "rent": [1.0, np.nan, 3, 0],
        }
    )
    found = variables_of(frame, np.ones(4))
    assert [(one.name, one.labels) for one in found.categories][:2] == [
        ("id", tuple("abcd")),
        ("sex", ("f", "m", MISSING)),
    ]
    np.testing.assert_array_equal(found.amounts["rent"], [1.0, np.nan, 3.0, 0.0])
    assert found.missing == {"rent": 1}
    assert emptied(frame, np.ones(4), np.array([1.0, 0.0, 0.0, 1.0])) == ("id: b", "id: c", "sex: f", "rich: False")
    with pytest.raises(InputError, match="records: not a row per record; expected 3 rows, got 4"):
        variables_of(frame, np.ones(3))


def test_classes_hold_equal_weight_and_keep_0_apart() -> None:
    values = np.array([-1.0, 0.0, 0.0, *np.arange(1.0, 101.0)])
    found = classes("x", values, np.ones(103), 4)
    assert np.bincount(found.codes).tolist() == [1, 2, 24, 25, 25, 26]
    with_gaps = classes("x", np.append(values, [np.nan] * 7), np.ones(110), 4)
    assert np.bincount(with_gaps.codes).tolist() == [1, 2, 24, 25, 25, 26, 7]
    assert with_gaps.labels == (*found.labels, f"x {MISSING}")


def test_the_default_method_follows_its_rule(ohio: CalibrationProblem) -> None:
    whole = with_auxiliary(ohio)
    assert default_method(whole, 4 * 39) == "coreset"
    assert default_method(whole, 4 * 39 - 1) == "hard_concrete"
    assert default_method(ohio, 12 * 39) == "leverage_sample"
    assert default_method(ohio, 12 * 39 - 1) == "hard_concrete"
    with pytest.raises(InputError, match=r"expected how many records to keep; give one \(310, say\)"):
        default_method(whole, None)
    assert [proposal(m, n) for m, n in ((1, 2), (33, 491), (733, 51_498))] == [1, 160, 5800]


def test_a_suggestion_says_its_choice_with_the_command_that_makes_it(ohio: CalibrationProblem) -> None:
    found = frontier.suggest(ohio, budgets=[300], methods=["pps_sample", "anchored_l1"], seeds=2, jobs=1)
    assert set(found.table["method"]) == {"pps_sample", "anchored_l1"}
    assert found.choices["budget"].tolist() == [300]
    text = str(found)
    assert "lost: how far 519 statistics that no target fixes are off" in text
    [choice] = found.choices.to_dict("records")
    command = f"frontier fit PROBLEM.yaml --method {choice['method']} --budget 300 --refit {choice['refit']}"
    assert f"  {command} --out weights.parquet" in text.splitlines()
    assert len(repr(found).splitlines()) == 2
    assert "<table" in found._repr_html_()
    seeds = found.trials[found.trials["method"] == "pps_sample"].groupby("refit")["seed"].apply(list)
    assert seeds.tolist() == [[0, 1], [0, 1]]


@pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")  # anchored L1 loses weight
@pytest.mark.filterwarnings("ignore::frontier.problems.diagnostics.DataWarning")
def test_the_smallest_file_for_an_error_meets_it(ohio: CalibrationProblem) -> None:
    found = frontier.suggest(ohio, training_error=0.02, methods=["anchored_l1", "leverage_sample"], seeds=1, jobs=1)
    met = found.trials.groupby(["method"])["train_mare"].min()
    assert (met <= 0.02).all()
    assert len(found.choices) == 1
    smaller = frontier.calibrate(ohio, method="anchored_l1", budget=int(found.table["budget"].min() * 0.5))
    assert np.abs((ohio.M @ smaller.weights - ohio.y) / ohio.scale).mean() > 0.02
    with pytest.raises(InputError, match=r"training error: not reached; expected 0\.00%"):
        frontier.suggest(ohio, training_error=1e-9, methods=["pps_sample"], seeds=1, jobs=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "99999"], "budget: more than there are; expected at most 5,177, got 99999"),
        (["--method", "raking"], "method 'raking': makes no file of a given size"),
        (["--budget", "1.5"], "budget: not a budget"),
        (["--training-error", "few"], "--training-error: not a share; expected a share, as 0.01 or 1%, got 'few'"),
        (["--training-error", "1%", "--budget", "9"], "budget: asked for beside a training error"),
        (["--training-error", "2"], "training error: not an error"),
        (["--method", "coresett"], "method 'coresett': unknown method 'coresett'; did you mean 'coreset'?"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["cps_ohio", *arguments, "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith(f"error: {said}")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_solved(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(main, ["cps_ohio", "--out", str(tmp_path / "file")])
    assert done.exit_code == 2
    assert "suggestion.txt: cannot be written: " in done.stderr


@pytest.mark.parametrize("exact", [False, True])
def test_where_no_method_makes_a_file_it_is_said_why(exact: bool) -> None:
    problem = make_problem()
    w0 = problem.w0.copy()
    w0[4:] = 0.0
    few = dataclasses.replace(problem, w0=w0, floor=None)
    with pytest.raises(InputError, match="no method made a file of these sizes; got pps_sample: "):
        frontier.suggest(few, budgets=[40], methods=["pps_sample"], seeds=1, jobs=1, exact=exact)


def test_a_method_of_one_s_own_is_tried_like_any_other(ohio: CalibrationProblem, tmp_path: Path) -> None:
    done = CliRunner().invoke(new_method, [str(tmp_path / "mine.py")])
    assert done.exit_code == 0, done.output
    [name] = [line.split()[1] for line in (tmp_path / "mine.py").read_text().splitlines() if line.startswith("class ")]
    mine = f"{tmp_path / 'mine.py'}:{name.partition('(')[0]}"
    found = frontier.suggest(ohio, budgets=[300], methods=[mine, "top_k"], seeds=1, jobs=1)
    assert set(found.table["method"]) == {mine, "top_k"}


def test_the_table_of_records_fits_every_problem_that_knows_one() -> None:
    for name, params in (("cps_ohio", {}), ("census_arena", {"n": 600})):
        problem = frontier.load_problem(name, **params)
        known = record_table(problem)
        assert known is not None
        assert len(known) == problem.n_records
    tiny = make_problem()
    assert record_table(tiny) is None


def test_records_without_a_value_have_no_part_in_its_statistics_and_are_told(ohio: CalibrationProblem) -> None:
    rng = np.random.default_rng(0)
    n = ohio.n_records
    income, unknown = rng.lognormal(size=n), rng.random(n) < 0.2
    records = pd.DataFrame({"income": np.where(unknown, np.nan, income), "region": rng.choice(["a", "b"], n)})
    truth = unfixed(ohio, ohio.w0, records)
    assert truth is not None
    assert truth.distribution is not None
    known = np.flatnonzero(~unknown)
    some = Distribution.of(income[known], np.asarray(records["region"] == "b", dtype=int)[known], ohio.w0[known])
    np.testing.assert_array_equal(truth.distribution.quantiles, some.quantiles)
    totals = dict(zip(truth.names, truth.totals, strict=True))
    assert totals["income/all"] == pytest.approx(ohio.w0[known] @ income[known], rel=1e-12)  # a sum in another order
    assert totals["income/records/all"] == pytest.approx(ohio.w0[known].sum(), rel=1e-12)
    found = frontier.suggest(ohio, budgets=[300], methods=["top_k"], records=records, jobs=1)
    assert f"{unknown.sum():,} records have no income: its statistics leave them out" in found.lines()


def test_an_experiment_can_ask_for_numbers_of_records_by_category(ohio: CalibrationProblem) -> None:
    asked = frontier.load_problem("cps_ohio", auxiliary="categories")
    made = with_auxiliary(ohio)
    assert asked.fingerprint == made.fingerprint != ohio.fingerprint
    assert frontier.load_problem("cps_ohio", auxiliary="none").fingerprint == ohio.fingerprint
    drawn = frontier.load_problem("cps_ohio", auxiliary="categories", resample=0)
    assert drawn.auxiliary is not None
    assert drawn.auxiliary.shape[1] == drawn.n_records
    for name, said in (
        ("planted", "nothing is known of the records"),
        ("census_arena", "auxiliary statistics of its own"),
    ):
        with pytest.raises(InputError, match=f"problem '{name}'.auxiliary: .*{said}"):
            frontier.load_problem(name, auxiliary="categories")


def test_a_command_can_be_copied_also_where_the_name_of_a_file_needs_quotes() -> None:
    row = {"method": "my [m].py:MyMethod", "budget": 100, "refit": "none"}
    asked = shlex.split(in_words.command(row, {"epochs": 600}, "it's a [b].yaml"))
    assert asked[:5] == ["frontier", "fit", "it's a [b].yaml", "--method", "my [m].py:MyMethod"]
    assert asked[7:9] == ["--set", "epochs=600"]

"""Problems in parts: the batches of an experiment's parts come to the rows of the whole, whoever solves them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from frontier.core.errors import InputError
from frontier.sweep.cut import _shared
from frontier.sweep.partition import calibrate_by
from frontier.sweep.run import run_experiment
from frontier.sweep.session import open_session
from frontier.sweep.solve import calibrate

RECORDS, AREAS = 60, 3
METHODS = """\
methods:
  - {name: anchored_l1, lam: [0.0, 1.0]}
  - {name: raking, relax: 0.1}
"""


def write_files(folder: Path, *, national: bool = False) -> None:
    """Persons of three areas with two totals each and, if asked for, one over all areas."""
    random = np.random.default_rng(0)
    area = np.repeat(["north", "south", "west"], RECORDS // AREAS)
    age, income = random.integers(0, 2, RECORDS), random.gamma(2.0, 10.0, RECORDS).round(2)
    persons = pd.DataFrame({"weight": 10.0, "area": area, "old": np.where(age == 1, "yes", "no"), "income": income})
    persons.to_csv(folder / "persons.csv", index=False)
    rows = [[f"old/{a}", 110.0, "count", "", a, "yes"] for a in dict.fromkeys(area)]
    rows += [[f"income/{a}", 10.5 * income[area == a].sum(), "amount", "income", a, ""] for a in dict.fromkeys(area)]
    rows += [["all", 640.0, "count", "", "", ""]] if national else []
    columns = ["name", "value", "statistic", "variable", "where:area", "where:old"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "targets.csv", index=False)


def experiment(folder: Path, methods: str = METHODS, more: str = "", **keys: str) -> Path:
    entry = "name: files, targets: targets.csv, microdata: persons.csv, partition: " + keys.get("column", "area")
    path = folder / "areas.yaml"
    path.write_text(f"problems: [{{{entry}}}]\n{more}{methods}", encoding="utf-8")
    return path


def test_the_rows_are_those_of_the_whole_and_every_part_is_a_batch(tmp_path: Path) -> None:
    write_files(tmp_path)
    path = experiment(tmp_path)
    session = open_session(path)
    assert [batch.problem for batch in session.batches[:3]] == ["files[north]", "files[south]", "files[west]"]
    cells = run_experiment(path, out=tmp_path / "out")
    assert list(cells["problem"]) == ["files"] * 3
    assert cells["cell"].iloc[0] == "files/default/anchored_l1/lam=0.0"
    assert cells["claims"].str.contains('"parts": 3').all()
    raked = cells[cells["method"] == "raking"].iloc[0]
    by_hand = calibrate_by(session.problems["files"], "area", method="raking", params={"relax": 0.1})
    assert raked["total_weight"] == pytest.approx(by_hand.weights.sum(), rel=1e-12)
    assert raked["n_active"] == RECORDS


def test_the_certificate_of_the_whole_is_the_sum_of_the_parts(tmp_path: Path) -> None:
    write_files(tmp_path)
    cells = run_experiment(experiment(tmp_path), out=tmp_path / "out")
    anchored = cells[cells["method"] == "anchored_l1"]
    assert anchored["certified"].all()
    assert (anchored["relative_gap"] < 1e-9).all()
    assert (anchored["objective"] > 0).all()


def test_the_number_of_processes_changes_no_row(tmp_path: Path) -> None:
    write_files(tmp_path)
    path = experiment(tmp_path)
    rows = [run_experiment(path, jobs=jobs, out=tmp_path / f"out{jobs}") for jobs in (1, 2)]
    timed = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]
    pd.testing.assert_frame_equal(*(table.drop(columns=timed) for table in rows))


def test_a_budget_is_shared_out_in_proportion_to_records(tmp_path: Path) -> None:
    write_files(tmp_path)
    methods = "methods:\n  - {name: pps_sample, budget: [7, 0.5], seeds: [0]}\n"
    cells = run_experiment(experiment(tmp_path, methods), out=tmp_path / "out")
    assert list(cells["n_active"]) == [7, 30]
    assert cells["budget_reached"].all()
    np.testing.assert_array_equal(_shared(7, np.array([20, 20, 20])), [3, 2, 2])
    np.testing.assert_array_equal(_shared(6, np.array([1, 1, 100])), [1, 1, 4])
    np.testing.assert_array_equal(_shared(99, np.array([2, 3])), [2, 3])


def test_a_part_that_fails_fails_the_whole_and_is_named(tmp_path: Path) -> None:
    write_files(tmp_path)
    targets = pd.read_csv(tmp_path / "targets.csv", keep_default_na=False)
    targets.loc[targets["name"] == "old/south", "value"] = 1e9  # more than 1.1 times the initial weights give
    targets.to_csv(tmp_path / "targets.csv", index=False)
    methods = "methods:\n  - {name: greg, lower: 0.9, upper: 1.1}\n"
    [row] = run_experiment(experiment(tmp_path, methods), out=tmp_path / "out").to_dict("records")
    assert row["status"] == "infeasible"
    assert pd.isna(row["n_active"])
    assert "files[south]: " in row["message"]


def test_totals_above_the_parts_are_held_by_methods_that_solve_a_dual(tmp_path: Path) -> None:
    write_files(tmp_path, national=True)
    path = experiment(tmp_path)
    [anchored, _, raked] = run_experiment(path, out=tmp_path / "out").to_dict("records")
    problem = open_session(path).problems["files"]
    whole = calibrate(problem, method="raking", params={"relax": 0.1})
    assert whole.weights is not None
    assert raked["total_weight"] == whole.weights.sum()
    assert anchored["certified"]
    found = calibrate_by(problem, "area", method="raking", params={"relax": 0.1})
    assert [one.part.label for one in found.parts] == ["north", "south", "west", "(above)"]
    np.testing.assert_array_equal(found.weights, whole.weights)


def test_totals_above_the_parts_are_refused_for_other_methods(tmp_path: Path) -> None:
    write_files(tmp_path, national=True)
    path = experiment(tmp_path, "methods:\n  - {name: pps_sample, budget: [9], seeds: [0]}\n")
    with pytest.raises(InputError, match=r"1 target crosses parts: 'all'; expected each about one part; .*raking"):
        open_session(path)
    with pytest.raises(InputError, match="1 target crosses parts: 'all'"):
        calibrate_by(open_session(experiment(tmp_path)).problems["files"], "area", method="pps_sample", budget=9)


@pytest.mark.parametrize(
    ("column", "more", "methods", "message"),
    [
        ("region", "", METHODS, r"problems\[0\].*partition: no column 'region'"),
        ("income", "", METHODS, "'income' is an amount, not a category"),
        ("3", "", METHODS, r"problems\[0\].partition: not a column"),
        (
            "area",
            "",
            "methods:\n  - {name: pps_sample, budget: [2], seeds: [0]}\n",
            "a budget below one record per part",
        ),
        (
            "area",
            "splits: [{design: held_out_rows, names: [old/south, income/south]}]\n",
            METHODS,
            "split 'without_2_rows_.*': nothing is left to fit in part 'south'",
        ),
    ],
)
def test_what_cannot_be_cut_is_one_clear_line(
    tmp_path: Path, column: str, more: str, methods: str, message: str
) -> None:
    write_files(tmp_path)
    with pytest.raises(InputError, match=message):
        open_session(experiment(tmp_path, methods, more, column=column))

"""Your own files may bring totals that no method sees: of the census whose sample they are, for example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import frontier
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem

PEOPLE = "place,sex,income,weight\nN,f,10,2\nN,m,20,2\nS,f,30,3\nS,m,0,3\n"
TARGETS = "name,value,variable,statistic,where:sex\nwomen,6,,count,f\nmen,6,,count,m\n"
HIDDEN = "name,value,variable,statistic,where:place\nincome N,50,income,amount,N\nwith income in S,4,income,count,S\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"people": PEOPLE, "targets": TARGETS, "hidden": HIDDEN}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def problem(folder: Path, **others: Any) -> CalibrationProblem:
    files = {key: str(folder / f"{name}.csv") for key, name in {"microdata": "people", "targets": "targets"}.items()}
    return frontier.load_problem("files", **files | {"hidden": str(folder / "hidden.csv")} | others)


def test_hidden_totals_of_microdata_are_rows_like_targets_that_only_the_yardstick_sees(folder: Path) -> None:
    found = problem(folder)
    assert found.n_targets == 2
    assert found.truth is not None
    np.testing.assert_array_equal(found.truth.H.toarray(), [[10, 20, 0, 0], [0, 0, 1, 0]])
    assert found.truth.units == ("income", "rows")
    errors = found.truth.errors(found.w0)  # 60 instead of 50, 3 instead of 4
    assert errors["truth_mean"] == pytest.approx((0.2 + 0.25) / 2)
    assert found.restrict(range(2)).truth is None


def test_a_category_of_them_that_nobody_has_is_a_warning_and_missed_whole(folder: Path) -> None:
    (folder / "hidden.csv").write_text(HIDDEN + "in W,4,,count,W\n")
    found = problem(folder)
    assert any("1 hidden totals that no record adds to" in warning for warning in found.meta["warnings"])
    assert found.truth is not None
    assert found.truth.errors(found.w0)["truth_mean"] == pytest.approx((0.2 + 0.25 + 1.0) / 3)


def test_an_experiment_scores_every_row_by_them(folder: Path) -> None:
    (folder / "a.yaml").write_text(
        "problems: [{name: files, microdata: people.csv, targets: targets.csv, hidden: hidden.csv}]\n"
        "methods: [{name: initial_weights}, {name: raking}]\n"
    )
    table = frontier.run_experiment(folder / "a.yaml", out=folder / "run").set_index("label")
    assert table.loc["initial_weights", "truth_mean"] == pytest.approx(0.225)
    raked = 6 / 5  # both sexes, so every weight
    assert table.loc["raking", "truth_mean"] == pytest.approx((60 * raked / 50 - 1 + 1 - 3 * raked / 4) / 2)


def test_a_matrix_brings_them_with_a_matrix_of_their_own(folder: Path) -> None:
    whole = problem(folder)
    assert whole.truth is not None
    records = pd.DataFrame({"weight": whole.w0})
    targets = pd.DataFrame({"name": whole.target_names, "value": whole.y})
    hidden = pd.DataFrame({"name": whole.truth.names, "value": whole.truth.totals})
    given: dict[str, Any] = {"matrix": whole.M, "records": records, "targets": targets}
    found = frontier.load_problem("files", **given, hidden=hidden, hidden_matrix=sp.csr_array(whole.truth.H))
    assert found.truth is not None
    assert found.truth.errors(found.w0)["truth_mean"] == pytest.approx(0.225)
    with pytest.raises(InputError, match=r"problem 'files'.hidden_matrix: missing key; give both, or no hidden"):
        frontier.load_problem("files", **given, hidden=hidden)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,value,variable,statistic\na,1,wealth,amount\n", r"hidden.csv.*wealth"),
        ("name\na\n", r"hidden.csv.*value"),
        ("name,value,variable,statistic,where:town\na,1,,count,X\n", r"hidden.csv.*town"),
    ],
)
def test_mistakes_in_them_name_the_file(text: str, message: str, folder: Path) -> None:
    (folder / "hidden.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        problem(folder)

"""A problem built from microdata and a table of target cells: exact on the CPS file, one clear line for mistakes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import frontier
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.cps import build as cps
from frontier.problems.own_data import tables
from frontier.problems.own_data.opening import open_table
from frontier.problems.records.variables import record_table
from frontier.problems.registry import load_problem
from tests.problems.cells import as_cells
from tests.problems.test_files import README_SHA256, ohio, read
from tests.problems.test_problems import in_cents

CPS = str(resources.files("frontier.problems.cps.data") / "cps_tax_units.parquet")
HOUSEHOLDS = {"id": "household_id", "group": "household_id", "head": "is_household_head_unit", "min_records": 10}


def test_ohio_is_built_exactly_from_the_packaged_microdata_and_a_table_of_cells(tmp_path: Path) -> None:
    targets = cps.calibration_targets()
    as_cells(targets[targets["geography"] == "OH"]).to_csv(tmp_path / "cells.csv", index=False)
    found = frontier.load_problem(
        "files",
        microdata=CPS,
        targets=str(tmp_path / "cells.csv"),
        where={"state": "OH"},
        held_out_families=["usda_snap", "cms_medicaid", "irs_eitc"],
        **HOUSEHOLDS,
    )
    assert found.fingerprint == ohio().fingerprint
    assert in_cents(found) == README_SHA256
    assert found.meta["warnings"] == ()


def test_all_tax_units_are_built_exactly_within_the_matrix_and_a_few_columns_of_memory(tmp_path: Path) -> None:
    targets = cps.calibration_targets()
    as_cells(targets[targets["geography_level"] != "district"]).to_csv(tmp_path / "cells.csv", index=False)
    code = f"""
import pathlib, re
from frontier.problems.own_data import cells, lists, microdata, tables
from pathlib import Path
import frontier
def memory(key):
    return int(re.search(key + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
load_problem = frontier.load_problem  # imports what it needs
start = memory("VmRSS")
problem = load_problem("files", microdata={CPS!r}, targets="cells.csv", group="household_id", min_records=10)
M = problem.M
print(problem.fingerprint, memory("VmHWM") - start, M.data.nbytes + M.indices.nbytes + M.indptr.nbytes)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    fingerprint, peak, matrix = done.stdout.split()
    assert fingerprint == frontier.load_problem("cps_states").fingerprint
    columns = 20 * 8 * 280_005  # bytes: twenty columns of float64, a third of what the whole file takes in memory
    # the problem's own copy of M, the one it is copied from, that one's rows, and the rows that are kept
    assert int(peak) < 4 * int(matrix) + columns + (100 << 20), f"{int(peak) >> 20} MB"  # 100 MiB: Arrow's own pools


PEOPLE = """\
house,head,weight,region,age,income,works,member
1,true,10,north,40,100.5,true,x
1,false,10,north,12,0,false,z
2,true,20,south,70,-5,false,x
3,false,7,south,30,50,true,y
3,true,30,south,35,20,true,y
"""
CELLS = """\
name,variable,statistic,value,family,where:region,where:works,age_lower,age_upper,variable_lower,variable_upper
people,,count,100,size,,,,,,
income,income,amount,5000,money,,,,,,
gains,income,amount,5000,money,,,,,0,
losses,-income,amount,100,money,,,,,0,
adults,,count,80,size,,,18,,,
north,,count,20,size,north,,,,,
workers,,count,50,size,north|south,true,,,,
earners,income,records,50,size,,,,,,
both,age|income,count,60,size,,,,,20,60
"""
FILES = {"people.csv": PEOPLE, "cells.csv": CELLS}
ENTRY = {"name": "files", "microdata": "people.csv", "targets": "cells.csv", "id": "house"}
EXPECTED = {  # by hand: rows of houses 1, 2, 3
    "people": [2, 1, 2],
    "income": [100.5, -5, 70],
    "gains": [100.5, 0, 70],
    "losses": [0, 5, 0],  # (0 of the child is not a loss)
    "adults": [1, 1, 2],
    "north": [2, 0, 0],
    "workers": [1, 0, 2],
    "earners": [1, 1, 1],
    "both": [1, 0, 4],  # ages 40; 30, 35; incomes 50, 20
}


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "problem.yaml").write_text(yaml.safe_dump(ENTRY))


def small(folder: Path, **changes: Any) -> CalibrationProblem:
    put(folder, FILES)
    return read(folder, **changes)


@pytest.mark.parametrize("parquet", [False, True])
def test_every_statistic_and_filter_is_what_it_says(tmp_path: Path, *, parquet: bool) -> None:
    changes = {}
    if parquet:
        people = pd.read_csv(pd.io.common.StringIO(PEOPLE)).astype({"income": np.float32, "region": "category"})
        people.to_parquet(tmp_path / "people.parquet", row_group_size=2)
        changes = {"microdata": "people.parquet"}
    found = small(tmp_path, **changes)
    rows = dict(zip(found.target_names, found.M.toarray().tolist(), strict=True))
    assert rows == EXPECTED
    assert found.w0.tolist() == [10, 20, 7]  # the first row's, where no column says which is the head
    assert found.meta["record_ids"].tolist() == [1, 2, 3]
    assert found.meta["warnings"] == (
        f"people.{'parquet' if parquet else 'csv'}: 'weight' differs within 1 records; that of the first row is taken",
    )


def test_the_head_row_gives_the_weight_and_where_selects_rows(tmp_path: Path) -> None:
    found = small(tmp_path, head="head", group="member")
    assert found.w0.tolist() == [10, 20, 30]
    assert found.groups is not None
    assert found.groups.tolist() == ["x", "x", "y"]
    assert found.meta["warnings"] == ()
    south = small(tmp_path, head="head", where={"region": "south", "works": True}, min_records=1)
    assert south.meta["record_ids"].tolist() == [3]
    assert dict(zip(south.target_names, south.M.toarray().tolist(), strict=True))["income"] == [70]
    persons = small(tmp_path, id=None)
    assert persons.n_records == 5
    assert persons.meta["record_ids"].tolist() == [0, 1, 2, 3, 4]


def test_a_missing_value_passes_no_filter_and_is_refused_where_it_is_added_up(tmp_path: Path) -> None:
    put(tmp_path, FILES | {"people.csv": PEOPLE.replace("70,-5", ",-5").replace("south,30", ",30")})
    with pytest.raises(InputError, match=r"people\.csv: row 4, column 'age': missing value, used by target 'both'"):
        read(tmp_path)
    (tmp_path / "cells.csv").write_text(CELLS[: CELLS.index("both")])
    found = read(tmp_path)
    rows = dict(zip(found.target_names, found.M.toarray().tolist(), strict=True))
    assert rows["adults"] == [1, 0, 2]
    assert rows["workers"] == [1, 0, 1]


@pytest.mark.parametrize("held_bytes", [tables.HELD_BYTES, 0])
def test_a_small_csv_file_is_parsed_once_whatever_is_asked_of_it(
    held_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, honest = list[Path](), tables.open_csv

    def counted(path: Path, *given: Any) -> Any:
        opened.append(path)
        return honest(path, *given)

    monkeypatch.setattr(tables, "open_csv", counted)
    monkeypatch.setattr(tables, "HELD_BYTES", held_bytes)
    found = small(tmp_path)
    assert dict(zip(found.target_names, found.M.toarray().tolist(), strict=True)) == EXPECTED
    assert (opened.count(tmp_path / "people.csv") == 1) is (held_bytes > 0)


def test_the_text_of_a_file_is_not_sent_to_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    for held_bytes in (tables.HELD_BYTES, 0):
        monkeypatch.setattr(tables, "HELD_BYTES", held_bytes)
        found = small(tmp_path)
        assert record_table(found) is not None
        sizes.append(len(pickle.dumps(found)))
    assert sizes[0] == sizes[1]


def test_a_table_that_breaks_off_is_refused_as_often_as_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in (("BLOCK_BYTES", 128), ("HEADER_BYTES", 128), ("FIELD_BYTES", 1)):  # the end is in another block
        monkeypatch.setattr(tables, name, size)
    put(tmp_path, FILES | {"people.csv": PEOPLE + "4,true\n"})
    table = open_table(tmp_path / "people.csv", "people.csv")
    for name in ("age", "age", "income"):
        with pytest.raises(InputError, match=r"people\.csv: cannot be read: .*Expected 8 columns, got 2"):
            table.column(name)


def test_a_record_has_no_amount_where_none_of_its_rows_has_one() -> None:
    people = pd.DataFrame({"house": [1, 1, 2, 3, 3], "rent": [500.5, None, None, 20.25, 30.5], "weight": 1.0})
    targets = pd.DataFrame({"name": ["persons"], "value": [5.0], "statistic": ["count"]})
    table = record_table(load_problem("files", microdata=people, targets=targets, id="house"))
    assert table is not None
    np.testing.assert_array_equal(table["rent"], [500.5, np.nan, 50.75])


def test_rows_and_categories_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK_BYTES", 128)
    monkeypatch.setattr(tables, "FIELD_BYTES", 1)
    monkeypatch.setattr(tables, "BATCH_ROWS", 2)
    found = small(tmp_path)
    assert dict(zip(found.target_names, found.M.toarray().tolist(), strict=True)) == EXPECTED


MISTAKES: dict[str, tuple[str, str, str, dict[str, Any], str]] = {
    "an unknown variable": (
        "cells.csv",
        "income,income,",
        "income,incme,",
        {},
        "cells.csv: row 3, column 'variable' (target 'income'): no column 'incme' in people.csv; did you mean",
    ),
    "an unknown statistic": ("cells.csv", "income,amount", "income,mean", {}, "row 3, column 'statistic'"),
    "no statistics": ("cells.csv", "statistic", "stat", {}, "cells.csv: no column 'statistic'"),
    "a variable of text": (
        "cells.csv",
        "income,income,",
        "income,region,",
        {},
        "people.csv: column 'region': not numbers",
    ),
    "an unknown filter": (
        "cells.csv",
        "where:region",
        "where:regoin",
        {},
        "column 'where:regoin': no column 'regoin' in people.csv; did you mean 'region'?",
    ),
    "a range of nothing": ("cells.csv", "age_lower,age_upper", "aeg_lower,aeg_upper", {}, "no column 'aeg'"),
    "a filter without where": ("cells.csv", "where:works", "works", {}, "column 'works': not a filter; name it 'where"),
    "a filter that matches no record": (
        "cells.csv",
        "size,north,",
        "size,nort,",
        {},
        "cells.csv: row 7, column 'where:region' (target 'north'): no record has this value; got 'nort'; did you mean",
    ),
    "filters that match no record together": (
        "cells.csv",
        "size,north,,,",
        "size,north,,90,",
        {},
        "cells.csv: row 7, column 'age_lower' (target 'north'): no record passes this and the other filters; got 90 to",
    ),
    "a category of numbers in words": (
        "cells.csv",
        "where:works",
        "where:age",
        {},
        "column 'where:age' (target 'workers'): no record has this value; expected a number that occurs, got 'true'",
    ),
    "a range of text": ("cells.csv", "age_lower,age_upper", "region_lower,region_upper", {}, "which is text in people"),
    "a range upside down": (
        "cells.csv",
        "20,60",
        "60,20",
        {},
        "row 10, column 'variable_lower' (target 'both'): an empt",
    ),
    "a bound in words": ("cells.csv", "20,60", "20,old", {}, "column 'variable_upper': not a number; got 'old'"),
    "a variable twice": ("cells.csv", "age|income", "age|age", {}, "not distinct columns"),
    "a value that is not there": ("people.csv", "40,100.5", "40,", {}, "people.csv: row 2, column 'income': missing"),
    "an infinite value": ("people.csv", "100.5", "inf", {}, "row 2, column 'income': not a finite number, used by"),
    "a weight of text": ("people.csv", "10,north,40", "ten,north,40", {}, "row 2, column 'weight': not a number"),
    "two heads": (
        "people.csv",
        "3,false",
        "3,true",
        {"head": "head"},
        "people.csv: row 5, column 'head': record 3 has 2 head rows; expected one per record",
    ),
    "no head": ("people.csv", "3,true", "3,false", {"head": "head"}, "record 3 has 0 head rows"),
    "a head in words": ("people.csv", "3,true", "3,yes", {"head": "head"}, "column 'head': not true or false"),
    "a household without a number": ("people.csv", "2,true", ",true", {}, "row 4, column 'house': missing value"),
    "a selection of nothing": (
        "people.csv",
        "1,",
        "1,",
        {"where": {"region": "east"}},
        "'files'.where.region: no record",
    ),
    "a selection by no column": (
        "people.csv",
        "1,",
        "1,",
        {"where": {"regin": "east"}},
        "people.csv: no column 'regin'",
    ),
    "a wrong sign": ("cells.csv", "amount,100,money", "amount,-100,money", {}, "(target 'losses'): wrong sign"),
    "no rows": ("people.csv", PEOPLE[PEOPLE.index("\n") + 1 :], "", {}, "people.csv: no records"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_one_line_that_names_file_row_and_column(what: str, tmp_path: Path) -> None:
    file, good, bad, changes, said = MISTAKES[what]
    assert good in FILES[file]
    put(tmp_path, FILES | {file: FILES[file].replace(good, bad, 1)})
    with pytest.raises(InputError) as caught:
        read(tmp_path, **changes)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_categories_that_do_not_occur_beside_others_that_do_are_a_warning(tmp_path: Path) -> None:
    put(tmp_path, FILES | {"cells.csv": CELLS.replace("north|south", "north|south|west|east")})
    assert read(tmp_path, head="head").meta["warnings"] == (
        "cells.csv: row 8, column 'where:region' (target 'workers'): no record has 'west' (2 such categories)",
    )


def test_the_example_of_the_readme_is_a_part_of_the_packaged_data() -> None:
    """Montana's households of income year 2013 from experiments/own_data are those of the packaged file."""
    entry = yaml.safe_load(Path("experiments/own_data/problem.yaml").read_text())
    folder = Path("experiments/own_data")
    found = read(folder)
    assert entry["label"] == "montana"
    units, targets = cps.tax_units(), cps.calibration_targets()
    units = units[(units["state"] == "MT") & (units["cps_year"] == 2013)].assign(weight=lambda u: 3 * u["weight"])
    truth = cps.assemble("montana", units, targets[targets["geography"] == "MT"], min_records=10)
    assert found.target_names == tuple(name.removeprefix("MT/") for name in truth.target_names)
    np.testing.assert_array_equal(found.y, truth.y)
    np.testing.assert_array_equal(found.w0, truth.w0)
    np.testing.assert_allclose(found.M.toarray(), truth.M.toarray(), atol=2.5)  # the example has whole dollars

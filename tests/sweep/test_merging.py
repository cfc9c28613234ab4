"""Runs of one plan from several machines become one, with every manifest; runs of another plan are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import frontier
from frontier.core.errors import InputError
from frontier.results.run import load_run
from frontier.results.store import Store
from frontier.sweep.merging import merge_runs
from frontier.sweep.session import open_session, run_session

EXPERIMENT = """\
problems: [{name: cps_like}]
methods:
  - {name: fista, lam: [1e-4, 1e-3]}
  - {name: random_reweight, budget: [20, 50], seeds: [0, 1], epochs: 50}
  - {name: greg, relax: 0.1}
"""
TIMINGS = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the whole run and three partial ones, each from a machine of its own."""
    folder = tmp_path_factory.mktemp("machines")
    (folder / "a.yaml").write_text(EXPERIMENT)
    session = open_session(folder / "a.yaml")
    run_session(session, Store(folder / "whole"), quiet=True)
    for name, only in {"one": ["fista"], "two": ["random_reweight"], "three": ["greg", "fista"]}.items():
        run_session(session, Store(folder / name), only=only, quiet=True)
        path = folder / name / "manifest.json"
        manifest = json.loads(path.read_text())
        path.write_text(json.dumps(manifest | {"machine": manifest["machine"] | {"processor": name}}))
    return folder


def test_merged_runs_are_the_unbroken_run_and_say_which_machine_made_what(parts: Path, tmp_path: Path) -> None:
    merged = merge_runs([parts / "one", parts / "two", parts / "three"], tmp_path / "out")
    whole = load_run(parts / "whole").cells
    pd.testing.assert_frame_equal(merged.drop(columns=TIMINGS), whole.drop(columns=TIMINGS), check_exact=True)
    for name in ("targets.parquet", "weights/cps_like.npz", "cells.parquet"):
        assert (tmp_path / "out" / name).exists()
    manifest = load_run(tmp_path / "out").manifest
    assert [entry["machine"]["processor"] for entry in manifest["merged"]] == ["one", "two", "three"]
    assert [len(entry["batches"]) for entry in manifest["merged"]] == [1, 4, 1]  # the first that has a batch gives it
    assert manifest["machine"] == {"system": "several machines, see manifests/"}
    assert manifest["cells_not_run"] == 0
    for i, name in enumerate(["one", "two", "three"]):
        kept = json.loads((tmp_path / "out" / "manifests" / f"{i}.json").read_text())
        assert kept == json.loads((parts / name / "manifest.json").read_text())


def test_a_merged_run_resumes_and_merges_again_with_all_its_manifests(parts: Path, tmp_path: Path) -> None:
    merge_runs([parts / "one", parts / "two"], tmp_path / "first")
    manifest = load_run(tmp_path / "first").manifest
    assert manifest["cells_not_run"] == 1
    merge_runs([tmp_path / "first", parts / "three"], tmp_path / "second")
    manifest = load_run(tmp_path / "second").manifest
    assert [entry["machine"]["processor"] for entry in manifest["merged"]] == ["one", "two", "three"]
    before = {path.name: path.read_bytes() for path in (tmp_path / "second" / "batches").iterdir()}
    frontier.run_experiment(parts / "a.yaml", out=tmp_path / "second")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "second" / "batches").iterdir()}
    resumed = load_run(tmp_path / "second").manifest
    assert resumed["merged"] == manifest["merged"]


def test_what_is_solved_after_a_merge_keeps_its_own_machine(parts: Path, tmp_path: Path) -> None:
    merge_runs([parts / "one", parts / "two"], tmp_path / "first")
    frontier.run_experiment(parts / "a.yaml", out=tmp_path / "first")
    whole = merge_runs([tmp_path / "first"], tmp_path / "second")
    assert len(whole) == 7
    manifest = load_run(tmp_path / "second").manifest
    here = json.loads((parts / "whole" / "manifest.json").read_text())["machine"]["processor"]
    assert [entry["machine"]["processor"] for entry in manifest["merged"]] == ["one", "two", here]


def test_a_damaged_batch_is_named_and_taken_from_another_run(parts: Path, tmp_path: Path) -> None:
    shutil.copytree(parts / "one", tmp_path / "damaged")
    [batch] = (tmp_path / "damaged" / "batches").glob("*.npz")
    batch.write_bytes(batch.read_bytes()[:-1])
    notes: list[str] = []
    merged = merge_runs([tmp_path / "damaged", parts / "three"], tmp_path / "out", notes.append)
    assert len(notes) == 1
    assert batch.name in notes[0]
    assert set(merged["label"]) == {"fista", "greg"}


def test_another_plan_is_refused_and_nothing_is_written(parts: Path, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(EXPERIMENT.replace("epochs: 50", "epochs: 60"))
    run_session(open_session(tmp_path / "b.yaml"), Store(tmp_path / "other"), only=["fista"], quiet=True)
    with pytest.raises(InputError, match=r"other: another plan; expected .*merge runs of one experiment file"):
        merge_runs([parts / "one", tmp_path / "other"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_merged_is_one_clear_line(parts: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing: no manifest\.json; expected a results folder"):
        merge_runs([parts / "one", tmp_path / "nothing"], tmp_path / "out")
    with pytest.raises(InputError, match="whole: holds a run already; name a new folder"):
        merge_runs([parts / "one"], parts / "whole")
    shutil.copytree(parts / "one", tmp_path / "forged")
    path = tmp_path / "forged" / "manifest.json"
    entry = {"manifest": "../../../etc/passwd", "batches": []}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"merged": [entry]}))
    with pytest.raises(InputError, match="a manifest outside the run"):
        merge_runs([tmp_path / "forged"], tmp_path / "out")

"""Manifests from anybody: whatever is changed in one, what reads it works or says what is wrong in one line."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import frontier
from frontier.analysis.regression.check import check
from frontier.analysis.regression.tolerances import Tolerances
from frontier.core.errors import InputError
from frontier.reporting.prepared import Prepared
from frontier.results.baseline import read_baseline, refuse_other_code, write_baseline
from frontier.results.joining import join_runs
from frontier.results.manifest import read_manifest
from frontier.results.run import Run, load_run
from frontier.sweep.merging import merge_runs
from tests.reporting import made

EXPERIMENT = """\
problems: [{name: planted, n_records: 40, n_targets: 8, k: 3}]
methods: [{name: nn_lasso, lam: [1e-3, 1e-2]}]
"""
JUNK: tuple[Any, ...] = (None, -1, 1e400, "../x", [1], {"x": 1})
# not changed inside: what is in them is text, or checked by itself
LISTED = ("experiment_file", "sha256", "status_meanings", "versions", "machine")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "a.yaml").write_text(EXPERIMENT)
    frontier.run_experiment(folder / "a.yaml", out=folder / "run")
    write_baseline(load_run(folder / "run"), folder / "baseline")
    return folder / "run"


def changed(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every manifest that differs from `content` in one place: a value replaced or a key taken out."""
    if not isinstance(content, dict) or (path and path[0] in LISTED):
        return
    for key, value in content.items():
        yield (*path, key), {name: other for name, other in content.items() if name != key}
        for junk in JUNK:
            yield (*path, key, repr(junk)), content | {key: junk}
        for inner, other in changed(value, (*path, key)):
            yield inner, content | {key: other}


def joined(folder: Path) -> tuple[Run, Run]:
    """The run, and the run joined with itself."""
    found = load_run(folder)
    return found, join_runs([found, dataclasses.replace(found, name=f"{found.name} again")])


def compared(found: Run, folder: Path, baseline: Path) -> None:
    check(found, read_baseline(baseline), Tolerances(), None)
    refuse_other_code(found, folder)
    write_baseline(found, folder.parent / "written")


def test_a_manifest_changed_in_any_place_is_read_or_refused_in_one_line(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    manifest, written = read_manifest(run), tmp_path / "run/manifest.json"
    accepted: dict[str, list[tuple[tuple[str, ...], Any]]] = {}  # per key, where it was changed and its manifest
    refused = 0
    for path, content in changed(copy.deepcopy(manifest)):
        written.write_text(json.dumps(content))
        try:
            compared(joined(tmp_path / "run")[0], tmp_path / "run", run.parent / "baseline")
            accepted.setdefault(path[0], []).append((path, content))
        except InputError as error:
            refused += "\n" not in str(error)
        except Exception as error:
            raise AssertionError(f"{path}: {error!r}") from error
    assert refused > 150
    assert len(accepted) > 15
    for changes in itertools.zip_longest(*accepted.values()):  # reports are slow: one change of every key at a time
        several = dict(manifest)
        for path, content in filter(None, changes):
            several.pop(path[0])
            several |= {path[0]: content[path[0]]} if path[0] in content else {}
        written.write_text(json.dumps(several))
        for one in joined(tmp_path / "run"):
            assert made.whole(Prepared(one.cells, one.manifest)).blocks


def test_a_baseline_changed_in_any_place_is_compared_or_refused_in_one_line(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run.parent / "baseline", tmp_path / "baseline")
    manifest = json.loads((tmp_path / "baseline/manifest.json").read_text())
    found, refused = load_run(run), 0
    for path, content in changed(manifest):
        (tmp_path / "baseline/manifest.json").write_text(json.dumps(content))
        try:
            check(found, read_baseline(tmp_path / "baseline"), Tolerances(), None)
        except InputError as error:
            refused += "\n" not in str(error)
        except Exception as error:
            raise AssertionError(f"{path}: {error!r}") from error
    assert refused > 50


@pytest.mark.parametrize("entry", [{}, {"manifest": 3, "batches": []}, {"manifest": "manifests/0.json"}, 7, "x"])
def test_what_was_merged_is_checked_before_it_is_read(run: Path, tmp_path: Path, entry: object) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run/manifest.json").write_text(json.dumps(read_manifest(run) | {"merged": [entry]}))
    with pytest.raises(InputError, match=r"manifest\.json\.merged"):
        merge_runs([tmp_path / "run"], tmp_path / "out")

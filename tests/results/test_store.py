"""What is written is read back whole, or is known to be damaged; one process at a time."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from frontier.core.errors import InputError
from frontier.core.files import sealed, write_atomically
from frontier.results.run import load_run
from frontier.results.schema import RESULT_FORMAT, cells_table
from frontier.results.store import BatchResult, DamagedFile, Store
from frontier.sweep.batch import Batch
from frontier.sweep.runner import stored
from frontier.sweep.session import open_session

TEXT = "problems: [{name: cps_like}]\nmethods: [{name: nn_lasso, lam: [0.1, 0.2]}]\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "run")
    store.open(fresh=False)
    return store


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    path = tmp_path / "a.yaml"
    path.write_text(TEXT)
    return open_session(path).batches[0]


def result(cells: int = 2) -> BatchResult:
    weights = sp.csr_array(np.array([[0.0, 1.5, 0.0], [2.5, 0.0, 1e-300]])[:cells])
    rows = [
        {"cell": f"cps_like/default/nn_lasso/lam={lam}", "status": "optimal", "gap": 1e-9} for lam in (0.1, 0.2)[:cells]
    ]
    return BatchResult(rows, weights, np.ones((cells, 4)), [{}] * cells)


def test_a_batch_is_read_back_bit_for_bit(store: Store, batch: Batch) -> None:
    store.write(batch.key, result())
    found = stored(batch, store)
    assert found is not None
    assert found.rows == result().rows
    np.testing.assert_array_equal(found.weights.toarray(), result().weights.toarray())
    np.testing.assert_array_equal(found.estimates, result().estimates)
    assert [path.name for path in store.batches.iterdir()] == [f"{batch.key}.npz"]  # no scratch file is left


def test_a_missing_batch_is_none(store: Store, batch: Batch) -> None:
    assert stored(batch, store) is None


def test_every_truncation_and_flipped_bit_is_noticed(store: Store, batch: Batch) -> None:
    store.write(batch.key, result())
    path = store.path(batch.key)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [whole[: int(cut)] for cut in rng.integers(0, len(whole), 20)]
    for position in rng.integers(0, len(whole), 200):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(DamagedFile, match="checksum mismatch"):
            stored(batch, store)


def test_a_result_with_another_number_of_cells_is_damaged(store: Store, batch: Batch) -> None:
    store.write(batch.key, result(cells=1))
    with pytest.raises(DamagedFile, match=r"cells of another batch \(1 cells, not 2\)"):
        stored(batch, store)


def test_a_file_under_another_batchs_name_is_damaged_whatever_its_cells_are_called(store: Store, batch: Batch) -> None:
    store.write("0" * 32, result())
    store.path("0" * 32).rename(store.path(batch.key))
    with pytest.raises(DamagedFile, match="holds the batch 00000000"):
        stored(batch, store)


def test_pickles_are_never_loaded(store: Store, batch: Batch) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, json=np.array([{"a": 1}], dtype=object))
    store.path(batch.key).write_bytes(sealed(buffer.getvalue()))
    with pytest.raises(DamagedFile, match="holds pickled objects, which are never loaded"):
        stored(batch, store)


def test_a_second_process_is_refused_with_the_first_ones_id(store: Store) -> None:
    code = (
        "import sys; from pathlib import Path; from frontier.results.store import Store\n"
        "with Store(Path(sys.argv[1])).lock(): pass"
    )
    with store.lock():
        other = subprocess.run([sys.executable, "-c", code, str(store.folder)], capture_output=True, text=True)
    assert other.returncode != 0
    assert f"in use by process {os.getpid()}" in other.stderr
    again = subprocess.run([sys.executable, "-c", code, str(store.folder)], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr


def test_what_a_killed_worker_was_writing_goes_when_the_run_ends_however_it_ends(store: Store) -> None:
    store.open(fresh=False)
    half = store.batches / f".{'0' * 32}.npz.1.tmp"

    def run_out_of_space() -> None:
        with store.lock():
            half.touch()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_out_of_space()
    assert not half.exists()


def test_results_of_another_format_are_refused_and_kept(store: Store) -> None:
    manifest = store.folder / "manifest.json"
    manifest.write_text(json.dumps({"format": 0}))
    with pytest.raises(InputError, match=f"another format version; expected {RESULT_FORMAT}, got 0; use --fresh"):
        store.open(fresh=False)
    assert manifest.exists()
    store.open(fresh=True)


def test_an_atomic_write_leaves_the_old_file_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_values_keep_integer_and_truth_columns() -> None:
    identity = dict.fromkeys(("cell", "problem", "split", "method", "label", "refit"), "x") | {"repeat": 0}
    rows = [
        identity | {"lam": 1.0, "budget": None, "seed": 0, "n_active": 5, "certified": True},
        identity | {"lam": None, "budget": 10, "seed": None, "n_active": None, "certified": None},
    ]
    table = cells_table(rows)
    assert [str(table[c].dtype) for c in ("lam", "budget", "seed", "n_active", "certified")] == [
        "float64",
        "Int64",
        "Int64",
        "Int64",
        "boolean",
    ]


def test_a_folder_without_a_run_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no cells\.parquet; expected a results folder"):
        load_run(tmp_path)

"""Results on disk: one file per finished batch, written atomically. The tables are those of `results.tables`.

    results/<experiment>/
      batches/<key>.npz     metrics rows (JSON), sparse weights, estimates, traces of one batch
      cells.parquet, .csv   one row per cell and refit, in plan order
      targets.parquet       one row per row of cells and target
      traces.parquet        convergence traces: cell, quantity, step, value
      weights/<problem>.npz sparse weights, row `weights_row` of each row of cells (SciPy CSR)
      manifest.json         what ran, where, with which versions

Nothing is pickled. A batch file ends with its sha256; one that does not match is reported and solved again.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from filelock import FileLock, Timeout

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.files import read_arrays, read_limited, sealed, unsealed, write_atomically
from frontier.results.manifest import read_json
from frontier.results.schema import RESULT_FORMAT

LARGEST_BATCH_BYTES = 1 << 32  # three hundred cells with a million weights each; also as unfolded


@dataclass(frozen=True, slots=True, eq=False)
class BatchResult:
    """What one batch file holds: metrics rows, weights (rows × n), estimates (rows × m), traces.

    Each cell has a row as fitted, followed by one for each refit. Those of failed cells are empty in `weights` and NaN
    in `estimates`.
    """

    rows: list[dict[str, Any]]
    weights: sp.csr_array
    estimates: FloatArray
    traces: list[dict[str, list[float]]]

    @property
    def code(self) -> str:
        """By which code it was made (`provenance.method_code`); empty for results from before rows said so."""
        return str(self.rows[0].get("code", "")) if self.rows else ""


class DamagedFile(Exception):
    """A stored file that cannot be read back whole."""


@dataclass(frozen=True, slots=True)
class Store:
    """The results folder of one experiment."""

    folder: Path

    @property
    def batches(self) -> Path:
        return self.folder / "batches"

    def path(self, key: str) -> Path:
        return self.batches / f"{key}.npz"

    def marker(self, key: str) -> Path:
        """Exists while a batch is being solved, or when a process died in it."""
        return self.batches / f"{key}.started"

    def open(self, fresh: bool) -> None:
        """Create the folder (emptying it first when `fresh`), and refuse one of another format version."""
        manifest = self.folder / "manifest.json"
        if not fresh and manifest.exists():
            found = read_json(manifest).get("format")
            if found != RESULT_FORMAT:
                raise InputError(
                    manifest,
                    "results of another format version",
                    expected=RESULT_FORMAT,
                    got=found,
                    cure="use --fresh to start over, or --out for another folder",
                )
        try:
            if fresh and self.batches.exists():
                shutil.rmtree(self.batches)
            self.batches.mkdir(parents=True, exist_ok=True)
            self._tidy()
        except OSError as error:
            raise InputError(self.folder, f"cannot be written: {error.strerror}", cure="use --out") from None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process; a second one is refused with the holder's process id."""
        holder = self.folder / ".process"
        lock = FileLock(self.folder / ".lock", blocking=False)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            write_atomically(holder, str(os.getpid()).encode())
        except Timeout:
            raise InputError(
                self.folder,
                f"in use by process {holder.read_text() if holder.exists() else 'unknown'}",
                cure="wait for it, or use --out for another folder",
            ) from None
        except OSError as error:
            raise InputError(self.folder, f"cannot be written: {error.strerror}", cure="use --out") from None
        try:
            yield
        finally:
            self._tidy()
            holder.unlink(missing_ok=True)
            lock.release()

    def _tidy(self) -> None:
        """Take away what processes were writing when they were killed: a run that ends early ends its workers so."""
        for scratch in self.folder.rglob(".*.tmp"):
            scratch.unlink(missing_ok=True)

    def write(self, key: str, result: BatchResult) -> None:
        """Write one finished batch atomically."""
        weights = sp.csr_array(result.weights)
        text = json.dumps({"key": key, "rows": result.rows, "traces": result.traces})
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            json=np.frombuffer(text.encode(), dtype=np.uint8),
            data=weights.data,
            indices=weights.indices,
            indptr=weights.indptr,
            shape=np.array(weights.shape),
            estimates=result.estimates,
        )
        write_atomically(self.path(key), sealed(buffer.getvalue()))
        self.marker(key).unlink(missing_ok=True)

    def read(self, key: str) -> BatchResult | None:
        """The stored result of a batch, None if there is none.

        Raises `DamagedFile` if it cannot be trusted: not whole, or of another batch than its name says.
        """
        path = self.path(key)
        try:
            arrays = read_arrays(unsealed(read_limited(path, LARGEST_BATCH_BYTES)), LARGEST_BATCH_BYTES)
            text = json.loads(arrays["json"].tobytes())
            shape = tuple(arrays["shape"])
            weights = sp.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
            result = BatchResult(text["rows"], weights, np.asarray(arrays["estimates"], np.float64), text["traces"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedFile(f"{path.name}: {error}") from error
        if text.get("key", key) != key:  # results from before files said so are bound by their cells alone
            raise DamagedFile(f"{path.name}: holds the batch {text['key']}")
        if not len(result.rows) == weights.shape[0] == len(result.estimates):
            raise DamagedFile(f"{path.name}: rows, weights and estimates are not as many")
        return result

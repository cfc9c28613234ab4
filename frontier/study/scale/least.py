"""The least that a fit of the scale study must move through memory, whatever the program, and how long that takes.

Bytes: A is read once per pass, 8 bytes per non-zero in single precision and 12 in double, and what the optimiser keeps
of each record is read and written once per epoch. Passes: one per epoch of Adam (the gradient and the next estimates,
`solvers.gates.kernel`), over the drawn records alone where a sample is reweighted; two per Newton step (`Aᵀθ` and
`A w`; conjugate gradients within a step are not counted, since another solver would not need them), and one in all
where the number of iterations says nothing of passes. Seconds: bytes over the rate at which this machine reads
and writes arrays of the matrix's size again and again, measured with as many threads: a small matrix stays in a cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from frontier.core.errors import InputError
from frontier.core.files import write_atomically
from frontier.solvers.gates.block import block_widths

SINGLE, DOUBLE = 8.0, 12.0  # bytes of an entry: value and index
GATED_STATE, DENSE_STATE = 48.0, 24.0  # bytes of a record and cell in an epoch: 6 and 3 float32, read and written
RATES = "rates.json"
MEASURED_BYTES = tuple(1 << power for power in range(16, 31))  # 64 kilobytes to a gigabyte, of all threads together
EPOCHS = {"hard_concrete": GATED_STATE, "dense_adam": DENSE_STATE}
NEWTON = ("anchored_l1", "leverage_sample")
SAMPLED = "random_reweight"  # epochs in double precision over the drawn records, which hold their share of the entries


@dataclass(frozen=True, slots=True)
class Rates:
    """Bytes per second that a machine reads and writes, beside the bytes of the arrays it went over, increasing."""

    swept: tuple[float, ...]
    per_second: tuple[float, ...]
    threads: int = 1

    def at(self, size: float) -> float:
        """The rate for arrays of so many bytes: in logarithms a line between sizes, beyond them the nearest."""
        return float(np.exp(np.interp(np.log(size), np.log(self.swept), np.log(self.per_second))))


def least_seconds(row: Mapping[Any, Any], rates: Rates) -> float:
    """What a row of `costs` must take at least, seconds."""
    entries, ours = float(row["nnz"]), _ours(row)
    if ours == SAMPLED:
        entries *= float(row["n_active"]) / float(row["n_records"])
    return least_bytes(row) / rates.at((SINGLE if ours in EPOCHS else DOUBLE) * entries)


def least_bytes(row: Mapping[Any, Any]) -> float:
    """What a row of `costs` must move at least, bytes."""
    nnz, n, cells, iterations = (float(row[name]) for name in ("nnz", "n_records", "n_cells", "n_iter"))
    ours = _ours(row)
    if ours in EPOCHS:
        return iterations * (SINGLE * nnz * len(block_widths(int(cells))) + EPOCHS[ours] * n * cells)
    if ours == SAMPLED:
        drawn = float(row["n_active"])
        return iterations * (DOUBLE * nnz * drawn / n + 2 * DENSE_STATE * drawn)
    return DOUBLE * nnz * (2 * iterations if ours in NEWTON else 1)


def _ours(row: Mapping[Any, Any]) -> str:
    """The method whose work a row's is, whoever does it."""
    return str(row["method"]).removeprefix("peers.").replace("l0_python", "hard_concrete")


def measure_rates(folder: Path, threads: int) -> None:
    """Measure how fast this machine reads and writes with so many threads, and keep it beside the results."""
    from frontier.study.roofline_model import bandwidth

    found = Rates(MEASURED_BYTES, tuple(bandwidth(size // threads, threads) for size in MEASURED_BYTES), threads)
    write_atomically(folder / RATES, (json.dumps(asdict(found)) + "\n").encode())


def read_rates(folder: Path) -> Rates | None:
    """The rates of the machine that a run was measured on; None where nobody measured."""
    path = folder / RATES
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        swept, per_second = ([float(x) for x in found[name]] for name in ("swept", "per_second"))
        if not swept or len(swept) != len(per_second) or min(swept + per_second) <= 0:
            raise ValueError("not a rate for each size")
        return Rates(tuple(swept), tuple(per_second), int(found["threads"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(path, f"not a table of rates: {error}", cure="measure again: --measure") from None

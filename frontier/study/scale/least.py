"""The least that a fit of the scale study must move through memory, whatever the program, and how long that takes.

Bytes: A is read once per pass, 8 bytes per non-zero in single precision and 12 in double, and what the optimiser keeps
of each record is read and written once per epoch. Passes: one per epoch of Adam (the gradient and the next estimates,
`solvers.gates.kernel`), over the drawn records alone where a sample is reweighted; two per Newton step (`Aᵀθ` and
`A w`; conjugate gradients within a step are not counted, since another solver would not need them), and one in all
where the number of iterations says nothing of passes. Seconds: bytes over the bandwidth of this machine's memory,
measured with as many threads on arrays of a gigabyte in all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frontier.core.errors import InputError
from frontier.solvers.gates.block import block_widths

SINGLE, DOUBLE = 8.0, 12.0  # bytes of an entry: value and index
GATED_STATE, DENSE_STATE = 48.0, 24.0  # bytes of a record and cell in an epoch: 6 and 3 float32, read and written
RATES = "rates.json"
MEASURED_BYTES = 1 << 30
EPOCHS = {"hard_concrete": GATED_STATE, "dense_adam": DENSE_STATE}
NEWTON = ("anchored_l1", "leverage_sample")
SAMPLED = "random_reweight"  # epochs in double precision over the drawn records, which hold their share of the entries


def least_bytes(row: Mapping[Any, Any]) -> float:
    """What a row of `costs` must move at least, bytes."""
    nnz, n, cells, iterations = (float(row[name]) for name in ("nnz", "n_records", "n_cells", "n_iter"))
    method = str(row["method"])
    ours = method.removeprefix("peers.").replace("l0_python", "hard_concrete")  # the same work, whoever does it
    if ours in EPOCHS:
        return iterations * (SINGLE * nnz * len(block_widths(int(cells))) + EPOCHS[ours] * n * cells)
    if ours == SAMPLED:
        drawn = float(row["n_active"])
        return iterations * (DOUBLE * nnz * drawn / n + 2 * DENSE_STATE * drawn)
    return DOUBLE * nnz * (2 * iterations if ours in NEWTON else 1)


def measure_rates(folder: Path, threads: int) -> None:
    """Measure this machine's bandwidth with so many threads, and keep it beside the results."""
    from frontier.study.roofline_model import bandwidth

    rate = bandwidth(MEASURED_BYTES // threads, threads)
    (folder / RATES).write_text(json.dumps({"bytes_per_second": rate, "threads": threads}) + "\n", encoding="utf-8")


def read_rate(folder: Path) -> float | None:
    """Bytes per second of the machine that a run was measured on; None where nobody measured."""
    path = folder / RATES
    if not path.is_file():
        return None
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["bytes_per_second"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(path, f"not a table of rates: {error}", cure="measure again: --measure") from None

"""Checkpoints of a fit: one sealed file per block, which another run of the same fit goes on from.

A file is named by a digest of all that decides the result (design, cells, settings, the code of this folder), so it is
never taken up by another fit; epochs are part of it only where they change what comes before. On the CPU a resumed fit
is the uninterrupted one, bit for bit. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from frontier.core.errors import InputError
from frontier.core.files import read_arrays, read_limited, sealed, unsealed, write_atomically
from frontier.solvers.gates.monitor import Monitor, Trainer

LARGEST_BYTES = 1 << 34  # some states of 16 cells with ten million records


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Where a fit keeps its state, after how many epochs, and the digest of the fit; `keep`: also when it is done."""

    folder: Path
    every: int
    digest: str
    keep: bool = False

    def __post_init__(self) -> None:
        if self.every < 1:
            raise InputError("checkpoint_every", "too few epochs", expected="an integer ≥ 1", got=self.every)

    def load(self, trainer: Trainer, monitor: Monitor, epochs: int) -> None:
        """Set trainer and monitor to the state kept for them, if there is one of at most `epochs` epochs.

        Raises `InputError` for a damaged file.
        """
        path = self._path(trainer)
        try:
            arrays = read_arrays(unsealed(read_limited(path, LARGEST_BYTES)), LARGEST_BYTES)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise InputError(path, f"no usable checkpoint: {error}", cure="delete it to start over") from None
        if int(arrays["epoch"]) > epochs:  # of a longer fit
            return
        trainer.restore(arrays)
        monitor.restore(arrays)

    def save(self, trainer: Trainer, monitor: Monitor) -> None:
        arrays: dict[str, NDArray[np.generic]] = trainer.arrays() | monitor.arrays()
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # stubs take the names for its options
        write_atomically(self._path(trainer), sealed(buffer.getvalue()))

    def finish(self, trainer: Trainer, monitor: Monitor) -> None:
        """What is left of a finished fit: its state, for more epochs, or nothing."""
        if self.keep:
            self.save(trainer, monitor)
        else:
            self._path(trainer).unlink(missing_ok=True)

    def _path(self, trainer: Trainer) -> Path:
        cells = ";".join(f"{cell.lam!r},{cell.seed}" for cell in trainer.cells)
        name = hashlib.sha256(f"{_code()};{self.digest};{cells}".encode()).hexdigest()[:32]
        return self.folder / f"{name}.checkpoint.npz"


@cache
def _code() -> str:
    """A digest of the files beside this one, which train the gates."""
    content = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(content).hexdigest()

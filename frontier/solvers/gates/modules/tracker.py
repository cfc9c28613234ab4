"""What a training loop wants to remember: one row a step, as a table, a CSV file and a figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from frontier.core.errors import InputError
from frontier.core.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Tracker:
    """Numbers by step; a step may leave some out."""

    def __init__(self) -> None:
        self._rows: list[dict[str, float]] = []

    def add(self, values: Mapping[str, float]) -> None:
        """Remember the numbers of one step."""
        self._rows.append({name: float(value) for name, value in values.items()})

    @property
    def table(self) -> pd.DataFrame:
        """One row a step, one column a name; NaN where a step left it out."""
        return pd.DataFrame(self._rows, index=pd.RangeIndex(1, len(self._rows) + 1, name="step"))

    def to_csv(self, path: Path | str) -> None:
        """Write the table, whole or not at all."""
        write_atomically(Path(path), self.table.to_csv().encode())

    def figure(self) -> Figure:
        """One panel a name, over the steps; `savefig` writes it. Raises `InputError` when nothing was added."""
        from matplotlib.figure import Figure

        table = self.table
        if table.empty:
            raise InputError("tracker", "nothing to draw", cure="add the numbers of a step first")
        figure = Figure(figsize=(7.0, 1.6 * table.shape[1] + 0.6), layout="constrained")
        for ax, (name, values) in zip(figure.subplots(table.shape[1], 1, sharex=True, squeeze=False)[:, 0],
                                      table.items(), strict=True):  # fmt: skip
            ax.plot(values.dropna())
            ax.set_ylabel(str(name))
        ax.set_xlabel("step")
        return figure

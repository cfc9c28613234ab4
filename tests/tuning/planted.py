"""A problem whose initial weights are exact, and a method whose error is how far its settings are from the best."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

N, FAMILIES = 40, 6
BEST = 0.7  # of `x`; the best `kind` is "right", the best `size` 5
METHOD = '''
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from frontier import Between, Method, OneOf, Solution, Status

@dataclass(frozen=True, kw_only=True)
class Planted(Method):
    """Weights off by the distance of its settings from the best ones."""

    axes: ClassVar = frozenset()
    search_space: ClassVar = {
        "x": Between(0.0, 1.0), "kind": OneOf(("wrong", "right", None)), "size": Between(1, 9), "burn": OneOf((0, 1)),
    }
    x: float = 0.1
    kind: str | None = "wrong"
    size: int = 1
    burn: int = 0
    fails_above: float = 1.0

    def solve(self, problem, points):
        if self.x > self.fails_above:
            np.linalg.eigvals(np.random.default_rng(0).random((150, 150)))  # a failure that costs
            raise ArithmeticError("planted failure")
        off = abs(self.x - 0.7) + 0.2 * (self.kind != "right") + 0.05 * abs(self.size - 5)
        return [Solution(problem.w0 * (1 + off), Status.COMPLETED)] * len(points)
'''


def write_planted(folder: Path, tune: str, *, entry: str = "", extra: str = "", poisoned: bool = False) -> Path:
    """The files of an experiment that tunes the planted method; its path."""
    rng = np.random.default_rng(0)
    M = sp.csr_array((rng.random((3 * FAMILIES, N)) < 0.5).astype(float) + np.eye(3 * FAMILIES, N))
    families = np.repeat([f"f{i}" for i in range(FAMILIES)], 3)
    values = M @ np.ones(N)
    if poisoned:
        values[families == "f0"] *= 7.0
    folder.mkdir(exist_ok=True)
    sp.save_npz(folder / "M.npz", M)
    names = [f"t{j}" for j in range(len(values))]
    pd.DataFrame({"name": names, "family": families, "value": values}).to_csv(folder / "targets.csv", index=False)
    pd.DataFrame({"weight": np.ones(N)}).to_csv(folder / "records.csv", index=False)
    (folder / "planted.py").write_text(METHOD)
    path = folder / "planted.yaml"
    path.write_text(
        "problems: [{name: files, label: made, matrix: M.npz, targets: targets.csv, records: records.csv}]\n"
        "splits: [{design: held_out_families, families: [f0]}]\n"
        f"methods: [{{name: 'planted.py:Planted'{entry}}}{extra}]\n"
        f"tune: {tune}\n"
    )
    return path

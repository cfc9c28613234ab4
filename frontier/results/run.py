"""A run as it is read back: its cells table and its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The cells table and the manifest of a run or a baseline."""

    cells: pd.DataFrame
    manifest: Mapping[str, Any]

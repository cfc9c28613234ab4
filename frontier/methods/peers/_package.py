"""What wrapped packages share: a late import with the cure when it is missing, the λ in force, columns as they want."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import Literal

import numpy as np
import scipy.sparse as sp

from frontier.core.errors import InputError
from frontier.core.point import Point

LamUnit = Literal["absolute", "lam_max"]
INSTALL = "python -m pip install -c constraints.txt -e '.[peers]'"


def imported(module: str, method: str) -> ModuleType:
    """The module `module` of an optional package; `InputError` with the cure when the package is not installed.

    Only a missing package is told this way: a package that is there and fails to import raises what it raises.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise InputError(
            f"method '{method}'", f"the package '{package}' is not installed", cure=f"install it: {INSTALL}"
        ) from None


def lams_in_force(points: Sequence[Point], unit: LamUnit, lam_max: float) -> list[float]:
    """The absolute λ of each point, in their order."""
    factor = 1.0 if unit == "absolute" else lam_max
    return [factor * float(point.lam) for point in points if point.lam is not None]


def sparse_columns(A: sp.csr_array) -> sp.csc_matrix:
    """A copy of `A` by columns, sorted, with 32-bit indices: the only ones scikit-learn takes, and one compilation."""
    X = sp.csc_matrix(A)
    X.sort_indices()
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X

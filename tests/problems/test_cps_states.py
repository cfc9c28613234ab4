"""The tax units of the whole country: the published problem to the last cent."""

from __future__ import annotations

import hashlib

import numpy as np

from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split


def test_it_is_the_published_problem() -> None:
    problem = load_problem("cps_states")
    M = problem.M
    assert M.shape == (2_376, 280_005)
    assert M.nnz == 2_722_325
    assert default_split(problem).train.sum() == 2_121
    assert problem.w0.sum() == 170_633_811
    assert problem.meta["record"] == "tax_unit"
    parts = [M.indptr.astype("<i8"), M.indices.astype("<i8"), np.rint(M.data * 100).astype("<i8"), problem.y]
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    assert digest == "770b2360e1b7e49ed05821791b356954a0d1e92aeda4094293d773d7eb24b389"

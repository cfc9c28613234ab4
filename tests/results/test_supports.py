"""What a fit shares with fits of other seeds is counted within one identity, and only where there are weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp

from frontier.results.schema import cells_table
from frontier.results.supports import shared_records
from tests.analysis.runs import row


def cells(rows: list[dict[str, object]]) -> pd.DataFrame:
    return cells_table([row("a", method="a", **values) for values in rows])


def test_records_in_common_are_the_mean_over_the_other_seeds_of_the_same_point() -> None:
    table = cells([{"lam": lam, "seed": seed} for lam in (0.1, 0.2) for seed in (0, 1, 2)])
    weights = sp.csr_array(
        np.array([[1, 2, 0, 3], [1, 0, 0, 1], [0, 5, 5, 0], [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=float)
    )
    np.testing.assert_array_equal(shared_records(table, weights), [1.5, 1, 0.5, 0.5, 0, 0.5])


def test_a_point_without_another_seed_or_without_weights_shares_nothing() -> None:
    table = cells([{"seed": 0}, {"seed": 1, "status": "error", "n_active": pd.NA}, {"seed": None, "lam": 0.2}])
    weights = sp.csr_array(np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]))
    assert np.isnan(shared_records(table, weights)).all()

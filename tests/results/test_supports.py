"""What fits have in common with others is counted along one axis at a time, and only where there are weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp

from frontier.results.schema import cells_table
from frontier.results.supports import overlaps
from tests.analysis.runs import row

SIX = sp.csr_array(
    np.array([[1, 2, 0, 3], [1, 0, 0, 1], [0, 5, 5, 0], [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=float)
)


def cells(rows: list[dict[str, object]]) -> pd.DataFrame:
    return cells_table([row("a", method="a", **values) for values in rows])


def test_records_in_common_are_the_mean_over_the_other_seeds_of_the_same_point() -> None:
    found = overlaps(cells([{"lam": lam, "seed": seed} for lam in (0.1, 0.2) for seed in (0, 1, 2)]), SIX)
    np.testing.assert_array_equal(found["shared_records"], [1.5, 1, 0.5, 0.5, 0, 0.5])
    jaccard = [(2 / 3 + 1 / 4) / 2, (2 / 3 + 0) / 2, (1 / 4 + 0) / 2, (0 + 1 / 4) / 2, 0, (1 / 4 + 0) / 2]
    np.testing.assert_allclose(found["jaccard_over_seeds"], jaccard, rtol=1e-12)  # sums of a few fractions
    assert found["shared_over_splits"].isna().all()


def test_over_hold_outs_only_folds_of_one_design_with_the_same_seed_are_compared() -> None:
    splits = ("rotation_1of2", "rotation_2of2", "default")
    found = overlaps(cells([{"split": split, "seed": seed} for seed in (None, 1) for split in splits]), SIX)
    np.testing.assert_array_equal(found["shared_over_splits"], [2, 2, np.nan, 0, 0, np.nan])
    np.testing.assert_allclose(found["jaccard_over_splits"], [2 / 3, 2 / 3, np.nan, 0, 0, np.nan], rtol=1e-12)
    assert found[["shared_records", "jaccard_over_seeds"]].isna().all(axis=None)  # no row has another seed


def test_a_point_without_another_seed_or_without_weights_shares_nothing() -> None:
    table = cells([{"seed": 0}, {"seed": 1, "status": "error", "n_active": pd.NA}, {"seed": None, "lam": 0.2}])
    weights = sp.csr_array(np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]))
    assert overlaps(table, weights).isna().all(axis=None)


def test_two_fits_without_a_record_have_none_in_common_and_no_index() -> None:
    found = overlaps(cells([{"seed": 0}, {"seed": 1}]), sp.csr_array((2, 4)))
    np.testing.assert_array_equal(found["shared_records"], [0, 0])
    assert found["jaccard_over_seeds"].isna().all()

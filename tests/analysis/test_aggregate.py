from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from frontier.analysis.aggregate import METRICS, aggregate, prepare
from frontier.core.errors import InputError


def aggregated(cells: pd.DataFrame) -> pd.DataFrame:
    return aggregate(prepare(cells))


def cell(**changes: Any) -> dict[str, Any]:
    row = {
        "problem": "tiny",
        "split": "default",
        "method": "gates",
        "label": "gates",
        "lam": 0.1,
        "budget": pd.NA,
        "seed": 0,
        "refit": "none",
        "lam_absolute": 0.1,
        "status": "completed",
        "message": "",
        "certified": pd.NA,
        "relative_gap": pd.NA,
        "n_active": 10,
        "train_mare": 0.1,
        "heldout_mare": 0.2,
        "heldout_capped_mare": 0.2,
        "ess": 5.0,
        "fit_seconds": 1.0,
        "timing": "clean",
    }
    return row | changes


def failed(**changes: Any) -> dict[str, Any]:
    return cell(**dict.fromkeys(METRICS, pd.NA), status="timeout", message="60 s") | changes


def only(cells: list[dict[str, Any]]) -> pd.Series[Any]:
    table = aggregated(pd.DataFrame(cells))
    assert len(table) == 1
    return table.iloc[0]


def test_seeds_collapse_to_their_mean_range_and_standard_error() -> None:
    errors = np.array([0.12, 0.15, 0.11, 0.2, 0.13])
    row = only([cell(seed=s, heldout_mare=e, n_active=10 + s) for s, e in enumerate(errors)])
    assert (row["n_seeds"], row["n_with_weights"], row["seeded"]) == (5, 5, True)
    expected = [errors.mean(), 0.11, 0.2, errors.std(ddof=1) / np.sqrt(5)]
    got = [row[f"heldout_mare_{name}"] for name in ("mean", "min", "max", "se")]
    np.testing.assert_allclose(got, expected, rtol=1e-15)  # the same sums in the same order, up to rounding
    assert (row["n_active_mean"], row["n_active_min"], row["n_active_max"]) == (12, 10, 14)


def test_repeats_do_not_count_as_seeds() -> None:
    repeated = [cell(seed=s, heldout_mare=0.1 + s, repeat=r, fit_seconds=10.0**r) for r in range(3) for s in range(2)]
    row, once = only(repeated), only(repeated[:2])
    assert row["n_seeds"] == 2
    pd.testing.assert_series_equal(row, once)


def test_one_seed_has_no_standard_error() -> None:
    row = only([cell()])
    assert all(np.isnan(row[f"{metric}_se"]) for metric in METRICS)
    assert row["ess_min"] == row["ess_mean"] == row["ess_max"] == 5


def test_a_method_without_seeds_is_not_called_seeded() -> None:
    assert not only([cell(seed=pd.NA)])["seeded"]


def test_cells_without_weights_are_counted_and_never_averaged() -> None:
    stray = failed(seed=2, train_mare=99.0)  # a metric of a failed cell would be a mistake upstream
    row = only([cell(seed=0), cell(seed=1, train_mare=0.3), stray])
    assert (row["n_seeds"], row["n_with_weights"]) == (3, 2)
    assert row["train_mare_mean"] == pytest.approx(0.2, rel=1e-15)
    assert row["statuses"] == "completed 2, timeout 1"


def test_a_point_where_everything_failed_is_still_a_row() -> None:
    row = only([failed(seed=s) for s in range(3)])
    assert row["statuses"] == "timeout x3"
    assert row["n_with_weights"] == 0
    assert np.isnan(row["heldout_mare_mean"])
    assert np.isnan(row["relative_gap_worst"])
    assert pd.isna(row["certified"])
    assert row["timing"] == ""


def test_missing_values_of_single_cells_are_left_out() -> None:
    row = only([cell(seed=0, heldout_mare=pd.NA), cell(seed=1, heldout_mare=0.4), cell(seed=2, heldout_mare=None)])
    assert row["heldout_mare_mean"] == 0.4
    assert row["n_with_weights"] == 3


def test_an_infinite_error_stays_infinite_without_a_warning() -> None:
    row = only([cell(seed=0, heldout_mare=np.inf), cell(seed=1)])
    assert row["heldout_mare_mean"] == np.inf
    assert np.isnan(row["heldout_mare_se"])


@pytest.mark.parametrize(
    ("certified", "expected"),
    [([True, True], "all"), ([True, False], "any"), ([False, False], "none"), ([True, pd.NA], "all")],
)
def test_certificates_are_summarised(certified: list[Any], expected: str) -> None:
    assert only([cell(seed=s, certified=c) for s, c in enumerate(certified)])["certified"] == expected


def test_without_a_certificate_there_is_no_verdict() -> None:
    assert pd.isna(only([cell()])["certified"])


def test_the_worst_gap_is_the_largest_that_is_known() -> None:
    gaps = [1e-9, 0.03, pd.NA, 1e-4]
    assert only([cell(seed=s, relative_gap=g) for s, g in enumerate(gaps)])["relative_gap_worst"] == 0.03


def test_hollow_cells_are_those_not_converged_or_refused() -> None:
    cells = [cell(seed=0, status="not_converged"), cell(seed=1, certified=False), cell(seed=2, certified=True)]
    assert only([*cells, failed(seed=3)])["n_hollow"] == 2


def test_statuses_read_alone_repeated_and_mixed() -> None:
    assert only([cell(status="optimal")])["statuses"] == "optimal"
    assert only([cell(seed=s) for s in range(5)])["statuses"] == "completed x5"
    mixed = [cell(seed=s, status="optimal" if s < 3 else "not_converged") for s in range(5)]
    assert only(mixed)["statuses"] == "optimal 3, not_converged 2"


def test_unlike_timings_are_never_averaged() -> None:
    kinds = ["contended", "clean", "clean", "amortised"]
    row = only([cell(seed=s, timing=k, fit_seconds=10.0**s) for s, k in enumerate(kinds)])
    assert row["timing"] == "clean (2 of 4)"
    assert (row["fit_seconds_min"], row["fit_seconds_max"]) == (10, 100)


def test_points_are_told_apart_by_every_part_of_their_identity() -> None:
    others: list[dict[str, Any]] = [
        {"problem": "other"},
        {"split": "wages"},
        {"label": "fast gates"},
        {"method": "nn_lasso"},
        {"refit": "nnls"},
        {"lam": 0.2},
        {"lam": pd.NA, "budget": 5},
        {"lam": pd.NA},
    ]
    table = aggregated(pd.DataFrame([cell(), *(cell(**other) for other in others)]))
    assert len(table) == 1 + len(others)
    assert (table["n_seeds"] == 1).all()


def test_rows_are_in_order_with_the_fit_before_its_refit() -> None:
    points = [("b", "none", 0.1), ("a", "nnls", 0.1), ("a", "none", 0.2), ("a", "none", 0.1)]
    table = aggregated(pd.DataFrame([cell(label=label, refit=refit, lam=lam) for label, refit, lam in points]))
    expected = [("a", "none", 0.1), ("a", "none", 0.2), ("a", "nnls", 0.1), ("b", "none", 0.1)]
    assert list(table[["label", "refit", "lam"]].itertuples(index=False, name=None)) == expected


def test_the_order_of_the_cells_changes_nothing() -> None:
    generator = np.random.default_rng(0)
    cells = pd.DataFrame([cell(lam=lam, seed=s, ess=generator.random()) for lam in (0.1, 0.2) for s in range(7)])
    shuffled = cells.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(aggregated(cells), aggregated(shuffled), check_exact=True)


def test_the_input_is_not_touched() -> None:
    cells = pd.DataFrame([cell(seed=1), cell(seed=0)])
    before = cells.copy(deep=True)
    aggregated(cells)
    pd.testing.assert_frame_equal(cells, before)


def test_nullable_and_plain_columns_give_the_same_rows() -> None:
    plain = pd.DataFrame([cell(seed=0), failed(seed=1)])
    nullable = plain.convert_dtypes()
    nullable["certified"] = nullable["certified"].astype("boolean")
    pd.testing.assert_frame_equal(aggregated(plain), aggregated(nullable), check_exact=True)


def test_columns_that_were_not_measured_may_be_missing() -> None:
    row = only([{"problem": "tiny", "label": "gates", "status": "completed"}])
    assert (row["split"], row["refit"], row["timing"]) == ("default", "none", "unmeasured")
    assert np.isnan(row["n_active_mean"])


def test_no_cells_give_no_rows_but_all_columns() -> None:
    full = aggregated(pd.DataFrame([cell()]))
    empty = aggregated(pd.DataFrame(columns=list(cell())))
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)


def test_a_missing_identity_is_told_by_name() -> None:
    with pytest.raises(InputError, match="cells: no column 'status'"):
        prepare(pd.DataFrame([cell()]).drop(columns="status"))


def test_text_where_a_number_belongs_is_refused() -> None:
    with pytest.raises(InputError, match=r"cells\.ess: not a number"):
        prepare(pd.DataFrame([cell(ess="many")]))


def test_a_date_is_no_number() -> None:
    with pytest.raises(InputError, match=r"cells\.ess: not a number"):
        prepare(pd.DataFrame([cell(ess=pd.Timestamp("2020-01-01"))]))

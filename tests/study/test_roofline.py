"""The bound counts what must be moved and computed, and its rates are measured."""

from __future__ import annotations

import pytest

from frontier.study import kernel_parts
from frontier.study import roofline_model as roofline


def test_the_bound_counts_state_matrix_and_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "bandwidth", lambda *_: 1e9)
    monkeypatch.setattr(roofline, "multiply_adds", lambda *_: 1e10)
    least = roofline.bound(n=1000, nnz=5000, cells=23, epochs=10, threads=2)
    # 23 cells: a block of 16 and 7 padded to 8; state 6 arrays read and written, A once per block
    assert least.moved_bytes == 10 * (2 * 6 * 4 * 1000 * 23 + 8 * 5000 * 2)
    assert least.operations == 10 * (4 * 5000 * 23 + roofline.ELEMENTWISE * 1000 * 23)
    assert least.seconds == max(least.moved_bytes / 1e9, least.operations / 1e10)


def test_rates_are_measured_and_more_than_a_snails() -> None:
    assert roofline.bandwidth(1 << 20, 1) > 1e8  # any machine moves 0.1 GB/s in a cache
    assert roofline.multiply_adds(1) > 1e8


def test_the_parts_of_an_epoch_are_counted_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_parts, "_draw_seconds", lambda: 1e-9)
    monkeypatch.setattr(kernel_parts, "_update_seconds", lambda: 2e-9)
    monkeypatch.setattr(kernel_parts, "_entry_seconds", lambda width: width * 1e-9)
    found = kernel_parts.parts(n=1000, nnz=5000, cells=32, seeds=4, epochs=10, threads=2)
    # two blocks of 16, two seeds in each, on two threads
    assert found.draws == pytest.approx(10 * 1000 * 4 * 1e-9 / 2)
    assert found.updates == pytest.approx(10 * 1000 * 32 * 2e-9 / 2)
    assert found.products == pytest.approx(10 * 5000 * 32 * 1e-9 / 2)
    assert found.seconds == pytest.approx(found.draws + found.updates + found.products)


def test_the_parts_of_an_epoch_are_measured() -> None:
    found = kernel_parts.parts(n=1000, nnz=5000, cells=1, seeds=1, epochs=10, threads=1)
    assert min(found.draws, found.updates, found.products) > 1e-7  # 10,000 numbers, at more than a hundredth of a ns

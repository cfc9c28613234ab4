"""Timings are judged only where they mean something, in units of a reference of the same run."""

from __future__ import annotations

from typing import Any

import pytest

from frontier.analysis.regression.timings import compare_timings
from frontier.core.errors import InputError
from frontier.results.run import Run
from tests.analysis.runs import MACHINE, row, run


def timed(ours: float, theirs: float, repeats: int = 3, manifest: dict[str, Any] | None = None, **values: Any) -> Run:
    rows = [
        row(label, lam=lam, repeat=r, fit_seconds=seconds * (1 + r), **values)
        for label, seconds in (("ours @ p", ours), ("reference", theirs))
        for lam in (0.1, 0.2)
        for r in range(repeats)
    ]
    return run(*rows, **(manifest or {}))


def found(now: Run, baseline: Run) -> dict[str, Any]:
    [finding] = compare_timings(now, baseline, "reference", 1.5).to_dict("records")
    return {str(name): value for name, value in finding.items()}


def test_a_slower_machine_changes_no_ratio_and_a_slower_method_does() -> None:
    baseline = timed(2.0, 1.0)
    assert found(timed(20.0, 10.0), baseline)["verdict"] == "pass"
    slow = found(timed(3.2, 1.0), baseline)
    assert slow["verdict"] == "regression"
    assert (slow["baseline"], slow["now"]) == pytest.approx((2.0, 3.2), rel=1e-12)  # quotients
    assert found(timed(1.0, 1.0), baseline)["verdict"] == "improved"
    assert (slow["label"], slow["metric"]) == ("ours", "seconds/reference")


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (timed(9.0, 1.0, manifest={"machine": MACHINE | {"processor": "q"}}), "made on another machine"),
        (timed(9.0, 1.0, manifest={"machine": {}}), "made on another machine"),
        (timed(9.0, 1.0, manifest={"threads_per_batch": 2}), "another number of threads"),
        (timed(9.0, 1.0, timing="contended"), "timings are clean, contended"),
        (timed(9.0, 1.0, timing="amortised"), "timings are amortised, clean"),
        (timed(9.0, 1.0, batch_size=2), "batches of another size"),
        (timed(9.0, 1.0, status="error"), "a cell has no weights"),
        (timed(9.0, 1.0, repeats=2), "2 repeats, a median needs 3"),
    ],
)
def test_timings_that_cannot_be_compared_are_a_warning_whatever_they_say(now: Run, reason: str) -> None:
    finding = found(now, timed(1.0, 1.0))
    assert (finding["verdict"], finding["note"]) == ("warning", f"not comparable: {reason}")


def test_a_reference_that_did_not_run_is_one_clear_line() -> None:
    with pytest.raises(
        InputError, match="--reference: no such method in the run: 'referenc'; did you mean 'reference'"
    ):
        compare_timings(timed(1, 1), timed(1, 1), "referenc", 1.5)

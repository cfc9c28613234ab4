"""What a run comes to, as the terminal shows it: a table at one size, smallest error first, and the bold sentences."""

from __future__ import annotations

from typing import Any

from frontier.reporting.answer import answer
from frontier.reporting.document import Document, Text
from frontier.reporting.prepared import Prepared
from tests.analysis.runs import row, run

ERRORS = {"near": 0.105, "best": 0.1, "far": 0.3}


def prepared(**values: Any) -> Prepared:
    rows = [
        row(label, budget=budget, n_active=budget, heldout_capped_mare=error, lam_absolute=None, certified=None)
        | {"budget_reached": True, "relative_gap": None, "n_equicorrelated": None}
        | values
        for label, error in ERRORS.items()
        for budget in (50, 100, 200)
    ]
    found = run(*rows)
    return Prepared(found.cells, found.manifest)


def test_methods_stand_at_the_middle_size_with_the_smallest_error_first() -> None:
    title, header, *rows, note = answer(prepared(), None)
    assert title.startswith("p")
    assert header.split() == ["method", "records", "training", "error", "held-out", "error", "ESS", "seconds"]
    assert [line.split()[:2] for line in rows] == [["best", "100"], ["near", "100"], ["far", "100"]]
    assert [line.endswith("level") for line in rows] == [True, True, False]
    assert note == "  level: within 1 point of the best; no test"


def test_an_error_too_small_to_mean_anything_is_told_as_that() -> None:
    assert "<1e-04%" in "\n".join(answer(prepared(train_mare=3e-16), None))


def test_a_known_truth_is_what_is_shown() -> None:
    lines = answer(prepared(truth_mean=0.42), None)
    assert "hidden error" in lines[1]
    assert "42.0%" in lines[2]


def test_the_bold_sentences_of_the_first_page_come_once_and_plain() -> None:
    said = Text("**Of 2 declared contrasts 1 has a winner.** The sign of 0 changes.")
    lines = answer(prepared(), Document("t", [said, said, Text("not in bold")]))
    assert lines[-1] == "Of 2 declared contrasts 1 has a winner. The sign of 0 changes."
    assert "winner" not in lines[-2]


def test_emphasis_is_not_shown_and_an_asterisk_of_a_name_is() -> None:
    lines = answer(prepared(), Document("t", [Text("*ohio.* **A\\* errs less.**")]))
    assert lines[-1] == "ohio. A* errs less."


def test_a_run_without_weights_has_no_table() -> None:
    assert answer(prepared(status="error", n_active=None), None) == []

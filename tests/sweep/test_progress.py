"""What is said of a sweep under way: how much is done, what comes first, and how long the rest may take."""

from __future__ import annotations

import pytest

from frontier.sweep.progress import SweepProgress


def test_what_is_left_takes_what_finished_batches_of_its_method_took() -> None:
    progress = SweepProgress(30, 0, quiet=True, expected=[("slow", 100.0)] * 2 + [("fast", 100.0)] * 28)
    assert progress.seconds_left(1.0) is None
    progress.advance("slow", 1, 0, 100.0, 10.0)
    assert progress.seconds_left(10.0) == pytest.approx(290.0)  # nothing is known of the others: as the first
    progress.advance("fast", 1, 0, 100.0, 0.1)
    assert progress.seconds_left(10.1) == pytest.approx(10.0 + 27 * 0.1)
    assert progress.seconds_left(20.2) == pytest.approx(2 * (10.0 + 27 * 0.1))  # as much again is not fitting
    assert progress.seconds_left(5.05) == pytest.approx(0.5 * (10.0 + 27 * 0.1))  # two ran beside each other


def test_larger_problems_count_for_more() -> None:
    progress = SweepProgress(2, 0, quiet=True, expected=[("a", 1.0), ("a", 50.0)])
    progress.advance("a", 1, 0, 1.0, 2.0)
    assert progress.seconds_left(2.0) == pytest.approx(100.0)


def test_without_work_every_unit_counts_the_same_and_what_was_there_before_not_at_all() -> None:
    progress = SweepProgress(10, 4, quiet=True)
    assert progress.seconds_left(1.0) is None
    progress.advance("a", 2, 0)
    assert progress.seconds_left(3.0) == pytest.approx(6.0)


def test_the_first_line_comes_before_anything_is_done_and_says_what_it_waits_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with SweepProgress(4, 1, expected=[("gates", 1.0), ("l1", 1.0), ("l1", 1.0)]) as progress:
        first = " ".join(capsys.readouterr().err.split())
        assert first.startswith("resumed: 1 of 4 cells were already solved 1/4 cells, gates first (compiled")
        for label in ("gates", "l1", "l1"):
            progress.advance(label, 1, 0, 1.0, 0.5)
    assert capsys.readouterr().err.startswith("4/4 cells (l1), 0 s elapsed, ETA 0 s")


@pytest.mark.parametrize("terminal", [False, True])
def test_a_label_is_shown_as_it_is_written_also_where_it_looks_like_markup(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1" if terminal else "")
    label = "a[/red]:x:"  # the end of what was not begun is an error, and :x: an emoji
    with SweepProgress(2, 0, expected=[(label, 1.0), (label, 1.0)]) as progress:
        progress.advance(label, 1, 1, 1.0, 1.0)
        progress.advance(label, 1, 0, 1.0, 1.0)
    assert label in capsys.readouterr().err

"""The speed report: whole paths, pair by pair, from clean timings only."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from frontier.analysis.speed import method_of, paths, summary, times, verdicts
from frontier.commands.speed import main
from frontier.core.errors import InputError
from frontier.reporting.speed_page import ratio_figure, write_speed_report
from frontier.results.schema import RESULT_FORMAT

LAMS = (0.1, 0.01, 0.001)
MANIFEST: dict[str, Any] = {
    "format": RESULT_FORMAT,
    "experiment": "speed_l1",
    "description": "How fast | is it?",
    "limitations": ["One machine."],
    "machine": {"processor": "Some CPU", "cores": 2},
    "versions": {"skglm": "0.5", "numpy": "2.4.6"},
    "threads_per_batch": 2,
    "jobs": 1,
    "methods": {"ours": {"name": "nn_lasso", "params": {"tol": 1e-8}}},
}


def path(label: str, seconds: float, repeat: int, **changes: Any) -> list[dict[str, Any]]:
    """The cells of one path solved in one batch that took `seconds`."""
    row: dict[str, Any] = {"problem": "cps", "split": "default", "method": label, "label": label, "refit": "none"}
    row |= {"repeat": repeat, "status": "optimal", "message": "", "certified": True, "relative_gap": 1e-9}
    row |= {"fit_seconds": seconds / len(LAMS), "setup_seconds": 5.0 if repeat == 0 else 0.0, "timing": "amortised"}
    row |= {"batch_size": len(LAMS), "budget": None, "seed": None} | changes
    return [row | {"lam": lam, "lam_absolute": 2 * lam} for lam in LAMS]


def cells(ours: tuple[float, ...] = (1.0, 2.0, 4.0), theirs: tuple[float, ...] = (3.0, 10.0, 4.0)) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for repeat, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        rows += path("ours", a, repeat) + path("peer", b, repeat)
    return pd.DataFrame(rows)


def of(table: pd.DataFrame, method: str) -> pd.Series[Any]:
    [row] = [row for _, row in table.iterrows() if row["method"] == method]
    return row


def test_ratios_are_pair_by_pair_and_their_median_is_not_the_ratio_of_medians() -> None:
    row = of(summary(paths(cells(), "ours")), "peer")
    # the pairs are 3, 5 and 1; the medians, 4 and 2, have the ratio 2
    found = [row["ratio_median"], row["ratio_min"], row["ratio_max"]]
    np.testing.assert_allclose(found, [3, 1, 5], rtol=1e-12)  # sums of three thirds
    found = [row["seconds_median"], row["seconds_min"], row["seconds_max"]]
    np.testing.assert_allclose(found, [4, 3, 10], rtol=1e-12)  # as above


def test_the_shares_of_a_batch_add_up_to_its_call_and_single_batches_are_summed() -> None:
    single = [
        row | {"batch_size": 1, "timing": "clean", "fit_seconds": 2.0} for r in range(3) for row in path("single", 0, r)
    ]
    table = summary(paths(pd.concat([cells(), pd.DataFrame(single)]), "ours"))
    assert of(table, "single")["seconds_median"] == pytest.approx(6.0, rel=1e-12)  # a sum of three numbers
    assert of(table, "single")["timing"] == "clean"
    assert of(table, "ours")["timing"] == "amortised"


def test_set_up_is_told_apart_from_the_seconds() -> None:
    row = of(summary(paths(cells(), "ours")), "peer")
    assert row["setup_seconds_max"] == pytest.approx(5.0, rel=1e-12)  # a sum of three thirds, not of three


def test_labels_that_differ_after_the_sign_are_one_method() -> None:
    assert method_of("skglm @ cps") == method_of("skglm") == "skglm"
    other = cells().assign(problem="other").replace({"label": {"peer": "peer @ other"}})
    table = summary(paths(pd.concat([cells().replace({"label": {"peer": "peer @ cps"}}), other]), "ours"))
    assert list(zip(table["problem"], table["method"], strict=True)) == [
        ("cps", "ours"),
        ("cps", "peer"),
        ("other", "ours"),
        ("other", "peer"),
    ]


def test_the_verdict_names_the_fastest_method_that_solved_every_point() -> None:
    hasty = [row for r in range(3) for row in path("hasty", 0.01, r, certified=False, relative_gap=1e-3)]
    slow = [row for r in range(3) for row in path("slow", 900.0, r)]
    results = summary(paths(pd.concat([cells(), pd.DataFrame(hasty + slow)]), "ours"))
    [sentence] = verdicts(results, "ours")
    assert "peer, the fastest other method that solved every point, took 3 times as long as ours" in sentence
    assert "(1 to 5 over 3 repeats)" in sentence
    assert not of(results, "hasty")["solved"]
    assert of(results, "hasty")["relative_gap_worst"] == 1e-3


def test_a_reference_that_did_not_solve_everything_gets_no_verdict() -> None:
    [sentence] = verdicts(summary(paths(cells().assign(certified=False), "ours")), "ours")
    assert "no ratio is a result" in sentence


def test_a_path_with_a_failed_point_has_no_time_and_is_told_with_its_message() -> None:
    failed = [row for r in range(3) for row in path("broken", 0.1, r, status="error", message="install it", timing="")]
    results = summary(paths(pd.concat([cells(), pd.DataFrame(failed)]), "ours"))
    row = of(results, "broken")
    assert np.isnan(row["ratio_median"])
    assert np.isnan(row["seconds_median"])
    assert row["statuses"] == "error x9"
    assert row["message"] == "install it"


BAD = {
    "an unknown reference": (cells(), "our", "--reference: no method 'our' in these results; did you mean 'ours'?"),
    "no repeats": (
        cells((1.0,), (2.0,)),
        "ours",
        "too few repeats for a speed report; expected at least 3, got 1; add 'repeats: 3'",
    ),
    "results from before there were repeats": (cells().drop(columns="repeat"), "ours", "expected at least 3, got 1"),
    "contended timings": (
        cells().assign(timing="contended"),
        "ours",
        "timings that must not be compared; expected clean or amortised, got contended; run with --jobs 1",
    ),
    "cached timings": (cells().assign(timing="cached"), "ours", "timings that must not be compared"),
    "unmeasured timings": (cells().assign(timing="unmeasured"), "ours", "timings that must not be compared"),
    "a cell that is missing": (cells().drop(index=4), "ours", "cells of a batch are missing"),
    "other points": (
        cells().assign(lam_absolute=lambda table: table["lam"].where(table["label"] == "ours", 3 * table["lam"])),
        "ours",
        "'peer' did not solve the points of 'ours'",
    ),
    "two labels of one method": (
        cells().replace({"label": {"peer": "ours @ cps"}}),
        "ours",
        "two labels of one method; got ours and ours @ cps",
    ),
    "a problem without the reference": (
        pd.concat([cells(), cells().query("label == 'peer'").assign(problem="other")]),
        "ours",
        "problem 'other', repeat 0: not solved by the reference 'ours'",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_compared_is_refused_in_one_line(what: str) -> None:
    table, reference, said = BAD[what]
    with pytest.raises(InputError) as caught:
        paths(table.reset_index(drop=True), reference)
    assert said in str(caught.value)


def test_the_order_of_the_cells_changes_nothing_and_they_are_not_touched() -> None:
    table = cells()
    before = table.copy(deep=True)
    shuffled = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(summary(paths(table, "ours")), summary(paths(shuffled, "ours")))
    pd.testing.assert_frame_equal(table, before)


def test_the_report_has_markdown_csv_and_a_figure_and_links_what_is_there(tmp_path: Path) -> None:
    failed = [row for r in range(3) for row in path("a|b", 0.1, r, status="error", message="install | it", timing="")]
    written = write_speed_report(pd.concat([cells(), pd.DataFrame(failed)]), MANIFEST, "ours", tmp_path / "speed")
    assert {file.name for file in (tmp_path / "speed").iterdir()} == {*("l1.md", "l1.html", "l1.csv", "l1.png")}
    assert written[0].name == "l1.md"
    text = written[0].read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert links
    for link in links:
        assert (tmp_path / "speed" / link).is_file()
    for said in ("4.00 s (3.00 s–10.0 s)", "3 (1–5)", "amortised", "Some CPU", "skglm 0.5", "threads per batch:** 2"):
        assert said in text, said
    assert r"install \| it" in text
    assert "How fast \\| is it?" in text
    table = pd.read_csv(tmp_path / "speed" / "l1.csv")
    assert list(table["method"]) == ["a|b", "ours", "peer"]
    assert table.loc[2, "ratio_median"] == pytest.approx(3, rel=1e-12)  # a sum of three thirds


def test_equal_cells_give_equal_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_speed_report(cells(), MANIFEST, "ours", tmp_path / folder)
    for name in ("l1.md", "l1.csv", "l1.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_there_is_no_figure_without_a_ratio() -> None:
    alone = cells()
    assert ratio_figure(summary(paths(alone[alone["label"] == "ours"], "ours")), "ours") is None


def test_unsolved_paths_are_drawn_hollow_and_missing_ones_are_counted() -> None:
    hasty = [row for r in range(3) for row in path("hasty", 0.01, r, certified=False)]
    failed = [row for r in range(3) for row in path("broken", 0.1, r, status="error", timing="")]
    figure = ratio_figure(summary(paths(pd.concat([cells(), pd.DataFrame(hasty + failed)]), "ours")), "ours")
    assert figure is not None
    faces = [line.get_markerfacecolor() for line in figure.axes[0].get_lines() if line.get_marker() != "None"]
    assert faces.count("white") == 1
    legend = figure.legends[0]
    assert "broken: error x9" in legend.get_title().get_text()


def test_ratios_are_written_for_humans() -> None:
    found = [times(value) for value in (0.5234, 12.34, 1234.5, 99.96, float("nan"))]
    assert found == ["0.523", "12.3", "1,234", "100", "–"]


def test_the_command_writes_the_report_and_refuses_bad_input_with_exit_code_2(tmp_path: Path) -> None:
    import json

    results = tmp_path / "results"
    results.mkdir()
    content = cells().to_parquet()
    (results / "cells.parquet").write_bytes(content)
    facts = {"problems": {}, "splits": {}, "methods": {}, "sha256": {"cells.parquet": sha256(content).hexdigest()}}
    (results / "manifest.json").write_text(json.dumps(MANIFEST | facts))
    out = str(tmp_path / "out")
    done = CliRunner().invoke(main, [str(results), "--reference", "ours", "--out", out])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "l1.md").is_file()
    for arguments in ([str(results), "--reference", "theirs"], [str(tmp_path), "--reference", "ours"]):
        refused = CliRunner().invoke(main, [*arguments, "--out", out])
        assert refused.exit_code == 2
        assert refused.stderr.count("\n") == 1
        assert refused.stderr.startswith("error: ")


def test_per_epoch_ratios_compare_runs_of_other_lengths_and_need_no_certificate() -> None:
    rows: list[dict[str, Any]] = []
    for repeat in range(3):
        changes: dict[str, Any] = {"status": "completed", "certified": None, "relative_gap": np.nan}
        rows += path("ours", 6.0, repeat, n_iter=2000, **changes)
        rows += path("peer", 30.0, repeat, n_iter=100, **changes)[:2]  # two of the three points
    for row in rows:
        if row["label"] == "peer":
            row["batch_size"] = 1
    results = summary(paths(pd.DataFrame(rows), "ours", "epoch"))
    assert of(results, "ours")["seconds_median"] == pytest.approx(6.0 / (3 * 2000), rel=1e-12)  # sums of thirds
    assert of(results, "peer")["ratio_median"] == pytest.approx((20.0 / 200) / (6.0 / 6000), rel=1e-12)  # as above
    assert results["solved"].all()
    assert "took 100 times as long as ours" in verdicts(results, "ours")[0]

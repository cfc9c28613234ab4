"""The scale report, from made-up tables to files: what it says, what it draws, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from frontier.core.errors import InputError
from frontier.study.scale.blocks import measured, ratios
from frontier.study.scale.command import _beside, main
from frontier.study.scale.costs import costs, exponents, grid_law, medians, shape_law
from frontier.study.scale.least import Rates, least_bytes, least_seconds, read_rates
from frontier.study.scale.overhead import laws
from frontier.study.scale.page import (
    ScaleTables,
    against_peers,
    grid_figure,
    scale_figure,
    verdicts,
    write_scale_report,
)
from frontier.study.scale.sections import with_interval
from frontier.sweep.run import run_experiment
from tests.study.test_scale_costs import MANIFEST, SCALES, cell

LATE = {"status": "timeout", "timing": "unmeasured", "peak_memory_bytes": 0, "message": "took | longer"}


def rows() -> list[dict[str, Any]]:
    found = [cell("a", s, 1.0 * s, repeat=r) for s in SCALES for r in range(3)]
    found += [cell("slow", s, np.nan, **LATE) if s == 8 else cell("slow", s, float(s**2)) for s in SCALES]
    for k in (5, 20):
        some = [cell(f"a × {k}", s, 0.1 * s, method="a", timing="amortised", seed=i) for s in SCALES for i in range(k)]
        found += some
    return found


def tables(cells: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    sizes = medians(costs(pd.DataFrame(cells), MANIFEST))
    return sizes, exponents(sizes), grid_law(sizes)


def test_the_report_has_the_largest_size_exponents_law_and_failures_in_words(tmp_path: Path) -> None:
    manifest = MANIFEST | {"experiment": "scale", "limitations": ["One machine."], "machine": {"cores": 2}}
    written = write_scale_report(ScaleTables(*tables(rows())), [manifest], tmp_path)
    assert {path.name for path in written} == {
        *("report.md", "index.html", "scale.csv", "exponents.csv"),
        *("scale.png", "grid.png"),
    }
    text = written[0].read_text()
    assert (
        "- **a**, 8,000 records × 800 targets (0.4 million non-zeros): 8.00 s (8.00 s to 8.00 s over 3 repeats), peak"
        in text
    )
    assert "- **slow**, 8,000 records × 800 targets (0.4 million non-zeros): did not finish (timeout)." in text
    assert "s8, slow: took \\| longer" in text
    assert "| slow | seconds | 3 | 2.00 (2.00 to 2.00) | 2.00 (2.00 to 2.00) | 2.00 (2.00 to 2.00) | – | – |" in text
    assert "0.19 GiB | 60.00 (60.00 to 60.00) bytes |" in text
    assert "| a | 8 | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) |" in text
    assert "One machine." in text
    assert "![Time and memory against non-zeros](scale.png)" in text


def test_a_certified_gap_is_told_and_a_single_repeat_has_no_spread() -> None:
    sizes, *_ = tables([cell("a", 8, 2.0, status="optimal", relative_gap=3e-11)])
    [sentence] = verdicts(sizes)
    assert "2.00 s, peak 0.209 GiB, certified relative gap 3.0e-11." in sentence


def test_the_figure_draws_every_label_and_names_what_has_no_time() -> None:
    sizes, fits, laws = tables(rows())
    figure = scale_figure(sizes, fits)
    assert figure is not None
    assert len(figure.axes) == 2
    [legend] = figure.legends
    assert {text.get_text() for text in legend.get_texts()} >= {"a", "slow", "a × 5", "a × 20"}
    assert "slow at 0.4 million: timeout" in " ".join(legend.get_title().get_text().split())
    assert grid_figure(sizes, laws) is not None
    assert grid_figure(sizes[sizes["n_cells"] == 1], laws) is None


def test_what_cannot_be_drawn_or_written_is_refused(tmp_path: Path) -> None:
    nothing = tables([cell("a", 1, np.nan, **LATE)])
    with pytest.raises(InputError, match="results: no cell has a time"):
        write_scale_report(ScaleTables(*nothing), [MANIFEST], tmp_path)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="not a folder"):
        write_scale_report(ScaleTables(*tables(rows())), [MANIFEST], file)


def test_the_command_turns_a_run_over_three_sizes_into_a_report(tmp_path: Path) -> None:
    experiment = tmp_path / "sizes.yaml"
    sizes = "".join(f"  - {{name: l0_readme, label: n{n}, n_targets: 5, n_records: {n}}}\n" for n in (40, 80, 160))
    experiment.write_text(f"timing: clean\nproblems:\n{sizes}methods:\n  - {{name: anchored_l1, lam: [0.1]}}\n")
    run_experiment(experiment, out=tmp_path / "results")
    told = CliRunner().invoke(main, [str(tmp_path / "results"), "--out", str(tmp_path / "report")])
    assert told.exit_code == 0, told.output
    assert "| anchored_l1 | seconds | 3 |" in (tmp_path / "report" / "report.md").read_text()
    missing = CliRunner().invoke(main, [str(tmp_path / "nowhere")])
    assert missing.exit_code == 2


def test_a_run_of_one_size_has_a_report_without_exponents(tmp_path: Path) -> None:
    experiment = tmp_path / "size.yaml"
    experiment.write_text("problems: [{name: l0_readme, n_records: 40}]\nmethods: [{name: anchored_l1, lam: [0.1]}]\n")
    run_experiment(experiment, out=tmp_path / "results")
    told = CliRunner().invoke(main, [str(tmp_path / "results"), "--out", str(tmp_path / "report")])
    assert told.exit_code == 0, told.output
    assert "there is no exponent" in (tmp_path / "report" / "report.md").read_text()


def test_a_peer_is_told_beside_our_own_at_the_largest_common_size() -> None:
    found = [cell("ours", s, 1.0 * s, method="hard_concrete") for s in (1, 8)]
    found += [cell("l0-python", 1, 100.0, method="peers.l0_python")]
    [sentence] = against_peers(medians(costs(pd.DataFrame(found), MANIFEST)))
    assert sentence.startswith("**l0-python**, 0.05 million non-zeros: 100 s, 100 times as long as ours here, with 1")


def test_every_size_stands_beside_the_least(tmp_path: Path) -> None:
    found = [cell("a", s, 1.0 * s, method="hard_concrete", n_iter=10) for s in SCALES]
    written = write_scale_report(ScaleTables(*tables(found), rates=Rates((1.0,), (1e9,))), [MANIFEST], tmp_path)
    text = written[0].read_text()
    # 10 epochs of 0.4 million entries of 8 bytes and 8,000 records of 48, at 1 GB/s
    assert least_bytes(medians(costs(pd.DataFrame(found), MANIFEST)).iloc[-1]) == 10 * (8 * 400_000 + 48 * 8_000)
    assert "35.8 ms" in text
    assert "223 times the least that must be moved" in text


def test_the_least_is_what_a_hand_counts() -> None:
    row = {"nnz": 1000, "n_records": 100, "n_cells": 1, "n_iter": 7, "n_active": 10.0}
    # one epoch each: 12 bytes of the tenth of the entries that is drawn, and 6 doubles of its records
    assert least_bytes(row | {"method": "random_reweight"}) == 7 * (12 * 100 + 48 * 10)
    assert least_bytes(row | {"method": "dense_adam"}) == 7 * (8 * 1000 + 24 * 100)
    assert least_bytes(row | {"method": "peers.l0_python"}) == 7 * (8 * 1000 + 48 * 100)
    assert least_bytes(row | {"method": "anchored_l1"}) == 7 * 2 * 12 * 1000
    assert least_bytes(row | {"method": "nn_lasso"}) == least_bytes(row | {"method": "peers.skglm"}) == 12 * 1000


def test_what_stays_in_a_cache_is_held_to_the_rate_of_the_cache(tmp_path: Path) -> None:
    rates = Rates((1e6, 1e8), (1e11, 1e9))
    assert [rates.at(size) for size in (1.0, 1e6, 1e7, 1e8, 1e12)] == pytest.approx([1e11, 1e11, 1e10, 1e9, 1e9])
    row = {"nnz": 1e6 / 12, "n_records": 100, "n_cells": 1, "n_iter": 5, "n_active": 10.0, "method": "nn_lasso"}
    assert least_seconds(row, rates) == pytest.approx(1e6 / 1e11)
    assert least_seconds(row | {"nnz": 1e8 / 12}, rates) == pytest.approx(1e8 / 1e9)
    # a tenth of the entries are swept: the rate at 1e7 bytes
    sampled = row | {"nnz": 1e8 / 12, "method": "random_reweight"}
    assert least_seconds(sampled, rates) == pytest.approx(5 * (1e7 + 48 * 10) / 1e10)
    assert read_rates(tmp_path) is None
    (tmp_path / "rates.json").write_text('{"swept": [1.0], "per_second": [1.0, 2.0], "threads": 2}')
    with pytest.raises(InputError, match=r"not a table of rates.*measure again"):
        read_rates(tmp_path)


def test_records_and_targets_apart_are_recovered() -> None:
    rows = [{"label": "a", "n_records": n, "n_targets": m, "seconds": 3e-6 * n * m**0.5, "finished": True}
            for n, m in ((10, 10), (100, 10), (100, 40), (1000, 160))]  # fmt: skip
    table = pd.DataFrame(rows).assign(built_by="one", nnz=lambda found: 7 * found["n_records"])
    [row] = shape_law(table).to_dict("records")
    assert row["records"] == pytest.approx(1.0)
    assert row["targets"] == pytest.approx(0.5)
    assert np.isnan(row["entries"])  # the same number in every record
    dense = [rows[0] | {"nnz": k * 10, "seconds": 8e-5 * k**0.75, "built_by": "other"} for k in (2, 8, 32)]
    [row] = shape_law(pd.concat([table, pd.DataFrame(dense)])).to_dict("records")
    found = [row[name] for name in ("records", "targets", "entries")]
    assert found == pytest.approx([1.0, 0.5, 0.75])  # whatever each population's constant is
    assert (row["points"], row["parameters"]) == (7, 5)


def test_a_method_that_solves_otherwise_beyond_some_targets_has_exponents_on_either_side() -> None:
    scales = (1, 2, 4, 80, 160, 320)
    sizes = {f"s{s}": {"n_records": 1000 * s, "n_targets": 100 * s, "nnz": 50_000 * s} for s in scales}
    cells = [cell("a", s, float(s if s <= 4 else s**2), method="anchored_l1") for s in scales]
    found = exponents(medians(costs(pd.DataFrame(cells), {"problems": sizes}))).set_index(["label", "cost"])
    assert found.loc[("a, to 4,000 targets", "seconds"), "n_targets"] == pytest.approx(1.0)
    assert found.loc[("a, above 4,000", "seconds"), "n_targets"] == pytest.approx(2.0)
    assert found.loc[("a", "seconds"), "n_targets"] > 1.1


def test_an_exponent_has_the_interval_of_its_degrees_of_freedom() -> None:
    assert with_interval(1.0, 0.1, 1) == "1.00 (−0.27 to 2.27)"  # t of 0.975 on one degree is 12.706
    assert with_interval(1.0, 0.1, 0) == "1.00"
    assert with_interval(float("nan"), 0.1, 3) == "–"


def test_the_overhead_of_an_engine_is_a_line_in_gigabytes() -> None:
    table = pd.DataFrame(
        {"engine": "Dask", "gigabytes": g, "seconds": 1.0 + 0.2 + 3.0 * g, "here": 1.0} for g in (0.1, 0.2, 0.4)
    )
    [row] = laws(table).to_dict("records")
    assert (row["seconds"], row["per_gigabyte"]) == (pytest.approx(0.2), pytest.approx(3.0))


def test_blocks_are_measured_against_conjugate_gradients_on_the_same_fits(tmp_path: Path) -> None:
    table = measured([60], areas=3, repeats=1)
    assert set(table["way"]) == {"blocks", "conjugate gradients"}
    found = ratios(table)
    assert (found["status"] == "optimal").all()
    assert (found["ratio"] == found["conjugate"] / found["blocks"]).all()
    written = write_scale_report(ScaleTables(*tables(rows()), blocks=found), [MANIFEST], tmp_path)
    assert "## Areas under shared totals" in written[0].read_text()


def test_a_table_beside_the_results_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "blocks.csv"
    path.write_text("a,b\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"blocks.csv: not the table that is expected: .*n_records.*; measure it again"
    ):
        _beside(path, ratios)
    assert _beside(tmp_path / "overhead.csv", laws) is None

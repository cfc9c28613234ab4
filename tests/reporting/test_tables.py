from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pytest
from matplotlib.figure import Figure

from frontier.core.errors import InputError
from frontier.reporting import report as report_module
from frontier.reporting.charts.canvas import canvas
from frontier.reporting.document import FOLD_ABOVE, Block, Data, Picture, Reading, Section, Text
from frontier.reporting.markdown import escape, markdown, prose
from frontier.reporting.prepared import Prepared
from frontier.reporting.provenance import description, limitations
from frontier.reporting.report import LIMITATIONS, write_report
from tests.reporting import made

MANIFEST: dict[str, Any] = {
    "experiment": "notebook",
    "description": "The notebook's question,\nasked | again.\n\n# Not a heading",
    "problems": {
        "cps": {
            "name": "cps_tax_units",
            "params": {"year": 2024, "seed": 1},
            "n_targets": 400,
            "n_records": 9600,
            "nnz": 123456,
            "fingerprint": "0123456789abcdef" * 4,
            "meta": {"heldout_floor": 0.1215, "heldout_floor_reason": "two *independent* perturbations"},
        }
    },
    "splits": {"cps": {"default": {"n_train": 300}}},
    "machine": {"cores": 16, "cpu": "Some | CPU"},
    "versions": {"numpy": "2.4.6", "frontier": "0.1.0"},
    "jobs": 4,
    "code_digest": "c" * 64,
    "plan_fingerprint": "d" * 64,
    "limitations": ["One survey, one year."],
}


def cell(label: str = "gates", **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"problem": "cps", "split": "default", "method": label, "label": label, "refit": "none"}
    row |= {"lam": 0.1, "lam_absolute": 0.1, "budget": None, "seed": 0, "status": "completed", "message": ""}
    row |= {"certified": None, "relative_gap": None, "n_active": 100, "ess": 50.0, "train_mare": 0.05}
    row |= {"heldout_mare": 0.2, "heldout_capped_mare": 0.19, "fit_seconds": 0.25, "timing": "clean"}
    return row | changes


def failure(label: str = "gates", **changes: Any) -> dict[str, Any]:
    metrics = ("n_active", "ess", "train_mare", "heldout_mare", "heldout_capped_mare")
    return cell(label, **dict.fromkeys(metrics), status="error", message="a | b\n<b>bold</b>") | changes


def report(cells: list[dict[str, Any]], manifest: dict[str, Any] | None = None) -> str:
    return markdown(made.whole(Prepared(pd.DataFrame(cells), MANIFEST if manifest is None else manifest)), {})


def lines_about(text: str, label: str) -> list[list[str]]:
    """The table rows that start with a label, as their cells."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith(f"| {label} |")]
    return [[value.strip() for value in row] for row in rows]


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_report_opens_with_what_was_run_and_on_what() -> None:
    text = report([cell()])
    assert text.startswith("# notebook\n\nThe notebook's question, asked \\| again.\n\n\\# Not a heading\n")
    assert lines_about(text, "cps") == [
        ["cps", "cps_tax_units(seed=1, year=2024)", "9,600", "400", "123,456", "0123456789ab"]
    ]
    for fact in ("frontier 0.1.0, numpy 2.4.6", "cores 16, cpu Some \\| CPU", "**jobs:** 4", "**timing:** clean 1"):
        assert fact in section(text, "Provenance")
    assert "c" * 12 in text
    assert "c" * 13 not in text


def test_a_row_holds_every_number_of_its_point() -> None:
    cells = [cell(seed=s, n_active=98 + s, heldout_mare=0.2 + 0.01 * s) for s in range(5)]
    expected = ["gates", "λ = 0.1", "5", "100 (98–102)", "5.00%", "22.00% ± 0.71%", "19.0%", "50", "no certificate"]
    assert lines_about(report(cells), "gates") == [[*expected, "completed x5", "250 ms clean"]]


def test_a_deterministic_method_shows_its_gap_and_no_seeds() -> None:
    row = cell("nn_lasso", seed=None, status="optimal", certified=True, relative_gap=3.21e-9, lam_absolute=0.000216)
    values = lines_about(report([row]), "nn_lasso")[0]
    assert values[1:3] == ["λ = 0.1 (0.000216 in force)", "–"]
    assert values[8:10] == ["3.2e-09", "optimal"]


def test_a_refused_certificate_is_said_to_be_refused() -> None:
    cells = [cell(seed=s, certified=s > 0, relative_gap=0.03) for s in range(3)]
    assert lines_about(report(cells), "gates")[0][8] == "3.0e-02 refused for some"
    assert lines_about(report(cells[:1]), "gates")[0][8] == "3.0e-02 refused"


def test_lost_seeds_are_told_in_the_row_and_listed_with_their_message() -> None:
    text = report([cell(seed=0), failure(seed=1), failure(seed=2, lam=None, budget=1500, claimed_status="optimal")])
    point, lost = lines_about(text, "gates")
    assert (point[2], point[9]) == ("1 of 2", "completed 1, error 1")
    assert (lost[1], lost[2], lost[3]) == ("budget 1,500", "0 of 1", "–")
    failures = lines_about(section(text, "Failures"), "cps")
    message = "a \\| b \\<b\\>bold\\</b\\>"
    assert failures[0] == ["cps", "gates", "λ = 0.1", "1", "error", message]
    assert failures[1] == ["cps", "gates", "budget 1,500", "2", "error (claimed optimal)", message]


def test_cells_that_did_not_converge_are_listed_too() -> None:
    text = section(report([cell(status="not_converged", message="10000 iterations")]), "Failures")
    assert lines_about(text, "cps")[0][4:] == ["not_converged", "10000 iterations"]


def test_no_failures_is_said_aloud() -> None:
    assert "None: every cell ended as intended." in report([cell()])


def test_repeats_that_failed_alike_are_one_row_and_all_are_counted() -> None:
    text = section(report([cell(repeat=0), *(failure(seed=1, repeat=r) for r in range(3))]), "Failures")
    assert "3 of 4 cells" in text
    assert text.count("| cps | gates |") == 1


def test_long_lists_of_failures_are_folded_and_long_messages_cut() -> None:
    text = section(report([failure(seed=s, message="x" * 5000) for s in range(FOLD_ABOVE + 1)]), "Failures")
    assert "<details>\n<summary>21 cells</summary>\n\n| problem" in text
    assert "x" * 301 not in text


def test_counts_that_depend_on_the_threshold_are_listed() -> None:
    counts = {"n_active_1e-9": 900, "n_active_1e-6": 300, "n_active_1e-3": 40}
    text = report([cell("clarabel", threshold_matters=True, **counts), cell(threshold_matters=False, **counts)])
    rows = lines_about(section(text, "Where the count depends on the threshold"), "cps")
    assert rows == [["cps", "clarabel", "λ = 0.1", "0", "900", "300", "40"]]
    assert "Nowhere" in report([cell()])


def test_limitations_are_the_stated_ones_and_the_generic_ones() -> None:
    text = section(report([cell()]), "Limitations")
    assert text.strip().splitlines() == [f"- {line}" for line in ("One survey, one year.", *LIMITATIONS)]


def test_the_heldout_floor_and_its_reason_stand_beside_the_figures() -> None:
    assert "**Held-out floor 12.15%**" in report([cell()])
    assert "two \\*independent\\* perturbations." in report([cell()])
    assert "Held-out floor" not in report([cell()], {})


def test_every_table_has_as_many_cells_in_each_row() -> None:
    hostile = "a|b `c` *d* _e_ [f](g) <h> \\| $x$ \n|---|"
    cells = [cell(hostile, seed=s) for s in range(2)] + [
        failure(hostile, problem=hostile, split=hostile, timing=hostile)
    ]
    cells[0]["threshold_matters"] = True
    text = report(cells, {**MANIFEST, "problems": {hostile: {"name": hostile, "params": {hostile: hostile}}}})
    width, rows = None, 0
    for line in text.splitlines():
        # A pipe is escaped when an odd number of backslashes stands before it.
        bars = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) if line.startswith("|") else None
        assert bars is None or width is None or bars == width
        rows += bars is not None and width is not None
        width = bars
    assert rows > 2, "hardly a row was compared with the one above it"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", "a\\|b"),
        ("a\\|b", "a\\\\\\|b"),
        ("two\nlines", "two lines"),
        ("hard_concrete", "hard_concrete"),
        ("_private_", "\\_private\\_"),
        ("# title", "\\# title"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("12%", "12%"),
        ("<script>&amp;", "\\<script\\>\\&amp;"),
        (3, "3"),
    ],
)
def test_text_from_data_renders_as_itself(text: object, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("samples of `census_arena`, *known*", r"samples of `census_arena`, \*known\*"),
        ("`a|b` and\n`c*`", "`a|b` and `c*`"),
        ("`left open, 3 < 4", r"\`left open, 3 \< 4"),
    ],
)
def test_what_an_author_writes_between_backticks_is_code_and_all_else_itself(text: str, told: str) -> None:
    assert prose(text) == told
    [paragraph, second] = description({"description": f"{text}\n\nMore."})
    assert (paragraph.markdown, second.markdown) == (told, "More.")
    assert limitations({"limitations": [text]}) == [told]


def test_an_empty_manifest_and_no_cells_still_make_a_report() -> None:
    text = markdown(made.whole(Prepared(pd.DataFrame(columns=list(cell())), {})), {})
    assert text.startswith("# Report\n")
    assert "No cells: nothing was run." in text
    assert "| cps |" not in report([cell()], {"problems": None, "versions": None, "limitations": None})


def test_the_report_does_not_depend_on_the_order_of_cells_or_keys() -> None:
    cells = [cell(label, lam=lam, seed=s) for label in "ba" for lam in (0.2, 0.1) for s in range(3)]
    backwards = {key: MANIFEST[key] for key in reversed(MANIFEST)}
    assert report(cells) == report(cells[::-1], backwards)


def frame() -> pd.DataFrame:
    rows = [cell(lam=lam, seed=s, n_active=int(10 / lam) + s) for lam in (0.1, 0.2) for s in range(2)]
    return pd.DataFrame([*rows, failure(seed=9)])


def test_a_report_folder_holds_what_the_report_links(tmp_path: Path) -> None:
    paths = write_report(frame(), MANIFEST, tmp_path / "new" / "report")
    assert [path.name for path in paths[:5]] == ["report.md", "index.html", "summary.csv", "summary.md", "summary.tex"]
    assert sorted(paths) == sorted((tmp_path / "new" / "report").iterdir())
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report"]
    text = paths[0].read_text(encoding="utf-8")
    linked = {unquote(name) for name in re.findall(r"\]\(([^)]+)\)", text)}
    assert linked == {path.name for path in paths[5:] if path.suffix == ".png"}
    assert "`index.html` both as an interactive page" in text
    assert {path.suffix for path in paths[5:]} == {".png"}
    assert len(pd.read_csv(paths[2])) == 2
    assert paths[4].read_text(encoding="utf-8").startswith("% \\usepackage{booktabs}\n\\begin{tabular}{llllrrrrrrlll}")


def one_more_section(title: str = "Volumes") -> Any:
    """A module as a file in `sections/` is one."""

    def draw(run: Prepared) -> Figure:
        figure, axes = canvas(1, 1, 2.0, "Volumes", [], "")
        axes[0].plot([1, 2], [1, 2], color=run.styles["gates"].colour)
        return figure

    def blocks(run: Prepared) -> list[Block]:
        table = pd.DataFrame({"method": ["a & b"], "volume": [0.123456]})
        told: list[Block] = [
            Section("Two methods", [Text("Told.")]),
            Picture("cps__volumes", "Volumes *by* method", lambda: draw(run)),
            Picture("cps__none", "None", lambda: None),
            Data(f"statistics__{title.lower()}", table, title),
            Reading(["**Volume.** Larger is better."]),
        ]
        return [Section("Statistics & more", told)]

    return SimpleNamespace(PLACE=45, blocks=blocks)


def test_one_more_section_is_in_the_report_the_page_and_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in = report_module.sections()
    assert [module.PLACE for module in built_in] == sorted({module.PLACE for module in built_in})
    monkeypatch.setattr(report_module, "sections", lambda: [*built_in, one_more_section()])
    paths = write_report(frame(), MANIFEST, tmp_path)
    names = {path.name for path in paths}
    tables = {f"statistics__volumes.{kind}" for kind in ("csv", "md", "tex")}
    assert {"cps__volumes.png"} | tables <= names
    assert not any("none" in name for name in names)
    text = paths[0].read_text(encoding="utf-8")
    told = section(text, "Statistics & more".replace("&", "\\&"))
    assert told.startswith(
        "\n### Two methods\n\nTold.\n\n![Volumes \\*by\\* method](cps__volumes.png)\n\nVolumes \\*by"
    )
    assert "- **Volume.** Larger is better." in text.split("## How to read this")[1]
    html = paths[1].read_text(encoding="utf-8")
    assert '<a href="#statistics-more">Statistics &amp; more</a>' in html
    assert "<strong>Volume.</strong>" in html
    assert re.search(r"<img src=\"data:image/png;base64,\w+", html)
    assert '"rows":[["a \\u0026 b",0.12346]]' in html
    assert "a \\& b & 0.123" in (tmp_path / "statistics__volumes.tex").read_text(encoding="utf-8")
    monkeypatch.setattr(report_module, "sections", lambda: [*built_in, one_more_section("Areas")])
    write_report(frame(), MANIFEST, tmp_path)
    assert not (tmp_path / "statistics__volumes.tex").exists()
    assert (tmp_path / "statistics__areas.tex").exists()
    monkeypatch.undo()
    write_report(frame(), MANIFEST, tmp_path)
    assert not [*tmp_path.glob("statistics__*"), *tmp_path.glob("*volumes*")]


def test_vector_figures_come_on_demand_and_carry_no_date(tmp_path: Path) -> None:
    write_report(frame(), MANIFEST, tmp_path, vector=True)
    stems = {path.stem for path in tmp_path.glob("*__*.png")}
    for kind, date in (("pdf", b"CreationDate"), ("svg", b"dc:date")):
        paths = list(tmp_path.glob(f"*.{kind}"))
        assert {path.stem for path in paths} == stems
        for path in paths:
            assert date not in path.read_bytes()
    write_report(frame(), MANIFEST, tmp_path)
    assert not [*tmp_path.glob("*.pdf"), *tmp_path.glob("*.svg")]  # none that an earlier report left


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_report(frame(), MANIFEST, tmp_path / "a")
    second = write_report(frame(), MANIFEST, tmp_path / "b")
    assert [path.name for path in first] == [path.name for path in second] != []
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))


def test_stale_figures_go_and_everything_else_stays(tmp_path: Path) -> None:
    for name in (
        "old__heldout.png",
        "old__split__seconds.svg",
        "notes.md",
        "photo.png",
        "heldout.png",
        "old__heldout.csv",
    ):
        (tmp_path / name).write_text("mine")
    (tmp_path / "folder__train.png").mkdir()
    write_report(frame(), MANIFEST, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"notes.md", "photo.png", "heldout.png", "old__heldout.csv", "folder__train.png"} <= names
    assert not {"old__heldout.png", "old__split__seconds.svg"} & names


def test_a_failure_leaves_the_earlier_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "report"
    before = {path: path.read_bytes() for path in write_report(frame(), MANIFEST, out)}

    def broken(*_: object, **__: object) -> str:
        raise RuntimeError("half way")

    monkeypatch.setattr(report_module, "page", broken)
    with pytest.raises(RuntimeError, match="half way"):
        write_report(frame().assign(n_active=7), MANIFEST, out)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("mine")
    with pytest.raises(InputError, match="not a folder"):
        write_report(frame(), MANIFEST, tmp_path / "report")

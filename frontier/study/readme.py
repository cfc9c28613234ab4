"""`python -m frontier study readme`: every table of the pages between the files, made from results and the registry.

The pages have pairs of comments, `<!-- name -->` and `<!-- end name -->`; what stands between them is what `BLOCKS`
make of `results/flagship/`. A test holds the pages to it. Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from frontier.analysis.arena import HIDDEN, TRAINING, contrasts, controls, means, replicates
from frontier.analysis.heldout_metrics import METRICS
from frontier.analysis.speed import paths
from frontier.analysis.speed import summary as speed_summary
from frontier.analysis.speed import times as speed_times
from frontier.analysis.tuned import tuned_table
from frontier.commands.catalogue import idea_of, points_of
from frontier.commands.command_line import command, print_lines
from frontier.core.errors import InputError, did_you_mean
from frontier.core.files import write_atomically
from frontier.methods.registry import method_class, method_names
from frontier.reporting.document import Table, Text
from frontier.reporting.markdown import table_markdown
from frontier.reporting.numbers import MISSING, listed, percent, points, points_interval
from frontier.reporting.prepared import Prepared
from frontier.reporting.sections.costs import size_table
from frontier.results.arms import arm_name
from frontier.results.run import Run, load_run
from frontier.study.arena import REFERENCE, best_arms, summary
from frontier.study.claims.command import load_found
from frontier.study.claims.model import HOLDS, ONLY_IF, evaluate
from frontier.study.claims.page import counted
from frontier.study.claims.registry import CLAIMS
from frontier.study.flagship import SCALES, SPEED
from frontier.study.scale.costs import costs, medians
from frontier.study.scale.page import beside_peer

PLACES = {  # experiment and design: how the README calls it
    ("cps_national_families", "rotation"): "national, each of 11 families",
    ("cps_national_budgets", "default"): "national, state totals",
    ("cps_states_budgets", "default"): "large file, state totals",
    ("cps_ohio_budgets", "default"): "Ohio, 5 totals of 3 families",
    ("cps_ohio_budgets", "rotation"): "Ohio, each of 5 families",
}
ARENAS = {  # and how the page calls what is known there
    "arena_national": "poor",
    "arena_states": "rich",
    "arena_large": "poor, files of 40,000",
    "arena_large_states": "rich, files of 40,000",
    "arena_small": "poor, files of 5,000",
    "arena_persons": "counts, files of 4,600",
}
TUNED = {"tuned_arena": "known truth, 5,000 households", "tuned_national": "national, state totals"}
FEATURES = 5  # that make up y in the experiment variable_selection
RIVALS = ("Hard Concrete L0", "Anchored L1")


PAGES = (Path("README.md"), Path("reports/README.md"), Path("frontier/methods/README.md"))
BLOCK = re.compile(r"(<!-- (\w+) -->\n)(.*?)(<!-- end \2 -->)", flags=re.DOTALL)


@command
def main(
    pages: Annotated[
        list[Path] | None, typer.Argument(help="the files to fill in; default all of this project")
    ] = None,
    results: Annotated[Path, typer.Option(help="the compact results")] = Path("results/flagship"),
) -> None:
    """Write the tables of the project's pages again, in place."""
    for page in pages or PAGES:
        if not page.is_file():
            raise InputError(page, "no such file", expected="a page with blocks to fill in", cure="check the path")
        write_atomically(page, filled(page.read_text(encoding="utf-8"), results, str(page)).encode())
        print_lines([f"filled: {page}"])


def filled(text: str, results: Path, place: str = "page") -> str:
    """The text with every block made anew; `InputError` for one that is not closed or not known."""
    closed = [match[1] for match in BLOCK.findall(text)]
    for name in re.findall(r"<!-- (?!end )(\w+) -->", text):
        if name not in BLOCKS:
            raise InputError(place, f"unknown block '{name}'", cure=did_you_mean(name, BLOCKS))
        if closed.count(name) != 1:
            raise InputError(place, f"block '{name}'", expected=f"<!-- {name} --> … <!-- end {name} -->, once")
    return BLOCK.sub(lambda match: f"{match[1]}\n{BLOCKS[match[2]](results).strip()}\n\n{match[4]}", text)


@cache
def _run(folder: Path) -> Run:
    return load_run(folder, targets=(folder / "targets.parquet").is_file())


@cache
def _prepared(folder: Path) -> Prepared:
    run = _run(folder)
    return Prepared(run.cells, run.manifest, run.targets)


def arena_table(name: str) -> Callable[[Path], str]:
    """Every method at its best arm, by budget."""

    def make(results: Path) -> str:
        run = _run(results / name)
        return table_markdown(summary(means(replicates(run.cells)), controls(run.manifest)))

    return make


def against_the_camps(results: Path) -> str:
    """The coreset against either camp at its best arm, in every arena and at every budget."""
    rows = []
    for name, words in ARENAS.items():
        run = _run(results / name)
        cells = replicates(run.cells)
        best = best_arms(means(cells))
        for rival in RIVALS:
            arms = best.loc[best["label"] == rival, ["budget", "label", "refit"]]
            found = contrasts(
                cells, (REFERENCE, "none"), list(arms[["label", "refit"]].itertuples(index=False, name=None))
            )
            found = found.merge(arms, on=["budget", "label", "refit"]).drop_duplicates("budget")
            rows += [
                [words, f"{row['budget']:,}", arm_name(row["label"], row["refit"]), *_both(row), str(row["verdict"])]
                for row in found.to_dict("records")
            ]
    header = ("targets", "records", f"{REFERENCE} against", "hidden error, points", "training error, points", "verdict")
    return table_markdown(Table(header, rows, numbers=(1, 3, 4)))


def _both(row: Mapping[Any, Any]) -> list[str]:
    """Hidden and training difference with their intervals."""
    return [f"{points(row[e])} ({points_interval(row[f'{e}_low'], row[f'{e}_high'])})" for e in (HIDDEN, TRAINING)]


def _contrasts(results: Path) -> dict[tuple[str, str], pd.DataFrame]:
    found = {}
    for name, design in PLACES:
        rows, _ = _prepared(results / name).contrasts
        found[name, design] = rows[rows["design"] == design]
    return found


def published_contrasts(results: Path) -> str:
    """Declared contrasts by hold-out: difference with its interval, verdict, training, metrics that agree."""
    by_place = _contrasts(results)
    names: dict[tuple[str, ...], list[str]] = {}
    for place in PLACES:
        for row in by_place[place].to_dict("records"):
            key = (arm_name(row["a"], row["refit_a"]), arm_name(row["b"], row["refit_b"]))
            names.setdefault(key, [""] * len(PLACES))[list(PLACES).index(place)] = _words(row)
    header = ("A − B, held-out error in points", *PLACES.values())
    return table_markdown(
        Table(header, [[f"{a} − {b}", *(cell or "–" for cell in cells)] for (a, b), cells in names.items()])
    )


def _words(row: Mapping[Any, Any]) -> str:
    limits = points_interval(row["difference_low"], row["difference_high"])
    return (
        f"{points(row['difference'])} ({limits}), {row['verdict']}; training {points(row['training'])}; "
        f"{row['metrics_like']} of {len(METRICS)} metrics"
    )


def skill(results: Path) -> str:
    """Held-out error, skill and training error of every arm as fitted, at the middle budget of each experiment."""
    rows: dict[str, list[str]] = {}
    sizes = []
    for place, (name, design) in enumerate(PLACES):
        prepared = _prepared(results / name)
        found = size_table(prepared, next(key for key in prepared.parts if key[1] == design))
        assert found is not None
        sizes.append(found[0])
        for method, _, training, held, skilled, *_ in found[1].rows:
            rows.setdefault(str(method), ["–"] * len(PLACES))[place] = f"{held} ({skilled}) / {training}"
    header = ("held-out error (skill) / training", *(f"{w}, {s}" for w, s in zip(PLACES.values(), sizes, strict=True)))
    return table_markdown(Table(header, [[method, *cells] for method, cells in rows.items() if cells.count("–") < 2]))


def claims(results: Path) -> str:
    """How many published claims hold, hold under a condition, fail or are undecided."""
    judged = evaluate(CLAIMS, load_found(results, _run))
    sentence = f"{counted([one.verdict.word for one in judged])} ([claims](claims.md))."
    kept = [one for one in judged if one.verdict.word in (HOLDS, ONLY_IF)]
    rows = [[one.claim.words, one.verdict.word, one.verdict.condition] for one in kept]
    return sentence + "\n\n" + table_markdown(Table(("what holds", "verdict", "where"), rows))


def selection(results: Path) -> str:
    """Recall of the five features that make up y, and the error of the coefficients, by setting, at five records."""
    cells = _run(results / "variable_selection").cells
    kept = cells[(cells["budget"] == FEATURES) & (cells["refit"] == "none")]
    kept = kept.assign(setting=kept["problem"].astype(str).str.rpartition("_")[0])
    names = ("truth_recall", "truth_coefficient_error")
    both = [kept.pivot_table(values=name, index="label", columns="setting", aggfunc="mean") for name in names]
    order = both[0].mean(axis=1).sort_values(ascending=False, kind="stable").index
    rows = [
        [
            label,
            *("–" if pd.isna(a) else f"{a:.2f} / {b:.2f}" for a, b in zip(*(t.loc[label] for t in both), strict=True)),
        ]
        for label in order
    ]
    header = ["recall / coefficient error", *(name.replace("_", ", ") for name in both[0].columns)]
    return table_markdown(Table(header, rows))


def tuned(results: Path) -> str:
    """Every method as configured and as tuned, on what its search did not see."""
    header = ["where", "records", "method", "error, default", "tuned", "difference, points (95%)", "trials", "CPU s"]
    rows = []
    for name, where in TUNED.items():
        run = _run(results / name)
        table = tuned_table(run.cells, run.manifest)
        for row in table.sort_values(["budget", "tuned"], kind="stable").to_dict("records"):
            limits = points_interval(row["difference_low"], row["difference_high"])
            difference = points(row["difference"]) + ("" if limits == MISSING else f" ({limits})")
            cost = [f"{row['trials']:.0f}", f"{row['cpu_seconds']:.0f}"]
            errors = [percent(row["default"]), percent(row["tuned"])]
            rows.append([where, f"{row['budget']:,.0f}", row["label"], *errors, difference, *cost])
    return table_markdown(Table(header, rows, numbers=range(3, len(header))))


def speed(results: Path) -> str:
    """Peers' seconds in those of this package, and what the largest file takes, in sentences."""
    l0, l1 = (
        speed_summary(paths(_run(results / name).cells, "frontier", unit)).set_index(["method", "problem"])
        for name, unit in SPEED.items()
    )
    grid, path = (table["ratio_median"][peer] for table, peer in ((l0, "l0-python"), (l1, "skglm")))
    cell = grid / l0["ratio_median"]["frontier, one cell"]
    sizes = pd.concat([costs(run.cells, run.manifest) for run in (_run(results / name) for name in SCALES)])
    sizes = medians(sizes.reset_index(drop=True))
    times = beside_peer(sizes, "peers.skglm")["times"]
    largest = sizes[(sizes["nnz"] == sizes["nnz"].max()) & sizes["finished"]].sort_values("seconds").to_dict("records")
    took = listed([f"{row['seconds']:.0f} s (`{row['method']}`)" for row in largest])
    size = f"{largest[0]['n_records'] / 1e6:.1f} million records with {largest[0]['nnz'] / 1e6:.0f} million non-zeros"
    memory = max(row["peak_bytes"] for row in largest) / 2**30
    said = (
        f"On two cores, in one run, `l0-python` takes {_times(grid)} times as long as Hard Concrete here for a grid on "
        f"{_names(grid)}, {_times(cell)} times for one cell ([report](speed/l0.md)). `skglm` takes {_times(path)} "
        f"times as long as `nn_lasso` for a path on {_names(path)} ([report](speed/l1.md)), "
        f"{speed_times(times.min())} to {speed_times(times.max())} times for one λ of made-up files of {len(times)} "
        f"sizes. {size} take {took}, in {memory:.1f} GiB ([report](scale/report.md))."
    )
    return "\n".join(textwrap.wrap(said, 130, break_long_words=False, break_on_hyphens=False))


def _times(ratios: pd.Series[float]) -> str:
    return listed(map(speed_times, ratios))


def _names(ratios: pd.Series[float]) -> str:
    return listed(f"`{name}`" for name in ratios.index)


def methods(_: Path) -> str:
    """Every method of the package with its idea, and what a point of it carries."""
    rows: list[list[str | Text]] = []
    for name in method_names():
        cls = method_class(name)
        if not cls.__module__.startswith("frontier.methods."):
            continue  # of another package on this machine
        link, idea = f"[`{name}`]({name.replace('.', '/')}.py)", idea_of(cls)
        rows.append([Text(link), Text(idea.replace("|", r"\|")), points_of(cls) or "–"])
    return table_markdown(Table(("method", "idea", "a point has"), rows))


BLOCKS: Mapping[str, Callable[[Path], str]] = {
    "arena_national": arena_table("arena_national"),
    "arena_states": arena_table("arena_states"),
    "against_the_camps": against_the_camps,
    "published_contrasts": published_contrasts,
    "skill": skill,
    "claims": claims,
    "selection": selection,
    "tuned": tuned,
    "methods": methods,
    "speed": speed,
}

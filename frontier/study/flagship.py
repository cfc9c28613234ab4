"""`python -m frontier study flagship`: every committed report again, from the compact results in `results/flagship/`.

With `--collect` finished runs in `results/` are first taken over in compact form (`results.compact`), those that
are there. Solves nothing; the same results give the same files. Exit codes: 0 done, 1 the machine failed, 2 bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontier.analysis.speed import Unit
from frontier.commands.command_line import command, draw_report, print_lines
from frontier.core.errors import InputError
from frontier.results.compact import compact_run
from frontier.results.run import load_run
from frontier.study.arena import write_arena
from frontier.study.claims.command import load_found, write_claims
from frontier.study.households import write_households
from frontier.study.mlp import ACCURACIES, write_mlp
from frontier.study.scale.command import write_scale
from frontier.study.tuned import write_tuned

RUNS = (
    *("cps_like", "cps_ohio", "cps_national", "small_exact"),
    *("cps_ohio_budgets", "cps_national_budgets", "cps_national_families", "cps_national_rho", "cps_states_budgets"),
    "cps_national_coreset",
)
SPEED: dict[str, Unit] = {"speed_l0": "epoch", "speed_l1": "path"}
CLAIMS = ("claims_gates", "claims_microcalibrate", "claims_l0_paper")
SCALE, SCALES, SHAPES = "scale_populace", ("scale_populace", "scale_large", "scale_sixteen"), "scale_shapes"
AREAS = ("scale_areas", "scale_areas_large")
ARENA = (
    "arena_national",
    "arena_states",
    "arena_small",
    "arena_large",
    "arena_large_states",
    "arena_persons",
    "arena_exam",
)
HOUSEHOLDS = "cps_national_households"
TUNED = ("tuned_arena", "tuned_national")
SELECTION = "variable_selection"  # a table of the page between the reports
CELLS_ONLY = (*SPEED, *SCALES, SHAPES, *AREAS, *ARENA, *TUNED, SELECTION)  # their reports read no targets
EVERY = (*RUNS, *SPEED, *CLAIMS, *SCALES, SHAPES, *AREAS, *ARENA, *TUNED, HOUSEHOLDS, SELECTION)
REFERENCE = "frontier"  # in the experiments on speed our methods have this label


@command
def main(
    collect: Annotated[bool, typer.Option("--collect", help="first take finished runs over from results/")] = False,
    results: Annotated[Path, typer.Option(help="where runs and their compact form (flagship/) are")] = Path("results"),
    out: Annotated[Path, typer.Option(help="folder of the reports")] = Path("reports"),
) -> None:
    """Regenerate the committed reports; with --collect from newly finished runs."""
    from frontier.reporting.front_door import write_front_door

    flagship = results / "flagship"
    for name in EVERY if collect else ():
        if (results / name / "cells.parquet").is_file():
            size = compact_run(results / name, flagship / name, cells_only=name in CELLS_ONLY)
            print_lines([f"compact: {flagship / name} ({size / 1e6:.1f} MB)"])
    found = [name for name in EVERY if (flagship / name / "cells.parquet").is_file()]
    if not found:
        raise InputError(flagship, "no compact results", cure="run the experiments, then use --collect")
    own = (*CLAIMS, *SCALES[1:], SHAPES, *AREAS, *ARENA, *TUNED, HOUSEHOLDS, SELECTION)  # have pages of their own
    for path in (_report(name, flagship / name, out) for name in found if name not in own):
        print_lines([f"report: {path}"])
    if samples := [load_run(flagship / name) for name in ARENA if name in found]:
        page = write_arena(samples, out / "arena")[0]
        print_lines([f"report: {page}"])
    if tuned := [load_run(flagship / name) for name in TUNED if name in found]:
        page = write_tuned(tuned, out / "tuned")[0]
        print_lines([f"report: {page}"])
    if (kept := flagship / ACCURACIES).is_file():
        print_lines([f"report: {write_mlp(kept, out / 'mlp')}"])
    if HOUSEHOLDS in found:
        page = write_households(load_run(flagship / HOUSEHOLDS, targets=True), out / "households")[0]
        print_lines([f"report: {page}"])
    _, page = write_claims(load_found(flagship), out / "claims.md")
    print_lines([f"report: {page}\nall of them: {write_front_door(out)}"])


def _report(name: str, run: Path, out: Path) -> Path:
    """The report of one compact run; its first file."""
    if name in RUNS:
        return draw_report([run], out / name)[0]
    if name == SCALE:
        beside = {other: run.parent / other for other in (*SCALES, SHAPES, *AREAS)}
        there = {other: path for other, path in beside.items() if (path / "cells.parquet").is_file()}
        sizes, areas = ([there[other] for other in some if other in there] for some in (SCALES, AREAS))
        return write_scale(sizes, out / "scale", there.get(SHAPES), areas)
    from frontier.reporting.speed_page import write_speed_report  # matplotlib is imported only here

    found = load_run(run)
    return write_speed_report(found.cells, found.manifest, REFERENCE, out / "speed", SPEED[name])[0]

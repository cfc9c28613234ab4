"""`python -m frontier study claims [RESULTS …] --out reports/claims.md`: published claims judged from results; solves
nothing.

Without folders the experiments that the claims need are looked for in `results/`. A claim whose results are not there
is listed as not evaluated, with the command that makes them. Exit codes: 0 done (whatever the verdicts), 2 bad input.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from frontier.commands.command_line import command, print_lines
from frontier.core.errors import InputError
from frontier.reporting.markdown import pairs
from frontier.results.run import Run, load_run
from frontier.study.claims.model import Judged, evaluate
from frontier.study.claims.registry import CLAIMS


@command
def main(
    results: Annotated[
        list[Path] | None, typer.Argument(help="results folders written by frontier.run; default results/*")
    ] = None,
    out: Annotated[Path, typer.Option(help="the page; its figures go into a folder beside it")] = Path(
        "reports/claims.md"
    ),
) -> None:
    """Judge every published claim from results and write the page."""
    judged, page = write_claims(load_folders(results) if results else load_found(Path("results")), out)
    for one in judged:
        condition = f" {one.verdict.condition}" if one.verdict.condition else ""
        print_lines([f"{one.claim.id}: {one.verdict.word}{condition}"])
    print_lines([f"page: {page}"])


def write_claims(loaded: dict[str, Run], out: Path) -> tuple[list[Judged], Path]:
    """Judge every claim from results by experiment and write the page `out`, its figures beside it."""
    judged = evaluate(CLAIMS, loaded)
    from frontier.study.claims.page import write_claims_page  # matplotlib is imported only here

    evidence = {one.claim.id: one.verdict.evidence for one in judged}
    points = {one.claim.id: one.verdict.points for one in judged}
    try:
        written = write_claims_page(claims_table(judged), evidence, points, runs_table(loaded), out)
    except OSError as error:
        raise InputError(out, f"page cannot be written: {error.strerror}", cure="use --out") from None
    return judged, written[0]


def load_needed(folder: Path) -> Run:
    """A run with its targets, the largest table, only where a claim reads them."""
    run = load_run(folder)
    read = any(claim.needs_targets and run.name in claim.needs for claim in CLAIMS)
    return load_run(folder, targets=True) if read else run


def load_folders(folders: list[Path], load: Callable[[Path], Run] = load_needed) -> dict[str, Run]:
    """Results by experiment; `InputError` for a folder without a finished run, and for one experiment twice."""
    found: dict[str, Run] = {}
    for folder in folders:
        run = load(folder)
        if run.name in found:
            raise InputError(folder, f"a second run of '{run.name}'", cure="give one folder for each experiment")
        found[run.name] = run
    return found


def load_found(root: Path, load: Callable[[Path], Run] = load_needed) -> dict[str, Run]:
    """The experiments that claims need, as far as they have a folder with a finished run below `root`."""
    names = sorted({name for claim in CLAIMS for name in claim.needs})
    return load_folders([root / name for name in names if (root / name / "cells.parquet").is_file()], load)


def claims_table(judged: list[Judged]) -> pd.DataFrame:
    """One row per claim, as the page reads it."""
    return pd.DataFrame(
        [
            {"id": one.claim.id, "words": one.claim.words, "source": one.claim.source, "rule": one.claim.rule}
            | {"needs": ", ".join(one.claim.needs), "not_tested": "\n".join(one.claim.not_tested)}
            | {"verdict": one.verdict.word, "condition": one.verdict.condition, "reason": one.verdict.reason}
            | {"detail": one.verdict.detail}
            for one in judged
        ]
    )


def runs_table(loaded: dict[str, Run]) -> pd.DataFrame:
    """One row per experiment read: how large, by which code, on what."""
    rows = []
    for name, run in sorted(loaded.items()):
        machine = run.manifest.get("machine") or {}
        kept = {fact: machine.get(fact) for fact in ("processor", "cores", "system")}
        rows.append(
            {"experiment": name, "rows": f"{len(run.cells):,}", "code": str(run.manifest.get("code_digest") or "")[:12]}
            | {"threads": run.manifest.get("threads_per_batch"), "machine": pairs(kept)}
        )
    return pd.DataFrame(rows)

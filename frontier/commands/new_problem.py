"""`python -m frontier new-problem SURVEY.csv`: a problem to begin with, from a survey file alone.

Exit codes: 0 done, 1 the machine failed (disk full), 2 bad input; a file that is there already is left as it is.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import yaml

from frontier.commands.command_line import command, print_lines
from frontier.core.errors import InputError
from frontier.core.files import write_together
from frontier.problems.own_data.draft import Draft, draft
from frontier.sweep.method_entry import LONGEST_LABEL

HEADER = "# drafted by `frontier new-problem`; every key: experiments/own_data/README.md\nname: files\n"


@partial(command, kept="nothing was written")
def main(
    survey: Annotated[Path, typer.Argument(metavar="survey", help="the survey file: .csv or .parquet")],
    weight: Annotated[str | None, typer.Option(help="column of the initial weights; default the one called so")] = None,
    id: Annotated[
        str | None, typer.Option(help="column of ids: rows of one id are one record; default one that numbers rows")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="the problem; default SURVEY.yaml, beside the survey file")] = None,
) -> None:
    """Draft a problem from a survey file: how it is written, its weights, and a table of totals to put figures into."""
    if not survey.is_file():
        raise InputError(survey, "not a file" if survey.exists() else "no such file", cure="check the path")
    path = survey.with_suffix(".yaml") if out is None else out
    targets = path.with_name(f"{path.stem}_targets.csv")
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(path, "not a problem", expected="a name that ends in .yaml")
    if path.resolve().parent != survey.resolve().parent:
        raise InputError(path, "not in the folder of the survey file", expected=survey.parent, cure="leave out --out")
    for file in (path, targets):
        if file.exists():
            raise InputError(file, "is there already", cure="give a new name: --out NEW.yaml")
    found = draft(survey, weight, id)
    write_together({targets: _table(found), path: _problem(found, path, targets)})
    _print(found, path, targets)


def _table(found: Draft) -> bytes:
    """The target cells, written as the survey file is; UTF-8, with the mark by which spreadsheets know it."""
    text = found.targets.to_csv(index=False, sep=found.dialect.sep, decimal=found.dialect.decimal)
    return text.encode("utf-8-sig")


def _problem(found: Draft, path: Path, targets: Path) -> bytes:
    # a label is part of the names of figures
    plain = unicodedata.normalize("NFKD", path.stem.replace("ß", "ss")).encode("ascii", "ignore").decode()
    label = re.sub(r"[^A-Za-z0-9_.-]+", "_", plain).lstrip("_.-")[:LONGEST_LABEL] or "survey"
    entry = {"label": label} | found.params | {"targets": targets.name}
    return (HEADER + yaml.safe_dump(entry, sort_keys=False, allow_unicode=True)).encode()


def _print(found: Draft, path: Path, targets: Path) -> None:
    params, name = found.params, shlex.quote(str(path))
    ids = f"ids '{params['id']}'" if "id" in params else "no ids (--id COLUMN for those that rows share)"
    lines = [f"written: {path}: {found.n_records:,} records of {params['microdata']}, {ids}"]
    lines += [f"initial weights '{params['weight']}', {found.total_weight:,.0f} in all"]
    guessed = ", ".join(f"{key}: {sign!r}" for key, sign in found.dialect.settings().items())
    lines += [f"read with {guessed}"] if guessed else []
    lines += [f"written: {targets}: {len(found.targets)} totals, with the values that the file itself has"]
    lines += [f"no totals of {', '.join(found.left_out)}"] if found.left_out else []
    lines += ["", f"1. in {targets.name}: put published figures into the column 'value', delete rows without one"]
    lines += [f"2. python -m frontier data {name}       # what is wrong with it"]
    lines += [f"3. python -m frontier suggest {name}    # which small file to take, and what it loses"]
    print_lines(lines)

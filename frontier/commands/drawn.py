"""The report of a run, drawn where it is not there yet: a finished run that is run again has nothing to draw.

`.report.json` in the results folder has the digests of the tables and of the code that a report was drawn from, where
it stands, and the lines that the run ended with. `frontier report` always draws.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from frontier.commands.command_line import draw_report, print_lines
from frontier.core.errors import InputError
from frontier.core.files import write_atomically
from frontier.results.manifest import read_json, read_manifest

STATE = ".report.json"


def drawn_report(results: Path, folder: Path | None) -> Path:
    """The folder of the report of a run, by default among those of the working folder; prints what the run comes to."""
    manifest = read_manifest(results)
    made_from = {"tables": manifest.get("sha256"), "code": manifest.get("code_digest"), "asked": str(folder)}
    state = _state(results / STATE)
    if all(state.get(key) == value for key, value in made_from.items()) and _is_there(state.get("report")):
        print_lines(map(str, state.get("lines") or []))
        return Path(str(state["report"]))
    told: list[str] = []
    report = draw_report([results], folder, tell=told.extend)[0].parent
    print_lines(told)
    content = made_from | {"report": str(report), "lines": told}
    write_atomically(results / STATE, json.dumps(content, indent=1).encode())
    return report


def _state(path: Path) -> dict[str, Any]:
    try:
        return read_json(path) if path.is_file() else {}
    except InputError:  # damaged: it only saves time
        return {}


def _is_there(report: object) -> bool:
    return isinstance(report, str) and all((Path(report) / name).is_file() for name in ("report.md", "index.html"))

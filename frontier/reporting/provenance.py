"""What was run on what, by which versions and machine, and how it was timed; and the end of every report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from frontier.reporting.document import Block, Bullets, Section, Table, Text
from frontier.reporting.markdown import escape, pairs, prose
from frontier.reporting.numbers import MISSING, count
from frontier.results.schema import TIMINGS


def provenance(ready: pd.DataFrame, manifest: Mapping[str, Any]) -> Section:
    """The problems, their fingerprints, warnings about their data, and the facts of each run, for prepared cells."""
    problems = manifest.get("problems") or {}
    header = ("problem", "built by", "records", "targets", "non-zeros", "fingerprint")
    rows = []
    for label, facts in sorted(problems.items()):
        arguments = ", ".join(f"{name}={value}" for name, value in sorted((facts.get("params") or {}).items()))
        built = f"{facts.get('name', label)}({arguments})"
        sizes = [count(facts.get(size)) for size in ("n_records", "n_targets", "nnz")]
        rows.append([label, built, *sizes, str(facts.get("fingerprint") or MISSING)[:12]])
    kinds = ready["timing"].value_counts()
    order = [*(kind for kind in TIMINGS if kind in kinds), *sorted(set(kinds.index) - set(TIMINGS))]
    facts_of_cells = {
        "cells": f"{len(ready):,}" if len(ready) else "",
        "timing": ", ".join(f"{kind} {kinds[kind]:,}" for kind in order),
    }
    told: list[Block] = [Table(header, rows, numbers=range(2, 5))] if rows else []
    told += [block for label in sorted(problems) for block in _warnings(label, problems[label])]
    if manifest.get("runs"):
        told += _facts(facts_of_cells)
        told += [Section(f"Run {run['name']}", _facts(_facts_of_run(run["manifest"]))) for run in manifest["runs"]]
    else:
        told += _facts(facts_of_cells | _facts_of_run(manifest))
    if manifest.get("joined"):
        told.append(Section("How the runs were joined", [Bullets([escape(line) for line in manifest["joined"]])]))
    return Section("Provenance", told)


def settings(manifest: Mapping[str, Any]) -> list[str]:
    """Where, with what and with which settings a run about times was measured, line by line."""
    facts = {
        "machine": pairs(manifest.get("machine")),
        "threads per batch": manifest.get("threads_per_batch"),
        "processes": manifest.get("jobs"),
        "repeats": manifest.get("repeats"),
        "versions": pairs(manifest.get("versions")),
        "code": str(manifest.get("code_digest") or "")[:12],
    }
    lines = [f"**{name}:** {escape(value)}" for name, value in facts.items() if value not in (None, "")]
    for label, method in sorted((manifest.get("methods") or {}).items()):
        lines.append(
            f"**settings of {escape(label)}:** {escape(method.get('name', ''))}, {pairs(method.get('params'))}"
        )
    return lines


def description(manifest: Mapping[str, Any]) -> list[Text]:
    """What an experiment says of itself, by paragraphs."""
    texts = re.split(r"\n\s*\n", str(manifest.get("description") or ""))
    return [Text(prose(text)) for text in texts if text.strip()]


def limitations(manifest: Mapping[str, Any]) -> list[str]:
    """The limitations that an experiment states of itself."""
    return [prose(line) for line in manifest.get("limitations") or ()]


def closing(reading: Sequence[str], stated: Sequence[str] = ()) -> list[Section]:
    """The end of a report: how to read it, and its limitations."""
    return [
        Section("How to read this", [Bullets(reading)]),
        *([Section("Limitations", [Bullets(stated)])] if stated else []),
    ]


def _warnings(label: str, facts: Mapping[str, Any]) -> list[Block]:
    """What there is to say against a problem's data, as found when the run was planned."""
    found = facts.get("warnings") or ()
    return [Text(f"**Warnings about {escape(label)}:**"), Bullets([escape(line) for line in found])] if found else []


def _facts_of_run(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "versions": pairs(manifest.get("versions")),
        "machine": pairs(manifest.get("machine")),
        "jobs": manifest.get("jobs"),
        "code": str(manifest.get("code_digest") or "")[:12],
        "plan": str(manifest.get("plan_fingerprint") or "")[:12],
    }


def _facts(facts: Mapping[str, Any]) -> list[Block]:
    lines = [f"**{name}:** {escape(value)}" for name, value in facts.items() if value not in (None, "")]
    return [Bullets(lines)] if lines else []

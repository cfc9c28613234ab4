"""The page of `reports/tuned/`: what tuning changes, run by run, as the flagship results have it; solves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from frontier.results.run import Run

if TYPE_CHECKING:
    from frontier.reporting.document import Block

QUESTION = (
    "Does the order of methods survive when each is tuned for the same time? Searches see training targets, or samples "
    "that are shown nowhere; what stands here was kept from all of them."
)


def write_tuned(runs: Sequence[Run], out: Path) -> list[Path]:
    """Write the page of runs whose methods were tuned; its files, the report first."""
    from frontier.reporting.document import Bullets, Document, Section, Text
    from frontier.reporting.prepared import Prepared
    from frontier.reporting.provenance import description, limitations
    from frontier.reporting.sections import profiles, tuned
    from frontier.reporting.write import write_document

    told: list[Block] = [Text(QUESTION)]
    for run in runs:
        prepared = Prepared(run.cells, run.manifest, run.targets, run.traces)
        inside = [b for b in (*tuned.blocks(prepared), *profiles.blocks(prepared)) if isinstance(b, Section)]
        told.append(Section(run.name, [*description(run.manifest), *inside, Bullets(limitations(run.manifest))]))
    told.append(Section("How to read it", [Bullets([*tuned.READING, *profiles.READING])]))
    return write_document(Document("Tuned for the same time", told), out)

"""Partial runs of one plan, made on several machines, joined into one results folder.

A batch file is named by a digest of all that decides its result, so joining is copying: each file is verified (seal and
content), the first run that has a batch gives it, and the tables are assembled from the copies as after any run. The
plan is made again from the experiment file that every manifest carries; a run whose plan is not that one is refused.

Every run's manifest is kept as `manifests/<n>.json`; `merged` in the manifest of the whole says which of them produced
which batches. Nothing is solved here.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from frontier.core.errors import InputError
from frontier.core.files import read_limited, write_atomically
from frontier.results.manifest import read_manifest
from frontier.results.provenance import code_digest
from frontier.results.store import LARGEST_BATCH_BYTES, DamagedFile, Store
from frontier.results.tables import write_tables
from frontier.sweep.facts import run_manifest
from frontier.sweep.run import stored_parts
from frontier.sweep.runner import stored
from frontier.sweep.session import Session, open_session


@dataclass(frozen=True, slots=True)
class Source:
    """A manifest, and the folder with the batches that it stands for."""

    folder: Path
    manifest: Mapping[str, Any]
    keys: frozenset[str]


def merge_runs(
    runs: Sequence[Path], out: Path, warn: Callable[[str], None] = lambda line: None, *, run_files: bool = False
) -> pd.DataFrame:
    """Join `runs` into the new results folder `out`; the cells table of all their batches.

    Planning again runs the files that methods of the user's own are in, below the working folder; results may be
    somebody else's, so with `run_files` only.

    Raises `InputError` for a folder without a manifest, another plan or format, or an `out` that holds a run.
    """
    sources = [source for run in runs for source in _sources(run)]
    session = _session(sources[0], run_files)
    for source in sources:
        if source.manifest.get("plan_fingerprint") != session.fingerprint:
            raise InputError(
                source.folder,
                "another plan",
                expected=f"{session.fingerprint[:12]} (this code's plan of {sources[0].folder})",
                got=str(source.manifest.get("plan_fingerprint"))[:12],
                cure="merge runs of one experiment file and one version of the code and data",
            )
    if len({source.manifest.get("code_digest") for source in sources}) > 1:
        warn("these runs were made by different versions of the code; the manifests say which")
    store = Store(out)
    if (out / "manifest.json").exists():
        raise InputError(out, "holds a run already", cure="name a new folder")
    with store.lock():
        store.open(fresh=False)
        produced = _copy(session, sources, store, warn)
        for i, source in enumerate(sources):
            write_atomically(
                out / "manifests" / f"{i}.json", json.dumps(dict(source.manifest), indent=2, sort_keys=True).encode()
            )
        found = {key for keys in produced for key in keys}
        lost = [batch for batch in session.batches if batch.key not in found]
        manifest = run_manifest(session, jobs=0, digest=code_digest()) | {
            "machine": _common([source.manifest.get("machine") for source in sources]),
            "merged": [
                {"manifest": f"manifests/{i}.json", "machine": source.manifest.get("machine"), "batches": keys}
                for i, (source, keys) in enumerate(zip(sources, produced, strict=True))
            ],
            "cells_not_run": sum(len(batch.cells) for batch in lost),
        }
        return write_tables(store.folder, stored_parts(session, store), session.problems, manifest)


def _sources(run: Path) -> list[Source]:
    """The run's own manifest, after those that a merged run keeps for batches of other machines."""
    manifest = read_manifest(run)
    keys = {path.stem for path in (run / "batches").glob("*.npz")}
    found = []
    for entry in manifest.get("merged", ()):
        path = (run / str(entry["manifest"])).resolve()
        if not path.is_relative_to((run / "manifests").resolve()):
            raise InputError(run / "manifest.json", "a manifest outside the run", got=entry["manifest"])
        found.append(Source(run, read_manifest(path.parent, path.name), frozenset(entry["batches"])))
        keys -= found[-1].keys
    return [*found, Source(run, manifest, frozenset(keys))] if keys or not found else found


def _session(source: Source, run_files: bool) -> Session:
    """The experiment of a run, read and planned again; its data files, if any, are where they were, from here."""
    text, name = source.manifest.get("experiment_file"), source.manifest.get("experiment")
    if not isinstance(text, str) or not isinstance(name, str):
        raise InputError(source.folder / "manifest.json", "no experiment file in it", cure="run the experiment again")
    data = source.manifest.get("experiment_folder") or "."
    if not isinstance(data, str) or Path(data).is_absolute() or ".." in Path(data).parts:
        raise InputError(source.folder / "manifest.json", "a folder outside the working folder", got=repr(data))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{Path(name).name}.yaml"  # a file without a name of its own is named by its path
        path.write_text(text, encoding="utf-8")
        return open_session(path, Path(data), run_files=run_files)


def _copy(session: Session, sources: Sequence[Source], store: Store, warn: Callable[[str], None]) -> list[list[str]]:
    """Copy every batch from the first source that has it whole; the keys of each source's batches."""
    produced: list[list[str]] = [[] for _ in sources]
    for batch in session.batches:
        for source, keys in zip(sources, produced, strict=True):
            if batch.key not in source.keys:
                continue
            try:
                whole = stored(batch, Store(source.folder)) is not None
            except DamagedFile as error:
                warn(f"damaged result in {source.folder}, left out: {error}")
                whole = False
            if not whole:
                continue
            write_atomically(
                store.path(batch.key), read_limited(Store(source.folder).path(batch.key), LARGEST_BATCH_BYTES)
            )
            keys.append(batch.key)
            break
    return produced


def _common(machines: Sequence[Any]) -> Any:
    """The machine of all runs, or that there were several: timings of those are not comparable."""
    first = machines[0]
    return first if all(machine == first for machine in machines) else {"system": "several machines, see manifests/"}

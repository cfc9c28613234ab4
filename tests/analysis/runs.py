"""Runs made up cell by cell, for tests of what compares them."""

from __future__ import annotations

from typing import Any

from frontier.results.run import Run
from frontier.results.schema import cells_table

MACHINE = {"processor": "p", "cores": 2, "memory_gib": 8.0, "system": "Linux"}
N_RECORDS = 1000


def row(label: str = "exact", **values: Any) -> dict[str, Any]:
    """One cell as the store has it."""
    found: dict[str, Any] = {"problem": "p", "split": "default", "method": label, "label": label, "lam": None}
    found |= {"budget": None, "seed": None, "refit": "none", "repeat": 0, "status": "completed", "timing": "clean"}
    found |= {"n_active": 50, "ess": 40.0, "train_mare": 0.02, "heldout_mare": 0.1, "fit_seconds": 1.0, "batch_size": 1}
    found |= {"support_is_unique": None, "message": ""} | values
    names = ("label", "lam", "budget", "seed", "refit", "repeat")
    return {"cell": "/".join(str(found[name]) for name in names)} | found


def run(*rows: dict[str, Any], **manifest: Any) -> Run:
    facts: dict[str, Any] = {
        "problems": {"p": {"fingerprint": "f", "n_records": N_RECORDS}},
        "splits": {"p": {"default": {"fingerprint": "s"}}},
        "methods": {r["label"]: {"name": r["method"], "params": {"tol": 1e-8}} for r in rows},
        "machine": MACHINE,
        "threads_per_batch": 1,
        "refit": {"rho": 0.1},
    }
    return Run(cells_table(list(rows)), facts | manifest)

"""Small made-up results with everything a page shows: two problems, a rotation, refits, budgets and λ, a failure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from frontier.reporting.document import Document
from frontier.reporting.prepared import Prepared
from frontier.reporting.report import pages_of

HOSTILE = "Evil </script><img src=x onerror=\"document.title='broken'\"> & <b>bold</b> | $x_1$"


def whole(run: Prepared) -> Document:
    """Both pages of a report as one document."""
    first, *others = pages_of(run)
    return Document(first.title, [block for page in (first, *others) for block in page.blocks])


def cell(label: str = "Gates", **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"problem": "ohio", "split": "default", "method": "hard_concrete", "label": label}
    row |= {"refit": "none", "lam": None, "budget": None, "seed": None, "repeat": 0, "status": "completed"}
    row |= {"message": "", "certified": None, "relative_gap": None, "n_active": 100, "ess": 50.0, "train_mare": 0.05}
    row |= {"heldout_mare": 0.2, "heldout_capped_mare": 0.19, "fit_seconds": 0.25, "timing": "clean"}
    row |= changes
    parts = [row["problem"], row["split"], row["label"], row["lam"], row["budget"], row["seed"], row["refit"]]
    return row | {"cell": "/".join(map(str, parts))}


def results() -> pd.DataFrame:
    """Gates with three seeds and a convex method at three budgets on a default split and two folds, and a λ grid."""
    rows = []
    for split, shift in (("default", 0.0), ("rotation_1of2", 0.02), ("rotation_2of2", 0.05)):
        for budget in (20, 200, 2000):
            error = 0.9 - 0.2 * np.log10(budget) + shift
            for refit, gain in (("none", 0.0), ("fitted", 0.03)):
                common = {"split": split, "budget": budget, "refit": refit}
                for seed in range(3):
                    found = error + 0.03 * seed - gain
                    rows.append(
                        cell(**common, seed=seed, n_active=budget + seed, heldout_mare=found, train_mare=found / 4)
                    )
                missed = budget == 2000
                rows.append(
                    cell(
                        HOSTILE, method="nn_lasso", **common, status="unreached" if missed else "optimal",
                        certified=True, relative_gap=3e-9, n_active=min(budget, 450), budget_reached=not missed,
                        heldout_mare=error + 0.1 - gain, train_mare=error / 3,
                    )
                )  # fmt: skip
    for lam, active in ((0.001, 400), (0.1, 30), (1.0, 0)):
        for seed in range(2):
            kept = active + 3 * seed if active else 0
            rows.append(cell(problem="paths", lam=lam, seed=seed, n_active=kept, heldout_mare=0.3 + lam / 2))
    gone = dict.fromkeys(("n_active", "ess", "train_mare", "heldout_mare", "heldout_capped_mare"))
    rows.append(cell(problem="paths", lam=0.1, seed=9, status="error", message="it broke", **gone))
    return pd.DataFrame(rows)


def estimates(cells: pd.DataFrame) -> pd.DataFrame:
    """Four targets in two families per cell: target 3 is the worst, and held out with target 2."""
    rows = []
    for row in cells[cells["status"] != "error"].to_dict("records"):
        for j in range(4):
            heldout = (j >= 2) if row["split"] != "rotation_2of2" else (j < 2)
            residual = (0.01, -0.02, 0.1, 2.5)[j] * (1 + 0.1 * (0 if pd.isna(row["seed"]) else row["seed"]))
            rows.append(
                {
                    "cell": row["cell"],
                    "target": f"total {j} <i>",
                    "family": "wages" if j % 2 else "snap",
                    "heldout": heldout,
                    "value": 1000.0 * (j + 1),
                    "estimate": 1000.0 * (j + 1) * (1 + residual),
                    "relative_residual": residual,
                }
            )
    return pd.DataFrame(rows)


def traces(cells: pd.DataFrame) -> pd.DataFrame:
    """A loss at 200 iterations for every cell with a seed."""
    rows = [
        {"cell": name, "quantity": quantity, "step": step, "value": value}
        for name in cells.loc[cells["seed"].notna() & (cells["refit"] == "none"), "cell"]
        for step in range(200)
        for quantity, value in (("iteration", 10.0 * (step + 1)), ("loss", 1 / (step + 1)), ("n_active", 200.0 - step))
    ]
    return pd.DataFrame(rows)


def manifest() -> dict[str, Any]:
    facts = {"n_train": 30, "rank": 28, "dense_mare": 0.01, "initial_heldout_mare": 0.4}
    splits = dict.fromkeys(("default", "rotation_1of2", "rotation_2of2"), facts)
    problem = {"name": "ohio", "n_records": 5000, "n_targets": 40, "nnz": 9, "fingerprint": "f" * 64, "params": {}}
    return {
        "experiment": "made up",
        "description": "Two problems\n\nand <script>alert(1)</script> a *hostile* label.",
        "problems": {
            "ohio": problem | {"meta": {"heldout_floor": 0.05, "heldout_floor_reason": "made so"}},
            "paths": problem | {"fingerprint": "e" * 64},
        },
        "splits": {"ohio": splits, "paths": {"default": facts}},
        "methods": {"Gates": {"name": "hard_concrete", "params": {"lr": 0.1}}},
        "machine": {"cores": 2, "processor": "Some <CPU>"},
        "versions": {"numpy": "2.0"},
        "limitations": ["One <state>, one year."],
    }

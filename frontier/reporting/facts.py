"""What a manifest says of a problem and its splits, for titles, sentences and reference lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ProblemFacts:
    """What the manifest knows of a problem and split: sizes (None when it does not say) and the held-out floor."""

    records: int | None
    targets: int | None
    training: int | None
    floor: float | None
    rank: int | None = None
    dense_mare: float | None = None
    bound_loss: float | None = None
    initial_heldout: float | None = None
    sampling_heldout: float | None = None
    sampling_hidden: float | None = None


def problem_facts(manifest: Mapping[str, Any], problem: str, split: str) -> ProblemFacts:
    """The facts of `manifest["problems"][problem]`; the held-out floor only when it is above 0.

    `manifest["splits"][problem][split]` holds the number of training targets (`n_train`), and what is known of the
    training problem: `rank` of its matrix, `dense_mare` and `bound_loss` of its non-negative least squares fit, and
    `initial_heldout_mare`, the held-out error of the initial weights, and `sampling`, what chance has of it.
    """
    facts = (manifest.get("problems") or {}).get(problem) or {}
    floor = (facts.get("meta") or {}).get("heldout_floor")
    known = ((manifest.get("splits") or {}).get(problem) or {}).get(split) or {}
    return ProblemFacts(
        facts.get("n_records"),
        facts.get("n_targets"),
        known.get("n_train"),
        float(floor) if floor is not None and float(floor) > 0 else None,
        known.get("rank"),
        known.get("dense_mare"),
        known.get("bound_loss"),
        known.get("initial_heldout_mare"),
        (known.get("sampling") or {}).get("heldout"),
        (known.get("sampling") or {}).get("truth"),
    )


def initial_known(manifest: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Capped held-out errors of the initial weights by problem and split, where the run was made with them."""
    return {
        (problem, split): float(one["initial_heldout_capped_mare"])
        for problem, some in (manifest.get("splits") or {}).items()
        for split, one in some.items()
        if one.get("initial_heldout_capped_mare") is not None
    }


def figure_title(manifest: Mapping[str, Any], problem: str, split: str) -> str:
    """`cps: 40,000 records × 300 training targets`, as far as the manifest knows them, and the split when named."""
    facts = problem_facts(manifest, problem, split)
    sizes = [f"{facts.records:,} records"] if facts.records is not None else []
    if facts.training is not None:
        sizes.append(f"{facts.training:,} training targets")
    elif facts.targets is not None:
        sizes.append(f"{facts.targets:,} targets")
    name = problem if split == "default" else f"{problem}, split {split}"
    return f"{name}: {' × '.join(sizes)}" if sizes else name


def design_title(manifest: Mapping[str, Any], problem: str, design: str, splits: Sequence[str]) -> str:
    """`figure_title` of a design's only split, or `cps: 40,000 records, rotation of 4 folds`."""
    if len(splits) == 1:
        return figure_title(manifest, problem, splits[0])
    records = problem_facts(manifest, problem, splits[0]).records
    size = "" if records is None else f"{records:,} records, "
    known = {"fold": f"{len(splits)} folds", "random": f"{len(splits)} random splits"}
    return f"{problem}: {size}{known.get(design, f'{design} of {len(splits)} folds')}"

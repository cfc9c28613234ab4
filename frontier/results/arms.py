"""What an arm is called: a label with what its weights are, as fitted or refit."""

from __future__ import annotations

ARMS = {"none": "as fitted", "fitted": "refit", "initial": "refit from w0"}

Arm = tuple[str, str]  # label, refit


def arm_words(refit: str) -> str:
    """`as fitted`, `refit`, `refit from w0`, with another ρ `refit, ρ = 0.01`; of an unknown kind `refit nnls`."""
    anchor, at, rho = refit.partition("@")
    words = ARMS.get(anchor, f"refit {anchor}")
    return f"{words}, ρ = {rho}" if at else words


def arm_name(label: str, refit: str) -> str:
    """`PPS sample, refit`; as fitted, the label alone."""
    return label if refit == "none" else f"{label}, {arm_words(refit)}"

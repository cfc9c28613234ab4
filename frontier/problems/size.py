"""How large a made-up problem may be: beyond it an experiment file is refused instead of filling the memory."""

from __future__ import annotations

from frontier.core.errors import InputError

LARGEST_ENTRIES = 400_000_000  # of M, drawn: 3.2 GB as float64
LARGEST_STORED = 1_000_000_000  # of M in or from a file: 12 GB, a float64 and an int32 each


def check_size(n_targets: int, n_records: int, place: str, keys: tuple[str, str] = ("n_targets", "n_records")) -> None:
    """`InputError` for fewer than one target or record, or more entries of M than a machine should be asked for.

    `keys` are the parameters that say how many.
    """
    for key, count in zip(keys, (n_targets, n_records), strict=True):
        if count < 1:
            raise InputError(f"{place}.{key}", "too few", expected="at least 1", got=count)
    if n_targets * n_records > LARGEST_ENTRIES:
        got = f"{n_targets:.3g} × {n_records:.3g}"
        raise InputError(place, "too large", expected=f"{' × '.join(keys)} ≤ {LARGEST_ENTRIES:,}", got=got)

"""How a command begins: it is imported only when it is used, and an interrupt meanwhile is a line as any other."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def start(module: str, **arguments: Any) -> None:
    """Import a module of commands and call its `main`; exit code 130 for an interrupt before it is imported."""
    gc.set_threshold(10_000, 20, 10)  # imports are no garbage: looking for some took 1/20 of a report
    try:
        main: Callable[..., None] = import_module(module).main
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: nothing had begun\n")
        raise SystemExit(130) from None
    main(**arguments)

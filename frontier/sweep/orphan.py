"""A worker whose parent is gone stops: nobody holds the folder's lock for it any more, or enforces its limits."""

from __future__ import annotations

import os
import threading
import time

import psutil

POLL_SECONDS = 0.2
_watched: set[int] = set()  # parents that a thread of this process watches


def stop_with(parent: int) -> None:
    """End this process when the process `parent` has ended; at once if it has already.

    Killed, a parent cannot tell its workers. A process that is its own parent here (no worker) goes on.
    """
    if parent == os.getpid() or parent in _watched:
        return
    _watched.add(parent)
    try:
        process = psutil.Process(parent)  # knows it by the time it began, too: ids are used again
    except psutil.NoSuchProcess:
        os._exit(1)
    threading.Thread(target=_watch, args=(process,), daemon=True).start()


def _watch(parent: psutil.Process) -> None:
    while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
        time.sleep(POLL_SECONDS)
    os._exit(1)

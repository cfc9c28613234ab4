"""How a solve ended, and what that is worth: said once, for methods, results and reports alike."""

from __future__ import annotations

import enum

from frontier.core.limits import out_of_time


class Status(enum.StrEnum):
    """How a solve ended; `meaning` says what that is worth and what to do about it."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Status:  # Status("optimal") looks one up
        member = str.__new__(cls, value)
        member._value_, member.meaning = value, meaning
        return member

    OPTIMAL = "optimal", "for the method's own objective, to its tolerance, confirmed by the harness's certificate"
    COMPLETED = "completed", "ran as prescribed; this method has no notion of an optimum"
    STOPPED_EARLY = "stopped_early", "met its early stopping criterion before its last epoch"
    NOT_CONVERGED = "not_converged", "stopped at its iteration limit: raise max_iter or loosen tol"
    UNREACHED = (
        "unreached",
        "ended well, but not within 2% of the budget: the message names the nearest size it reaches",
    )
    INFEASIBLE = "infeasible", "no weights satisfy the constraints: relax them"
    TIMEOUT = (
        "timeout",
        "ran out of time, with its best point or none, so not reproducible: raise limits.seconds",
    )
    ERROR = "error", "the method failed: see the message"
    CRASH = "crash", "the worker process died: look for memory limits or a fault in native code"
    OUT_OF_MEMORY = (
        "out_of_memory",
        "ran out of memory: raise limits.memory_gib, use fewer points per batch or a smaller problem",
    )

    @property
    def has_weights(self) -> bool:
        """Whether every solution of this status has weights; one that ran out of time may have."""
        return self in WITH_WEIGHTS

    @property
    def ended_well(self) -> bool:
        """Whether the method did all that it was to do; whether that is the size asked for is another question."""
        return self in ENDED_WELL

    @classmethod
    def unconverged(cls) -> Status:
        """The status of an iteration that ended before it converged: by the clock, or at its own limit."""
        return cls.TIMEOUT if out_of_time() else cls.NOT_CONVERGED


ENDED_WELL = (Status.OPTIMAL, Status.COMPLETED, Status.STOPPED_EARLY)
SETTLED = (*ENDED_WELL, Status.UNREACHED)  # the weights are those that the method claims, of whatever size
WITH_WEIGHTS = (*SETTLED, Status.NOT_CONVERGED)  # always; a timeout may have some

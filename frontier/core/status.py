"""How a solve ended, and what that is worth: said once, for methods, results and reports alike."""

from __future__ import annotations

import enum

from frontier.core.limits import out_of_time


class Status(enum.StrEnum):
    """How a solve ended; `meaning` says what that is worth and what to do about it."""

    OPTIMAL = "optimal"
    COMPLETED = "completed"
    STOPPED_EARLY = "stopped_early"
    NOT_CONVERGED = "not_converged"
    UNREACHED = "unreached"
    INFEASIBLE = "infeasible"
    TIMEOUT = "timeout"
    ERROR = "error"
    CRASH = "crash"
    OUT_OF_MEMORY = "out_of_memory"

    @property
    def meaning(self) -> str:
        return _MEANING[self]

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

_MEANING = {
    Status.OPTIMAL: "a minimiser to the method's tolerance, confirmed by the harness's certificate",
    Status.COMPLETED: "ran as prescribed; this method has no notion of an optimum",
    Status.STOPPED_EARLY: "met its early stopping criterion before its last epoch",
    Status.NOT_CONVERGED: "stopped at its iteration limit: raise max_iter or loosen tol",
    Status.UNREACHED: "ended well, but not within 2% of the budget: the message names the nearest size it reaches",
    Status.INFEASIBLE: "no weights satisfy the constraints: relax them",
    Status.TIMEOUT: "ran out of time, with its best point or none, so not reproducible: raise limits.seconds",
    Status.ERROR: "the method failed: see the message",
    Status.CRASH: "the worker process died: look for memory limits or a fault in native code",
    Status.OUT_OF_MEMORY: "ran out of memory: raise limits.memory_gib, use fewer points per batch or a smaller problem",
}

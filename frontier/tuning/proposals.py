"""What to try next: settings proposed in generations by a sampler of Optuna, from all that ended before.

Optuna holds nothing that is not in the results: a search that goes on asks again for every generation, is told again
how it ended, and so comes to the same proposals (Akiba et al. 2019; TPE: Bergstra et al. 2011, with the constant liar
for those of one generation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from frontier.core.errors import InputError
from frontier.core.search_space import Between, Range, Space, Value

if TYPE_CHECKING:
    import optuna

Settings = Mapping[str, Value]


def require_optuna() -> None:
    """`InputError` without the extra that proposes settings."""
    try:
        import optuna  # noqa: F401
    except ModuleNotFoundError as error:
        cure = "python -m pip install -c constraints.txt -e '.[tune]'"
        raise InputError("frontier tune", f"needs the extra 'tune': {error}", cure=cure) from None


class Proposals:
    """Proposals for one space, one generation after the other; `objectives` numbers are to be small."""

    def __init__(self, space: Space, sampler: Literal["tpe", "random"], seed: int, objectives: int = 1) -> None:
        require_optuna()
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)  # of Optuna alone: it would report every trial
        samplers = optuna.samplers
        made = samplers.RandomSampler(seed) if sampler == "random" else samplers.TPESampler(seed=seed)
        self._ended = optuna.trial.TrialState
        self._space = space
        self._running: dict[int, optuna.Trial] = {}
        self._study = optuna.create_study(sampler=made, directions=["minimize"] * objectives)
        self._distributions = {name: _distribution(one) for name, one in space.items()}

    def ask(self, size: int) -> list[tuple[int, Settings]]:
        """The next generation: number and settings of each proposal. Tell how all of it ended before the next."""
        asked = [self._study.ask(self._distributions) for _ in range(size)]
        self._running |= {trial.number: trial for trial in asked}
        return [
            (trial.number, {name: one.tried(trial.params[name]) for name, one in self._space.items()})
            for trial in asked
        ]

    def tell(self, number: int, values: Sequence[float] | None, *, stopped_after: Sequence[float] = ()) -> None:
        """How a proposal ended: its values, None for a failure; `stopped_after` the values so far of one cut short."""
        trial = self._running.pop(number)
        for step, value in enumerate(stopped_after):
            trial.report(value, step)
        if stopped_after:
            self._study.tell(trial, state=self._ended.PRUNED)
        elif values is None:
            self._study.tell(trial, state=self._ended.FAIL)
        else:
            self._study.tell(trial, list(values))


def _distribution(one: Range) -> optuna.distributions.BaseDistribution:
    from optuna import distributions as kinds

    if isinstance(one, Between):
        if one.whole:
            return kinds.IntDistribution(int(one.low), int(one.high), log=one.log)
        return kinds.FloatDistribution(one.low, one.high, log=one.log)
    return kinds.CategoricalDistribution(one.values)

"""How much worse a metric may get before it counts as a regression: defaults with their reasons, and files of others.

Allowed is a worsening of `absolute + relative · |baseline|`. Cells without a seed (`deterministic`) are compared one by
one, so their tolerances are at rounding level: another order of summation must pass, nothing anybody would report may.
Cells with seeds (`seeds`) are compared by a test over the seeds (`analysis.regression.findings`), and the tolerance is
the mean worsening that nobody would mind. A file overrides single metrics; `null` leaves one out:

    alpha: 0.01
    deterministic: {train_mare: {absolute: 1.0e-3}, ess: null}
    timing_ratio: 2.0
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frontier.core.errors import InputError
from frontier.core.registry import validation_error
from frontier.core.yaml_file import read_yaml

Better = Literal["lower", "higher", "either"]


class Tolerance(BaseModel):
    """An allowed worsening; `better` says which way is worse, `either` that any change is."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    absolute: float = Field(default=0.0, ge=0)
    relative: float = Field(default=0.0, ge=0)
    better: Better = "lower"

    def allowed(self, baseline: float) -> float:
        return self.absolute + self.relative * abs(baseline)

    def worsening(self, baseline: float, now: float) -> float:
        """How much worse `now` is: positive is worse."""
        change = now - baseline
        return {"lower": change, "higher": -change, "either": abs(change)}[self.better]

    def betters(self, baseline: float, now: float) -> float:
        """How much better `now` is: positive is better, and never where any change is worse."""
        return 0.0 if self.better == "either" else -self.worsening(baseline, now)


# A solver that stops at a gap of 1e-12 leaves residuals of 1e-6, whose mean moves with the order of summation.
_ERROR = Tolerance(absolute=1e-6, relative=1e-4)
# Below 0.01 percentage points, or 1% of the error, two frontiers are drawn on top of each other.
_MEAN_ERROR = Tolerance(absolute=1e-4, relative=1e-2)
# What 1% more records at every point cost: 0.01/ln n, for n ≥ 150.
_AREA = Tolerance(absolute=2e-3, better="higher")

DETERMINISTIC = {
    "objective": Tolerance(absolute=1e-9, relative=1e-6),  # certified is a relative gap of 1e-6
    "relative_gap": Tolerance(absolute=1e-6),  # as above
    "train_mare": _ERROR,
    "heldout_mare": _ERROR,
    "heldout_capped_mare": _ERROR,
    "n_active": Tolerance(relative=1e-2, better="either"),  # a weight at the threshold of activity
    "ess": Tolerance(relative=1e-3, better="higher"),
    "max_weight_ratio": Tolerance(relative=1e-2),  # one record's weight: what a fit at its tolerance leaves open
    "hypervolume[train]": _AREA,
    "hypervolume[heldout]": _AREA,
}
SEEDS = {
    "train_mare": _MEAN_ERROR,
    "heldout_mare": _MEAN_ERROR,
    "ess": Tolerance(relative=1e-2, better="higher"),
    "max_weight_ratio": Tolerance(relative=0.1),  # an extreme of many records, which moves more than their mean
    "hypervolume[train]": _AREA,
    "hypervolume[heldout]": _AREA,
}
ALPHA = 0.05  # the chance that a check of methods no worse than allowed finds a regression in seeds
TIMING_RATIO = 1.5  # a choice: half as long again is worth a look


class Tolerances(BaseModel):
    """Every tolerance of a check."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    alpha: float = Field(default=ALPHA, gt=0, lt=1)
    deterministic: dict[str, Tolerance | None] = DETERMINISTIC  # type: ignore[assignment]  # dict is invariant
    seeds: dict[str, Tolerance | None] = SEEDS  # type: ignore[assignment]
    timing_ratio: float = Field(default=TIMING_RATIO, ge=1)


def read_tolerances(path: Path) -> Tolerances:
    """The defaults with what a YAML file says otherwise; `InputError` for anything that is no tolerance."""
    _, content = read_yaml(path, "a tolerance file", cure="check the path")
    try:
        given = Tolerances.model_validate(content)
    except ValidationError as error:
        raise validation_error(error, f"{path}: tolerances") from None
    for section, defaults in (("deterministic", DETERMINISTIC), ("seeds", SEEDS)):
        for metric, entry in (content.get(section) or {}).items():
            if metric not in defaults and isinstance(entry, dict) and "better" not in entry:
                place = f"{path}: {section}.{metric}"
                raise InputError(place, "which way is worse", expected="better: lower, higher or either", cure="add it")
    return given.model_copy(
        update={
            "deterministic": _over(DETERMINISTIC, given.deterministic, content.get("deterministic")),
            "seeds": _over(SEEDS, given.seeds, content.get("seeds")),
        }
    )


def _over(
    defaults: dict[str, Tolerance], given: dict[str, Tolerance | None], text: dict[str, dict[str, object] | None] | None
) -> dict[str, Tolerance | None]:
    """`defaults` with the given metrics replaced; one that does not say what is better keeps its direction."""
    found: dict[str, Tolerance | None] = dict(defaults)
    for metric in text or {}:
        tolerance = given[metric]
        if tolerance is not None and metric in defaults and "better" not in tolerance.model_fields_set:
            tolerance = tolerance.model_copy(update={"better": defaults[metric].better})
        found[metric] = tolerance
    return found

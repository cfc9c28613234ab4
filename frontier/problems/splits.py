"""Hold-out designs: which targets a method may fit and which ones judge it, `problem -> tuple[Split, ...]`.

Targets are nested (an amount and its count, a state and its districts, all classes and one class), so a held-out
target is informative only when its near copies are held out with it. The unit to hold out is therefore the family:
`default` and `held_out_families` hold out whole families, `family_folds` rotates them (k-fold cross-validation, Stone
1974), `rotation` only those that do not leak. Single rows can be held out too, by name or at random; the random design
warns that it leaks.

Designs divide targets, never records, and know no method. `DESIGNS` lists them by their YAML names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import CalibrationProblem, Split
from frontier.core.registry import checked_parameters

Design = Callable[..., tuple[Split, ...]]
MOST_REPEATS = 1000  # of random_rows: each repeats every cell of an experiment


class NestedTargetsWarning(UserWarning):
    """Held-out targets are (near) linear combinations of fitted ones: their error says little about generalisation."""


def every_target(problem: CalibrationProblem) -> Split:
    """The split that holds nothing out."""
    return Split("all", np.ones(problem.n_targets, dtype=bool))


def default_split(problem: CalibrationProblem) -> Split:
    """The split that the problem itself declares: `meta["held_out_families"]` held out; nothing when it names none.

    Raises `InputError` when `meta` names a family that the problem does not have.
    """
    place = f"problem '{problem.name}'.meta['held_out_families']"
    families = _known_families(problem, problem.meta.get("held_out_families", ()), place)
    return Split("default", _without_families(problem, families))


def training_problem(problem: CalibrationProblem, split: Split) -> CalibrationProblem:
    """The targets that `split` fits, with what the problem knows of their families: hold-outs within it do not leak.

    `restrict` forgets all facts, since a method must not see them; which families the others settle is known of the
    whole problem, and is no fact about the held-out totals. Truth and everything held out are gone.
    """
    training = problem.restrict(split.train)
    leaking = [name for name in problem.meta.get("never_hold_out_alone", ()) if name in training.families]
    return dataclasses.replace(training, meta={"never_hold_out_alone": tuple(leaking)})


def held_out_families(problem: CalibrationProblem, *, families: tuple[str, ...]) -> tuple[Split, ...]:
    """One split that holds out `families`; none of them gives a split for fitting only. Its name lists them.

    Warns with `NestedTargetsWarning` when the one family held out is known to follow from the fitted ones
    (`meta["never_hold_out_alone"]`). Raises `InputError` for an unknown family, or when nothing is left to fit.
    """
    chosen = _known_families(problem, families, "held_out_families.families")
    _warn_if_leaking(problem, chosen)
    return (Split(f"without_{'+'.join(chosen) or 'nothing'}", _without_families(problem, chosen)),)


def held_out_rows(problem: CalibrationProblem, *, names: tuple[str, ...]) -> tuple[Split, ...]:
    """One split that holds out the targets called `names`, whatever their families.

    The choice is the caller's: a row whose family is otherwise fitted may leak (see `random_rows`). The split's name
    is the number of rows and a digest of their names. Raises `InputError` for an unknown target, or when nothing is
    left to fit.
    """
    chosen = _known(names, problem.target_names, "held_out_rows.names", "target")
    digest = hashlib.sha256("\0".join(chosen).encode()).hexdigest()[:8]
    return (Split(f"without_{len(chosen)}_rows_{digest}", ~np.isin(problem.target_names, chosen)),)


def family_folds(
    problem: CalibrationProblem, *, k: int, seed: int = 0, families: tuple[str, ...] | None = None
) -> tuple[Split, ...]:
    """k splits `fold_1of<k>`, …: each rotating family is held out exactly once, whole.

    families  the ones that rotate; default all. Every other family is fitted in all folds.
    seed      breaks ties between families, and between folds, of equal size

    Folds are balanced by number of targets: families go, largest first, to the fold with the fewest targets so far
    (Graham 1969, longest processing time first). So no two folds differ by more than the largest family. k equal to the
    number of families gives leave-one-family-out.

    Warns with `NestedTargetsWarning` when a fold is one family known to follow from the fitted ones
    (`meta["never_hold_out_alone"]`). Raises `InputError` for k outside 1 … number of rotating families, an unknown
    family, a negative seed, or when a fold leaves nothing to fit.
    """
    wanted = problem.families if families is None else families
    rotating = _known_families(problem, wanted, "family_folds.families")
    if not 1 <= k <= len(rotating):
        raise InputError(
            "family_folds.k",
            "families cannot be divided into that many folds",
            expected=f"1 to {len(rotating)} (rotating families)",
            got=k,
        )
    rng = _generator("family_folds", seed)
    size = {family: problem.families.count(family) for family in rotating}
    # sorted() is stable, so a random order before it is a random order among families of equal size
    shuffled = [rotating[i] for i in rng.permutation(len(rotating))]
    folds: list[list[str]] = [[] for _ in range(k)]
    load = np.zeros(k)
    for family in sorted(shuffled, key=lambda family: -size[family]):
        lightest = int(rng.choice(np.flatnonzero(load == load.min())))
        folds[lightest].append(family)
        load[lightest] += size[family]
    for fold in folds:
        _warn_if_leaking(problem, fold)
    return tuple(Split(f"fold_{i + 1}of{k}", _without_families(problem, fold)) for i, fold in enumerate(folds))


def rotation(problem: CalibrationProblem, *, k: int, seed: int = 0) -> tuple[Split, ...]:
    """k splits `rotation_1of<k>`, …: `family_folds` over the families that do not leak.

    Those that the other targets settle (`meta["never_hold_out_alone"]`) are fitted in every fold, so no fold leans on
    them; every other family, also one that the default split holds out, is held out exactly once, whole. Raises
    `InputError` as `family_folds` does.
    """
    leaking = problem.meta.get("never_hold_out_alone", ())
    rotating = tuple(family for family in dict.fromkeys(problem.families) if family not in leaking)
    try:
        folds = family_folds(problem, k=k, seed=seed, families=rotating)
    except InputError as error:
        error.args = (error.args[0].replace("family_folds.", "rotation."),)
        raise
    return tuple(Split(f"rotation_{i + 1}of{k}", fold.train) for i, fold in enumerate(folds))


def random_rows(problem: CalibrationProblem, *, share: float, seed: int = 0, repeats: int = 1) -> tuple[Split, ...]:
    """`repeats` splits `random_1of<repeats>`, …, each holding out `share` of the targets, drawn without replacement.

    The number held out is `share · m`, rounded. Repeat r is drawn from its own generator, (seed, r), so it is the same
    for any number of repeats. Always warns with `NestedTargetsWarning`: this is the design that other studies use, kept
    for comparison with them. Raises `InputError` for a share outside (0, 1) or one that rounds to no target or to all
    of them, for `repeats` outside 1 … 1000 and for a negative seed.
    """
    if not 0 < share < 1:
        raise InputError("random_rows.share", "not a proper share", expected="0 < share < 1", got=share)
    if not 1 <= repeats <= MOST_REPEATS:
        raise InputError("random_rows.repeats", "not a number of splits", expected=f"1 to {MOST_REPEATS}", got=repeats)
    m = problem.n_targets
    n_heldout = round(share * m)
    if not 0 < n_heldout < m:
        raise InputError(
            "random_rows.share",
            "leaves nothing to fit" if n_heldout else "holds out no target",
            expected=f"1 to {m - 1} of {m} targets held out",
            got=f"{share} of {m}, rounded to {n_heldout}",
        )
    warnings.warn(
        "random_rows holds out single targets whose relatives are fitted; nested targets leak, so held-out errors come "
        "out too small: hold out whole families (family_folds, held_out_families) instead",
        NestedTargetsWarning,
        stacklevel=2,
    )
    splits = []
    for r in range(repeats):
        train = np.ones(m, dtype=bool)
        train[_generator("random_rows", seed, r).choice(m, size=n_heldout, replace=False)] = False
        splits.append(Split(f"random_{r + 1}of{repeats}", train))
    return tuple(splits)


def _default(problem: CalibrationProblem) -> tuple[Split, ...]:
    return (default_split(problem),)


DESIGNS: dict[str, Design] = {
    "default": _default,
    "held_out_families": held_out_families,
    "held_out_rows": held_out_rows,
    "family_folds": family_folds,
    "rotation": rotation,
    "random_rows": random_rows,
}


def design_parameters(name: str, params: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The parameters of design `name`, checked strictly against its signature, without needing a problem.

    Raises `InputError` at `place` for an unknown design and for an unknown, missing or mistyped parameter.
    """
    if name not in DESIGNS:
        raise InputError(place, f"unknown hold-out design '{name}'", cure=did_you_mean(name, DESIGNS))
    return checked_parameters(DESIGNS[name], params, place, given=("problem",))


def build_splits(problem: CalibrationProblem, name: str, params: Mapping[str, Any], place: str) -> tuple[Split, ...]:
    """The splits of design `name` for `problem`; every complaint is one `InputError` that begins with `place`."""
    values = design_parameters(name, params, place)
    try:
        return DESIGNS[name](problem, **values)
    except InputError as error:
        raise error.at(place) from None


def _known(wanted: Iterable[str], options: Iterable[str], place: str, kind: str) -> list[str]:
    """The wanted names in the order of `options`, each once."""
    known = dict.fromkeys(options)
    chosen = set()
    for i, name in enumerate(wanted):
        if name not in known:
            raise InputError(f"{place}[{i}]", f"unknown {kind} '{name}'", cure=did_you_mean(name, known))
        chosen.add(name)
    return [name for name in known if name in chosen]


def _known_families(problem: CalibrationProblem, wanted: Iterable[str], place: str) -> list[str]:
    return _known(wanted, problem.families, place, "family")


def _without_families(problem: CalibrationProblem, families: Iterable[str]) -> NDArray[np.bool_]:
    return ~np.isin(problem.families, list(families))


def _generator(design: str, seed: int, *stream: int) -> np.random.Generator:
    if seed < 0:
        raise InputError(f"{design}.seed", "negative seed", expected="a whole number ≥ 0", got=seed)
    return np.random.default_rng([seed, *stream])


def _warn_if_leaking(problem: CalibrationProblem, heldout: list[str]) -> None:
    if len(heldout) == 1 and heldout[0] in problem.meta.get("never_hold_out_alone", ()):
        warnings.warn(
            f"family '{heldout[0]}' is held out alone, but the fitted targets of problem '{problem.name}' settle it; "
            "nested targets leak: hold its relatives out with it",
            NestedTargetsWarning,
            stacklevel=3,
        )

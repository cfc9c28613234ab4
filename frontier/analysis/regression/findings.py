"""Whether a run is worse than a baseline: a data frame of findings, one per comparison and per cell that has none.

* Cells without a seed are compared metric by metric against a tolerance, all cells by status and certificate. What
  moved without being worse has "changed", or "improved" where its direction is the better one.
* Cells with seeds are compared by a one-sided paired t test over the seeds of a point: the hypothesis is that the mean
  worsening is at most the tolerance δ, `t = (mean d − δ)/(sd d/√S)` with S − 1 degrees of freedom (Student 1908).
  p values are adjusted by Holm (1979) over all points and metrics of the check at which anything differs, so that
  with probability 1 − α no method is accused that is not worse than allowed. (Where nothing differs, nothing is at
  risk.) It supposes differences that are roughly normal, and with few seeds it finds only large ones. One seed far
  outside is found without a test: worse than all seeds of the baseline by more than `STRAY` times their range. A value
  that the baseline has and the run has not, in any seed, is never passed over.
* Frontiers are compared by the area that they dominate (`hypervolume`), by tolerance or by the same test.
* Where a support is not unique, size, effective sample size and held-out error are the solver's choice, not the
  problem's: they are not compared.

Timings are another file (`frontier.analysis.regression.timings`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from frontier.analysis.hypervolume import hypervolume
from frontier.analysis.regression.matching import Matching, Row, match, point
from frontier.analysis.regression.tolerances import Tolerance, Tolerances
from frontier.core.arrays import FloatArray
from frontier.core.student import t_above
from frontier.results.run import Run

COLUMNS = (
    *("kind", "problem", "split", "label", "point", "seed", "refit", "repeat"),
    *("metric", "baseline", "now", "difference", "tolerance", "p_value", "verdict", "note"),
)
# A solution that no longer claims to be an optimum has lost something; what is not listed has no weights.
RANK = {"optimal": 0, "completed": 1, "stopped_early": 1, "not_converged": 2, "unreached": 2}
FAILED = 3
STRAY = 3.0  # five normal seeds reach 2.3 standard deviations, so 8 of them: one false alarm in 10^14 comparisons
# by a problem with several optima:
NOT_DETERMINED = ("n_active", "ess", "max_weight_ratio", "heldout_mare", "heldout_capped_mare")
AT_BUDGETS = ("ess",)  # better only at equal size
SIDES = ("train", "heldout")

Finding = dict[str, Any]
Pair = tuple[Row, Row]  # baseline, now


def compare(now: Run, baseline: Run, tolerances: Tolerances) -> pd.DataFrame:
    """All findings on `now` against `baseline`; `verdict` is pass, changed, improved, regression, missing, extra or
    incomparable.

    The order is that of the baseline's cells. Raises `InputError` for tables without identity columns.
    """
    matching = match(now, baseline)
    findings = _unmatched(matching)
    groups: dict[tuple[Any, ...], list[Pair]] = {}
    for pair in matching.pairs:
        findings += _cell(pair, tolerances)
        if not pair[0]["repeat"]:  # repeats are equal but for their timings
            groups.setdefault(tuple(pair[0][name] for name in ("problem", "split", "label", "refit")), []).append(pair)
    tests: list[tuple[Finding, FloatArray, Tolerance]] = []
    for key, pairs in groups.items():
        n = int(baseline.manifest["problems"][key[0]]["n_records"])
        judged, differences = _group(pairs, n, tolerances)
        findings += judged
        tests += differences
    return pd.DataFrame(findings + _tested(tests, tolerances.alpha), columns=list(COLUMNS), dtype=object)


def _unmatched(matching: Matching) -> list[Finding]:
    found = [_finding("cell", row, "", "missing", note="in the baseline, not in the run") for row in matching.missing]
    found += [_finding("cell", row, "", "extra", note="in the run, not in the baseline") for row in matching.extra]
    return found + [_finding("cell", row, "", "incomparable", note=why) for row, why in matching.incomparable]


def _cell(pair: Pair, tolerances: Tolerances) -> list[Finding]:
    """The status of one cell, and its metrics when it has no seed."""
    before, now = pair
    ranks = [RANK.get(row["status"], FAILED) for row in pair]
    verdict = "regression" if ranks[1] > ranks[0] else "improved" if ranks[1] < ranks[0] else "pass"
    found = [_finding("cell", before, "status", verdict, baseline=before["status"], now=now["status"])]
    if verdict == "regression":
        found[0]["note"] = str(now.get("message") or "")
    certified = [row.get("certified") for row in pair]
    if FAILED not in ranks and certified[0] != certified[1] and None not in certified[:1]:
        verdict = "regression" if certified[0] else "improved"
        found.append(_finding("cell", before, "certified", verdict, baseline=certified[0], now=certified[1]))
    if before["seed"] is not None or before["repeat"] or FAILED in ranks:
        return found
    return [*found, *_by_tolerance("cell", before, pair, tolerances, _skipped(pair))]


def _by_tolerance(
    kind: str, place: Row, pair: Pair, tolerances: Tolerances, skipped: Sequence[str] = ()
) -> list[Finding]:
    before, now = pair
    found = []
    for metric, tolerance in tolerances.deterministic.items():
        if tolerance is None or metric in skipped or not _has(before, metric):
            continue
        old, new = before[metric], now.get(metric)
        if old is None or new is None or not _has(now, metric):
            found.append(_finding(kind, place, metric, "incomparable", baseline=old, note="the run has no such value"))
            continue
        worse, allowed = tolerance.worsening(old, new), tolerance.allowed(old)
        # a larger effective sample size is better at equal size only
        better = "changed" if metric in AT_BUDGETS and before["budget"] is None else "improved"
        verdict = "regression" if worse > allowed else better if tolerance.betters(old, new) > allowed else "pass"
        found.append(
            _finding(kind, place, metric, verdict, baseline=old, now=new, difference=new - old, tolerance=allowed)
        )
    return found


def _group(
    pairs: list[Pair], n_records: int, tolerances: Tolerances
) -> tuple[list[Finding], list[tuple[Finding, FloatArray, Tolerance]]]:
    """One method on one split: findings on its frontier without seeds, and the differences over seeds to be tested."""
    solved = [pair for pair in pairs if all(RANK.get(row["status"], FAILED) < FAILED for row in pair)]
    seeds = {pair[0]["seed"] for pair in solved}
    if not solved:
        return [], []
    frontier: Row = dict(solved[0][0]) | {"lam": None, "budget": None, "seed": None}
    areas: dict[int | None, Pair] = {}
    for seed in seeds:
        part = [pair for pair in solved if pair[0]["seed"] == seed]
        areas[seed] = (_areas(part, 0, n_records), _areas(part, 1, n_records))
    if seeds == {None}:
        return _by_tolerance("frontier", frontier, areas[None], tolerances), []
    points: dict[tuple[Any, Any], list[Pair]] = {}
    for pair in solved:
        points.setdefault((pair[0]["lam"], pair[0]["budget"]), []).append(pair)
    parts: list[tuple[str, Row, list[tuple[Row, Row]]]] = [("seeds", same[0][0], same) for same in points.values()]
    parts.append(("frontier", frontier, list(areas.values())))
    tests, lost = [], []
    for kind, place, rows in parts:
        for metric, tolerance in tolerances.seeds.items():
            if tolerance is None or (metric in AT_BUDGETS and place["budget"] is None):
                continue
            rows_left = [pair for pair in rows if kind == "frontier" or metric not in _skipped(pair)]
            had = [pair for pair in rows_left if _has(pair[0], metric)]
            values = [(b[metric], n[metric]) for b, n in had if _has(n, metric)]
            if len(values) < len(had):
                gone = f"{len(had) - len(values)} of {len(had)} seeds have no such value"
                lost.append(_finding(kind, {**place, "seed": None}, metric, "incomparable", note=gone))
            if values:
                before, now = np.array(values, dtype=np.float64).T
                finding = _finding(
                    kind, {**place, "seed": None}, metric, "pass", baseline=before.mean(), now=now.mean()
                )
                finding["difference"] = float((now - before).mean())
                finding["tolerance"] = tolerance.allowed(float(before.mean()))
                if (stray := _stray(before, now, tolerance)) is not None:
                    finding |= {"verdict": "regression", "note": stray}
                    lost.append(finding)
                else:
                    tests.append((finding, np.array([tolerance.worsening(b, n) for b, n in values]), tolerance))
    return lost, tests


def _stray(before: FloatArray, now: FloatArray, tolerance: Tolerance) -> str | None:
    """What to say of a seed that is far outside those of the baseline; None where there is none."""
    if len(before) < 2:
        return None
    middle = float(np.median(before))
    worse = [np.array([tolerance.worsening(middle, value) for value in values]) for values in (before, now)]
    reach = worse[0].max() + STRAY * (worse[0].max() - worse[0].min()) + tolerance.allowed(middle)
    last = int(np.argmax(worse[1]))
    if worse[1][last] <= reach:
        return None
    return f"one seed is far outside: {before[last]:.4g} then, {now[last]:.4g} now"


def _areas(pairs: list[Pair], side: int, n_records: int) -> Row:
    """The dominated areas of the points of one run (0 baseline, 1 now), without points of several optima."""
    rows = [pair[side] for pair in pairs if not _skipped(pair)]
    found = {}
    for name in SIDES:
        points = [(r["n_active"], r[f"{name}_mare"]) for r in rows if _has(r, f"{name}_mare")]
        found[f"hypervolume[{name}]"] = hypervolume(points, n_records) if points else None
    return found


def _tested(tests: Sequence[tuple[Finding, FloatArray, Tolerance]], alpha: float) -> list[Finding]:
    """Every comparison over seeds with its adjusted p value and verdict."""
    differing: list[tuple[Finding, float]] = []
    for finding, worse, _ in tests:
        allowed = finding["tolerance"]
        if not worse.any():
            finding["note"] = "identical"
        elif len(worse) > 1:
            differing.append((finding, paired_p_value(worse, allowed)))
        elif worse[0] > allowed:
            finding |= {"verdict": "incomparable", "note": "a single seed: no test"}
    for (finding, _), p in zip(differing, holm([p for _, p in differing]), strict=True):
        finding["p_value"] = p
        finding["verdict"] = "regression" if p <= alpha else "pass"
    return [finding for finding, _, _ in tests]


def paired_p_value(worse: FloatArray, allowed: float) -> float:
    """One-sided p value of `mean worsening ≤ allowed` from the worsening of each seed (at least two)."""
    excess, sd = float(worse.mean()) - allowed, float(worse.std(ddof=1))
    if sd == 0.0:
        return 0.0 if excess > 0 else 1.0
    return float(t_above(excess / (sd / math.sqrt(len(worse))), len(worse) - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: rejecting what is ≤ α keeps the chance of any false rejection at α."""
    order = np.argsort(p_values, kind="stable")
    adjusted, running = [0.0] * len(p_values), 0.0
    for step, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - step) * p_values[i]))
        adjusted[i] = running
    return adjusted


def _skipped(pair: Pair) -> Sequence[str]:
    """Metrics that the problem leaves open at this point."""
    unique = [row.get("support_is_unique") for row in pair]
    return NOT_DETERMINED if any(value is not None and not value for value in unique) else ()


def _has(row: Mapping[str, Any], metric: str) -> bool:
    value = row.get(metric)
    return isinstance(value, int | float) and math.isfinite(value)


def _finding(kind: str, row: Row, metric: str, verdict: str, **values: Any) -> Finding:
    """A finding on the cell, point or frontier of `row`."""
    found: Finding = dict.fromkeys(COLUMNS) | {"kind": kind, "metric": metric, "verdict": verdict, "note": ""}
    found |= {name: row[name] for name in ("problem", "split", "label", "seed", "refit", "repeat")}
    return found | {"point": "frontier" if kind == "frontier" else point(row)} | values

"""Who wins where: what is decided and how much could have been, every arm's standing, the decided pairs.

The frame is that of `frontier.analysis.pairwise`. Undecided pairs are counted here and listed in its CSV only. A run
without held-out targets, or with a single label, has no such section.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from frontier.analysis.band_errors import band_errors, default_bands
from frontier.analysis.pairwise import pairwise_verdicts, train_shares
from frontier.reporting.arms import arm_name, camps_of
from frontier.reporting.charts.pairwise_figure import pairwise_figure
from frontier.reporting.charts.versus_figure import versus_figure
from frontier.reporting.document import Block, Data, Picture, Reading, Section, Table, Text
from frontier.reporting.numbers import MISSING, count, percent
from frontier.reporting.prepared import Prepared
from frontier.reporting.standings import (
    BETTER,
    EQUIVALENT,
    UNDECIDED,
    WORSE,
    band_name,
    both_sides,
    points,
    ranked,
    standings,
    torn,
)

PLACE = 30
READING = (
    "**Who wins where.** Two arms are compared in a band of records by their mean held-out error along their curves "
    "(each target capped at 100%), on the same targets and, where they share seeds, seed by seed. A difference is a "
    "win, and equivalence within δ is shown, only after Holm's adjustment for all pairs and bands of the problem and "
    "design: with a probability of 95% no winner is false, and so for equivalence. *Undecided* is not *equal*: the "
    "smallest difference that could have been found stands beside it. As fitted, the shrinkage of a penalty is part of "
    "the error; compare refits to compare selections.",
    "**What an interval covers.** With one split and few held-out families it covers the methods' random seeds only: "
    "the verdict is about these held-out targets, and it must hold in each of their families. Two deterministic "
    "methods have no randomness there, and the interval is the range over families. Over the folds of a rotation it "
    "is Nadeau & Bengio's (2003), which allows for the targets that folds share, and speaks of targets like these: "
    "three folds leave two degrees of freedom, so only large or very regular differences can be found.",
    "**Smallest difference found.** The true difference that the test would find in 80 of 100 repetitions at the level "
    "Holm leaves it. Errors are capped at 100%: where it is larger, no difference could have been found. More seeds, "
    "more folds or fewer arms make it smaller.",
)


def blocks(run: Prepared) -> list[Block]:
    """Words for each problem and design, then the figures; `InputError` when the targets are of other cells."""
    if not run.can_compare or run.targets is None:
        return []
    errors = band_errors(run.stored, run.targets, bands=default_bands(run.stored))
    frame = pairwise_verdicts(errors, train_share=train_shares(run.targets, run.stored))
    camps = camps_of(run.stored)
    told: list[Block] = []
    figures: list[Block] = []
    for key, title in run.titles.items():
        part = frame[(frame["problem"] == key[0]) & (frame["design"] == key[1])]
        if part.empty:
            continue
        told.append(Section(title, pairwise_blocks(part)))
        where, stem = ", ".join(key), run.stems[key]
        figures.append(Picture(f"{stem}__verdicts", f"Who wins where: {where}", partial(pairwise_figure, part, title)))
        if camps:
            caption = f"{camps[0][0]} against every other method: {where}"
            above = f"{arm_name(*camps[0])}: its error minus that of each rival\n{title}"
            figures.append(Picture(f"{stem}__versus", caption, partial(versus_figure, part, camps[0], above)))
    if not told:
        told = [Text("No band of records is covered by two methods: nothing can be compared at equal size.")]
    data = Data("statistics__pairwise-verdicts", frame, "Pairwise verdicts")
    return [Section("Who wins where", [*told, *figures, data, Reading(READING)])]


def pairwise_blocks(part: pd.DataFrame) -> list[Block]:
    """For one problem and design: a sentence, a table by band, a table by arm, the decided pairs."""
    sides = both_sides(part)
    decided = part[part["verdict"] != UNDECIDED]
    told: list[Block] = [Text(_sentence(part, sides["arm"].nunique())), _by_band(part), *_by_arm(standings(sides))]
    return [*told, Text("Decided comparisons:"), _decided(decided)] if len(decided) else told


def _sentence(part: pd.DataFrame, arms: int) -> str:
    n = len(part)
    winners = int(part["verdict"].str.endswith(" better").sum())
    equal = int((part["verdict"] == EQUIVALENT).sum())
    left, disagree = n - winners - equal, int(torn(part).sum())
    because = f", {count(disagree)} of them only because held-out families disagree" if disagree else ""
    return (
        f"**Who wins where.** Of {count(n)} comparisons ({arms} arms, {part['band'].nunique()} bands of records) "
        f"{count(winners)} {'has' if winners == 1 else 'have'} a winner, {count(equal)} "
        f"{'is' if equal == 1 else 'are'} equivalent within {points(part['delta'].iloc[0])}, and {count(left)} are "
        f"undecided{because}. {_scope(part)}"
    )


def _scope(part: pd.DataFrame) -> str:
    """What the verdicts are about, for the kind of comparison that most are."""
    most = part[part["n_splits"] == part["n_splits"].max()]
    splits, families = int(most["n_splits"].iloc[0]), int(most["n_families"].max())
    if splits > 1:
        return (
            f"They are about targets like those held out: the {splits} folds ({families} families) are correlated "
            f"resamples, corrected for the targets they share, with {splits - 1} degrees of freedom."
        )
    if most["basis"].str.contains("held-out families", regex=False).any():
        return f"They are about targets like those held out: the {families} held-out families are the sample."
    few = "one family" if families == 1 else f"{families} families"
    return (
        f"They are about the held-out targets of this split only ({few}, too few to speak of others): intervals are "
        "over the methods' seeds."
    )


def _by_band(part: pd.DataFrame) -> Table:
    header = (
        "records",
        "pairs",
        "a winner",
        "equivalent",
        "undecided",
        "smallest difference found, points (median, range)",
    )
    rows = []
    for _, some in part.groupby("band", sort=True):
        low, high = float(some["low"].iloc[0]), float(some["high"].iloc[0])
        verdicts = some["verdict"].value_counts()
        winners = int(verdicts.sum() - verdicts.get(EQUIVALENT, 0) - verdicts.get(UNDECIDED, 0))
        numbers = (len(some), winners, verdicts.get(EQUIVALENT, 0), verdicts.get(UNDECIDED, 0))
        rows.append([band_name(low, high).removesuffix(" records"), *map(count, numbers), _detectable(some)])
    return Table(header, rows, numbers=range(1, len(header)))


def _detectable(some: pd.DataFrame) -> str:
    sizes = some["minimum_detectable_difference"].dropna()
    if sizes.empty:
        return MISSING
    return f"{_size(sizes.median())} ({_size(sizes.min())} to {_size(sizes.max())})"


def _size(difference: float) -> str:
    """A detectable difference in percentage points; differences of capped errors end at 100."""
    if difference > 1:
        return "above 100"
    return "below 0.01" if difference < 1e-4 else f"{100 * difference:.2g}"


def _by_arm(table: pd.DataFrame) -> list[Block]:
    """Arms by bands: the mean error, and how many arms it beats and is beaten by."""
    bands = sorted(table[["band", "low", "high"]].drop_duplicates().itertuples(index=False, name=None))
    header = ("arm", *(f"{band_name(low, high)}" for _, low, high in bands))
    known: Mapping[Any, Mapping[Any, Any]] = {(row["arm"], row["band"]): row for row in table.to_dict("records")}
    rows = [[arm_name(*arm), *(_standing(known.get((arm, band))) for band, _, _ in bands)] for arm in ranked(table)]
    told = Text("Mean held-out error; how many arms it beats (+) and is beaten by (−):")
    return [told, Table(header, rows, numbers=range(1, len(header)))]


def _standing(row: Mapping[Any, Any] | None) -> str:
    if row is None:
        return MISSING
    text = percent(row["mean"])
    return " ".join([text, *(f"{sign}{row[name]}" for sign, name in (("+", BETTER), ("−", WORSE)) if row[name])])


def _decided(decided: pd.DataFrame) -> Table:
    header = (
        *("records", "A", "B", "error of A", "error of B", "A − B, points", "interval", "p, adjusted"),
        *("smallest found, points", "verdict", "seeds", "covers"),
    )
    rows = []
    for row in decided.to_dict("records"):
        p = row["p_equivalent"] if row["verdict"] == EQUIVALENT else row["p_adjusted"]
        found = row["minimum_detectable_difference"]
        rows.append(
            [
                band_name(row["low"], row["high"]).removesuffix(" records"),
                arm_name(row["label_a"], row["refit_a"]),
                arm_name(row["label_b"], row["refit_b"]),
                percent(row["mean_a"]),
                percent(row["mean_b"]),
                _points(row["difference"]),
                f"{_points(row['difference_low'])} to {_points(row['difference_high'])}",
                MISSING if pd.isna(p) else f"{p:.2g}",
                MISSING if pd.isna(found) else _size(found),
                row["verdict"],
                count(row["n_seeds"]),
                str(row["basis"]),
            ]
        )
    return Table(header, rows, numbers=(*range(3, 9), 10), foldable=True)


def _points(difference: float) -> str:
    """A difference in percentage points with its sign: `+1.23`, `−0.40`."""
    text = f"{100 * difference:+.2f}".replace("-", "−")
    return "0" if float(f"{100 * difference:.2f}") == 0 else text

"""One chart: the error that the verdict is about against the number of records, the compared methods in colour."""

from __future__ import annotations

from functools import partial

import pandas as pd

from frontier.analysis.profiles import HELD_OUT
from frontier.reporting.charts.error_figure import error_figure
from frontier.reporting.document import Block, Live, Picture
from frontier.reporting.prepared import Prepared

PLACE = 3
FRONT = True
TITLE = "Error against records kept"


def blocks(run: Prepared) -> list[Block]:
    """The chart of the page; elsewhere a figure for each problem and design of the first page that compares methods."""
    pictures: list[Block] = []
    for key in run.front if run.can_compare else ():
        title = run.titles[key]
        arguments = run.styles, run.focus, title, run.initial_error(run.parts[key])
        draw = partial(error_figure, _one_arm(run.pooled[key], run), HELD_OUT, *arguments)
        pictures.append(Picture(f"{run.stems[key]}__errors", f"Records against held-out error: {title}", draw))
    return [Live("frontier", TITLE, pictures)]


def _one_arm(rows: pd.DataFrame, run: Prepared) -> pd.DataFrame:
    """Of every label the arm that is compared, as fitted where it was not refit; no untouched initial weights."""
    has = set(rows.loc[rows["refit"] == run.arm, "label"])
    wanted = [run.arm if label in has else "none" for label in rows["label"]]
    return rows[(rows["refit"] == wanted) & ~rows["label"].isin(run.controls)]

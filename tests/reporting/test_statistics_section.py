"""Frontier statistics in Markdown: order, intervals, and what is said where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from frontier.reporting.markdown import blocks_markdown
from frontier.reporting.sections.statistics import statistics_blocks

NAN = float("nan")


def statistics() -> pd.DataFrame:
    shared = {"problem": "cps", "design": "rotation", "refit": "none", "n_seeds": 5, "n_splits": 3, "n_families": 11}
    shared |= {"k_low": 17.0, "k_high": 2588.0, "uncertainty": "seeds and families", "reason": ""}
    area = {"hypervolume": 0.25, "hypervolume_low": 0.2, "hypervolume_high": 0.3}
    error = {"integrated_error": 0.5, "integrated_error_low": 0.4, "integrated_error_high": 0.61}
    none = {"integrated_error": NAN, "integrated_error_low": NAN, "integrated_error_high": NAN}
    rows = [
        shared | area | none | {"label": "a|short", "reason": "spans only 17 to 34 records", "refit": "fitted"},
        shared | area | error | {"label": "b"},
        shared
        | error
        | {"label": "c", "integrated_error": 0.3, "integrated_error_low": NAN, "integrated_error_high": NAN}
        | {"hypervolume": 0.1, "hypervolume_low": NAN, "hypervolume_high": NAN, "n_seeds": 1, "uncertainty": "none"},
    ]
    return pd.DataFrame(rows)


def test_the_smallest_error_comes_first_and_an_arm_without_one_last_with_its_reason() -> None:
    sections = statistics_blocks(statistics(), {("cps", "rotation"): "cps: 5,177 records"})
    heading, sentence, table = blocks_markdown(sections, {})
    assert heading == "## Frontier statistics: cps: 5,177 records"
    assert sentence == "3 splits, 11 held-out families. Integrated from 17 to 2,588 records."
    assert table.splitlines()[2:] == [
        "| c | as fitted | 1 | 30.0% | 0.100 | none |  |",
        "| b | as fitted | 5 | 50.0% [40.0%, 61.0%] | 0.250 [0.200, 0.300] | seeds and families |  |",
        r"| a\|short | refit | 5 | – | 0.250 [0.200, 0.300] | seeds and families | spans only 17 to 34 records |",
    ]


def test_without_a_common_range_and_without_a_title_that_is_said() -> None:
    frame = statistics().assign(k_low=np.nan, k_high=np.nan, n_splits=1, n_families=1)
    heading, sentence, _ = blocks_markdown(statistics_blocks(frame, {}), {})
    assert heading == "## Frontier statistics: cps, rotation"
    assert sentence == "1 split, 1 held-out family. No range of records is common to two methods."
    assert statistics_blocks(frame.iloc[:0], {}) == []

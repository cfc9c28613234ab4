"""Two thousand experiment files mutated from valid ones: each is planned or refused in one line, without a traceback.

What runs is the command with `--dry-run`: it reads, checks, builds problems and splits, and plans; nothing is solved.
"""

from __future__ import annotations

import copy
import functools
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.main import get_command

import frontier.sweep.session as session
from frontier.commands.run import main
from tests.sweep.building import build_once

EXAMPLES = 2000
RICH = """\
name: rich
description: every key that an experiment has
limitations: [one, two]
threads: 2
repeats: 3
timing: clean
limits: {seconds: 60, memory_gib: 8}
budgets: [50, 0.05]
refit: [none, fitted, initial]
problems:
  - {name: planted, label: small, n_records: 40, n_targets: 8, k: 3, noise: 0.01, seed: 1}
  - {name: cps_like, consistent_targets: true, group_average: true, group_multipliers: {age: 2.0}, residuals: absolute}
splits:
  - {design: default}
  - {design: family_folds, k: 2, seed: 3}
  - {design: random_rows, share: 0.3, repeats: 2}
methods:
  - {name: hard_concrete, label: hc, problems: [small], lam: [1e-3, 2], seeds: [0, 1], epochs: 100, checkpoint: state}
  - {name: nn_lasso, lam_unit: lam_max, lam: [0.1, 0.2], costs: 2.0}
  - {name: random_reweight, budget: [10, 0.5], seeds: [0]}
  - {name: anchored_l1}
  - {name: greg, relax: 0.1}
"""
SMALL = ("smoke.yaml", "small_exact.yaml", "cps_like.yaml", "speed_l0.yaml")  # whose problems build in milliseconds
TEXTS = [RICH, *(Path("experiments", name).read_text(encoding="utf-8") for name in SMALL)]
TEXTS = [text for text in TEXTS if "cps_national" not in text and "cps_ohio" not in text]
CONTENTS = [yaml.safe_load(text) for text in TEXTS]
JUNK: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 2**31, 2**63, 10**30, -(10**30), 0.0, 0.5, -0.5, 1e-300, 1e300),
    *(
        float("nan"),
        float("inf"),
        float("-inf"),
        "",
        " ",
        "x",
        "cps_like",
        "nn_lasso",
        "none",
        "../x",
        "/etc/passwd",
        "~",
    ),
    *("a\x00b", "\x1b[2J", "<script>", "é漢😀", "x" * 5000, "1e-3", "yes", "2020-01-01", "!!python/object"),
    *([], {}, [[]], [{}], {"name": "nn_lasso"}, [1, "a", None], [0, 1, 2], {"a": {"b": {"c": []}}}, [None], [0.5, 0.5]),
]
KEYS = ["name", "label", "lam", "budget", "seeds", "problems", "methods", "epochs", "design", "k", "refit", "", "lamda"]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, child in inner for path in places(child, (*at, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid file with one to three values replaced, dropped, renamed or repeated, or with its text damaged."""
    which = draw(st.sampled_from([0, *range(len(TEXTS))]))
    if draw(st.integers(0, 3)) == 0:
        raw = bytearray(TEXTS[which].encode())
        for _ in range(draw(st.integers(1, 4))):
            i = draw(st.integers(0, len(raw) - 1))
            j = min(len(raw), i + draw(st.integers(0, 8)))
            raw[i:j] = draw(
                st.one_of(st.binary(max_size=4), st.text("[]{}:,-&*!|>'\"#%@` \n\tae0.", max_size=4).map(str.encode))
            )
            raw = raw or bytearray(b"x")
        return bytes(raw)
    content = copy.deepcopy(CONTENTS[which])
    for _ in range(draw(st.integers(1, 3))):
        found = [path for path in places(content) if path]
        if not found:
            break
        *outer, last = draw(st.sampled_from(found))
        parent = functools.reduce(lambda value, key: value[key], outer, content)
        action = draw(st.sampled_from(["replace", "replace", "replace", "drop", "rename", "repeat", "enlarge"]))
        if action == "enlarge" and isinstance(parent[last], int | float):
            parent[last] *= 10 ** draw(st.integers(1, 20))
        elif action == "drop":
            del parent[last]
        elif action == "rename" and isinstance(parent, dict):
            parent[draw(st.sampled_from(KEYS))] = parent.pop(last)
        elif action == "repeat" and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[last]))
        else:
            parent[last] = copy.deepcopy(draw(st.sampled_from(JUNK)))
    return yaml.dump(content, Dumper=yaml.CSafeDumper, allow_unicode=True).encode("utf-8")


@pytest.mark.filterwarnings("default")  # a user sees a warning as a line
def test_no_mutated_experiment_file_ends_in_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "build_problem", build_once)
    path = tmp_path / "mutated.yaml"
    counts = {0: 0, 2: 0}
    runner, command = CliRunner(), get_command(main)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated())
    def plan(content: bytes) -> None:
        path.write_bytes(content)
        with warnings.catch_warnings():
            done = runner.invoke(command, [str(path), "--dry-run", "--out", str(tmp_path / "out")])
        assert done.exit_code in counts, f"{done.exception!r} for\n{content!r}"
        assert done.exception is None or isinstance(done.exception, SystemExit)
        if done.exit_code == 2:
            *before, last = done.stderr.splitlines()
            assert last.startswith("error: "), done.stderr
            assert all(line.startswith("warning: ") for line in before), done.stderr
        counts[done.exit_code] += 1

    plan()
    assert min(counts.values()) > EXAMPLES / 20, f"the mutations are all wrong or all harmless: {counts}"
    assert not (tmp_path / "out").exists()

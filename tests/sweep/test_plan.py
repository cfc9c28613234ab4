"""The plan is a pure function of the experiment, and batches carry exactly the axes their method can."""

from __future__ import annotations

from pathlib import Path

from frontier.sweep.plan import Plan
from frontier.sweep.session import open_session

TEXT = """\
problems: [{name: cps_like}]
splits: [{design: default}, {design: held_out_families, families: [weight]}]
methods:
  - {name: hard_concrete, lam: [1e-3, 1e-2], seeds: [0, 1], epochs: 100}
  - {name: fista, lam: [0.1, 0.2]}
  - {name: cvxpy_reference, lam: [0.1, 0.2]}
  - {name: random_reweight, budget: [5, 9], seeds: [0, 1]}
"""


def plan(folder: Path, text: str = TEXT) -> Plan:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return open_session(path).plan


def test_batches_hold_the_axes_their_method_can_carry(tmp_path: Path) -> None:
    sizes: dict[str, list[int]] = {}
    for batch in plan(tmp_path).batches:
        if batch.cells[0].split == "default":
            sizes.setdefault(batch.method.label, []).append(len(batch.cells))
    assert sizes == {"hard_concrete": [4], "fista": [2], "cvxpy_reference": [1, 1], "random_reweight": [1, 1, 1, 1]}


def test_every_cell_is_planned_once_with_its_own_name(tmp_path: Path) -> None:
    names = [cell.name for cell in plan(tmp_path).cells]
    assert len(names) == len(set(names)) == 2 * (4 + 2 + 2 + 4)
    assert names[0] == "cps_like/default/hard_concrete/lam=0.001/seed=0"


def test_the_same_file_gives_the_same_plan_and_a_comment_changes_nothing(tmp_path: Path) -> None:
    first = plan(tmp_path)
    assert plan(tmp_path).fingerprint == first.fingerprint
    assert plan(tmp_path, "# why\n" + TEXT).fingerprint == first.fingerprint


def test_a_batch_key_changes_with_all_that_decides_its_result(tmp_path: Path) -> None:
    base = plan(tmp_path)
    for old, new in [
        ("epochs: 100", "epochs: 101"),
        ("{name: cps_like}", "{name: cps_like, consistent_targets: true}"),
        ("problems:", "threads: 2\nproblems:"),
        ("[1e-3, 1e-2]", "[1e-3, 2e-2]"),
    ]:
        changed = plan(tmp_path, TEXT.replace(old, new))
        assert changed.batches[0].key != base.batches[0].key, new
    untouched = plan(tmp_path, TEXT.replace("epochs: 100", "epochs: 101"))
    assert untouched.batches[1].key == base.batches[1].key  # only what changed is solved again

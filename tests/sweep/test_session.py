"""What is planned is a pure function of the experiment, and batches carry exactly the axes their method can."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontier.sweep.session import Session, open_session

TEXT = """\
problems: [{name: cps_like}]
splits: [{design: default}, {design: held_out_families, families: [weight]}]
methods:
  - {name: hard_concrete, lam: [1e-3, 1e-2], seeds: [0, 1], epochs: 100}
  - {name: nn_lasso, lam: [0.1, 0.2]}
  - {name: cvxpy_reference, lam: [0.1, 0.2]}
  - {name: random_reweight, budget: [5, 9], seeds: [0, 1]}
"""


def planned(folder: Path, text: str = TEXT) -> Session:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return open_session(path)


def test_batches_hold_the_axes_their_method_can_carry(tmp_path: Path) -> None:
    sizes: dict[str, list[int]] = {}
    for batch in planned(tmp_path).batches:
        if batch.cells[0].split == "default":
            sizes.setdefault(batch.method.label, []).append(len(batch.cells))
    assert sizes == {"hard_concrete": [4], "nn_lasso": [2], "cvxpy_reference": [1, 1], "random_reweight": [1, 1, 1, 1]}


def test_a_batch_is_cut_where_its_weights_would_not_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [cell.name for cell in planned(tmp_path).cells]
    monkeypatch.setattr("frontier.sweep.session.MOST_WEIGHTS", 15_000)  # three cells of 5,000 records
    cut = planned(tmp_path)
    assert [cell.name for cell in cut.cells] == whole
    assert [len(batch.cells) for batch in cut.batches if batch.method.label == "hard_concrete"] == [3, 1] * 2


def test_budgets_of_a_driven_method_share_one_search_per_seed(tmp_path: Path) -> None:
    text = """\
budgets: [5, 0.01]
problems: [{name: cps_like}]
methods:
  - {name: cvxpy_reference}
  - {name: stratified_raking, seeds: [0, 1]}
"""
    batches = planned(tmp_path, text).batches
    budgets = [[cell.point.budget for cell in batch.cells] for batch in batches]
    assert budgets == [[5, 50], [5], [5], [50], [50]]  # stratified raking has a budget of its own


def test_every_cell_is_planned_once_with_its_own_name(tmp_path: Path) -> None:
    names = [cell.name for cell in planned(tmp_path).cells]
    assert len(names) == len(set(names)) == 2 * (4 + 2 + 2 + 4)
    assert names[0] == "cps_like/default/hard_concrete/lam=0.001/seed=0"


def test_the_same_file_gives_the_same_plan_and_a_comment_changes_nothing(tmp_path: Path) -> None:
    first = planned(tmp_path)
    assert planned(tmp_path).fingerprint == first.fingerprint
    assert planned(tmp_path, "# why\n" + TEXT).fingerprint == first.fingerprint
    assert planned(tmp_path, "refit: [none]\n" + TEXT).fingerprint == first.fingerprint


def test_repeats_are_the_outermost_loop_so_that_methods_are_measured_in_turn(tmp_path: Path) -> None:
    repeated = planned(tmp_path, "repeats: 3\n" + TEXT)
    once = planned(tmp_path)
    order = [(batch.cells[0].problem, batch.cells[0].split, batch.method.label) for batch in once.batches]
    found = [(batch.cells[0].problem, batch.cells[0].split, batch.method.label) for batch in repeated.batches]
    assert found == 3 * order
    assert [batch.cells[0].repeat for batch in repeated.batches] == [r for r in range(3) for _ in order]


def test_a_repeat_is_part_of_name_and_key_only_when_there_are_several(tmp_path: Path) -> None:
    once, repeated = planned(tmp_path), planned(tmp_path, "repeats: 3\n" + TEXT)
    assert planned(tmp_path, "repeats: 1\n" + TEXT).fingerprint == once.fingerprint
    names = [cell.name for cell in repeated.cells]
    assert len(set(names)) == len(names) == 3 * len(once.cells)
    assert names[0] == once.cells[0].name + "/repeat=0"
    keys = [batch.key for batch in repeated.batches]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & {batch.key for batch in once.batches}


def test_more_repeats_keep_the_batches_of_the_first(tmp_path: Path) -> None:
    three, four = (planned(tmp_path, f"repeats: {n}\n" + TEXT) for n in (3, 4))
    assert [b.key for b in three.batches] == [b.key for b in four.batches][: len(three.batches)]


def test_a_batch_key_changes_with_all_that_decides_its_result(tmp_path: Path) -> None:
    base = planned(tmp_path)
    for old, new in [
        ("epochs: 100", "epochs: 101"),
        ("{name: cps_like}", "{name: cps_like, consistent_targets: true}"),
        ("problems:", "threads: 2\nproblems:"),
        ("[1e-3, 1e-2]", "[1e-3, 2e-2]"),
        ("problems:", "refit: [none, fitted]\nproblems:"),
        ("problems:", "limits: {seconds: 60}\nproblems:"),
    ]:
        changed = planned(tmp_path, TEXT.replace(old, new))
        assert changed.batches[0].key != base.batches[0].key, new
    assert planned(tmp_path, "limits: {}\n" + TEXT).fingerprint == base.fingerprint
    untouched = planned(tmp_path, TEXT.replace("epochs: 100", "epochs: 101"))
    assert untouched.batches[1].key == base.batches[1].key  # only what changed is solved again

"""Files from anybody: nothing in them runs, leaves its folder, fills the memory, or reaches a reader as markup."""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.lib import format as npy

import frontier
from frontier.analysis.regression.tolerances import read_tolerances
from frontier.core.errors import InputError
from frontier.core.files import read_arrays, sealed
from frontier.reporting.report import write_report
from frontier.results import store as storing
from frontier.results.baseline import read_baseline
from frontier.results.manifest import read_json
from frontier.results.run import load_run
from frontier.results.store import DamagedFile, Store
from frontier.sweep.experiment import read_experiment
from frontier.sweep.runner import stored
from frontier.sweep.session import open_session

PACKAGE = Path(frontier.__file__).parent
GOOD = "problems: [{name: planted}]\nmethods: [{name: nn_lasso, lam: [0.1]}]\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(9 * ['*' + before])}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HUGE = 2 << 30  # bytes

# what is put where in GOOD, and what the refusal says
REFUSED = {
    "a tag that calls a function": (GOOD.replace("planted", "!!python/object/apply:os.getcwd []"), "not valid YAML"),
    "a tag that imports": (GOOD + "x: !!python/module:os\n", "not valid YAML"),
    "aliases that unfold to gigabytes": (BOMB + GOOD, "too large once its aliases are unfolded; expected ≤ 50,000"),
    "an alias of itself": ("description: &a [*a]\n" + GOOD, "an alias contains itself"),
    "too much text": (GOOD + "# " + (1 << 18) * "x", "too large; expected at most 262,144 bytes"),
    "a mapping of twenty thousand keys": (GOOD + "".join(f"k{i}: 1\n" for i in range(20_000)), "k0: unknown key"),
    "more methods than anybody compares": (
        "problems: [{name: planted}]\nmethods:\n" + "".join(f"- {{name: greg, label: g{i}}}\n" for i in range(1001)),
        "methods: list should have at most 1000 items",
    ),
    "a number in base 60": (GOOD.replace("0.1", "1:30"), "1:30 is no plain number"),
    "a fraction in base 60": (GOOD.replace("0.1", "1:30.5"), "1:30.5 is no plain number"),
    "an octal number": (GOOD.replace("0.1", "010"), "010 begins with 0"),
    "a label that cannot be printed": (
        GOOD.replace("nn_lasso", 'nn_lasso, label: "\\uFEFFx"'),
        "methods[0].label: not a label; expected at most 80 letters (Latin, Greek, Cyrillic), digits, signs; no spaces "
        "around them, got U+FEFF",
    ),
    "a label in letters that figures have not": (GOOD.replace("nn_lasso", "nn_lasso, label: 日本"), "got U+65E5"),
    "a label of a page": (GOOD.replace("nn_lasso", f"nn_lasso, label: {20_000 * 'x'}"), "20,000 characters"),
    "two cells of one name": (
        "problems: [{name: planted}]\n"
        "methods: [{name: nn_lasso, label: f, lam: [0.1]}, {name: greg, label: f/lam=0.1}]\n",
        "methods: two cells of one name; got 'planted/default/f/lam=0.1'; change a label",
    ),
    "a refit and a cell of one name": (
        "problems: [{name: planted}]\nrefit: [none, fitted]\nmethods: [{name: nn_lasso, label: f, lam: [0.1]}, "
        "{name: greg, label: f/lam=0.1/refit=fitted}]\n",
        "two cells of one name",
    ),
    "too many records for an exact search": (
        GOOD.replace("planted", "planted, n_records: 300").replace("nn_lasso, lam: [0.1]", "best_subset, budget: [5]"),
        "methods[0].best_subset: too many records for an exact search; expected at most 200, got 300",
    ),
    "initial weights of another problem": (
        GOOD.replace("nn_lasso, lam: [0.1]", "dense_adam, initial_weights: [1.0, 2.0]"),
        "methods[0].initial_weights: wrong length",
    ),
    "start probabilities of another problem": (
        GOOD.replace("nn_lasso, lam: [0.1]", "hard_concrete, lam: [0.1], seeds: [0], init_keep_prob: [0.5, 0.5]"),
        "methods[0].init_keep_prob: wrong length",
    ),
    "a hundred thousand levels": ("description: " + 100_000 * "[" + "\n" + GOOD, "not valid YAML: RecursionError"),
    "a hundred thousand keys": ("description: " + 50_000 * "{a: " + "\n" + GOOD, "not valid YAML: RecursionError"),
    "a thousand levels": ("description: " + 3000 * "[" + 3000 * "]" + "\n" + GOOD, "not valid YAML: RecursionError"),
    "an integer that cannot be printed": (f"threads: 0x{'f' * 5000}\n" + GOOD, "an integer beyond 2^1000"),
    "a problem of terabytes": (
        GOOD.replace("planted", "planted, n_records: 1000000000000"),
        "planted': too large; expected",
    ),
    "a problem of more than can be counted": (GOOD.replace("planted", f"planted, n_records: {10**30}"), "too large"),
    "another problem of terabytes": (GOOD.replace("planted", "l0_readme, n_targets: 1000000000000"), "too large"),
    "a billion splits": (
        "splits: [{design: random_rows, share: 0.5, repeats: 1000000000}]\n" + GOOD,
        "random_rows.repeats: not a number of splits; expected 1 to 1000",
    ),
    "a grid of a hundred million points": (
        f"problems: [{{name: planted}}]\nmethods: [{{name: hard_concrete, lam: {list(range(10_000))}, "
        f"seeds: {list(range(10_000))}}}]\n",
        "methods[0]: too many points; expected at most 1,000,000, got 100,000,000",
    ),
    "too many cells in all": (
        f"repeats: 100\nproblems: [{{name: planted}}]\nmethods: [{{name: nn_lasso, lam: {list(range(10_001))}}}]\n",
        "too many cells; expected at most 1,000,000, got 1,000,100",
    ),
    "a seed beyond 64 bits": (
        GOOD.replace("nn_lasso, lam: [0.1]", f"random_reweight, budget: [5], seeds: [{2**63}]"),
        "seed: too large; expected at most 2^63 − 1",
    ),
    "a budget beyond 64 bits": (GOOD.replace("lam: [0.1]", f"budget: [{10**30}]"), "budget: too large"),
    "a name that is a path": ("name: ../up\n" + GOOD, "name: string should match pattern"),
    "a label that is a path": (GOOD.replace("planted", "planted, label: a/b"), "problems[0].label: not a label"),
    "a checkpoint in another place": (
        GOOD.replace("nn_lasso, lam: [0.1]", "hard_concrete, lam: [0.1], seeds: [0], checkpoint: /tmp/x"),
        "methods[0].checkpoint: leaves the working folder",
    ),
    "a checkpoint above": (
        GOOD.replace("nn_lasso, lam: [0.1]", "hard_concrete, lam: [0.1], seeds: [0], checkpoint: a/../../x"),
        "methods[0].checkpoint: leaves the working folder",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_experiment_file_is_refused_for(what: str, tmp_path: Path) -> None:
    text, said = REFUSED[what]
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        open_session(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2_000  # characters: a line, not a page


def test_a_file_name_of_dots_does_not_become_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "...yaml").write_text(GOOD)
    with pytest.raises(InputError, match=r"no name for the results; got '\.\.'; rename the file"):
        read_experiment(tmp_path / "...yaml")


def test_a_problem_that_does_not_fit_into_memory_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("planted", "planted, n_records: 1000000000000000"))
    monkeypatch.setattr("frontier.problems.size.LARGEST_ENTRIES", 10**20)  # the limit is wrong: memory is the last one
    with pytest.raises(InputError, match=r"problems\[0\]: does not fit into memory: Unable to allocate"):
        open_session(tmp_path / "a.yaml")


def test_tolerances_are_read_by_the_same_safe_reader(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("alpha: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(InputError, match="not valid YAML"):
        read_tolerances(tmp_path / "t.yaml")


def test_files_of_two_gigabytes_are_refused_by_their_size(tmp_path: Path) -> None:
    def huge(path: Path) -> Path:
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.truncate(HUGE)  # takes no space: the size is what is looked at
        return path

    folder = tmp_path / "baseline"
    huge(folder / "cells.csv")
    facts = {"format": storing.RESULT_FORMAT, "experiment": "a", "problems": {}, "splits": {}, "methods": {}}
    (folder / "manifest.json").write_text(json.dumps(facts))
    with pytest.raises(
        InputError, match=r"cells\.csv: too large; expected at most 67,108,864 bytes, got 2,147,483,648"
    ):
        read_baseline(folder)
    with pytest.raises(InputError, match="too large; expected at most 268,435,456 bytes"):
        read_json(huge(tmp_path / "manifest.json"))
    with pytest.raises(InputError, match="too large; expected at most 262,144 bytes"):
        read_experiment(huge(tmp_path / "a.yaml"))


def archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def test_an_archive_is_read_as_numpy_reads_it() -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.asfortranarray(np.ones((3, 2), np.int32)), "c": np.array(5)}
    found = read_arrays(archive(**arrays), 1 << 20)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_a_zip_bomb_is_refused_before_it_unfolds() -> None:
    bomb = archive(zeros=np.zeros(1 << 22))  # 32 MiB of zeros
    assert len(bomb) < 100_000  # bytes: deflate makes a thousandth of it
    with pytest.raises(ValueError, match=r"unfolds to 33,554,5\d\d bytes, more than the limit of 1,048,576"):
        read_arrays(bomb, 1 << 20)


def test_an_archive_that_lies_about_its_size_or_its_arrays_is_refused() -> None:
    member = io.BytesIO()
    npy.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:  # an array of four numbers that promises 8 TB
        file.writestr("a.npy", member.getvalue() + bytes(32))
    with pytest.raises(ValueError, match=r"a\.npy: promises 8,000,000,000,000 bytes and has 32"):
        read_arrays(buffer.getvalue(), 1 << 20)
    bomb, size = bytearray(archive(zeros=np.zeros(1 << 20))), (8 << 20) + 128
    directory = bomb.rfind(size.to_bytes(4, "little"))
    bomb[directory : directory + 4] = (1000).to_bytes(4, "little")  # 8 MiB that say they are 1,000 bytes
    with pytest.raises(ValueError, match="Bad CRC-32"):
        read_arrays(bytes(bomb), 1 << 20)


def test_a_header_that_is_no_array_description_is_refused() -> None:
    for text in (
        b"{'descr': ",
        b"os.getcwd()",
        b"",
        b"\xff\xfe",
        b"{'descr': '|O', 'fortran_order': False, 'shape': ()}",
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr("a.npy", npy.magic(1, 0) + len(text).to_bytes(2, "little") + text)
        with pytest.raises(ValueError, match=r"."):
            read_arrays(buffer.getvalue(), 1 << 20)


def test_a_batch_that_unfolds_beyond_the_limit_or_holds_a_pickle_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    batch, store = open_session(tmp_path / "a.yaml").batches[0], Store(tmp_path / "run")
    store.open(fresh=False)
    store.path(batch.key).write_bytes(sealed(archive(json=np.zeros(1 << 20))))
    monkeypatch.setattr(storing, "LARGEST_BATCH_BYTES", 1 << 20)
    with pytest.raises(DamagedFile, match="more than the limit"):
        stored(batch, store)
    for content in (b"", b"PK", archive(json=np.array([{}], dtype=object)), archive(other=np.zeros(2))):
        store.path(batch.key).write_bytes(sealed(content))
        with pytest.raises(DamagedFile, match=batch.key):
            stored(batch, store)


# a file that the user names as a method is run, as importing it would; a pickle made there is read there
MEANT = {("methods/outside.py", "exec"), ("sweep/contract.py", "pickle")}


def test_the_package_has_no_call_that_loads_code_from_a_file_but_the_one_that_is_meant() -> None:
    safe, found = 0, set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [str(getattr(node, "module", ""))]
                loading = {"pickle", "cPickle", "dill", "shelve", "marshal", "cloudpickle"} & set(names)
                found |= {(path.relative_to(PACKAGE).as_posix(), name) for name in loading}
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if name in ("eval", "exec", "np.load", "joblib.load", "torch.load", "pd.read_pickle"):
                found.add((path.relative_to(PACKAGE).as_posix(), name))
            if name == "_Loader":
                safe += 1  # the safe one
            assert name != "yaml.load", path
    assert found == MEANT
    assert safe, "the search no longer finds the call that reads YAML"


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>](javascript:alert(3))"


class Elements(HTMLParser):
    """The tags and the attributes of a page, as a browser finds them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_every_string_from_data_is_escaped_in_every_file_of_a_report(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    frontier.run_experiment(tmp_path / "a.yaml", out=tmp_path / "run")
    read = load_run(tmp_path / "run")
    cells, manifest = read.cells, read.manifest
    cells["label"], cells["message"], cells["status"] = HOSTILE, HOSTILE, "not_converged"
    manifest |= {"description": HOSTILE, "limitations": [HOSTILE], "machine": {"processor": HOSTILE}}
    manifest["methods"] = {HOSTILE: {"name": HOSTILE, "params": {HOSTILE: HOSTILE}}}
    manifest["problems"]["planted"]["meta"] = {"source": HOSTILE, "heldout_floor_reason": HOSTILE}
    manifest["problems"]["planted"]["warnings"] = [HOSTILE]
    written = write_report(cells, manifest, tmp_path / "report", vector=True)
    read = [path for path in written if path.suffix in (".md", ".svg", ".html")]
    assert {path.suffix for path in read} >= {".md", ".svg", ".html"}
    for path in read:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".svg":
            tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
            assert not tags & {"script", "img", "foreignObject"}, path
        elif path.suffix == ".html":
            elements = Elements(text)
            assert elements.tags.count("script") == 3  # the data, plotly and the page's own
            assert not {"iframe", "object"} & set(elements.tags)
            sources = [str(value) for name, value in elements.attributes if name == "src"]
            assert len(sources) == elements.tags.count("img")
            assert all(source.startswith("data:image/png;base64,") for source in sources)  # figures of our own
            assert not [name for name, _ in elements.attributes if name.startswith("on")]
            assert not [value for name, value in elements.attributes if name == "href" and "javascript" in str(value)]
        else:
            live = re.sub(r"\\.", "", text)  # Markdown: a backslash makes it text
            assert not any(markup in live for markup in ("<script", "<img", "](javascript")), path

"""A method of the user's own takes part without a change to this package: a class, a file, an installed package."""

from __future__ import annotations

import dataclasses
import pickle
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import yaml

import frontier
from frontier.__main__ import main
from frontier.commands.new_method import TEMPLATE
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.outside import installed_methods
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.greg import Greg
from frontier.methods.registry import build_method, class_name, find_method, method_class, method_names
from frontier.methods.solution import Solution
from frontier.results.baseline import NotComparable, refuse_other_code
from frontier.results.run import load_run
from frontier.results.store import Store
from frontier.sweep.contract import CHECKS, held
from frontier.sweep.merging import merge_runs
from frontier.sweep.run import run_session
from frontier.sweep.session import open_session

MINE = TEMPLATE.format(shown="my_method.py:MyMethod", name="my_method.py:MyMethod")
EXPERIMENT = """\
problems: [{name: planted}]
methods:
  - {name: my_method.py:MyMethod, budget: [20, 50]}
  - {name: my_method.py:MyMethod, label: unscaled, keep_total: false, budget: [20]}
  - {name: top_k, budget: [20]}
"""
TIMINGS = ["fit_seconds", "cpu_seconds", "setup_seconds", "refit_seconds", "peak_memory_bytes", "timing"]


@dataclass(frozen=True, kw_only=True)
class KeepLargest(Method):
    """The records with the largest initial weights.

    power  of the weights that are kept
    """

    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})
    power: float = 1.0

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        self.check(points)
        return [Solution(self.weights(problem, point), Status.COMPLETED) for point in points]

    def weights(self, problem: CalibrationProblem, point: Point) -> FloatArray:
        weights = np.zeros(problem.n_records)
        kept = np.argsort(-problem.w0, kind="stable")[: point.budget]
        weights[kept] = problem.w0[kept] ** self.power
        return weights


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a method and an experiment that names it."""
    (tmp_path / "my_method.py").write_text(MINE)
    (tmp_path / "a.yaml").write_text(EXPERIMENT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


# a class


def test_a_class_and_a_configured_method_are_solved_under_the_name_of_the_class(tiny: CalibrationProblem) -> None:
    points = [Point(budget=9), Point(budget=4)]
    for solutions in (
        frontier.solve(tiny, KeepLargest, points, power=2.0),
        frontier.solve(tiny, KeepLargest(power=2.0), points),
    ):
        assert [solution.method for solution in solutions] == ["keep_largest", "keep_largest"]
        for solution, point in zip(solutions, points, strict=True):
            np.testing.assert_array_equal(solution.weights, KeepLargest(power=2.0).weights(tiny, point))


def test_one_of_ours_may_be_given_as_its_class_or_configured(tiny: CalibrationProblem) -> None:
    by_name, by_class, configured = (frontier.solve(tiny, method)[0] for method in ("greg", Greg, Greg()))
    for other in (by_class, configured):
        assert other.method == "greg"
        np.testing.assert_array_equal(other.weights, by_name.weights)


@pytest.mark.filterwarnings("ignore::frontier.sweep.weight_warnings.WeightWarning")  # nothing is fitted
def test_calibrate_takes_a_class_a_configured_method_and_a_file(folder: Path, tiny: CalibrationProblem) -> None:
    for method in (KeepLargest, KeepLargest(), folder / "my_method.py"):
        given = f"{method}:MyMethod" if isinstance(method, Path) else method
        solution = frontier.calibrate(tiny, method=given, budget=20, refit="none")
        assert len(solution.active) == 20
        assert solution.status is Status.COMPLETED
    with pytest.raises(InputError, match="seed: 'keep_largest' is deterministic"):
        frontier.calibrate(tiny, method=KeepLargest, budget=20, seed=0)


def named(name: str) -> type[Method]:
    return dataclass(frozen=True, kw_only=True)(type(name, (KeepLargest,), {}))


def test_a_class_is_called_by_its_name_in_snake_case_and_not_as_one_of_ours() -> None:
    for name, called in {
        "Mine": "mine",
        "MyL0": "my_l0",
        "NNLasso2": "nn_lasso2",
        "KeepABCNow": "keep_abc_now",
    }.items():
        assert class_name(named(name), "method") == called
    with pytest.raises(InputError, match=r"method: class NnLasso would be called 'nn_lasso', as a method of frontier"):
        class_name(named("NnLasso"), "method")


class Bare(KeepLargest):
    """Without the decorator its parameters would be none."""

    share: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Strange(KeepLargest):
    """A parameter that no file can give."""

    shape: np.ndarray | None = None


WRONG = {
    "params: given beside a configured method; got power": (KeepLargest(), {"power": 2.0}),
    "method 'keep_largest'.pover: unknown key; did you mean 'power'?": (KeepLargest, {"pover": 2.0}),
    "method 'keep_largest'.power: input should be a valid number": (KeepLargest, {"power": "2"}),
    "method: not a method; expected a class derived from frontier.Method, got <class 'int'>": (int, {}),
    "method: not a method; expected a class derived from frontier.Method": (Method, {}),
    "method: not a dataclass; expected a frozen dataclass; put @dataclass(": (Bare, {}),
    "method: the types of its parameters cannot be read: PydanticSchemaGenerationError": (Strange, {}),
    "method: not a name; expected the name of a registered method": (7, {}),
    "method 'gregg': unknown method 'gregg'; did you mean 'greg'?": ("gregg", {}),
}


@pytest.mark.parametrize("said", WRONG)
def test_from_python_one_line_tells(said: str, tiny: CalibrationProblem) -> None:
    method, params = WRONG[said]
    with pytest.raises(InputError) as caught:
        frontier.solve(tiny, method, [Point(budget=5)], **params)  # type: ignore[arg-type]
    assert str(caught.value).startswith(said)


# a file


def test_a_method_of_a_file_runs_beside_ours_with_the_same_rows_on_any_number_of_processes(folder: Path) -> None:
    tables = [frontier.run_experiment("a.yaml", jobs=jobs, out=f"run{jobs}") for jobs in (1, 2)]
    pd.testing.assert_frame_equal(*(table.drop(columns=TIMINGS) for table in tables), check_exact=True)
    assert tables[0]["label"].tolist() == ["my_method", "my_method", "unscaled", "top_k"]
    assert tables[0]["method"].tolist() == [*3 * ["my_method.py:MyMethod"], "top_k"]
    assert (tables[0]["status"] == "completed").all()
    assert not [path for path in folder.rglob("*.json") if str(folder) in path.read_text()]  # no place on this machine


def test_a_changed_file_is_solved_again_alone_and_an_unchanged_one_is_not(folder: Path) -> None:
    before = frontier.run_experiment("a.yaml", out="run")
    written = {path: path.stat().st_mtime_ns for path in Path("run/batches").iterdir()}
    frontier.run_experiment("a.yaml", out="run")
    assert written == {path: path.stat().st_mtime_ns for path in Path("run/batches").iterdir()}
    refuse_other_code(load_run(Path("run")), Path("run"))
    edit(folder / "my_method.py", "weights *= problem.w0.sum() / weights.sum()", "weights *= 3")
    with pytest.raises(NotComparable, match=r"2 of 2 cells of 'my_method' were made by other code"):
        refuse_other_code(load_run(Path("run")), Path("run"))
    said: list[str] = []
    after = run_session(open_session("a.yaml"), Store(Path("run")), quiet=True, warn=said.append)
    assert said == [
        "the code of 'my_method' has changed: its 2 finished cells are solved again",
        "the code of 'unscaled' has changed: its 1 finished cells are solved again",
    ]
    same = before["train_mare"] == after["train_mare"]
    assert same.tolist() == [False, False, True, True]
    assert (before["code"] == after["code"]).tolist() == [False, False, False, True]


def test_workers_run_the_text_that_was_read_whatever_has_become_of_the_file(folder: Path) -> None:
    expected = frontier.run_experiment("a.yaml", out="run")
    session = open_session("a.yaml")
    (folder / "my_method.py").unlink()
    found = run_session(session, Store(folder / "other"), jobs=2, quiet=True)
    pd.testing.assert_frame_equal(*(t.drop(columns=TIMINGS) for t in (expected, found)), check_exact=True)


def test_a_method_of_a_file_survives_pickling_and_a_file_is_run_once_for_each_text(folder: Path) -> None:
    name = "my_method.py:MyMethod"
    cls = find_method(name, "method")
    method = cls(keep_total=False)  # type: ignore[call-arg]
    assert pickle.loads(pickle.dumps(method)) == method
    assert find_method(name, "method") is cls
    (folder / "my_method.py").write_text(MINE + "\n")
    assert find_method(name, "method") is not cls


def test_a_parameter_called_source_may_be_anything(folder: Path) -> None:
    edit(folder / "my_method.py", "    keep_total: bool = True", "    keep_total: bool = True\n    source: str = 'x'")
    codes = {batch.method.label: batch.code for batch in open_session("a.yaml").batches}
    assert all(len(code) == 12 for code in codes.values())
    assert codes["my_method"] == codes["unscaled"] != codes["top_k"]


def test_results_of_somebody_else_run_no_file_unless_that_is_asked_for(folder: Path) -> None:
    frontier.run_experiment("a.yaml", out="run")
    edit(folder / "my_method.py", "import numpy as np", "import numpy as np\nraise RuntimeError('it runs')")
    with pytest.raises(NotComparable):  # a check reads the file
        refuse_other_code(load_run(Path("run")), Path("run"))
    with pytest.raises(InputError, match=r"methods\[0\]\.name: a file, which would be run; got my_method.py:MyMethod"):
        merge_runs([Path("run")], Path("merged"))
    with pytest.raises(InputError, match="raises RuntimeError: it runs"):
        merge_runs([Path("run")], Path("merged"), run_files=True)
    (folder / "my_method.py").write_text(MINE)
    assert len(merge_runs([Path("run")], Path("merged"), run_files=True)) == 4


# what is written in the file, what is named, and what is said
REFUSED = {
    "no such file": ("", "mine.py:Mine", "no such file: mine.py"),
    "no class": ("", "my_method.py", "not a class in a file; expected path/to/file.py:MyMethod, got 'my_method.py'"),
    "no path": ("", "a\u200b.py:X", "not a class in a file"),
    "an empty class": ("", "my_method.py:", "not a class in a file"),
    "a folder": ("", "dir.py:Mine", "dir.py cannot be read: Is a directory; expected a Python file"),
    "a mistyped class": (MINE, "my_method.py:MyMethd", "no class 'MyMethd' in my_method.py; did you mean 'MyMethod'?"),
    "a file without methods": ("x = 1\n", "my_method.py:X", "no class 'X' in my_method.py; derive one from frontier.M"),
    "another class": (
        "class X: ...\n",
        "my_method.py:X",
        "not a method; expected a class derived from frontier.Method",
    ),
    "no class at all": ("X = 3\n", "my_method.py:X", "my_method.py: not a method; expected a class derived from front"),
    "one of ours": (
        "from frontier.methods.greg import Greg\n",
        "my_method.py:Greg",
        "'Greg' is imported there; expected a class derived from frontier.Method in this file",
    ),
    "the name of one of ours": (
        MINE.replace("class MyMethod", "class TopK"),
        "my_method.py:TopK",
        "class TopK would be called 'top_k', as a method of frontier is; rename the class",
    ),
    "an exception": (
        "x = 1\ndef f():\n    return 1 / 0\nf()\n",
        "my_method.py:X",
        "my_method.py, line 3: raises ZeroDivisionError: division by zero; mend the file",
    ),
    "an import": ("\nimport no_such_thing\n", "my_method.py:X", "line 2: raises ModuleNotFoundError: No module named"),
    "wrong syntax": (
        "x = 1\nclass X(:\n",
        "my_method.py:X",
        "my_method.py, line 2: raises SyntaxError: invalid syntax",
    ),
    "an exit": ("import sys\nsys.exit(3)\n", "my_method.py:X", "my_method.py, line 2: raises SystemExit: 3"),
    "a class that may change": (
        MINE.replace("frozen=True, ", ""),
        "my_method.py:MyMethod",
        "line 17: raises TypeError: cannot inherit non-frozen dataclass from a frozen one",
    ),
    "too much text": (
        "#" * (1 << 20) + "#",
        "my_method.py:X",
        "my_method.py is too large; expected at most 1,048,576 bytes",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_is_refused_in_one_line_and_with_exit_code_2_for(
    what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, name, said = REFUSED[what]
    (folder / "dir.py").mkdir()
    (folder / "my_method.py").write_text(text)
    (folder / "a.yaml").write_text(f"problems: [{{name: planted}}]\nmethods: [{{name: '{name}', budget: [5]}}]\n")
    (folder / "p.yaml").write_text("name: planted\n")
    modules = set(sys.modules)
    for arguments in (
        ("contract", name),
        ("run", "a.yaml"),
        ("fit", "p.yaml", "--method", name, "--budget", "5", "--out", "w.csv"),
    ):
        assert command(*arguments) == 2
        lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning: ")]
        assert len(lines) == 1
        assert said in lines[0]
        assert lines[0].startswith("error: a.yaml: methods[0].name: " if arguments[0] == "run" else "error: ")
        assert str(folder) not in lines[0]
    left = [name for name in set(sys.modules) - modules if name.startswith("frontier_own_")]
    assert not left or "raises" not in said  # no module that was run by half


def test_parameters_that_cannot_be_are_told_in_one_line(folder: Path) -> None:
    edit(folder / "my_method.py", "import numpy as np", "from pathlib import Path\n\nimport numpy as np")
    old = "    keep_total: bool = True\n"
    edit(folder / "my_method.py", old, old + "    place: Path = Path()\n")
    with pytest.raises(
        InputError, match=r"methods\[0\]: parameters that results cannot hold: Object of type PosixPath"
    ):
        open_session("a.yaml")
    edit(folder / "my_method.py", "place: Path = Path()", "seeds: int = 3")
    with pytest.raises(InputError, match=r"name: 'my_method.py:MyMethod' has a parameter called 'seeds', a key of its"):
        open_session("a.yaml")
    check = "    def __post_init__(self) -> None:\n        raise ValueError('too small')\n"
    edit(folder / "my_method.py", "    seeds: int = 3\n", check)
    with pytest.raises(InputError, match=r"a\.yaml: methods\[0\]: too small"):
        open_session("a.yaml")


@pytest.mark.parametrize("path", ["../my_method.py", "/my_method.py", "a/../../my_method.py"])
def test_a_path_in_an_experiment_file_stays_in_its_folder(path: str, folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "a.yaml").write_text(EXPERIMENT.replace("my_method.py", path, 1))
    with pytest.raises(InputError, match=r"methods\[0\]\.name: leaves the folder of the experiment file"):
        open_session(inner / "a.yaml")
    with pytest.raises(InputError, match=r"source: unknown method"):  # nor by way of another method
        build_method("caratheodory", {"source": f"{path}:MyMethod"}, "method")


def test_a_path_is_relative_to_the_experiment_file_and_a_link_is_the_users_own(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "linked.py").symlink_to(folder / "my_method.py")
    (inner / "a.yaml").write_text(EXPERIMENT.replace("my_method.py", "linked.py"))
    assert open_session("inner/a.yaml").batches[0].method.name == "linked.py:MyMethod"


def test_two_files_with_classes_of_one_name_need_labels(folder: Path) -> None:
    (folder / "other.py").write_text(MINE)
    text = EXPERIMENT.replace("my_method.py:MyMethod, label: unscaled", "other.py:MyMethod")
    (folder / "a.yaml").write_text(text)
    with pytest.raises(InputError, match=r"methods: duplicate label; expected distinct values, got 'my_method' twice"):
        open_session("a.yaml")


def test_fit_takes_a_file_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.yaml").write_text("name: planted\n")
    name = "my_method.py:MyMethod"
    fit = ("fit", "p.yaml", "--method", name, "--budget", "30", "--refit", "none", "--out", "w.csv")
    command(*fit)  # whatever is said of its weights: they are written
    assert f"method            {name}\n" in capsys.readouterr().out
    assert (pd.read_csv("w.csv")["weight"] > 0).sum() == 30


# an installed package


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an installed package that names `theirs`, `broken`, `none` and, as frontier does, `greg`."""
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    names = {"theirs": "methods:MyMethod", "greg": "methods:MyMethod", "broken": "broken:X", "none": "methods:np"}
    lines = [f"{name} = their_package.{value}" for name, value in names.items()]
    (info / "entry_points.txt").write_text("\n".join(["[frontier.methods]", *lines, ""]))
    home = tmp_path / "their_package"
    home.mkdir()
    for name, text in {"__init__": "", "methods": MINE, "broken": "import no_such_thing\n"}.items():
        (home / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for cached in (installed_methods, method_class):
        cached.cache_clear()
    yield home
    for cached in (installed_methods, method_class):
        cached.cache_clear()
    for name in [name for name in sys.modules if name.startswith("their_package")]:
        del sys.modules[name]


@pytest.mark.usefixtures("package")
def test_methods_of_a_package_are_listed_without_importing_it_and_solved_by_name(tiny: CalibrationProblem) -> None:
    names = method_names()
    assert names[-3:] == ["broken", "none", "theirs"]
    assert len(names) == len(set(names))
    assert not [name for name in sys.modules if name.startswith("their_package")]
    [solution] = frontier.solve(tiny, "theirs", [Point(budget=7)], keep_total=False)
    assert solution.method == "theirs"
    assert len(solution.active) == 7


SAID = {
    "greg": r"'greg' is registered more than once; got frontier and their_package.methods:MyMethod of their-package; "
    "rename or uninstall the other one",
    "broken": r"their_package.broken:X cannot be imported: ModuleNotFoundError: No module named 'no_such_thing'; "
    "see to the package, or uninstall it: their-package",
    "none": r"their_package.methods:np: not a method; expected a class derived from frontier.Method",
}


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("name", SAID)
def test_a_name_of_a_package_is_refused_in_one_line_and_the_others_work(name: str, tiny: CalibrationProblem) -> None:
    with pytest.raises(InputError) as caught:
        frontier.solve(tiny, name, [Point(budget=7)])
    assert SAID[name] in str(caught.value)
    assert frontier.solve(tiny, "top_k", [Point(budget=7)])[0].weights is not None


def test_the_code_of_a_packages_method_is_all_of_the_package(package: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("problems: [{name: planted}]\nmethods: [{name: theirs, budget: [5]}, {name: top_k, budget: [5]}]\n")
    before = [batch.code for batch in open_session(path).batches]
    (package / "helper.py").write_text("print 'of another Python'\n")
    after = [batch.code for batch in open_session(path).batches]
    assert all(len(code) == 12 for code in before + after)
    assert before[0] != after[0]
    assert before[1] == after[1]


# the contract


def test_what_the_first_file_says_can_be_copied_also_where_its_name_needs_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("new-method", "o'my [m] x.py") == 0
    said = capsys.readouterr().out.partition("check it: ")[2]
    assert shlex.split(said) == ["python", "-m", "frontier", "contract", "o'my [m] x.py:MyMethod"]
    text = (tmp_path / "o'my [m] x.py").read_text()
    entries = yaml.safe_load(text.partition("methods: ")[2].partition("\n")[0])
    assert entries[0] == {"name": "o'my [m] x.py:MyMethod", "budget": [100, 500]}


def test_the_first_file_passes_the_contract_as_it_is_and_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("new-method", "sub/mine.py") == 0
    assert "check it: python -m frontier contract sub/mine.py:MyMethod" in capsys.readouterr().out
    assert command("contract", "sub/mine.py:MyMethod") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CHECKS) - 1  # seeds are no affair of a deterministic method
    assert all(line.startswith("ok      ") for line in lines)
    (tmp_path / "sub/mine.py").write_text("mine")
    for name, said in {
        "sub/mine.py": "sub/mine.py: is there already; give a new name",
        "mine.txt": "mine.txt: not a Python file",
        "sub/mine.py/x.py": "sub/mine.py/x.py: cannot be written",
    }.items():
        assert command("new-method", name) == 2
        assert f"error: {said}" in capsys.readouterr().err
    assert (tmp_path / "sub/mine.py").read_text() == "mine"
    assert [path.name for path in tmp_path.rglob("*.*")] == ["mine.py"]


def test_a_broken_promise_is_a_line_with_what_came_and_exit_code_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "my_method.py", "weights[kept] = problem.w0[kept]", "weights[kept] = -problem.w0[kept]")
    assert command("contract", "my_method.py:MyMethod", "--set", "keep_total=false") == 1
    lines = capsys.readouterr().out.splitlines()
    first = "FAILED  solutions come one per point with finite nonnegative weights: expected weights ≥ 0, got -1"
    assert lines[0].startswith(first)
    assert {line.split()[0] for line in lines[1:]} == {"ok", "FAILED"}
    assert command("contract", "greg") == 0


class Negative(KeepLargest):
    def weights(self, problem: CalibrationProblem, point: Point) -> FloatArray:
        return -super().weights(problem, point)


class Empty(KeepLargest):
    def weights(self, problem: CalibrationProblem, point: Point) -> FloatArray:
        return np.zeros(problem.n_records)


class Reversed(KeepLargest):
    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        return super().solve(problem, sorted(points, key=lambda point: point.budget or 0))


class Unseeded(KeepLargest):
    def weights(self, problem: CalibrationProblem, point: Point) -> FloatArray:
        return super().weights(problem, point) * np.random.default_rng().random(problem.n_records)


class Global(KeepLargest):
    def weights(self, problem: CalibrationProblem, point: Point) -> FloatArray:
        return super().weights(problem, point) * np.random.random(problem.n_records)


class Deaf(KeepLargest):
    stochastic = True


class First(KeepLargest):
    def weights(self, problem: CalibrationProblem, point: Point) -> FloatArray:
        return np.where(np.arange(problem.n_records) < (point.budget or 0), 1.0, 0.0)


class Unchecked(KeepLargest):
    def check(self, points: Sequence[Point]) -> None:
        pass


class Fragile(KeepLargest):
    def weights(self, problem: CalibrationProblem, point: Point) -> FloatArray:
        assert problem.n_records > 1
        return super().weights(problem, point)


class Short(KeepLargest):
    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        return super().solve(problem, points)[:1]


@dataclass(frozen=True, kw_only=True)
class Holding(KeepLargest):
    path: Path = Path()


# a method that breaks a promise, and what is said
BROKEN: dict[type[Method], dict[str, str]] = {
    Negative: {"solutions come one per point with finite nonnegative weights": "expected weights ≥ 0, got -"},
    Empty: {"solutions come one per point with finite nonnegative weights": "all weights are 0"},
    Reversed: {
        "solutions are in the order of the points": "points given in reverse have other solutions: weights differ",
        "a batch equals its points one by one": "budget 20 alone has another solution",
    },
    Unseeded: {"solving twice gives the same bits": "the second call differs"},
    Global: {"the global generators are neither used nor touched": "numpy.random was used or seeded"},
    Deaf: {"seeds change what a stochastic method returns": "two seeds have the same weights"},
    First: {
        "permuting records permutes a deterministic methods weights": "weights depend on the order of the records",
    },
    Unchecked: {
        "points off the methods axes are refused": "expected an InputError with 'lam: not an axis' for lam 1.0"
    },
    Holding: {"methods survive pickling and their fields are plain": "TypeError: Object of type"},
    Fragile: {"degenerate problems end in weights or a status never in an exception": "one record: AssertionError"},
    Short: {"solutions come one per point with finite nonnegative weights": "expected 2 solutions, got 1"},
}


@pytest.mark.parametrize("cls", BROKEN, ids=lambda cls: cls.__name__)
def test_every_check_sees_what_it_is_there_for(cls: type[Method]) -> None:
    found = dict(held(cls()))
    for sentence, said in BROKEN[cls].items():
        assert said in str(found[sentence]), found[sentence]


def test_a_good_method_breaks_none_and_the_checks_are_told_apart_by_what_concerns_a_method() -> None:
    assert all(came is None for _, came in held(KeepLargest()))
    stochastic = {sentence for sentence, _ in held(build_method("pps_sample", {}, "method"))}
    assert {s.replace("_", " ") for s in (check.__name__ for check in CHECKS)} == stochastic | set(dict(held(Greg())))
    assert dataclasses.fields(Bare) == dataclasses.fields(KeepLargest)  # why the decorator is asked for

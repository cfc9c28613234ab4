"""`frontier methods` and `frontier problems` say what there is, in the words of the code itself."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

import frontier
from frontier.__main__ import COMMANDS, main
from frontier.commands.start import start
from frontier.methods.registry import method_class, method_names
from frontier.problems.registry import problem_names
from frontier.study.commands import COMMANDS as STUDY


def said(capsys: pytest.CaptureFixture[str], command: str, *arguments: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        start(f"frontier.commands.{command}", args=list(arguments), prog_name=command)
    assert (ended.value.code or 0) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize(("command", "names"), [("methods", method_names()), ("problems", problem_names())])
def test_all_are_listed_with_a_line_each(command: str, names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, command).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")] == names
    assert all(len(line) <= 110 for line in lines)


@pytest.mark.parametrize("name", method_names())
def test_a_method_is_told_with_its_idea_and_every_default(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "methods", name)
    cls = method_class(name)
    assert (sys.modules[cls.__module__].__doc__ or "?").split("\n")[0] in text
    told = " ".join(text[text.rindex("\n\n") :].split())
    fields = [field.name for field in dataclasses.fields(cls)]
    assert all(f"{field} " in told for field in fields)
    assert fields or "No parameters." in told


@pytest.mark.parametrize("name", [name for name in method_names() if not name.startswith("peers.")])
def test_a_method_says_what_its_points_have_and_takes_no_others(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, method = said(capsys, "methods", name).split("\n", 1)[0], method_class(name)()
    named = {word for word in ("λ", "budget", "seed") if word in first and "no λ" not in first}
    budget = "budget" in method.coordinates or method.driven
    has = {"λ": "lam" in method.coordinates, "budget": budget, "seed": method.stochastic}
    assert named == {word for word, there in has.items() if there}


def test_a_problem_is_told_with_its_shape_families_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "problems", "cps_ohio")
    assert text.startswith("39 targets × 5,177 records, 23,498 entries.\nFamilies: soi_state_agi (20)")
    assert "Source: CPS March supplements" in text
    assert "min_records 10" in text


def test_a_problem_that_needs_files_is_told_without_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert "targets (required)" in said(capsys, "problems", "files")


@pytest.mark.parametrize(("command", "near"), [("methods", "raking"), ("problems", "cps_ohio")])
def test_an_unknown_name_is_one_line(command: str, near: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, command, near[:-1], code=2)
    assert text.count("\n") == 1
    assert f"did you mean '{near}'?" in text


@pytest.mark.parametrize("command", [*sorted(set(COMMANDS) - {"study"}), *(f"study {name}" for name in STUDY)])
def test_an_option_that_there_is_not_is_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--jsn"])
    assert ended.value.code == (3 if command == "check" else 2)
    text = capsys.readouterr().err
    assert text.startswith(f"error: frontier {command}: no such option: --jsn")
    assert text.endswith(f"; see frontier {command} --help\n")
    assert text.count("\n") == 1


def test_the_version_is_one_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    assert capsys.readouterr().out == f"frontier {frontier.__version__}\n"
    root = Path(__file__).resolve().parents[2]
    assert f"\nversion: {frontier.__version__}\n" in (root / "CITATION.cff").read_text(encoding="utf-8")


def test_the_shell_is_told_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--completion"])
    line = capsys.readouterr().out
    assert line.startswith("complete -o default -W '")
    assert set(COMMANDS) == set(line.split("'")[1].split())

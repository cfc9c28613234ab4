"""What the README tells a newcomer to type works as it stands there, in the order in which it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from frontier.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(autouse=True)
def experiments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that the README changes to."""
    shutil.copytree(ROOT / "experiments" / "own_data", tmp_path / "own_data")
    monkeypatch.chdir(tmp_path)


def frontier(line: str) -> int:
    """The exit code of a line `python -m frontier …` or `frontier …`."""
    words = shlex.split(line.removeprefix("python -m "), comments=True)
    assert words[0] == "frontier"
    with pytest.raises(SystemExit) as ended:
        main(words[1:])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("number", range(2))
def test_its_python_runs(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = blocks("python")
    assert len(found) == 2
    exec(compile(found[number], "README.md", "exec"), {})
    plt.close("all")
    said = capsys.readouterr().out
    assert "records" in said or "optimal" in said


def test_its_commands_for_own_data_end_well() -> None:
    [lines] = [block for block in blocks("bash") if block.startswith("cd experiments\n")]
    ended = {shlex.split(line)[3]: frontier(line) for line in lines.splitlines()[1:]}
    # `data` says that totals with too few records are left out: 1
    assert ended == {"data": 1, "suggest": 0, "fit": 0, "score": 0, "errors": 0}


def test_its_experiment_can_be_planned() -> None:
    [text] = blocks("yaml")
    Path("mine.yaml").write_text(text, encoding="utf-8")
    assert frontier("frontier run mine.yaml --dry-run") == 0


def test_its_first_method_of_one_s_own_keeps_the_contract() -> None:
    written, held = re.findall(r"`(python -m frontier (?:new-method|contract) [^`]*)`", README)
    assert (frontier(written), frontier(held)) == (0, 0)

"""What a method's code is: the files that it imports, read from compiled code, are those that its text names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import frontier.results.provenance as provenance

ROOT = Path(__file__).resolve().parents[2] / "frontier"
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def named(path: str) -> set[str]:
    """The files of the package that the import statements of a file name, by parsing it."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    parts = [name.split(".")[1:] for name in modules if name.split(".")[0] == "frontier"]
    found = {"/".join(part) + ".py" for part in parts}
    found |= {"/".join([*part[:depth], "__init__.py"]) for part in parts for depth in range(1, len(part) + 1)}
    return found & set(FILES)


def test_every_file_imports_what_its_text_names() -> None:
    assert len(FILES) > 300
    for path in FILES:
        assert provenance._imported(ROOT, path) == named(path), path


@pytest.mark.parametrize(
    ("statement", "counts"),
    [
        ("from frontier.objectives.anchored import anchored_certificate", True),
        ("def solve():\n    from frontier.objectives import anchored", True),
        ("import frontier.objectives.anchored as anchored", True),
        ("if True:\n    import frontier.objectives.anchored", True),
        ('"""frontier.objectives.anchored"""', False),
        ("# from frontier.objectives import anchored", False),
        ("not Python (", False),
    ],
)
def test_a_method_of_your_own_has_the_code_that_it_imports(
    statement: str, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = provenance._named_text
    text = (statement.encode(),)
    before = provenance.method_code.__wrapped__("own.py:Mine", texts=text)
    changed = {"objectives/anchored.py": b"# a word more"}
    monkeypatch.setattr(provenance, "_named_text", lambda root, path: honest(root, path) + changed.get(path, b""))
    assert (provenance.method_code.__wrapped__("own.py:Mine", texts=text) != before) is counts


def test_gpus_are_named_after_the_processor_as_their_driver_tells(tmp_path: Path) -> None:
    assert provenance._gpus(tmp_path / "no driver") == []
    for place in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "information").write_text("Model: \t\t NVIDIA X1\nIRQ: 5\n", encoding="utf-8")
    assert provenance._gpus(tmp_path) == ["2 NVIDIA X1"]

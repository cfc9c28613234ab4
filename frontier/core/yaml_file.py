"""A YAML file that may come from anybody, read as plain values within declared limits; the text comes along.

The safe loader only: no tag makes an object. Keys are strings and given once, floats are those of YAML 1.2 (1e-7 is a
number). A few lines of aliases can unfold to terabytes, so nodes are counted as unfolded before anything is built.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from frontier.core.errors import InputError
from frontier.core.files import read_limited

LARGEST_FILE_BYTES = 1 << 18  # the largest experiment here has 3 kB; this much is parsed in a second or two
LARGEST_NODES = 50_000  # a hundred methods with five hundred points each
DEEPEST = 1000  # levels of nesting: building more would overflow the stack of the parser, which is in C
LARGEST_INTEGER_BITS = 1000  # what a float still holds; a longer one cannot even be printed


def read_yaml(path: Path, what: str, cure: str) -> tuple[str, dict[str, Any]]:
    """Text and content of the mapping in a YAML file; `InputError` for anything else. `what` it should be, in words."""
    try:
        text = read_limited(path, LARGEST_FILE_BYTES).decode("utf-8")
    except FileNotFoundError:
        raise InputError(path, "no such file", cure=cure) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read: {error}", expected="a UTF-8 YAML file") from None
    return text, _parse(text, path, what)


def read_mapping(text: str, place: str) -> dict[str, Any]:
    """The mapping in a text of YAML; `InputError` names `place`."""
    return _parse(text, Path(place), "a mapping")


def read_value(text: str, place: str) -> Any:
    """The plain value that a text is in YAML: a number, a truth value, a string, a list; `InputError` names `place`."""
    content = _parse(f"value: {text}", Path(place), "a value")
    if len(content) != 1:
        raise InputError(place, "not a value", expected="one value", got=repr(text))
    return content["value"]


def _parse(text: str, path: Path, what: str) -> dict[str, Any]:
    try:
        _refuse_deep(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is not None and _unfolded(node, {}) > LARGEST_NODES:
                raise InputError(path, "too large once its aliases are unfolded", expected=f"≤ {LARGEST_NODES:,} nodes")
            content = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise InputError(path, f"not valid YAML: {error}", cure="fix the syntax") from None
    except InputError:
        raise
    except (RecursionError, ValueError, OverflowError) as error:
        raise InputError(path, f"not valid YAML: {type(error).__name__} {error}", cure="fix the value") from None
    if not isinstance(content, dict):
        raise InputError(path, f"not {what}", expected="a mapping", got=type(content).__name__)
    return content


def _refuse_deep(text: str) -> None:
    """`RecursionError` for a text nested deeper than can be built; what is no YAML is told of when it is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_Parser):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise RecursionError(f"nested more than {DEEPEST} levels deep")


def _unfolded(node: yaml.Node, counted: dict[int, int]) -> int:
    """The number of nodes with every alias written out; `ValueError` for a node that contains itself."""
    if id(node) in counted:
        if counted[id(node)] < 0:
            raise ValueError("an alias contains itself")
        return counted[id(node)]
    counted[id(node)] = -1  # being counted
    total = 1
    if isinstance(node, yaml.SequenceNode):
        total += sum(_unfolded(child, counted) for child in node.value)
    elif isinstance(node, yaml.MappingNode):
        total += sum(_unfolded(key, counted) + _unfolded(value, counted) for key, value in node.value)
    counted[id(node)] = total
    return total


_Parser = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # ten times as fast where it is in C


class _Loader(_Parser):  # type: ignore[misc, valid-type]
    """The safe loader, with YAML 1.2 floats (1e-7 is a number) and without silently repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is not a string", node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} given twice", node.start_mark)
            seen.add(key)
        content: dict[Any, Any] = super().construct_mapping(node, deep)
        return content

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if re.match(r"[-+]?0_*[0-9]", node.value):  # octal in YAML 1.1, decimal in YAML 1.2
            raise yaml.constructor.ConstructorError(None, None, f"{node.value} begins with 0", node.start_mark)
        value: int = super().construct_yaml_int(_in_base_ten(node))
        if value.bit_length() > LARGEST_INTEGER_BITS:
            raise yaml.constructor.ConstructorError(None, None, "an integer beyond 2^1000", node.start_mark)
        return value

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        value: float = super().construct_yaml_float(_in_base_ten(node))
        return value


def _in_base_ten(node: yaml.ScalarNode) -> yaml.ScalarNode:
    """The node, unless YAML 1.1 reads it in base 60: 1:30 would be 90."""
    if ":" in node.value:
        raise yaml.constructor.ConstructorError(None, None, f"{node.value} is no plain number", node.start_mark)
    return node


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)

_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*)(\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)

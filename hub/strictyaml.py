"""Reads YAML the way people mean it: nothing is guessed, nothing is lost, and every value knows its file and line.

Only ``true``, ``false``, ``null`` and plain decimal numbers are more than text, so a date, ``no``, ``12:30`` or ``010``
stays what was written. Duplicate keys, merge keys and other tags are refused, all of them at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path as FilePath
from typing import Any

import yaml

from hub.errors import BadConfig, Problem

NodePath = tuple[str | int, ...]
"""Where a value stands in a document: keys and list positions from the top."""

MOST_DEEP = 100
"""How deep values may stand in one another."""
MOST_COPIED = 100_000
"""Values that aliases may repeat in one file: aliases of aliases would make a small file fill the memory."""
_TAG = "tag:yaml.org,2002:"
_MEND = "correct this line or the one above it: indents, quotes, brackets, colons"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][+-]?[0-9]+)?")


class _Loader(yaml.CSafeLoader):
    """Composes nodes only; the table of implicit types is emptied and filled again below."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol


_Loader.add_implicit_resolver(_TAG + "null", re.compile(r"(?:null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver(_TAG + "bool", re.compile(r"(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver(_TAG + "int", re.compile(_INT.pattern + "$"), list("-0123456789"))
_Loader.add_implicit_resolver(_TAG + "float", re.compile(_FLOAT.pattern + "$"), list("-0123456789"))


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: plain Python ``data`` (all mapping keys are text) and where each node stands. That takes many times the
    memory of the file: who keeps many keeps ``written``, their bytes, and parses them again when they are asked for."""

    data: Any
    source: str
    lines: dict[NodePath, int] = field(repr=False)
    raw: dict[NodePath, str] = field(repr=False)
    written: bytes = field(default=b"", repr=False)

    def at(self, *path: str | int) -> str:
        """``file:line`` of the node at ``path``, or of the nearest one above it that exists."""
        while path not in self.lines and path:
            path = path[:-1]
        return f"{self.source}:{self.lines.get(path, 1)}"

    def problem(self, path: NodePath, code: str, message: str, hint: str = "") -> Problem:
        """Something wrong at ``path``, with its file and line."""
        return Problem(_dotted(path), code, message, hint, self.at(*path))

    def text(self, *path: str | int) -> str | None:
        """The scalar at ``path`` as it was written (``1.000890`` keeps its zero), None if there is no scalar."""
        return self.raw.get(path)


def load(path: FilePath, source: str = "") -> Document:
    """Reads a file. ``source`` is the name shown in problems. Raises BadConfig with every problem of the file."""
    name = source or str(path)
    try:
        return parse(path.read_bytes(), name)
    except OSError as error:
        raise BadConfig([Problem("", "unreadable", f"the file cannot be read: {error.strerror}", source=name)]) from error


def parse(text: str | bytes, source: str) -> Document:
    """Parses one YAML document. Raises BadConfig with every problem found."""
    try:
        node = yaml.compose(text if isinstance(text, str) else text.decode("utf-8-sig"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise BadConfig([Problem("", "not_utf8", "the file is not UTF-8", "save it as UTF-8", source)]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadConfig([_problem(source, line, (), "not_yaml", str(error.problem or "not YAML"), _MEND)]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadConfig([_problem(source, 1, (), "not_yaml", "the text is not YAML", _MEND)]) from error
    reader = _Reader(source)
    data = reader.read(node, (), ()) if node is not None else None
    if reader.problems:
        raise BadConfig(reader.problems)
    return Document(data, source, reader.lines, reader.raw, text.encode() if isinstance(text, str) else text)


def _dotted(path: NodePath) -> str:
    """A place in words; what a key has of control characters would reach a terminal or break a log."""
    return _CONTROL.sub("?", ".".join(map(str, path)))


def _problem(source: str, line: int, path: NodePath, code: str, message: str, hint: str = "") -> Problem:
    return Problem(_dotted(path), code, message, hint, f"{source}:{line}")


class _Reader:
    """Turns composed nodes into Python values, noting lines and collecting problems."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.lines: dict[NodePath, int] = {}
        self.raw: dict[NodePath, str] = {}
        self.seen: set[int] = set()
        self.copied = 0

    def refuse(self, node: yaml.Node, path: NodePath, code: str, message: str, hint: str = "") -> None:
        self.problems.append(_problem(self.source, node.start_mark.line + 1, path, code, message, hint))

    def read(self, node: yaml.Node, path: NodePath, above: tuple[int, ...]) -> Any:
        self.lines[path] = node.start_mark.line + 1
        if id(node) in above:
            self.refuse(node, path, "cycle", "an alias contains itself", "write the value out")
            return None
        if len(above) == MOST_DEEP:
            self.refuse(node, path[:1], "too_deep", f"values stand more than {MOST_DEEP} deep in one another", "nest them less")
            return None
        self.copied += id(node) in self.seen
        if self.copied > MOST_COPIED:
            if self.copied == MOST_COPIED + 1:
                self.refuse(node, path[:1], "alias_bomb", f"aliases repeat more than {MOST_COPIED} values", "repeat less")
                self.copied += 1
            return None
        self.seen.add(id(node))
        above = (*above, id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.read(item, (*path, index), above) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return {key: self._entry(key_node, item, (*path, key), above) for key, key_node, item in self._keys(node, path)}
        self.refuse(node, path, "tag", "this YAML tag is not supported", "remove the tag")
        return None

    def _entry(self, key_node: yaml.Node, item: yaml.Node, path: NodePath, above: tuple[int, ...]) -> Any:
        value = self.read(item, path, above)
        self.lines[path] = key_node.start_mark.line + 1
        return value

    def _keys(self, node: yaml.MappingNode, path: NodePath) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        first: dict[str, int] = {}
        for key_node, item in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or (key_node.tag == _TAG + "null" and not key_node.value):
                self.refuse(key_node, path, "bad_key", "a key must be text", "write it in quotes")
            elif key_node.value == "<<" and key_node.style not in ("'", '"'):
                self.refuse(key_node, path, "merge_key", "merge keys (<<) are not supported", "write the entries out")
            elif key_node.value in first:
                where = f"first written in line {first[key_node.value]}"
                message = f"the key {key_node.value[:60]!r} is written twice ({where})"
                self.refuse(key_node, (*path, key_node.value), "duplicate_key", message, "keep one of them")
            else:
                first[key_node.value] = key_node.start_mark.line + 1
                yield key_node.value, key_node, item

    def _scalar(self, node: yaml.ScalarNode, path: NodePath) -> Any:
        text: str = node.value
        self.raw[path] = text
        kind = node.tag.removeprefix(_TAG)
        if kind == "str":
            return text
        if kind == "null" and text in ("", "~", "null"):
            return None
        if kind == "bool" and text in ("true", "false"):
            return text == "true"
        if kind == "int" and _INT.fullmatch(text):
            return int(text)
        if kind == "float" and (_FLOAT.fullmatch(text) or _INT.fullmatch(text)):
            if isfinite(number := float(text)):
                return number
            self.refuse(node, path, "bad_number", "the number is larger than a number can be", "put it in quotes if it is text")
            return None
        self.refuse(node, path, "tag", "this YAML tag is not supported or does not fit its value", "remove the tag")
        return None

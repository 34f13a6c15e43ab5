"""Reads paths and conditions of a mapping file, and collects what is wrong with the file, each with its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from hub.errors import Problem
from hub.message import SchemaRef
from hub.strictyaml import MOST_DEEP, Document, NodePath
from hub.translation import mapping as m
from hub.translation.expressions import SlowPattern, read_expression

CONDITIONS: dict[str, tuple[str, str]] = {
    "present": ("there is a value", "{ present: HoSo.Email }"),
    "absent": ("there is none", "{ absent: HoSo.Email }"),
    "equals": ("it is this value", "{ equals: { HoSo.TrangThai: OPEN } }"),
    "differs": ("it is another value, or there is none", "{ differs: { HoSo.TrangThai: OPEN } }"),
    "matches": (
        "it is text, and all of it, at most 1,000 characters, fits the regular expression",
        '{ matches: { HoSo.So: "[0-9]{12}" } }',
    ),
    "in_table": (
        "it is a code with a row in a table of `tables`, or with a row that gives this value",
        "{ in_table: { HoSo.TrangThai: status } } or { in_table: { HoSo.TrangThai: { status: submitted } } }",
    ),
    "not_in_table": ("the contrary, also where there is no code", "{ not_in_table: { HoSo.TrangThai: status } }"),
}
"""Each condition with its meaning and an example."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TABLES = ("in_table", "not_in_table")
_COMPARING = ("equals", "differs", "matches", *_TABLES)


@lru_cache(maxsize=5000)  # mappings of a catalog read and set the same paths again and again
def path_parts(text: str) -> tuple[m.PathPart, ...]:
    """A dotted path cut up, positions as integers; nothing when it is no path: a part is empty or has control characters (paths
    reach logs and the source that a mapping becomes), or there are too many."""
    pieces = text.split(".")
    if not all(piece and piece == piece.strip() for piece in pieces) or _CONTROL.search(text) or len(pieces) > MOST_DEEP:
        return ()
    return tuple(int(piece) if re.fullmatch("[0-9]{1,3}", piece) else piece for piece in pieces)


@lru_cache(maxsize=5000)
def _source_path(text: str) -> m.SourcePath | None:
    if text in ("$", "."):
        return m.SourcePath((), text == "$", text)
    parts = path_parts(text.removeprefix("$."))
    return m.SourcePath(parts, text.startswith("$."), text) if parts else None


class ConditionParser:
    """Walks parts of one document, collecting problems."""

    def __init__(self, document: Document, ref: SchemaRef) -> None:
        self.document = document
        self.ref = ref
        self.problems: list[Problem] = []
        self.tables: dict[str, m.TableEntry] = {}
        self.open: list[str] = []

    def wrong(self, path: NodePath, code: str, message: str, hint: str = "") -> None:
        self.problems.append(self.document.problem(path, code, message, hint))

    def is_a(self, path: NodePath, value: Any, kind: type, message: str, hint: str = "", code: str = "mistyped") -> bool:
        """Has the value this type? Notes the problem when not."""
        if not isinstance(value, kind):
            self.wrong(path, code, message, hint)
        return isinstance(value, kind)

    def known(self, body: dict[str, Any], path: NodePath, names: Sequence[str], what: str) -> None:
        for name in body:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"did you mean {near[0]}?" if near else f"one of: {', '.join(names)}"
                self.wrong((*path, name), "unknown_key", f"{what} has no {name[:40]!r}", hint)

    def reference(self, path: NodePath, text: Any, hint: str, what: str = "a schema") -> SchemaRef | None:
        if text is None:
            self.wrong(path, "bad_reference", f"{what} is missing here", hint)
            return None
        try:
            return SchemaRef.parse(str(text))
        except ValueError as error:
            self.wrong(path, "bad_reference", str(error).replace("a schema", what), hint)
            return None

    def path(self, text: Any, path: NodePath) -> m.SourcePath | None:
        found = _source_path(text) if isinstance(text, str) else None
        if found is None:
            self.wrong(path, "bad_path", "this is no source path", "write HoSo.SoHoSo, or $.HoSo.SoHoSo from the root")
        return found

    def paths(self, body: Any, path: NodePath) -> tuple[m.SourcePath, ...]:
        if not self.is_a(path, body or None, list, "must be a list of source paths", "write [HoSo.Ho, HoSo.Ten]"):
            return ()
        found = [self.path(item, (*path, index)) for index, item in enumerate(body)]
        return tuple(item for item in found if item)

    def conditions(self, body: Any, path: NodePath) -> tuple[m.Condition, ...]:
        found: list[m.Condition] = []
        for index, item in enumerate(body if isinstance(body, list) and body else [body]):
            here = (*path, index) if isinstance(body, list) else path
            hint = "write { present: path } or { equals: { path: x } }"
            if not self.is_a(here, item or None, dict, "a condition is a mapping", hint, "bad_condition"):
                continue
            self.known(item, here, tuple(CONDITIONS), "a condition")
            for kind in ("present", "absent"):
                read = self.path(item[kind], (*here, kind)) if kind in item else None
                if read:
                    found.append(m.Condition(kind, read, where=self.document.at(*here)))
            for kind in _COMPARING:
                if kind in item:
                    found += self._compared(kind, item[kind], (*here, kind))
        return tuple(found)

    def _compared(self, kind: str, pairs: Any, here: NodePath) -> list[m.Condition]:
        """``{ equals: { path: value } }``, ``{ differs: … }``, ``{ matches: { path: regex } }``, ``{ in_table: … }``."""
        found: list[m.Condition] = []
        hint = f"write {{ {kind}: {{ path: x }} }}"
        if not self.is_a(here, pairs or None, dict, f"{kind} has a path and a value", hint, "bad_condition"):
            return found
        for text, value in pairs.items():
            at = (*here, text)
            read = self.path(text, at)
            if kind in _TABLES:
                name, wanted = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else (value, None)
                if self._asked(name, wanted, value, at) and read:
                    found.append(m.Condition(kind, read, wanted, self.document.at(*at), name))
            elif value is None or isinstance(value, list | dict):
                hint = "for null or nothing write { absent: path }"
                self.wrong(at, "bad_condition", f"{kind} compares with one plain value", hint)
            elif kind == "matches" and not self._is_pattern(value, at):
                continue
            elif read:
                found.append(m.Condition(kind, read, value, self.document.at(*at)))
        return found

    def _is_pattern(self, value: Any, at: NodePath) -> bool:
        try:
            if isinstance(value, str):
                return bool(read_expression(value))
        except SlowPattern as error:
            hint = str(error).partition("; ")[2]
            message = "the pattern repeats what may end at several places, and so may take for ever"
            self.wrong(at, "slow_pattern", message, hint)
            return False
        except ValueError:
            pass
        hint = 'write { matches: { path: "[0-9]{12}" } }'
        self.wrong(at, "bad_condition", "matches needs a regular expression in quotes", hint)
        return False

    def _asked(self, name: Any, wanted: Any, value: Any, at: NodePath) -> bool:
        """Is it a table that a condition can ask, and a value that it can give?"""
        hint = "write { in_table: { path: status } } or { in_table: { path: { status: submitted } } }"
        if not isinstance(name, str) or (isinstance(value, dict) and (wanted is None or isinstance(wanted, list | dict))):
            self.wrong(at, "bad_condition", "a table is asked by its name, perhaps with one plain value", hint)
        elif name not in self.tables:
            known = ", ".join(self.tables) or "none; write it under tables:"
            self.wrong(at, "unknown_table", f"no table is named {name[:40]!r}", f"one of: {known}")
        elif self.tables[name].by:
            message = f"the table {name} is looked up by its own fields, not by one path"
            self.wrong(at, "bad_condition", message, "ask a table with one key")
        else:
            return True
        return False

"""Reads paths and conditions of a mapping file, and collects what is wrong with the file, each with its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any

from hub.errors import Problem
from hub.message import SchemaRef
from hub.strictyaml import Document, NodePath
from hub.translation import mapping as m

_COMPARING = ("equals", "differs", "matches")


class ConditionParser:
    """Walks parts of one document, collecting problems."""

    def __init__(self, document: Document, ref: SchemaRef) -> None:
        self.document = document
        self.ref = ref
        self.problems: list[Problem] = []
        self.tables: dict[str, m.TableEntry] = {}

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

    @staticmethod
    def parts(text: str) -> tuple[m.PathPart, ...]:
        """A dotted path cut up, positions as integers; nothing when it is no path."""
        pieces = text.split(".")
        if not all(piece and piece == piece.strip() for piece in pieces):
            return ()
        return tuple(int(piece) if re.fullmatch("[0-9]{1,3}", piece) else piece for piece in pieces)

    def path(self, text: Any, path: NodePath) -> m.SourcePath | None:
        if isinstance(text, str):
            if text in ("$", "."):
                return m.SourcePath((), text == "$", text)
            parts = self.parts(text.removeprefix("$."))
            if parts:
                return m.SourcePath(parts, text.startswith("$."), text)
        self.wrong(path, "bad_path", "this is no source path", "write HoSo.SoHoSo, or $.HoSo.SoHoSo from the root")
        return None

    def paths(self, body: Any, path: NodePath) -> tuple[m.SourcePath, ...]:
        if not self.is_a(path, body or None, list, "must be a list of source paths", "write [HoSo.Ho, HoSo.Ten]"):
            return ()
        found = [self.path(item, (*path, index)) for index, item in enumerate(body)]
        return tuple(item for item in found if item)

    def conditions(self, body: Any, path: NodePath) -> tuple[m.Condition, ...]:
        found: list[m.Condition] = []
        for index, item in enumerate(body if isinstance(body, list) else [body]):
            here = (*path, index) if isinstance(body, list) else path
            hint = "write { present: path } or { equals: { path: x } }"
            if not self.is_a(here, item or None, dict, "a condition is a mapping", hint, "bad_condition"):
                continue
            self.known(item, here, ("present", "absent", *_COMPARING), "a condition")
            for kind in ("present", "absent"):
                read = self.path(item[kind], (*here, kind)) if kind in item else None
                if read:
                    found.append(m.Condition(kind, read, where=self.document.at(*here)))
            for kind in _COMPARING:
                if kind in item:
                    found += self._compared(kind, item[kind], (*here, kind))
        return tuple(found)

    def _compared(self, kind: str, pairs: Any, here: NodePath) -> list[m.Condition]:
        """``{ equals: { path: value } }``, ``{ differs: … }`` and ``{ matches: { path: regex } }``."""
        found: list[m.Condition] = []
        hint = f"write {{ {kind}: {{ path: x }} }}"
        if not self.is_a(here, pairs or None, dict, f"{kind} has a path and a value", hint, "bad_condition"):
            return found
        for text, value in pairs.items():
            at = (*here, text)
            read = self.path(text, at)
            if value is None or isinstance(value, list | dict):
                hint = "for null or nothing write { absent: path }"
                self.wrong(at, "bad_condition", f"{kind} compares with one plain value", hint)
            elif kind == "matches" and not _is_pattern(value):
                hint = 'write { matches: { path: "[0-9]{12}" } }'
                self.wrong(at, "bad_condition", "matches needs a regular expression in quotes", hint)
            elif read:
                found.append(m.Condition(kind, read, value, self.document.at(*at)))
        return found


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False

"""Makes source documents for a mapping: from its schema, and by damaging the examples inside it; always the same ones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import jsonschema_rs

from hub.errors import SchemaInvalid
from hub.translation.chain import Step

TEXTS = (
    "", " ", "x", "Nguyễn  Văn Mẫu", "001090990001", "990000001", "0900000001", "cd000001@example.vn", "2.000815", "1.001193",
    "G22", "000.00.10.H22-261121-0001", "20261121080000", "21/11/2026 08:30:00", "2026-11-21T08:00:00+07:00", "1990",
    "2026-11-21T08:00:00", "2.000815.000.00.00.H22", "19900131", "19900000", "19900230", "19901300", "1990-01-31", "true",
    "31/02/2026 08:00:00", "True", "0", "1", "2", "3", "4", "10", "15000", "Ộ" * 60, "Ộ" * 1001, "{0}", "\u0000", "\n",
    "0109999999", "0109999999-001",
)  # fmt: skip
NUMBERS = (0, 1, 2, 3, 5, 700001, 10**15, -1)


class Documents:
    """The documents for one step; all fit its source schema."""

    def __init__(self, step: Step, seed: int) -> None:
        self.step = step
        self.root = step.source.document
        self.random = Random(f"{step.mapping.ref} {seed}")
        rows = [table.rows or {} for table in step.tables] + [entry.rows or {} for entry in step.mapping.tables.values()]
        self.codes = tuple(sorted({part for one in rows for key in one for part in key}))
        self.fitting: dict[int, list[Any]] = {}

    def from_schema(self, tries: int) -> Iterator[Any]:
        """Objects with the fields of the schema, each there or not; texts are codes of the mapping's tables and such."""
        return self._fit(lambda: self._value(self.root), tries)

    def damaged(self, tries: int) -> Iterator[Any]:
        """The examples of the mapping with up to four places gone, empty, doubled or with another value."""
        given = [test.given for test in self.step.mapping.tests]
        return self._fit(lambda: self._damaged(copy.deepcopy(self.random.choice(given))), tries)

    def _fit(self, make: Callable[[], Any], tries: int) -> Iterator[Any]:
        for _ in range(tries):
            made = make()
            try:
                self.step.source.validate(made)
            except SchemaInvalid:
                continue
            yield made

    def _value(self, node: Any) -> Any:
        while isinstance(node, dict) and ("$ref" in node or "anyOf" in node or "oneOf" in node):
            if "$ref" in node:
                node = self.root["$defs"][node["$ref"].rpartition("/")[2]]
            else:
                node = self.random.choice(node.get("anyOf") or node["oneOf"])
        if not isinstance(node, dict):
            return self.random.choice(TEXTS)
        kinds = node.get("type", "object" if "properties" in node else "string")
        kind = self.random.choice(kinds) if isinstance(kinds, list) else kinds
        if kind == "object":
            required, often = node.get("required", ()), self.random.random()
            fields = node.get("properties", {}).items()
            return {name: self._value(inner) for name, inner in fields if name in required or self.random.random() < often}
        if kind == "array":
            return [self._value(node.get("items", {})) for _ in range(self.random.randint(node.get("minItems", 0), 3))]
        return self.random.choice(self._scalars(kind, node))

    def _scalars(self, kind: str, node: dict[str, Any]) -> list[Any]:
        """What the schema takes there, of all that is at hand."""
        if id(node) not in self.fitting:
            alone = jsonschema_rs.validator_for({**node, "$defs": self.root.get("$defs", {})})
            every = [*TEXTS, *self.codes * 3, *NUMBERS, True, False, None, *node.get("enum", ())]
            self.fitting[id(node)] = [one for one in every if alone.is_valid(one)] or [None]
        return self.fitting[id(node)]

    def _damaged(self, document: Any) -> Any:
        for _ in range(self.random.randint(1, 4)):
            holder, step = self.random.choice(list(_places(document)))
            match self.random.randrange(5):
                case 0:
                    del holder[step]
                case 1:
                    holder[step] = self.random.choice(("", None, [], {}))
                case 2:
                    holder[step] = [holder[step], copy.deepcopy(holder[step])]
                case _:
                    holder[step] = self.random.choice(self.codes + TEXTS + NUMBERS)
            if not document:
                break
        return document


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place inside a document: what holds it, and its name or position."""
    for step, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, step
        if isinstance(inner, dict | list):
            yield from _places(inner)

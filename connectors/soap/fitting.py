"""Does every message of a partner schema fit what an operation takes? Compared as schemas, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.outcomes.pointers import plain_schemas, schemas_at
from hub.wire.xml_form import XmlForm

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Misfit:
    """One difference: ``at`` is a JSON pointer in the message."""

    at: str
    code: str
    message: str


def misfits(message: Document, taken: Document) -> Iterator[Misfit]:
    """Where a message that fits ``message`` may not fit ``taken``: fields unknown there, required there and not here, of
    another type. A choice between fields is left to the moment of sending."""
    yield from _Pair(message, taken).compare(message, taken, "")


def inner(document: Mapping[str, Any], form: XmlForm) -> Mapping[str, Any]:
    """Of a schema that is a WSDL, the part that is this operation's input; any other schema is that itself."""
    part = document.get("properties", {}).get(form.name)
    if part is None or is_own_field(form):
        return document
    return {**part, "$defs": document.get("$defs", {})}


def is_own_field(form: XmlForm) -> bool:
    """Whether an element has a child of its own name, so that the name says nothing."""
    return bool(schemas_at(form.json_schema(), f"/{form.name}"))


class _Pair:
    def __init__(self, message: Document, taken: Document) -> None:
        self._message, self._taken = message, taken
        self._compared: set[tuple[int, int]] = set()

    def compare(self, ours: Any, theirs: Any, at: str) -> Iterator[Misfit]:
        given = list(plain_schemas(ours, self._message))
        wanted = list(plain_schemas(theirs, self._taken))
        pair = (id(given[0]), id(wanted[0])) if given and wanted else (0, 0)
        if pair in self._compared or {} in wanted or not wanted or not given:
            return
        self._compared.add(pair)
        if missing := _types(given) - _types(wanted) - {"null"}:
            told = (
                f"is {' or '.join(sorted(missing))} by the schema, and {' or '.join(sorted(_types(wanted)))} in the operation"
            )
            yield Misfit(at, "mistyped", told)
            return
        fields, known = _fields(given), _fields(wanted)
        for name in (name for name in fields if name in known):
            yield from self.compare(fields[name], known[name], f"{at}/{name}")
        open_below = any("patternProperties" in one for one in wanted)
        closed = "object" in _types(wanted) and not open_below
        for name in (name for name in fields if closed and name not in known):
            yield Misfit(f"{at}/{name}", "unknown_path", "the operation has no such field")
        asked = [frozenset(one.get("required", ())) for one in wanted if "properties" in one]
        needed = frozenset.intersection(*asked) if asked else frozenset[str]()
        surely = frozenset[str]().union(*(frozenset(one.get("required", ())) for one in given))
        for name in sorted(needed - surely):
            said = "the schema does not ask for it" if name in fields else "the schema has no such field"
            yield Misfit(f"{at}/{name}", "not_required", f"the operation needs it, {said}")
        for one in (one for one in given if "items" in one):
            for other in (other for other in wanted if "items" in other):
                yield from self.compare(one["items"], other["items"], f"{at}/*")


def _fields(schemas: list[Document]) -> dict[str, Any]:
    return {name: field for one in schemas for name, field in one.get("properties", {}).items()}


def _types(schemas: list[Document]) -> frozenset[str]:
    """The JSON types that are allowed; a constant or an enumeration has the type of its values."""
    found: set[str] = set()
    for one in schemas:
        kind = one.get("type")
        if kind is None:
            values = one.get("enum") or ([one["const"]] if "const" in one else [])
            found |= {_TYPE_OF.get(type(value), "string") for value in values}
        else:
            found |= {kind} if isinstance(kind, str) else set(kind)
        found |= {"object"} if "properties" in one else set()
    return frozenset(found)


_TYPE_OF = {bool: "boolean", int: "integer", dict: "object", list: "array", type(None): "null"}

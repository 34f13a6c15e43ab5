"""JSON pointers into an answer or a message (of XML: its object form), with ``*`` for every item of a list; and what a schema
has at such a place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Final, Literal
from urllib.parse import unquote

from pydantic import AfterValidator


class Missing(Enum):
    """What stands where there is no value; XML's own nothing (xsi:nil) is None."""

    MISSING = "missing"


MISSING: Final[Literal[Missing.MISSING]] = Missing.MISSING
EVERY = "*"


def steps_of(pointer: str) -> tuple[str, ...]:
    """The names on the way; the empty pointer is the whole."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _written_right(pointer: str) -> str:
    if pointer and not pointer.startswith("/"):
        raise ValueError('a JSON pointer such as /Result/Code or /Items/*/Code, "" for the whole')
    if "" in steps_of(pointer):
        raise ValueError("a JSON pointer has no empty step")
    return pointer


def _to_one_place(pointer: str) -> str:
    if EVERY in steps_of(pointer):
        raise ValueError("this pointer must lead to one place: a number such as /Items/0/Code in place of *")
    return pointer


Pointer = Annotated[str, AfterValidator(_written_right)]
PointerToOne = Annotated[str, AfterValidator(_written_right), AfterValidator(_to_one_place)]


def values_at(value: Any, pointer: str) -> list[Any]:
    """The value at a place; for a pointer with ``*`` one for each item, MISSING for an item that has none there."""
    found = [value]
    for step in steps_of(pointer):
        found = [below for one in found for below in _below(one, step)]
    return found


def value_at(value: Any, pointer: str) -> Any:
    """The value at a pointer to one place, or MISSING."""
    return values_at(value, pointer)[0]


def holder_of(pointer: str) -> str:
    """The place that holds this one."""
    return pointer.rpartition("/")[0]


def is_on_the_way(place: str, pointer: str) -> bool:
    """Whether one place is at, above or below the other; ``*`` in ``pointer`` is any item."""
    pairs = zip(steps_of(place), steps_of(pointer), strict=False)
    return all(step == wanted or (wanted == EVERY and step.isdecimal()) for step, wanted in pairs)


def _below(value: Any, step: str) -> list[Any]:
    if isinstance(value, Mapping):
        return [value.get(step, MISSING)]
    if isinstance(value, list):
        if step == EVERY:
            return value
        if step.isdecimal() and int(step) < len(value):
            return [value[int(step)]]
    return [] if step == EVERY else [MISSING]


def put_at(whole: dict[str, Any], pointer: str, value: Any) -> None:
    """Put a value in its place in an object that is being made; a step 0 makes a list of one."""
    steps = steps_of(pointer)
    node: Any = whole
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        made: Any = value if following is None else ([] if following.isdecimal() else {})
        if isinstance(node, list):
            if len(node) <= int(step):
                node.append(made)
            node = node[min(int(step), len(node) - 1)]
        else:
            node = node.setdefault(step, made)


def schemas_at(document: Mapping[str, Any], pointer: str) -> list[Mapping[str, Any]]:
    """What a JSON Schema allows at a place, its alternatives one by one; nothing when it defines no such place."""
    found = list(plain_schemas(document, document))
    for step in steps_of(pointer):
        found = [one for schema in found for below in _schemas_below(schema, step) for one in plain_schemas(below, document)]
    return found


def _schemas_below(schema: Mapping[str, Any], step: str) -> Iterator[Any]:
    properties = schema.get("properties", {})
    if step in properties:
        yield properties[step]
    elif (step == EVERY or step.isdecimal()) and "items" in schema:
        yield schema["items"]
    if not schema:  # anything may stand there
        yield {}


def plain_schemas(schema: Any, document: Mapping[str, Any], seen: tuple[str, ...] = ()) -> Iterator[Mapping[str, Any]]:
    """The schema without references and alternatives: each of them that says something of its own."""
    if schema is True or schema == {}:
        yield {}
    if not isinstance(schema, Mapping):
        return
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        yield from plain_schemas(_referred(document, reference), document, (*seen, reference))
    if schema.keys() & {"type", "properties", "items", "enum", "const"}:
        yield schema
    for keyword in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(keyword, ()):
            yield from plain_schemas(part, document, seen)


def _referred(document: Mapping[str, Any], reference: str) -> Any:
    node: Any = document
    for step in steps_of(unquote(reference.removeprefix("#"))):
        node = node.get(step) if isinstance(node, Mapping) else None
    return node

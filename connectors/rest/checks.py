"""What is wrong with the settings of a JSON partner, found without calling it: for ``hub check``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.outcomes.pointers import schemas_at
from connectors.outcomes.schemas import covers
from connectors.outcomes.table import Row, never_reached
from connectors.rest.config import OperationConfig, RestConfig
from connectors.rest.paths import pointers_in
from hub.connector import Documents
from hub.errors import Problem
from hub.message import SchemaRef
from hub.wire.tls import unusable_files


def problems(config: RestConfig, sent: Collection[str], documents: Documents) -> Iterator[Problem]:
    """Every problem; ``at`` is the dotted path of a setting."""
    for text in sent:
        if not any(covers(SchemaRef.parse(one), SchemaRef.parse(text)) for one in config.operations):
            hint = f"name {text} under operations, or mend the route"
            yield Problem("operations", "no_operation", f"a route sends {text} here, and no operation takes it", hint)
    yield from unusable_files(config)
    for schema, one in config.operations.items():
        document, at = documents(schema), f"operations.{schema}"
        if document is None:
            yield Problem(at, "unknown_schema", f"the catalog has no schema {schema}", "put it into schemas/")
            continue
        yield from _operation(schema, one, document, at, documents)
        yield from _same_as(config.outcomes, document, "outcomes", schema)
    yield from _reached(config.outcomes, "outcomes")


def _operation(
    schema: str, one: OperationConfig, document: Mapping[str, Any], at: str, documents: Documents
) -> Iterator[Problem]:
    yield from _defined(document, pointers_in(one.path), f"{at}.path", schema)
    yield from _rows(one.outcomes, document, f"{at}.outcomes", schema)
    if one.find is not None:
        yield from _defined(document, pointers_in(one.find.path), f"{at}.find.path", schema)
        yield from _rows(one.find.rows, document, f"{at}.find.rows", schema)
    if one.reply is not None and documents(one.reply.schema_) is None:
        text = f"the catalog has no schema {one.reply.schema_}"
        yield Problem(f"{at}.reply.schema", "unknown_schema", text, "put it into schemas/")


def _rows(rows: Sequence[Row], document: Mapping[str, Any], at: str, schema: str) -> Iterator[Problem]:
    yield from _reached(rows, at)
    yield from _same_as(rows, document, at, schema)


def _reached(rows: Sequence[Row], at: str) -> Iterator[Problem]:
    for index in never_reached(rows):
        text = "no answer gets here: a row before it takes all that fits, or such an answer has no content"
        yield Problem(f"{at}.{index}", "never_fits", text, "put the more exact row first, or take this one out")


def _same_as(rows: Iterable[Row], document: Mapping[str, Any], at: str, schema: str) -> Iterator[Problem]:
    for index, row in enumerate(rows):
        if row.same_as is not None:
            yield from _defined(document, (row.same_as,), f"{at}.{index}.same_as", schema)


def _defined(document: Mapping[str, Any], pointers: Iterable[str], at: str, schema: str) -> Iterator[Problem]:
    for pointer in pointers:
        if not schemas_at(document, pointer):
            above = pointer.rpartition("/")[0]
            names = ", ".join(sorted({name for one in schemas_at(document, above) for name in one.get("properties", {})})[:20])
            text = f"{pointer} is nothing that {schema} defines"
            yield Problem(at, "unknown_path", text, f"one of: {names}" if names else "")

"""What ``hub check`` can say of tables without the database: drivers, columns and fields that do not go together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import jsonschema_rs
from sqlalchemy.exc import ArgumentError

from connectors.database.config import DatabaseConfig, ReadConfig, ReadTable, TableConfig, WriteConfig, steps_of
from connectors.outcomes.pointers import schemas_at
from connectors.outcomes.schemas import covers
from hub.connector import Documents
from hub.errors import Problem
from hub.message import SchemaRef

_EXTRAS = {"mariadb": "mariadb", "mysql": "mariadb"}


def problems(config: DatabaseConfig, sent: Collection[str], documents: Documents) -> Iterator[Problem]:
    """Every problem, placed at a setting."""
    if config.read is None and not config.write:
        yield Problem("", "missing", "nothing is read and nothing is written", "say read, or write, or both")
    yield from _driver(config)
    if config.read is not None:
        yield from _placed("read", _reading(config.read, documents))
    for text in sent:
        if not any(covers(SchemaRef.parse(one), SchemaRef.parse(text)) for one in config.write):
            hint = f"name {text} under write, or mend the route"
            yield Problem("write", "no_table", f"a route sends {text} here, and no table is told for it", hint)
    for schema, one in config.write.items():
        yield from _placed(f"write.{schema}", _writing(one, schema, documents))


def _placed(section: str, found: Iterable[Problem]) -> Iterator[Problem]:
    for one in found:
        yield replace(one, at=f"{section}.{one.at}" if one.at else section)


def _driver(config: DatabaseConfig) -> Iterator[Problem]:
    url = config.address
    backend = url.get_backend_name()
    try:
        dialect = url.get_dialect()
        dialect.import_dbapi()
    except ArgumentError:
        hint = "postgresql, mariadb, mysql and sqlite come with SQLAlchemy; another kind needs its package"
        yield Problem("url", "unknown_database", "SQLAlchemy knows no such kind of database", hint)
    except ImportError:
        extra = _EXTRAS.get(backend)
        hint = f"pip install 'dossier-hub[{extra}]'" if extra else "install the driver's package beside the hub"
        yield Problem("url", "missing_driver", f"the driver for {backend} is not installed", hint)
    else:
        if dialect.is_async:
            yield Problem(
                "url", "async_driver", "this driver is for asyncio, and the hub asks in a thread", "take the plain driver"
            )


def _reading(config: ReadConfig, documents: Documents) -> Iterator[Problem]:
    listed = config.columns.values()
    yield from _of_columns(config)
    for field, child in config.children.items():
        yield from _placed(f"children.{field}", _of_columns(child))
    if config.write_back is not None:
        for name in config.write_back.columns:
            at = f"write_back.columns.{name}"
            if name == config.by or name in config.key:
                yield Problem(at, "own_column", f"{name} is how a row is known and how it is seen to change", "another column")
            elif name in listed:
                text = f"{name} is read too: what is written there would make the row another one, again and again"
                yield Problem(at, "own_column", text, "leave it out of columns")
        if config.write_back.namespace is not None and config.write_back.table is None:
            yield Problem("write_back.namespace", "bad_value", "namespace belongs to table", "say table too, or leave it out")
    document = documents(config.schema_)
    if document is None:
        yield Problem("schema", "unknown_schema", f"no schema {config.schema_} is in the catalog", "see hub schema list")
        return
    role = document.get("x-hub", {}).get("role")
    if role != "source":
        text = f"{config.schema_} is a {role} schema"
        yield Problem("schema", "not_a_source", text, "name a source schema, one that stands under sources")
        return
    for field in config.columns:
        yield from _field(document, field, f"columns.{field}", config.schema_)
    for field in config.children:
        yield from _field(document, field, f"children.{field}", config.schema_)
    top = {steps_of(field)[0] for field in (*config.columns, *config.children)}
    for name in document.get("required", []):
        if name not in top:
            text = f"{config.schema_} requires {name}, and no column is for it: every row would be kept"
            yield Problem("columns", "missing", text, f"write {name}: its column")
    yield from _marks(config, document)


def _marks(config: ReadConfig, document: Mapping[str, Any]) -> Iterator[Problem]:
    """A value that cannot be read stands there as an object that says so: the schema must not take that for a value."""
    lax = {name: one for name, one in document.items() if name != "required"}
    try:
        schema = jsonschema_rs.validator_for(lax)
    except (ValueError, TypeError):
        return  # the catalog says what is wrong with it
    mark: Any = {"unreadable": "not_readable"}
    placed = [(f"columns.{field}", field, _nested(field, mark)) for field in config.columns]
    for field, child in config.children.items():
        placed.append((f"children.{field}", field, _nested(field, mark)))
        placed += [(f"children.{field}.columns.{one}", field, _nested(field, [_nested(one, mark)])) for one in child.columns]
    for at, field, body in placed:
        if schemas_at(document, _pointer(field)) and schema.is_valid(body):
            text = f"{config.schema_} takes any object here: a value that cannot be read would not be noticed"
            yield Problem(at, "any_object", text, "say its type, or of an object what it requires")


def _nested(field: str, value: Any) -> Any:
    for step in reversed(steps_of(field)):
        value = {step: value}
    return value


def _writing(config: WriteConfig, schema: str, documents: Documents) -> Iterator[Problem]:
    yield from _of_columns(config)
    names = config.written
    if len(set(config.columns.values())) < len(config.columns) or {config.message_id, config.seq} & set(
        config.columns.values()
    ):
        yield Problem("columns", "bad_value", "a column gets two values", "name each column once")
    for name in config.key:
        if name not in names:
            yield Problem("key", "not_in_columns", f"nothing is written into {name}, a column of the key", "name it in columns")
    if config.guard is not None and config.guard not in names:
        yield Problem("guard", "not_in_columns", f"nothing is written into {config.guard}", "name it in columns, or as seq")
    for field, child in config.children.items():
        yield from _placed(f"children.{field}", _of_columns(child))
        for name, parent in child.match.items():
            if parent not in names:
                yield Problem(
                    f"children.{field}.match.{name}",
                    "not_in_columns",
                    f"nothing is written into {parent}",
                    "name it in columns",
                )
    document = documents(schema)
    if document is None:
        yield Problem("", "unknown_schema", f"the catalog has no schema {schema}", "put it into schemas/")
        return
    for field in config.columns:
        yield from _field(document, field, f"columns.{field}", schema)
    for field, child in config.children.items():
        yield from _field(document, field, f"children.{field}", schema)
        for one in child.columns:
            pointer = f"{_pointer(field)}/*{_pointer(one)}"
            if schemas_at(document, _pointer(field)) and not schemas_at(document, pointer):
                text = f"{schema} has no field {one} in the items of {field}"
                yield Problem(f"children.{field}.columns.{one}", "unknown_path", text, "see hub schema show")


def _of_columns(config: TableConfig) -> Iterator[Problem]:
    listed = set(config.columns.values())
    given = {"json": config.json_, **({"booleans": config.booleans} if isinstance(config, ReadTable) else {})}
    for setting, names in given.items():
        for name in names:
            if name not in listed:
                yield Problem(setting, "not_in_columns", f"{name} is no column that is named in columns", "name it there too")
    for name in sorted({config.table, *listed}):
        if re.search(r"[\x00-\x1f]", name):
            yield Problem("columns", "bad_value", "a name has a control character")


def _field(document: Mapping[str, Any], field: str, at: str, schema: str) -> Iterator[Problem]:
    if not schemas_at(document, _pointer(field)):
        names = ", ".join(sorted({name for one in schemas_at(document, "") for name in one.get("properties", {})})[:20])
        yield Problem(
            at, "unknown_path", f"{schema} has no field {field}", f"one of: {names}" if names else "see hub schema show"
        )


def _pointer(field: str) -> str:
    return field if field.startswith("/") else "/" + field.replace("~", "~0").replace("/", "~1")

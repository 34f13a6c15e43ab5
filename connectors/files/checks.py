"""What ``hub check`` can say of folders without looking into them: form, schema and columns that do not go together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from connectors.files import sending_checks
from connectors.files.config import FilesConfig, ReadConfig, WriteConfig, is_one, steps_of
from connectors.files.schema_fields import Document, kinds_of, no_such_field
from hub.connector import Documents
from hub.errors import Problem


def problems(config: FilesConfig, sent: Collection[str], documents: Documents) -> Iterator[Problem]:
    """Every problem, placed at a setting."""
    if config.read is None and config.write is None:
        yield Problem("", "missing", "nothing is read and nothing is written", "say read, or write, or both")
    if config.read is not None:
        yield from _placed("read", _of_reading(config.read, documents))
    if config.write is not None:
        yield from _placed("write", _csv(config.write))
        yield from _placed("write", sending_checks.problems(config.write, sent, documents))
    elif sent:
        text = f"routes send {', '.join(sorted(sent))} here, and no folder is told to write into"
        yield Problem("write", "missing", text, "say write, or send them elsewhere")
    if config.read is not None:
        for name, folder in (("done", config.read.done_folder), ("failed", config.read.failed_folder)):
            if is_one(folder, config.read.folder):
                yield Problem(
                    f"read.{name}", "same_folder", "what was read lies there, and would be read again", "another folder"
                )
    if config.read is not None and config.write is not None:
        own = (config.read.folder, config.read.done_folder, config.read.failed_folder)
        if any(is_one(config.write.folder, one) for one in own):
            yield Problem(
                "write.folder", "same_folder", "what is written there would be read, or lie among it", "another folder"
            )


def _placed(section: str, found: Iterator[Problem]) -> Iterator[Problem]:
    for one in found:
        yield replace(one, at=f"{section}.{one.at}")


def _of_reading(config: ReadConfig, documents: Documents) -> Iterator[Problem]:
    yield from _form(config)
    document = documents(config.schema_)
    if document is None:
        yield Problem("schema", "unknown_schema", f"no schema {config.schema_} is in the catalog", "see hub schema list")
        return
    role = document.get("x-hub", {}).get("role")
    if role != "source":
        text = f"{config.schema_} is a {role} schema"
        yield Problem("schema", "not_a_source", text, "name a source schema, one that stands under sources")
        return
    if config.format == "csv":
        yield from _columns(config, document)


def _form(config: ReadConfig) -> Iterator[Problem]:
    if config.format in ("jsonl", "csv") and not config.each:
        text = f"a {config.format} file holds a message on each line"
        yield Problem("records", "bad_value", text, "records: each, or leave it out")
    if config.format == "xml" and config.each and config.record is None:
        text = "it is not said which elements are the records"
        yield Problem("record", "missing", text, "write record: the name of the element, or records: file")
    if config.record is not None and not (config.format == "xml" and config.each):
        yield Problem("record", "bad_value", "record belongs to xml with records: each", "leave it out")
    yield from _csv(config)
    for field, column in config.columns.items() if config.format == "csv" else ():
        at = f"columns.{field}"
        if isinstance(column, int) and column < 1:
            yield Problem(at, "bad_value", "columns are counted from 1")
        if isinstance(column, str) and not config.header:
            yield Problem(at, "bad_value", "without a header a column has no name", "write its number, from 1")


def _csv(config: ReadConfig | WriteConfig) -> Iterator[Problem]:
    if config.format != "csv":
        given = config.model_fields_set & {"encoding", "delimiter", "header", "columns"}
        for name in sorted(given):
            yield Problem(name, "bad_value", f"{name} belongs to csv", "leave it out")
        return
    if not config.columns:
        yield Problem("columns", "missing", "the layout is not described", "write columns: {field: column}")
    if config.delimiter in '"\r\n':
        yield Problem("delimiter", "bad_value", "no delimiter can be a quotation mark or the end of a line", "such as ; or ,")


def _columns(config: ReadConfig, document: Document) -> Iterator[Problem]:
    for field in config.columns:
        kinds = kinds_of(document, field)
        if kinds is None:
            yield no_such_field(document, field, config.schema_)
        elif "string" not in kinds:
            text = "the schema wants no text here, and CSV has only text"
            yield Problem(f"columns.{field}", "not_a_text", text, "make it a text in the source schema; the mapping reads it")
    top = {steps_of(field)[0] for field in config.columns}
    for name in document.get("required", []):
        if name not in top and config.columns:
            text = f"{config.schema_} requires {name}, and no column is for it: every row would be refused"
            yield Problem("columns", "missing", text, f"write {name}: its column")

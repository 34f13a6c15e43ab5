"""What ``hub check`` can say of a folder that messages are written into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace

from connectors.files.config import WriteConfig, is_one
from connectors.files.schema_fields import kinds_of, no_such_field
from connectors.files.sending_forms import form_of
from hub.connector import Documents
from hub.errors import BadConfig, Problem

_ONE_VALUE = {"string", "number", "integer", "boolean", "null"}


def problems(config: WriteConfig, sent: Collection[str], documents: Documents) -> Iterator[Problem]:
    """Every problem, placed at a setting of ``write``."""
    if config.taken is not None and is_one(config.taken, config.folder):
        yield Problem("taken", "same_folder", "files that are there have not been taken", "another folder, or leave it out")
    if config.format == "xml":
        yield from _schema(config)
    else:
        for name in sorted(config.model_fields_set & {"xsd", "element"}):
            yield Problem(name, "bad_value", f"{name} belongs to xml", "leave it out")
    if config.format != "csv":
        return
    for column, times in Counter(config.columns.values()).items():
        if times > 1:
            yield Problem("columns", "written_twice", f"{times} columns are called {column}", "a name of its own for each")
    if len(sent) > 1:
        text = f"routes send {', '.join(sorted(sent))} here, and a CSV file has one layout"
        yield Problem("columns", "bad_value", text, "an endpoint for each of them")
    for schema in sorted(sent):
        document = documents(schema)
        if document is None:
            continue
        for field in config.columns:
            kinds = kinds_of(document, field)
            if kinds is None:
                yield no_such_field(document, field, schema)
            elif not _ONE_VALUE & set(kinds):
                text = f"{field} holds more than one value, and a cell holds one"
                yield Problem(f"columns.{field}", "no_cell", text, "name a field in it, as a JSON pointer")


def _schema(config: WriteConfig) -> Iterator[Problem]:
    try:
        form_of(config)
    except BadConfig as error:
        yield from (replace(one, at="xsd") for one in error.problems)

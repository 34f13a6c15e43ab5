"""How a message stands in the file that is written of it: JSON, XML by a schema, one row of CSV by the described columns."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from connectors.files.config import WriteConfig, steps_of
from hub.errors import BadConfig, NotAsked, Problem
from hub.wire.xml import to_bytes
from hub.wire.xml_form import XmlMisfit
from hub.wire.xsd import load_xsd

_TONES = "\u0300\u0301\u0303\u0309\u0323"
"""Grave, acute, tilde, hook and dot below: windows-1258 has them as characters of their own."""

Form = Callable[[Any], bytes]
"""Gives the whole content of a message's file; the same message gives the same bytes. Raises NotAsked."""


def form_of(config: WriteConfig) -> Form:
    """How this folder's files are written. Raises BadConfig: the schema for XML is no schema, or not there."""
    match config.format:
        case "json":
            return orjson.dumps
        case "jsonl":
            return lambda body: orjson.dumps(body) + b"\n"
        case "csv":
            return lambda body: _row(body, config)
    return _xml(config)


def _xml(config: WriteConfig) -> Form:
    if config.xsd is None:
        raise BadConfig([Problem("xsd", "missing", "XML is written by a schema", "say its file")])
    schema = load_xsd(config.xsd)
    names = schema.elements() if config.element is None else (config.element,)
    form = schema.form(names[0]) if len(names) == 1 else schema.forms()

    def written(body: Any) -> bytes:
        try:
            return to_bytes(form.write(body))
        except XmlMisfit as misfit:
            told = "; ".join(f"{one.at or 'the message'}: {one.message}" for one in misfit.problems[:3])
            raise NotAsked("not_by_schema", told) from None

    return written


def _row(body: Any, config: WriteConfig) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, delimiter=config.delimiter, lineterminator="\r\n")
    if config.header:
        rows.writerow(config.columns.values())
    rows.writerow(_cell(body, field) for field in config.columns)
    written = text.getvalue()
    if codecs.lookup(config.encoding).name == "cp1258":
        written = _tones_apart(written)
    try:
        return written.encode(config.encoding)
    except UnicodeEncodeError as error:
        text_of = f"{config.encoding} has no character U+{ord(written[error.start]):04X}"
        raise NotAsked("not_in_encoding", text_of) from None


def _cell(body: Any, field: str) -> str:
    found = body
    for step in steps_of(field):
        found = found.get(step) if isinstance(found, Mapping) else None
    match found:
        case None:
            return ""
        case str():
            return found
        case bool() | int() | float():
            return orjson.dumps(found).decode()
    raise NotAsked("no_cell", f"{field} holds more than one value, and a cell holds one")


def _tones_apart(text: str) -> str:
    """As windows-1258 writes Vietnamese: a letter with its own mark, then the tone."""
    made = []
    for letter in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", letter)
        tone = "".join(one for one in parts if one in _TONES)
        made.append(unicodedata.normalize("NFC", "".join(one for one in parts if one not in _TONES)) + tone)
    return "".join(made)

"""A released schema at run time: what do these bytes say, does the message fit, and which names does it carry?

What the hub has to know of a message beyond its shape stands in the schema's ``x-hub`` object. A schema in XML (see
``xml_schema``) has a JSON Schema too, of its messages' object form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import jsonschema_rs

from hub import strictjson
from hub.errors import BadConfig, Problem, SchemaInvalid
from hub.message import Alias, SchemaRef
from hub.translation.schema_problems import problems_of
from hub.translation.shape import Shape, shape_of

if TYPE_CHECKING:
    from hub.translation.xml_schema import XmlDocuments

ROLES = ("source", "canonical", "partner")
_X_HUB_KEYS = ("role", "full_state", "subject", "message_id", "version", "code", "at", "step")
_POINTERS = ("message_id", "version", "code", "at", "step")
_ABSENT = (None, "")
Read = Callable[[bytes, int], Any]
"""Bytes, and how deep things may stand in each other, to the message. Raises NotParsable, SchemaInvalid."""


def _read_json(body: bytes, max_depth: int) -> Any:
    return strictjson.parse(body, max_depth=max_depth)


@dataclass(frozen=True, eq=False)
class Schema:
    """One version of one schema. ``document`` is the parsed file, or what is derived from one in XML; ``sha256`` the digest of
    its bytes, those of the files it imports included. ``pointers``: alternatives, of which the first that is there counts."""

    ref: SchemaRef
    role: str
    full_state: bool
    document: dict[str, Any] = field(repr=False)
    sha256: str
    source: str
    subject: tuple[tuple[str, str], ...]
    pointers: dict[str, tuple[str, ...]]
    shape: Shape = field(repr=False)
    _read: Read = field(default=_read_json, repr=False)
    xml: XmlDocuments | None = field(default=None, repr=False)
    """How its messages are written, when that is XML."""

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator:
        """Made at the first use: most schemas of a large catalog are on no route, and a validator takes as much memory
        as all else that is known of its schema."""
        return _validator_of(self.document)

    def parse(self, body: bytes, max_depth: int = strictjson.MAX_DEPTH) -> Any:
        """The message that these bytes are. Raises NotParsable; SchemaInvalid for XML that has no object form."""
        return self._read(body, max_depth)

    def validate(self, obj: Any) -> None:
        """Raises SchemaInvalid with one problem per bad field: its JSON pointer and what is wrong, never its value."""
        try:
            if self._validator.is_valid(obj):
                return
            errors = list(self._validator.iter_errors(obj))
        except (ValueError, RecursionError) as error:
            problem = Problem("", "not_json", "the message is not JSON, or nested too deeply")
            raise SchemaInvalid([problem]) from error
        raise SchemaInvalid(
            problems_of(errors, self.document) or [Problem("", "invalid", "the message does not fit its schema")]
        )

    def aliases(self, obj: Any, sender: str) -> tuple[Alias, ...]:
        """The names of the dossier in the message, in the schema's order; empty and absent ones are left out."""
        found: dict[Alias, None] = {}
        for system, pointer in self.subject:
            code = _text(at_pointer(obj, pointer))
            if code:
                found[Alias(system.replace("{sender}", sender), code)] = None
        return tuple(found)

    def message_id(self, obj: Any) -> str | None:
        """The sender's own id of this message, if the schema points at one and the message has it."""
        return self._read_text("message_id", obj)

    def code(self, obj: Any) -> str | None:
        """The national dossier code, None while there is none."""
        return self._read_text("code", obj)

    def version(self, obj: Any) -> int | None:
        """The sender's version: an integer as it is, a time as microseconds since 1970 UTC."""
        return self._read_time("version", obj)

    def step(self, obj: Any) -> str | None:
        """The sender's own id of the processing step, where the schema says where it stands and the message has it."""
        return self._read_text("step", obj)

    def at(self, obj: Any) -> int | None:
        """When the thing happened, in microseconds since 1970 UTC."""
        return self._read_time("at", obj)

    def _read_text(self, name: str, obj: Any) -> str | None:
        for pointer in self.pointers.get(name, ()):
            if (found := _text(at_pointer(obj, pointer))) is not None:
                return found
        return None

    def _read_time(self, name: str, obj: Any) -> int | None:
        found = ((one, at_pointer(obj, one)) for one in self.pointers.get(name, ()))
        pointer, value = next((one for one in found if one[1] not in _ABSENT), ("", None))
        if value is None or isinstance(value, bool):
            return None
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError("no offset")
        except (ValueError, TypeError) as error:
            message = "is neither an integer nor a time with an offset (RFC 3339)"
            raise SchemaInvalid([Problem(pointer, "bad_date", message)]) from error
        return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def at_pointer(obj: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901), None if it is not there."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(obj, dict):
            obj = obj.get(key)
        elif isinstance(obj, list) and key.isdecimal() and int(key) < len(obj):
            obj = obj[int(key)]
        else:
            return None
    return obj


def build_schema(
    ref: SchemaRef, document: Any, sha256: str, source: str, read: Read = _read_json, xml: XmlDocuments | None = None
) -> Schema:
    """Makes a Schema of a parsed file. Raises BadConfig with every problem of the file."""
    problems: list[Problem] = []

    def wrong(at: str, code: str, message: str, hint: str = "") -> None:
        problems.append(Problem(at, code, message, hint, source))

    if not isinstance(document, dict):
        raise BadConfig([Problem("", "not_a_schema", "a schema must be a JSON object", source=source)])
    expected_id = f"urn:dossier-hub:{ref.id}:{ref.version}"
    if document.get("$id") != expected_id:
        wrong("$id", "bad_id", "the $id does not name this file", f'write "$id": "{expected_id}"')
    x_hub = document.get("x-hub")
    if not isinstance(x_hub, dict):
        hint = 'write "x-hub": {"role": "source", "subject": [...]}; role partner for what is sent to one'
        wrong("x-hub", "missing", "the schema has no x-hub object", hint)
        x_hub = {}
    for key in x_hub.keys() - set(_X_HUB_KEYS):
        wrong(f"x-hub.{key}", "unknown_key", f"x-hub has no {key!r}", f"one of: {', '.join(_X_HUB_KEYS)}")
    if x_hub and x_hub.get("role") not in ROLES:
        wrong("x-hub.role", "bad_role", "the role is not known", f"one of: {', '.join(ROLES)}")
    if not isinstance(x_hub.get("full_state", False), bool):
        wrong("x-hub.full_state", "mistyped", "full_state is true or false")
    unfit = _unfit(document, source)
    shape = shape_of(document) if unfit is None else Shape(free=True)
    subject: list[tuple[str, str]] = []
    entries = x_hub.get("subject", [])
    for index, entry in enumerate(entries if isinstance(entries, list) else [None]):
        if isinstance(entry, dict) and set(entry) == {"system", "pointer"} and all(isinstance(v, str) for v in entry.values()):
            subject.append((entry["system"], entry["pointer"]))
        else:
            wrong(
                f"x-hub.subject.{index}",
                "mistyped",
                "a subject is one system and one pointer",
                'write {"system": "national", "pointer": "/dossierNo"}',
            )
    pointers: dict[str, tuple[str, ...]] = {}
    for name in _POINTERS:
        given = x_hub.get(name, [])
        listed = [given] if isinstance(given, str) else given
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed) and (listed or name not in x_hub):
            pointers |= {name: tuple(listed)} if listed else {}
        else:
            wrong(f"x-hub.{name}", "mistyped", "must be a JSON pointer, or a list of alternatives")
    pointed = [(name, pointer) for name, several in pointers.items() for pointer in several]
    for name, pointer in [*pointed, *(("subject", pointer) for _, pointer in subject)]:
        parts = tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        if not pointer.startswith("/") or not shape.defines(parts, strict=True):
            wrong(
                f"x-hub.{name}",
                "unknown_path",
                f"{pointer!r} points at nothing the schema defines",
                "write a JSON pointer such as /dossierNo",
            )
    problems += [] if unfit is None else [unfit]
    if problems:
        raise BadConfig(problems)
    return Schema(
        ref, x_hub["role"], x_hub.get("full_state", False), document, sha256, source, tuple(subject), pointers, shape,
        read, xml,
    )  # fmt: skip


def _unfit(document: dict[str, Any], source: str) -> Problem | None:
    """What is wrong with the schema is told now, not at its first message, and before anybody looks for fields in it."""
    try:
        _validator_of(document)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        place = "/".join(map(str, getattr(error, "instance_path", [])))
        message = "not a valid JSON Schema 2020-12, or a $ref that leads out of the file"
        return Problem(place, "not_a_schema", message, source=source)
    return None


def _validator_of(document: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(document, validate_formats=True, retriever=_no_retrieval)


def _no_retrieval(uri: str) -> NoReturn:
    raise ValueError(f"a schema may only refer to itself, not to {uri}")

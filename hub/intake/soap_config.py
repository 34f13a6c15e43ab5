"""Makes SOAP doors of the configuration and the catalog, and finds what does not fit: paths, operations, answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.config import SoapConfig, SoapConstant, SoapOperationConfig
from hub.errors import BadConfig, Problem
from hub.intake.soap_service import Filled, Offered, SoapService
from hub.intake.soap_wsdl import files_of
from hub.message import SchemaRef
from hub.translation import Catalog, Schema
from hub.translation.versions import same_major
from hub.wire.soap import write_envelope
from hub.wire.wsdl import Operation
from hub.wire.xml_form import XmlMisfit

_STATES = ("accepted", "kept", "superseded")
_SAMPLE = {"arrival": "0" * 36, "dossier": "0" * 36, "correlation_id": "0" * 32}
RESERVED = ("v1", "console", "health", "metrics", "docs", "openapi.json")
"""What no door's path may begin with."""


def make_service(name: str, config: SoapConfig, catalog: Catalog, sources: Sequence[SchemaRef]) -> SoapService:
    """The door ``name``; ``sources`` are the schemas that are taken from senders. Raises BadConfig, UnknownSchema."""
    schema = catalog.schema(config.schema_)
    if schema.xml is None or schema.xml.wsdl is None:
        hint = "name one whose file is a .wsdl: `hub schema list`"
        raise BadConfig([Problem("", "not_a_wsdl", f"{schema.ref} is no WSDL", hint)])
    problems: list[Problem] = []
    if not any(same_major(schema.ref, one) for one in sources):
        hint = f"add {{ schema: {config.schema_}, becomes: [dossier@1] }} to sources"
        problems.append(Problem("", "not_a_source", f"{schema.ref} is not taken from senders", hint))
    if config.path.split("/")[1] in RESERVED:
        hint = "write one such as /soap/one-stop"
        problems.append(Problem("", "path_taken", "the path belongs to the hub's own pages", hint))
    operations = schema.xml.wsdl.operations()
    known = list(dict.fromkeys(one.name for one in operations))
    for missing in [one for one in known if one not in config.operations]:
        hint = f"write {missing}: {{ answer: {{ … }} }}, or take it out of a WSDL of your own"
        text = f"the WSDL offers the operation {missing}, and the door does not"
        problems.append(Problem("", "operation_missing", text, hint))
    for stray in [one for one in config.operations if one not in known]:
        text = f"the WSDL has no operation {stray}"
        problems.append(Problem("", "unknown_operation", text, f"one of: {', '.join(known)}"))
    offered: list[Offered] = []
    for operation in operations:
        if operation.name in config.operations:
            made, wrong = _offered(operation, config.operations[operation.name], schema)
            offered += [made]
            problems += [one for one in wrong if one not in problems]
    if problems:
        raise BadConfig(problems)
    return SoapService(name, config.path, schema, schema.xml, tuple(offered), files_of(schema.xml))


def paths_apart(doors: Mapping[str, SoapConfig]) -> None:
    """Raises BadConfig when one door's path is another's, or lies below it, where the files of its WSDL are."""
    for name, one in doors.items():
        for other, there in doors.items():
            if other != name and f"{one.path}/".startswith(f"{there.path}/"):
                text = f"the path of {name} is that of {other}, or lies below it"
                raise BadConfig([Problem(f"soap.{name}.path", "path_taken", text, "give each door a path of its own")])


def _offered(operation: Operation, config: SoapOperationConfig, schema: Schema) -> tuple[Offered, list[Problem]]:
    problems: list[Problem] = []

    def wrong(code: str, message: str, hint: str) -> None:
        problems.append(Problem("", code, f"{operation.name}: {message}", hint))

    element = operation.input.name if operation.input else operation.name
    answer = tuple(_filled(path, value) for path, value in config.answer.items())
    made = Offered(operation, element, answer, config.receipt_of)
    if operation.input is None:
        wrong("unsupported", "its message has an empty body, so nothing tells it from others", "change the WSDL")
    elif config.receipt_of is not None:
        parts = tuple(one.replace("~1", "/").replace("~0", "~") for one in config.receipt_of.split("/")[1:])
        if not config.receipt_of.startswith("/") or not schema.shape.defines((element, *parts), strict=True):
            wrong("unknown_path", "receipt_of points at nothing in its message", "write a JSON pointer such as /RequestId")
        if not schema.pointers.get("message_id"):
            wrong("no_message_id", "receipts are found by message_id, and x-hub of the schema has none", "add it to the WSDL")
    if operation.output is None and (answer or config.receipt_of is not None):
        wrong("no_answer", "the WSDL gives it no answer to fill (one way)", "leave answer and receipt_of out")
    elif operation.output is not None:
        for problem in _tried(made):
            wrong("answer_misfit", f"the answer does not fit the WSDL at {problem.at or '(whole)'}: {problem.message}", _HINT)
    return made, problems


_HINT = "fill each element that the WSDL demands, by its path: { Result.Id: arrival, Result.Code: { value: '0' } }"


def _filled(path: str, value: str | SoapConstant) -> Filled:
    parts = tuple(path.split("."))
    return Filled(parts, None, value.value) if isinstance(value, SoapConstant) else Filled(parts, value)


def _tried(offered: Offered) -> Iterator[Problem]:
    """What is wrong with the answers that the least receipts of each state would get."""
    seen: dict[tuple[str, str], Problem] = {}
    for state in _STATES:
        for repeated in (False, True):
            receipt: Mapping[str, Any] = {**_SAMPLE, "state": state}
            try:
                content = offered.filled(receipt, repeated=repeated)
                write_envelope(offered.wire, content, clock=lambda: 0, answer=True)
            except XmlMisfit as error:
                seen |= {(one.at, one.code): one for one in error.problems}
            except (AttributeError, TypeError):  # one path leads through what another fills
                text = "two paths set the same element, once as a whole and once in part"
                seen["", "set_twice"] = Problem("", "set_twice", text)
    yield from seen.values()

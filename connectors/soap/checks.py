"""What is wrong with the settings of a SOAP endpoint, found without calling the partner: for ``hub check``."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from typing import Any

from connectors.outcomes.pointers import schemas_at
from connectors.outcomes.schemas import covers
from connectors.outcomes.table import as_text
from connectors.soap.config import FindConfig, OperationConfig, SoapConfig
from connectors.soap.fitting import inner, misfits
from connectors.soap.table import Outcome, Row
from hub.connector import Documents
from hub.errors import BadConfig, Problem
from hub.message import SchemaRef
from hub.wire.address import is_http_address
from hub.wire.tls import unusable_files
from hub.wire.wsdl import Operation, Wsdl
from hub.wire.xml_form import XmlForm, XmlMisfit


def problems(config: SoapConfig, sent: Collection[str], documents: Documents) -> Iterator[Problem]:
    """Every problem; ``at`` is the dotted path of a setting."""
    for text in sent:
        if not any(covers(SchemaRef.parse(one), SchemaRef.parse(text)) for one in config.operations):
            hint = f"name {text} under operations, or mend the route"
            yield Problem("operations", "no_operation", f"a route sends {text} here, and no operation takes it", hint)
    yield from unusable_files(config)
    try:
        wsdl = config.load()
    except BadConfig as error:
        yield from (_placed("wsdl", one) for one in error.problems)
        return
    not_there = list(_service_and_port(wsdl, config))
    yield from not_there
    if not_there:
        return
    known: list[Operation | None] = []
    for schema, one in config.operations.items():
        at = f"operations.{schema}"
        operation = yield from _named(wsdl, config, one.operation, f"{at}.operation")
        known.append(operation)
        if operation is not None:
            yield from _operation(config, schema, one, operation, documents)
        if one.find is not None:
            asked = yield from _named(wsdl, config, one.find.operation, f"{at}.find.operation")
            known.append(asked)
            if asked is not None:
                taken = operation.input if operation is not None else None
                yield from _find(one.find, asked, f"{at}.find", _input_of(taken))
        if config.address is None and operation is not None and not is_http_address(operation.address, query=True):
            yield Problem("address", "no_address", "the WSDL gives no address that can be called", "write address:")
    if config.check is not None:
        asked = yield from _named(wsdl, config, config.check.operation, "check.operation")
        known.append(asked)
        if asked is not None:
            yield from _writable(asked.input, config.check.input, "check.input")
    found = [operation for operation in known if operation is not None]
    for name, value in config.headers.items():
        declaring = [operation for operation in found if name in operation.input_headers]
        if not declaring and len(found) == len(known):
            headers = sorted({header for operation in found for header in operation.input_headers})
            yield Problem(f"headers.{name}", "unknown_header", "the WSDL declares no such header", _one_of(headers))
        for operation in declaring[:1]:
            yield from _writable(operation.input_headers[name], value, f"headers.{name}")


def _service_and_port(wsdl: Wsdl, config: SoapConfig) -> Iterator[Problem]:
    """Told where they are set, and not at each operation."""
    found = wsdl.operations()
    for name, wanted in (("service", config.service), ("port", config.port)):
        there = dict.fromkeys(getattr(one, name) for one in found)
        found = tuple(one for one in found if wanted in (None, getattr(one, name)))
        if not found:
            yield Problem(name, f"unknown_{name}", f"the WSDL has no {name} {wanted} that speaks SOAP", _one_of(there))
            return


def _named(wsdl: Wsdl, config: SoapConfig, name: str, at: str) -> Generator[Problem, None, Operation | None]:
    try:
        return wsdl.operation(name, service=config.service, port=config.port)
    except BadConfig as error:
        yield from (_placed(at, one) for one in error.problems)
    return None


def _operation(
    config: SoapConfig, schema: str, one: OperationConfig, operation: Operation, documents: Documents
) -> Iterator[Problem]:
    at, document = f"operations.{schema}", documents(schema)
    if document is None:
        yield Problem(at, "unknown_schema", f"the catalog has no schema {schema}", "put it into schemas/")
    elif operation.input is not None:
        for misfit in misfits(inner(document, operation.input), operation.input.json_schema()):
            text = f"{schema} does not fit {operation.name}: {misfit.at or 'the message'} {misfit.message}"
            yield Problem(at, misfit.code, text, "make a schema that does, and a mapping to it")
    answer = _output_of(operation)
    for rows, where in ((one.outcomes, f"{at}.outcomes"), (config.outcomes, "outcomes")):
        yield from _rows(rows, operation, answer, where, _input_of(operation.input))
    yield from _named_places(one, answer, at, operation)
    if one.reply is not None:
        yield from _defined(answer, one.reply.at, f"{at}.reply.at", f"the answer of {operation.name}")
        if documents(one.reply.schema_) is None:
            text = f"the catalog has no schema {one.reply.schema_}"
            yield Problem(f"{at}.reply.schema", "unknown_schema", text, "put it into schemas/")


def _find(find: FindConfig, asked: Operation, at: str, message: Mapping[str, Any] | None) -> Iterator[Problem]:
    taken = asked.input.json_schema() if asked.input is not None else {}
    for to, pointer in find.input.items():
        yield from _defined(taken, to, f"{at}.input.{to}", f"the input of {asked.name}")
        if message is not None:
            yield from _defined(message, pointer, f"{at}.input.{to}", "the message")
    for to in find.fixed:
        yield from _defined(taken, to, f"{at}.fixed.{to}", f"the input of {asked.name}")
    answer = _output_of(asked)
    yield from _rows(find.rows, asked, answer, f"{at}.rows", message)
    yield from _named_places(find, answer, at, asked)


def _named_places(
    one: OperationConfig | FindConfig, answer: Mapping[str, Any], at: str, operation: Operation
) -> Iterator[Problem]:
    yield from _defined(answer, one.reference, f"{at}.reference", f"the answer of {operation.name}")
    for system, pointer in one.ids.items():
        yield from _defined(answer, pointer, f"{at}.ids.{system}", f"the answer of {operation.name}")


def _rows(
    rows: Iterable[Row], operation: Operation, answer: Mapping[str, Any], at: str, message: Mapping[str, Any] | None
) -> Iterator[Problem]:
    for index, row in enumerate(rows):
        here, content, where = f"{at}.{index}", answer, f"the answer of {operation.name}"
        told = {"at": row.at}
        if isinstance(row, Outcome):
            told |= {"code_at": row.code_at, "reason_at": row.reason_at}
        if row.fault_detail is not None and any(told.values()):
            where = f"{row.fault_detail} of {operation.name}"
            form = operation.faults.get(row.fault_detail)
            if form is None:
                text = f"{operation.name} declares no fault {row.fault_detail}: nothing can be read in it"
                yield Problem(f"{here}.fault_detail", "unknown_fault", text, _one_of(operation.faults))
                continue
            content = form.json_schema()
        for name, pointer in told.items():
            yield from _defined(content, pointer, f"{here}.{name}", where)
        if row.at is not None:
            yield from _can_be(row, schemas_at(content, row.at), here)
        if row.same_as is not None and message is not None:
            yield from _defined(message, row.same_as, f"{here}.same_as", "the message")


def _can_be(row: Row, schemas: list[Mapping[str, Any]], at: str) -> Iterator[Problem]:
    """A value that can never stand there is a row that never fits."""
    for name, values in (("equals", (row.equals,)), ("in", row.in_ or ()), ("any_in", row.any_in or ())):
        for value in values:
            text = as_text(value)
            if text is not None and schemas and not any(_holds(one, text) for one in schemas):
                yield Problem(f"{at}.{name}", "never_fits", "by the WSDL's types this value never stands there")


def _holds(schema: Mapping[str, Any], text: str) -> bool:
    if "const" in schema or "enum" in schema:
        return text in [as_text(one) for one in schema.get("enum", [schema.get("const")])]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "string" in kinds or not schema:
        return True
    if "boolean" in kinds:
        return text in ("true", "false")
    return "integer" in kinds and text.removeprefix("-").isdecimal()


def _defined(document: Mapping[str, Any] | None, pointer: str | None, at: str, where: str) -> Iterator[Problem]:
    if document is None or pointer is None or schemas_at(document, pointer):
        return
    above = pointer
    while not (there := schemas_at(document, above)) and above:
        above = above.rpartition("/")[0]
    names = [name for one in there for name in one.get("properties", {})]
    hint = "it is a list: write * or a number" if any("items" in one for one in there) else _one_of(names)
    yield Problem(at, "unknown_path", f"{pointer or 'the whole'} is nothing that the WSDL defines in {where}", hint)


def _writable(form: XmlForm | None, value: Any, at: str) -> Iterator[Problem]:
    try:
        if form is not None:
            form.write(value)
    except XmlMisfit as misfit:
        for one in misfit.problems:
            yield Problem(at, one.code, f"{one.at or 'it'}: {one.message}", one.hint)


def _input_of(form: XmlForm | None) -> Mapping[str, Any] | None:
    return form.json_schema() if form is not None else None


def _output_of(operation: Operation) -> Mapping[str, Any]:
    return operation.output.json_schema() if operation.output is not None else {"type": "object", "properties": {}}


def _placed(at: str, problem: Problem) -> Problem:
    where = f"{problem.source}: " if problem.source else ""
    return Problem(at, problem.code, f"{where}{problem.message}", problem.hint)


def _one_of(names: Iterable[str]) -> str:
    listed = ", ".join(list(names)[:20])
    return f"one of: {listed}" if listed else "there is nothing"

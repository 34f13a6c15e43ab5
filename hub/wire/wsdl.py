"""Loads a WSDL from its folder, never from the network, and offers its operations with compiled forms.

zeep reads the WSDL: its services, ports, bindings and messages. The forms are compiled from the schema documents it refers to;
for an RPC operation, whose wrapper element no schema declares, a declaration is made up and added to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lxml import etree

from hub.wire.wsdl_files import WSDL, collect, encoded_operations, zeep_services
from hub.wire.xml import local_name
from hub.wire.xml_form import XmlForm, XmlForms
from hub.wire.xsd import Forms
from hub.wire.xsd_files import XS, Files, Schemas, refused, tag


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of one port. ``input`` and ``output`` are the forms of the element in the body, None when it is empty."""

    name: str
    service: str
    port: str
    version: Literal["1.1", "1.2"]
    style: Literal["document", "rpc"]
    encoded: bool
    action: str
    address: str
    input: XmlForm | None
    output: XmlForm | None
    one_way: bool
    input_headers: Mapping[str, XmlForm]
    output_headers: Mapping[str, XmlForm]
    faults: Mapping[str, XmlForm]


class Wsdl:
    """A loaded WSDL. ``files``: every file that was read, the WSDL itself first."""

    def __init__(self, files: Files, schemas: Schemas, operations: tuple[Operation, ...]) -> None:
        self.files: tuple[Path, ...] = tuple(files.read)
        self._schemas, self._operations = schemas, operations

    def operations(self) -> tuple[Operation, ...]:
        """All operations of all SOAP ports, in the order of the file."""
        return self._operations

    def operation(self, name: str, *, service: str | None = None, port: str | None = None) -> Operation:
        """The one operation meant. Raises BadConfig, listing what there is, when there is none or more than one."""
        found = [
            one for one in self._operations if one.name == name and service in (None, one.service) and port in (None, one.port)
        ]
        if len(found) == 1:
            return found[0]
        listed = found or self._operations
        hint = "there is: " + ", ".join(f"{one.name} (service {one.service}, port {one.port})" for one in listed)
        text = f"the operation {name} is at several ports" if found else f"there is no operation {name} there"
        raise refused(str(self.files[0]), "ambiguous" if found else "unknown_operation", text, hint)

    def inputs(self) -> XmlForms:
        """The bodies of all requests as one: ``{"SubmitDossier": {…}}``. Raises BadConfig when two have the same local name."""
        return self._forms([one.input for one in self._operations if one.input])

    def outputs(self) -> XmlForms:
        """The bodies of all answers as one."""
        return self._forms([one.output for one in self._operations if one.output])

    def _forms(self, forms: list[XmlForm]) -> XmlForms:
        names = {form.name: form.tag for form in forms}
        double = next((form for form in forms if names[form.name] != form.tag), None)
        if double is not None:
            text = f"two messages have bodies named {double.name}, in different namespaces"
            raise refused(str(self.files[0]), "ambiguous", text)
        return XmlForms(forms)

    def appinfo(self, source: str) -> tuple[str, ...]:
        """The texts of ``xs:appinfo`` with this source, in the annotations of the inline and imported schemas."""
        return self._schemas.appinfo(source)


def load_wsdl(path: Path, *, allow: Mapping[str, Path] | None = None) -> Wsdl:
    """Reads a WSDL and what it imports: files inside its folder, and addresses that ``allow`` maps. Raises BadConfig."""
    files = Files(path, allow)
    root = files.root(str(files.first))
    if root.tag != WSDL + "definitions":
        raise refused(str(path), "not_a_wsdl", "is no WSDL 1.1: its root is not wsdl:definitions")
    schemas = Schemas(files)
    roots: dict[str, etree._Element] = {}
    collect(files, schemas, root, str(files.first), roots)
    encoded = encoded_operations(roots)
    services = zeep_services(files)
    drafts = [
        _Draft(service.name, port, operation, encoded)
        for service in services
        for port in service.ports.values()
        if hasattr(port.binding, "default_style")  # a SOAP binding; others (HTTP GET) are not for us
        for operation in port.binding.all().values()
    ]
    made: dict[str, bytes] = {}
    for draft in drafts:
        draft.declare(made, schemas, str(files.first))
    forms = Forms(schemas)
    return Wsdl(files, schemas, tuple(draft.operation(forms) for draft in drafts))


class _Draft:
    """An operation as zeep has it, while the forms are not yet made."""

    def __init__(self, service: str, port: Any, operation: Any, encoded: set[tuple[str, str]]) -> None:
        self._service, self._port, self._zeep = service, port, operation
        self._encoded = (port.binding.name.text, operation.name) in encoded
        self._tags: dict[str, str | None] = {}
        self._headers: dict[str, list[str]] = {}

    def declare(self, made: dict[str, bytes], schemas: Schemas, location: str) -> None:
        """Finds the elements of its messages; those that no schema declares are added to the schemas."""
        one = self._zeep
        place = f"{location}: operation {one.name}"
        for side, message in (("input", one.input), ("output", one.output)):
            abstract = getattr(one.abstract, f"{side}_message")
            header = message.header.type._element if message and message.header is not None else None
            self._headers[side] = [_declared(part, made, schemas, location) for part in header or ()]
            parts: list[Any] = []
            body = message.body if message and abstract else None
            if one.style == "rpc" and abstract:
                parts = list(body.type._element or ()) if body is not None else []
                space = one.input.body.qname.namespace if one.input.body is not None else ""
                name = one.name + ("Response" if side == "output" else "")
                self._tags[side] = tag(space or "", name)
                content = [_part(part, self._encoded) for part in parts]
                _add(made, schemas, location, self._tags[side] or "", content)
            elif body is not None and message._is_body_wrapped:
                raise refused(place, "unsupported", "several parts in the body of a document-style message (WS-I R2201)")
            else:
                self._tags[side] = _declared(body, made, schemas, location) if body is not None else None

    def operation(self, forms: Forms) -> Operation:
        one = self._zeep
        faults = [part.element.qname.text for message in one.abstract.fault_messages.values() for part in message.parts.values()
                  if part.element is not None]  # fmt: skip
        rpc_answers = {self._tags["output"]} if one.style == "rpc" else set()
        by_side = {side: forms.of(name, name in rpc_answers) if name else None for side, name in self._tags.items()}
        headers = {side: _by_name(forms, names) for side, names in self._headers.items()}
        return Operation(
            name=one.name,
            service=self._service,
            port=self._port.name,
            version="1.2" if "soap12" in self._port.binding.nsmap["soap"] else "1.1",
            style="rpc" if one.style == "rpc" else "document",
            encoded=self._encoded,
            action=one.soapaction or "",
            address=(self._port.binding_options or {}).get("address") or "",
            input=by_side["input"],
            output=by_side["output"],
            one_way=one.abstract.output_message is None,
            input_headers=headers["input"],
            output_headers=headers["output"],
            faults=_by_name(forms, faults),
        )


def _by_name(forms: Forms, names: list[str]) -> dict[str, XmlForm]:
    return {local_name(name): forms.of(name) for name in names}


def _declared(part: Any, made: dict[str, bytes], schemas: Schemas, location: str) -> str:
    """The tag of a message part: a global element, or one made up for a part that has only a type."""
    name: str = part.qname.text
    if not part.is_global:
        _add(made, schemas, location, name, None, part)
    return name


def _part(part: Any, encoded: bool) -> etree._Element:
    """A parameter of an RPC call as a local declaration."""
    if part.is_global:
        node = etree.Element(XS + "element")
        node.set("ref", part.qname)
        return node
    node = etree.Element(XS + "element", {"name": part.name, "form": "unqualified", "nillable": str(encoded).lower()})
    node.set("type", _type_name(part.type))
    return node


def _type_name(kind: Any) -> Any:
    """The QName of a global type; zeep forgets that of a list or union, which is noted before."""
    return getattr(kind, "hub_name", kind.qname)


def _add(
    made: dict[str, bytes], schemas: Schemas, location: str, name: str, parts: list[etree._Element] | None, part: Any = None
) -> None:
    """Adds the declaration of one element: of these parts, or of the type of ``part``."""
    space, _, local = name.rpartition("}")
    schema = etree.Element(XS + "schema", nsmap={"xs": XS[1:-1]})
    if space:
        schema.set("targetNamespace", space[1:])
    element = etree.SubElement(schema, XS + "element", name=local)
    if parts is None:
        element.set("type", _type_name(part.type))
    else:
        sequence = etree.SubElement(etree.SubElement(element, XS + "complexType"), XS + "sequence")
        sequence.extend(parts)
    text = etree.tostring(schema)
    if made.get(name) == text:
        return
    if name in made or schemas.find("element", name):
        why = f"{name} would be two different elements: of two operations, or of an operation and a schema"
        raise refused(location, "unsupported", why)
    made[name] = text
    schemas.add(schema, f"{location} ({local})")

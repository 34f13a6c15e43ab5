"""What a SOAP door offers, made of the configuration and a WSDL of the catalog: its operations, and what each answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.errors import NotParsable, Problem, Refused
from hub.intake.soap_request import Said
from hub.translation import Schema
from hub.translation.xml_schema import XmlDocuments
from hub.wire.soap import Envelope
from hub.wire.soap_around import is_security
from hub.wire.wsdl import Operation
from hub.wire.xml import element_path, local_name, to_bytes


@dataclass(frozen=True, slots=True)
class Filled:
    """One element of an answer: where it stands, and the key of the receipt, or the constant, that fills it."""

    path: tuple[str, ...]
    key: str | None
    constant: Any = None


@dataclass(frozen=True, slots=True)
class Offered:
    """One operation at one of the WSDL's ports. ``receipt_of``: it only reads, and a receipt's request id stands there."""

    wire: Operation
    element: str
    answer: tuple[Filled, ...]
    receipt_of: str | None

    def filled(self, receipt: Mapping[str, Any], *, repeated: bool) -> dict[str, Any]:
        """The content of the answer; what the receipt does not have is left out."""
        known = {**receipt, "repeated": repeated}
        whole: dict[str, Any] = {}
        for one in self.answer:
            value = one.constant if one.key is None else known.get(one.key)
            if value is None:
                continue
            inner = whole
            for name in one.path[:-1]:
                inner = inner.setdefault(name, {})
            inner[one.path[-1]] = value
        return whole


@dataclass(frozen=True, eq=False)
class SoapService:
    """One door: ``files`` are the WSDL and what it imports, by the path under the door (the WSDL's is empty)."""

    name: str
    path: str
    schema: Schema
    documents: XmlDocuments
    offered: tuple[Offered, ...]
    files: Mapping[str, bytes]

    def find(self, envelope: Envelope, said: Said) -> Offered:
        """The operation that an envelope is for. Raises NotParsable, Refused."""
        if said.version != envelope.version:
            wrong = f"the media type is that of SOAP {said.version}, the envelope that of {envelope.version}"
            raise _wrong("Content-Type", "contradiction", wrong, "send the media type of the envelope's version")
        mine = [one for one in self.offered if one.wire.version == envelope.version]
        if not mine:
            versions = ", ".join(sorted({one.wire.version for one in self.offered}))
            raise _wrong("/Envelope", "wrong_version", f"SOAP {envelope.version} is not offered here", f"send SOAP {versions}")
        if envelope.fault is not None:
            raise NotParsable(
                [Problem("/Envelope/Body/Fault", "fault", "a fault is no message", "send an operation's element")]
            )
        if envelope.body is None:
            hint = f"send one of: {_names(mine)}"
            raise NotParsable([Problem("/Envelope/Body", "missing", "the envelope holds no message", hint)])
        fitting = [one for one in mine if one.wire.input and one.wire.input.tag == envelope.body.tag]
        if not fitting:
            raise self._unknown(envelope.body, mine)
        return _of_action(fitting, said)

    def _unknown(self, element: Any, mine: Sequence[Offered]) -> Refused:
        at = element_path(element)
        near = [one.wire.input for one in mine if one.wire.input and one.wire.input.name == local_name(element.tag)]
        if near:
            space = near[0].tag[1:].partition("}")[0] if near[0].tag.startswith("{") else "(none)"
            return _wrong(at, "wrong_namespace", "the element is of another namespace than the operation's", f"it is {space}")
        return _wrong(at, "unknown_operation", "no operation has such an element", f"one of: {_names(mine)}")

    def kept(self, envelope: Envelope, body: bytes) -> bytes:
        """What is stored of an envelope: its bytes as they came. Header blocks that no operation declares belong to the way
        it came (credentials, addressing), not to the message: with such the envelope is written anew without them. Security
        goes even where it is declared: no key is ever stored."""
        beside = [one for one in envelope.headers if one.tag not in self.documents.headers or is_security(one)]
        if not beside:
            return body
        header = beside[0].getparent()
        root = header.getparent() if header is not None else None
        if header is None or root is None:
            raise AssertionError("a header block stands in an envelope's Header")
        for one in beside:
            header.remove(one)
        if not len(header):
            root.remove(header)
        return to_bytes(root)


def _of_action(fitting: Sequence[Offered], said: Said) -> Offered:
    """The one whose action is meant. With SOAP 1.2 it need not be named; SOAP 1.1 demands it."""
    if said.version == "1.2":
        if said.action is None:
            return fitting[0]
        at, hint = "Content-Type", f'name it as action="{fitting[0].wire.action}", or leave the parameter out'
    else:
        at, hint = "SOAPAction", f'send SOAPAction: "{fitting[0].wire.action}"'
    found = [one for one in fitting if one.wire.action == (said.action or "")]
    if found:
        return found[0]
    if not said.action:
        raise _wrong(at, "missing", "the action is not named", hint)
    raise _wrong(at, "contradiction", "the action is that of another operation than the message's", hint)


def _names(offered: Sequence[Offered]) -> str:
    return ", ".join(dict.fromkeys(one.element for one in offered))


def _wrong(at: str, code: str, message: str, hint: str) -> Refused:
    return Refused([Problem(at, code, message, hint)])

"""What a security server reads and writes in a SOAP call: X-Road's header block, version 4.0, and faults (PR-MESS 2)."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from connectors.platform.simulator_x_road import Problem
from hub.testing.fault_play import Answer
from hub.wire.xml import XmlRefused, local_name, parse

X_ROAD = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS = "http://x-road.eu/xsd/identifiers"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
_CLIENT = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
_SERVICE = (*_CLIENT, "serviceCode", "serviceVersion")
_HEADER = re.compile(rb"<([A-Za-z_][\w.-]*:)?Header(\s[^>]*)?(/>|>.*?</\1?Header\s*>)", re.DOTALL)
_BODY = re.compile(rb"<([A-Za-z_][\w.-]*:)?Body[\s>/]")


class SoapRefused(Exception):
    """A call that the security server turns away."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.problem = Problem(code, message)


@dataclass(frozen=True, slots=True)
class Block:
    """A call's header block: identifiers with slashes, the service without its version."""

    client: str
    service: str
    version: str | None
    id: str
    user_id: str | None


def read_block(body: bytes, need_user: bool, check_wrapper: bool) -> Block:
    """The header block of a call. Raises SoapRefused with the code of what is wrong; codes [read], which fits when [known]."""
    try:
        root = parse(body)
    except XmlRefused:
        raise SoapRefused("Client.InvalidXml", "The message is not readable XML") from None
    if root.tag != f"{{{_SOAP}}}Envelope":
        raise SoapRefused("Client.InvalidSoap", "Not a SOAP 1.1 envelope")
    header, content = root.find(f"{{{_SOAP}}}Header"), root.find(f"{{{_SOAP}}}Body")
    if header is None:
        raise SoapRefused("Client.MissingHeader", "SOAP message must have a header")
    if content is None or len(content) != 1:
        raise SoapRefused(
            "Client.MissingBody" if content is None else "Client.InvalidBody", "One element must stand in the body"
        )
    if _text(header, "protocolVersion") != "4.0":
        raise SoapRefused("Client.InvalidProtocolVersion", "protocolVersion must be 4.0")
    identifier, user = _text(header, "id"), _text(header, "userId", optional=not need_user)
    client = _identifier(header, "client", ("MEMBER", "SUBSYSTEM"), _CLIENT)
    service = _identifier(header, "service", ("SERVICE",), _SERVICE)
    if check_wrapper and local_name(str(content[0].tag)) != service["serviceCode"]:
        raise SoapRefused("Client.InvalidBody", "The element in the body must bear the name of the service code")
    version = service.pop("serviceVersion", None)
    return Block("/".join(client.values()), "/".join(service.values()), version, identifier or "", user)


def fault(problem: Problem, status: int) -> Answer:
    """The error as a SOAP fault, its detail a number by which the operator finds it."""
    detail = f'<xrd:faultDetail xmlns:xrd="{X_ROAD}">{uuid.uuid4()}</xrd:faultDetail>'
    inside = f"<faultcode>{escape(problem.code)}</faultcode><faultstring>{escape(problem.message)}</faultstring>"
    inside += f"<faultactor></faultactor><detail>{detail}</detail>"
    text = f"<SOAP-ENV:Body><SOAP-ENV:Fault>{inside}</SOAP-ENV:Fault></SOAP-ENV:Body>"
    body = f'<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="{_SOAP}">{text}</SOAP-ENV:Envelope>'
    return Answer(body.encode(), problem.code, status=status, error_code=problem.code, content_type="text/xml")


def with_block(answer: bytes, block: Block, hashed: str | None) -> bytes:
    """A provider's answer with the header block of the call and the hash of the request in it; as it is when it is no envelope,
    and with the hash alone when the provider copied the block."""
    try:
        root = parse(answer)
    except XmlRefused:
        return answer
    if root.tag != f"{{{_SOAP}}}Envelope":
        return answer
    there = root.find(f"{{{_SOAP}}}Header/{{{X_ROAD}}}id") is not None
    written = ("" if there else _written(block)) + _hash_element(hashed)
    found, body = _HEADER.search(answer), _BODY.search(answer)
    if body is None or (found is not None and found.start() > body.start()):
        found = None
    if there and found is not None:
        end = answer.rindex(b"</", found.start(), found.end())
        return answer[:end] + written.encode() + answer[end:]
    header = f'<xrdh:Header xmlns:xrdh="{_SOAP}">{written}</xrdh:Header>'.encode()
    if found is not None:
        return answer[: found.start()] + header + answer[found.end() :]
    return answer if body is None else answer[: body.start()] + header + answer[body.start() :]


def hash_of(request: bytes) -> str:
    """Base64 of the SHA-512 of the request's bytes, for requestHash."""
    return base64.b64encode(hashlib.sha512(request).digest()).decode()


def _text(header: Any, name: str, optional: bool = False) -> str | None:
    found = header.findall(f"{{{X_ROAD}}}{name}")
    if len(found) > 1:
        raise SoapRefused("Client.DuplicateHeaderField", f"{name} stands there more than once")
    text = (found[0].text or "").strip() if found else ""
    if not text and not optional:
        raise SoapRefused("Client.MissingHeaderField", f"Required field '{name}' is missing")
    return text or None


def _identifier(header: Any, name: str, kinds: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str]:
    found = header.findall(f"{{{X_ROAD}}}{name}")
    if len(found) != 1:
        code = "Client.DuplicateHeaderField" if found else "Client.MissingHeaderField"
        raise SoapRefused(code, f"'{name}' must stand there once")
    kind = found[0].get(f"{{{IDENTIFIERS}}}objectType")
    given = [(str(child.tag), (child.text or "").strip()) for child in found[0]]
    names = [tag.removeprefix(f"{{{IDENTIFIERS}}}") for tag, _ in given]
    needed = {"xRoadInstance", "memberClass", "memberCode"} | ({"serviceCode"} if "serviceCode" in parts else set())
    in_order = names == [part for part in parts if part in names]
    if kind not in kinds or not in_order or not needed <= set(names) or not all(text for _, text in given):
        raise SoapRefused("Client.InvalidSoap", f"'{name}' is not an identifier of kind {' or '.join(kinds)}")
    return dict(zip(names, (text for _, text in given), strict=True))


def _written(block: Block) -> str:
    client = dict(zip(_CLIENT, block.client.split("/"), strict=False))
    kind = "SUBSYSTEM" if "subsystemCode" in client else "MEMBER"
    *owner, code = block.service.split("/")
    service = dict(zip(_CLIENT, owner, strict=False)) | {"serviceCode": code}
    if block.version is not None:
        service["serviceVersion"] = block.version
    texts = {"id": block.id, "userId": block.user_id, "protocolVersion": "4.0"}
    return (
        _element("client", kind, client)
        + _element("service", "SERVICE", service)
        + "".join(f'<xrd:{name} xmlns:xrd="{X_ROAD}">{escape(text)}</xrd:{name}>' for name, text in texts.items() if text)
    )


def _element(name: str, kind: str, parts: dict[str, str]) -> str:
    inside = "".join(f"<id:{part}>{escape(text)}</id:{part}>" for part, text in parts.items())
    return f'<xrd:{name} xmlns:xrd="{X_ROAD}" xmlns:id="{IDENTIFIERS}" id:objectType={quoteattr(kind)}>{inside}</xrd:{name}>'


def _hash_element(hashed: str | None) -> str:
    if hashed is None:
        return ""
    return f'<xrd:requestHash xmlns:xrd="{X_ROAD}" algorithmId="{_SHA512}">{hashed}</xrd:requestHash>'

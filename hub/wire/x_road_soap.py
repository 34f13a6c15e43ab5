"""X-Road's message protocol 4.0 for SOAP: the header blocks of a request, and what an answer's blocks prove of it.

By "X-Road: Message Protocol v4.0" (PR-MESS, https://docs.x-road.global/Protocols/pr-mess_x-road_message_protocol.html, sections
2.1 and 2.2); that NDXP speaks it is [known], contracts.md section 6.
"""

from __future__ import annotations

import base64
import hashlib
import uuid

from lxml import etree

from hub.errors import DeliveryError
from hub.wire.answer import unclear
from hub.wire.soap import Fault
from hub.wire.soap_head import read_head
from hub.wire.x_road import XRoad, fault, is_fault_code
from hub.wire.xml import XmlRefused

XROAD = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS = "http://x-road.eu/xsd/identifiers"
_ID = f"{{{XROAD}}}id"
_NAMES = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode", "serviceVersion")
_DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
}
"""By the URIs of XML-DSIG; an answer with another one is not compared."""


def blocks(way: XRoad, operation: str) -> list[etree._Element]:
    """client, service, an id of its own, userId and protocolVersion; ``operation`` is the service where ``service`` names a
    subsystem only."""
    service = way.service_parts if len(way.service_parts) > 4 else [*way.service_parts, operation]
    made = [_identifier("client", "SUBSYSTEM", way.client_parts), _identifier("service", "SERVICE", service)]
    made.append(_text("id", str(uuid.uuid4())))
    if way.user_id is not None:
        made.append(_text("userId", way.user_id))
    return [*made, _text("protocolVersion", "4.0")]


def error_in(told: Fault, effect: bool) -> DeliveryError | None:
    """What a fault of X-Road itself means; None for a fault of the provider's system."""
    first = {"Sender": "Client", "Receiver": "Server"}.get(told.code, told.code)
    code = f"{first}.{told.subcode}" if told.subcode else first
    return fault(code, told.reason, effect) if is_fault_code(code) else None


def check_answer(way: XRoad, request: bytes, answer: bytes, effect: bool) -> None:
    """Raises ``unclear`` for an answer to another request: by its id, and by requestHash, the hash of our bytes."""
    try:
        headers = read_head(answer).headers
    except XmlRefused:
        return  # whoever reads the whole answer says what is wrong with it
    found = {one.tag: one for one in headers}
    there, ours = found.get(_ID), next((one for one in read_head(request).headers if one.tag == _ID), None)
    if there is not None and ours is not None and (there.text or "").strip() != ours.text:
        raise unclear(effect, "x_road_id", "the answer carries the X-Road id of another call")
    told = found.get(f"{{{XROAD}}}requestHash")
    digest = _DIGESTS.get(told.get("algorithmId", "")) if told is not None else None
    if told is None or digest is None or not way.check_request_hash:
        return
    if "".join((told.text or "").split()) != base64.b64encode(digest(request).digest()).decode():
        raise unclear(effect, "x_road_request_hash", "the answer's requestHash is not that of our request")


def _identifier(name: str, kind: str, parts: list[str]) -> etree._Element:
    element = etree.Element(f"{{{XROAD}}}{name}", nsmap={"xrd": XROAD, "id": IDENTIFIERS})
    element.set(f"{{{IDENTIFIERS}}}objectType", kind)
    for part_name, part in zip(_NAMES, parts, strict=False):
        etree.SubElement(element, f"{{{IDENTIFIERS}}}{part_name}").text = part
    return element


def _text(name: str, text: str) -> etree._Element:
    element = etree.Element(f"{{{XROAD}}}{name}", nsmap={"xrd": XROAD})
    element.text = text
    return element

"""A SOAP door: each operation that stores turns one envelope into one arrival, and answers with its receipt.

It works as the REST door does: the same keys, allowance, gate, limits, dedupe and receipt. Where the key stands in the HTTP
headers the order is the same too. Where it stands in the envelope (UsernameToken) the body has to come first: such
callers of one address share one client's part of the gate until their key is known, and none of them keeps it from others.
Of theirs only what stands before the Body is read, and no more than a little, until the key in it was found good.

``GET ?wsdl`` hands out the WSDL. Answers: 200 with the operation's answer (202 where it has none); faults as ``soap_faults``
says. No answer but 200 or 202 means that anything was stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from hub.connector import Accepted
from hub.errors import NotParsable, Problem, Refused, SchemaInvalid
from hub.intake.accept import Intake
from hub.intake.body import most_bytes, read_body, wait_with_continue
from hub.intake.doorway import RENDER, Doorway, Render, idempotency_key, stranger, trace_of
from hub.intake.gate import Place
from hub.intake.reading import XML_AT_ONCE, Read, beforehand
from hub.intake.soap_callers import (
    caller_of_envelope,
    caller_of_headers,
    require_right_here,
    require_same_caller,
)
from hub.intake.soap_faults import NoReceipt, astray, fault
from hub.intake.soap_request import said_by, version_said
from hub.intake.soap_security import require_sound
from hub.intake.soap_service import Offered, SoapService
from hub.intake.soap_wsdl import WSDL, published
from hub.message import SchemaRef
from hub.translation import Schema
from hub.translation.schema import at_pointer
from hub.wire.forwarded import Network, asked
from hub.wire.soap import Envelope, Version, content_type, write_envelope
from hub.wire.soap_head import read_head
from hub.wire.xml import XmlRefused

_METHODS = "GET, HEAD, OPTIONS, POST"
_NOT_KEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class SoapDoor:
    """``services`` gives, at any time, the doors that are configured, of which this is the one called ``name``; ``max_depth``
    and ``trusted`` as in config.yaml under server."""

    def __init__(
        self, name: str, services: Callable[[], Mapping[str, SoapService]], intake: Intake, doorway: Doorway,
        max_depth: int, trusted: Sequence[Network] = (),
    ) -> None:  # fmt: skip
        self._name = name
        self._services = services
        self._intake = intake
        self._doorway = doorway
        self._max_depth = max_depth
        self._trusted = trusted
        self._last = services()[name]
        self.path = self._last.path

    def routes(self) -> Iterable[web.RouteDef]:
        """The door's path, and those of the files that its WSDL imports."""
        return [
            web.get(self.path, self._describe),
            web.get(f"{self.path}/{{file:.+}}", self._hand_out),
            web.post(self.path, self._post, expect_handler=wait_with_continue),
            *(web.route("*", path, self._astray) for path in (self.path, f"{self.path}/", f"{self.path}/{{file:.+}}")),
        ]

    @property
    def _service(self) -> SoapService:
        """The door as it is configured now; as it was, should a reload have left it out."""
        self._last = self._services().get(self._name, self._last)
        return self._last

    # ── messages
    async def _post(self, request: web.Request) -> web.Response:
        _tell_in(version_said(request), request)
        sender: str | None = None
        service, doorway, trace = self._service, self._doorway, trace_of(request)
        place: Place | None = None
        schema: SchemaRef | None = None
        try:
            key = await caller_of_headers(doorway.keys, request.headers)
            left: Mapping[str, str] = {}
            if key is not None:
                sender = key.name
                left = await doorway.allowances.take(sender)
            said = said_by(request)
            schema = service.schema.ref
            if key is not None:
                require_right_here(key, schema.id)
            own_id = idempotency_key(request)
            try:
                place = await doorway.gate.enter(sender or stranger(request), most_bytes(request, doorway.limits))
                body = await read_body(request, doorway.limits)
                place.shrink(len(body))
                if key is None:
                    head = _head(body)
                    _tell_in(head.version, request)
                    key = await caller_of_envelope(doorway.keys, head)
                    sender = key.name
                    left = await doorway.allowances.take(sender)
                    require_right_here(key, schema.id)
                    place.leave()  # that of the strangers
                    place = None
                    place = await doorway.gate.enter(sender, len(body))
                envelope = await _at_ease(len(body), service.documents.envelope, body, self._max_depth)
                _tell_in(envelope.version, request)
                require_same_caller(key, envelope)
                require_sound(envelope, doorway.clock())
                operation = service.find(envelope, said)
                read = await _reading(service.schema, envelope, len(body))
                if operation.receipt_of is not None:
                    receipt = await self._receipt(service.schema, operation, sender or "", read)
                    return self._answer(operation, receipt, left)
                own_id = _one_id(service.schema, read, own_id)
                kept = service.kept(envelope, body)
                accepted = await self._intake.accept(doorway.arrival(sender or "", schema, kept, own_id, trace), read=read)
            finally:
                if place is not None:
                    place.leave()
        except Refused as error:
            await doorway.refuse(error, sender, schema, trace)
            raise
        return self._answer(operation, accepted, {**left, **doorway.taken(accepted, sender or "", len(body))})

    async def _receipt(self, schema: Schema, operation: Offered, sender: str, read: Read) -> Accepted:
        """The receipt of the sender's own earlier request. Raises NotFound, SchemaInvalid."""
        message = read(schema)
        schema.validate(message)
        at = f"/{operation.element}{operation.receipt_of}"
        wanted = at_pointer(message, at)
        if not isinstance(wanted, str | int) or wanted == "":
            raise SchemaInvalid([Problem(at, "missing", "the id of a request is missing", "send its id")])
        receipt = await self._intake.known(sender, str(wanted))
        if receipt is None:
            raise NoReceipt(at)
        return Accepted(receipt, repeated=True)

    def _answer(self, operation: Offered, accepted: Accepted, headers: Mapping[str, str]) -> web.Response:
        if operation.wire.output is None:
            return web.Response(status=202, headers=headers)
        content = operation.filled(accepted.receipt, repeated=accepted.repeated)
        body = write_envelope(operation.wire, content, clock=self._doorway.clock, answer=True)
        return web.Response(body=body, headers={**headers, "Content-Type": content_type(operation.wire.version)})

    # ── what the door is
    def _address(self, request: web.Request) -> str:
        return asked(request, self._trusted).origin + self._doorway.prefix + self.path

    async def _describe(self, request: web.Request) -> web.Response:
        if any(name.lower() in ("wsdl", "singlewsdl") for name in request.query):
            return self._file(request, WSDL)
        address = self._address(request)
        names = ", ".join(dict.fromkeys(one.wire.name for one in self._service.offered))
        text = f"This is a SOAP service: send operations by POST.\n\nOperations: {names}\nWSDL: {address}?wsdl\n"
        return web.Response(text=text, headers=_NOT_KEPT)

    async def _hand_out(self, request: web.Request) -> web.Response:
        return self._file(request, request.match_info["file"])

    def _file(self, request: web.Request, name: str) -> web.Response:
        found = self._service.files.get(name)
        if found is None:
            return astray(version_said(request), self._address(request))
        body = published(found, self._address(request))
        return web.Response(body=body, headers={**_NOT_KEPT, "Content-Type": "text/xml; charset=utf-8"})

    async def _astray(self, request: web.Request) -> web.Response:
        """What is sent to the door, and neither a message nor a question for its WSDL."""
        here = "file" not in request.match_info and not request.path.endswith("/")
        if request.method == "OPTIONS":
            return web.Response(status=204, headers={"Allow": _METHODS})
        return astray(version_said(request), self._address(request), _METHODS if here else None)


def _head(body: bytes) -> Envelope:
    """What stands before the Body. Raises NotParsable."""
    try:
        return read_head(body)
    except XmlRefused as error:
        raise NotParsable(error.problems) from None


def _one_id(schema: Schema, read: Read, given: str | None) -> str | None:
    """The Idempotency-Key of a message that has no id in itself: one message has one id, by which its receipt is found."""
    own = None if given is None else schema.message_id(read(schema))
    if own is None or given is None:
        return given
    if own != given:
        wrong = "the header holds another id than the message"
        hint = "leave the header out: the id in the message is enough"
        raise Refused([Problem("Idempotency-Key", "contradiction", wrong, hint)])
    return None


def _tell_in(version: Version, request: web.Request) -> None:
    """Errors of this request are faults of this version."""
    tell: Render = partial(fault, version)
    request[RENDER] = tell


async def _at_ease(size: int, read: Callable[..., Envelope], *given: Any) -> Envelope:
    return read(*given) if size <= XML_AT_ONCE else await asyncio.to_thread(read, *given)


async def _reading(schema: Schema, envelope: Envelope, size: int) -> Read:
    """How intake gets the message in the envelope: a large one was read beforehand, in a thread."""
    read = partial(_object_of, envelope)
    return read if size <= XML_AT_ONCE else await beforehand(read, schema)


def _object_of(envelope: Envelope, schema: Schema) -> Any:
    """The message in an envelope, by the schema that is in force."""
    if schema.xml is None:
        raise SchemaInvalid([Problem("", "not_xml", "messages of this schema are no longer XML", "ask the operator")])
    return schema.xml.object_of(envelope)

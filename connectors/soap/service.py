"""The partner's service: its WSDL, the connections to it and our account there. Writes requests, reads answers."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from connectors.soap.answer import Heard, hear
from connectors.soap.config import SoapConfig
from hub.connector import ConnectorContext
from hub.errors import Transient
from hub.wire import HttpEndpoint, x_road_soap
from hub.wire.soap import SECURITY_TAG, Security, http_headers, write_envelope
from hub.wire.wsdl import Operation, Wsdl
from hub.wire.x_road import XRoad
from hub.wire.xml import XmlLimits, XmlRefused, local_name, parse

_LARGE = 256 * 1024
"""Bytes of an answer that is read in a thread: some hundredths of a second for everybody else."""
_LATER = {"http_429": 429, "http_503": 503}


class Service:
    """``await open()`` once, then ``write`` and ``call`` for each request, ``await close()``."""

    def __init__(self, config: SoapConfig, context: ConnectorContext) -> None:
        self._config, self._clock = config, context.clock
        self._wsdl: Wsdl | None = None
        self._http = HttpEndpoint(config, context.clock)
        self._limits = XmlLimits(bytes=config.max_answer_bytes, text=config.max_answer_bytes)
        security = config.security
        self._security = None
        if security.kind == "username_token" and security.username and security.password:
            secret = security.password.get_secret_value()
            self._security = Security(security.password_as, security.username, secret, security.timestamp_seconds)
        self._understood = (SECURITY_TAG,) if self._security is not None else ()
        self._operations: dict[str, Operation] = {}
        way = config.reached
        self._x_road = way if isinstance(way, XRoad) and way.protocol == "soap" else None

    async def open(self) -> None:
        """Read the WSDL and prepare connections; needs no partner. Raises BadConfig."""
        self._wsdl = self._config.load()
        for one in self._config.operations.values():
            self.operation(one.operation)
            if one.find is not None:
                self.operation(one.find.operation)
        if self._config.check is not None:
            self.operation(self._config.check.operation)
        await self._http.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    def operation(self, name: str) -> Operation:
        """An operation of the configured service and port. Raises BadConfig."""
        assert self._wsdl is not None, "open() comes first"
        if name not in self._operations:
            self._operations[name] = self._wsdl.operation(name, service=self._config.service, port=self._config.port)
        return self._operations[name]

    def write(self, operation: Operation, body: Any) -> bytes:
        """The request as it goes out, with our headers and account. Raises XmlMisfit."""
        headers = {name: value for name, value in self._config.headers.items() if name in operation.input_headers}
        of_the_way = x_road_soap.blocks(self._x_road, operation.name) if self._x_road is not None else ()
        return write_envelope(operation, body, headers, self._security, clock=self._clock, blocks=of_the_way)

    async def call(
        self,
        operation: Operation,
        request: bytes,
        *,
        effect: bool,
        timeout: float | None = None,
        traceparent: str | None = None,
    ) -> Heard:
        """One call. Raises NotConnected, or InDoubt (Transient without ``effect``) when no whole answer came; through X-Road
        also what a fault of its own means."""
        try:
            answer = await self._http.call(
                "POST", self._config.address or operation.address, effect=effect, body=request, timeout=timeout,
                headers=self._headers(http_headers(operation)), traceparent=traceparent, any_status=True,
            )  # fmt: skip
        except Transient as busy:  # its body could not be read
            if busy.code not in _LATER:
                raise
            return Heard(_LATER[busy.code], retry_after=busy.retry_after)
        given = (answer, operation, self._limits, self._understood, self._clock())
        heard = await asyncio.to_thread(hear, *given) if len(answer.body) > _LARGE else hear(*given)
        if self._x_road is not None:
            if heard.fault is not None and (error := x_road_soap.error_in(heard.fault, effect)) is not None:
                raise error
            x_road_soap.check_answer(self._x_road, request, answer.body, effect)
        return heard

    async def look(self) -> None:
        """Fetch the WSDL from the address, which changes nothing. Raises a DeliveryError unless a WSDL comes."""
        assert self._wsdl is not None, "open() comes first"
        if self._x_road is not None:
            raise Transient("no_check", "through X-Road no WSDL can be fetched; set check to an operation")
        name = next(iter(self._config.operations.values())).operation
        address = self._config.address or self.operation(name).address
        url = f"{address}{'&' if '?' in address else '?'}wsdl"
        answer = await self._http.call("GET", url, effect=False, headers=self._headers({}))
        if answer.status != 200:
            raise Transient(f"http_{answer.status}", "the partner did not give its WSDL at ?wsdl; set check to an operation")
        try:
            root = local_name(parse(answer.body, self._limits).tag)
        except XmlRefused:
            root = ""
        if root != "definitions":
            raise Transient("not_wsdl", "what the partner gave at ?wsdl is no WSDL; set check to an operation")

    def _headers(self, made: dict[str, str]) -> dict[str, str]:
        """What is configured comes before what is made."""
        security = self._config.security
        if security.kind == "basic" and security.password is not None:
            account = f"{security.username}:{security.password.get_secret_value()}"
            made["Authorization"] = f"Basic {base64.b64encode(account.encode()).decode()}"
        elif security.kind == "bearer" and security.token is not None:
            made["Authorization"] = f"Bearer {security.token.get_secret_value()}"
        own = {name: value.get_secret_value() for name, value in self._config.http_headers.items()}
        names = {name.lower() for name in own}
        return {name: value for name, value in made.items() if name.lower() not in names} | own

"""X-Road as the way to a partner: its settings, the REST message protocol, and whose fault an error of X-Road is.

The hub speaks to the province's own security server, which finds the provider's. REST by "X-Road: Message Protocol for REST"
(PR-REST 1.0, https://docs.x-road.global/Protocols/pr-rest_x-road_message_protocol_for_rest.html): ``/r1/{service}/{path}``, the
headers X-Road-Client and X-Road-Id, X-Road-Request-Hash and X-Road-Error in answers (section 4.3). That NDXP speaks it is
[known], contracts.md section 6.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import quote, urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hub.errors import AccountRefused, DeliveryError, NotConnected, Rejected, shown
from hub.wire.address import is_http_address
from hub.wire.answer import Answer, unclear

_NOT_HASHED = frozenset((
    "connection", "content-length", "expect", "host", "keep-alive", "pragma", "proxy-authenticate", "proxy-authorization",
    "server", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-road-request-id", "x-road-request-hash",
))  # fmt: skip
"""Headers that a security server takes out of a request, or puts in itself, before it is hashed (PR-REST 4.3, filtered)."""
_OURS = frozenset((
    "AccessDenied", "BadRequest", "DuplicateHeaderField", "InconsistentHeaders", "InvalidClientIdentifier", "InvalidHttpMethod",
    "InvalidProtocolVersion", "InvalidSecurityServer", "InvalidServiceIdentifier", "MissingHeader", "MissingHeaderField",
    "SecurityCategory", "SslAuthenticationFailed", "UnknownMember", "UnknownService",
))  # fmt: skip
_OF_THE_MESSAGE = frozenset((
    "InvalidBody", "InvalidContentType", "InvalidMessage", "InvalidSoap", "InvalidXml", "MalformedSoap", "MimeParsingFailed",
    "MissingBody", "MissingSoap",
))  # fmt: skip
_NOT_FORWARDED = {
    "ClientProxy": frozenset((
        "CannotCreateSignature", "CannotSign", "KeyNotAvailable", "KeyNotFound", "TokenNotActive", "TokenNotAvailable",
        "TokenNotFound", "TokenNotInitialized",
    )),
    "ServerProxy": frozenset((
        "OutdatedGlobalConf", "ServiceDisabled", "ServiceMalformedUrl", "ServiceMissingUrl", "SslAuthenticationFailed",
    )),
}  # fmt: skip
_NEVER_CONNECTED = re.compile(r"could not connect to any target host|\bconnect to .{1,300} failed\b", re.IGNORECASE)
"""What a security server says when it could not even begin to speak to the next one (NetworkError)."""


class XRoad(BaseModel):
    """Through X-Road, by the province's own security server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Literal["x-road"] = Field(description="X-Road.")
    security_server: str = Field(
        description="Address of our own security server: https://HOST. The partner's url gives the path."
    )
    client: str = Field(description="Who we are there: INSTANCE/CLASS/MEMBER/SUBSYSTEM.")
    service: str = Field(
        description="What is called: INSTANCE/CLASS/MEMBER/SUBSYSTEM/SERVICE; with soap also /VERSION behind it, or no "
        "SERVICE: then it is the name of the operation."
    )
    protocol: Literal["rest", "soap"] = Field("rest", description="rest: /r1/…; soap: header blocks of message protocol 4.0.")
    user_id: str | None = Field(
        None, min_length=1, description="Who is named as the one who acts: VN and a number; none without it."
    )
    check_request_hash: bool = Field(
        True,
        description="Compare the answer's hash of the request with our own, so that an answer to something else is not taken. "
        "Set false where something between hub and security server changes headers.",
    )

    @field_validator("security_server")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not is_http_address(url):
            raise ValueError("an address like https://HOST, without user or query")
        return url.rstrip("/")

    @field_validator("client")
    @classmethod
    def _names_a_subsystem(cls, client: str) -> str:
        if len(_parts(client)) != 4:
            raise ValueError("four parts: INSTANCE/CLASS/MEMBER/SUBSYSTEM")
        return client

    @model_validator(mode="after")
    def _names_a_service(self) -> Self:
        count = len(_parts(self.service))
        if self.protocol == "rest" and count != 5:
            raise ValueError("service: five parts with rest: INSTANCE/CLASS/MEMBER/SUBSYSTEM/SERVICE")
        if count not in (4, 5, 6):
            raise ValueError("service: INSTANCE/CLASS/MEMBER/SUBSYSTEM, then SERVICE, then VERSION if it has one")
        return self

    @property
    def client_parts(self) -> list[str]:
        return _parts(self.client)

    @property
    def service_parts(self) -> list[str]:
        return _parts(self.service)


def _parts(identifier: str) -> list[str]:
    parts = identifier.split("/")
    if any(not part.strip() or not part.isprintable() for part in parts):
        raise ValueError("parts with / between them, none of them empty")
    return parts


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it went out: ``path`` with its query, ``headers`` in their order, ``body`` its SHA-512 (None: no body)."""

    method: str
    path: str
    headers: Iterable[tuple[str, str]]
    body: bytes | None


def rest_url(way: XRoad, url: str) -> str:
    """Where a call of ``url`` goes: the service at our security server, with the path and query of ``url``."""
    parts = urlsplit(url)
    service = "/".join(quote(part, safe="") for part in way.service_parts)
    query = f"?{parts.query}" if parts.query else ""
    return f"{way.security_server}/r1/{service}{parts.path}{query}"


def rest_headers(way: XRoad) -> dict[str, str]:
    """Who calls, and the id of this one call, by which it is found at every security server."""
    headers = {"X-Road-Client": "/".join(quote(part, safe="") for part in way.client_parts), "X-Road-Id": str(uuid.uuid4())}
    if way.user_id is not None:
        headers["X-Road-UserId"] = quote(way.user_id, safe="")
    return headers


def request_hash(sent: Sent, request_id: str | None) -> str:
    """X-Road-Request-Hash: base64 of SHA512(SHA512(head) + SHA512(body)), without a body of SHA512(head) (PR-REST 4.3).

    The head is method, path with query and the headers as the security server keeps them, each with CR LF behind it, its own
    X-Road-Request-Id (which the answer tells) last.
    """
    lines = [sent.method, sent.path]
    lines += [f"{name}:{value}" for name, value in sent.headers if name.lower() not in _NOT_HASHED]
    lines += [f"x-road-request-id:{request_id}"] if request_id else []
    digest = hashlib.sha512("".join(f"{line}\r\n" for line in lines).encode()).digest()
    if sent.body is not None:
        digest = hashlib.sha512(digest + sent.body).digest()
    return base64.b64encode(digest).decode()


def check_rest_answer(way: XRoad, sent: Sent, answer: Answer, effect: bool) -> None:
    """Raises what an error of X-Road itself means, and ``unclear`` for an answer to another request than ours."""
    if (error := answer.headers.get("x-road-error")) is not None:
        raise fault(error, _message(answer), effect)
    ours = next((value for name, value in sent.headers if name.lower() == "x-road-id"), None)
    if answer.headers.get("x-road-id", ours) != ours:
        raise unclear(effect, "x_road_id", "the answer carries the X-Road-Id of another call")
    told = answer.headers.get("x-road-request-hash")
    if told is None or not way.check_request_hash:
        return
    if told.strip() != request_hash(sent, answer.headers.get("x-road-request-id")):
        text = "the answer's X-Road-Request-Hash is not that of our request (see check_request_hash)"
        raise unclear(effect, "x_road_request_hash", text)


def fault(code: str, message: str, effect: bool) -> DeliveryError:
    """What an error of X-Road means for the call. ``message`` is looked at, never quoted.

    | fault code | whose | raised | because |
    |---|---|---|---|
    | ``Client.*`` about the body | ours, this message | Rejected | our security server took it for no message and sent nothing on |
    | other ``Client.*`` | ours, the settings | AccountRefused | our security server does not know us or the call; nothing was sent on |
    | ``Server.*Proxy.AccessDenied``, ``UnknownService``, ``UnknownMember`` … | ours, the settings | AccountRefused | refused before the provider's system was called |
    | ``Server.ClientProxy.KeyNotFound``, other keys and tokens | our security server | NotConnected | it could not sign, so it sent nothing on |
    | ``Server.ServerProxy.ServiceDisabled``, ``ServiceMissingUrl`` … | the provider | NotConnected | its security server has nothing to call |
    | ``….NetworkError`` that says "connect" | network | NotConnected | no connection came up, so nothing passed over it |
    | any other ``Server.*`` | unknown | InDoubt, or Transient without effect | the provider's system may have had the request |
    """  # noqa: E501
    parts = code.strip().split(".")
    who, where, what = (*parts, "", "", "")[:3]
    word = ".".join(map(shown, parts[:3]))
    if who == "Client":
        if where in _OF_THE_MESSAGE:
            return Rejected(word, "our security server took the request for no message (its words are not kept)")
        return AccountRefused(word, "our security server refused the call: see client, service and certificate under reached")
    if where in _NOT_FORWARDED and who == "Server":
        server = "our security server" if where == "ClientProxy" else "the provider's security server"
        if what in _NOT_FORWARDED[where]:
            return NotConnected(word, f"{server} could not pass the call on")
        if what in _OURS:
            return AccountRefused(word, f"{server} refused the call: see client, service and rights under reached")
        if parts[-1] == "NetworkError" and _NEVER_CONNECTED.search(message):
            return NotConnected(word, f"{server} had no connection to the next one")
        return unclear(effect, word, f"{server} failed while it had the request (its words are not kept)")
    return unclear(effect, word, "X-Road failed while it had the request (its words are not kept)")


def is_fault_code(code: str) -> bool:
    """Whether a SOAP fault's whole code is one of X-Road's own, not of the provider's system."""
    who, where = (*code.split("."), "", "")[:2]
    return where in _NOT_FORWARDED if who == "Server" else who == "Client" and where in _OURS | _OF_THE_MESSAGE


def _message(answer: Answer) -> str:
    """``message`` of X-Road's own error body ``{type, message, detail}`` (PR-REST 4.6)."""
    try:
        said = orjson.loads(answer.body[:65536])
    except orjson.JSONDecodeError:
        return ""
    text = said.get("message") if isinstance(said, dict) else None
    return text[:2000] if isinstance(text, str) else ""

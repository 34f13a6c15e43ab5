"""What a security server adds to a REST call and says of it: identifiers, request hash, errors (PR-REST 4.1, 4.3, 4.6)."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

import orjson

from hub.testing.fault_play import Answer

ERROR, CLIENT, SERVICE, ID = "X-Road-Error", "X-Road-Client", "X-Road-Service", "X-Road-Id"
REQUEST_ID, REQUEST_HASH = "X-Road-Request-Id", "X-Road-Request-Hash"
OF_THE_ANSWER = frozenset(name.lower() for name in (ERROR, CLIENT, SERVICE, ID, REQUEST_ID, REQUEST_HASH))

# Codes of the families Client, Server.ClientProxy and Server.ServerProxy; these are in X-Road's own list of codes [read].
BAD_REQUEST = "Client.BadRequest"
UNKNOWN_MEMBER = "Server.ClientProxy.UnknownMember"
UNKNOWN_SERVICE = "Server.ServerProxy.UnknownService"
ACCESS_DENIED = "Server.ServerProxy.AccessDenied"
NETWORK_ERROR = "Server.ServerProxy.NetworkError"
SERVICE_FAILED = "Server.ServerProxy.ServiceFailed"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the security server turns a call away: ``code`` names the family and the error."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RestPath:
    """``/r1/instance/class/member/subsystem/service/…`` taken apart: the service, decoded, and what follows it, as written."""

    service: str
    rest: str


def rest_path(raw: str) -> RestPath | None:
    """The path's parts; None when it is not of this form. ``raw`` is as written, without a query."""
    parts = raw.split("/", 7)
    if len(parts) < 7 or parts[1] != "r1" or not all(parts[2:7]):
        return None
    return RestPath("/".join(_decoded(part) for part in parts[2:7]), f"/{parts[7]}" if len(parts) == 8 else "")


def client_id(raw: str) -> str | None:
    """The identifier in X-Road-Client, decoded: instance/class/member, then perhaps the subsystem; None: another form."""
    parts = raw.split("/")
    if len(parts) not in (3, 4) or not all(parts):
        return None
    return "/".join(_decoded(part) for part in parts)


def encoded(identifier: str) -> str:
    """An identifier as it stands in a header: each part percent-encoded."""
    return "/".join(quote(part, safe="-._~!$&'()*+,;=:@") for part in identifier.split("/"))


def request_hash(method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes) -> str:
    """Base64 of SHA-512(SHA-512(headers) + SHA-512(body)), or of SHA-512(headers) without a body [read].

    Its head is written in lines, each ended by CRLF: method, path with query, then name:value of every header that is passed
    on; this form is that of X-Road's own RestRequest [read: nordic-institute/X-Road].
    """
    lines = (method, path, *(f"{name}:{value}" for name, value in headers))
    digest = hashlib.sha512("".join(f"{line}\r\n" for line in lines).encode()).digest()
    if body:
        digest = hashlib.sha512(digest + hashlib.sha512(body).digest()).digest()
    return base64.b64encode(digest).decode()


def told(problem: Problem) -> Answer:
    """The error as a REST client is told it: X-Road-Error, JSON {type, message, detail}; 400 for Client, else 500."""
    body = {"type": problem.code, "message": problem.message, "detail": str(uuid.uuid4())}
    status = 400 if re.match(r"Client\b", problem.code) else 500
    return Answer(orjson.dumps(body), problem.code, status=status, error_code=problem.code, headers={ERROR: problem.code})


def _decoded(part: str) -> str:
    return unquote(part).replace("/", "%2F")

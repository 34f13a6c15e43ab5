"""Errors as SOAP faults of the caller's version: code, reason, and in the detail one entry for each bad field.

The status. SOAP 1.1 answers a fault with 500, SOAP 1.2 one of the sender's with 400 and any other with 500. What is refused
before SOAP is looked at keeps HTTP's own status, with a fault as its body: 401 (a challenge works by its status only), 404
and 405 (no door), 408, 413, 415, 429 and 503 (a client waits as Retry-After says). The code is the receiver's where the same
message may pass later, so also with 408 and 429: the sender's means that it must be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiohttp import web
from multidict import CIMultiDict

from hub.errors import HubError, NotAllowed, NotFound, Problem, Refused, StoreUnavailable, Unauthenticated
from hub.intake.soap_callers import CHALLENGES
from hub.intake.soap_security import MESSAGE_EXPIRED
from hub.observe.redact import text as redacted
from hub.wire.soap import FaultCode, Version, content_type, write_fault

MOST_PROBLEMS = 100
_OF_HTTP = (401, 404, 405, 408, 413, 415, 429, 503)
_PASSING = (408, 429, 503)
_CODES: dict[str, FaultCode] = {
    "must_understand": "MustUnderstand",
    "version_mismatch": "VersionMismatch",
    "wrong_version": "VersionMismatch",
}
"""Codes of problems that SOAP has a fault code of its own for."""
_SUBCODES = {"expired": MESSAGE_EXPIRED}
"""Codes of problems that WS-Security has a fault code of its own for."""


def fault(version: Version, error: Exception) -> web.Response:
    """The response for an exception that the door raised. Unknown ones say nothing of themselves."""
    problems: tuple[Problem, ...] = ()
    headers: CIMultiDict[str] = CIMultiDict()
    if isinstance(error, Refused):
        problems, status = error.problems, error.status
        headers.extend(error.headers)
        if isinstance(error, Unauthenticated):
            headers.extend([("WWW-Authenticate", one) for one in CHALLENGES])
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        named = _CODES.get(problems[0].code)
        return _answer(version, named or ("Receiver" if status in _PASSING else "Sender"), status, problems, headers)
    if isinstance(error, StoreUnavailable):
        headers["Retry-After"] = str(error.retry_after)
        said = "the store cannot be used now; nothing was accepted, send it again later"
        return _answer(version, "Receiver", 503, [Problem("", "store_unavailable", said)], headers)
    if isinstance(error, NotFound | NotAllowed):
        problems = error.problems or (Problem("", "not_found", str(error)),)
        return _answer(version, "Sender", 400, problems, headers)
    return _answer(version, "Receiver", 500, [Problem("", "internal", "the hub failed; the operator finds the cause")], headers)


def _answer(
    version: Version, code: FaultCode, status: int, problems: Iterable[Problem], headers: Mapping[str, str]
) -> web.Response:
    listed = [_shown(one) for one in problems]
    reason = listed[0].message if len(listed) == 1 else f"{len(listed)} fields are wrong"
    subcode = _SUBCODES.get(listed[0].code, "") if listed else ""
    body = write_fault(version, code, reason, listed[:MOST_PROBLEMS], subcode)
    if status not in _OF_HTTP:
        status = 400 if version == "1.2" and code == "Sender" else 500
    made = web.Response(status=status, body=body, headers=headers)
    made.headers["Content-Type"] = content_type(version)
    return made


def astray(version: Version, path: str, allow: str | None = None) -> web.Response:
    """The fault for a request to no path of the door's (``path``), or with ``allow`` by a method that it does not take."""
    if allow is None:
        problem = Problem("", "no_such_path", "there is no SOAP door at this path", f"send operations by POST to {path}")
        return _answer(version, "Sender", 404, [problem], {})
    problem = Problem("", "method", "the SOAP door takes operations by POST only", f"send operations by POST to {path}")
    return _answer(version, "Sender", 405, [problem], {"Allow": allow})


def _shown(one: Problem) -> Problem:
    return Problem(redacted(one.at), one.code, redacted(one.message), redacted(one.hint), one.source)


class NoReceipt(NotFound):
    """There is no receipt of the sender's own for the request id that stands ``at``."""

    def __init__(self, at: str) -> None:
        hint = "the request did not arrive: send it (again), with the same id"
        self.problems = (Problem(at, "not_found", "no request of this sender has this id", hint),)
        HubError.__init__(self, "no request of this sender has this id")

"""Every error as RFC 9457 ``application/problem+json``: what kind, which field is wrong and how, what to send instead.

``type`` is ``urn:dossier-hub:problem:<kind>``. ``errors`` has one entry per bad field: ``pointer`` (JSON pointer into
the body), ``header`` or ``parameter`` (its name), ``code``, ``detail``, ``hint``. ``correlation_id`` is the request's trace id.
No value of the request is ever repeated; texts pass the redaction once more. An exception nobody expected answers 500 without
its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from hub.errors import NotAllowed, NotFound, Problem, Refused, StoreUnavailable
from hub.observe.logging import bound
from hub.observe.redact import text as redacted

TYPE = "urn:dossier-hub:problem:"
MEDIA_TYPE = "application/problem+json"
CORRELATION = "Hub-Correlation-Id"
"""The header of every answer that tells the request's correlation id."""
MAX_ERRORS = 100
_HEADER = re.compile(r"[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)+|Authorization|Expect")
_WORD = re.compile(r"[a-z][a-z_]{0,39}")


def problem(
    status: int,
    kind: str,
    title: str,
    *,
    detail: str = "",
    errors: Iterable[Problem] = (),
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> web.Response:
    """One problem document as a response; ``members`` are extension members."""
    body: dict[str, Any] = {"type": f"{TYPE}{kind}", "title": title, "status": status}
    if (correlation_id := bound("correlation_id")) is not None:
        body["correlation_id"] = correlation_id
    if detail:
        body["detail"] = redacted(detail)
    listed = [_entry(one) for one in errors]
    if listed:
        body["errors"] = listed[:MAX_ERRORS]
    return web.Response(status=status, body=orjson.dumps({**body, **members}), headers=headers, content_type=MEDIA_TYPE)


def from_error(error: Exception) -> web.Response:
    """The response for an exception that a door raised. Unknown ones become a 500 that says nothing of them."""
    if isinstance(error, Refused):
        headers = dict(error.headers)
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="dossier-hub"'
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        found = error.problems
        detail = found[0].message if len(found) == 1 else f"{len(found)} fields are wrong"
        if len(found) > MAX_ERRORS:
            detail += f"; the first {MAX_ERRORS} are listed"
        return problem(error.status, error.kind, error.title, detail=detail, errors=found, headers=headers)
    if isinstance(error, StoreUnavailable):
        return store_unavailable(error)
    if isinstance(error, NotFound):
        return problem(404, "not-found", "Not found", detail="there is nothing here that this key may read")
    if isinstance(error, NotAllowed):
        return problem(409, "not-allowed", "The state does not allow this", detail=str(error))
    if isinstance(error, web.HTTPException):
        return _from_http(error)
    return problem(500, "internal", "The hub failed", detail="the operator finds the cause in the log")


def store_unavailable(error: StoreUnavailable) -> web.Response:
    """503 with the reason as a word; nothing was accepted, the same request may be sent again."""
    reason = error.reason if _WORD.fullmatch(error.reason) else "unavailable"
    detail = f"{error.says} ({reason}); nothing was accepted, send it again later"
    headers = {"Retry-After": str(error.retry_after)}
    return problem(503, "store-unavailable", "The store is unavailable", detail=detail, headers=headers, reason=reason)


def _from_http(error: web.HTTPException) -> web.Response:
    """An unknown path and the like, which aiohttp raises itself."""
    phrase = HTTPStatus(error.status).phrase
    return problem(error.status, phrase.lower().replace(" ", "-"), phrase)


def not_allowed(allow: str) -> web.Response:
    """405 for a path that takes only the methods of ``allow``."""
    return problem(405, "method-not-allowed", "Method Not Allowed", headers={"Allow": allow})


def _entry(one: Problem) -> dict[str, str]:
    """``at`` is a JSON pointer, the name of a header, or ``?`` and the name of a query parameter."""
    place = "parameter" if one.at.startswith("?") else "header" if _HEADER.fullmatch(one.at) else "pointer"
    entry = {place: redacted(one.at.removeprefix("?")), "code": one.code, "detail": redacted(one.message)}
    if one.hint:
        entry["hint"] = redacted(one.hint)
    return entry

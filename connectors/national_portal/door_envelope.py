"""The portal's envelope at the door: how a call is read, and how an answer is written."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import orjson
from aiohttp import web

from connectors.national_portal import door_words as words
from connectors.national_portal.door_settings import Code, DoorCodes
from connectors.national_portal.exchange import is_number
from hub.errors import (
    Busy,
    Forbidden,
    Refused,
    StoreUnavailable,
    TimedOut,
    TooLarge,
    TooMany,
    Unauthenticated,
    UnsupportedCoding,
)

OWN_CODES = frozenset(("", "‹masked›", "discarded", "exists", "is_updating", "json_type", "missing", "schema"))
"""Codes of refusals that are the connector's and the hub's own words, and none of the portal."""
_OWN_CODE = re.compile(r"http_[0-9]{3}")
_READ_AT_ONCE = 1024 * 1024
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""How half of a character may stand in JSON, and how both halves of one do."""
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of the door. ``result`` None leaves the key out, as the portal does at sign-in."""

    code: Code
    message: str
    result: list[Any] | None = field(default_factory=list)
    status: int = 200
    session: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, headers: Mapping[str, str]) -> Said:
        """The same, with these headers too."""
        return replace(self, headers={**headers, **self.headers})

    def response(self) -> web.Response:
        """As it goes out."""
        told: dict[str, Any] = {"error_code": self.code, "message": self.message}
        if self.result is not None:
            told["result"] = self.result
        if self.session is not None:
            told["session"] = self.session
        return envelope(orjson.dumps(told), self.status, self.headers)


def why_unread(error: Refused) -> str:
    """Why a body was not read."""
    by_kind = {TooLarge: words.TOO_LARGE, TimedOut: words.TOO_SLOW, UnsupportedCoding: words.NOT_CODING}
    return by_kind.get(type(error), words.NOT_JSON)


def envelope(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An envelope that is written already, as a response."""
    response = web.Response(
        body=body, status=status, headers={"Cache-Control": "no-store", **(headers or {})},
        content_type="application/json", charset="utf-8",
    )  # fmt: skip
    return response


class TurnedAway(Exception):
    """The call ends here, with this answer."""

    def __init__(self, said: Said) -> None:
        self.said = said
        super().__init__()


@dataclass(frozen=True, slots=True)
class Answers:
    """The door's own answers, with the codes that are configured."""

    codes: DoorCodes

    def refused(self, message: str, status: int = 200) -> Said:
        """A call or record that breaks the contract."""
        return Said(self.codes.refused, message, [], status)

    def no_session(self) -> Said:
        """The client has to sign in again."""
        return Said(self.codes.session, words.NO_SESSION, [])

    def waiting(self, message: str, seconds: int) -> Said:
        """The portal's word is not there yet."""
        return Said(self.codes.waiting, message, [], 503, headers={"Retry-After": str(seconds)})

    def not_taken(self, error: Refused | StoreUnavailable) -> Said:
        """What the hub refused before it looked at the call's own content."""
        if isinstance(error, StoreUnavailable):
            return self._later(503, words.busy(error.retry_after), error.retry_after, {})
        if isinstance(error, TooMany | Busy):
            seconds = error.retry_after or 1
            told = words.too_many(seconds) if isinstance(error, TooMany) else words.busy(seconds)
            return self._later(error.status, told, seconds, error.headers)
        if isinstance(error, Unauthenticated):
            return self.no_session()
        if isinstance(error, Forbidden):
            return self.refused(words.NO_RIGHT)
        return replace(self.refused(why_unread(error), error.status), headers=error.headers)

    def failed(self) -> Said:
        """The hub failed at it: the operator finds why in the log."""
        return Said(self.codes.busy, words.FAILED, [], 500)

    def _later(self, status: int, message: str, seconds: int, headers: Mapping[str, str]) -> Said:
        return Said(self.codes.busy, message, [], status, headers={**headers, "Retry-After": str(seconds)})

    def portal_code(self, code: str) -> Code:
        """error_code of a refusal that is on record: the portal's, or that of a refusal where the word is not the portal's."""
        if is_number(code):
            return int(code)
        return self.codes.refused if code in OWN_CODES or _OWN_CODE.fullmatch(code) else code


def is_json(request: web.Request) -> bool:
    """Whether the call says that it is JSON."""
    return request.content_type in ("application/json", "text/json") or request.content_type.endswith("+json")


class NotReadable(ValueError):
    """It is no JSON; ``told``: what the caller hears of that."""

    def __init__(self, told: str = words.NOT_JSON) -> None:
        self.told = told
        super().__init__()


async def read_json(body: bytes) -> Any:
    """The value, if all of it can be written again: no key twice, no number that is none, no half of a character. A number
    with a fraction has the digits of a double. Raises NotReadable."""
    return _read(body) if len(body) <= _READ_AT_ONCE else await asyncio.to_thread(_read, body)


def _read(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_finite)
        if _HALF.search(body):
            written(value)
        return value
    except NotReadable:
        raise
    except (ValueError, RecursionError):
        raise NotReadable from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                break
            seen.add(key)
        raise NotReadable(words.twice(key if _FIELD.fullmatch(key) else ""))
    return found


def _no_number(_: str) -> NoReturn:
    raise NotReadable


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


def written(value: Any) -> bytes:
    """JSON of what ``read_json`` gave, the same each time, so that a repeat is known. Raises ValueError."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deep") from None

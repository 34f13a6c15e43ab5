"""Query parameters of the lists: read strictly, every bad one named at once.

A parameter that is unknown or given twice is refused: to leave it out silently would answer another question than was asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

from aiohttp import web

from hub.errors import Problem, Refused
from hub.message import SchemaRef
from hub.store.values import ArrivalState

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_CURSOR = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class BadParameter(Refused):
    """A query parameter that cannot be read."""

    kind, title = "bad-parameter", "A query parameter is wrong"


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise ValueError(f"a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _instant(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text) if _INSTANT.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError("a time with an offset (RFC 3339), such as 2026-11-21T08:00:00Z; write + as %2B")
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _cursor(text: str) -> str:
    if not _CURSOR.fullmatch(text):
        raise ValueError("the value that `next` had on the page before")
    return text


def _state(text: str) -> str:
    if text not in get_args(ArrivalState):
        raise ValueError(f"one of: {', '.join(get_args(ArrivalState))}")
    return text


def _schema(text: str) -> SchemaRef:
    try:
        if len(text) > 100 or not text.isascii() or text != text.strip():
            raise ValueError
        return SchemaRef.parse(text)
    except ValueError:
        raise ValueError("id@version, such as opencps-dossier@1") from None


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


WINDOW: Mapping[str, Callable[[str], Any]] = {"since": _instant, "until": _instant, "limit": _limit, "after": _cursor}
ARRIVALS: Mapping[str, Callable[[str], Any]] = {"state": _state, "schema": _schema, **WINDOW}
DOSSIERS: Mapping[str, Callable[[str], Any]] = {**dict.fromkeys(("kept", "waiting", "dead", "behind"), _flag), **WINDOW}


def read(request: web.Request, known: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The values of the known parameters, None for those not given (``limit``: 50). Raises BadParameter."""
    values: dict[str, Any] = {**dict.fromkeys(known), "limit": DEFAULT_LIMIT}
    problems: list[Problem] = []
    for name in dict.fromkeys(request.query):
        given = request.query.getall(name)
        if name not in known:
            hint = f"one of: {', '.join(known)}"
            problems.append(Problem("?" + _shown(name), "unknown", "there is no such parameter here", hint))
        elif len(given) > 1:
            problems.append(Problem("?" + name, "repeated", "the parameter is given more than once", "give it once"))
        else:
            try:
                values[name] = known[name](given[0])
            except ValueError as error:
                problems.append(Problem("?" + name, "malformed", "the value cannot be read", str(error)))
    if problems:
        raise BadParameter(problems)
    return values


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[a-z_]{1,30}", name) else "‹masked›"

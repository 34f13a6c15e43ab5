"""What the HTTP headers of a SOAP request say: which version of SOAP, and which action."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web

from hub.errors import Problem, UnsupportedMediaType
from hub.wire.soap import Version

_VERSIONS: dict[str, Version] = {"text/xml": "1.1", "application/soap+xml": "1.2"}
_HINT = "send 'Content-Type: text/xml; charset=utf-8' (SOAP 1.1) or 'application/soap+xml; charset=utf-8' (SOAP 1.2)"
_PARAMETER = re.compile(r"""([A-Za-z0-9!#$%&'*+.^_`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s;"]*)""")
_CHARSETS = ("utf-8", "utf8", "utf-16")


@dataclass(frozen=True, slots=True)
class Said:
    """``action``: what SOAPAction (1.1) or the parameter action (1.2) names, None when nothing does."""

    version: Version
    action: str | None


def said_by(request: web.Request) -> Said:
    """What the request says of itself. Raises UnsupportedMediaType."""
    media, charset, action = _content_type(request.headers.get("Content-Type", ""))
    version = _VERSIONS.get(media)
    if version is None:
        packed = media.startswith("multipart/")
        wrong = "attachments (MTOM, SwA) are not taken" if packed else "the body must be a SOAP envelope"
        raise UnsupportedMediaType([Problem("Content-Type", "media_type", wrong, _HINT)])
    if charset not in _CHARSETS:
        raise UnsupportedMediaType([Problem("Content-Type", "charset", "the body must be UTF-8 or UTF-16", _HINT)])
    if version == "1.1":
        given = request.headers.get("SOAPAction")
        action = given.strip().strip('"').strip() if given is not None else None
    return Said(version, action)


def version_said(request: web.Request) -> Version:
    """The version in which the caller understands a fault, as far as the headers tell it."""
    media, _, _ = _content_type(request.headers.get("Content-Type", ""))
    return _VERSIONS.get(media, "1.1")


@lru_cache(maxsize=256)
def _content_type(header: str) -> tuple[str, str, str | None]:
    """Media type, charset, and the parameter action if there is one."""
    media, _, rest = header.partition(";")
    given = {name.lower(): _unquoted(value) for name, value in _PARAMETER.findall(rest)}
    return media.strip().lower(), given.get("charset", "utf-8").lower(), given.get("action")


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value

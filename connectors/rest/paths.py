"""Paths with places that are filled in for each message: ``/filings/{/code}``, ``/dossiers/{local-system}/states``.

``{/…}`` is a JSON pointer into the message, any other name a code system: the dossier's code there, as the hub knows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, TypeAdapter, ValidationError

from connectors.outcomes.pointers import PointerToOne, value_at
from connectors.outcomes.table import as_text
from hub.errors import Rejected

_PLACE = re.compile(r"\{([^{}]*)\}")
_SYSTEM = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_AROUND = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
_POINTER: TypeAdapter[str] = TypeAdapter(PointerToOne)


def _written_right(path: str) -> str:
    if not _AROUND.fullmatch(_PLACE.sub("x", path)):
        raise ValueError("a path below url, such as /filings/{/code}: it begins with / and has no blank and no #")
    for place in _PLACE.findall(path):
        if not place.startswith("/") and not _SYSTEM.fullmatch(place):
            raise ValueError("in braces stands a JSON pointer into the message, {/code}, or a code system, {national}")
        try:
            _POINTER.validate_python(place if place.startswith("/") else "/x")
        except ValidationError:
            raise ValueError("a pointer in braces leads to one place: {/code}, {/documents/0/id}") from None
    return path


Path = Annotated[str, AfterValidator(_written_right)]
"""A path below the partner's address."""


def pointers_in(path: str) -> Iterator[str]:
    """The places in the message that it is filled from."""
    yield from (place for place in _PLACE.findall(path) if place.startswith("/"))


def filled(path: str, body: Any, codes: Mapping[str, str]) -> str:
    """The path of one message. Raises Rejected where the message or the dossier has not what it needs, or has what a server or
    proxy may read as steps of a path after it decoded it (%2F..%2F), or cut it at a semicolon (..;)."""

    def value(found: re.Match[str]) -> str:
        place = found[1]
        if place.startswith("/"):
            text = as_text(value_at(body, place))
            if not text:
                raise Rejected("missing", f"{place}: the path of the call needs it, and the message has none")
        else:
            text = codes.get(place, "")
            if not text:
                raise Rejected("no_code", f"the path of the call needs the dossier's code of {place}, and none is known")
        if not text.strip(".") or any(step.partition(";")[0] in (".", "..") for step in re.split(r"[/\\]", text)):
            raise Rejected("unfit_code", f"{place}: steps of dots may lead to another path at the partner")
        return quote(text, safe="")

    return _PLACE.sub(value, path)

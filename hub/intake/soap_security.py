"""What a Security block says beside who calls: until when the message holds, and what the hub would have to understand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from hub.errors import NotParsable, Problem, Refused
from hub.wire.soap import OURS, SECURITY_TAG, SPACES, Envelope, Version
from hub.wire.xml import element_path

LEEWAY_MICROSECONDS = 5 * 60 * 1_000_000
"""How far a sender's clock may differ from the hub's."""
_WSSE = SECURITY_TAG.removesuffix("Security")
_WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
MESSAGE_EXPIRED = f"{_WSU}MessageExpired"
_TIMESTAMP = f"{_WSU}Timestamp"
_KNOWN = (f"{_WSSE}UsernameToken", _TIMESTAMP)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,20})?(Z|[+-][0-9]{2}:[0-9]{2})?")


def require_sound(envelope: Envelope, now: int) -> None:
    """Raises NotParsable for what cannot be checked (a signature, say) though it must be, and for a Timestamp that tells no
    time; Refused for a message that is too old, or comes before it was made."""
    for block in envelope.headers:
        if block.tag == SECURITY_TAG and _role(block, envelope.version) in OURS:
            _require_understood(block, envelope.version)
            stamps = [one for one in block if one.tag == _TIMESTAMP]
            if len(stamps) > 1:
                raise _bad(stamps[1], "there is more than one Timestamp")
            for stamp in stamps:
                _require_time(stamp, now)


def _require_understood(block: Any, version: Version) -> None:
    """Who marks the block so relies on all that stands in it; who marks a part, on that."""
    whole = _is_needed(block, version)
    for one in block:
        if one.tag not in _KNOWN and (whole or _is_needed(one, version)):
            wrong = "it must be understood, and the hub knows UsernameToken and Timestamp only"
            hint = "leave it out, or the mark mustUnderstand"
            raise NotParsable([Problem(element_path(one), "must_understand", wrong, hint)])


def _require_time(stamp: Any, now: int) -> None:
    for child, moment in _times(stamp, "Created"):
        if moment > now + LEEWAY_MICROSECONDS:
            raise _expired(child, "the message comes before the time at which it was made")
    for child, moment in _times(stamp, "Expires"):
        if moment < now - LEEWAY_MICROSECONDS:
            raise _expired(child, "the message came after the time until which it holds")


def _times(stamp: Any, name: str) -> Iterator[tuple[Any, int]]:
    """In microseconds; a time without a zone is that of UTC, as WS-Security has it."""
    for child in stamp.iterchildren(_WSU + name):
        text = (child.text or "").strip()
        try:
            if not _TIME.fullmatch(text):
                raise ValueError("no xs:dateTime")
            moment = datetime.fromisoformat(text)
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise _bad(child, "is no time (xs:dateTime)") from None
        yield child, int(seconds * 1_000_000)


def _role(block: Any, version: Version) -> str | None:
    found = block.get(f"{{{SPACES[version]}}}{'role' if version == '1.2' else 'actor'}")
    return None if found is None else str(found)


def _is_needed(element: Any, version: Version) -> bool:
    return (element.get(f"{{{SPACES[version]}}}mustUnderstand") or "").strip() in ("1", "true")


def _bad(element: Any, message: str) -> NotParsable:
    return NotParsable([Problem(element_path(element), "bad_security", message, "send one Timestamp, its times in UTC")])


def _expired(element: Any, message: str) -> Refused:
    hint = "send it again with a new Timestamp; if that does not help, set the sender's clock right"
    return Refused([Problem(element_path(element), "expired", message, hint)])

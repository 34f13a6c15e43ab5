"""What may be logged: every key with the shape its value must have. The allow-list of ``hub.observe.logging``.

A shape admits ids, codes, names from configuration, words, numbers and places in files; nothing that could be a
person's identity number, full name or free text fits one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from hub.observe.redact import words

LONG_DIGITS = re.compile(r"[0-9]{7}")
"""Seven digits in a row could be part of a person's number."""


def _shape(pattern: str, digits: bool = False, *, recurs: bool = True) -> Callable[[Any], bool]:
    """A check: text that fits ``pattern`` wholly and, unless ``digits``, holds no run of 7 digits or more."""
    fits = re.compile(pattern)

    def shows(text: str) -> bool:
        return bool(fits.fullmatch(text)) and (digits or not LONG_DIGITS.search(text))

    if recurs:
        shows = lru_cache(maxsize=1000)(shows)

    def check(value: Any) -> bool:
        return isinstance(value, str) and shows(value)

    return check


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, bool | int | float) and abs(value) < 10**9)


def _is_time(value: Any) -> bool:
    return value is None or (isinstance(value, int) and abs(value) < 10**17)


_is_id = _shape(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", digits=True, recurs=False
)  # a UUID or trace id
# A sender's own codes are opaque and could be anything, an identity number too: only a national code
# (000.00.10.H22-261121-0001, H56.14-250225-0001) or a UUID is shown.
_is_national_code = _shape(r"(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.)?[A-Z][0-9]{2}(?:\.[0-9]{1,3}){0,3}-[0-9]{6}-[0-9]{4,6}")
_is_name = _shape(r"[a-z0-9][a-z0-9@._-]{0,63}")
is_word = _shape(r"[A-Za-z][A-Za-z0-9_.:/-]{0,59}|[0-9]{1,6}")
_is_own_word = _shape(r"[a-z][a-z0-9_.-]{0,59}")
_is_place = _shape(r"[A-Za-z0-9_./@:{}()\[\]-]{1,200}")
_is_version = _shape(r"[A-Za-z0-9_.+-]{1,64}", digits=True)


_is_error_code = _shape(r"[A-Za-z][A-Za-z0-9_.:/-]{0,59}|-?[0-9]{1,6}")  # a partner's own code too, such as -3


def _is_code(value: Any) -> bool:
    return _is_national_code(value) or _is_id(value)


_IDS = "arrival message delivery correlation_id arrival_id message_id delivery_id attempt_id dossier_id key_id"
_NAMES = "sender endpoint route connector schema table mapping simulator stream key_name"
_WORDS = "state outcome kind reason action backend stage"
_NUMBERS = """status seconds count number seq hops size bytes rows port pid limit waiting backlog claimed delivered dead
    in_doubt pending open retry_after tls problems repeated line accepted
    refused kept partition"""
_NAMED_OR_COUNTED = "endpoints routes schemas mappings tables senders"
_TIMES = "next_at accepted_at received_at started_at"

SHAPES: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_IDS.split(), _is_id),
    "dossier": _is_code,
    **dict.fromkeys(_NAMES.split(), _is_name),
    **dict.fromkeys(_WORDS.split(), _is_own_word),
    **dict.fromkeys(("method", "signal"), is_word),
    "code": _is_error_code,
    **dict.fromkeys(("path", "file", "source", "listen", "host", "at"), _is_place),
    **dict.fromkeys(("version", "digest", "revision"), _is_version),
    **dict.fromkeys(_NUMBERS.split(), _is_number),
    **dict.fromkeys(_TIMES.split(), _is_time),
    **dict.fromkeys(_NAMED_OR_COUNTED.split(), lambda value: _is_name(value) or _is_number(value)),
    "why": lambda value: isinstance(value, str) and len(value) <= 500 and words(value) == value,
    "topic": _shape(r"[A-Za-z0-9._-]{1,249}"),
    "offset": _is_time,
    "sequence": _shape(r"[0-9]{16}-[0-9]{16}", digits=True, recurs=False),  # of one of the hub's own events
    "type": _is_own_word,
    "codes": _is_error_code,
    "attempt": lambda value: _is_id(value) or _is_number(value),
}
"""Every key that may be logged, with the check its value must pass. To log a new thing, add it here with its shape."""

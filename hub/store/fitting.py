"""What fits into the store's columns, the same on both databases: SQLite would take any text, PostgreSQL would break the write.

What a sender gives is refused by name (``refuse_unfit``); what a partner answered is cut to fit (``fit``), because a
settlement must never be lost over the length of an error text.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, String

from hub.errors import Problem, Refused, SchemaInvalid
from hub.message import Alias
from hub.store.tables import aliases, arrivals
from hub.store.values import Plan

_LARGEST = 2**63 - 1


def _longest(column: Column[str]) -> int:
    kind = column.type
    assert isinstance(kind, String)
    return kind.length or _LARGEST


_CODE = _longest(aliases.c.code)
_SYSTEM = _longest(aliases.c.system)
_KEY = _longest(arrivals.c.sender_key)
_FIELDS = {
    name: _longest(arrivals.c[name]) for name in ("sender", "schema", "correlation_id", "traceparent", "origin", "position")
}


def fit(text: str | None, longest: int | None = None) -> str | None:
    """The text without NUL and lone surrogates, at most ``longest`` characters; empty becomes None."""
    if not text:
        return None
    return text.encode(errors="replace").decode().replace("\0", "")[:longest] or None


def storable(text: str) -> bool:
    """Whether both databases can hold the text: no NUL, no lone surrogate."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def names(alias: Alias) -> bool:
    """Whether the alias can be a name at all: both halves there, and they fit."""
    system, code = alias.system, alias.code
    return 0 < len(system) <= _SYSTEM and 0 < len(code) <= _CODE and storable(system) and storable(code)


def refuse_unfit(plan: Plan) -> None:
    """Raises Refused (the sender's id) or SchemaInvalid (the message) for the first kind of text that cannot be kept."""
    refuse_unfit_key(plan.arrival.key)
    problems = [*_unfit_fields(plan)]
    for alias in plan.aliases:
        if not names(alias):
            text = (
                f"the dossier's code in system {fit(alias.system, 40)} is empty, too long or has characters that cannot be kept"
            )
            problems.append(Problem("", "bad_code", text, f"at most {_CODE} characters, no NUL"))
    if any(part.version is not None and abs(part.version) > _LARGEST for part in plan.parts):
        problems.append(Problem("", "bad_version", "the version is too large a number", "at most 2^63 - 1"))
    if problems:
        raise SchemaInvalid(problems)


def refuse_unfit_key(key: str | None) -> None:
    """Raises Refused when the sender's own id of a message cannot be kept."""
    if key is not None and not (storable(key) and 0 < len(key) <= _KEY):
        text = f"the id of the message must have 1 to {_KEY} characters, none of them NUL or half a character"
        raise Refused([Problem("Idempotency-Key", "bad_key", text, "give a shorter id, such as a UUID")])


def _unfit_fields(plan: Plan) -> Iterator[Problem]:
    arrival = plan.arrival
    for name, longest in _FIELDS.items():
        text = str(arrival.schema) if name == "schema" else getattr(arrival, name)
        if text is not None and not (storable(text) and len(text) <= longest):
            yield Problem(name, "bad_value", f"the {name} is too long or has characters that cannot be kept", "shorten it")

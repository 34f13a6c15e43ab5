"""What fits into the store's columns, the same on both databases: SQLite would take any text, PostgreSQL would break the write.

What a sender gives is refused by name (``refuse_unfit``); what a partner answered is cut to fit (``fit``), because a
settlement must never be lost over the length of an error text.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, String

from hub.errors import Problem, Refused, SchemaInvalid
from hub.message import Alias
from hub.store.port import Plan
from hub.store.tables import aliases, arrivals

_LARGEST = 2**63 - 1


def fit(text: str | None, longest: int | None = None) -> str | None:
    """The text without NUL and lone surrogates, at most ``longest`` characters; empty becomes None."""
    if not text:
        return None
    return text.encode(errors="replace").decode().replace("\0", "")[:longest] or None


def storable(text: str) -> bool:
    """Whether both databases can hold the text: no NUL, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def names(alias: Alias) -> bool:
    """Whether the alias can be a name at all: both halves there, and they fit."""
    halves = ((alias.system, aliases.c.system), (alias.code, aliases.c.code))
    return all(text and storable(text) and len(text) <= _longest(column) for text, column in halves)


def refuse_unfit(plan: Plan) -> None:
    """Raises Refused (the sender's id) or SchemaInvalid (the message) for the first kind of text that cannot be kept."""
    refuse_unfit_key(plan.arrival.key)
    problems = [*_unfit_fields(plan)]
    for alias in plan.aliases:
        if not names(alias):
            text = (
                f"the dossier's code in system {fit(alias.system, 40)} is empty, too long or has characters that cannot be kept"
            )
            problems.append(Problem("", "bad_code", text, f"at most {_longest(aliases.c.code)} characters, no NUL"))
    if any(part.version is not None and abs(part.version) > _LARGEST for part in plan.parts):
        problems.append(Problem("", "bad_version", "the version is too large a number", "at most 2^63 - 1"))
    if problems:
        raise SchemaInvalid(problems)


def refuse_unfit_key(key: str | None) -> None:
    """Raises Refused when the sender's own id of a message cannot be kept."""
    longest = _longest(arrivals.c.sender_key)
    if key is not None and not (storable(key) and 0 < len(key) <= longest):
        text = f"the id of the message must have 1 to {longest} characters, none of them NUL or half a character"
        raise Refused([Problem("Idempotency-Key", "bad_key", text, "give a shorter id, such as a UUID")])


def _unfit_fields(plan: Plan) -> Iterator[Problem]:
    arrival = plan.arrival
    fields = (
        ("sender", arrival.sender), ("schema", str(arrival.schema)), ("correlation_id", arrival.correlation_id),
        ("traceparent", arrival.traceparent), ("origin", arrival.origin), ("position", arrival.position),
    )  # fmt: skip
    for name, text in fields:
        column = arrivals.c[name]
        if text is not None and not (storable(text) and len(text) <= _longest(column)):
            yield Problem(name, "bad_value", f"the {name} is too long or has characters that cannot be kept", "shorten it")


def _longest(column: Column[str]) -> int:
    kind = column.type
    assert isinstance(kind, String)
    return kind.length or _LARGEST

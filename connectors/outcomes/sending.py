"""One call of one delivery, and what its answer becomes: remembered before, judged after, kept as a receipt."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import orjson

from connectors.outcomes.pointers import MISSING, value_at
from connectors.outcomes.table import Finding, Heard, as_text
from connectors.outcomes.unexplained import Mask
from connectors.outcomes.verdict import Judged
from hub.connector import Attempt, Found, Receipt
from hub.errors import NotConnected, Rejected, StoreUnavailable
from hub.message import SchemaRef

_CALL = "call"
_ONE_WORD = re.compile(r"\S{1,100}")
HeardT = TypeVar("HeardT", bound=Heard)


class Reading(Protocol):
    """What is read out of an answer: places of the partner's proof, and of codes by their system."""

    @property
    def reference(self) -> str | None: ...

    @property
    def ids(self) -> Mapping[str, str]: ...


class Replying(Protocol):
    """Which part of an answer comes back into the hub, and as what."""

    @property
    def schema_(self) -> str: ...

    @property
    def at(self) -> str: ...


async def called_once(
    attempt: Attempt, effect: bool, call: Callable[[], Awaitable[HeardT]]
) -> tuple[HeardT, Mapping[str, Any] | None]:
    """The answer, and what an earlier attempt remembered of its own call. With effect this one is remembered before it, so
    that an attempt which ended before its call is known for what it is; one that reached nobody is forgotten again."""
    before: Mapping[str, Any] | None = attempt.remembered.get(_CALL)
    if effect:
        await attempt.remember(_CALL, {"attempt": attempt.number})
    try:
        return await call(), before
    except NotConnected:
        if effect:
            with contextlib.suppress(StoreUnavailable):
                await attempt.remember(_CALL, before)
        raise


def never_called(attempt: Attempt) -> bool:
    """Whether an attempt with effect ended before its call."""
    note = attempt.remembered.get(_CALL)
    return note is None or note["attempt"] != attempt.number


def require_taken(judged: Judged, attempt: Attempt, before: Mapping[str, Any] | None, effect: bool) -> None:
    """Raises what the verdict says, unless the partner has what was sent; a duplicate must be of our own sending."""
    if judged.verdict == "accepted":
        return
    if judged.verdict != "duplicate":
        raise judged.error(effect)
    if before is None and not attempt.may_update:
        raise Rejected("exists", "the partner holds this already, the ledger shows no send of ours: adopt or hold it")
    if before is None and attempt.sent_before:
        raise Rejected("duplicate", "the partner says it holds this, but no earlier try got there: is it an older state?")


def receipt_of(reading: Reading, reply: Replying | None, heard: Heard, mask: Mask) -> Receipt:
    """What is kept of an answer that accepts."""
    told = None
    if reply is not None and heard.has_body and (value := value_at(heard.body, reply.at)) is not MISSING:
        told = (SchemaRef.parse(reply.schema_), orjson.dumps(value))
    return Receipt(_reference(reading, heard, mask), _ids(reading, heard), reply=told)


def found_by(row: Finding | None, reading: Reading, heard: Heard, mask: Mask) -> Found | None:
    """What a row says that the partner holds; without one it cannot tell."""
    if row is None or row.then == "unknown":
        return Found(holds=None)
    if row.then == "nothing":
        return None
    if row.then == "holds_not":
        return Found(holds=False)
    return Found(True, _reference(reading, heard, mask), _ids(reading, heard))


def _reference(reading: Reading, heard: Heard, mask: Mask) -> str | None:
    """The partner's proof: a single word is kept as it is, a text only masked."""
    text = as_text(value_at(heard.body, reading.reference)) if reading.reference is not None else None
    return text if not text or _ONE_WORD.fullmatch(text) else mask(text)


def _ids(reading: Reading, heard: Heard) -> dict[str, str]:
    found = {system: as_text(value_at(heard.body, pointer)) for system, pointer in reading.ids.items()}
    return {system: text for system, text in found.items() if text}

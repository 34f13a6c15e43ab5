"""What a partner that calls the hub does wrong, by name: how each call is made, and what of it is a fact.

A fault says what the caller does, never what a listener must answer: that is judged by what is then in the store
(``hub.testing.conformance_listening``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

Kind = Literal["none", "cut", "slow", "unreadable", "malformed", "stranger", "type", "part", "away", "again"]
Manner = Literal["whole", "cut", "reset", "drip", "flood"]
"""How it is written: whole; half of the body and then the end, or a reset; a byte at a time; without an end."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it goes out. ``length`` in place of the true Content-Length; "" sends none."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    length: str | None = None
    manner: Manner = "whole"

    def head(self) -> bytes:
        """First line and headers."""
        length = str(len(self.body)) if self.length is None else self.length
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {one}" for one in length.split("|")] if length else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")

    def with_header(self, name: str, value: str) -> Call:
        """The same with this header."""
        return replace(self, headers={**self.headers, name: value})


@dataclass(frozen=True, slots=True)
class CallerFault:
    """``made`` of a call that is as it must be. ``who`` shows the key: of the partner, nobody's, or one that may send nothing
    of the kind."""

    name: str
    kind: Kind
    says: str
    made: Callable[[Call], Call] = lambda call: call
    who: Literal["partner", "nobody", "unknown", "no_right"] = "partner"


def _body(body: bytes) -> Callable[[Call], Call]:
    return lambda call: replace(call, body=body)


def _of(change: Mapping[str, Any]) -> Callable[[Call], Call]:
    return lambda call: replace(call, **change)


def _and_none(call: Call) -> Call:
    """A list with one more in it that is no message."""
    return replace(call, body=call.body.rstrip().removesuffix(b"]") + b",{}]")


_DEEP = b"[" * 20_000 + b"]" * 20_000
_HTML = b"<!DOCTYPE html><html><head><title>502</title></head><body>Bad gateway</body></html>"

CALLER_FAULTS: tuple[CallerFault, ...] = (
    CallerFault("called_well", "none", "the call is as it must be"),
    CallerFault("called_in_half", "cut", "the connection ends in the middle of the body", _of({"manner": "cut"})),
    CallerFault("called_and_reset", "cut", "the connection is reset in the middle of the body", _of({"manner": "reset"})),
    CallerFault("called_slowly", "slow", "the body comes a byte at a time, beyond the hub's limit", _of({"manner": "drip"})),
    CallerFault(
        "called_with_half", "unreadable", "half of the body, said to be all of it",
        lambda call: replace(call, body=call.body[: len(call.body) // 2]),
    ),
    CallerFault("called_with_html", "unreadable", "a page of HTML in place of the body", _body(_HTML)),
    CallerFault("called_with_nothing", "unreadable", "no body at all", _body(b"")),
    CallerFault("called_with_a_number", "unreadable", "a number in place of the body", _body(b"7")),
    CallerFault("called_with_an_object", "unreadable", "an object with nothing in it", _body(b"{}")),
    CallerFault(
        "called_in_no_utf8", "unreadable", "bytes that are no UTF-8", lambda call: replace(call, body=b"\xff\xfe" + call.body)
    ),
    CallerFault("called_too_deep", "unreadable", "20,000 brackets within each other", _body(_DEEP)),
    CallerFault(
        "called_packed_badly", "unreadable", "it is said to be gzip and is not",
        lambda call: call.with_header("Content-Encoding", "gzip"),
    ),
    CallerFault("called_too_large", "unreadable", "a body above the hub's limit", _body(b" " * 2**18)),
    CallerFault(
        "called_without_end", "unreadable", "a body in pieces that has no end",
        lambda call: replace(call, length="", manner="flood").with_header("Transfer-Encoding", "chunked"),
    ),
    CallerFault(
        "called_with_wrong_type", "type", "it says that it is a picture",
        lambda call: call.with_header("Content-Type", "image/png"),
    ),
    CallerFault("called_with_one_bad", "part", "one more in its list, with nothing in it", _and_none),
    CallerFault("called_with_no_length", "malformed", "its Content-Length is no number", _of({"length": "zwölf"})),
    CallerFault("called_with_two_lengths", "malformed", "two lengths that contradict each other", _of({"length": "1|2"})),
    CallerFault("called_by_get", "malformed", "GET in place of POST", _of({"method": "GET", "body": b""})),
    CallerFault("called_by_nobody", "stranger", "no key is shown", who="nobody"),
    CallerFault("called_by_a_stranger", "stranger", "a key that the hub does not know", who="unknown"),
    CallerFault("called_without_right", "stranger", "a key that may not send such messages", who="no_right"),
    CallerFault("called_while_full", "away", "the hub's store can write nothing"),
    CallerFault("called_while_filling", "away", "the hub's store is full from the last message of the call on"),
    CallerFault("called_while_gone", "away", "the hub's store can neither write nor read"),
    CallerFault("called_twice", "again", "the same message again"),
    CallerFault("called_at_once", "again", "the same message twice at the same time"),
    CallerFault("called_and_gone_before", "again", "the caller is gone before it is stored, and says it again"),
    CallerFault("called_and_gone_after", "again", "the caller is gone when it is stored, before the answer, and says it again"),
)  # fmt: skip
"""Every fault of a caller that the suite plays, each with each push of the specimen."""


def as_bytes(body: Any) -> bytes:
    """A body as it goes out."""
    return body if isinstance(body, bytes) else orjson.dumps(body)

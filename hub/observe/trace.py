"""W3C trace context: the caller's trace id becomes the correlation id, so that one id joins both sides' logs.

Source of the format: W3C Trace Context, section 3.2 (traceparent). The hub is where a trace crosses from one party to
another: it hands on the trace id and leaves out ``tracestate``, which holds what the caller's own tracing vendors wrote.
"""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

import uuid_utils

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?:-.*)?")

_KNOWN_FLAGS = 0b11
"""sampled, and (level 2) random; all others must be zero on the way out."""


class Trace(NamedTuple):
    """Where a request stands: 32 hex digits of trace (the correlation id), 16 of the span, 2 of flags."""

    trace_id: str
    span_id: str
    flags: str = "01"

    @property
    def traceparent(self) -> str:
        """The header to hand on."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def parse(header: str | None) -> Trace | None:
    """The caller's trace; None when there is no header or it is malformed (then it must be ignored, says W3C)."""
    found = _TRACEPARENT.fullmatch(header.strip()) if header and len(header) <= 512 else None
    if not found or not found["trace"].strip("0") or not found["span"].strip("0"):
        return None
    if header is not None and header.strip()[:2] == "00" and len(header.strip()) != 55:
        return None
    return Trace(found["trace"], found["span"], f"{int(found['flags'], 16) & _KNOWN_FLAGS:02x}")


def make(trace_id: str | None = None, flags: str = "01") -> Trace:
    """A new span, of ``trace_id`` or of a new trace (whose id is a UUIDv7 without dashes)."""
    return Trace(trace_id or uuid_utils.uuid7().hex, secrets.token_hex(8), flags)


def begin(*headers: str | None) -> Trace:
    """The span of one request: a child of the caller's trace; without its header, or with two, the first of a new one."""
    caller = parse(headers[0]) if len(headers) == 1 else None
    return make(caller.trace_id, caller.flags) if caller else make()

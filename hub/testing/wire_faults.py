"""What can go wrong between a connector and its partner over HTTP, by name: what is played, and what of it is a fact.

A fault says what happens, never what a connector must make of it: that is judged by what the connector said against what
the partner knows (``hub.testing.conformance_rules``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["address", "connection", "silence", "answer", "account", "busy", "partner", "clock", "cancel"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``reaches``: the partner has the request and carries it out; ``slow``: only a limit of time ends the call;
    ``may_reject``: the partner may mean the message itself, so that it is no fault to give it up."""

    name: str
    kind: Kind
    says: str
    reaches: bool = False
    slow: bool = False
    may_reject: bool = False
    status: int = 0
    retry_after: int = 0


RETRY_AFTER = 7
"""Seconds that 429 and 503 ask for; a connector that waits for them itself is seen to."""

FAULTS: tuple[Fault, ...] = (
    Fault("refused", "address", "nothing listens at the address"),
    Fault("dns", "address", "the host's name cannot be found"),
    Fault("tls", "address", "the certificate is of nobody we trust"),
    Fault("reset_on_accept", "connection", "the connection is reset before the request is read"),
    Fault("reset_before", "connection", "the request is read, then the connection is reset; nothing was done"),
    Fault("reset_after", "connection", "it is done, then the connection is reset", reaches=True),
    Fault("closed_after", "connection", "it is done, then the connection ends without an answer", reaches=True),
    Fault("silent_before", "silence", "the request is read, nothing is done, no answer comes", slow=True),
    Fault("silent_after", "silence", "it is done, no answer comes", reaches=True, slow=True),
    Fault("silent_before_body", "silence", "it is done, the head of the answer comes, no body", reaches=True, slow=True),
    Fault("silent_in_body", "silence", "it is done, the answer stops in the middle", reaches=True, slow=True),
    Fault("silent_after_body", "silence", "it is done, the answer never comes to its end", reaches=True, slow=True),
    Fault("slow_drip", "silence", "it is done, the answer comes a byte at a time", reaches=True, slow=True),
    Fault("half_answer", "answer", "it is done, the connection ends in the middle of the answer", reaches=True),
    Fault("length_too_long", "answer", "it is done, the answer says it is longer than it is", reaches=True),
    Fault("length_too_short", "answer", "it is done, the answer says it is shorter than it is", reaches=True),
    Fault("wrong_type", "answer", "it is done, the answer is right but says it is a picture", reaches=True),
    Fault("empty_answer", "answer", "it is done, the answer is 200 without a body", reaches=True),
    Fault("html_after", "answer", "it is done, the answer is 200 with a page of HTML", reaches=True, status=200),
    Fault("html_before", "answer", "nothing was done, the answer is 200 with a page of HTML", status=200),
    Fault("http_1_0", "answer", "it is done, the answer is right, in HTTP/1.0 and without a length", reaches=True),
    Fault("http_1_0_half", "answer", "the same, and it ends in the middle, which no length tells", reaches=True),
    Fault("not_http", "answer", "it is done, what comes back is no HTTP", reaches=True),
    Fault("huge_answer", "answer", "it is done, the answer has no end", reaches=True),
    Fault("redirect_302", "answer", "302 to another address, nothing was done", status=302),
    Fault("redirect_307", "answer", "307 to another address, nothing was done", status=307),
    Fault("redirect_after_302", "answer", "it is done, 302 to another address", reaches=True, status=302),
    Fault("redirect_after_307", "answer", "it is done, 307 to another address", reaches=True, status=307),
    Fault("redirect_after_308", "answer", "it is done, 308 to another address", reaches=True, status=308),
    Fault("unauthorized_once", "account", "401 once, nothing was done; the next call is let in", status=401),
    Fault("unauthorized", "account", "401 to every call, nothing was done", status=401),
    Fault("forbidden", "account", "403, nothing was done", status=403),
    Fault("not_found", "answer", "404, nothing was done", status=404, may_reject=True),
    Fault("conflict", "answer", "409, nothing was done", status=409, may_reject=True),
    Fault("too_large", "answer", "413, nothing was done", status=413, may_reject=True),
    Fault("too_many", "busy", "429 with Retry-After, nothing was done", status=429, retry_after=RETRY_AFTER),
    Fault("unavailable", "busy", "503 with Retry-After, nothing was done", status=503, retry_after=RETRY_AFTER),
    Fault("error_before", "answer", "500, nothing was done", status=500),
    Fault("error_after", "answer", "it is done, the answer is 500", reaches=True, status=500),
    Fault("bad_gateway", "answer", "it is done, what stands in front answers 502", reaches=True, status=502),
    Fault("gateway_timeout", "answer", "it is done, what stands in front answers 504", reaches=True, status=504),
    Fault("business_error", "partner", "the partner itself refuses, in its own words that quote a person", may_reject=True),
    Fault("clock_skew", "clock", "our clock and the partner's are a day apart", reaches=True),
    Fault("cancelled_before", "cancel", "the hub ends the call while the partner has done nothing yet"),
    Fault("cancelled_after", "cancel", "the hub ends the call when it is done and no answer came yet", reaches=True),
)
"""Every fault the suite plays, each at each call of a delivery."""

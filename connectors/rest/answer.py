"""What came back from a call, as the table of outcomes sees it: status, and the JSON object or list in the body."""

from __future__ import annotations

import codecs

import orjson

from connectors.outcomes.table import Heard
from hub.wire import Answer
from hub.wire.http import retry_after


def hear(answer: Answer, now: int) -> Heard:
    """Reads an answer; never raises, what cannot be read is said. ``now`` in microseconds."""
    wait = retry_after(answer.headers.get("retry-after"), now)
    if not answer.body.strip():
        return Heard(answer.status, retry_after=wait)
    try:
        body = orjson.loads(answer.body.removeprefix(codecs.BOM_UTF8))  # RFC 8259 lets a reader pass it over
    except ValueError:
        return Heard(answer.status, unreadable=_unreadable(answer, "is no JSON"), retry_after=wait)
    if not isinstance(body, (dict, list)):  # an error page's text is JSON too, if it is a word in quotes
        return Heard(answer.status, unreadable=_unreadable(answer, "is neither an object nor a list"), retry_after=wait)
    return Heard(answer.status, body, retry_after=wait)


def _unreadable(answer: Answer, what: str) -> tuple[str, str]:
    return "unreadable_answer", f"HTTP {answer.status}, and the answer {what}"

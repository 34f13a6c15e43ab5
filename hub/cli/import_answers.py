"""What is said to the door for rows, and what its answers mean: the outcome of a row, and the deliveries that came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from hub.cli.import_journal import Outcome
from hub.errors import Problem
from hub.record_files import FileRecord

_NOT_UTF8 = Problem("", "not_utf8", "the row is not UTF-8", "write it as UTF-8, or send it alone, with `hub send`")
_NUL = Problem("", "nul", "a NUL character (U+0000) is not allowed", "remove it at the source; write UTF-16 as UTF-8")


def request(rows: Sequence[FileRecord]) -> bytes:
    """What the door for rows takes."""
    return orjson.dumps({"rows": [{"place": one.key, "body": one.body.decode()} for one in rows]})


def unreadable(body: bytes) -> Problem | None:
    """Why no request can hold the row; None when one can."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return _NOT_UTF8
    return _NUL if b"\0" in body else None


def judged(answer: Mapping[str, Any]) -> Outcome:
    """What became of the row that the hub answered so."""
    if "problem" in answer:
        problem = answer["problem"]
        told = problem.get("errors") or [{"code": str(problem.get("type", "refused")).rpartition(":")[2]}]
        return Outcome("refused", answer["status"], problems=tuple(told))
    receipt = answer["receipt"]
    kept = receipt.get("state") == "kept"  # also when it was known: it still is
    observed = any(one.get("state") == "conflict" for one in receipt.get("messages", ()))
    word = "kept" if kept else "known" if answer["known"] else str(receipt["state"])
    return Outcome(word, None, receipt.get("arrival"), tuple(receipt.get("reasons") or ()) if kept else (), observed)


def deliveries_of(answer: Mapping[str, Any]) -> Counter[str] | None:
    """How many deliveries came of it, by endpoint; None when it was refused or known."""
    if "problem" in answer or answer["known"]:
        return None
    routes = (route for one in answer["receipt"].get("messages", ()) for route in one.get("routes", ()))
    return Counter(route["endpoint"] for route in routes if route.get("taken"))

"""What must hold of a listener under every fault of a caller: each rule is one sentence, and finds the cases that break it.

A rule compares what the door answered with what is in the hub's store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hub.connector import Listener
from hub.testing.bench import Subject
from hub.testing.caller_runs import ANSWERS_WITHIN, CallerCase

_ID = re.compile(rb"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class CallerRule:
    """``breach`` of a case: why it breaks the rule; None: it does not. ``of``: the kinds of faults it can be told of."""

    name: str
    says: str
    of: tuple[str, ...]
    breach: Callable[[CallerCase], str | None]


def broken_by_callers(rule: CallerRule, cases: Sequence[CallerCase]) -> list[str]:
    """How each case that breaks the rule does."""
    return [f"{one.where}: {why}" for one in cases if one.fault.kind in rule.of and (why := rule.breach(one)) is not None]


def why_not_told(subject: Subject, cases: Sequence[CallerCase]) -> str | None:
    """Why nothing can be told of callers; None: it can."""
    if not issubclass(subject.kind, Listener):
        return "it does not listen"
    return None if cases else "the specimen shows no message that its partner brings (pushes)"


def _words(case: CallerCase) -> str:
    return ", then ".join(case.words)


def _well(case: CallerCase) -> str | None:
    if not all(one is not None and one.taken for one in case.heard):
        return f"it was answered {_words(case)}"
    return None if case.stored else "it was answered as taken, and is not in the store"


def _false_receipt(case: CallerCase) -> str | None:
    first = [one for one in case.heard[: 1 if case.fault.kind in ("away", "again") else None] if one is not None]
    wanted = max(case.wanted, 1) + (case.fault.kind == "part")
    claimed = any(one.taken for one in first) and case.stored < wanted
    claimed = claimed or (any(one is not None and one.taken for one in case.heard) and case.total < wanted)
    return "it was answered as taken, and is not in the store" if claimed else None


def _taken(case: CallerCase) -> str | None:
    if case.stored:
        return f"it was taken ({_words(case)})"
    return None


def _breaks(case: CallerCase) -> str | None:
    if case.fault.name == "called_and_reset":
        return None  # nobody is there to hear an answer
    for one in case.heard:
        if one is None and case.fault.kind not in ("cut", "slow") and case.fault.name != "called_without_end":
            return "no answer came"
        if one is not None and one.status >= 500 and case.fault.kind != "away":
            return f"it was answered {one.status}"
    return None


def _away(case: CallerCase) -> str | None:
    first, again = case.heard[0], case.heard[-1]
    if first is None or (not first.taken and first.status != 429 and first.status < 500):
        return f"while the store was away it was answered {case.words[0]}: the caller would not say it again"
    if first.status == 500:
        return "it was answered 500, as a hub that fails: 503 says that it is to come again"
    if again is None or (not again.taken and not first.taken):
        return f"when the store was back it was answered {case.words[-1]}"
    return None


def _once(case: CallerCase) -> str | None:
    if case.total > case.wanted:
        return f"{case.total} messages are in the store, not {case.wanted}"
    if not all(one is not None and one.taken for one in case.heard):
        return f"it was answered {_words(case)}"
    if case.total < case.wanted:
        return None  # which another rule says
    named = [{one for one in _ID.findall(heard.body) if one.decode() in case.receipts} for heard in case.heard if heard]
    return "the second answer names another receipt" if any(one != named[0] for one in named) else None


def _waits(case: CallerCase) -> str | None:
    if case.seconds > ANSWERS_WITHIN:
        return f"it held on for {ANSWERS_WITHIN:g} s"
    return f"{case.held} requests hold a place that nobody needs" if case.held else None


_ALL = ("none", "cut", "slow", "unreadable", "malformed", "stranger", "type", "part", "away", "again")
CALLER_RULES: tuple[CallerRule, ...] = (
    CallerRule("takes_what_is_pushed", "a message as its partner brings it is answered as taken, and stored", ("none",), _well),
    CallerRule("acknowledges_only_what_is_stored", "what is answered as taken is in the store", _ALL, _false_receipt),
    CallerRule(
        "takes_nothing_half", "a call that breaks off, or cannot be read, is not taken",
        ("cut", "slow", "unreadable", "malformed"), _taken,
    ),
    CallerRule("lets_nobody_else_in", "without a key that may send it, nothing is taken", ("stranger",), _taken),
    CallerRule("breaks_on_no_call", "no call is answered with a failure of the hub, or not at all", _ALL, _breaks),
    CallerRule(
        "says_that_it_cannot_store", "while the store is away a call is answered so that it is made again, and then taken",
        ("away",), _away,
    ),
    CallerRule("takes_the_same_once", "the same message said again is known: stored once, with one receipt", ("again",), _once),
    CallerRule("waits_for_no_caller", "no caller keeps a place in the hub", _ALL, _waits),
)  # fmt: skip

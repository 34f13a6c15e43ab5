"""What must hold of a connector under every fault: each rule is one sentence, and finds the cases that break it.

A rule compares what the connector said with what was so: the partner's own record of its effects, and the calls that passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hub.connector import Receipt
from hub.errors import Transient
from hub.testing.fault_runs import Case
from hub.testing.held_up import HeldUp
from hub.testing.watched_calls import DEADLINE

_HARMLESS = ("wrong_type", "http_1_0", "clock_skew", "unauthorized_once")
"""After these a call may go well in the same attempt."""
_REPEATED_BY_HTTP = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
"""Calls that an HTTP library itself writes again on a fresh connection when a kept one turns out to be dead."""
_ANSWERED = ("answer", "account", "busy")
_UNANSWERED = ("address", "busy")
"""Faults at which the call that was struck has no answer."""
_SLOW_ANSWERS = ("huge_answer",)
"""Faults at which an answer comes at once, but for these."""
_SIGN_IN_AND_AGAIN = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """``breach`` of a case: why it breaks the rule; None: it does not. ``of``: which cases it can be told of."""

    name: str
    says: str
    of: Callable[[Case], bool]
    breach: Callable[[Case], str | None]


def broken(rule: Rule, cases: Sequence[Case]) -> tuple[int, list[str]]:
    """(of how many cases it can be told, how each that breaks it does)."""
    fitting = [one for one in cases if one.struck and rule.of(one)]
    return len(fitting), [f"{one.where}: {why}" for one in fitting if (why := rule.breach(one)) is not None]


def _every(_: Case) -> bool:
    return True


def _sends(case: Case) -> bool:
    return not case.clean.asks


def _asks(case: Case) -> bool:
    return case.clean.asks


def _when(*ends: str) -> Callable[[Case], str | None]:
    return lambda case: f"it said {case.told.word}" if case.told.end in ends else None


def _claims(case: Case) -> str | None:
    if case.told.end == "well" and not isinstance(case.told.value, Receipt):
        return f"it returned {type(case.told.value).__name__}, no Receipt"
    if case.told.end == "well" and case.effects < case.clean.effects:
        return f"it returned a Receipt; the partner was changed {case.effects} times, not {case.clean.effects}"
    if case.ending == "delivered" and case.total < case.clean.effects:
        return f"in the end it passed for delivered; the partner was changed {case.total} times, not {case.clean.effects}"
    return None


def _retries(case: Case) -> str | None:
    if case.method in _REPEATED_BY_HTTP and case.fault.kind == "connection" and case.after <= 1:
        return None
    allowed = _SIGN_IN_AND_AGAIN if case.fault.kind == "account" else 0
    if case.told.end == "well" and case.after and case.fault.name not in _HARMLESS:
        return f"it went on, with {case.after} more calls, and said that all went well"
    if case.told.end != "well" and case.after > allowed:
        return f"{case.after} more calls in the same attempt"
    return None


def _not_connected(case: Case) -> str | None:
    if case.told.end == "not_connected" or (case.effects and case.told.end in ("transient", "in_doubt")):
        return None
    return f"it said {case.told.word}"


def _busy(case: Case) -> str | None:
    error = case.told.error
    if not isinstance(error, Transient):
        return f"it said {case.told.word}"
    if error.retry_after != case.fault.retry_after:
        return f"Transient with retry_after {error.retry_after}, the partner said {case.fault.retry_after}"
    return None


def _doubled(case: Case) -> str | None:
    if case.total <= case.clean.effects:
        return None
    return f"the partner was changed {case.total} times, not {case.clean.effects}: {' → '.join(case.steps)}"


def _stuck(case: Case) -> str | None:
    if case.ending == "never" or (case.ending == "refused" and case.told.end != "rejected"):
        return " → ".join(case.steps)
    return None


def _answers(case: Case) -> str | None:
    clean, again = case.clean.told, case.clean.again
    if case.told.end == "well" and case.fault.kind in _UNANSWERED and not case.after:
        return "it answered though the registry did not"
    if case.told.end != "well" or clean is None or again is None or _agrees(case.told.value, clean.value, again.value):
        return None
    return "it answered other than the registry does"


def _agrees(answer: Any, one: Any, other: Any) -> bool:
    """Whether the answer is as both, but for what differs between the two."""
    if one == other:
        return bool(answer == one)
    if isinstance(answer, dict) and isinstance(one, dict) and answer.keys() == one.keys() == other.keys():
        return all(_agrees(answer[name], one[name], other[name]) for name in one)
    if isinstance(answer, list) and isinstance(one, list) and len(answer) == len(one) == len(other):
        return all(map(_agrees, answer, one, other))
    return isinstance(answer, type(one))


def _not_cancelled(case: Case) -> str | None:
    return None if case.told.end == "cancelled" else f"it said {case.told.word}"


def _refused(case: Case) -> bool:
    """The partner itself refused the call that was to have the effect."""
    return case.fault.kind == "partner" and not case.clean.asks and case.clean.calls[case.position - 1]


def _waits(case: Case) -> str | None:
    told = case.told
    if any(told.slept):
        return f"it slept {sum(told.slept):g} s"
    if told.slept:
        return "it waited in a loop of empty sleeps"
    if told.ran_out and case.fault.kind in _ANSWERED and case.fault.name not in _SLOW_ANSWERS:
        return f"it waited: a timer of {told.ran_out[0]:.2g} s ran out {len(told.ran_out)} times, though an answer was there"
    if isinstance(told.error, HeldUp):
        return told.word
    return None


def _endless(case: Case) -> str | None:
    if case.told.end != "deadline":
        return None
    return f"no end within {DEADLINE:g} s; limits of time are set here by connect_timeout and read_timeout of its settings"


def _untyped(case: Case) -> str | None:
    return next(
        (f"it raised {one.removeprefix('untyped ')}" for one in (case.told.word, *case.steps) if "untyped" in one),
        next((one.removeprefix("asked: ") for one in case.steps if "it returned" in one), None),
    )


RULES: tuple[Rule, ...] = (
    Rule("only_typed_errors", "whatever goes wrong, only a DeliveryError comes out", _every, _untyped),
    Rule(
        "never_denies_an_effect", "what may have taken effect is InDoubt, never Transient, NotConnected or Rejected",
        lambda case: case.effect and case.fault.kind != "cancel", _when("transient", "not_connected", "rejected"),
    ),
    Rule("never_claims_an_effect", "a Receipt, or Found that holds, means that the partner has it", _sends, _claims),
    Rule(
        "not_connected_means_nothing_sent", "NotConnected is said only when nothing reached the partner",
        lambda case: case.fault.kind != "address" and case.fault.name != "reset_on_accept", _when("not_connected"),
    ),
    Rule(
        "nothing_sent_is_not_connected", "no listener, no such host or a false certificate is NotConnected",
        lambda case: case.fault.kind == "address", _not_connected,
    ),
    Rule(
        "never_retries", "after a call that failed it calls no more in the same attempt, but to renew a sign-in",
        lambda case: case.fault.kind not in ("partner", "clock"), _retries,
    ),
    Rule(
        "never_sleeps", "waiting is the engine's work", _every,
        _waits,
    ),
    Rule(
        "follows_no_redirect", "where a partner points elsewhere, nothing is sent there",
        lambda case: case.fault.name.startswith("redirect"), lambda case: "it did" if case.followed else None,
    ),
    Rule(
        "says_when_to_come_back", "429 and 503 are Transient, with the seconds of Retry-After",
        lambda case: case.fault.kind == "busy", _busy,
    ),
    Rule(
        "account_is_not_the_message", "401 and 403 never give up a message",
        lambda case: case.fault.kind == "account", _when("rejected"),
    ),
    Rule(
        "doubts_only_what_is_open", "InDoubt is not said of what the partner refused, or did not let in",
        lambda case: _refused(case) or (_sends(case) and case.fault.kind == "account" and not case.effects), _when("in_doubt"),
    ),
    Rule(
        "gives_up_only_what_was_refused", "Rejected is said only when the partner may mean the message",
        lambda case: not case.fault.may_reject and case.fault.kind != "account", _when("rejected"),
    ),
    Rule("ends_in_time", "no partner keeps a call for ever", lambda case: case.fault.kind != "cancel", _endless),
    Rule(
        "reads_no_endless_answer", "an answer has a limit of size", lambda case: case.fault.name == "huge_answer",
        lambda case: "it read 32 MiB" if case.drained else None,
    ),
    Rule(
        "ends_when_cancelled", "a call that the hub ends, ends",
        lambda case: case.fault.kind == "cancel", _not_cancelled,
    ),
    Rule(
        "once_in_effect", "after any fault, and what the engine does next, the partner has it once",
        lambda case: _sends(case) and case.ending == "delivered" and not case.guessed, _doubled,
    ),
    Rule("comes_through", "after any fault but a refusal, and what the engine does next, the partner has it", _sends, _stuck),
    Rule(
        "answers_only_what_was_answered", "a question without an answer is an error, never an answer or None", _asks, _answers
    ),
    Rule("questions_are_never_in_doubt", "a question changes nothing, so that nothing is in doubt", _asks, _when("in_doubt")),
)  # fmt: skip


def guesses(cases: Sequence[Case]) -> Iterator[str]:
    """The samples that the engine had to send again because the partner could not be asked."""
    yield from dict.fromkeys(one.clean.what for one in cases if one.guessed)

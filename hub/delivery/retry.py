"""What the end of an attempt means: a decision value, never a sleep.

| the connector said        | the message                                             | the endpoint |
|---------------------------|---------------------------------------------------------|--------------|
| accepted                  | delivered                                               | answers      |
| Rejected                  | dead: a business refusal is never retried               | answers      |
| NotConnected              | again later, not counted                                | failed       |
| Transient                 | again later; counted only if the endpoint took others   | failed       |
| InDoubt, or a crash in it | in doubt: the partner is asked, else by route           | failed       |

A Transient counts against the message only when the endpoint took another delivery since this one's last try, so an
outage, however long, exhausts nothing, while a message that alone always fails ends as a dead letter. One that came with a
Retry-After is never counted, and is not tried again before both that time and the policy's own wait are over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_base, wait_exponential, wait_random

from hub.delivery.breaker import SECOND
from hub.errors import DeliveryError, InDoubt, NotConnected, Rejected, Transient

LONGEST_HOLD_SECONDS = 3600.0
"""A partner's Retry-After is believed up to this; afterwards it is asked again."""

Outcome = Literal["delivered", "again", "in_doubt", "dead"]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits grow from ``first_seconds`` by doubling up to ``longest_seconds``, each with up to a fifth of jitter;
    ``attempts`` is how many counted failures a message may have."""

    first_seconds: float = 1.0
    longest_seconds: float = 300.0
    attempts: int = 10

    def wait(self, number: int) -> float:
        """Seconds to wait after try ``number`` (1 for the first): tenacity's strategies decide."""
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = number
        return self._strategy()(state)

    def _strategy(self) -> wait_base:
        backoff = wait_exponential(multiplier=self.first_seconds, max=self.longest_seconds)
        return backoff + wait_random(0, min(self.first_seconds, self.longest_seconds) / 5)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to settle. ``refused``: dead by the partner's own verdict; ``endpoint_failed`` feeds the breaker; ``hold_seconds``
    is the partner's Retry-After."""

    outcome: Outcome
    code: str
    reason: str
    next_at: int | None = None
    counted: bool = False
    endpoint_failed: bool = False
    hold_seconds: float | None = None
    refused: bool = False


def decide(
    error: DeliveryError,
    *,
    policy: RetryPolicy,
    wait: Callable[[int], float],
    number: int,
    counted: int,
    previous_attempt_at: int | None,
    endpoint_success_at: int | None,
    now: int,
) -> Decision:
    """The decision for an attempt that ended in ``error``. ``number`` is this try's, ``counted`` the failures counted
    before it, ``previous_attempt_at`` when the try before it began, ``endpoint_success_at`` when the endpoint last took a
    delivery."""
    later = now + int(wait(number) * SECOND)
    if isinstance(error, Rejected):
        return Decision("dead", error.code, error.reason, refused=True)
    if isinstance(error, InDoubt):
        return Decision("in_doubt", error.code, error.reason, next_at=later, endpoint_failed=True)
    if isinstance(error, NotConnected):
        return Decision("again", error.code, error.reason, next_at=later, endpoint_failed=True)
    if isinstance(error, Transient):
        tried, took_another = previous_attempt_at, endpoint_success_at
        own = tried is not None and took_another is not None and took_another > tried and error.retry_after is None
        if own and counted + 1 >= policy.attempts:
            reason = f"{error.reason} (after {counted + 1} counted tries)".strip()
            return Decision("dead", error.code, reason, endpoint_failed=True)
        hold = None if error.retry_after is None else min(error.retry_after, LONGEST_HOLD_SECONDS)
        if hold is not None:
            later = max(later, now + int(hold * SECOND))
        return Decision("again", error.code, error.reason, later, own, endpoint_failed=True, hold_seconds=hold)
    raise TypeError(f"a connector raised {type(error).__name__}, which says nothing about the delivery")

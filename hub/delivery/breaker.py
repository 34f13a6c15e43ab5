"""Whether an endpoint may be called now: a circuit breaker, a hold the partner asked for, and a rate. Pure; time is given.

Failures here are the endpoint's (unreachable, "not now", in doubt), never a message's: an outage opens the breaker and
makes no dead letters.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Open after ``failures`` in a row, for ``open_seconds`` doubling up to ``longest_seconds`` while probes fail."""

    failures: int = 5
    open_seconds: float = 5.0
    longest_seconds: float = 60.0


@dataclass(slots=True)
class Breaker:
    """Closed, open until a time, or half open (one probe under way)."""

    policy: BreakerPolicy
    failed: int = 0
    opened_times: int = 0
    open_until: int | None = None
    probing: bool = False
    last_success_at: int | None = None
    held_until: int = 0

    @property
    def is_open(self) -> bool:
        return self.open_until is not None

    def allowance(self, now: int, wanted: int) -> int:
        """How many new attempts may begin now: all that are wanted, one probe, or none."""
        if now < self.held_until:
            return 0
        if self.open_until is None:
            return wanted
        if now < self.open_until or self.probing:
            return 0
        return min(1, wanted)

    def next_change(self, now: int) -> int | None:
        """When waiting could end: the hold or the open period runs out. None when nothing is waited for."""
        times = [t for t in (self.held_until, self.open_until or 0) if t > now]
        return max(times) if times else None

    def began(self) -> bool:
        """An attempt begins; the first one after an open period is the probe (True)."""
        if self.open_until is not None:
            self.probing = True
        return self.probing

    def succeeded(self, now: int) -> None:
        """The partner answered, be it with a refusal: it is there."""
        self.last_success_at = now
        self.failed, self.opened_times, self.open_until, self.probing = 0, 0, None, False

    def answered(self) -> None:
        """A question was answered, or no call was made: that says nothing about whether deliveries are taken."""
        self.probing = False

    def failure(self, now: int) -> None:
        """The endpoint could not take a call."""
        self.failed += 1
        if self.probing or (self.open_until is None and self.failed >= self.policy.failures):
            seconds = min(self.policy.open_seconds * 2**self.opened_times, self.policy.longest_seconds)
            self.open_until = now + int(seconds * SECOND)
            self.opened_times += 1
            self.probing = False

    def hold(self, now: int, seconds: float) -> None:
        """The partner said when to come back (Retry-After)."""
        self.held_until = max(self.held_until, now + int(seconds * SECOND))


@dataclass(slots=True)
class Rate:
    """At most ``per_second`` new deliveries a second, with a burst of one second's worth. None: no limit."""

    per_second: float | None
    _tokens: float = field(default=0.0, init=False)
    _seen_at: int | None = field(default=None, init=False)

    def available(self, now: int, wanted: int) -> int:
        """How many may begin now."""
        if self.per_second is None:
            return wanted
        most = max(1.0, self.per_second)
        passed = most if self._seen_at is None else (now - self._seen_at) / SECOND * self.per_second
        self._tokens = min(most, self._tokens + max(0.0, passed))
        self._seen_at = now
        return min(wanted, int(self._tokens))

    def take(self, count: int) -> None:
        if self.per_second is not None:
            self._tokens -= count

    def next_change(self, now: int) -> int | None:
        """When the next one may begin; None when one may begin now."""
        if self.per_second is None or self._tokens >= 1:
            return None
        return now + int((1 - self._tokens) / self.per_second * SECOND) + 1

"""Carries a simulator's calls out on HTTP, with the faults its rules decide: late, cut off, held, never answered."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from hub.testing.faults import Call, Decision, FaultRule, FaultRules

_HTML = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_KEPT_CALLS = 200_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the partner would say, already on the wire's form; ``effect`` is True when its memory changed."""

    body: bytes
    outcome: str
    effect: bool = False
    status: int = 200
    error_code: int | str | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        return web.Response(
            body=self.body, status=self.status, content_type=self.content_type, charset="utf-8", headers=self.headers
        )


@dataclass(slots=True)
class Held:
    """A call that waits for ``POST /_control/release``."""

    entry: dict[str, Any]
    rule: FaultRule
    request: web.Request
    released: asyncio.Future[str]

    def as_dict(self) -> dict[str, Any]:
        gone = self.request.transport is None or self.request.transport.is_closing()
        told = {"id": self.entry["seq"], "service": self.entry["service"], "codes": self.entry["codes"]}
        return {**told, "effect": self.rule.effect, "effect_done": self.entry["effect"], "caller_gone": gone}


class CallLog:
    """The calls of this process in order of arrival, newest 200,000; codes and outcomes, never bodies."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT_CALLS)
        self._last = 0

    def begin(self, service: str, codes: Iterable[str] = (), **more: Any) -> dict[str, Any]:
        """Notes an arrival; its outcome is filled in when it is known."""
        self._last += 1
        entry = {"seq": self._last, "service": service, "outcome": "pending", "fault": "", "effect": False}
        entry |= {"error_code": None, "http": None, "codes": list(codes), **more}
        self._entries.append(entry)
        return entry

    def as_list(self, since: int = 0, service: str | None = None) -> list[dict[str, Any]]:
        """Entries with a seq above ``since``, of one service if named."""
        return [e for e in self._entries if e["seq"] > since and service in (None, e["service"])]


class FaultPlayer:
    """Plays each call of one simulator: effect and answer as usual, or as the rule that strikes it says."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self.rules = FaultRules(rules)
        self._held: dict[int, Held] = {}
        self._held_changed = asyncio.Event()
        self._closing = asyncio.Event()

    async def play(
        self,
        request: web.Request,
        call: Call,
        entry: dict[str, Any],
        perform: Callable[[Decision], Answer | Awaitable[Answer]],
        expire: Callable[[], Answer],
    ) -> web.StreamResponse:
        """``perform`` makes the effect and the answer in one step, or waits for another who does; ``expire`` ends the caller's
        session instead.

        ``entry`` is the call's line in the CallLog; the outcome is written there: the answer's own word, or the name
        of the fault when the caller did not get that answer.
        """
        decision = self.rules.decide(call)
        rule = decision.rule
        if rule is None:
            return _told(entry, await _made(perform(decision)))
        entry["fault"] = rule.fault
        match rule.fault:
            case "http_503" | "http_429" | "html_500" | "html_200":
                return _told(entry, _broken(rule))
            case "session_expired":
                return _told(entry, expire())
            case "slow":
                return await self._slowly(entry, rule, lambda: perform(decision))
            case "hold":
                return await self._hold(request, entry, rule, lambda: perform(decision))
        answer = None if rule.fault in ("timeout_before", "reset_before") else await _made(perform(decision))
        entry |= {"outcome": rule.fault, "effect": bool(answer and answer.effect)}
        if rule.fault == "half_answer" and answer is not None:
            return await _half(request, answer)
        if rule.fault in ("timeout_before", "timeout_after"):
            await self._closing.wait()
        _reset(request)
        return web.Response()

    async def _slowly(
        self, entry: dict[str, Any], rule: FaultRule, perform: Callable[[], Answer | Awaitable[Answer]]
    ) -> web.Response:
        answer = await _made(perform()) if rule.effect == "before" else None
        entry["effect"] = bool(answer and answer.effect)
        try:
            await asyncio.wait_for(self._closing.wait(), rule.seconds)
        except TimeoutError:
            return _told(entry, answer or await _made(perform()))
        return _told(entry, answer or _broken(rule))

    async def _hold(
        self, request: web.Request, entry: dict[str, Any], rule: FaultRule, perform: Callable[[], Answer | Awaitable[Answer]]
    ) -> web.Response:
        answer = await _made(perform()) if rule.effect == "before" else None
        entry |= {"outcome": "held", "effect": bool(answer and answer.effect)}
        held = Held(entry, rule, request, asyncio.get_running_loop().create_future())
        self._held[entry["seq"]] = held
        self._held_changed.set()
        try:
            how = "drop" if self._closing.is_set() else await held.released
        finally:
            self._held.pop(entry["seq"], None)
        if how == "drop":
            entry["outcome"] = "dropped"
            _reset(request)
            return web.Response()
        return _told(entry, answer or await _made(perform()))

    def release(self, how: Literal["go", "drop"] = "go", call_id: int | None = None) -> list[int]:
        """Lets held calls (or one) go on, or drops them: no further effect, connection reset. Returns their ids."""
        chosen = [held for seq, held in self._held.items() if call_id in (None, seq) and not held.released.done()]
        for held in chosen:
            held.released.set_result(how)
        return [held.entry["seq"] for held in chosen]

    def held(self) -> list[dict[str, Any]]:
        """The calls that wait now, oldest first."""
        return [held.as_dict() for held in self._held.values() if not held.released.done()]

    async def wait_held(self, count: int, seconds: float) -> list[dict[str, Any]]:
        """Returns as soon as that many calls are held, or what is held when the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self.held()) < count:
                    self._held_changed.clear()
                    await self._held_changed.wait()
        return self.held()

    def close(self) -> None:
        """Ends every wait without an effect, so that the server can stop."""
        self._closing.set()
        self.release("drop")


async def _made(answer: Answer | Awaitable[Answer]) -> Answer:
    return answer if isinstance(answer, Answer) else await answer


def _told(entry: dict[str, Any], answer: Answer) -> web.Response:
    entry |= {"outcome": answer.outcome, "error_code": answer.error_code, "http": answer.status}
    entry["effect"] = entry["effect"] or answer.effect
    return answer.response()


def _broken(rule: FaultRule) -> Answer:
    """An answer of something in front of the partner, not of the partner itself: HTML, or 429 with a hint when."""
    status, title = {
        "http_503": (503, "503 Service Unavailable"),
        "http_429": (429, "429 Too Many Requests"),
        "html_200": (200, "Hệ thống đang bảo trì"),
    }.get(rule.fault, (500, "500 Internal Server Error"))
    wait = 1 if rule.fault == "http_429" and rule.seconds is None else rule.seconds
    headers = {"Retry-After": f"{wait:g}"} if status in (503, 429) and wait is not None else {}
    return Answer(_HTML.format(title).encode(), rule.fault, status=status, content_type="text/html", headers=headers)


async def _half(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Promises the whole body, sends the first half and hangs up."""
    response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _reset(request: web.Request) -> None:
    """Closes the connection with a TCP reset (SO_LINGER 0), not an orderly end."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        with socket.socket(fileno=os.dup(raw.fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

"""SignIn: one renewal at a time, shared by everyone who needs it."""

from __future__ import annotations

import asyncio

import pytest

from hub.errors import Transient
from hub.wire import SignIn


class Desk:
    """Issues numbered tokens; ``gate`` holds a renewal open, ``refuse`` makes it fail."""

    def __init__(self) -> None:
        self.renewals = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.refuse = False

    async def renew(self) -> str:
        self.renewals += 1
        number = self.renewals
        await self.gate.wait()
        if self.refuse:
            raise Transient("sign_in", "refused")
        return f"token-{number}"


async def test_a_hundred_callers_share_one_renewal() -> None:
    """All callers of a cold start get the token of the same renewal, and later ones the cached token."""
    desk = Desk()
    desk.gate.clear()
    sign_in = SignIn(desk.renew)
    waiting = [asyncio.create_task(sign_in.token()) for _ in range(100)]
    await asyncio.sleep(0)
    desk.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"token-1"}
    assert await sign_in.token() == "token-1"
    assert desk.renewals == 1


async def test_only_the_token_that_failed_is_invalidated() -> None:
    """A slow call that failed with the old token does not throw away the new one."""
    desk = Desk()
    sign_in = SignIn(desk.renew)
    old = await sign_in.token()
    sign_in.invalidate(old)
    assert await sign_in.token() == "token-2"
    sign_in.invalidate(old)
    assert await sign_in.token() == "token-2"
    assert desk.renewals == 2


async def test_a_refusal_reaches_all_who_waited_and_the_next_caller_tries_afresh() -> None:
    """One refused renewal is one call at the partner, however many waited for it."""
    desk = Desk()
    desk.refuse = True
    desk.gate.clear()
    sign_in = SignIn(desk.renew)
    waiting = [asyncio.create_task(sign_in.token()) for _ in range(5)]
    await asyncio.sleep(0)
    desk.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(o) for o in outcomes] == [Transient] * 5
    assert desk.renewals == 1
    desk.refuse = False
    assert await sign_in.token() == "token-2"


async def test_a_cancelled_caller_does_not_cancel_the_renewal_of_others() -> None:
    """The first caller started the renewal; its cancellation is its own affair."""
    desk = Desk()
    desk.gate.clear()
    sign_in = SignIn(desk.renew)
    first, second = asyncio.create_task(sign_in.token()), asyncio.create_task(sign_in.token())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    desk.gate.set()
    assert await second == "token-1"
    assert first.cancelled()


@pytest.mark.parametrize("turns", [1, 2])
async def test_close_stops_a_renewal_and_forgets_the_token(turns: int) -> None:
    """After close nothing is left running, also when the renewal had not begun, and the next use signs in again."""
    desk = Desk()
    sign_in = SignIn(desk.renew)
    await sign_in.token()
    await sign_in.close()
    desk.gate.clear()
    waiting = asyncio.create_task(sign_in.token())
    for _ in range(turns):
        await asyncio.sleep(0)
    await sign_in.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    desk.gate.set()
    assert await sign_in.token() == f"token-{turns + 1}"


async def test_the_token_is_not_shown() -> None:
    """A log line that prints the object does not print the token."""
    sign_in = SignIn(Desk().renew)
    token = await sign_in.token()
    assert token not in repr(sign_in)

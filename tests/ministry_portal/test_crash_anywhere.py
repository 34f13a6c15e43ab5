"""The hub dies at each await of a creation, before and after what is awaited took effect: one dossier there, under one code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from connectors.ministry_portal.connector import MinistryPortal
from hub.connector import Receipt
from hub.message import Message
from ministry_portal.parts import CREATE, NEXT, UPLOAD, Crashed, InMemory, Try, connected, dossier, simulated

POINTS = 12
"""Before and after each: the code asked for and remembered, the file sent and remembered, the create remembered and called."""


class Dies:
    """Ends the process at the ``at``-th point that it passes: even ones before the effect, odd ones after it."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.where: str | None = None

    async def passes(self, name: str, act: Callable[[], Awaitable[Any]]) -> Any:
        self._point(f"before {name}")
        result = await act()
        self._point(f"after {name}")
        return result

    def _point(self, name: str) -> None:
        self.left -= 1
        if self.left == -1:
            self.where = name
            raise Crashed


class Mortal(Try):
    """An attempt of a hub that dies."""

    dies = Dies(-1)

    async def remember(self, key: str, value: Any, *, issued: Mapping[str, str] | None = None) -> None:
        await self.dies.passes(f"remember {key}", lambda: Try.remember(self, key, value, issued=issued))

    def next(self) -> Mortal:
        later = Mortal(self.number + 1, True, self.known_ids)
        later.remembered = dict(self.remembered)
        return later


async def lives(it: MinistryPortal, message: Message, *deaths: Dies) -> tuple[Receipt, Mortal]:
    """The delivery as the engine goes on with it: an attempt that was left is asked about, then made again."""
    honest, attempt = it._exchange._http.call, Mortal()
    for dies in (*deaths, Dies(-1)):
        attempt.dies = dies

        async def call(method: str, url: str, dies: Dies = dies, **more: Any) -> Any:
            return await dies.passes(url.rpartition("/")[2], lambda: honest(method, url, **more))

        it._exchange._http.call = call  # type: ignore[method-assign]
        try:
            return await it.send(message, attempt), attempt
        except Crashed:
            it._exchange._http.call = honest  # type: ignore[method-assign]
            found = await it.find(message, attempt)
            assert found is not None
            attempt = attempt.next()
    raise AssertionError("it never came to an end")


@pytest.mark.parametrize("at", range(POINTS + 1))
async def test_one_dossier_and_one_code_wherever_it_dies(at: int) -> None:
    """The one exception is said in the README: the answer to GetNextValue lost, so that a code is used up and never used."""
    files = InMemory()
    message = dossier(files.add(b"content"))
    async with simulated(required_create=["MaHoSo"]) as portal, connected(portal.url, files) as it:
        dies = Dies(at)
        receipt, attempt = await lives(it, message, dies)
        there = await portal.state()
        ((code, _),) = there["dossiers"].items()
        assert receipt.ids["ministry"] == attempt.known_ids["ministry"] == code
        lost_code = dies.where in (f"after {NEXT}", "before remember code")
        assert len(there["issued"]) == (2 if lost_code else 1), dies.where
        assert len(await portal.calls(CREATE)) <= 2 and len(await portal.calls(UPLOAD)) <= 2
        assert (dies.where is None) is (at >= POINTS)

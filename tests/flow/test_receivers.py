"""Connectors that bring messages in: one that dies is seen, on readiness and in the log; one that is done is not missed."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import pytest

from flow.parts import MovableClock, Scripted, make_home, running, told, until
from hub.app import Hub
from hub.connector import Accept
from hub.message import Arrival, SchemaRef, new_id
from hub.observe import logging


class Receiving(Scripted):
    """A connector whose receiving the test writes."""

    plays: ClassVar[Callable[[Accept], Awaitable[None]]]

    async def receive(self, accept: Accept) -> None:
        await type(self).plays(accept)


def played(plays: Callable[[Accept], Awaitable[None]]) -> type[Receiving]:
    return type("Played", (Receiving,), {"plays": staticmethod(plays)})


async def readiness(hub: Hub) -> tuple[int, str | None]:
    """The status, and the reason where it is not ready."""
    url = f"http://127.0.0.1:{hub.port}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/health/ready") as answer:
            said = (answer.status, (await answer.json(content_type=None)).get("reason"))
        async with session.get(f"{url}/metrics") as answer:
            assert f"\nhub_ready {float(said[0] == 200)}\n" in await answer.text()
    return said


async def breaks(accept: Accept) -> None:
    raise ValueError("a number of a person: 079123456789")


async def gives_itself_up(accept: Accept) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("plays", [breaks, gives_itself_up])
async def test_one_that_dies_is_seen(tmp_path: Path, plays: Callable[[Accept], Awaitable[None]]) -> None:
    """The hub is not ready any more, says of which endpoint, and nothing that the error said of a person."""
    logged = io.BytesIO()
    logging.configure(logged, process=False)
    try:
        async with running(make_home(tmp_path / "home"), MovableClock(), played(plays)) as (hub, _):
            await until(lambda: b"receiver_died" in logged.getvalue())
            assert await readiness(hub) == (503, "receiver_stopped")
    finally:
        logging.configure(None, process=False)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    (died,) = [one for one in lines if one["event"] == "receiver_died"]
    assert (died["level"], died["endpoint"]) == ("error", "portal")
    assert b"079123456789" not in logged.getvalue()


async def test_one_that_is_done_is_not_missed(tmp_path: Path) -> None:
    """It brought what there was, and returned; or it goes on for ever, until the hub stops."""
    story = told()[0]
    done = asyncio.Event()

    async def brings(accept: Accept) -> None:
        body = json.dumps(story.records[0]).encode()
        schema = SchemaRef.parse("opencps-dossier@1")
        await accept(Arrival(new_id(), "one-stop", schema, body, MovableClock()(), "0" * 32), checkpoint="a:1", keep=True)
        done.set()

    async def goes_on(accept: Accept) -> None:
        done.set()
        await asyncio.Event().wait()

    logged: Any = io.BytesIO()
    logging.configure(logged, process=False)
    try:
        for name, plays in (("done", brings), ("on", goes_on)):
            done.clear()
            async with running(make_home(tmp_path / name), MovableClock(), played(plays)) as (hub, _):
                await done.wait()
                assert await readiness(hub) == (200, None)
    finally:
        logging.configure(None, process=False)
    assert b"receiver_died" not in logged.getvalue()

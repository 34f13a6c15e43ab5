"""What the ministry itself tells of a dossier, by feed or push, stands in the ledger beside what it was sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hub.app import Hub
from ministry_portal.home import LOCAL, OWN, at_rest, item, look, post, record, take, until
from ministry_portal.parts import Portal
from ministry_portal.test_feed import STEP, fed, key_of

Tell = Callable[..., Awaitable[None]]
FEED = ("ministry-feed-dossier", "ministry-feed-progress")


def teller(way: str, hub: Hub, portal: Portal, key: str) -> Tell:
    """The ministry tells an item, and it was asked for or taken."""

    async def by_feed(one: dict[str, Any]) -> None:
        await portal.feed(one)
        asked = len(await portal.calls("feed"))

        async def read() -> bool:  # the second question after it carries the cursor behind it
            return len(await portal.calls("feed")) > asked + 1

        await until(read)

    async def by_push(one: dict[str, Any]) -> None:
        assert (await post(hub, "/ministry/feed", one, Authorization=f"Bearer {key}"))[0] == 200

    return by_feed if way == "feed" else by_push


async def cells(hub: Hub, code: str, key: str) -> dict[str, dict[str, Any]]:
    """The ministry's cells of the dossier by kind, as the hub's own door shows them to the key's sender."""
    url = f"http://127.0.0.1:{hub.port}/v1/dossiers/{code}"
    async with aiohttp.ClientSession(headers={"X-API-Key": key}) as session, session.get(url) as answer:
        found = await answer.json()
    return {one["stream"]: one for one in found["ledger"] if one["endpoint"] == "ministry"}


def heard(cell: dict[str, Any]) -> tuple[Any, ...]:
    return cell.get("sent_seq"), cell.get("heard_seq"), cell.get("ahead", False)


@pytest.mark.parametrize("way", ["feed", "push"])
async def test_what_it_told_stands_beside_what_it_was_sent(tmp_path: Path, way: str) -> None:
    """Sent and then told; a repetition changes nothing; neither does our next send; an older state does not take its place,
    a newer one does."""
    async with fed(tmp_path) as (hub, home, portal):
        key = await key_of(hub, *FEED)
        tell = teller(way, hub, portal, key)
        await take(hub, "portal-dossier@1", record("2"))
        await at_rest(home)
        ((code,),) = look(home, "select code from aliases where system = 'ministry'")

        await tell(item(4, "2026-11-25 08:00:00", code=code))
        first = (await cells(hub, LOCAL, key))["dossier"]
        assert heard(first) == (1, 2, True)
        ((told, at),) = look(home, "select id, accepted_at from messages where origin = 'ministry'")
        assert first["heard_message"] == told and first["heard_at"].startswith("20") and at > 0

        await tell(item(4, "2026-11-25 08:00:00", code=code))
        assert (await cells(hub, LOCAL, key))["dossier"] == first

        await take(hub, "portal-dossier@1", record("4"))
        await at_rest(home)
        sent = (await cells(hub, LOCAL, key))["dossier"]
        assert heard(sent) == (3, 2, False) and "behind" not in sent
        assert {name: sent[name] for name in sent if "heard" in name} == {
            name: first[name] for name in first if "heard" in name
        }

        await tell(item(2, "2026-11-24 08:00:00", code=code))
        assert look(home, "select count(*) from messages where origin = 'ministry'") == [(2,)]
        assert (await cells(hub, LOCAL, key))["dossier"] == sent

        await tell(item(9, "2026-11-26 08:00:00", code=code))
        assert heard((await cells(hub, LOCAL, key))["dossier"]) == (3, 5, True)
        assert await hub.store.rebuild_ledger() == 0


@pytest.mark.parametrize("way", ["feed", "push"])
async def test_one_that_it_only_told_of_was_sent_nothing(tmp_path: Path, way: str) -> None:
    """States and steps of a dossier that the ministry owns: heard, and neither routed, open nor behind. A step that comes again
    with the next state is the one that was told."""
    async with fed(tmp_path) as (hub, home, portal):
        key = await key_of(hub, *FEED)
        tell = teller(way, hub, portal, key)
        await tell(item(4, "2026-11-25 08:00:00", TienTrinh=[STEP]))
        found = await cells(hub, OWN, key)
        assert {stream: (heard(one), one["open"], one["dead"]) for stream, one in found.items()} == {
            "dossier": ((None, 1, True), 0, 0), "dossier-progress": ((None, 2, True), 0, 0),
        }  # fmt: skip
        assert not any("routed_seq" in one or "behind" in one for one in found.values())
        await tell(item(9, "2026-11-26 08:00:00", TienTrinh=[STEP]))
        again = await cells(hub, OWN, key)
        assert again["dossier-progress"] == found["dossier-progress"] and heard(again["dossier"]) == (None, 3, True)
        assert look(home, "select count(*) from deliveries") == [(0,)]
        assert await hub.store.rebuild_ledger() == 0

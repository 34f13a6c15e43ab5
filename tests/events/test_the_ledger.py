"""An outside consumer rebuilds, from the event stream alone, the ledger that the hub shows."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from flow.parts import CONFIG, MADE, Asked, MovableClock, make_home, send, settled, told
from kafka.broker import Broker, Given
from kafka.parts import make_topic
from seams.http_door import request

from events.listener import Listener
from events.parts import Document, Follower, beside_partners, described, following, new_topic, shell, with_stream
from events.store_stream import cells
from hub.app import Hub
from hub.connector import Found, Receipt
from hub.errors import InDoubt, Rejected
from hub.message import Arrival, SchemaRef, new_id

CANARY = "Nguyễn Thị Canary"
NUMBER = "001199112233"
PERSON = ("CANARY", "Canary", NUMBER)
"""What no event may say."""
TEXTS = (
    "applicantName", "address", "contactName", "dossierNote", "briefNote", "submissionNote", "applicantNote", "delegateName",
    "stepName", "userNote",
)  # fmt: skip


def planted(record: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The record with a canary in every text about persons."""
    texts = {name: f"{CANARY} {record[name]}" for name in TEXTS if isinstance(record.get(name), str)}
    return {**record, **texts, "applicantIdNo": NUMBER, "contactTelNo": NUMBER, "contactEmail": "Canary@example.vn", **more}


class Played:
    """Everything that can happen to dossiers, once, in a running hub; ``codes`` are those of the dossiers."""

    def __init__(self, hub: Hub, clock: MovableClock) -> None:
        self.hub, self.clock = hub, clock
        self.portal: Any = MADE["portal"]
        self.stories = told(8)
        self.codes = [one.code for one in self.stories]

    async def send(self, story: int, record: int, **more: Any) -> Any:
        return await send(self.hub, planted(self.stories[story].records[record], **more), self.clock)

    async def dead(self) -> list[Any]:
        await settled(self.hub)
        return [one for one in await self.hub.store.dead() if one["kind"] == "delivery"]

    async def all(self, home: Path) -> None:
        """Delivered with names learned late; dead, replayed, discarded; healed; in doubt; kept; late; told; erased."""
        why = f"because of {CANARY}"
        self.portal.script = lambda message, attempt: Receipt(ids={"portal": f"P-{message.dossier_id}"})
        for record in range(3):
            await self.send(0, record)
        await self.send(7, 0)
        await settled(self.hub)
        self.portal.script = lambda message, attempt: Rejected("E7", f"{CANARY} is not known")
        await self.send(1, 0)
        for one in await self.dead():
            await asyncio.to_thread(shell, home, "dead", "discard", one["delivery"], "--why", why)
        await self.send(2, 0)
        letters = await self.dead()
        self.portal.script = lambda message, attempt: Receipt()
        for _ in range(3):
            for one in letters:
                await asyncio.to_thread(shell, home, "dead", "replay", one["delivery"], "--why", why)
            letters = await self.dead()
        doubts: list[str] = []

        def doubtful(message: Any, attempt: Any) -> Any:
            doubts.append(message.id)
            return InDoubt("no_answer", CANARY) if doubts.count(message.id) == 1 else Receipt()

        self.portal.script, self.portal.answer = doubtful, Found(False)
        await self.send(3, 0)
        await settled(self.hub)
        self.portal.script = lambda message, attempt: (
            Rejected("E8", CANARY) if message.schema.id == "npsp-dossier" else Receipt()
        )
        await self.send(4, 0)
        await settled(self.hub)
        self.portal.script = lambda message, attempt: Receipt()
        await self.send(4, 1)  # heals the dead state before it
        await self.send(4, 0, modifiedDate="20/11/2020 08:00:00")
        kept = await self.send(5, 0, modifiedDate="20/11/2199 08:00:00")
        behind = await self.send(5, 1)
        assert kept["state"] == behind["state"] == "kept"
        await asyncio.to_thread(
            shell, home, "dead", "discard", kept["arrival"], "--why", why
        )  # what waited behind it is translated again
        await self.from_the_portal()
        await settled(self.hub)
        await asyncio.to_thread(shell, home, "purge", "--dossier", self.codes[7], "--why", why)

    async def from_the_portal(self) -> None:
        """The partner tells something of a dossier that came from elsewhere, and of one that it alone knows."""
        for story in (0, 6):
            body = json.dumps(planted(self.stories[story].records[-1])).encode()
            arrival = Arrival(
                id=new_id(), sender="portal", schema=SchemaRef.parse("opencps-dossier@1"), body=body, origin="portal",
                received_at=self.clock(), correlation_id=new_id().replace("-", ""),
            )  # fmt: skip
            await self.hub.intake.accept(arrival)


def by_http(hub: Hub, key: str, code: str) -> Any:
    answer = request("GET", f"http://127.0.0.1:{hub.port}/v1/dossiers/{code}", headers={"Authorization": f"Bearer {key}"})
    return answer.body if answer.status == 200 else None


async def same(played: Played, follower: Follower, home: Path) -> None:
    """The listener comes to know what the hub shows by its API and its shell."""
    hub, listener = played.hub, follower.listener
    key = (await asyncio.to_thread(shell, home, "key", "new", "one-stop", "--schema", "*"))["key"]

    def traced() -> dict[str, Any]:
        return {code: shell(home, "trace", code) for code in played.codes}

    def equal() -> bool:
        if not listener.erased:
            return False
        found = traced()
        return all(listener.ledger(one["dossier"]) == cells(one["ledger"]) for one in found.values())

    await asyncio.to_thread(follower.until, equal)
    told_by_api = 0
    for code, trace in (await asyncio.to_thread(traced)).items():
        assert listener.codes[trace["dossier"]] == {(one["system"], one["code"]) for one in trace["aliases"]}, code
        assert listener.dossier("national", code) == trace["dossier"]
        found = await asyncio.to_thread(by_http, hub, key, code)
        if found is not None:
            told_by_api += 1
            assert cells(found["ledger"]) == listener.ledger(found["dossier"]), code
    assert told_by_api >= 6


SEEN: set[str] = set()
"""Types of events that this module's tests saw."""


async def played_and_heard(address: str, topic: str, folder: Path) -> Follower:
    """A hub on this cluster lives through everything; the listener knows it. Its records, held against the document."""
    home = make_home(folder / "home", CONFIG)
    with_stream(home, address, topic)
    clock = MovableClock()
    with following(address, topic, Document(described())) as follower:
        async with beside_partners(home, clock, Asked) as hub:
            played = Played(hub, clock)
            await played.all(home)
            await same(played, follower, home)
            ledger = follower.listener.cells
            assert any("heard_seq" in cell for one in ledger.values() for cell in one.values())
        SEEN.update(follower.listener.heard)
        return follower


async def test_on_a_simulated_cluster(mock_cluster: str, tmp_path: Path) -> None:
    """Everywhere: all kinds of happenings, and not a word of a person in any record."""
    follower = await played_and_heard(mock_cluster, new_topic(mock_cluster), tmp_path)
    said = follower.text()
    assert not [one for one in PERSON if one in said]
    assert {one.removeprefix("dossier-hub.") for one in Document(described()).kinds} == SEEN
    anew = Listener().listen(follower.records)
    again = Listener().listen([*follower.records, *follower.records])
    assert again.cells == anew.cells and again.skipped == anew.skipped + len(follower.records)


async def test_on_apache_kafka(broker: Broker | Given, tmp_path: Path) -> None:
    """The same on the real thing."""
    follower = await played_and_heard(broker.address, make_topic(broker.admin), tmp_path)
    assert follower.listener.heard["ledger.changed"] > 20

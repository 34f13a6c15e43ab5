"""What a dossier's messages do on their way: order, healing, ownership, aliases, back-fill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flow.parts import CONFIG, MovableClock, Scripted, make_home, running, send, settled, told, until
from hub.assembly import assemble
from hub.connector import Receipt, Sender
from hub.errors import IdConflict, Rejected, UnknownSchema
from hub.ledger.backfill import backfill
from hub.message import SchemaRef

OPENCPS = "schema: opencps-dossier@1, becomes: [dossier@1, dossier-progress@1]"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


async def test_every_state_and_step_reaches_the_partner_in_order(home: Path) -> None:
    """Dossier and progress of each record arrive alternately, oldest first, whatever the concurrency."""
    clock = MovableClock()
    async with running(home, clock) as (hub, portal):
        told_stories = told(5)
        for index in range(max(len(story.records) for story in told_stories)):
            for story in told_stories:
                if index < len(story.records):
                    await send(hub, story.records[index], clock)
        await settled(hub)
        for story in told_stories:
            streams = ["npsp-dossier", "npsp-progress"] * len(story.records)
            assert portal.sent(story.code) == list(zip(streams, range(1, len(streams) + 1), strict=True))


async def test_an_update_that_comes_before_its_creation_wins(home: Path) -> None:
    """An older full state that arrives late is stored and superseded; its processing step is still delivered."""
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, portal):
        late, early = story.records[1], story.records[0]
        assert (await send(hub, late, clock))["state"] == "accepted"
        receipt = await send(hub, early, clock)
        assert [message["state"] for message in receipt["messages"]] == ["superseded", "routed"]
        await settled(hub)
        assert [schema for schema, _ in portal.sent(story.code)] == ["npsp-dossier", "npsp-progress", "npsp-progress"]
        assert len([call for call in portal.calls if call.schema.id == "npsp-dossier"]) == 1


async def test_another_senders_message_is_an_observation(home: Path) -> None:
    """The first sender owns the dossier; what a second one says of it is kept, flagged, and not fanned out."""
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, portal):
        await send(hub, story.records[0], clock)
        receipt = await send(hub, story.records[1], clock, sender="land-office")
        assert {message["state"] for message in receipt["messages"]} == {"conflict"}
        await settled(hub)
        assert len(portal.sent(story.code)) == 2
        timeline = (await hub.store.dossier(story.code))["timeline"]
        assert [event["state"] for event in timeline if event["event"] == "message"].count("conflict") == 2


async def test_configuration_names_the_owner(tmp_path: Path) -> None:
    """Codes that begin as configured belong to the named sender, whoever sends first."""
    home = make_home(tmp_path / "home", CONFIG + 'owners: { "000.00.10.H22-": one-stop }\n')
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, portal):
        early = await send(hub, story.records[0], clock, sender="land-office")
        assert {message["state"] for message in early["messages"]} == {"conflict"}
        await send(hub, story.records[1], clock)
        await settled(hub)
        assert len(portal.sent(story.code)) == 2


async def test_an_alias_learned_from_an_answer_is_known_to_those_that_wait(home: Path) -> None:
    """The partner's own id, issued with the first answer, is among the known ids of the next attempt in the lane."""
    clock = MovableClock()
    story = told(1)[0]

    def issue(message: Any, attempt: Any) -> Receipt:
        return Receipt(ids={"portal": f"P-{story.code}"})

    async with running(home, clock) as (hub, portal):
        portal.script = issue
        for record in story.records[:2]:
            await send(hub, record, clock)
        await settled(hub)
        assert "portal" not in portal.attempts[0].known_ids
        assert all(attempt.known_ids["portal"] == f"P-{story.code}" for attempt in portal.attempts[1:])
        assert (await hub.store.dossier(f"P-{story.code}"))["dossier"] == (await hub.store.dossier(story.code))["dossier"]


async def test_a_dossier_without_a_code_waits_for_it_and_is_one_dossier(home: Path) -> None:
    """Before the source has a national code nothing can be sent; when it comes, it names the same dossier."""
    clock = MovableClock()
    story = told(1)[0]
    unnumbered = {**story.records[0], "dossierNo": ""}
    async with running(home, clock) as (hub, portal):
        first = await send(hub, unnumbered, clock)
        assert [route["taken"] for message in first["messages"] for route in message["routes"]] == [False, False]
        second = await send(hub, story.records[1], clock)
        assert second["dossier"] == first["dossier"]
        await settled(hub)
        assert len(portal.sent(story.code)) == 2


async def test_a_refused_state_is_healed_by_the_next_one(home: Path) -> None:
    """A business refusal is dead at once and holds its lane; a newer full state takes its place, before the steps."""
    clock = MovableClock()
    story = told(1)[0]
    refusing = True

    def script(message: Any, attempt: Any) -> Any:
        return Rejected("-3", "refused") if refusing and message.schema.id == "npsp-dossier" else Receipt()

    async with running(home, clock) as (hub, portal):
        portal.script = script
        await send(hub, story.records[0], clock)
        assert await settled(hub) == {"dead": 1, "pending": 1}
        assert portal.sent(story.code) == [("npsp-dossier", 1)]
        refusing = False
        await send(hub, story.records[1], clock)
        assert await settled(hub) == {"superseded": 1, "delivered": 3}
        assert portal.sent(story.code)[1:] == [("npsp-dossier", 3), ("npsp-progress", 2), ("npsp-progress", 4)]
        assert await hub.store.dead() == []


async def test_one_refused_dossier_never_stops_another(home: Path) -> None:
    """Lanes are the dossiers': a dead letter holds its own only."""
    clock = MovableClock()
    bad, good = told(2)

    def script(message: Any, attempt: Any) -> Any:
        return Rejected("-3", "refused") if bad.code in message.codes.values() else Receipt()

    async with running(home, clock) as (hub, portal):
        portal.script = script
        for record in (*bad.records, *good.records):
            await send(hub, record, clock)
        await settled(hub)
        assert len(portal.sent(good.code)) == 2 * len(good.records)


async def test_an_unknown_code_is_kept_in_order_and_released_when_the_table_has_it(home: Path) -> None:
    """The arrival and those behind it wait; a new table version, a reload and a replay send all of them in order."""
    clock = MovableClock()
    story = told(1)[0]
    strange = {**story.records[1], "dossierStatus": "processing", "dossierSubStatus": "cho_lien_thong"}
    async with running(home, clock) as (hub, portal):
        await send(hub, story.records[0], clock)
        kept = await send(hub, strange, clock)
        behind = await send(hub, story.records[2], clock)
        assert (kept["state"], behind["state"]) == ("kept", "kept")
        assert {reason["code"] for reason in kept["reasons"]} == {"not_in_table"}
        assert [reason["code"] for reason in behind["reasons"]] == ["behind_kept"]
        await settled(hub)
        assert len(portal.sent(story.code)) == 2
        table = home / "mappings/tables/opencps-states/1.0.0.yaml"
        text = table.read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.1.0")
        more = text.rstrip() + "\n  - [processing, cho_lien_thong, processing]\n"
        table.with_name("1.1.0.yaml").write_text(more, encoding="utf-8")
        assert hub.reload() == []
        receipts = await hub.intake.replay(kept["arrival"], actor="test", why="row added")
        assert [receipt["state"] for receipt in receipts] == ["accepted", "accepted"]
        await settled(hub)
        assert [seq for _, seq in portal.sent(story.code)] == [1, 2, 3, 4, 5, 6]
        assert await hub.store.dead() == []


async def test_a_route_added_later_is_filled_in_order(home: Path) -> None:
    """Messages accepted before the route existed are delivered by back-fill, once, in the order of each dossier."""
    (home / "config.yaml").write_text(CONFIG.partition("routes:")[0], encoding="utf-8")
    clock = MovableClock()
    told_stories = told(3)
    async with running(home, clock) as (hub, portal):
        for story in told_stories:
            for record in story.records:
                await send(hub, record, clock)
        assert await settled(hub) == {}
        assert portal.calls == []
    (home / "config.yaml").write_text(CONFIG, encoding="utf-8")
    async with running(home, clock) as (hub, portal):
        for route in ("dossiers-to-portal", "progress-to-portal"):
            await backfill_route(hub, route)
            await backfill_route(hub, route)
        await settled(hub)
        for story in told_stories:
            sent = portal.sent(story.code)
            for schema in ("npsp-dossier", "npsp-progress"):
                seqs = [seq for name, seq in sent if name == schema]
                assert seqs == sorted(set(seqs)) and len(seqs) == len(story.records)


async def backfill_route(hub: Any, route: str) -> None:
    """What ``hub backfill ROUTE`` does beside the running hub."""
    parts = assemble(hub.home.folder)
    found = parts.router.named(route)
    assert found is not None

    def trial(schema: SchemaRef, body: Any, route: Any) -> None:
        parts.catalog.chain(schema, route.as_, route.via).translate(body)

    await backfill(hub.store, found, trial, MovableClock())


async def test_a_dossier_once_with_an_endpoint_stays_with_it(tmp_path: Path) -> None:
    """A later state for which the route's condition no longer holds is delivered all the same."""
    config = CONFIG.replace(
        "when: { present: code }, to: portal, as: npsp-dossier@1",
        "when: { equals: { state: received } }, to: portal, as: npsp-dossier@1",
    )
    home = make_home(tmp_path / "home", config)
    clock = MovableClock()
    story = next(
        one for one in told(20) if one.records[0]["dossierStatus"] == "new" and one.records[1]["dossierStatus"] != "new"
    )
    async with running(home, clock) as (hub, portal):
        await send(hub, story.records[0], clock)
        receipt = await send(hub, story.records[1], clock)
        route = receipt["messages"][0]["routes"][0]
        assert route["taken"] and "already with portal" in route["why"]
        await until(lambda: len(portal.sent(story.code)) == 4)


async def test_the_same_message_again_gets_the_first_receipt(home: Path) -> None:
    """Same sender, same id, same body: nothing new happens; another body under the same id is refused."""
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, portal):
        first = await send(hub, story.records[0], clock, key="k-1")
        again = await send(hub, story.records[0], clock, key="k-1")
        assert again == first
        with pytest.raises(IdConflict):
            await send(hub, story.records[1], clock, key="k-1")
        await settled(hub)
        assert len(portal.calls) == 2


async def test_what_was_accepted_once_is_known_even_if_it_would_be_refused_now(home: Path) -> None:
    """Dedupe comes before validation: with the source gone, the same message gets its first receipt, others 409 or 415."""
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, _):
        first = await send(hub, story.records[0], clock, key="k-1")
        (home / "config.yaml").write_text(CONFIG.replace(OPENCPS, "schema: dossier@1, becomes: [dossier@1]"), encoding="utf-8")
        assert hub.reload() == []
        assert await send(hub, story.records[0], clock, key="k-1") == first
        with pytest.raises(IdConflict):
            await send(hub, story.records[1], clock, key="k-1")
        with pytest.raises(UnknownSchema):
            await send(hub, story.records[1], clock, key="k-2")


def test_the_scripted_partner_is_a_sender() -> None:
    """Otherwise every test above would route nothing."""
    assert issubclass(Scripted, Sender)

"""What a partner tells itself stands in the ledger beside what it was sent: the newest by the hub's own sequence, and never
taken for a send."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from store_making import Desk, FakeClock, match, plan, state, step

from hub.store import accepting, cells
from hub.store.engine import open_engine, parse_url
from hub.store.migrate import migrate
from hub.store.values import Due, JsonObject, Window

DEAF = match(matched=False)
HEARD = dataclasses.replace(match("to-tax", "tax"), observations=True)


async def tell(desk: Desk, body: str, *parts: Any, origin: str = "portal", **more: Any) -> JsonObject:
    """The partner behind the endpoint tells this of D1, which the one-stop shop owns; it is routed nowhere."""
    said = {"sender": "ministry", "owner": "one-stop", **more}
    return await desk.accept(body, *(parts or (state(body, DEAF),)), origin=origin, **said)


async def cell(desk: Desk, endpoint: str = "portal", stream: str = "dossier") -> JsonObject:
    shown = await desk.store.dossier("D1")
    assert shown is not None
    return next((one for one in shown["ledger"] if (one["endpoint"], one["stream"]) == (endpoint, stream)), {})


def told(one: JsonObject) -> tuple[Any, ...]:
    return one.get("heard_seq"), one.get("heard_message"), one.get("ahead", False)


def message_of(receipt: JsonObject) -> str:
    found: str = receipt["messages"][0]["id"]
    return found


async def is_right(desk: Desk) -> bool:
    return await desk.store.rebuild_ledger() == 0


async def test_one_that_only_tells_has_a_cell_and_was_sent_nothing(desk: Desk) -> None:
    """Seq, time and message of what it told; nothing routed, open, dead or behind; nothing of it elsewhere."""
    moment = desk.clock()
    receipt = await tell(desk, "a", received_at=moment)
    found = await cell(desk)
    assert (found["heard_seq"], found["heard_message"], found["ahead"]) == (1, message_of(receipt), True)
    (shown,) = [one for one in (await desk.store.dossier("D1") or {})["timeline"] if one["event"] == "message"]
    assert found["heard_at"] == shown["at"]
    assert (found["open"], found["dead"]) == (0, 0)
    assert not {"routed_seq", "routed_at", "sent_seq", "sent_at", "sent_message", "behind"} & {*found}
    assert (await desk.store.dossier("D1") or {})["ledger"] == [found]
    assert await is_right(desk)


async def test_what_nobody_told_costs_no_cell(desk: Desk) -> None:
    """A message without origin is nothing that a partner told."""
    await desk.accept("a", state("a", DEAF))
    assert (await desk.store.dossier("D1") or {})["ledger"] == []


async def test_each_kind_and_each_partner_has_its_own(desk: Desk) -> None:
    await tell(desk, "a", state("a", DEAF), step("s", DEAF))
    await tell(desk, "b", origin="tax")
    cells_of = [("portal", "dossier"), ("portal", "dossier-progress"), ("tax", "dossier")]
    assert [(await cell(desk, *of))["heard_seq"] for of in cells_of] == [1, 2, 3]
    assert await is_right(desk)


async def test_a_send_and_a_word_do_not_disturb_each_other(desk: Desk) -> None:
    """Told, sent, told again: each is kept by its own number, and which is newer is said."""
    first = await tell(desk, "a")
    await desk.accept("b")
    assert told(await cell(desk)) == (1, message_of(first), True) and (await cell(desk))["routed_seq"] == 2
    await desk.end()
    sent = await cell(desk)
    assert told(sent) == (1, message_of(first), False) and (sent["sent_seq"], sent["open"]) == (2, 0)
    last = await tell(desk, "c")
    after = await cell(desk)
    assert told(after) == (3, message_of(last), True)
    assert {name: after[name] for name in sent if "heard" not in name} == {n: sent[n] for n in sent if "heard" not in n}
    assert await is_right(desk)


async def test_the_same_again_changes_nothing(desk: Desk) -> None:
    """By its key, by its content, and a step that was said before."""
    await tell(desk, "a", key="k")
    await tell(desk, "s", step("s", DEAF))
    before = (await desk.store.dossier("D1") or {})["ledger"]
    await tell(desk, "a", key="k")
    await tell(desk, "s", step("s", DEAF))
    await tell(desk, "s and more", step("s", DEAF))
    assert (await desk.store.dossier("D1") or {})["ledger"] == before and len(before) == 2
    assert await is_right(desk)


@pytest.mark.parametrize("owner", ["one-stop", "ministry"])
async def test_an_older_state_that_comes_late_is_not_its_last_word(desk: Desk, owner: str) -> None:
    """By the version its sender gave, whoever owns the dossier; of what has none the last that came counts."""
    newest = await tell(desk, "new", state("new", DEAF, version=9), owner=owner)
    await tell(desk, "old", state("old", DEAF, version=8))
    assert told(await cell(desk)) == (1, message_of(newest), True)
    assert await is_right(desk)
    last = await tell(desk, "unversioned")
    assert told(await cell(desk)) == (3, message_of(last), True)
    assert await is_right(desk)


async def test_what_was_kept_is_heard_once_it_is_read(desk: Desk) -> None:
    """In the place it has then; the time is when it came."""
    kept = await tell(desk, "a", kept="no_row")
    assert await cell(desk) == {}
    arrival = (await desk.store.kept_arrivals(kept["arrival"]))[0]
    made = plan(desk.store, desk.clock, "a", state("a", DEAF))
    receipt = await desk.store.release(dataclasses.replace(made, arrival=arrival), actor="lan", why="mended")
    assert told(await cell(desk)) == (1, message_of(receipt), True)
    assert await is_right(desk)


async def test_hearing_is_not_sending(desk: Desk) -> None:
    """After what it told, the first that goes there is a first send: nothing vouches for "already exists"."""
    await tell(desk, "a")
    standing = await desk.store.standing("ministry", "D1", "portal")
    assert standing is not None and (standing.sent, standing.waiting) == (False, 0)
    await desk.accept("b")
    due: Due = await desk.head()
    assert (due.sent_before, due.own_earlier_doubt) == (False, False)


async def test_no_list_takes_it_for_something_that_waits(desk: Desk) -> None:
    """A dossier that a partner only told of is not behind, waiting or dead, asked either way."""
    await tell(desk, "a")
    for flag in ("waiting", "dead", "behind"):
        flags: dict[str, Any] = dict.fromkeys(("kept", "waiting", "dead", "behind")) | {flag: False}
        (one,) = (await desk.store.dossiers_of(Window("ministry", 10), **flags))["items"]
        assert one[flag] is False
        assert (await desk.store.dossiers_of(Window("ministry", 10), **flags | {flag: True}))["items"] == []
    shown = await desk.store.overview(["portal"])
    assert [(one.waiting, one.dead) for one in shown.endpoints] == [(0, 0)] and shown.backlog == ()


async def test_what_one_told_is_filled_in_at_another_and_a_cell_that_only_heard_is_routed_to(desk: Desk) -> None:
    """Backfill counts a cell of one that told as any other, and never sends its word back to it."""
    receipt = await tell(desk, "a")
    own = await desk.accept("b", state("b", DEAF))
    filled = [(message_of(receipt), HEARD), (message_of(own), match())]
    assert await desk.store.backfill([*filled, (message_of(receipt), dataclasses.replace(HEARD, endpoint="portal"))], 1) == 2
    found = await cell(desk)
    assert (found["routed_seq"], found["heard_seq"], found["open"], found["behind"]) == (2, 1, 1, True)
    assert await desk.drain() == ["b"] and await desk.drain("tax") == ["a"]
    assert await is_right(desk)


async def test_it_outlives_what_was_erased(desk: Desk) -> None:
    """The body goes by policy; that it told, when, and which message, stays."""
    await tell(desk, "a")
    before = await cell(desk)
    found = await desk.store.erasable(desk.clock() + 10**12, None, 10)
    assert await desk.store.erase(found, desk.clock() + 10**12, desk.clock()) == 1
    assert await cell(desk) == before and await is_right(desk)


# ── an older database
OLDER = """
insert into dossiers (id, owner, last_seq, last_arrival, created_at) values ('d', 'one-stop', 5, 5, 1);
insert into ledger (dossier_id, endpoint, stream, routed_seq, routed_at, sent_seq, sent_at, sent_message, open, dead, doubted)
values ('d', 'portal', 'dossier', 1, 11, 1, 20, 'm1', 0, 0, false);
insert into deliveries (id, message_id, dossier_id, endpoint, route, stream, full_state, seq, position, state, head, number,
counted, doubted, adopt, created_at, settled_at)
values ('x', 'm1', 'd', 'portal', 'to-portal', 'dossier', true, 1, 1, 'delivered', false, 1, 1, false, false, 11, 20)
"""
_MESSAGE = """
insert into messages (id, arrival_id, dossier_id, seq, sender, stream, schema, full_state, version, digest, state,
correlation_id, origin, hops, accepted_at)
values (:id, 'a', 'd', :seq, :sender, :stream, 's', :full, :version, 'g', :state, 'c', :origin, 0, :at)
"""


async def test_an_older_database_learns_what_was_told(empty: Any, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of before keep what they say and get what their partner told; one that only told gets a cell; late ones do not
    count. What is computed afterwards is the same."""
    from alembic import command

    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0005"))
    if empty.kind == "sqlite":
        empty.file.parent.mkdir()
    engine = open_engine(parse_url(empty.url), writer=True)
    migrate(engine)
    engine.dispose()
    monkeypatch.undo()
    for statement in OLDER.split(";"):
        empty.sql(statement)
    for seq, (sender, origin, stream, full, version, said) in enumerate(
        [
            ("one-stop", None, "dossier", True, 1, "routed"),
            ("ministry", "portal", "dossier", True, 9, "conflict"),
            ("ministry", "portal", "dossier", True, 8, "conflict"),
            ("ministry", "portal", "dossier-progress", False, None, "routed"),
            ("one-stop", "tax", "dossier", True, 0, "superseded"),
        ],
        1,
    ):
        values = {"full": full, "version": version, "state": said, "at": 10 + seq}
        empty.sql(_MESSAGE, id=f"m{seq}", seq=seq, sender=sender, stream=stream, origin=origin, **values)
    store = empty.store(clock)
    await store.open(exclusive=True)
    columns = "endpoint, stream, routed_seq, routed_at, sent_seq, sent_message, heard_seq, heard_at, heard_message, open, dead"
    assert empty.sql(f"select {columns} from ledger order by stream") == [
        ("portal", "dossier", 1, 11, 1, "m1", 2, 12, "m2", 0, 0),
        ("portal", "dossier-progress", None, None, None, None, 4, 14, "m4", 0, 0),
    ]
    assert await store.rebuild_ledger() == 0
    await store.close()


# ── sabotage
def forgets(patch: pytest.MonkeyPatch) -> None:
    """What is told stands in no cell."""
    patch.setattr(cells, "heard", lambda *_: None)


def hears_itself(patch: pytest.MonkeyPatch) -> None:
    """What was sent is taken for what the partner told."""
    honest = cells.delivered

    def delivered(connection: Any, *of: Any) -> None:
        honest(connection, *of)
        cells.heard(connection, *of)

    patch.setattr(cells, "delivered", delivered)


def takes_it_for_a_send(patch: pytest.MonkeyPatch) -> None:
    """What the partner told counts as taken by it."""
    honest = cells.heard

    def heard(connection: Any, *of: Any) -> None:
        honest(connection, *of)
        cells.delivered(connection, *of)

    patch.setattr(cells, "heard", heard)


def hears_everyone(patch: pytest.MonkeyPatch) -> None:
    """A state that came late counts as the last word."""
    patch.setattr(accepting, "_is_late", lambda *_: False)


@pytest.mark.parametrize("sabotage", [forgets, hears_itself, takes_it_for_a_send, hears_everyone])
async def test_a_ledger_that_hears_wrong_is_seen(desk: Desk, monkeypatch: pytest.MonkeyPatch, sabotage: Any) -> None:
    """By the tests above, and by the ledger computed again."""
    sabotage(monkeypatch)
    await tell(desk, "new", state("new", DEAF, version=9))
    await tell(desk, "old", state("old", DEAF, version=8))
    await desk.accept("b")
    await desk.end()
    assert not await is_right(desk)

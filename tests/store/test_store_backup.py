"""Backups: taken beside writers, equal row for row whatever the databases, refused when damaged; what a restore decides."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, select
from store_making import Desk, FakeClock, plan, state, step

from hub.connector import Found
from hub.errors import NotAllowed, NotFound, StoreUnavailable, Transient
from hub.ledger.restored import find_out
from hub.store.backup import back_up, restore
from hub.store.backup_file import examine, seal
from hub.store.engine import parse_url
from hub.store.migrate import newest
from hub.store.sql import SqlStore
from hub.store.tables import metadata

CHANGED = ("meta", "endpoints", "audit")
"""Tables to which a restore itself adds."""


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but those a restore adds to, and the salt."""
    engine = create_engine(parse_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        found = {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name not in CHANGED
        }
        meta = metadata.tables["meta"]
        found["salt"] = [tuple(row) for row in connection.execute(select(meta).where(meta.c.name == "salt"))]
    return found


async def some_of_everything(desk: Desk) -> None:
    """Delivered, waiting, claimed, in doubt, dead and kept; with a reply's alias, a key and a pause."""
    await desk.accept("a", code="D1", key="k1")
    await desk.end("delivered", ids={"portal": "P-1"}, reference="taken")
    await desk.accept("b", step("b"), code="D2")
    await desk.end("dead", code="E1", reason="không nhận")
    await desk.accept("c", code="D3", key="k3")
    await desk.begin(next(due for due in await desk.heads() if due.aliases["national"] == "D3"))
    await desk.accept("d", kept="not_in_table", code="D4")
    await desk.accept("e\N{SNOWMAN}", state("e\N{SNOWMAN}"), step("e1"), code="D5")
    await desk.store.pause("registry", actor="lan", why="maintenance", now=desk.clock())


def sqlite_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'hub.db'}"


async def test_a_backup_is_taken_while_messages_are_accepted(
    store: SqlStore, database: Any, clock: FakeClock, tmp_path: Path
) -> None:
    """Writers are not stopped, the backup ends, and it holds all that was acknowledged before it began."""
    receipts: list[str] = []
    over = asyncio.Event()

    async def load(number: int) -> None:
        while not over.is_set():
            body = f"{number}.{len(receipts)}" + "x" * 3000
            receipt, _ = await store.accept(plan(store, clock, body, names=(("national", body[:12]),), key=body[:12]))
            receipts.append(receipt["arrival"])
            await asyncio.sleep(0.005)

    writers = [asyncio.create_task(load(number)) for number in range(8)]
    while len(receipts) < 300:
        await asyncio.sleep(0.01)
    before = len(receipts)
    held = await asyncio.to_thread(back_up, database.url, tmp_path / "backup", clock)
    during = len(receipts) - before
    over.set()
    await asyncio.gather(*writers)
    print(f"\n{database.kind}: {before} before, {during} accepted during the backup of {held.size} bytes")
    with sqlite3.connect(tmp_path / "backup") as there:
        kept = {one for (one,) in there.execute("select id from arrivals")}
    assert set(receipts[:before]) <= kept <= set(receipts)
    assert during > 0
    assert held.rows["arrivals"] == held.rows["messages"] == held.rows["deliveries"] == len(kept)


async def test_a_backup_restores_row_for_row_into_either_database(
    desk: Desk, database: Any, clock: FakeClock, tmp_path: Path, postgres: Any
) -> None:
    """SQLite or PostgreSQL → file → SQLite → file → PostgreSQL: the same rows, the same salt, everywhere."""
    await some_of_everything(desk)
    first, second = tmp_path / "first", tmp_path / "second"
    made = back_up(database.url, first, clock)
    restore(first, sqlite_in(tmp_path / "elsewhere"), [], clock, actor="lan")
    back_up(sqlite_in(tmp_path / "elsewhere"), second, clock)
    target = postgres.create("restored")
    restore(second, target, [], clock, actor="lan")
    assert rows(database.url) == rows(sqlite_in(tmp_path / "elsewhere")) == rows(target)
    assert made == examine(first) and made.rows["arrivals"] == 5


async def test_a_backup_is_private_complete_and_never_overwrites(
    desk: Desk, database: Any, clock: FakeClock, tmp_path: Path
) -> None:
    """Mode 0600, one file and nothing beside it, of the moment it says; a second one under its name is refused."""
    await some_of_everything(desk)
    before = clock.now
    (tmp_path / "out").mkdir()
    file = tmp_path / "out" / "backup"
    held = back_up(database.url, file, clock)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert before < held.moment < clock.now + 1 and held.revision == newest()
    with pytest.raises(NotAllowed, match="not overwritten"):
        back_up(database.url, file, clock)
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["backup"]
    with pytest.raises(NotAllowed, match="no file can be made"):
        back_up(database.url, tmp_path / "nowhere" / "backup", clock)


def test_nothing_is_backed_up_where_no_hub_has_run(clock: FakeClock, tmp_path: Path) -> None:
    """No store: NotFound, and no empty store or backup is made."""
    with pytest.raises(NotFound):
        back_up(sqlite_in(tmp_path), tmp_path / "backup", clock)
    assert list(tmp_path.iterdir()) == []


def _cut(file: Path) -> None:
    with file.open("r+b") as content:
        content.truncate(file.stat().st_size // 2)


def _scribble(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 3 :: 97] = b"\xff" * len(content[len(content) // 3 :: 97])
    file.write_bytes(content)


def _lose_a_row(file: Path) -> None:
    with sqlite3.connect(file) as there:
        there.execute("delete from attempts where rowid = 1")


def _no_backup(file: Path) -> None:
    with sqlite3.connect(file) as there:
        there.execute("delete from meta where name = 'backup'")


@pytest.mark.parametrize("damage", [_cut, _scribble, _lose_a_row, _no_backup, lambda file: file.write_bytes(b"no database")])
async def test_a_damaged_backup_is_refused(
    desk: Desk, database: Any, clock: FakeClock, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Cut short, overwritten in the middle, a row less, a database that is no backup, no database: nothing is restored."""
    await some_of_everything(desk)
    back_up(database.url, tmp_path / "backup", clock)
    damage(tmp_path / "backup")
    with pytest.raises(NotAllowed):
        restore(tmp_path / "backup", sqlite_in(tmp_path / "new"), [], clock, actor="lan")
    assert not (tmp_path / "new" / "hub.db").exists()


async def test_only_an_empty_store_is_restored_into(desk: Desk, database: Any, clock: FakeClock, tmp_path: Path) -> None:
    """A store that is there stays as it is."""
    await some_of_everything(desk)
    back_up(database.url, tmp_path / "backup", clock)
    there = rows(database.url)
    with pytest.raises(NotAllowed):
        restore(tmp_path / "backup", database.url, [], clock, actor="lan")
    assert rows(database.url) == there


async def test_an_older_backup_is_brought_up_and_a_newer_refused(
    sqlite: Any, clock: FakeClock, tmp_path: Path, empty: Any
) -> None:
    """A backup at the first revision is migrated in its restored form; one of an unknown revision is refused as newer."""
    from alembic import command

    from hub.store.migrate import _config

    old = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{old}", poolclass=NullPool)
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with sqlite3.connect(old) as there:
        there.execute("insert into meta values ('salt', 'ab')")
        there.execute("insert into dossiers values ('d', 'one-stop', 0, 0, 1)")
    back_up(f"sqlite:///{old}", tmp_path / "backup", clock)
    restore(tmp_path / "backup", empty.url, [], clock, actor="lan")
    assert empty.one("select version_num from alembic_version") == newest()
    assert empty.one("select id from dossiers") == "d"
    with sqlite3.connect(tmp_path / "backup") as there:
        there.execute("update alembic_version set version_num = '9999'")
    seal(tmp_path / "backup", clock())
    with pytest.raises(StoreUnavailable, match="newer"):
        restore(tmp_path / "backup", sqlite_in(tmp_path / "new"), [], clock, actor="lan")


class Restored:
    """A hub that went on after its backup, and its store restored elsewhere: what it sent meanwhile only the partner knows."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.clock = clock
        self.folder = folder
        self.partner: dict[str, str] = {}

    async def lane(self, desk: Desk, url: str, *, sent: int) -> Desk:
        """A lane state 1, step 2, state 3, step 4, state 5, step 6; ``sent`` of it went out after the backup."""
        for number in (1, 3, 5):
            await desk.accept(f"s{number}", state(f"s{number}"), step(f"p{number + 1}"))
        held = back_up(url, self.folder / "backup", self.clock)
        assert held.rows["deliveries"] == 6
        for _ in range(sent):
            due = await desk.end("delivered")
            if due.full_state:
                self.partner["D1"] = due.body.decode()
        other = sqlite_in(self.folder / "elsewhere")
        restore(self.folder / "backup", other, ["portal"], self.clock, actor="lan")
        store = SqlStore(other, self.clock)
        await store.open(exclusive=True)
        return Desk(store, self.clock)

    async def ask(self, row: Any) -> Found | None:
        there = self.partner.get(row["codes"]["national"])
        return None if there is None else Found(holds=there == row["content"].decode())

    async def resume(self, desk: Desk, ask: Any = None, steps: str = "hold") -> dict[str, int]:
        rule: Any = lambda route: steps  # noqa: E731
        outcome = await find_out(desk.store, "portal", ask or self.ask, rule, self.clock, actor="lan")
        return outcome.as_dict()


@pytest.fixture
def again(tmp_path: Path, clock: FakeClock) -> Restored:
    return Restored(tmp_path, clock)


def states_by_seq(shown: Any) -> dict[int, str]:
    settled = {one["seq"]: one["state"] for one in shown["timeline"] if "delivery" in one and one["event"] != "attempt"}
    return settled | {one["seq"]: one["state"] for one in shown["waiting"]}


@pytest.mark.parametrize(
    ("sent", "left", "then"),
    [
        (
            0,
            {1: "pending", 2: "pending", 3: "pending", 4: "pending", 5: "pending", 6: "pending"},
            ["s1", "p2", "s3", "p4", "s5", "p6"],
        ),
        (1, {1: "delivered", 2: "dead", 3: "pending", 4: "pending", 5: "pending", 6: "pending"}, []),
        (2, {1: "delivered", 2: "dead", 3: "pending", 4: "pending", 5: "pending", 6: "pending"}, []),
        (3, {1: "superseded", 2: "dead", 3: "delivered", 4: "dead", 5: "pending", 6: "pending"}, []),
        (6, {1: "superseded", 2: "dead", 3: "superseded", 4: "dead", 5: "delivered", 6: "dead"}, []),
    ],
)
async def test_the_state_the_partner_holds_tells_how_far_a_lane_had_come(
    desk: Desk, database: Any, again: Restored, sent: int, left: dict[int, str], then: list[str]
) -> None:
    """States the partner has or had are not sent again; steps that may have gone are held; what never went goes, in order."""
    there = await again.lane(desk, database.url, sent=sent)
    assert await there.heads() == []  # paused until it is decided
    with pytest.raises(NotAllowed):
        await there.store.resume("portal", actor="lan", now=again.clock())
    found = await again.resume(there)
    shown: Any = await there.store.dossier("D1")
    assert states_by_seq(shown) == left
    assert found["hold"] == len([one for one in await there.store.dead() if one["code"] == "in_doubt"])
    assert await there.drain() == then
    assert await there.store.rebuild_ledger() == 0
    await there.store.close()


async def test_held_steps_are_decided_by_a_person_and_the_lane_goes_on_in_order(
    desk: Desk, database: Any, again: Restored
) -> None:
    """Discarded or replayed, each held step lets what waited behind it follow."""
    there = await again.lane(desk, database.url, sent=3)
    await again.resume(there)
    first, second = await there.store.dead()
    await there.discard(first["delivery"])
    assert await there.texts() == []
    await there.replay(second["delivery"])
    assert await there.drain() == ["p4", "s5", "p6"]
    assert await there.store.rebuild_ledger() == 0
    await there.store.close()


async def test_a_partner_that_cannot_tell_is_sent_what_its_routes_allow(desk: Desk, database: Any, again: Restored) -> None:
    """``resend``: everything again, in order, and "exists" may become an update; ``hold``: everything waits for a person."""
    there = await again.lane(desk, database.url, sent=3)

    async def cannot_tell(row: Any) -> Found:
        return Found(holds=None)

    assert await again.resume(there, cannot_tell, "resend") == {"lanes": 1, "there": 0, "passed": 0, "again": 6, "hold": 0}
    assert (await there.head()).own_earlier_doubt
    assert await there.drain() == ["s1", "p2", "s3", "p4", "s5", "p6"]
    await there.store.close()


async def test_a_partner_that_does_not_answer_leaves_the_endpoint_paused(desk: Desk, database: Any, again: Restored) -> None:
    """Nothing is guessed: nothing is decided, and resuming later finds out."""
    there = await again.lane(desk, database.url, sent=1)

    async def away(row: Any) -> Found:
        raise Transient("503")

    with pytest.raises(Transient):
        await again.resume(there, away)
    assert await there.heads() == [] and "portal" in await there.store.endpoint_states()
    assert (await again.resume(there))["there"] == 1
    await there.store.close()


async def test_what_was_sent_again_by_the_source_goes_only_if_the_partner_lacks_it(
    desk: Desk, database: Any, again: Restored, clock: FakeClock
) -> None:
    """Accepted and delivered after the backup, unknown to the restored hub, sent again: the partner is asked about it too."""
    there = await again.lane(desk, database.url, sent=6)
    again.partner["D1"], again.partner["D2"] = "s7", "t1"
    await there.accept("s7", state("s7"), step("p8"))
    await there.accept("s9", state("s9"), step("p10"))
    await there.accept("t1", state("t1"), step("t2"), code="D2")
    await there.accept("u1", state("u1"), step("u2"), code="D3")
    await again.resume(there)
    assert sorted(await there.drain()) == ["u1", "u2"]  # s9 and p10 wait behind the steps that a person must look at
    for letter in await there.store.dead():
        await there.discard(letter["delivery"])
    assert await there.drain() == ["s9", "p10"]
    await there.store.close()


async def test_attempts_under_way_at_the_backup_are_decided_too(desk: Desk, database: Any, again: Restored) -> None:
    """Claimed when the backup was taken: in doubt at the restored hub's start, then decided with its lane."""
    await desk.accept("p1", step("p1"))
    await desk.begin(await desk.head())
    back_up(database.url, again.folder / "claimed", again.clock)
    other = sqlite_in(again.folder / "third")
    restore(again.folder / "claimed", other, ["portal"], again.clock, actor="lan")
    store = SqlStore(other, again.clock)
    await store.open(exclusive=True)
    there = Desk(store, again.clock)
    assert await again.resume(there) == {"lanes": 1, "there": 0, "passed": 0, "again": 0, "hold": 1}
    (letter,) = await store.dead()
    assert letter["code"] == "in_doubt" and letter["in_doubt_once"]
    await there.replay(letter["delivery"])
    assert await there.drain() == ["p1"] and await store.rebuild_ledger() == 0
    await store.close()

"""Rows become arrivals: in the order of the growing column, each state once in effect, with the rows that belong to them."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from flow.parts import MovableClock, make_home

from connectors.database.config import DatabaseConfig
from connectors.database.place import Database
from connectors.database.reading import TableReader
from database.parts import CONFIG, READ, Office, Source, endpoint, soon, stored, tables
from hub.app import Hub
from hub.assembly import assemble
from hub.connector import Accepted
from hub.observe import metrics


async def test_a_table_is_read_by_a_running_hub(sqlite_source: Source, tmp_path: Path) -> None:
    """From config.yaml to the store: what stands there comes in, and so does what changes while it runs."""
    config = yaml.safe_load(CONFIG)
    config["endpoints"] = {"office": {"connector": "database", "settings": {"url": sqlite_source.url, "read": dict(READ)}}}
    home = make_home(tmp_path / "home", yaml.safe_dump(config))
    sqlite_source.put("uid-0001", 100, "một")
    hub = Hub(assemble(home), MovableClock())
    await hub.start()
    try:
        await soon(lambda: len(stored(home)) == 1)
        sqlite_source.put("uid-0001", 101, "hai", "processing")
        await soon(lambda: len(stored(home)) == 2)
        (position, state, body), (_, _, later) = stored(home)
        assert (position, state) == ("ho_so:uid-0001", "accepted")
        assert body == {
            "referenceUid": "uid-0001", "dossierNo": "000.00.10.H22-261121-0001", "serviceCode": "2.002493.000.00.00.H22",
            "dossierStatus": "new", "applicantName": "Trần Thị Mẫu Thử", "dossierNote": "một",
        }  # fmt: skip
        assert (later["dossierNote"], later["dossierStatus"]) == ("hai", "processing")
    finally:
        await hub.stop()


async def test_page_by_page_in_order_and_once(desk: Office) -> None:
    """More rows than a page, many with the same value: each once, in the order of the column, then of the key; a row that
    changes comes again; what was deleted is not missed."""
    for number in range(9):
        desk.source.put(f"uid-{number:04}", 100 + number // 4, f"{number}")
    await desk.look(page=2)
    assert desk.notes() == [f"{number}" for number in range(9)]
    desk.source.put("uid-0000", 103, "again", "processing")
    desk.source.run("delete from ho_so where ma = 'uid-0005'")
    await desk.look()
    await desk.look()
    assert desk.notes()[9:] == ["again"]


async def test_after_a_restart_it_goes_on_where_it_was(desk: Office) -> None:
    """The cursor came with the arrivals: of what was read long before nothing is read again, and nothing comes twice."""
    for number in range(6):
        desk.source.put(f"uid-{number:04}", 100 * number, f"{number}")
    await desk.look(page=2, look_back=0)
    await desk.restart()
    desk.source.put("uid-0000", 0, "older than the cursor, and never read")
    desk.source.put("uid-0007", 700, "7")
    await desk.look(page=2, look_back=0)
    assert desk.notes() == ["0", "1", "2", "3", "4", "5", "7"]


async def test_a_cursor_of_another_table_counts_for_nothing(sqlite_desk: Office) -> None:
    """The settings name another table than before: it is read from its beginning."""
    sqlite_desk.source.put("uid-0001", 100, "một")
    sqlite_desk.source.put("uid-0002", 200, "hai")
    await sqlite_desk.look(page=1)
    await sqlite_desk.restart()
    sqlite_desk.source.run("create view cu as select * from ho_so where luc < 150")
    sqlite_desk.source.put("uid-0003", 50, "ba")
    await sqlite_desk.look(table="cu", page=1)
    assert sqlite_desk.notes() == ["một", "hai", "ba"]


async def test_reading_begins_where_it_is_told_to(desk: Office) -> None:
    """``begin``: what is older stays where it is."""
    desk.source.put("uid-0001", 100, "một")
    desk.source.put("uid-0002", 200, "hai")
    await desk.look(begin=150)
    assert desk.notes() == ["hai"]


async def test_the_window_does_not_reach_behind_the_beginning(desk: Office) -> None:
    """What is older than ``begin`` is not read later either."""
    desk.source.put("uid-0001", 149, "một")
    desk.source.put("uid-0002", 151, "hai")
    await desk.look(begin=150, look_back=10, page=1)
    await desk.look()
    assert desk.notes() == ["hai"]


async def test_children_stand_in_their_parents_message(desk: Office) -> None:
    """As a list in their own order, of each row of the page its own; no row of children is an empty list."""
    for number in (1, 2, 3):
        desk.source.put(f"uid-{number:04}", number)
    for ma, at, name in (("uid-0001", 2, "b"), ("uid-0001", 1, "a"), ("uid-0003", 1, "c")):
        desk.source.run("insert into giay_to values (:ma, :at, :name)", ma=ma, at=at, name=name)
    child = {"table": "giay_to", "match": {"ma": "ma"}, "order": ["thu_tu"], "columns": {"displayName": "ten"}}
    await desk.look(children={"files": child})
    told = [body["files"] for _, _, body in desk.arrivals()]
    assert told == [[{"displayName": "a"}, {"displayName": "b"}], [], [{"displayName": "c"}]]
    desk.source.run("update giay_to set ten = 'd' where ma = 'uid-0003'", "update ho_so set luc = 4 where ma = 'uid-0003'")
    await desk.look()
    assert [body["files"] for _, _, body in desk.arrivals()][3:] == [[{"displayName": "d"}]]


async def test_children_by_a_key_of_two_columns(desk: Office) -> None:
    """Matched by both."""
    desk.source.run("create table ky (ma varchar(40), luc bigint, stt integer, ten varchar(20))")
    desk.source.put("uid-0001", 1)
    desk.source.put("uid-0002", 2)
    for ma, luc, name in (("uid-0001", 1, "a"), ("uid-0001", 2, "no"), ("uid-0002", 2, "b")):
        desk.source.run("insert into ky values (:ma, :luc, 1, :name)", ma=ma, luc=luc, name=name)
    child = {"table": "ky", "match": {"ma": "ma", "luc": "luc"}, "order": ["stt"], "columns": {"displayName": "ten"}}
    await desk.look(children={"files": child})
    assert [body["files"] for _, _, body in desk.arrivals()] == [[{"displayName": "a"}], [{"displayName": "b"}]]


_ALIKE = {
    "sqlite": "alter table ho_so add column nhom varchar(40) collate nocase",
    "postgresql": "alter table ho_so add column nhom varchar(40)",
    "mariadb": "alter table ho_so add column nhom varchar(40)",
}


async def test_children_are_found_as_the_database_compares(desk: Office) -> None:
    """Letters in another case, spaces behind: what the database takes for the same is the same, and no child is left out."""
    kind = {"sqlite": "text collate nocase", "postgresql": "char(40)", "mariadb": "varchar(40)"}[desk.source.kind]
    desk.source.run(_ALIKE[desk.source.kind], f"create table ky (nhom {kind}, stt integer, ten varchar(20))")
    group = {"sqlite": "A-1", "postgresql": "a-1", "mariadb": "A-1  "}[desk.source.kind]
    desk.source.put("uid-0001", 1, nhom=group)
    desk.source.put("uid-0002", 2, nhom="b")
    desk.source.run("insert into ky values ('a-1', 1, 'a'), ('a-1', 2, 'b'), ('b', 1, 'c')")
    child = {"table": "ky", "match": {"nhom": "nhom"}, "order": ["stt"], "columns": {"displayName": "ten"}}
    await desk.look(children={"files": child})
    told = [[one["displayName"] for one in body["files"]] for _, _, body in desk.arrivals()]
    assert told == [["a", "b"], ["c"]]


async def test_null_is_absent_or_null_as_told(desk: Office) -> None:
    """One rule for all columns."""
    desk.source.put("uid-0001", 1, ghi_chu=None)  # type: ignore[arg-type]
    await desk.look()
    assert "dossierNote" not in desk.arrivals()[0][2]
    await desk.restart()
    desk.source.put("uid-0002", 2, ghi_chu=None)  # type: ignore[arg-type]
    await desk.look(nulls="null")
    assert desk.arrivals()[-1][2]["dossierNote"] is None


async def test_rows_without_a_place_are_counted_and_hide_no_others(desk: Office) -> None:
    """No value in ``by``, or none in the key, whatever the page ends with: said once an hour when it is another number."""
    desk.source.run(
        "create view v as select nullif(ma, 'none') as ma, nullif(luc, 0) as luc, so, thu_tuc, trang_thai, chu, ghi_chu "
        "from ho_so"
    )
    for number, (ma, luc) in enumerate([("uid-0001", 1), ("none", 2), ("uid-0002", 2), ("uid-0003", 2), ("uid-0004", 0)]):
        desk.source.put(ma, luc, so=f"000.00.10.H22-261121-{number:04}")

    async def looked() -> tuple[list[Any], str]:
        with structlog.testing.capture_logs() as said:
            await desk.look(table="v", page=1)
        shown = next(
            line
            for line in metrics.render().decode().splitlines()
            if line.startswith('hub_rows_without_place{endpoint="office"}')
        )
        return [(one["rows"], one["at"]) for one in said if one["event"] == "rows_without_place"], shown[-3:]

    assert await looked() == ([(2, "v")], "2.0")
    assert [body["referenceUid"] for _, _, body in desk.arrivals()] == ["uid-0001", "uid-0002", "uid-0003"]
    desk.source.run("update ho_so set luc = 3 where luc = 0")
    assert await looked() == ([], "2.0")
    assert [body["referenceUid"] for _, _, body in desk.arrivals()][3:] == ["uid-0004"]
    desk.clock.advance(3_600)
    assert await looked() == ([(1, "v")], "1.0")
    desk.clock.advance(3_600)
    assert await looked() == ([], "1.0")
    desk.source.run("update ho_so set ma = 'uid-0005', luc = 4 where ma = 'none'")
    desk.clock.advance(3_600)
    assert await looked() == ([], "0.0")
    assert [body["referenceUid"] for _, _, body in desk.arrivals()][4:] == ["uid-0005"]


async def test_a_zero_date_has_its_place(maria_source: Source, tmp_path: Path) -> None:
    """MariaDB says of it that it is null, and that it is not: it is read, and so it is not counted."""
    maria_source.run("alter table ho_so add column ngay datetime not null default '2026-01-01'")
    maria_source.put("uid-0001", 1)
    maria_source.run("set sql_mode = ''", "update ho_so set ngay = '0000-00-00 00:00:00'")
    config = DatabaseConfig.model_validate({**endpoint(maria_source.url), "read": {**READ, "by": "ngay"}})
    assert config.read is not None
    database = Database(config, "office")
    try:
        reader = TableReader(config.read, database)
        page = await database.work(reader.page, None, None)
        assert (len(page.rows) + page.cut, await database.work(reader.nowhere)) == (1, 0)
    finally:
        await database.close()


LATE = (
    "insert into ho_so (ma, thu_tuc, trang_thai, ghi_chu, luc) "
    "values ('uid-0001', '2.002493.000.00.00.H22', 'new', 'late', 100)"
)


async def test_a_late_commit_comes_in(server_desk: Office) -> None:
    """A transaction that began earlier and is committed after a row with a greater value was read."""
    source = server_desk.source
    with source.session() as slow:
        slow.exec_driver_sql(LATE)
        source.put("uid-0002", 105, "early")
        await server_desk.look(look_back=10)
        assert server_desk.notes() == ["early"]
        slow.commit()
    await server_desk.look()
    assert server_desk.notes() == ["early", "late"]
    await server_desk.restart()
    await server_desk.look(look_back=10)
    assert server_desk.notes() == ["early", "late"]


async def test_sabotaged_without_looking_back_it_is_lost(server_desk: Office) -> None:
    """The same with a window of nothing: the proof above would be red."""
    source = server_desk.source
    with source.session() as slow:
        slow.exec_driver_sql(LATE)
        source.put("uid-0002", 105, "early")
        await server_desk.look(look_back=0)
        slow.commit()
    await server_desk.look()
    assert server_desk.notes() == ["early"]


_TIMES = {
    "sqlite": ("text", "2026-11-21 07:00:{:02}"),
    "postgresql": ("timestamptz", "2026-11-21 07:00:{:02}+07"),
    "mariadb": ("datetime(6)", "2026-11-21 07:00:{:02}"),
}


async def test_by_a_time(desk: Office) -> None:
    """Times as each database keeps them, looked back in seconds, over a restart."""
    kind, form = _TIMES[desk.source.kind]
    desk.source.run(f"alter table ho_so add column doi {kind}")

    def put(number: int, second: int) -> None:
        desk.source.put(f"uid-{number:04}", 0, f"{number}", doi=form.format(second))

    put(1, 10)
    put(2, 30)
    await desk.look(by="doi", page=1, look_back=5)
    put(3, 26)  # within the five seconds
    put(4, 24)
    await desk.look()
    assert desk.notes() == ["1", "2", "3"]
    await desk.restart()
    put(5, 40)
    await desk.look(by="doi", page=1, look_back=5)
    assert desk.notes()[-1] == "5" and len(desk.notes()) == len(set(desk.notes()))


async def test_a_database_that_is_away_is_waited_for(
    sqlite_source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``run`` goes on, and reads it when it is there."""
    connector = tables(sqlite_source.url, read={**READ})
    file = Path(sqlite_source.url.removeprefix("sqlite:///"))
    away = file.rename(tmp_path / "away.db")
    came: list[bytes] = []

    async def accept(arrival: Any, **more: Any) -> Any:
        came.append(arrival.body)
        return Accepted({"arrival": arrival.id, "state": "accepted"})

    task = asyncio.create_task(connector.receive(accept))
    try:
        Source(f"sqlite:///{away}").put("uid-0001", 1)
        await soon(lambda: "table_unreadable" in capsys.readouterr().err)
        assert 'hub_table_unreadable{endpoint="office"} 1.0' in metrics.render().decode()
        assert not file.exists(), "SQLite made an empty one"
        away.rename(file)
        await soon(lambda: 'hub_table_unreadable{endpoint="office"} 0.0' in metrics.render().decode())
        assert len(came) == 1
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connector.close()


async def test_a_server_that_says_nothing_is_given_up(postgres_source: Source) -> None:
    """The process that serves the hub stands still, and its connection with it: the hub waits little longer than it is told
    to, and goes on with another; and it can end."""
    connector = tables(postgres_source.url, read={**READ}, timeout=1)
    mine = (
        "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
        "and backend_type = 'client backend'"
    )
    await connector.check()
    await soon(lambda: len(postgres_source.run(mine)) == 1)  # one that was just closed ends by itself
    ((process,),) = postgres_source.run(mine)
    os.kill(process, signal.SIGSTOP)
    try:
        async with asyncio.timeout(20):
            await connector.check()
    finally:
        os.kill(process, signal.SIGCONT)
        await connector.close()


@pytest.mark.parametrize("value", ["hôm nay", ""])
async def test_a_text_that_is_no_time_stops_nothing(sqlite_desk: Office, value: str) -> None:
    """The row comes in; the cursor stays behind the others."""
    source = sqlite_desk.source
    source.run("alter table ho_so add column doi text")
    source.put("uid-0001", 0, "một", doi="2026-11-21T07:00:00")
    source.put("uid-0002", 0, "hai", doi=value)
    await sqlite_desk.look(by="doi")
    source.put("uid-0003", 0, "ba", doi="2026-11-21T08:00:00")
    await sqlite_desk.look()
    await sqlite_desk.look()
    assert sorted(sqlite_desk.notes()) == ["ba", "hai", "một"]


_FAR = {"sqlite": "2999-01-01 00:00:00", "postgresql": "2999-01-01 00:00:00+07", "mariadb": "2999-01-01 00:00:00"}


async def test_a_time_that_has_not_come_hides_nothing(desk: Office) -> None:
    """Somebody's clock was wrong, or a year was mistyped: the row comes in, and what is written afterwards is read still."""
    kind, form = _TIMES[desk.source.kind]
    desk.source.run(f"alter table ho_so add column doi {kind}")
    desk.source.put("uid-0001", 0, "một", doi=form.format(1))
    desk.source.put("uid-0002", 0, "hai", doi=_FAR[desk.source.kind])
    await desk.look(by="doi", page=1, look_back=5)
    desk.source.put("uid-0003", 0, "ba", doi=form.format(3))
    await desk.look()
    assert sorted(desk.notes()) == ["ba", "hai", "một"]
    await desk.restart()
    desk.source.put("uid-0004", 0, "bốn", doi=form.format(4))
    await desk.look(by="doi", page=1, look_back=5)
    assert sorted(desk.notes()) == ["ba", "bốn", "hai", "một"]


async def test_days_as_text(sqlite_desk: Office) -> None:
    """In ISO's short form."""
    sqlite_desk.source.run("alter table ho_so add column doi text")
    for number, day in enumerate(("20261119", "20261120", "20261121")):
        sqlite_desk.source.put(f"uid-{number:04}", 0, day, doi=day)
    await sqlite_desk.look(by="doi", page=1, look_back=86_400)
    sqlite_desk.source.put("uid-0009", 0, "late", doi="20261120")
    await sqlite_desk.look()
    assert sqlite_desk.notes() == ["20261119", "20261120", "20261121", "late"]


async def test_a_column_becomes_another_type(desk: Office) -> None:
    """While the hub is connected, as when the other system is brought up to date: it goes on."""
    for number in range(8):
        desk.source.put(f"uid-{number:04}", number, f"{number}")
        await desk.look(page=3, look_back=1)
    if desk.source.kind == "postgresql":
        desk.source.run("alter table ho_so alter column ghi_chu type text", "alter table ho_so alter column luc type numeric")
    elif desk.source.kind == "mariadb":
        desk.source.run("alter table ho_so modify ghi_chu longtext, modify luc decimal(20)")
    for number in range(8, 12):
        desk.source.put(f"uid-{number:04}", number, f"{number}")
        await desk.look()
    assert list(dict.fromkeys(desk.notes())) == [f"{number}" for number in range(12)]

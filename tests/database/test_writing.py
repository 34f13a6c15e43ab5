"""Messages become rows: inserted or changed by their key, with the rows of their lists, and nobody's else."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import make_url

from connectors.database.config import DatabaseConfig
from connectors.database.connector import DatabaseTables
from connectors.database.place import Database
from database.parts import Source, tables
from hub.errors import DeliveryError, InDoubt, NotAsked, NotConnected, Rejected, Transient
from hub.message import Message, SchemaRef, new_id

SENT = """
create table gui_di (
  ma varchar(40) not null primary key, chu varchar(20), trang_thai integer not null check (trang_thai > 0), ngay date,
  so_tien numeric(20,4), js {json}, tin varchar(40), thu_tu bigint, rieng varchar(20), so_vb varchar(20) unique
)"""
PAPERS = "create table gui_giay (ma varchar(40), stt integer, ten varchar(40) not null, primary key (ma, stt))"
WRITE: dict[str, Any] = {
    "table": "gui_di", "key": ["ma"], "message_id": "tin", "seq": "thu_tu", "guard": "thu_tu", "json": ["js"],
    "columns": {
        "code": "ma", "/owner/name": "chu", "state": "trang_thai", "day": "ngay", "fee": "so_tien", "extra": "js",
        "no": "so_vb",
    },
    "children": {"papers": {"table": "gui_giay", "match": {"ma": "ma"}, "order": "stt", "columns": {"name": "ten"}}},
}  # fmt: skip
NAME = "Trần Thị Mẫu Thử"


class Attempt:
    """What the engine says of one try."""

    number, known_ids, sent_before, remembered = 1, {}, False, {}

    def __init__(self, may_update: bool = False) -> None:
        self.may_update = may_update


def message(seq: int = 1, **body: Any) -> Message:
    given = {"code": "HS-1", "owner": {"name": NAME}, "state": 2, **body}
    return Message(new_id(), new_id(), new_id(), seq, SchemaRef("npsp-dossier", "1.0.0"), given, "c", full_state=True)


@contextlib.asynccontextmanager
async def to(source: Source, **more: Any) -> AsyncIterator[DatabaseTables]:
    made = tables(source.url, write={"npsp-dossier@1": {**WRITE, **more}})
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def table(source: Source) -> AsyncIterator[DatabaseTables]:
    source.run(SENT.format(json="jsonb" if source.kind == "postgresql" else "text"), PAPERS)
    async with to(source) as made:
        await made.check()
        yield made


def rows(source: Source) -> list[tuple[Any, ...]]:
    return source.run("select ma, chu, trang_thai, thu_tu from gui_di order by ma")


async def send(made: DatabaseTables, sent: Message, may_update: bool = True) -> Any:
    return await made.send(sent, Attempt(may_update))  # type: ignore[arg-type]


async def find(made: DatabaseTables, sent: Message) -> Any:
    return await made.find(sent, Attempt())  # type: ignore[arg-type]


async def test_a_message_becomes_a_row_and_the_next_changes_it(table: DatabaseTables, source: Source) -> None:
    """With the rows of its list; values as they are; columns that nobody named are left alone."""
    first = message(1, day="2026-11-21", fee="1234567890123456.7891", extra={"a": [1]}, papers=[{"name": "a"}, {"name": "b"}])
    receipt = await send(table, first, may_update=False)
    assert (receipt.reference, rows(source)) == ("gui_di:HS-1", [("HS-1", NAME, 2, 1)])
    (day, fee, extra), *_ = source.run("select ngay, so_tien, js from gui_di")
    assert str(day) == "2026-11-21" and extra in ('{"a":[1]}', {"a": [1]})
    assert source.kind == "sqlite" or str(fee) == "1234567890123456.7891"
    source.run("update gui_di set rieng = 'của họ'")
    await send(table, message(2, state=4, papers=[{"name": "c"}]))
    assert rows(source) == [("HS-1", NAME, 4, 2)]
    assert source.run("select rieng, ngay from gui_di") == [("của họ", None)]
    assert source.run("select stt, ten from gui_giay") == [(1, "c")]


async def test_the_same_again_is_the_same(table: DatabaseTables, source: Source) -> None:
    """A try after an answer that was lost: one row, and it is known as ours."""
    sent = message(1, papers=[{"name": "a"}])
    await send(table, sent)
    await send(table, sent, may_update=False)
    assert len(rows(source)) == 1 and source.run("select stt, ten from gui_giay") == [(1, "a")]


async def test_an_older_state_never_replaces_a_newer(table: DatabaseTables, source: Source) -> None:
    """The guard: the row and its list stay as they are, and the receipt says so."""
    await send(table, message(5, state=5, papers=[{"name": "new"}]))
    receipt = await send(table, message(4, state=4, papers=[{"name": "old"}]))
    assert rows(source) == [("HS-1", NAME, 5, 5)] and source.run("select ten from gui_giay") == [("new",)]
    assert receipt.warnings == ("the row has a greater thu_tu: it stays as it is",)


async def test_sabotaged_without_a_guard_it_would(table: DatabaseTables, source: Source) -> None:
    """The proof above would be red."""
    async with to(source, guard=None) as careless:
        await send(careless, message(5, state=5))
        await send(careless, message(4, state=4))
    assert rows(source) == [("HS-1", NAME, 4, 4)]


async def test_a_row_that_is_not_ours_is_not_changed_unasked(table: DatabaseTables, source: Source) -> None:
    """The ledger shows no send of ours: exists; adopted (``may_update``) it is changed."""
    source.run("insert into gui_di (ma, trang_thai) values ('HS-1', 9)")
    with pytest.raises(Rejected) as refused:
        await send(table, message(1), may_update=False)
    assert refused.value.code == "exists" and rows(source)[0][2] == 9
    await send(table, message(1), may_update=True)
    assert rows(source)[0][2] == 2


async def test_what_the_row_tells_when_in_doubt(table: DatabaseTables, source: Source) -> None:
    """Nothing there; exactly this; an older; a newer of ours. Without marks nobody can tell."""
    sent = message(2)
    assert await find(table, sent) is None
    await send(table, sent)
    assert (await find(table, sent)).holds is True
    assert (await find(table, message(3))).holds is False
    assert (await find(table, message(1))).holds is True
    assert (await find(table, message(2))).holds is False
    async with to(source, message_id=None, seq=None, guard=None) as blind:
        assert (await find(blind, sent)).holds is None


async def test_a_list_that_the_message_lacks(table: DatabaseTables, source: Source) -> None:
    """Gone with ``absent: null``, left alone with ``absent: keep``; so are columns."""
    await send(table, message(1, day="2026-11-21", papers=[{"name": "a"}]))
    async with to(source, absent="keep") as keeping:
        await send(keeping, message(2))
    assert source.run("select count(*) from gui_giay") == [(1,)]
    assert str(source.run("select ngay from gui_di")[0][0]) == "2026-11-21"
    await send(table, message(3))
    assert source.run("select count(*) from gui_giay") == [(0,)]
    assert source.run("select ngay from gui_di") == [(None,)]


REFUSED = [
    ({"state": -1}, "constraint", None),
    ({"state": None}, "constraint", "trang_thai"),
    ({"papers": [{}]}, "constraint", "ten"),
    ({"no": "VB-1", "code": "HS-2"}, "constraint", "so_vb"),
]
NOT_OF_SQLITE = [
    ({"owner": {"name": NAME * 3}}, "value", None),
    ({"day": "21/11/2026x"}, "value", None),
    ({"state": "Nguyễn Văn Bí Mật"}, "value", None),
]


@pytest.mark.parametrize(("body", "code", "column"), [*REFUSED, *NOT_OF_SQLITE])
async def test_what_the_database_refuses(
    table: DatabaseTables, source: Source, body: dict[str, Any], code: str, column: str | None
) -> None:
    """Rejected, with the column if the database names it, and no value; nothing of the message is written."""
    if source.kind == "sqlite" and (body, code, column) in NOT_OF_SQLITE:
        await send(table, message(1, **body))  # SQLite takes anything in any column
        return
    await send(table, message(1, code="HS-0", no="VB-1"))
    with pytest.raises(Rejected) as refused:
        await send(table, message(1, **body))
    assert (type(refused.value), refused.value.code) == (Rejected, code)
    if column is not None:
        assert column in refused.value.reason
    assert refused.value.__suppress_context__
    told = f"{refused.value!r} {refused.value.__cause__!r}"
    assert NAME not in told and "VB-1" not in told and "Bí Mật" not in told
    assert [row[0] for row in rows(source)] == ["HS-0"] and source.run("select count(*) from gui_giay") == [(0,)]


@pytest.mark.parametrize("body", [{"code": None}, {"state": [1]}, {"papers": "x"}])
async def test_what_is_no_row_is_not_asked(table: DatabaseTables, body: dict[str, Any]) -> None:
    """No key, a list where one value belongs, a list that is none: refused before any call."""
    with pytest.raises(NotAsked):
        await send(table, message(1, **body))


async def test_another_unique_index_is_nobody_elses_row(table: DatabaseTables, source: Source) -> None:
    """MariaDB's own upsert would have changed the other dossier's row."""
    await send(table, message(1, code="HS-1", no="VB-1"))
    with pytest.raises(Rejected):
        await send(table, message(1, code="HS-2", no="VB-1", state=7))
    assert rows(source) == [("HS-1", NAME, 2, 1)]


async def test_a_commit_that_nobody_answers_is_in_doubt(postgres_source: Source) -> None:
    """The server ends the session while it commits; afterwards ``find`` tells what became of it."""
    postgres_source.run(
        SENT.format(json="jsonb"), PAPERS,
        "create function away() returns trigger language plpgsql as "
        "$$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$",
        "create constraint trigger late after insert on gui_di deferrable initially deferred "
        "for each row execute function away()",
    )  # fmt: skip
    async with to(postgres_source) as made:
        sent = message(1)
        with pytest.raises(InDoubt):
            await send(made, sent)
        assert await find(made, sent) is None
        postgres_source.run("drop trigger late on gui_di")
        await send(made, sent)
        assert (await find(made, sent)).holds is True


async def test_a_session_that_ends_before_the_commit_did_nothing(postgres_source: Source) -> None:
    """NotConnected, or a pause: never in doubt; and the next try has a new session."""
    postgres_source.run(
        SENT.format(json="jsonb"), PAPERS,
        "create function away() returns trigger language plpgsql as "
        "$$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$",
        "create trigger now after insert on gui_di for each row execute function away()",
    )  # fmt: skip
    async with to(postgres_source) as made:
        with pytest.raises(NotConnected):
            await send(made, message(1))
        postgres_source.run("drop trigger now on gui_di")
        await send(made, message(1))


async def test_a_lock_is_waited_for_and_then_told(source: Source, table: DatabaseTables) -> None:
    """Somebody holds the row: Transient when ``timeout`` is over."""
    await send(table, message(1))
    slow = tables(source.url, write={"npsp-dossier@1": WRITE}, timeout=1)
    try:
        with source.session() as holder:
            if source.kind == "mariadb":
                source.run("set global innodb_lock_wait_timeout = 1")
            holder.exec_driver_sql("begin immediate" if source.kind == "sqlite" else "select 1")
            holder.exec_driver_sql("update gui_di set rieng = 'x'")
            with pytest.raises((Transient, NotConnected)) as told:
                await send(slow, message(2))
            assert told.value.code in ("locked", "too_slow", "connection_lost")
        await send(slow, message(2))
    finally:
        await slow.close()


@pytest.mark.parametrize(
    ("url", "kind", "code"),
    [
        ("sqlite:////no/such/file.db", NotConnected, "no_database"),
        ("postgresql://u:hidden-word@127.0.0.1:9/x", NotConnected, "connection_lost"),
        ("mariadb://u:hidden-word@127.0.0.1:9/x", NotConnected, "connection_lost"),
    ],
)
async def test_a_database_that_cannot_be_reached(url: str, kind: type[DeliveryError], code: str) -> None:
    """NotConnected; the password is in no text."""
    made = tables(url, write={"npsp-dossier@1": WRITE}, timeout=1)
    try:
        for act in (made.check, lambda: send(made, message(1))):
            with pytest.raises(kind) as told:
                await act()
            assert told.value.code == code
            assert "hidden-word" not in f"{told.value!r} {made.config!r} {made.config}"
    finally:
        await made.close()


async def test_a_table_that_is_not_there(source: Source) -> None:
    """The check and a delivery say it; a delivery waits for it."""
    async with to(source) as made:
        for act in (made.check, lambda made=made: send(made, message(1))):
            with pytest.raises(Transient) as told:
                await act()
            assert told.value.code == "no_table"


async def test_a_wrong_account_is_told_as_such(server_source: Source) -> None:
    """AccountRefused: no message is to blame, and an operator has to mend it."""
    wrong = make_url(server_source.url).set(username="nobody", password="hidden-word")
    made = tables(wrong.render_as_string(hide_password=False), write={"npsp-dossier@1": WRITE})
    try:
        with pytest.raises(DeliveryError) as told:
            await made.check()
        assert told.value.code == "account"
    finally:
        await made.close()


def test_the_place_keeps_no_password_to_show() -> None:
    """Whoever prints it."""
    config = DatabaseConfig.model_validate({"url": "postgresql://u@h/x", "password": "hidden-word"})
    assert config.address.password == "hidden-word"
    assert "hidden-word" not in repr(config)
    assert "hidden-word" not in repr(vars(Database(config, "x")))


@pytest.mark.parametrize("source", ["postgresql"], indirect=True)
async def test_a_rule_that_is_looked_at_in_the_end(source: Source) -> None:
    """A constraint that is deferred: the table refuses the row as it is committed, and that is as good as any refusal."""
    source.run(
        "create table me (ma varchar(40) primary key)",
        "create table con (ma varchar(40) primary key, cha varchar(40) references me deferrable initially deferred)",
    )
    columns = {"code": "ma", "no": "cha"}
    write = {"table": "con", "key": ["ma"], "columns": columns, "json": [], "children": {}}
    async with to(source, **write, message_id=None, seq=None, guard=None) as made:
        with pytest.raises(Rejected, match="constraint") as refused:
            await send(made, message(1, no="nobody-1234"))
        assert "nobody-1234" not in str(refused.value)


_REFUSES = {
    "sqlite": ["create trigger luat before insert on gui_di begin select raise(abort, 'no'); end"],
    "postgresql": [
        "create function luat() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$",
        "create trigger luat before insert on gui_di for each row execute function luat()",
    ],
    "mariadb": ["create trigger luat before insert on gui_di for each row signal sqlstate '45000' set message_text = 'no'"],
}


async def test_a_trigger_that_refuses(table: DatabaseTables, source: Source) -> None:
    """The table's own programs have rules too: a row that they refuse is refused, and not tried again and again."""
    source.run(*_REFUSES[source.kind])
    with pytest.raises(Rejected, match="constraint"):
        await send(table, message())


async def test_rows_of_a_list_need_what_they_belong_to(source: Source) -> None:
    """The column by which they would be found again has no value: nothing is written, where each send would add them anew."""
    source.run(SENT.format(json="text"), "create table gui_phu (so varchar(20), ten varchar(40))")
    child = {"table": "gui_phu", "match": {"so": "so_vb"}, "columns": {"name": "ten"}}
    async with to(source, children={"papers": child}) as made:
        with pytest.raises(NotAsked, match=r"no_key.*so_vb"):
            await send(made, message(1, papers=[{"name": "a"}]))
        await send(made, message(1, no="7", papers=[{"name": "a"}]))
    assert source.run("select so, ten from gui_phu") == [("7", "a")] and len(rows(source)) == 1

"""What became of a row is written back: at least once, and never over a newer state of the row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import make_url

from connectors.database.write_back import WriteBack
from database.parts import READ, Office, Source, tables
from hub.errors import AccountRefused

BACK = {"columns": {"bien_nhan": "receipt", "ket_qua": "state", "gio": "time"}}


def _told(desk: Office) -> dict[str, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in desk.source.run("select ma, bien_nhan, ket_qua, gio from ho_so order by ma")}


async def test_receipt_state_and_time_are_written_back(desk: Office) -> None:
    """Of accepted, kept and refused rows; the id leads to the arrival; a second look writes nothing."""
    desk.source.put("uid-0001", 1)
    desk.source.put("uid-0002", 2, trang_thai="no-such-state")
    desk.source.put("", 3, so=None)
    await desk.look(write_back=BACK)
    told = _told(desk)
    assert [told[ma][1] for ma in ("uid-0001", "uid-0002", "")] == ["accepted", "kept", "refused"]
    assert told[""][0] is None and told["uid-0001"][2].endswith("Z")
    shown = await desk.hub.store.arrival(told["uid-0001"][0])
    assert shown is not None and shown["receipt"]["state"] == "accepted"
    desk.source.run("update ho_so set ket_qua = null")
    await desk.look()
    assert {one[1] for one in _told(desk).values()} == {None}
    assert len(desk.arrivals()) == 2


async def test_an_outbox_is_emptied(desk: Office) -> None:
    """``delete``: what the hub has on disk is gone from the table; what it refused stays."""
    for number in range(5):
        desk.source.put(f"uid-{number:04}", number + 1, f"{number}")
    desk.source.put("", 9, so=None)
    await desk.look(write_back={"delete": True}, page=2)
    assert [*_told(desk)] == [""]
    assert desk.notes() == ["0", "1", "2", "3", "4"]


_KEPT_THERE = {
    "sqlite": ["create trigger giu before delete on ho_so when old.ma = 'uid-0001' begin select raise(abort, 'no'); end"],
    "postgresql": ["create table giu (ma varchar(40) references ho_so(ma))", "insert into giu values ('uid-0001')"],
    "mariadb": [
        "create table giu (ma varchar(40), foreign key (ma) references ho_so(ma))",
        "insert into giu values ('uid-0001')",
    ],
}


async def test_a_row_that_cannot_be_written_back_stops_no_other(desk: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """The table refuses it: that is said once, with the place; the rows behind it come, and are told."""
    for number in range(5):
        desk.source.put(f"uid-{number:04}", number + 1, f"{number}")
    desk.source.run(*_KEPT_THERE[desk.source.kind])
    for _ in range(2):
        await desk.look(write_back={"delete": True}, page=2)
    assert [*_told(desk)] == ["uid-0001"]
    assert desk.notes() == ["0", "1", "2", "3", "4"]
    said = capsys.readouterr().err
    assert said.count("not_written_back") == 1 and "ho_so:uid-0001" in said


class _Broke(Exception):
    """The write-back ends here."""


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_was_not_written_back_is_written_later(
    desk: Office, restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It broke behind the page's arrivals, or the process ended there: the cursor has not passed them, so they are told, though
    the window alone would not reach back to them; nothing arrives twice."""
    for number in range(4):
        desk.source.put(f"uid-{number:04}", 100 * number, f"{number}")
    settings = {"write_back": BACK, "page": 2, "look_back": 0}

    def broken(*_: object) -> None:
        raise _Broke

    with monkeypatch.context() as patch:
        patch.setattr(WriteBack, "tell", broken)
        with pytest.raises(_Broke):
            await desk.look(**settings)
    assert {one[1] for one in _told(desk).values()} == {None} and desk.notes() == ["0", "1"]
    if restarted:
        await desk.restart()
    await desk.look(**settings)
    assert {one[1] for one in _told(desk).values()} == {"accepted"}
    assert desk.notes() == ["0", "1", "2", "3"]


async def test_a_newer_state_is_not_told_of_before_it_was_taken(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row changes between its arrival and the write-back."""
    desk.source.put("uid-0001", 1, "một")
    honest = WriteBack.tell

    def late(self: WriteBack, *given: Any) -> list[str | None]:
        desk.source.run("update ho_so set luc = 2, ghi_chu = 'hai' where ma = 'uid-0001'")
        return honest(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(WriteBack, "tell", late)
        await desk.look(write_back=BACK)
    assert _told(desk)["uid-0001"][1] is None
    await desk.look()
    assert _told(desk)["uid-0001"][1] == "accepted" and desk.notes() == ["một", "hai"]


async def test_a_column_that_moves_by_itself_stays(desk: Office) -> None:
    """MariaDB's ON UPDATE CURRENT_TIMESTAMP: the write-back makes no new state of the row."""
    if desk.source.kind == "mariadb":
        desk.source.run("alter table ho_so add column doi timestamp(6) default '2026-01-01' on update current_timestamp(6)")
    else:
        desk.source.run("alter table ho_so add column doi timestamp default '2026-01-01 00:00:00'")
    desk.source.put("uid-0001", 1)
    before = desk.source.run("select doi from ho_so")
    for _ in range(3):
        await desk.look(write_back=BACK, by="doi")
    assert desk.source.run("select doi from ho_so") == before and len(desk.arrivals()) == 1


@pytest.fixture
async def reader(server_desk: Office) -> AsyncIterator[str]:
    """The address for an account that may only read."""
    source = server_desk.source
    name = f"reader_of_{make_url(source.url).database}"
    if source.kind == "postgresql":
        source.run(f"create role {name} login password 'x'", f"grant select on ho_so to {name}")
        yield (
            source.url.replace("postgres:", f"{name}:x")
            if "postgres:" in source.url
            else source.url.replace("//postgres", f"//{name}")
        )
        source.run(f"drop owned by {name}", f"drop role {name}")
    else:
        database = source.url.rpartition("/")[2]
        source.run(f"create user {name} identified by 'x'", f"grant select on {database}.ho_so to {name}")
        yield source.url.replace("root:", f"{name}:x")


async def test_the_right_to_read_is_enough_to_read(server_desk: Office, reader: str) -> None:
    """And not to write back: that is said as what it is."""
    server_desk.source.put("uid-0001", 1)
    connector = tables(reader, read=dict(READ))
    await connector.check()
    await connector.close()
    server_desk.source = Source(reader)
    with pytest.raises(AccountRefused) as refused:
        await server_desk.look(write_back=BACK)
    assert refused.value.code == "table_rights"
    assert len(server_desk.arrivals()) == 1

"""What a ministry tells of its own dossiers, by feed and by push: stored in order, never sent back; nothing stops the rest."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from connectors.ministry_portal import polling
from connectors.ministry_portal.config import MinistryConfig
from connectors.ministry_portal.connector import MinistryPortal
from connectors.ministry_portal.exchange import Exchange
from connectors.ministry_portal.items import messages
from hub.app import Hub
from hub.connector import Accepted, Arrival, ConnectorContext
from hub.errors import Problem, SchemaInvalid
from hub.intake.accept import Intake
from hub.intake.keys import new_key
from hub.message import system_clock
from hub.store.backup import back_up, restore
from ministry_portal.home import LOCAL, OWN, at_rest, home_at, hub_on, item, look, post, record, take, until
from ministry_portal.parts import CREATE, Portal, connected, scripted, settings, simulated

SHA256 = hashlib.sha256(b"an invented result").digest()
OTHER, THIRD = "G09.20-20260609-0000002", "G09.20-20260609-0000003"
STEP = {"nguoiXuLy": "Hoa", "thoiDiemXuLy": "2026-11-21T09:30:00.000", "noiDungXuLy": "Thẩm định", "trangThai": 4}


def canonical(home: Path) -> list[tuple[Any, ...]]:
    """(code, schema, state of the message) of what was accepted, in order."""
    return look(
        home,
        "select a.code, m.schema, m.state from messages m join aliases a on a.dossier_id = m.dossier_id "
        "and a.system = 'national' order by m.accepted_at, m.seq",
    )


async def key_of(hub: Hub, *schemas: str) -> str:
    """A key of the sender ``ministry`` with these rights."""
    key, text = new_key("ministry", schemas, system_clock(), "sender")
    await hub.store.add_key(key)
    return text


@asynccontextmanager
async def fed(folder: Path, *items: dict[str, Any], **options: Any) -> AsyncIterator[tuple[Hub, Path, Portal]]:
    """A hub on a ministry that has these items."""
    async with simulated(required_create=["MaHoSo"], **options) as portal:
        if items:
            await portal.feed(*items)
        home = home_at(folder, portal.url)
        async with hub_on(home) as hub:
            yield hub, home, portal


async def test_dossiers_and_steps_of_the_feed(tmp_path: Path) -> None:
    """Both cases of names; a step is a message of its own behind the state; nothing goes back to where it came from."""
    camel = {
        "maHoSo": OWN,
        "maTTHC": "1.005129",
        "trangThai": "4",
        "ngayCapNhat": "2026-11-22T09:10:11.500",
        "tienTrinh": [STEP],
    }
    async with fed(tmp_path, camel, item(9, "2026-11-23 08:00:00", IDHoSo="5f0c")) as (_, home, portal):
        await until(lambda: len(canonical(home)) == 3)
        assert [(code, schema.partition("@")[0]) for code, schema, _ in canonical(home)] == [
            (OWN, "dossier"), (OWN, "dossier-progress"), (OWN, "dossier"),
        ]  # fmt: skip
        assert look(home, "select distinct origin from messages") == [("ministry",)]
        assert look(home, "select distinct sender from arrivals") == [("ministry",)]
        assert look(home, "select count(*) from deliveries") == [(0,)]
        assert await portal.calls(CREATE) == []


def kept_cursor(home: Path) -> list[tuple[Any, ...]]:
    """What the store has of how far the feed was read."""
    return look(home, "select value from cursors where endpoint = 'ministry'")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cursors with which the feed was asked for, in order."""
    told: list[str] = []
    honest = Exchange.page

    async def page(self: Exchange, path: str, query: Mapping[str, str]) -> Any:
        told.append(query.get("cursor", ""))
        return await honest(self, path, query)

    monkeypatch.setattr(Exchange, "page", page)
    return told


async def test_the_cursor_outlives_a_restart(tmp_path: Path, asked: list[str]) -> None:
    """What came is not asked for again."""
    async with simulated() as portal:
        home = home_at(tmp_path, portal.url)
        await portal.feed(item(2, "2026-11-22 08:00:00"), item(4, "2026-11-22 09:00:00"))
        async with hub_on(home):
            await until(lambda: len(canonical(home)) == 2)
            assert kept_cursor(home) != []  # committed with the second one
        assert asked[0] == ""
        asked.clear()
        async with hub_on(home):
            await portal.feed(item(9, "2026-11-22 10:00:00"))
            await until(lambda: len(canonical(home)) == 3)
        assert len(look(home, "select 1 from arrivals")) == 3
        assert asked and "" not in asked


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("feed: { path: /feed,", "feed: { path: /feed, read_anew: 2026-11-22,"),
        ("feed: { path: /feed,", "feed: { path: '/feed?of=another',"),
    ],
    ids=["told to", "another feed"],
)
async def test_a_feed_that_is_read_anew_brings_nothing_twice(
    tmp_path: Path, written: str, instead: str, asked: list[str]
) -> None:
    """From its beginning, because the operator says so, or because it is another feed by its address."""
    async with simulated() as portal:
        home = home_at(tmp_path, portal.url)
        await portal.feed(item(2, "2026-11-22 08:00:00", TienTrinh=[STEP]), item(4, "2026-11-22 09:00:00", IdBanTin=7))
        async with hub_on(home):
            await until(lambda: len(canonical(home)) == 3)
        before = kept_cursor(home)
        asked.clear()
        config = home / "config.yaml"
        config.write_text(config.read_text(encoding="utf-8").replace(written, instead), encoding="utf-8")
        async with hub_on(home):
            await until(lambda: kept_cursor(home) != before)
            await portal.feed(item(9, "2026-11-22 10:00:00"))
            await until(lambda: len(canonical(home)) == 4)
        assert asked[0] == "" and "" not in asked[1:]
        assert len(look(home, "select 1 from arrivals")) == 4


async def test_an_item_at_which_the_hub_breaks_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the hub's own: tried again, said and passed over. The kept cursor stays before it: a mended hub takes it."""
    honest = Intake.accept

    async def accept(intake: Intake, arrival: Arrival, *words: Any, **more: Any) -> Accepted:
        if OTHER.encode() in arrival.body:
            raise RuntimeError("canary")
        return await honest(intake, arrival, *words, **more)

    monkeypatch.setattr(Intake, "accept", accept)
    monkeypatch.setattr("hub.intake.contained.PAUSE_SECONDS", 0.01)
    async with simulated() as portal:
        home = home_at(tmp_path, portal.url)
        await portal.feed(item(4, "2026-11-22 08:00:00"))
        async with hub_on(home):
            await until(lambda: kept_cursor(home))
            before = kept_cursor(home)
            await portal.feed(item(4, "2026-11-22 09:00:00", OTHER), item(9, "2026-11-22 10:00:00"))
            await until(lambda: len(canonical(home)) == 2)
            await portal.feed(item(4, "2026-11-22 11:00:00", THIRD))
            await until(lambda: len(canonical(home)) == 3)
        assert {code for code, *_ in canonical(home)} == {OWN, THIRD}
        assert kept_cursor(home) == before
        monkeypatch.setattr(Intake, "accept", honest)
        async with hub_on(home):
            await until(lambda: len(canonical(home)) == 4)
            await until(lambda: kept_cursor(home) != before)
        assert len(look(home, "select 1 from arrivals")) == 4, "what was taken before was known again"


async def test_after_a_restore_the_feed_goes_on_from_the_backup(tmp_path: Path, asked: list[str]) -> None:
    """What came after the backup comes again, and what was in it does not, though the home's old ``var`` was taken along."""
    async with simulated() as portal:
        home = home_at(tmp_path / "old", portal.url)
        await portal.feed(item(2, "2026-11-22 08:00:00"))
        async with hub_on(home):
            await until(lambda: kept_cursor(home))
            file = tmp_path / "backup.db"
            await asyncio.to_thread(back_up, f"sqlite:///{home}/var/hub.db", file, system_clock)
            await portal.feed(item(4, "2026-11-22 09:00:00"), item(9, "2026-11-22 10:00:00"))
            await until(lambda: len(canonical(home)) == 3)
        restored = tmp_path / "restored"
        shutil.copytree(home, restored, ignore=shutil.ignore_patterns("hub.db*"))
        await asyncio.to_thread(
            restore, file, f"sqlite:///{restored}/var/hub.db", ["ministry"], system_clock, actor="lan"
        )  # fmt: skip
        asked.clear()
        async with hub_on(restored):
            await until(lambda: len(canonical(restored)) == 3)
        assert len(look(restored, "select 1 from arrivals")) == 3 and "" not in asked


async def test_a_cursor_of_another_connector_is_none_of_the_feeds(tmp_path: Path) -> None:
    """The endpoint's name belonged to something else before: the feed begins at its beginning, and its own cursor is kept."""
    async with simulated() as portal:
        home = home_at(tmp_path, portal.url)
        async with hub_on(home):
            pass
        await portal.feed(item(4))
        for kept in ("17", '{"table": "ho_so"}', "no JSON", '["cursor"]'):
            with closing(sqlite3.connect(home / "var" / "hub.db")) as store:
                store.execute("delete from cursors")
                store.execute("insert into cursors values ('ministry', ?)", (kept,))
                store.commit()
            async with hub_on(home):
                await until(lambda kept=kept: kept_cursor(home) != [(kept,)])  # type: ignore[misc]
        assert len(canonical(home)) == 1


async def test_what_does_not_fit_is_kept_and_stops_nothing(tmp_path: Path) -> None:
    """An unknown state and a missing field are kept; an item that names no dossier is said in the log; the next go on."""
    bad = item(11, code="G09.20-20260609-0000001")
    lacking = {"MaHoSo": "G09.20-20260609-0000002", "TrangThai": 4}
    async with fed(tmp_path, bad, lacking, {"MaHoSo": "", "TrangThai": 4}, item(4)) as (_, home, _):
        await until(lambda: any(code == OWN for code, _, _ in canonical(home)))
        kept = look(home, "select state from arrivals order by received_at")
        assert sorted(one for (one,) in kept) == ["accepted", "kept", "kept"]


async def test_an_older_state_does_not_take_the_newer_ones_place(tmp_path: Path) -> None:
    async with fed(tmp_path, item(9, "2026-11-22 10:00:00"), item(4, "2026-11-22 09:00:00")) as (_, home, _):
        await until(lambda: len(canonical(home)) == 2)
        assert [state for _, _, state in canonical(home)] == ["routed", "superseded"]


async def test_a_feed_that_fails_is_asked_again(tmp_path: Path) -> None:
    async with fed(tmp_path) as (_, home, portal):
        for fault in ("html_200", "http_503", "reset_before", "half_answer"):
            await portal.plant("feed", fault)
        await portal.feed(item(4))
        await until(lambda: canonical(home))


async def test_a_dossier_created_there_comes_back_as_the_same_one(tmp_path: Path) -> None:
    """The feed tells its state under the code that was issued there: it is the dossier that the one-stop shop sent."""
    async with fed(tmp_path) as (hub, home, portal):
        await take(hub, "portal-dossier@1", record("2"))
        await at_rest(home)
        ((code,),) = look(home, "select code from aliases where system = 'ministry'")
        await portal.feed(item(9, "2026-11-25 08:00:00", code=code))
        await until(lambda: look(home, "select 1 from arrivals where sender = 'ministry'"))
        assert look(home, "select count(*) from dossiers") == [(1,)]
        assert look(home, "select state from messages order by seq") == [("routed",), ("conflict",)]
        assert LOCAL in {one for (one,) in look(home, "select code from aliases")}


async def test_numbers_of_steps_are_no_ids_of_messages(tmp_path: Path) -> None:
    """Steps numbered from 1 in each dossier, and a message with the same number: nothing of it is lost, nothing doubled."""
    other = "G09.20-20260609-0000009"
    mine, its = {**STEP, "idTienTrinh": 1}, {**STEP, "idTienTrinh": 1, "noiDungXuLy": "Khác"}
    first, second = item(4, IdBanTin=1, TienTrinh=[mine]), item(4, code=other, IdBanTin=2, TienTrinh=[its])
    again = item(5, "2026-11-23 08:00:00", IdBanTin=3, TienTrinh=[mine, {**STEP, "idTienTrinh": 2, "noiDungXuLy": "Bổ sung"}])
    async with fed(tmp_path, first, second, again) as (_, home, _):
        await until(lambda: len(canonical(home)) == 6)
        kinds = sorted((code, schema.partition("@")[0]) for code, schema, _ in canonical(home))
        assert kinds == [
            (other, "dossier"), (other, "dossier-progress"),
            (OWN, "dossier"), (OWN, "dossier"), (OWN, "dossier-progress"), (OWN, "dossier-progress"),
        ]  # fmt: skip


async def test_an_id_that_is_used_again_loses_nothing(tmp_path: Path) -> None:
    """A ministry whose IdBanTin is no id of the message: each content is taken once, when its page is read again too."""
    items = [item(state, f"2026-11-22 0{state}:00:00", IdBanTin="77") for state in (2, 4, 9)]
    async with fed(tmp_path, *items) as (_, home, _):
        await until(lambda: len(canonical(home)) == 3)
    async with simulated() as portal:
        await portal.feed(*items, item(10, "2026-11-23 08:00:00", IdBanTin="78"))
        config = (home / "config.yaml").read_text(encoding="utf-8")
        config = re.sub("http://127.0.0.1:[0-9]+", portal.url, config)
        (home / "config.yaml").write_text(config, encoding="utf-8")
        async with hub_on(home):
            await until(lambda: len(canonical(home)) == 4)
        assert len(look(home, "select 1 from arrivals")) == 4


async def test_null_is_absent_and_ids_may_be_numbers(tmp_path: Path) -> None:
    result = {"idGiayTo": 9, "tenGiayTo": "Giấy phép", "maKetQua": None, "duongDanTepTinKetQua": "https://files.example.vn/9"}
    given = item(9, idBanTin=77, idHoSo=5, ngayTra=None, tienTrinh=None, danhSachGiayToKetQua=[result])
    async with fed(tmp_path, given) as (_, home, _):
        await until(lambda: canonical(home))
        assert look(home, "select sender_key, state from arrivals") == [("id:77", "accepted")]


def at_the_store(it_has: str | None) -> tuple[Any, Any, list[bytes]]:
    """A store as the connector meets it: ``cursor``, ``accept`` that commits a cursor with its arrival, and what is in it."""
    taken: list[bytes] = []
    kept = it_has

    async def cursor() -> str | None:
        return kept

    async def accept(arrival: Arrival, *, cursor: str | None = None, **_: Any) -> Accepted:
        nonlocal kept
        if not json.loads(arrival.body).get("MaHoSo"):
            raise SchemaInvalid([Problem("/MaHoSo", "missing", "the message names no dossier")])
        taken.append(arrival.body)
        kept = cursor or kept
        return Accepted({})

    return cursor, accept, taken


@pytest.mark.parametrize("last", [1, 2, 3, 4])
@pytest.mark.parametrize("stored", [False, True], ids=["before it is stored", "when it is just stored"])
async def test_a_crash_at_an_item_loses_nothing(tmp_path: Path, last: int, stored: bool) -> None:
    """The hub ends at each item of a page in turn: the page is read again until the last of it is stored, and then no more."""
    items = [item(2, f"2026-11-22 08:00:0{n}", code=f"G09.20-20260609-000000{n}") for n in range(4)]
    async with simulated() as portal:
        feed = {"path": "/feed", "every_seconds": 0.01}
        config = MinistryConfig.model_validate(settings(portal.url, feed=feed))
        await portal.feed(*items)
        cursor, take_in, taken = at_the_store(None)
        count = 0

        async def accept(arrival: Arrival, **more: Any) -> Accepted:
            nonlocal count
            count += 1
            if count == last and not stored:
                raise asyncio.CancelledError
            accepted: Accepted = await take_in(arrival, **more)
            if count == last:
                raise asyncio.CancelledError
            return accepted

        for _ in range(2):
            it = MinistryPortal(config, ConnectorContext("ministry", system_clock, None, cursor))
            await it.open()
            asked = len(await portal.calls("feed"))
            reading = asyncio.create_task(it.receive(accept))
            if count:

                async def asked_twice(asked: int = asked) -> bool:
                    return len(await portal.calls("feed")) > asked + 1

                await until(asked_twice)
                reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await it.close()
        assert len(set(taken)) == 4
        assert len(taken) == (4 if stored and last == 4 else last - (not stored) + 4)


async def test_the_cursor_waits_for_a_page_whose_last_is_taken(tmp_path: Path) -> None:
    """Nothing that was refused, and no empty page, brings a cursor; the next item that is taken does."""
    pages = {
        "": {"items": [item(2), {"TrangThai": 4}], "cursor": "1"},
        "cursor=1": {"items": [{"TrangThai": 4}], "cursor": "2"},
        "cursor=2": {"items": [], "cursor": "3"},
        "cursor=3": {"items": [item(4, TienTrinh=[STEP])], "cursor": "4"},
        "cursor=4": {"items": [], "cursor": "4"},
    }
    given: list[tuple[bool, str | None]] = []
    async with scripted() as portal:
        portal.answers["feed"] = lambda: pages[portal.query]
        async with connected(portal.url, feed={"path": "/feed", "every_seconds": 0.01}) as it:
            _, take_in, _ = at_the_store(None)

            async def accept(arrival: Arrival, *, cursor: str | None = None, **more: Any) -> Accepted:
                given.append(("NoiDungXuLy" in json.loads(arrival.body), cursor and json.loads(cursor)["cursor"]))
                accepted: Accepted = await take_in(arrival, cursor=cursor)
                return accepted

            reading = asyncio.create_task(it.receive(accept))
            await until(lambda: len(portal.called("feed")) > 5)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    assert given == [(False, None), (False, "1"), (False, "2"), (False, None), (True, "4")]


@pytest.mark.parametrize("levels", [251, 400, 1000])
async def test_an_item_that_is_nested_too_deep_stops_nothing(
    tmp_path: Path, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused by name, alone, wherever in a page it stands; the cursor goes on behind the page."""
    said: list[Any] = []
    monkeypatch.setattr(polling.log, "error", lambda event, **more: said.append((event, more["at"], more["codes"])))
    deep = f'{{"MaHoSo": "{OWN}", "x": {"[" * (levels - 1)}{"]" * (levels - 1)}}}'
    first, last = json.dumps(item(2, "2026-11-22 08:00:00")), json.dumps(item(9, "2026-11-22 09:00:00"))
    async with scripted() as portal:
        portal.answers["feed"] = lambda: (200, f'{{"items": [{deep}, {first}, {deep}, {last}, {deep}], "cursor": "1"}}')
        home = home_at(tmp_path, portal.url)
        async with hub_on(home):
            await until(lambda: kept_cursor(home))
            await until(lambda: portal.query == "cursor=1")
        assert [state for _, _, state in canonical(home)] == ["routed", "routed"]
        assert said[:3] == [("item_refused", f"first:{number}", ["too_deep"]) for number in (0, 2, 4)]


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ({"items": [item(4)]}, "no_cursor"),
        ({"items": [item(4)], "cursor": "x" * 2001}, "cursor_too_long"),
        ({"data": []}, "no_items"),
    ],
    ids=["no cursor", "too long", "no items"],
)
async def test_a_feed_that_cannot_go_on_says_so_once(
    tmp_path: Path, page: Any, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cursor is never cut, which would be another one; what the page holds is taken all the same."""
    said: list[tuple[str, str]] = []
    monkeypatch.setattr(polling.log, "warning", lambda event, **more: said.append((event, more.get("code", ""))))
    async with scripted() as portal:
        portal.answers["feed"] = page
        more = {"feed": {"path": "/feed", "every_seconds": 0.01}}
        async with connected(portal.url, **more) as it:
            taken: list[bytes] = []
            kept: list[str | None] = []

            async def accept(arrival: Arrival, *, cursor: str | None = None, **_: Any) -> Accepted:
                taken.append(arrival.body)
                kept.append(cursor)
                return Accepted({})

            reading = asyncio.create_task(it.receive(accept))
            await until(lambda: len(portal.called("feed")) > 3)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert said == [("feed_unreadable", code)] and bool(taken) is ("items" in page)
        assert set(kept) <= {None}


async def test_a_cursor_that_moves_over_the_same_items_is_asked_with_a_pause(tmp_path: Path) -> None:
    """A ministry whose cursor is the time of the answer: it is not asked as fast as it answers."""
    asked = 0

    def page() -> Any:
        nonlocal asked
        asked += 1
        return {"items": [item(4)], "cursor": str(asked)}

    async with scripted() as portal:
        portal.answers["feed"] = page
        more = {"feed": {"path": "/feed", "every_seconds": 30}}
        async with connected(portal.url, **more) as it:

            async def accept(arrival: Arrival, **_: Any) -> Accepted:
                return Accepted({})

            reading = asyncio.create_task(it.receive(accept))
            await until(lambda: asked == 2)
            await asyncio.sleep(0.2)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert asked == 2


# ── what is stated of a result
@pytest.mark.parametrize(
    ("kind", "told", "written"),
    [
        ("sha-256", SHA256.hex(), SHA256.hex()),
        ("sha-256", SHA256.hex().upper(), SHA256.hex()),
        ("sha-256", base64.b64encode(SHA256).decode(), SHA256.hex()),
        ("sha-256", "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"),  # refused by name by the mapping
        ("sha-256", "", None),
        ("sha-256", None, None),
        ("md5", SHA256.hex(), None),
        ("none", SHA256.hex(), None),
    ],
)
def test_a_hash_of_a_result_is_read_as_the_endpoint_says(kind: str, told: str | None, written: str | None) -> None:
    """In hex or base64; what the ministry wrote stays as it came, and of what kind it is nobody guesses."""
    config = MinistryConfig.model_validate(settings("http://127.0.0.1:9", hash=kind))
    results = [{"duongDanTepTinKetQua": "https://files.example.vn/9", "hashTepTin": told}, {"TenGiayTo": "on paper"}]
    (made,) = messages(item(9, DanhSachGiayToKetQua=results), config)
    first, second = json.loads(made.body)["DanhSachGiayToKetQua"]
    assert (first.get("SHA256"), first.get("HashTepTin")) == (written, told) and second == {"TenGiayTo": "on paper"}


def test_what_is_no_list_of_results_is_left_to_the_schema() -> None:
    config = MinistryConfig.model_validate(settings("http://127.0.0.1:9", hash="sha-256"))
    for odd in ("text", ["text"], {"HashTepTin": "x"}, [{"HashTepTin": ["x"]}]):
        (made,) = messages(item(9, DanhSachGiayToKetQua=odd), config)
        assert json.loads(made.body)["DanhSachGiayToKetQua"] == odd


# ── push
async def test_push_is_answered_once_it_is_on_disk(tmp_path: Path) -> None:
    """One item, an array, and an array under items; with the account's key only; the same again is known."""
    async with fed(tmp_path) as (hub, home, _):
        key = await key_of(hub, "ministry-feed-dossier", "ministry-feed-progress")

        async def push(body: Any, secret: str = key) -> tuple[int, Any]:
            return await post(hub, "/ministry/feed", body, Authorization=f"Bearer {secret}")

        assert (await push(item(2, "2026-11-22 08:00:00")))[0] == 200
        assert await push([item(4, "2026-11-22 09:00:00", TienTrinh=[STEP])]) == (
            200, {"code": 0, "message": "", "data": {"accepted": 2}},
        )  # fmt: skip
        assert (await push({"items": [item(9, "2026-11-22 10:00:00")]}))[0] == 200
        assert len(canonical(home)) == 4
        assert (await push([item(9, "2026-11-22 10:00:00")]))[0] == 200
        assert len(canonical(home)) == 4
        assert look(home, "select distinct origin from messages") == [("ministry",)]
        assert look(home, "select count(*) from deliveries") == [(0,)]
        assert (await push(item(4), "wrong"))[0] == 401


async def test_another_callers_push_is_not_the_ministrys_word(tmp_path: Path) -> None:
    """It is refused, and changes nothing; an account's name with another sender's key opens nothing."""
    async with fed(tmp_path) as (hub, home, portal):
        await take(hub, "portal-dossier@1", record("2"))
        await at_rest(home)
        before = (await portal.state())["dossiers"], look(home, "select id, state from deliveries")
        key, text = new_key("stranger", ("ministry-feed-dossier", "ministry-feed-progress"), system_clock(), "sender")
        await hub.store.add_key(key)
        given = [item(9, code=LOCAL, ChuHoSo="Người khác", TienTrinh=[STEP])]
        status, said = await post(hub, "/ministry/feed", given, Authorization=f"Bearer {text}")
        assert (status, [one["code"] for one in said["data"]["problems"]]) == (403, ["no_right"])
        assert look(home, "select sender from messages") == [("one-stop",)]
        assert ((await portal.state())["dossiers"], look(home, "select id, state from deliveries")) == before
        as_ministry = base64.b64encode(f"ministry-account:{text}".encode()).decode()
        assert (await post(hub, "/ministry/feed", given, Authorization=f"Basic {as_ministry}"))[0] == 401


async def test_a_push_that_does_not_fit_is_refused_whole(tmp_path: Path) -> None:
    async with fed(tmp_path) as (hub, home, _):
        key = await key_of(hub, "ministry-feed-dossier")
        headers = {"Authorization": f"Bearer {key}"}
        status, said = await post(hub, "/ministry/feed", [item(4), {"MaHoSo": OWN}], **headers)
        assert status == 422 and all(one["at"].startswith("/1") for one in said["data"]["problems"])
        assert (await post(hub, "/ministry/feed", b"{", **headers))[0] == 400
        assert (await post(hub, "/ministry/feed", [item(4)] * 501, **headers))[0] == 413
        assert (await post(hub, "/ministry/feed", [item(4, TienTrinh=[STEP])], **headers))[0] == 403  # no right to steps
        assert canonical(home) == []

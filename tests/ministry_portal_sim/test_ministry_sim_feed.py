"""The simulated ministry portal's way back: a feed by cursor, and the same items pushed to an address on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from ministry_portal_sim.caller import Caller, portal


def item(number: int, **changes: Any) -> dict[str, Any]:
    """A whole dossier object, with a state and a result."""
    result = {"TenGiayTo": "Giấy phép", "MaGiayToKetQua": "KQ.G09.000122", "DuongDanTepTinKetQua": "http://127.0.0.1/files/a"}
    return {
        "MaHoSo": f"G09.20-20261122-{number:07d}",
        "MaTTHC": "1.005129",
        "TrangThai": 9,
        "MaTinh": "01",
        "DanhSachGiayToKetQua": [result],
        **changes,
    }


CAMEL = {"maHoSo": "G09.20-20261122-0000099", "maTinh": "79", "trangThai": 4}


async def _all(caller: Caller, limit: str) -> tuple[list[Any], list[int]]:
    """Everything there is, page by page, and how much each page held."""
    found, pages, cursor = [], [], ""
    while True:
        status, told = await caller.get("/feed", limit=limit, **({"cursor": cursor} if cursor else {}))
        assert status == 200 and set(told) == {"items", "cursor"}
        if not told["items"]:
            return found, pages
        found += told["items"]
        pages.append(len(told["items"]))
        cursor = told["cursor"]


async def test_items_are_read_by_cursor_as_they_were_put_in() -> None:
    """In order, PascalCase and camelCase as given, each once; later ones after the last cursor."""
    async with portal() as caller:
        items = [item(number) for number in range(1, 6)] + [CAMEL]
        assert await caller.control("POST", "feed", items[:5]) == {"fed": 5, "last": 5}
        await caller.control("POST", "feed", items[5])
        assert await _all(caller, "4") == (items, [4, 2])
        _, told = await caller.get("/feed")
        assert told["items"] == items and (await caller.last_call())["codes"][-1] == CAMEL["maHoSo"]
        await caller.control("POST", "feed", item(7))
        _, later = await caller.get("/feed", cursor=told["cursor"])
        assert later["items"] == [item(7)]
        _, again = await caller.get("/feed", cursor=told["cursor"])
        assert again == later


async def test_an_empty_feed_has_a_cursor() -> None:
    """From which the first item is read."""
    async with portal() as caller:
        _, told = await caller.get("/feed")
        assert told["items"] == [] and told["cursor"]
        await caller.control("POST", "feed", item(1))
        assert (await caller.get("/feed", cursor=told["cursor"]))[1]["items"] == [item(1)]


async def test_a_wrong_cursor_or_limit_is_refused() -> None:
    """400: of another portal, damaged, from the future; limits that are no number from 1."""
    async with portal() as caller:
        await caller.control("POST", "feed", item(1))
        future = (await caller.get("/feed"))[1]["cursor"]
        for cursor in ("1", "x" * 9, "bXVjOng", "é", "bXVjOi0x"):
            assert (await caller.get("/feed", cursor=cursor))[0] == 400
        for limit in ("0", "-1", "x", "1.5"):
            assert (await caller.get("/feed", limit=limit))[0] == 400
    async with portal() as caller:
        assert (await caller.get("/feed", cursor=future))[0] == 400


async def test_the_feed_may_be_wrapped_limited_and_named_otherwise() -> None:
    """feed_answer, feed_most, cursor_parameter and the path."""
    chosen: dict[str, Any] = {
        "feed_answer": "wrapped",
        "feed_most": 2,
        "cursor_parameter": "tu",
        "paths": {"feed": "/bien-dong"},
    }
    async with portal(**chosen) as caller:
        await caller.control("POST", "feed", [item(number) for number in range(3)])
        status, told = await caller.get("/bien-dong", limit="1000")
        assert status == 200 and told["code"] == 0 and len(told["data"]["items"]) == 2
        assert len((await caller.get("/bien-dong", tu=told["data"]["cursor"]))[1]["data"]["items"]) == 1
        assert (await caller.get("/bien-dong", cursor="wrong"))[0] == 200


async def test_only_items_of_the_territory_are_given() -> None:
    """By MaTinh or maTinh; the cursor passes over the others."""
    async with portal(territory=("79",)) as caller:
        await caller.control("POST", "feed", [item(1), CAMEL, item(2), item(3, MaTinh="79"), item(4)])
        assert await _all(caller, "1") == ([CAMEL, item(3, MaTinh="79")], [1, 1])
        _, told = await caller.get("/feed")
        assert told["items"] == [CAMEL, item(3, MaTinh="79")]
        assert (await caller.get("/feed", cursor=told["cursor"]))[1] == {"items": [], "cursor": told["cursor"]}


@pytest.mark.parametrize("wrong", [{}, [item(1), {"MaHoSo": 1}], ["x"], [[]]])
async def test_an_item_has_a_code(wrong: Any) -> None:
    """422, and none of the array is taken."""
    async with portal() as caller, caller.http.post(f"{caller.url}/_control/feed", json=wrong) as answer:
        assert answer.status == 422 and (await caller.memory())["feed"] == []


class Door:
    """Takes what is pushed."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.keys: list[str | None] = []
        self.status = 202

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.keys.append(request.headers.get("X-Key"))
        return web.Response(text="đã nhận", status=self.status)


@asynccontextmanager
async def door() -> AsyncIterator[tuple[Door, str]]:
    taking = Door()
    app = web.Application()
    app.add_routes([web.post("/in", taking.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield taking, f"http://127.0.0.1:{runner.addresses[0][1]}/in"
    finally:
        await runner.cleanup()


async def test_items_are_pushed_in_each_form() -> None:
    """An array, one by one, or under items; with the headers asked for; what was answered is told."""
    async with portal() as caller, door() as (taking, url):
        items = [item(1), CAMEL]
        taken = {"status": 202, "body": "đã nhận"}
        headers = {"X-Key": "k"}
        told = await caller.control("POST", "push", {"url": url, "items": items, "headers": headers})
        assert told == {"pushed": 2, "answers": [taken]} and taking.bodies == [items] and taking.keys == ["k"]
        taking.bodies.clear()
        assert (await caller.control("POST", "push", {"url": url, "items": items, "form": "each"}))["answers"] == [taken, taken]
        assert taking.bodies == items
        taking.bodies.clear()
        taking.status = 503
        told = await caller.control("POST", "push", {"url": url, "items": items, "form": "items"})
        assert taking.bodies == [{"items": items}] and told["answers"][0]["status"] == 503


async def test_the_feed_itself_can_be_pushed() -> None:
    """Without items: those of the feed, behind the first so many."""
    async with portal() as caller, door() as (taking, url):
        await caller.control("POST", "feed", [item(1), item(2), item(3)])
        assert (await caller.control("POST", "push", {"url": url, "after": 1}))["pushed"] == 2
        assert taking.bodies == [[item(2), item(3)]]


async def test_it_pushes_to_this_machine_only_and_tells_when_nobody_takes() -> None:
    """422 for another address; the kind of the error when nobody listens."""
    async with portal() as caller:
        for url in ("http://192.0.2.1/in", "http://portal.invalid/in", "ftp://127.0.0.1/in", "x"):
            async with caller.http.post(f"{caller.url}/_control/push", json={"url": url, "items": []}) as answer:
                assert answer.status == 422
        told = await caller.control("POST", "push", {"url": "http://127.0.0.1:9/in", "items": [item(1)]})
        assert told == {"pushed": 1, "answers": [{"error": "ClientConnectorError"}]}

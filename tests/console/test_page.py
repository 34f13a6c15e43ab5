"""The overview page in a real browser: sign-in, two languages, live within two seconds, readable by everybody."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from flow.parts import send, settled, told
from playwright.async_api import Browser, expect

from console.parts import AXE, Window, World, needed, started, window
from hub.connector import Attempt, Receipt
from hub.errors import NotConnected, Rejected
from hub.message import Message

pytestmark = [pytest.mark.xdist_group("console_page"), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """On the event loop of the one browser."""
    async with started(tmp_path) as world:
        yield world


async def shot(one: Window, folder: Path, name: str) -> None:
    """With PICTURES in the environment, a picture to look at, kept in the test's folder."""
    if "PICTURES" in os.environ:
        await one.page.screenshot(path=str(folder / f"{name}.png"), full_page=True)


def refuse_states(message: Message, attempt: Attempt) -> Receipt:
    if message.schema.id == "npsp-dossier":
        raise Rejected("-3", "số điện thoại 0912345678 không hợp lệ")
    return Receipt()


async def test_only_an_operator_key_opens_the_page(world: World, browser: Browser) -> None:
    """A key nobody made and a sender's key are refused in words; the right one opens, and signing out closes again."""
    async with window(browser) as one:
        await one.sign_in(world, "hub_" + "x" * 43)
        await one.sees("not known")
        await one.sign_in(world, world.keys["sender"])
        await one.sees("a sender's key")
        await one.sign_in(world)
        await one.sees("Endpoints")
        (cookie,) = await one.context.cookies()
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["path"] == "/console"
        assert world.keys["operator"] not in json.dumps([dict(cookie), one.page.url])
        await one.page.click("header button")
        await one.sees("Operator key")
        await one.page.goto(f"{world.url}/console?lang=vi")
        await one.sees("Khóa vận hành")
        assert one.errors == []


@pytest.mark.parametrize(
    ("lang", "nothing", "paused", "dead"),
    [
        ("vi", "không có gì chờ", "tạm dừng", "đối tác từ chối"),
        ("en", "nothing waits", "paused", "refused by the partner"),
    ],
    ids=["vi", "en"],
)
async def test_what_happens_is_seen_within_two_seconds(
    world: World, browser: Browser, tmp_path: Path, lang: str, nothing: str, paused: str, dead: str
) -> None:
    """A message accepted, an endpoint paused and resumed, a delivery dead: each is on the open page, without a reload."""
    world.partner.script = refuse_states
    async with window(browser) as one:
        await one.sign_in(world, lang=lang)
        await one.sees(nothing)
        took = []
        await world.hub.store.pause("portal", actor="lan", why="bảo trì", now=world.clock())
        took.append(await one.sees(paused, "table"))
        await one.sees("hub endpoint resume portal", "td.wide")
        began = time.monotonic()
        await send(world.hub, told()[0].records[0], world.clock)
        accepted = one.page.locator("table").last.locator("tbody tr").first.locator("td.total")
        await expect(accepted).to_have_text("1", timeout=20_000)
        took.append(time.monotonic() - began)
        assert await one.page.locator("dd.figure").nth(1).inner_text() == "2"
        await world.hub.store.resume("portal", actor="lan", now=world.clock())
        await settled(world.hub)
        took.append(await one.sees(dead, "th"))
        assert sorted(took)[1] <= 2, took  # not each: a machine may stand still for a moment
        await one.sees("hub dead show")
        said = await one.page.locator("main").inner_text()
        assert "0912345678" not in said and "‹masked›" in said
        assert await one.page.locator("html").get_attribute("lang") == lang
        assert one.errors == []


async def test_events_that_nobody_takes_are_seen(world: World, browser: Browser, tmp_path: Path) -> None:
    """At the endpoint of the hub's own stream: how many are not published, and since when; in both languages, and as JSON."""
    async with window(browser) as one:
        await one.sign_in(world)
        await one.sees("nothing waits")
        assert "unpublished" not in await one.page.locator("main").inner_text()
        await world.hub.store.follow("portal", world.clock())
        await send(world.hub, told()[0].records[0], world.clock)
        await settled(world.hub)
        waiting = await world.hub.store.unpublished()
        assert waiting is not None and waiting.count > 3
        await one.sees(f"{waiting.count} events unpublished", "td")
        await one.page.goto(f"{world.url}/console?lang=vi")
        await one.sees(f"sự kiện chưa công bố: {waiting.count}", "td")
        await shot(one, tmp_path, "events-vi")
        seen = await world.hub.store.overview(("portal",))
        assert seen.events is not None and (seen.events.endpoint, seen.events.waiting) == ("portal", waiting.count)
        assert one.errors == []


async def test_a_hub_that_is_gone_is_said(tmp_path: Path, browser: Browser) -> None:
    """The page keeps its last figures and says in words that they are old; it does not ask forever in silence."""
    async with window(browser) as one:
        async with started(tmp_path) as world:
            await one.sign_in(world)
            await one.sees("Endpoints")
            assert await one.page.locator("#trouble").inner_text() == ""
        await one.sees("does not answer", "#trouble", seconds=5)
        await one.sees("Endpoints")
        if AXE.exists():
            await audit(one)
        await shot(one, tmp_path, "silent-en")


async def test_it_works_under_a_prefix(tmp_path: Path, browser: Browser) -> None:
    """Mounted at /hub behind a proxy: style, script, sign-in, cookie and live figures by relative addresses."""
    async with started(tmp_path, "/hub") as world, window(browser) as one:
        await one.sign_in(world)
        await one.sees("Endpoints")
        (cookie,) = await one.context.cookies()
        assert cookie["path"] == "/hub/console"
        await world.hub.store.pause("portal", actor="lan", why="maintenance", now=world.clock())
        await one.sees("maintenance", "table")
        await one.page.click("nav a[lang=vi]")
        await one.sees("tạm dừng", "table")
        assert one.errors == []


async def test_the_language_follows_the_browser_until_it_is_chosen(world: World, browser: Browser) -> None:
    """English by Accept-Language, Vietnamese by the switch, Vietnamese where nothing is asked for."""
    async with window(browser, locale="en-GB") as one:
        await one.page.goto(f"{world.url}/console")
        await one.sees("Operator key")
        await one.page.click("nav a[lang=vi]")
        await one.sees("Khóa vận hành")
    async with window(browser, locale="fr-FR") as one:
        await one.page.goto(f"{world.url}/console/")
        await one.sees("Khóa vận hành")


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_a_form_that_came_by_a_strange_way_is_answered_in_words(
    world: World, browser: Browser, tmp_path: Path, lang: str
) -> None:
    """Not with JSON: the page says what a proxy needs, looks as it should, and takes the key at once."""
    async with window(browser, viewport={"width": 390, "height": 844}) as one:
        icon = f"<link rel=icon href={world.url}/console/icon.svg>"
        form = f'{icon}<form method=post action="{world.url}/console/sign-in?lang={lang}"><button>'
        await one.page.set_content(form)
        await one.page.click("button")
        await one.sees("server.trusted_proxies", "#problem")
        if AXE.exists():
            await audit(one)
        await shot(one, tmp_path, f"strange-{lang}-390")
        card = await one.page.locator("main").bounding_box()
        assert card is not None and card["x"] >= 8 and card["x"] + card["width"] <= 382
        assert await one.page.locator("input[autocomplete=username]").count() == 1
        await one.page.click(f"nav a[lang={'en' if lang == 'vi' else 'vi'}]")
        await one.sees("Khóa vận hành" if lang == "en" else "Operator key")
        await one.page.set_content(form)
        await one.page.click("button")
        await one.page.fill("#key", world.keys["operator"])
        await one.page.click("main button")
        await one.page.wait_for_selector("table")
        assert not [error for error in one.errors if "403" not in error]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_it_is_usable_by_everybody(world: World, browser: Browser, tmp_path: Path, lang: str, scheme: Any) -> None:
    """axe-core finds nothing serious on the form, the quiet and the troubled page; every control is reached by keyboard; a
    phone needs no sideways scrolling."""
    needed(AXE, "axe-core")
    async with window(browser, color_scheme=scheme, viewport={"width": 1280, "height": 900}) as one:
        await one.page.goto(f"{world.url}/console?lang={lang}")
        await audit(one)
        await shot(one, tmp_path, f"sign-in-{lang}-{scheme}-1280")
        await one.sign_in(world, lang=lang)
        await one.page.wait_for_selector("table")
        await audit(one)
        await shot(one, tmp_path, f"quiet-{lang}-{scheme}-1280")
        await trouble(world)
        await one.page.wait_for_selector("td.wide code")
        await one.page.wait_for_selector("#trouble:empty", state="attached")
        await audit(one)
        await shot(one, tmp_path, f"troubled-{lang}-{scheme}-1280")
        reached = []
        await one.page.evaluate("document.activeElement.blur()")
        for _ in range(4):
            await one.page.keyboard.press("Tab")
            reached.append(await one.page.evaluate("document.activeElement.textContent.trim()"))
        kept = one.page.locator("td.wide", has=one.page.locator("code", has_text=re.compile("^not_in_table$")))
        await expect(kept.locator("details")).to_have_count(1 if lang == "vi" else 0)
        if lang == "vi":
            assert "không có dòng nào trong bảng mã state" in await kept.inner_text()
            await kept.locator("summary").click()
            await world.hub.store.pause("portal", actor="lan", why="bảo trì", now=world.clock())
            await one.sees("người tạm dừng: lan", "table")
            await one.sees("the codes", "details[open]")  # what was unfolded stays so while the page lives
        assert {"Tiếng Việt", "English"} < set(reached) and len(set(reached)) == 4
        await one.page.set_viewport_size({"width": 390, "height": 844})
        assert await one.page.evaluate("document.documentElement.scrollWidth") <= 390
        await audit(one)
        await shot(one, tmp_path, f"troubled-{lang}-{scheme}-390")
        assert one.errors == []


async def trouble(world: World) -> None:
    """Dead letters, a kept arrival, and what waits for a partner that is away."""
    world.partner.script = refuse_states
    for story in told(3):
        await send(world.hub, story.records[0], world.clock)
    await settled(world.hub)

    def away(message: Message, attempt: Attempt) -> Receipt:
        raise NotConnected("refused_connection")

    world.partner.script = away
    for story in told(6)[3:]:
        await send(world.hub, story.records[0], world.clock)
    strange = {**told(7)[6].records[0], "dossierStatus": "no-such-state"}
    assert (await send(world.hub, strange, world.clock))["state"] == "kept"


async def audit(one: Window) -> None:
    """axe-core's serious and critical findings: none."""
    await one.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await one.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    grave = [
        (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"]][:5])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == []

"""``GET /v1/overview`` and the sign-in as programs see them: who may look, what is answered, what never leaves the hub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from flow.parts import send, told, until

from console.parts import World, started
from hub.connector import Attempt, Receipt
from hub.console.sessions import LASTS_SECONDS
from hub.errors import Rejected
from hub.message import Message


@pytest.fixture
async def client(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser without a screen: it keeps cookies, and follows nothing by itself."""
    async with aiohttp.ClientSession(world.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        yield client


async def sign_in(client: aiohttp.ClientSession, key: str, **headers: str) -> aiohttp.ClientResponse:
    async with client.post("/console/sign-in", data={"key": key}, headers=headers, allow_redirects=False) as answer:
        await answer.read()
        return answer


async def live(client: aiohttp.ClientSession) -> int:
    async with client.get("/console/live") as answer:
        return answer.status


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_the_overview_is_the_operators(world: World, client: aiohttp.ClientSession) -> None:
    """401 without a key, 403 with a sender's, and the other way round an operator's key sends and reads nothing."""
    asked: list[tuple[str, str, dict[str, str], int, str]] = [
        ("GET", "/v1/overview", {}, 401, "missing"),
        ("GET", "/v1/overview", bearer(world.keys["sender"]), 403, "sender_key"),
        ("POST", "/v1/messages", bearer(world.keys["operator"]), 403, "operator_key"),
        ("GET", "/v1/dossiers/000.00.10.H22-261121-0001", bearer(world.keys["operator"]), 403, "operator_key"),
    ]
    for method, path, headers, status, code in asked:
        async with client.request(method, path, headers=headers, data=b"{}" if method == "POST" else None) as answer:
            told_back = json.loads(await answer.read())
            assert (answer.status, told_back["errors"][0]["code"]) == (status, code)
            assert answer.content_type == "application/problem+json" and told_back["errors"][0]["hint"]


async def test_the_overview_as_json(world: World, client: aiohttp.ClientSession) -> None:
    """What arrived, what was delivered and how fast; the same again costs nobody a body (ETag, 304)."""
    await send(world.hub, told()[0].records[0], world.clock)
    headers = bearer(world.keys["operator"])

    async def seen() -> Any:
        async with client.get("/v1/overview", headers=headers) as answer:
            found = await answer.json()
            return (found, answer.headers["ETag"]) if found["endpoints"][0]["recent"]["delivered"] else None

    found, tag = await until(seen)
    assert found["traffic"]["arrivals"] == {"accepted": 1}
    (portal,) = found["endpoints"]
    assert (portal["endpoint"], portal["breaker"], portal["configured"], portal["paused"]) == ("portal", "closed", True, None)

    async def unchanged() -> bool:
        async with client.get("/v1/overview", headers={**headers, "If-None-Match": tag}) as answer:
            return answer.status == 304 and await answer.read() == b""

    async def settled_tag() -> bool:
        nonlocal tag
        _, tag = await seen()
        return await unchanged()

    await until(settled_tag)


async def test_a_session_ends_by_itself_and_with_its_key(world: World, client: aiohttp.ClientSession) -> None:
    """After eight hours; and within seconds when its key is revoked. No cookie, no figures."""
    assert await live(client) == 401
    await sign_in(client, world.keys["operator"])
    assert await live(client) == 200
    world.clock.advance(LASTS_SECONDS + 1)
    assert await live(client) == 401
    await sign_in(client, world.keys["operator"])
    assert await live(client) == 200
    (key,) = [one for one in await world.hub.store.keys() if one.role == "operator"]
    await world.hub.store.revoke_key(key.id, world.clock())
    world.clock.advance(5.1)
    assert await live(client) == 401
    assert "problem=bad_key" in (await sign_in(client, world.keys["operator"])).headers["Location"]


@pytest.mark.parametrize("prefix", ["", "/hub"])
async def test_the_root_leads_to_the_page(tmp_path: Path, prefix: str) -> None:
    """Whoever opens the hub's address without a path finds the page, also under a prefix."""
    async with started(tmp_path, prefix) as world, aiohttp.request("GET", f"{world.url}/") as answer:
        assert answer.status == 200 and answer.url.path == f"{prefix}/console"
        assert "Khóa vận hành" in await answer.text()


async def test_what_waits_behind_a_dead_letter_is_told_apart(world: World, client: aiohttp.ClientSession) -> None:
    """The step of a dossier whose state the partner refused waits for somebody; others go by themselves."""

    def refuse_states(message: Message, attempt: Attempt) -> Receipt:
        if message.schema.id == "npsp-dossier":
            raise Rejected("-3", "no")
        return Receipt()

    world.partner.script = refuse_states
    await send(world.hub, told()[0].records[0], world.clock)

    async def seen() -> Any:
        (portal,) = (await world.hub.store.overview(("portal",))).endpoints
        return portal if portal.dead else None

    portal = await until(seen)
    assert (portal.dead, portal.waiting, portal.behind_dead) == (1, 1, 1)


async def test_a_form_of_another_site_is_refused(world: World, client: aiohttp.ClientSession) -> None:
    """By Sec-Fetch-Site, or by Origin where a browser sends only that, on a page that says what to mend where it is a proxy
    that is not trusted; our own forms pass both."""
    key, port = world.keys["operator"], world.hub.port
    assert (await sign_in(client, key, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    assert (await sign_in(client, key, Origin="https://elsewhere.example")).status == 403
    assert (await sign_in(client, key, Origin="null")).status == 403
    for path in ("/console/sign-in?lang=vi", "/console/sign-out?lang=vi"):
        async with client.post(path, data={"key": key}, headers={"Origin": "https://elsewhere.example"}) as answer:
            page = await answer.text()
            assert (answer.status, answer.content_type) == (403, "text/html")
            assert "<code>server.trusted_proxies</code>" in page and 'action="../console/sign-in?lang=vi"' in page
    assert not list(client.cookie_jar)
    assert (await sign_in(client, key, Origin=f"http://127.0.0.1:{port}")).status == 303
    assert (await sign_in(client, key, **{"Sec-Fetch-Site": "same-origin"})).status == 303


async def test_the_cookie_is_secure_under_tls(tmp_path: Path) -> None:
    """Also where a trusted proxy ends TLS: it says so, and the cookie never travels in the clear."""
    more = 'trusted_proxies: ["127.0.0.1/32"]'
    async with started(tmp_path, more=more) as world, aiohttp.ClientSession(world.url) as client:
        behind = {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "hub.example"}
        answer = await sign_in(client, world.keys["operator"], Origin="https://hub.example", **behind)
        assert answer.status == 303 and "Secure" in answer.headers["Set-Cookie"]
        answer = await sign_in(client, world.keys["operator"])
        assert "Secure" not in answer.headers["Set-Cookie"] and "HttpOnly" in answer.headers["Set-Cookie"]


async def test_every_answer_is_guarded(world: World, client: aiohttp.ClientSession) -> None:
    """A strict policy for scripts and frames on every page, nothing stored, and a form too large is not read."""
    for path in ("/console", "/console/live", "/console/console.js", "/console/console.css"):
        await sign_in(client, world.keys["operator"])
        async with client.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert answer.status == 200 and "default-src 'none'" in policy and "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with client.post("/console/sign-in", data={"key": "x" * 10_000}) as answer:
        assert answer.status == 413


async def test_no_key_reaches_the_log(world: World, client: aiohttp.ClientSession, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither right nor wrong, neither in a form nor in a header; nor the token of a session."""
    wrong = "hub_" + "w" * 43
    await sign_in(client, wrong)
    await sign_in(client, world.keys["operator"])
    async with client.get("/v1/overview", headers=bearer(wrong)) as answer:
        assert answer.status == 401
    assert await live(client) == 200
    tokens = [one.value for one in client.cookie_jar]
    said = "".join(capfd.readouterr())
    assert tokens and not any(secret in said for secret in (wrong, world.keys["operator"], *tokens))


async def test_a_cookie_that_is_no_text_is_nobody(world: World) -> None:
    """Bytes that are not UTF-8 in place of a session: the sign-in page, and nothing breaks."""
    for path, status in (("/console", b"200"), ("/console/live", b"401")):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.hub.port)
        head = b"GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nCookie: hub_session=\xff\xed\xa0\x80\r\n\r\n"
        writer.write(head % path.encode())
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert answer.split(b" ", 2)[1] == status, answer[:200]

"""Mappings are swapped while messages come through the door: none is lost or refused, each is wholly of one version.

Two versions of each mapping write their own mark into two fields by two rules each. With SOAK=1 the load lasts a minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from flow.parts import DEADLINE, Asked, MovableClock, running, states, until
from hub.connector import Receipt
from hub.errors import InDoubt, Rejected, Transient
from hub.intake.keys import new_key
from hub.message import system_clock
from hub.translation import lock_schemas
from hub.translation.chain import Step

RATE, SECONDS = 500, 60.0 if os.environ.get("SOAK") == "1" else 2.5
CONNECTIONS, MOST_UNDER_WAY = 40, 400
PAUSE = 0.2
SLOWEST = 100  # deliveries a second: what is slower hangs
"""Between two reloads: as long as one takes here, so that messages come between and during them."""
_CONFIG = """
store: { url: sqlite:///var/hub.db }
server: { port: 0 }
sources:
  - { schema: record@1, becomes: [item@1] }
endpoints:
  portal:
    connector: national-portal
    settings: { adapter_url: "http://127.0.0.1:9/x", username: u, password: p, madonvi: 000.00.00.H22 }
    concurrency: 32
    retry: { first_seconds: 0.02, longest_seconds: 0.1 }
routes:
  items: { take: item@1, to: portal, as: portal-item@1 }
"""
_MAPPING = """\
mapping: {mapping}
version: {version}
status: stable
from: {source}@1.0.0
to: {target}@1.0.0
summary: Marks what it makes.
set:
  code: {{ get: code }}
{got}  {left}: {{ value: {mark} }}
  {right}: {{ value: {mark} }}
tests:
  - {{ name: a mark, given: {{ code: c{given} }}, expect: {{ code: c{expect}, {left}: {mark}, {right}: {mark} }} }}
"""


def write_schema(home: Path, name: str, role: str, *fields: str) -> None:
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:dossier-hub:{name}:1.0.0",
        "x-hub": {"role": role, "full_state": True, "subject": [{"system": "national", "pointer": "/code"}]},
        "type": "object",
        "properties": {one: {"type": "string", "minLength": 1} for one in fields},
        "required": list(fields),
        "additionalProperties": False,
    }
    path = home / "schemas" / name / "1.0.0.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document), encoding="utf-8")


def write_version(home: Path, version: str, mark: str) -> None:
    """This version of both mappings."""
    marks = "".join(f"  {one}: {{ get: {one} }}\n" for one in ("left", "right"))
    for mapping, source, target, got, left, right in (
        ("record-to-item", "record", "item", "", "left", "right"),
        ("item-to-portal", "item", "portal-item", marks, "first", "second"),
    ):
        told = ", left: x, right: y" if got else ""
        path = home / "mappings" / mapping / f"{version}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            _MAPPING.format(
                mapping=mapping, version=version, source=source, target=target, got=got, left=left, right=right, mark=mark,
                given=told, expect=told,
            ),
            encoding="utf-8",
        )  # fmt: skip


def take_away(home: Path, version: str) -> None:
    for path in (home / "mappings").glob(f"*/{version}.yaml"):
        path.unlink()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_schema(tmp_path, "record", "source", "code")
    write_schema(tmp_path, "item", "canonical", "code", "left", "right")
    write_schema(tmp_path, "portal-item", "partner", "code", "left", "right", "first", "second")
    write_version(tmp_path, "1.0.0", "one")
    lock_schemas(tmp_path)
    (tmp_path / "config.yaml").write_text(_CONFIG, encoding="utf-8")
    return tmp_path


class Door:
    """Sends records to a hub's HTTP door at a rate, whatever it answers; less only where the machine cannot do more."""

    def __init__(self, url: str, key: str) -> None:
        self.answers: Counter[int | str] = Counter()
        self._url, self._headers = f"{url}/v1/messages", {"Authorization": f"Bearer {key}", "Hub-Schema": "record@1"}

    async def one(self, session: aiohttp.ClientSession, number: int) -> None:
        try:
            async with session.post(self._url, json={"code": f"c-{number}"}, headers=self._headers) as answer:
                told = await answer.json()
                self.answers[told["state"] if answer.status == 202 else answer.status] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.answers[type(error).__name__] += 1

    async def flood(self, is_enough: Callable[[], bool]) -> int:
        """For so long, and until it is enough; how many were sent."""
        loop = asyncio.get_running_loop()
        under_way: set[asyncio.Task[None]] = set()
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(connector=connector) as session:
            began, sent = loop.time(), 0
            while loop.time() < began + SECONDS or not is_enough():
                while sent < (loop.time() - began) * RATE and len(under_way) < MOST_UNDER_WAY:
                    task = asyncio.create_task(self.one(session, sent))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                    sent += 1
                await asyncio.sleep(0.002)
            await asyncio.gather(*under_way)
        return sent


async def reloads(hub: Any) -> list[str]:
    return [one["why"] for one in await hub.store.audit(limit=1000) if one["act"] == "reload"]


async def swapped(hub: Any, home: Path, done: asyncio.Event, reloaded: list[int]) -> None:
    """One version for the other, again and again; now and then a file that cannot be read, which changes nothing."""
    number = 0
    while not done.is_set():
        number += 1
        before = len(await reloads(hub))
        if number % 2:
            write_version(home, "1.1.0", "two")
        else:
            take_away(home, "1.1.0")
        broken = home / "mappings" / "record-to-item" / "1.2.0.yaml"
        if number % 4 == 3:
            broken.write_text("mapping: [\n", encoding="utf-8")
        hub.reload_beside()
        while len(await reloads(hub)) == before:
            await asyncio.sleep(0.01)
        broken.unlink(missing_ok=True)
        reloaded[0] += 1
        await asyncio.sleep(PAUSE)


def mixed(bodies: list[Any]) -> list[Any]:
    """Those in which the marks of two rules of one mapping are not of one version."""
    return [one for one in bodies if one["left"] != one["right"] or one["first"] != one["second"]]


async def test_a_reload_under_load_loses_nothing_and_mixes_nothing(home: Path) -> None:
    """500 messages a second: every one is accepted and delivered once, and no two marks of one mapping differ."""
    async with running(home, MovableClock()) as (hub, portal):
        key, text = new_key("one-stop", ["record"], system_clock())
        await hub.store.add_key(key)
        door, done, reloaded = Door(f"http://127.0.0.1:{hub.port}", text), asyncio.Event(), [0]
        swapping = asyncio.create_task(swapped(hub, home, done, reloaded))
        began = time.monotonic()
        sent = await door.flood(lambda: reloaded[0] >= 4 or swapping.done())
        rate = sent / (time.monotonic() - began)
        done.set()
        await swapping
        assert door.answers == {"accepted": sent}
        await until(lambda: states(hub) == {"delivered": sent}, DEADLINE + sent / SLOWEST)
        told = await reloads(hub)
        bodies = [call.body for call in portal.calls]
        assert Counter(one["code"] for one in bodies) == Counter(f"c-{number}" for number in range(sent))
        assert not mixed(bodies)
        made = Counter((one["left"], one["first"]) for one in bodies)
        refused = sum(one != "ok" for one in told)
        print(f"\nreload: sent={sent} rate={rate:.0f}/s reloads={len(told)} refused={refused} made={dict(made)}")
        assert {mark for pair in made for mark in pair} == {"one", "two"}
        assert "ok" in told and any(one.startswith("refused: ") for one in told)


async def test_a_reload_rule_by_rule_is_seen(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: one rule of each mapping stays on the version that was in effect first."""
    honest, first = Step.translate, dict[str, Any]()

    def rule_by_rule(step: Step, obj: Any, warnings: Any) -> Any:
        body = honest(step, obj, warnings)
        return {name: first.setdefault(name, value) if name in ("left", "first") else value for name, value in body.items()}

    async with running(home, MovableClock()) as (hub, portal):
        key, text = new_key("one-stop", ["record"], system_clock())
        await hub.store.add_key(key)
        monkeypatch.setattr(Step, "translate", rule_by_rule)
        door = Door(f"http://127.0.0.1:{hub.port}", text)
        async with aiohttp.ClientSession() as session:
            await door.one(session, 1)
            await until(lambda: states(hub) == {"delivered": 1})
            assert not mixed([one.body for one in portal.calls])
            write_version(home, "1.1.0", "two")
            monkeypatch.setattr(Step, "translate", honest)  # the mappings' own tests, which a reload runs, would say it too
            assert hub.reload() == []
            monkeypatch.setattr(Step, "translate", rule_by_rule)
            await door.one(session, 2)
        await until(lambda: states(hub) == {"delivered": 2})
        assert [one["code"] for one in mixed([call.body for call in portal.calls])] == ["c-2"]


async def test_what_is_under_way_ends_on_the_version_it_began_with(home: Path) -> None:
    """A first attempt that fails after the reload is tried again with the same bytes; what comes after is of the new one."""
    async with running(home, MovableClock()) as (hub, portal):
        key, text = new_key("one-stop", ["record"], system_clock())
        await hub.store.add_key(key)
        door, held = Door(f"http://127.0.0.1:{hub.port}", text), asyncio.Event()

        async def script(message: Any, attempt: Any) -> Any:
            if attempt.number > 1 or message.body["code"] != "c-1":
                return Receipt()
            await held.wait()
            return Transient("http_503")

        portal.script = script
        async with aiohttp.ClientSession() as session:
            await door.one(session, 1)
            await until(lambda: portal.calls)
            write_version(home, "1.1.0", "two")
            assert hub.reload() == []
            held.set()
            await door.one(session, 2)
        await until(lambda: states(hub) == {"delivered": 2})
        marks = sorted((one.body["code"], one.body["left"], one.body["first"]) for one in portal.calls)
        assert marks == [("c-1", "one", "one"), ("c-1", "one", "one"), ("c-2", "two", "two")]


async def test_pinned_bytes_keep_the_name_of_their_schema(home: Path) -> None:
    """The route names another schema since: what is tried again, asked about or replayed as it ran is called what it is."""
    async with running(home, MovableClock(), Asked) as (hub, portal):
        key, text = new_key("one-stop", ["record"], system_clock())
        await hub.store.add_key(key)
        door, held = Door(f"http://127.0.0.1:{hub.port}", text), asyncio.Event()
        ends = {"c-1": Transient("http_503"), "c-2": InDoubt("reset"), "c-3": Rejected("no")}

        async def script(message: Any, attempt: Any) -> Any:
            first = [one.body["code"] for one in portal.calls].count(message.body["code"]) == 1
            if first and message.body["code"] != "c-3":
                await held.wait()
            return ends[message.body["code"]] if first else Receipt()

        portal.script = script
        async with aiohttp.ClientSession() as session:
            for number in (1, 2, 3):
                await door.one(session, number)
        await until(lambda: len(portal.calls) == 3 and states(hub).get("dead"))
        write_schema(home, "portal-two", "partner", "code", "left", "right", "first", "second")
        mapping = home / "mappings" / "item-to-two" / "1.0.0.yaml"
        mapping.parent.mkdir()
        was = (home / "mappings" / "item-to-portal" / "1.0.0.yaml").read_text(encoding="utf-8")
        mapping.write_text(was.replace("item-to-portal", "item-to-two").replace("portal-item", "portal-two"), encoding="utf-8")
        lock_schemas(home)
        (home / "config.yaml").write_text(_CONFIG.replace("as: portal-item@1", "as: portal-two@1"), encoding="utf-8")
        assert hub.reload() == []
        held.set()
        (letter,) = await hub.store.dead()
        await hub.store.replay(letter["delivery"], actor="a", why="w", adopt=False, now=system_clock(), as_it_ran=True)
        await until(lambda: states(hub) == {"delivered": 3})
        assert {str(one.schema) for one in (*portal.calls, *portal.questions)} == {"portal-item@1.0.0"}
        assert len(portal.calls) == 6 and len(portal.questions) == 1

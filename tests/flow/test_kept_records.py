"""Records that break their schema: refused to who waits for the answer, else kept; and the versions that messages have."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from flow.parts import MADE, MovableClock, Scripted, until, with_partner
from hub.app import Hub
from hub.assembly import assemble
from hub.errors import BadConfig, IdConflict, NotParsable, SchemaInvalid
from hub.message import Arrival, SchemaRef, new_id

TEXT = {"type": "string", "minLength": 1}
ADDRESS = "http://127.0.0.1:9/x"


def schema(ref: str, role: str, required: list[str], **more: Any) -> str:
    name, _, version = ref.partition("@")
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:dossier-hub:{name}:{version}",
        "x-hub": {"role": role, "full_state": True, "subject": [{"system": "national", "pointer": "/code"}], **more},
        "type": "object", "properties": {"code": TEXT, "state": TEXT, "id": TEXT}, "required": required,
        "additionalProperties": False,
    }  # fmt: skip
    return json.dumps(document)


def mapping(source: str, target: str) -> str:
    document = {
        "mapping": f"{source.partition('@')[0]}-to-{target.partition('@')[0]}", "version": "1.0.0", "status": "stable",
        "from": source, "to": target, "summary": "As it is.", "ignore": ["id"],
        "set": {name: {"get": name, "optional": True} for name in ("code", "state")},
        "tests": [{"name": "one", "given": {"code": "c", "state": "A"}, "expect": {"code": "c", "state": "A"}}],
    }  # fmt: skip
    return yaml.safe_dump(document, sort_keys=False)


def make_home(folder: Path, take: str = "item@1") -> Path:
    """Records become items of 1.0.0, though 1.1.0 of it is there too."""
    settings = {"adapter_url": ADDRESS, "username": "u", "password": "p", "madonvi": "000.00.00.H22"}
    config = {
        "store": {"url": "sqlite:///var/hub.db"}, "server": {"port": 0},
        "sources": [{"schema": "record@1", "becomes": ["item@1"]}],
        "endpoints": {"portal": {"connector": "national-portal", "settings": settings}},
        "routes": {"items": {"take": take, "to": "portal", "as": "sheet@1"}},
    }  # fmt: skip
    made = {
        "config.yaml": yaml.safe_dump(config), "mappings/record-to-item/1.0.0.yaml": mapping("record@1", "item@1.0.0"),
        "mappings/item-to-sheet/1.0.0.yaml": mapping("item@1", "sheet@1"),
        "schemas/record/1.0.0.json": schema("record@1.0.0", "source", ["code", "state"], message_id="/id"),
        "schemas/sheet/1.0.0.json": schema("sheet@1.0.0", "partner", ["code"]),
        **{f"schemas/item/{one}.json": schema(f"item@{one}", "canonical", ["code"]) for one in ("1.0.0", "1.1.0")},
    }  # fmt: skip
    for name, text in made.items():
        write(folder, name, text)
    return folder


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@dataclass
class Desk:
    hub: Hub
    partner: Any

    async def accept(self, record: Any, *, keep: bool = True, key: str | None = None) -> Any:
        """Hand one record over as a receiver does; ``key`` is that of its place."""
        body = record if isinstance(record, bytes) else json.dumps(record).encode()
        arrival = Arrival(new_id(), "land", SchemaRef.parse("record@1"), body, MovableClock()(), "0" * 32, else_key=key)
        return await self.hub.intake.accept(arrival, checkpoint="a.jsonl:1", keep=keep)

    async def replay(self, receipt: Any) -> list[str]:
        done = await self.hub.intake.replay(str(receipt["arrival"]), actor="lan", why="mended")
        return [str(one["state"]) for one in done]

    def rows(self, query: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.hub.home.store_url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()


@contextlib.asynccontextmanager
async def running(home: Path) -> AsyncIterator[Desk]:
    hub = Hub(with_partner(assemble(home), Scripted), MovableClock())
    await hub.start()
    try:
        yield Desk(hub, MADE["portal"])
    finally:
        await hub.stop()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with running(make_home(tmp_path / "home")) as desk:
        yield desk


async def test_one_that_breaks_its_schema_is_kept_in_its_place(desk: Desk) -> None:
    """Among the dead letters, with the reasons and where it was read; what comes after it of its dossier waits behind it."""
    await desk.accept({"code": "D1", "state": "A"})
    kept = (await desk.accept({"code": "D1", "state": 5})).receipt
    assert (kept["state"], [(one["at"], one["code"]) for one in kept["reasons"]]) == ("kept", [("/state", "mistyped")])
    behind = (await desk.accept({"code": "D1", "state": "B"})).receipt
    assert [one["code"] for one in behind["reasons"]] == ["behind_kept"]
    other = (await desk.accept({"code": "D2", "state": "A"})).receipt
    assert other["state"] == "accepted"
    dead = await desk.hub.store.dead()
    assert [(one["arrival"], one["position"]) for one in dead] == [
        (kept["arrival"], "a.jsonl:1"),
        (behind["arrival"], "a.jsonl:1"),
    ]
    await until(
        lambda: [one.body for one in desk.partner.calls] == [{"code": "D1", "state": "A"}, {"code": "D2", "state": "A"}]
    )


async def test_replay_validates_again(desk: Desk) -> None:
    """As long as nothing was mended it stays, with its reasons; never is it translated as if it fitted."""
    kept = (await desk.accept({"code": "D1", "state": "A", "note": "x"})).receipt
    assert await desk.replay(kept) == ["kept"]
    shown = await desk.hub.store.arrival(kept["arrival"])
    assert shown is not None and [one["code"] for one in shown["reasons"]] == ["unknown_property"]
    assert desk.partner.calls == []


async def test_a_newer_version_of_its_schema_mends_it(desk: Desk) -> None:
    """Released schemas never change: the mend is a version of its own, and those behind it follow in their order."""
    kept = (await desk.accept({"code": "D1"})).receipt
    await desk.accept({"code": "D1", "state": "B"})
    write(desk.hub.home.folder, "schemas/record/1.0.1.json", schema("record@1.0.1", "source", ["code"], message_id="/id"))
    assert desk.hub.reload() == []
    assert await desk.replay(kept) == ["accepted", "accepted"]
    await until(lambda: [one.body for one in desk.partner.calls] == [{"code": "D1"}, {"code": "D1", "state": "B"}])


async def test_what_cannot_be_read_or_names_no_dossier_has_no_place(desk: Desk) -> None:
    """It is refused as ever, and nothing is stored; so is all of it to a caller who waits."""
    for record, error in ((b"{", NotParsable), ({"state": 5}, SchemaInvalid), ({"code": "x" * 300, "state": 5}, SchemaInvalid)):
        with pytest.raises(error):
            await desk.accept(record)
    with pytest.raises(SchemaInvalid):
        await desk.accept({"code": "D1", "state": 5}, keep=False)
    assert desk.rows("select 1 from arrivals") == []


async def test_the_same_record_twice_is_one(desk: Desk) -> None:
    """By its own id, and by its place; kept or not."""
    for record, key in (({"code": "D1", "state": 5, "id": "7"}, None), ({"code": "D2", "state": 5}, "file:1")):
        first, second = [await desk.accept(record, key=key) for _ in range(2)]
        assert (first.repeated, second.repeated, first.receipt) == (False, True, second.receipt)
    with pytest.raises(IdConflict):
        await desk.accept({"code": "D1", "state": 6, "id": "7"})
    assert len(desk.rows("select 1 from arrivals")) == 2


async def test_an_operator_s_discard_lets_the_mended_one_go(desk: Desk) -> None:
    """The wrong record never reaches the partner."""
    kept = (await desk.accept({"code": "D1", "state": 5})).receipt
    mended = (await desk.accept({"code": "D1", "state": "A"})).receipt
    await desk.hub.store.discard(kept["arrival"], actor="lan", why="mended at the source", now=MovableClock()())
    assert await desk.replay(mended) == ["accepted"]
    await until(lambda: [one.body for one in desk.partner.calls] == [{"code": "D1", "state": "A"}])


# ── the version a message has


async def test_a_message_has_the_version_its_mapping_makes(desk: Desk) -> None:
    """Not the newest that its source may become: a home whose mappings make the older one stays whole."""
    receipt = (await desk.accept({"code": "D1", "state": "A"})).receipt
    assert [one["schema"] for one in receipt["messages"]] == ["item@1.0.0"]
    assert desk.rows("select schema from messages") == [("item@1.0.0",)]
    await until(lambda: desk.partner.calls)


def test_a_version_that_cannot_go_on_is_found_before_it_runs(tmp_path: Path) -> None:
    """The newest fits the route, what the mapping makes does not: no message would ever pass."""
    home = make_home(tmp_path / "home")
    write(home, "mappings/item-to-sheet/1.0.0.yaml", mapping("item@1.1.0", "sheet@1"))
    with pytest.raises(BadConfig) as wrong:
        assemble(home)
    assert [(one.at, one.code) for one in wrong.value.problems] == [("routes.items.as", "no_mapping")]
    assert "item@1.0.0" in str(wrong.value)


async def test_a_route_that_takes_only_the_newer_takes_none(tmp_path: Path) -> None:
    async with running(make_home(tmp_path / "home", take="item@1.1")) as desk:
        receipt = (await desk.accept({"code": "D1", "state": "A"})).receipt
        assert receipt["messages"][0]["routes"] == []

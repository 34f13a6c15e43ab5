"""The connector that ``hub connector new --kind poll`` writes loses nothing that is refused, and is held up by nothing."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from flow.parts import until

from hub import deep_json
from hub.connector import Accepted, ConnectorContext
from hub.errors import Problem, SchemaInvalid
from hub.message import Arrival, system_clock
from hub.testing import serve
from hub.testing.scaffold import Names, write


async def test_a_poll_goes_on_behind_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that the hub can neither take nor keep is put aside, as a file and in the log; what stands behind it comes in,
    and the page is not asked for again."""
    package = tmp_path / "hub-my-poll"
    write(Names.of("my-poll"), "poll", package)
    monkeypatch.syspath_prepend(str(package))
    connector, simulator = importlib.import_module("my_poll.connector"), importlib.import_module("my_poll.simulator")
    deep, deepest = (orjson.loads(b"[" * many + b"]" * many) for many in (300, 1000))  # which orjson reads and does not write
    changes = [simulator.FIRST, {"number": 2, "state": "new"}, "no object", {**simulator.FIRST, "number": 4, "state": "done"}]
    changes[2:2] = [deep, deepest]

    def words(changes: tuple[Any, ...], next: int) -> bytes:
        return deep_json.written({"ok": True, "changes": [*changes], "next": next})

    monkeypatch.setattr(simulator, "_words", words)
    partner = await serve(simulator.MyPollSimulator(simulator.MyPollSimulatorConfig(changes=tuple(changes))))
    account = {"kind": "api_key", "header": "ApiKey", "value": "simulated"}
    settings = {"url": partner.url, "account": account, "folder": str(tmp_path / "var"), "every_seconds": 0.02}
    poll = connector.MyPoll(connector.MyPollConfig.model_validate(settings), ConnectorContext("poll", system_clock))
    taken: list[Any] = []
    cursors: list[str | None] = []

    async def accept(arrival: Arrival, *, cursor: str | None, keep: bool) -> Accepted:
        cursors.append(cursor)
        change = orjson.loads(arrival.body)
        if not isinstance(change, dict) or "id" not in change:
            raise SchemaInvalid([Problem("/id", "missing", "the message names no dossier")])
        taken.append(change)
        return Accepted({"arrival": arrival.id, "state": "accepted"})

    with structlog.testing.capture_logs() as lines:
        await poll.open()
        receiving = asyncio.create_task(poll.receive(accept))
        await until(lambda: bool(cursors) and cursors[-1] is not None)
        receiving.cancel()
        await asyncio.wait({receiving})
        await poll.close()
        await partner.close()
    assert [one["number"] for one in taken] == [1, 4]
    assert [None if one is None else orjson.loads(one)["next"] for one in cursors] == [None] * 5 + [6]
    aside = [file.read_bytes() for file in (tmp_path / "var" / "poll.refused").glob("*.json")]
    assert sorted(aside) == sorted(map(deep_json.written, changes[1:5]))
    assert [line["code"] for line in lines if line["event"] == "change_refused"] == ["schema-invalid"] * 4


@pytest.mark.parametrize(
    ("kept", "after"),
    [
        (None, ""),
        ("{url}", "7"),
        ("{url}/another", ""),
        ("no JSON", ""),
        ("[7]", ""),
    ],
    ids=["none", "its own", "of another address", "of another connector", "of a third one"],
)
async def test_it_goes_on_where_the_hub_says(
    kept: str | None, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only by a number that is its own; told to read anew, it begins at the beginning."""
    package = tmp_path / "hub-my-poll"
    write(Names.of("my-poll"), "poll", package)
    monkeypatch.syspath_prepend(str(package))
    cursor, config = importlib.import_module("my_poll.cursor"), importlib.import_module("my_poll.config")
    url = "http://127.0.0.1:9100/api"
    before = config.MyPollConfig(url=kept.replace("{url}", url), folder=tmp_path) if kept and "{" in kept else None

    async def stored() -> str | None:
        text: str | None = kept if before is None else cursor.written(7, before)
        return text

    for anew in (None, "2026-11-22"):
        now = config.MyPollConfig(url=url, folder=tmp_path, read_anew=anew)
        context = ConnectorContext("poll", system_clock, None, stored)
        assert await cursor.kept(context, now) == ("" if anew else after)
    assert await cursor.kept(ConnectorContext("poll", system_clock), now) == ""

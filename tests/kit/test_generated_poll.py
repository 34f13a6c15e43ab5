"""The connector that ``hub connector new --kind poll`` writes loses nothing that is refused, and is held up by nothing."""

from __future__ import annotations

import asyncio
import importlib
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from flow.parts import until

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
    deep = orjson.loads(b"[" * 300 + b"]" * 300)  # which orjson reads and does not write
    changes = [simulator.FIRST, {"number": 2, "state": "new"}, "no object", {**simulator.FIRST, "number": 4, "state": "done"}]
    changes.insert(2, deep)
    monkeypatch.setattr(simulator, "_words", lambda ok=True, **more: json.dumps({"ok": ok, **more}).encode())
    partner = await serve(simulator.MyPollSimulator(simulator.MyPollSimulatorConfig(changes=tuple(changes))))
    account = {"kind": "api_key", "header": "ApiKey", "value": "simulated"}
    settings = {"url": partner.url, "account": account, "folder": str(tmp_path / "var"), "every_seconds": 0.02}
    poll = connector.MyPoll(connector.MyPollConfig.model_validate(settings), ConnectorContext("poll", system_clock))
    (tmp_path / "var").mkdir()
    taken: list[Any] = []

    async def accept(arrival: Arrival, **more: Any) -> Accepted:
        change = orjson.loads(arrival.body)
        if not isinstance(change, dict) or "id" not in change:
            raise SchemaInvalid([Problem("/id", "missing", "the message names no dossier")])
        taken.append(change)
        return Accepted({"arrival": arrival.id, "state": "accepted"})

    with structlog.testing.capture_logs() as lines:
        await poll.open()
        receiving = asyncio.create_task(poll.receive(accept))
        cursor = tmp_path / "var" / "poll.cursor"
        await until(lambda: cursor.exists() and cursor.read_text() == "5")
        receiving.cancel()
        await asyncio.wait({receiving})
        await poll.close()
        await partner.close()
    assert [one["number"] for one in taken] == [1, 4]
    aside = [json.loads(file.read_bytes()) for file in (tmp_path / "var" / "poll.refused").glob("*.json")]
    assert sorted(map(str, aside)) == sorted(map(str, changes[1:4]))
    assert [line["code"] for line in lines if line["event"] == "change_refused"] == ["schema-invalid"] * 3

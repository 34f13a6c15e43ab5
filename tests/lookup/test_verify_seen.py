"""What an operator sees of verifications: in the trace of a dossier, in the list of questions, in the status."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from flow.parts import send, settled, until
from typer.testing import CliRunner

from hub.cli.main import app
from hub.errors import Transient
from lookup.parts import NAME, NUMBER, VERIFY, Desk, config, running
from lookup.test_verify_hold import OTHER, record

CODE = record()["dossierNo"]
FLAG = VERIFY.replace("on_mismatch: hold", "on_mismatch: flag")


async def shell(desk: Desk, *arguments: str) -> str:
    """What a command prints beside the running hub."""
    runner = CliRunner(env={"HUB_HOME": str(desk.hub.home.folder)})
    ran = await asyncio.to_thread(runner.invoke, app, list(arguments))
    assert ran.exit_code == 0, ran.output
    assert NAME not in ran.output and NUMBER not in ran.output
    return ran.stdout


async def test_a_trace_tells_of_each_verification(tmp_path: Path) -> None:
    """Who was held, replayed and then confirmed: each with the registry, what came of it and its record."""
    async with running(tmp_path) as desk:
        desk.population.script = lambda query: OTHER
        await send(desk.hub, record(), desk.clock)
        (letter,) = await until(desk.hub.store.dead)
        desk.population.script = None
        await desk.hub.store.replay(letter["delivery"], actor="lan", why="mended", adopt=False, now=desk.clock())
        assert await settled(desk.hub) == {"delivered": 2}
        told = await shell(desk, "trace", CODE)
        lines = [line for line in told.splitlines() if "population about the owner" in line]
        asked = await desk.record()
        assert [row["outcome"] for row in asked] == ["mismatch", "confirmed"]
        for line, row in zip(lines, asked, strict=True):
            assert f"for route dossiers-to-portal: {row['outcome']}" in line and row["lookup"] in line
        assert told.index("mismatch") < told.index("replay") < told.index("confirmed") < told.index("attempt 1")
        assert "nothing: all of it is where it belongs" in told
        found: Any = await desk.hub.store.dossier(CODE)
        assert not {"officer", "purpose"} & {name for one in found["timeline"] for name in one}


async def test_who_was_sent_unverified_is_found(tmp_path: Path) -> None:
    """``flag``: in the list of questions by what came of them, and in what the trace says is left to do."""
    async with running(tmp_path, config(verify=FLAG)) as desk:
        desk.population.script = lambda query: OTHER
        await send(desk.hub, record(), desk.clock)
        assert await settled(desk.hub) == {"delivered": 2}
        assert CODE in await shell(desk, "lookups", "--outcome", "mismatch")
        for other in ("confirmed", "asked", "not_found"):
            assert "nothing on record" in await shell(desk, "lookups", "--outcome", other)
        told = await shell(desk, "trace", CODE)
        assert "sent, though its owner is not confirmed" in told and "[applicant_mismatch]" in told
        assert "where it belongs" not in told


async def test_the_status_of_an_endpoint_that_is_only_asked(tmp_path: Path) -> None:
    """It delivers nothing and need not; when it fails, why: not that it is left alone because of that."""
    async with running(tmp_path) as desk:

        async def row() -> str:
            return next(line for line in (await shell(desk, "status")).splitlines() if line.strip().startswith("population"))

        assert "answers questions" in await row()
        desk.population.script = lambda query: Transient("http_403")
        await send(desk.hub, record(), desk.clock)
        await until(lambda: len(desk.population.asked) > 6)
        assert "failing; the newest question got no answer" in await row()
        assert "http_403" in await row() and "delivered" not in await row()
        for _ in range(5):  # people ask on while it is left alone
            await desk.ask()
        assert "http_403" in await row()
        desk.population.script = None
        assert await settled(desk.hub) == {"delivered": 2}
        assert "answers questions" in await row()

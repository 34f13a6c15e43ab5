"""`hub reload` on a hub that runs: checked, taken at once or not at all, and on the record either way."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from warm_hub import Words

from cli.parts import Home, Run, process, until
from hub.app import Hub
from hub.assembly import assemble
from hub.cli.main import app
from hub.message import system_clock


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, int]]:
    """A home and the hub that runs on it."""
    home = Home(tmp_path_factory.mktemp("reload"))
    with process(home.folder, "run") as (running, _):
        yield home, running.pid


@pytest.fixture
def home(lived: tuple[Home, int]) -> Home:
    home, _ = lived
    Home(home.folder)  # as it was written first
    return home


def audit(hub: Run) -> list[tuple[str, str, str]]:
    return [(one["act"], one["actor"], one["why"]) for one in hub("audit", "--json").json["audit"]]


def test_a_changed_table_is_taken_and_recorded(home: Home, hub: Run) -> None:
    """The record names who asked, and the digest of what is in effect since; nothing is left to plan."""
    start = hub("audit", "--json").json["audit"][-1]
    assert (start["act"], start["actor"], start["why"]) == ("start", "hub", "ok")
    home.mend_table()
    assert "mapping record-to-item" in hub("plan").stdout
    told = hub("reload", "--json").json
    assert told["reloaded"] and told["why"] == "ok" and told["in_effect"] != start["target"]
    me = f"shell:{getpass.getuser()}"
    (act, who, why), asked = audit(hub)[:2]
    assert (act, who) == ("reload", me) and why.startswith("ok (asked: ") and asked == ("reload asked", me, "hub reload")
    assert "nothing differs" in hub("plan").stdout
    assert hub("plan", "--json").json["in_effect"] == told["in_effect"]


def test_a_bad_file_is_not_even_sent(home: Home, hub: Run) -> None:
    """The problems as `hub check` shows them, exit code 1, and no word about it on the record."""
    before = audit(hub)
    home.write("mappings/record-to-item/1.0.0.yaml", "mapping: record-to-item\nset: [\n")
    said = hub("reload", code=1)
    assert "mappings/record-to-item/1.0.0.yaml:" in said.stderr and "the hub was not asked" in said.stdout
    assert "mappings/record-to-item/1.0.0.yaml:" in hub("plan", code=1).stderr
    assert audit(hub) == before


def test_a_signal_on_a_bad_file_leaves_the_old_running_and_says_why(home: Home, lived: tuple[Home, int], hub: Run) -> None:
    """Refused with the place and the first problem; what was in effect stays so."""
    before = hub("reload", "--json").json["in_effect"]
    home.write("mappings/record-to-item/1.0.0.yaml", "mapping: record-to-item\nset: [\n")
    lines = len(audit(hub))
    os.kill(lived[1], signal.SIGHUP)
    (act, who, why) = until(lambda: audit(hub)[0] if len(audit(hub)) > lines else None)
    assert (act, who) == ("reload", "signal")
    assert why.startswith("refused: ") and "mappings/record-to-item/1.0.0.yaml:" in why and "what ran before runs on" in why
    Home(home.folder)
    after = hub("plan", "--json").json
    assert after["running"] and after["in_effect"] == before and after["changes"] == []


def test_what_only_a_restart_takes_is_named(home: Home, hub: Run) -> None:
    """A route to a new endpoint is refused by the hub that cannot open it; a changed setting waits, and is told by its name."""
    home.configure(more="  more: { take: item@1, to: other, as: portal-item@1 }\n")
    text = (home.folder / "config.yaml").read_text()
    portal = text[text.index("  portal:") : text.index("routes:")]
    (home.folder / "config.yaml").write_text(text.replace("routes:", portal.replace("  portal:", "  other:", 1) + "routes:"))
    assert hub("plan", "--json").json["restart"] == ["endpoints.other"]
    assert "endpoint other is new" in hub("reload", code=1).stdout
    home.configure()
    home.write("portal-password", "canary-secret")
    assert "only a restart takes: endpoints.portal" in hub("plan").stdout
    said = hub("reload").stdout
    assert "reloaded: ok; a restart is needed for endpoints.portal" in said
    assert "only a restart takes: endpoints.portal" in hub("plan").stdout  # still so: the hub runs on the old one
    home.write("portal-password", "simulated")
    hub("reload")


def test_no_hub_is_exit_code_4(tmp_path: Path) -> None:
    """Where none runs there is nothing to reload; the plan compares with what the last one had, or says that all is new."""
    home = Home(tmp_path)

    def hub(*words: str) -> tuple[int, str, str]:
        result = CliRunner(env={"HUB_HOME": str(home.folder)}).invoke(app, words)
        return result.exit_code, result.stdout, result.stderr

    code, _, said = hub("reload")
    assert code == 4 and "no hub runs on this home" in said
    assert json.loads(hub("reload", "--json")[1])["reloaded"] is False
    code, shown, _ = hub("plan")
    assert code == 0 and "everything is new" in shown and "+ route items-to-portal" in shown and "backfill" not in shown

    async def run() -> None:
        ran = Hub(assemble(home.folder))
        await ran.start()
        await ran.stop()

    asyncio.run(run())
    assert "no hub runs now; compared with what the last one had" in hub("plan")[1]
    assert hub("reload")[0] == 4


class Asked:
    """A hub in this process, as the shell sees one: each SIGHUP to it is one reload, or something else."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.hub = home, Hub(assemble(home.folder))
        self.signals: list[int] = []
        self.on_signal: Callable[[], Any] = lambda: self.loop.call_soon_threadsafe(self.hub.reload_beside)
        monkeypatch.setattr("hub.cli.reload.os.kill", self._kill)

    def _kill(self, pid: int, number: int) -> None:
        self.signals.append(number)
        if number:
            self.on_signal()

    async def reload(self, folder: Path | None = None) -> Any:
        self.loop = asyncio.get_running_loop()
        runner = CliRunner(env={"HUB_HOME": str(folder or self.home.folder)})
        return await asyncio.to_thread(runner.invoke, app, ["reload", "--json"])


@contextlib.asynccontextmanager
async def in_process(home: Home, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    asked = Asked(home, monkeypatch)
    await asked.hub.start()
    try:
        yield asked
    finally:
        await asked.hub.stop()


async def test_each_hears_of_its_own_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's reload, and 30 lines of audit between, are no answer; each line says who asked."""
    async with in_process(Home(tmp_path), monkeypatch) as asked:
        store = asked.hub.store

        async def noise() -> None:
            for _ in range(30):
                await store.note("replay", "x", actor="shell:noise", why="", now=system_clock())
            await store.note("reload", "other", actor="signal", why="ok", now=system_clock())
            other = await store.ask_reload("d", actor="shell:minh", now=system_clock())
            asked.hub.reload_beside()
            await asyncio.to_thread(until, lambda: asyncio.run_coroutine_threadsafe(store.reload_answer(other), loop).result(9))

        loop = asyncio.get_running_loop()
        asked.on_signal = lambda: asyncio.run_coroutine_threadsafe(noise(), loop)
        told = json.loads((await asked.reload()).stdout)
        assert told["reloaded"] and told["in_effect"] != "other"
        lines = [one for one in await store.audit(limit=50) if one["act"] == "reload" and "asked" in one["why"]]
        assert {one["actor"] for one in lines} == {"shell:minh", f"shell:{getpass.getuser()}"} and len(lines) == 2


async def test_another_home_on_the_same_store_is_not_told_ok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub reads its own files: a copy of its home with a change learns that these are not in effect."""
    async with in_process(Home(tmp_path / "one"), monkeypatch) as asked:
        copy = Home(tmp_path / "two")
        copy.mend_table()
        config = copy.folder / "config.yaml"
        theirs = f"sqlite:///{tmp_path / 'one' / 'var' / 'hub.db'}"
        config.write_text(config.read_text("utf-8").replace("sqlite:///var/hub.db", theirs), "utf-8")
        ran = await asked.reload(copy.folder)
        told = json.loads(ran.stdout)
        assert ran.exit_code == 1 and not told["reloaded"] and "other files" in told["why"]


@pytest.mark.parametrize("refusal", [PermissionError, ProcessLookupError])
async def test_a_hub_that_cannot_be_signalled_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: type[OSError]
) -> None:
    """Another user's, or gone: exit code 4, and no question is left on the record for the next reload."""
    async with in_process(Home(tmp_path), monkeypatch) as asked:

        def refuse(pid: int, number: int) -> None:
            raise refusal

        monkeypatch.setattr("hub.cli.reload.os.kill", refuse)
        ran = await asked.reload()
        assert ran.exit_code == 4 and [one["act"] for one in await asked.hub.store.audit()] == ["start"]


async def test_what_needs_a_restart_is_refused_and_planned_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A route to an endpoint that does not run: the plan does not send anybody to a reload that is refused."""
    home = Home(tmp_path)
    async with in_process(home, monkeypatch) as asked:
        home.configure(more="  more: { take: item@1, to: other, as: portal-item@1 }\n")
        text = (home.folder / "config.yaml").read_text()
        portal = text[text.index("  portal:") : text.index("routes:")]
        (home.folder / "config.yaml").write_text(text.replace("routes:", portal.replace("portal:", "other:", 1) + "routes:"))
        assert "endpoint other is new" in (await asked.reload()).stdout
        said = await asyncio.to_thread(CliRunner(env={"HUB_HOME": str(home.folder)}).invoke, app, ["plan"])
        assert "a reload would be refused: endpoint other is new" in said.stdout and "restart" in said.stdout
        assert "take them with: hub reload" not in said.stdout


_EARLY = """
import os, signal, hub.assembly
from hub.cli.main import main
examine = hub.assembly.examine
def early(folder):
    os.kill(os.getpid(), signal.SIGHUP)
    return examine(folder)
hub.assembly.examine = early
main()
"""


def test_a_signal_while_the_home_is_read_is_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It does not end the process, and the home is read again once the hub runs."""
    mine = Home(tmp_path)
    monkeypatch.setattr("cli.parts.HUB", (*Words("python"), "-c", _EARLY))
    with process(mine.folder, "run"):
        until(lambda: [one for one in mine.in_store(lambda store: store.audit()) if one["act"] == "reload"])

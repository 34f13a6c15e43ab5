"""A connector that cannot be opened or closed takes nothing else with it: all is closed, and the store is free again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flow.parts import MovableClock, NoConfig, Scripted, make_home
from hub.app import Hub
from hub.assembly import Endpoint, assemble
from hub.store.sql import SqlStore

TOLD: list[str] = []


class Partner(Scripted):
    """One that tells what is done to it, and fails where it is to."""

    fails: tuple[str, ...] = ()

    def _tell(self, what: str) -> None:
        TOLD.append(f"{what} {self.context.name}")
        if TOLD[-1] in self.fails:
            raise RuntimeError("broken")

    async def open(self) -> None:
        self._tell("open")

    async def close(self) -> None:
        self._tell("close")


def hub_of(folder: Path, fails: str) -> Hub:
    """A hub with three such endpoints."""
    TOLD.clear()
    kind: Any = type("Broken", (Partner,), {"fails": (fails,)})
    parts = assemble(make_home(folder))
    one = parts.home.config.endpoints["portal"]
    names = ("portal", "second", "third")
    parts.home.config = parts.home.config.model_copy(update={"endpoints": dict.fromkeys(names, one)})
    return Hub(replace(parts, endpoints={name: Endpoint(name, kind, NoConfig()) for name in names}), MovableClock())


async def the_store_is_free(hub: Hub) -> None:
    store = SqlStore(hub.home.store_url, MovableClock())
    await store.open(exclusive=True)
    await store.close()


async def test_one_that_cannot_be_opened(tmp_path: Path) -> None:
    """It is closed too, whatever it had opened by then."""
    hub = hub_of(tmp_path / "home", "open second")
    with pytest.raises(RuntimeError):
        await hub.start()
    await hub.stop()
    assert TOLD == ["open portal", "open second", "close portal", "close second"]
    await the_store_is_free(hub)


async def test_one_that_cannot_be_closed(tmp_path: Path) -> None:
    """The others are closed, and another hub may have the store."""
    hub = hub_of(tmp_path / "home", "close portal")
    await hub.start()
    await hub.stop()
    assert TOLD[-3:] == ["close portal", "close second", "close third"]
    await the_store_is_free(hub)

"""A running hub with a scripted partner, keys for it, and a browser window that notes every complaint."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flow.parts import CONFIG, MovableClock, make_home, running
from playwright.async_api import Browser, BrowserContext, Page
from system_parts import absent

from hub.app import Hub
from hub.intake.keys import new_key

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(os.environ.get("AXE_CORE", Path(__file__).parents[2] / ".venv/axe/node_modules/axe-core/axe.min.js"))


def needed(part: Path, what: str) -> None:
    """Skip without a part of the system, except where everything must be there."""
    if not part.exists():
        absent(f"{what} ({part})")


@dataclass
class World:
    """The hub, its partner, and a key of each role."""

    hub: Hub
    partner: Any
    clock: MovableClock
    prefix: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.hub.port}{self.prefix}"

    async def make_keys(self) -> None:
        for name, schemas, role in (("lan", (), "operator"), ("one-stop", ("*",), "sender")):
            key, text = new_key(name, schemas, self.clock(), role)  # type: ignore[arg-type]
            await self.hub.store.add_key(key)
            self.keys[role] = text


@asynccontextmanager
async def started(folder: Path, prefix: str = "", more: str = "") -> AsyncIterator[World]:
    """A hub under a prefix, or with more settings of its server."""
    settings = ", ".join(["port: 0", *([f'prefix: "{prefix}"'] if prefix else []), *([more] if more else [])])
    config = CONFIG.replace("server: { port: 0 }", f"server: {{ {settings} }}")
    clock = MovableClock()
    async with running(make_home(folder / "home", config), clock) as (hub, partner):
        world = World(hub, partner, clock, prefix)
        await world.make_keys()
        yield world


@dataclass
class Window:
    """One browser window, and whatever its console complained about."""

    page: Page
    context: BrowserContext
    errors: list[str] = field(default_factory=list)

    async def sign_in(self, world: World, key: str | None = None, lang: str = "en") -> None:
        await self.page.goto(f"{world.url}/console?lang={lang}")
        await self.page.fill("#key", key if key is not None else world.keys["operator"])
        await self.page.click("main button")

    async def sees(self, text: str, within: str = "main", seconds: float = 20.0) -> float:
        """The text is on the page within the time; the seconds it took."""
        began = time.monotonic()
        where = self.page.locator(within).filter(has_text=text)
        await where.first.wait_for(state="visible", timeout=seconds * 1000)
        return time.monotonic() - began


@asynccontextmanager
async def window(browser: Browser, **options: Any) -> AsyncIterator[Window]:
    context = await browser.new_context(**options)
    page = await context.new_page()
    opened = Window(page, context)
    page.on("console", lambda said: opened.errors.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: opened.errors.append(str(error)))
    await page.add_init_script("addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))")
    try:
        yield opened
    finally:
        await context.close()

"""All simulated partners of the demo, each a process of its own, and what the hub must know of where they are."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from connectors.demo.business import Business
from connectors.demo.local_system import LocalSystem
from connectors.demo.ministry import Ministry
from connectors.demo.population import Population
from connectors.demo.portal import ACCOUNT, Portal
from connectors.demo.processes import Place
from connectors.demo.script import Script
from connectors.demo.show import Show


@dataclass(frozen=True, slots=True)
class Partners:
    """The portal, two registries, a ministry and a unit's own system."""

    portal: Portal
    population: Population
    business: Business
    ministry: Ministry
    local: LocalSystem

    @classmethod
    async def start(cls, script: Script, place: Place, session: aiohttp.ClientSession, ends: AsyncExitStack) -> Partners:
        """Start them all; ``ends`` ends them."""
        own = cls(
            Portal(place, session), Population(place, session), Business(place, session), Ministry(place, session),
            LocalSystem(place, session),
        )  # fmt: skip
        own.population.prepare(script.people)
        own.business.prepare(script.enterprises)
        own.ministry.prepare()
        own.local.prepare()
        every = (own.portal, own.population, own.business, own.ministry, own.local)
        for one in every:
            ends.push_async_callback(one.end)
        await asyncio.gather(*(one.start() for one in every))
        return own

    @property
    def environment(self) -> dict[str, str]:
        """What the configuration of the demo's home leaves to the environment."""
        account = {f"PORTAL_{name.upper()}": value for name, value in ACCOUNT.items()}
        others = (self.population, self.business, self.ministry, self.local)
        told = {name: value for one in others for name, value in one.environment.items()}
        return {"PORTAL_URL": self.portal.adapter_url, **account, **told}

    def introduce(self, script: Script, show: Show) -> None:
        """Say who is there."""
        show.event(f"the national portal (simulated) listens on {self.portal.url}; it knows {script.known_code} already")
        show.event(
            f"the population registry (simulated) listens on {self.population.url}; it holds {len(script.people)} people"
        )
        held = len(script.enterprises)
        show.event(f"the registry of enterprises (simulated) listens on {self.business.url}; it holds {held} enterprises")
        show.event(f"a ministry (simulated) listens on {self.ministry.url}, a unit's own system on {self.local.url}")

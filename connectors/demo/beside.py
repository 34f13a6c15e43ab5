"""What goes on in the demo beside the one-stop shops: the ministry tells of its dossiers and is gone for a moment, citizens
file at the portal, and the local system tells the states of what it got. Afterwards: what there is to be judged of it all.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import aiohttp

from connectors.demo.agenda import Agenda
from connectors.demo.exchanged import Exchanged
from connectors.demo.filings import Adapter, Filed
from connectors.demo.lines import Line
from connectors.demo.ministry import AWAY_SECONDS, SERVICE, Own, is_misstated, stated
from connectors.demo.partners import Partners
from connectors.demo.show import Show

LOOK_SECONDS = 0.2
ONE_IN, AT_LEAST = 40, 4
"""Of so many dossiers one more is the ministry's own, and one more filed by a citizen."""
FILED_BY = 0.9
"""Share of all requests answered when the last citizen files."""


def count_of(dossiers: int) -> int:
    """How many the ministry tells of, and how many citizens file."""
    return max(AT_LEAST, dossiers // ONE_IN)


class Beside:
    """``ministry()`` and ``citizens()`` run beside the senders; each ends when the local system has all that is for it."""

    def __init__(
        self, partners: Partners, agenda: Agenda, adapter: Adapter, own: Own, filed: list[Filed],
        session: aiohttp.ClientSession, show: Show,
    ) -> None:  # fmt: skip
        self._ministry, self._local, self._portal = partners.ministry, partners.local, partners.portal
        self._agenda, self._adapter, self._own = agenda, adapter, own
        self._session, self._show = session, show
        self.filed = filed
        self.fed: list[dict[str, Any]] = []
        """What the ministry told and the local system is to be told."""
        self.served: list[dict[str, Any]] = []

    async def ministry(self) -> None:
        """Half of the feed, the kill in the middle of a create, the other half."""
        self.served = await self._ministry.put_files(self._own)
        served = {one["code"]: one for one in self.served}
        told = [stated(item, served) for item in self._own.items]
        self.fed = [item for item in told if not is_misstated(item)]
        half = len(told) // 2
        await self._ministry.tell(told[:half])
        while not await self._ministry.holds():
            await asyncio.sleep(LOOK_SECONDS / 4)
        await self._ministry.kill()
        self._show.event("SIGKILL: the ministry is gone; it issued a code, and the create with it has no answer", "yellow")
        await asyncio.sleep(AWAY_SECONDS)
        await self._ministry.start()
        await self._ministry.tell(told[half:])
        self._show.event("the ministry is back; the hub asks for its create under the code that it has", "yellow")
        due = Counter(item["MaHoSo"] for item in self.fed)
        while not await self._holds(due):
            await asyncio.sleep(LOOK_SECONDS)
        self._show.event(
            f"the local system was told all {len(self.fed)} states of the ministry's {len(due)} dossiers,"
            f" and has links to {len(self.served)} result files"
        )

    async def citizens(self) -> None:
        """Filings over the whole day, each followed by its states."""
        await self._portal.plant_dossiers([{"MaHoSo": one.code} for one in self.filed])
        async with asyncio.TaskGroup() as lives:
            for number, filed in enumerate(self.filed):
                await self._agenda.reached(FILED_BY * number / len(self.filed))
                await self._adapter.post(self._session, filed)
                lives.create_task(self._life(filed))
        states = sum(len(one.records) for one in self.filed)
        self._show.event(f"{len(self.filed)} citizens filed at the portal; the local system got them, and told {states} states")

    async def _life(self, filed: Filed) -> None:
        while not await self._holds(Counter([filed.code])):
            await asyncio.sleep(LOOK_SECONDS)
        await self._adapter.report(self._session, filed.records)

    async def _holds(self, due: Counter[str]) -> bool:
        """Whether the local system was told so many states of each dossier."""
        states = await self._local.states()
        return all(len(states.get(code, ())) >= count for code, count in due.items())

    async def evidence(self, lines: Iterable[Line], codes: Mapping[str, str]) -> Exchanged:
        """Everything that the checkers are given, but for what the portal holds."""
        cases = [
            {"code": one.code, "record": one.record} for one in (line.item for line in lines)
            if one.way == "rest" and one.code and one.planted not in ("duplicate", "wrong")
            and (one.record or {}).get("serviceCode") == SERVICE
        ]  # fmt: skip
        fed = [{"code": item["MaHoSo"], "item": item} for item in self.fed]
        ministry, local = await self._ministry.state(), await self._local.state()
        return Exchanged(cases, codes, ministry, fed, self.served, local, await self.fetched(), self.filed)

    async def fetched(self) -> list[dict[str, Any]]:
        """Every file that the local system has a link to, fetched by it."""
        held = (await self._local.state())["filings"]
        links = [
            (code, paper["url"]) for code, one in held.items() for name in ("results", "documents")
            for paper in one["filing"].get(name, ()) if "url" in paper
        ]  # fmt: skip
        return [await self._fetch(code, url) for code, url in links]

    async def _fetch(self, code: str, url: str) -> dict[str, Any]:
        async with self._session.get(url) as response:
            content = await response.read()
        return {"code": code, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "status": response.status}

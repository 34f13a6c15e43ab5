"""The portal of the demo seen from outside: what it holds, and its catalogue over its own protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.demo.simulated import Simulated

ACCOUNT = {"username": "simulated", "password": "simulated"}
_MADONVI = "000.00.00.H22"
_ADAPTER = "/XrdAdapter/RestService/forward"
_DSTCODE = "VN:GOV:000.00.00.G22:vpcpdvcprovider"


class Portal(Simulated):
    """The simulated national portal, a process of its own with its memory in a file."""

    name = "portal"
    module = "connectors.national_portal.simulator"

    @property
    def adapter_url(self) -> str:
        """What an endpoint's adapter_url must be."""
        return self.url + _ADAPTER

    async def plant(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Faults it will show from now on."""
        await self.control("POST", "faults", [dict(one) for one in faults])

    async def plant_dossiers(self, dossiers: Sequence[Mapping[str, str]]) -> None:
        """Dossiers it knows before anything was sent."""
        await self.control("POST", "dossiers", [dict(one) for one in dossiers])

    async def expire_sessions(self) -> int:
        """End every session; returns how many there were."""
        return int((await self.control("POST", "expire-sessions", {}))["ended"])

    async def struck(self) -> int:
        """How many calls went wrong on purpose in this life of it."""
        return sum(one["struck"] for one in (await self.control("GET", "faults", None))["faults"])

    async def state(self) -> dict[str, Any]:
        """Everything it holds."""
        return dict(await self.control("GET", "state", None))

    async def procedures(self) -> list[dict[str, Any]]:
        """Its catalogue as any caller gets it: LayDanhSachTTHC, then LayThuTuc of each."""
        session = (await self._call("login", ACCOUNT))["session"]

        async def ask(service: str, **more: str) -> list[dict[str, Any]]:
            body = {"session": session, "madonvi": _MADONVI, "service": service, **more}
            return list((await self._call("g", body))["result"])

        listed = await ask("LayDanhSachTTHC")
        return [one for item in listed for one in await ask("LayThuTuc", maTTHC=item["MATTHC"])]

    async def _call(self, path: str, body: Mapping[str, str]) -> Any:
        url = f"{self.adapter_url}/mapi/{path}"
        async with self._session.post(url, params={"dstcode": _DSTCODE}, json=body) as response:
            return await response.json()

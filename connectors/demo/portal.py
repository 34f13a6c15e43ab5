"""The portal of the demo seen from outside: its process, its outage, what it holds, and its catalogue over its own protocol."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from connectors.demo.processes import DemoFailed, Place, Running

_SIMULATOR = (sys.executable, "-m", "connectors.national_portal.simulator")
ACCOUNT = {"username": "simulated", "password": "simulated"}
_MADONVI = "000.00.00.H22"
_ADAPTER = "/XrdAdapter/RestService/forward"
_DSTCODE = "VN:GOV:000.00.00.G22:vpcpdvcprovider"


class Portal:
    """The simulated national portal, a process of its own with its memory in a file."""

    def __init__(self, place: Place, session: aiohttp.ClientSession) -> None:
        self._place, self._session = place, session
        self._process: Running | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def adapter_url(self) -> str:
        """What an endpoint's adapter_url must be."""
        return self.url + _ADAPTER

    async def start(self) -> None:
        """Start it, or start it again: on the same port, with the memory it had, without its sessions."""
        folder = self._place.home.parent
        files = ("--state", str(folder / "portal.jsonl"), "--config", str(folder / "simulator.yaml"))
        self._process = await Running.start("portal", (*_SIMULATOR, "--port", str(self._port), *files), self._place)
        self._port = urlsplit(self._process.url).port or 0

    async def kill(self) -> None:
        """The outage begins: nothing listens any more, what was under way is cut off."""
        assert self._process is not None
        await self._process.kill()

    async def end(self) -> None:
        if self._process is not None:
            await self._process.end()

    async def plant(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Faults it will show from now on."""
        await self._control("POST", "faults", [dict(one) for one in faults])

    async def plant_dossiers(self, dossiers: Sequence[Mapping[str, str]]) -> None:
        """Dossiers it knows before anything was sent."""
        await self._control("POST", "dossiers", [dict(one) for one in dossiers])

    async def expire_sessions(self) -> int:
        """End every session; returns how many there were."""
        return int((await self._control("POST", "expire-sessions", {}))["ended"])

    async def struck(self) -> int:
        """How many calls went wrong on purpose in this life of it."""
        return sum(one["struck"] for one in (await self._control("GET", "faults", None))["faults"])

    async def state(self) -> dict[str, Any]:
        """Everything it holds."""
        return dict(await self._control("GET", "state", None))

    async def _control(self, method: str, path: str, body: Any) -> Any:
        async with self._session.request(method, f"{self.url}/_control/{path}", json=body) as response:
            if response.status >= 300:
                raise DemoFailed(f"the simulator answered {response.status} to {path}: {(await response.text())[:300]}")
            return await response.json()

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

"""A unit of the demo whose system speaks the national portal's protocol, and was given another address: the hub's door.

It knows contracts.md 1.1 to 1.5 and nothing of the hub. It signs in, fetches the names of procedures, and makes its calls, of
each dossier one after another; what was not answered with error_code 0 it makes again, as it does at the portal.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from connectors.demo.agenda import Agenda, Turn
from connectors.demo.lines import Line, Lines
from connectors.demo.script import Item

SENDER = "land-office"
"""Also its account at the door."""
MADONVI = "000.00.10.H22"
PATH = "/XrdAdapter/RestService/forward"
DSTCODE = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
AT_ONCE = 64
LOOK_SECONDS = 0.05
FIRST_WAIT, LONGEST_WAIT = 0.1, 0.5
ANSWER_SECONDS = 15.0
_STALE = ("phiên", "session")


@dataclass(frozen=True, slots=True)
class Answer:
    """``code`` None: no envelope came; ``status`` 0: nothing came."""

    status: int
    code: int | None
    message: str
    body: Mapping[str, Any]

    @property
    def done(self) -> bool:
        return self.status == 200 and self.code == 0

    @property
    def refused(self) -> bool:
        """Whether the same call would be refused again: an answer of the portal's kind, and not one that says to wait."""
        return self.status == 200 and self.code not in (0, None) and not self.stale

    @property
    def stale(self) -> bool:
        return self.code not in (0, None) and any(word in self.message.casefold() for word in _STALE)


class PortalUnit:
    """``await run()`` makes all calls; ends when each of them is done."""

    def __init__(self, agenda: Agenda, lines: Lines, url: str, password: str) -> None:
        self._agenda, self._lines = agenda, lines
        self._url = url + PATH
        self._account = {"username": SENDER, "password": password}
        self._session = ""
        self._signing = asyncio.Lock()
        self._names: dict[str, dict[str, str]] = {}
        self._naming = asyncio.Lock()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Until all is over."""
        timeout, connector = aiohttp.ClientTimeout(total=ANSWER_SECONDS), aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http, asyncio.TaskGroup() as calls:
            while not self._agenda.over:
                for turn in await self._agenda.come("portal"):
                    calls.create_task(self._make(http, turn))
                await asyncio.sleep(LOOK_SECONDS)

    async def _make(self, http: aiohttp.ClientSession, turn: Turn) -> None:
        async with self._places:
            item = await self._named(http, self._agenda.item(turn))
            await self._until_done(http, self._lines.begin(item))
        await self._agenda.answered(turn)

    async def _until_done(self, http: aiohttp.ClientSession, line: Line) -> None:
        """Make the call until it is done; one that is wrong until it is refused."""
        call, wait = json.loads(line.item.body), FIRST_WAIT
        while True:
            answer = await self._call(http, call)
            final = answer.done or (answer.refused and line.item.planted == "wrong")
            if final and answer.refused:
                line.errors = [{"pointer": one} for one in (line.item.names,) if one and one in answer.message]
            status = answer.status if answer.status != 200 or answer.done else line.item.status if final else 503
            kind = "accepted" if answer.done else str(answer.code)
            self._lines.answered(line, status, kind, {"error_code": answer.code, "message": answer.message})
            if final:
                return
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _named(self, http: aiohttp.ClientSession, item: Item) -> Item:
        """With the names of the procedure, which LayThuTuc gives: once for each procedure."""
        if item.part == "step" or item.record is None:
            return item
        code = item.record["MaTTHC"]
        async with self._naming:
            while code not in self._names:
                answer = await self._call(http, {"service": "LayThuTuc", "maTTHC": code})
                if answer.done:
                    (found,) = answer.body["result"]
                    field = found["LINHVUCTHUCHIEN"][0]
                    named = {"TenTTHC": found["TENTTHC"], "MaLinhVuc": field["MALINHVUC"], "TenLinhVuc": field["TENLINHVUC"]}
                    self._names[code] = named
                else:
                    await asyncio.sleep(LONGEST_WAIT)
        call = json.loads(item.body)
        call["data"] = [{**one, **self._names[code]} for one in call["data"]]
        body = json.dumps(call, ensure_ascii=False).encode()
        return replace(item, record={**item.record, **self._names[code]}, body=body)

    async def _call(self, http: aiohttp.ClientSession, call: Mapping[str, Any]) -> Answer:
        """With a session, and once more with a new one when that is over."""
        session = self._session or await self._sign_in(http, "")
        answer = await self._post(http, "/mapi/g", {"session": session, "madonvi": MADONVI, **call})
        if answer.stale and (fresh := await self._sign_in(http, session)):
            answer = await self._post(http, "/mapi/g", {"session": fresh, "madonvi": MADONVI, **call})
        return answer

    async def _sign_in(self, http: aiohttp.ClientSession, old: str) -> str:
        """A session other than ``old``: one sign-in for all calls that need it."""
        async with self._signing:
            if self._session == old:
                answer = await self._post(http, "/mapi/login", self._account)
                self._session = str(answer.body.get("session") or "") if answer.done else ""
            return self._session

    async def _post(self, http: aiohttp.ClientSession, path: str, body: Mapping[str, Any]) -> Answer:
        try:
            async with http.post(self._url + path, json=body, headers={"dstcode": DSTCODE}) as response:
                said = json.loads(await response.read())
                return Answer(response.status, int(said["error_code"]), str(said.get("message", "")), said)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(0, None, type(error).__name__, {})
        except (ValueError, KeyError, TypeError):
            return Answer(502, None, "no envelope", {})

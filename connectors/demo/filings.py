"""What citizens file at the portal in the demo: the portal's adapter posts each to the hub's door ``nhanhsdvcqg``, one of them
twice; the local system gets it, and then tells its states, which go up to the portal.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import aiohttp

from connectors.demo.cast import DATES
from connectors.demo.processes import DemoFailed
from connectors.demo.script import SCHEMA
from connectors.opencps.stories import Story, stories

SENDER = "citizens"
ACCOUNT = "cong-dvc"
UNIT = "000.00.20.H22"
"""Dossiers filed with this unit are the local system's own."""
PATH = "/XrdAdapter/RestService/forward/nhanhsdvcqg"
INBOUND = {"accounts": {ACCOUNT: {"sender": SENDER}}}
SOURCES = [{"schema": "npsp-filed-dossier@1", "becomes": ["dossier@1"]}]
WAIT = 0.3
PAPER_BYTES = 20_000
_NATIONAL = re.compile(r"([0-9][.][0-9]{6})[.]000[.]00[.]00[.]H22")


@dataclass
class Filed:
    """One filing: its ``body``, every answer to each post (status and word), and how often it is posted."""

    code: str
    body: dict[str, Any]
    records: tuple[dict[str, Any], ...]
    times: int = 1
    answers: list[list[tuple[int, str]]] = field(default_factory=list)

    def posts(self) -> list[dict[str, Any]]:
        """As the checker takes them, one after the other."""
        return [{"code": self.code, "body": self.body, "answers": tries} for tries in self.answers]

    def reports(self) -> list[dict[str, Any]]:
        """What the local system told of it, as the checker takes it."""
        return [{"code": self.code, "record": record} for record in self.records]


def filings(seed: int, count: int, day: date) -> list[Filed]:
    """So many dossiers of citizens with a life of their own afterwards; the first is posted twice."""
    told = [one for one in stories(seed + 9000, 8 * count, unit=UNIT, day=day) if _fits(one)][:count]
    return [_filed(one, 1 if number else 2) for number, one in enumerate(told)]


def _fits(story: Story) -> bool:
    """Whether it was filed on line by a citizen, for a procedure with a national code, and is numbered from its beginning."""
    first = story.records[0]
    citizen = first["applicantIdType"] == "citizen" and first["online"] == "true"
    return bool(citizen and first["dossierStatus"] in ("receiving", "new") and _NATIONAL.fullmatch(first["serviceCode"]))


def _filed(story: Story, times: int) -> Filed:
    first = story.records[0]
    procedure = _NATIONAL.fullmatch(first["serviceCode"])
    assert procedure is not None
    body: dict[str, Any] = {
        "MaHoSo": story.code, "MaTTHC": procedure[1], "TenTTHC": first["serviceName"], "LoaiDoiTuong": "1",
        "ChuHoSo": first["applicantName"], "SoGiayToChuHoSo": first["applicantIdNo"], "NguoiNop": first["contactName"],
        "SoDienThoai": first["contactTelNo"], "Email": first["contactEmail"], "TrichYeuHoSo": first["dossierName"],
        "MaDonViTiepNhan": UNIT, "DonViTiepNhan": first["govAgencyName"], "HinhThuc": "0",
        "NgayNopHoSo": datetime.strptime(first["submitDate"], DATES).strftime("%Y%m%d%H%M%S"),
    }  # fmt: skip
    if "files" in first or times > 1:
        paper = b"%PDF-1.7\n" + random.Random(story.code).randbytes(PAPER_BYTES)
        content = base64.b64encode(paper).decode()
        body["TaiLieuNop"] = [{"TenTepDinhKem": "to-khai.pdf", "MaThanhPhanHoSo": "TP01", "Base64": content}]
    return Filed(story.code, body, story.records, times)


class Adapter:
    """The portal's adapter, and the local system that tells the states of what it got through it."""

    def __init__(self, url: str, portal_key: str, local_key: str) -> None:
        self._url = url
        self._account = aiohttp.BasicAuth(ACCOUNT, portal_key)
        self._local = {"Authorization": f"Bearer {local_key}", "Hub-Schema": SCHEMA, "Content-Type": "application/json"}

    async def post(self, session: aiohttp.ClientSession, filed: Filed) -> None:
        """Post it until it is taken, as often as it is to be posted."""
        for _ in range(filed.times):
            filed.answers.append([])
            while not await self._answered(session, filed):
                await asyncio.sleep(WAIT)

    async def _answered(self, session: aiohttp.ClientSession, filed: Filed) -> bool:
        try:
            async with session.post(self._url + PATH, json=filed.body, auth=self._account) as response:
                told = json.loads(await response.read())
                filed.answers[-1].append((response.status, str(told["message"])))
                return response.status < 500 and response.status != 429
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            filed.answers[-1].append((0, ""))
            return False

    async def report(self, session: aiohttp.ClientSession, records: Sequence[Mapping[str, Any]]) -> None:
        """Send the states of a dossier, each after the one before was answered."""
        for record in records:
            key = {"Idempotency-Key": f"local/{record['dossierActionId']}"}
            while not await self._taken(session, record, key):
                await asyncio.sleep(WAIT)

    async def _taken(self, session: aiohttp.ClientSession, record: Mapping[str, Any], key: Mapping[str, str]) -> bool:
        try:
            url = f"{self._url}/v1/messages"
            async with session.post(url, json=record, headers={**self._local, **key}) as response:
                if 400 <= response.status < 500 and response.status != 429:
                    raise DemoFailed(f"the hub refused a state of the local system: {(await response.text())[:300]}")
                return 200 <= response.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

"""A hub in process whose one partner is the simulated ministry: dossiers out, its own in by feed and push."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
from flow.parts import MovableClock, make_home, until

from hub.app import Hub
from hub.assembly import assemble
from hub.message import Arrival, SchemaRef, new_id
from ministry_portal.parts import Portal

CONFIG = """
store: {{ url: sqlite:///var/hub.db }}
server: {{ port: {port} }}
sources:
  - {{ schema: portal-dossier@1, becomes: [dossier@1] }}
  - {{ schema: portal-progress@1, becomes: [dossier-progress@1] }}
  - {{ schema: ministry-feed-dossier@1, becomes: [dossier@1] }}
  - {{ schema: ministry-feed-progress@1, becomes: [dossier-progress@1] }}
endpoints:
  ministry:
    connector: ministry-portal
    settings:
      base_url: {url}
      client_id: simulated
      client_secret: simulated
      agency: G09.20
      feed: {{ path: /feed, every_seconds: 0.05 }}
      push: {{ accounts: {{ ministry-account: {{ sender: ministry }} }} }}
    concurrency: 4
    retry: {{ first_seconds: 0.02, longest_seconds: 0.1, attempts: 5 }}
    breaker: {{ failures: 5, open_seconds: 0.1, longest_seconds: 0.2 }}
routes:
  dossiers-to-ministry: {{ take: dossier@1, to: ministry, as: ministry-dossier@1 }}
  states-to-ministry: {{ take: dossier@1, to: ministry, as: ministry-status@1 }}
  steps-to-ministry: {{ take: dossier-progress@1, to: ministry, as: ministry-progress@1, in_doubt: hold }}
"""
LOCAL = "000.00.10.H22-261121-0001"
OWN = "G09.20-20260609-0092637"


def home_at(folder: Path, url: str, port: int = 0) -> Path:
    return make_home(folder, CONFIG.format(url=url, port=port))


@asynccontextmanager
async def hub_on(home: Path) -> AsyncIterator[Hub]:
    hub = Hub(assemble(home), MovableClock())
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


def record(state: str = "2", code: str = LOCAL, **more: Any) -> dict[str, Any]:
    """A dossier as a unit sends it to the national portal (portal-dossier@1)."""
    data = {
        "MaHoSo": code, "MaTTHC": "1.005129", "TenTTHC": "Cấp phép", "MaLinhVuc": "G09-KD01", "TenLinhVuc": "Kinh doanh",
        "KenhThucHien": "2", "ChuHoSo": "Công ty Mẫu", "LoaiDoiTuong": "2", "TrichYeuHoSo": "Xin cấp phép",
        "NgayTiepNhan": "20261121080000", "NgayHenTra": "", "TrangThaiHoSo": state, "HinhThuc": "0", "DonViXuLy": "Sở Mẫu",
        "NoiNopHoSo": "2", "HoSoCoThanhPhanSoHoa": "0", "TaiKhoanDuocXacThucVoiVNeID": "0", "DuocThanhToanTrucTuyen": "0",
        "NgayNopHoSo": "20261121074500", "SoGiayToChuHoSo": "0100000001",
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "001099123456"}], "DSKetNoiCSDL": [{"MaCSDL": "7"}],
    }  # fmt: skip
    return {"isUpdating": "False", "data": {**data, **more}}


def step(content: str, state: str = "4", code: str = LOCAL) -> dict[str, Any]:
    """A step as a unit sends it (portal-progress@1)."""
    data = {"MaHoSo": code, "NguoiXuLy": "Hoa", "ThoiDiemXuLy": "20261121093000", "NoiDungXuLy": content, "TrangThai": state}
    return {"data": data}


def item(state: int = 4, at: str = "2026-11-22 09:10:11", code: str = OWN, **more: Any) -> dict[str, Any]:
    """An item of the feed."""
    return {"MaHoSo": code, "MaTTHC": "1.005129", "TrangThai": state, "NgayCapNhat": at, **more}


async def take(hub: Hub, schema: str, body: Mapping[str, Any], sender: str = "one-stop") -> Any:
    arrival = Arrival(
        id=new_id(), sender=sender, schema=SchemaRef.parse(schema), body=json.dumps(body).encode(),
        received_at=MovableClock()(), correlation_id=new_id().replace("-", ""),
    )  # fmt: skip
    return (await hub.intake.accept(arrival)).receipt


def look(home: Path, query: str) -> list[tuple[Any, ...]]:
    """Read the hub's database beside it."""
    with closing(sqlite3.connect(home / "var" / "hub.db")) as connection:
        return connection.execute(query).fetchall()


async def at_rest(home: Path) -> None:
    """Wait until every delivery came to its end."""
    await until(lambda: not look(home, "select 1 from deliveries where state in ('pending', 'claimed', 'in_doubt')"))


async def post(hub: Hub, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{hub.port}{path}"
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with aiohttp.ClientSession() as session, session.post(url, data=content, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


__all__ = ["LOCAL", "OWN", "Portal", "at_rest", "home_at", "hub_on", "item", "look", "post", "record", "step", "take", "until"]

"""A partner that answers exactly the bytes it is told, by the call that it is asked, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dialects.rows import Said

_MINISTRY = {
    "GetNextValue": "next_value", "UploadFile": "upload", "NoiHoSo": "create", "CapNhatTienTrinh": "progress",
    "CapNhatTrangThai": "status",
}  # fmt: skip
_PORTAL = {
    "CapNhatTienDoHoSoMC": "progress", "TraCuuHoSo": "find", "LayDanhSachTTHC": "listed", "LayThuTuc": "procedures",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    target: str
    headers: Mapping[str, str]
    body: bytes


async def _read(reader: asyncio.StreamReader) -> Asked:
    """Raises EOFError when the connection ends before the request does."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert "transfer-encoding" not in headers, "what the connectors send says its length"
    return Asked(first.split(" ")[1], headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def call_of(asked: Asked) -> str:
    """Which call it is: by its path, at the national portal by its service."""
    place, _, name = asked.target.partition("?")[0].lstrip("/").partition("/")
    if place == "portal":
        if name == "mapi/login":
            return "portal.login"
        body = json.loads(asked.body)
        if body["service"] == "DongBoHoSoMC":
            return "portal.sync" if body["isUpdating"] == "False" else "portal.update"
        return f"portal.{_PORTAL[body['service']]}"
    if place == "population":
        return "population.verify" if b"XacThuc" in asked.body else f"population.{name}"
    return f"{place}.{_MINISTRY.get(name, name)}"


@dataclass
class Answerer:
    """``says``: answer by call. Of ``once`` the first is given before."""

    says: Mapping[str, Said]
    once: dict[str, Said] = field(default_factory=dict)
    url: str = ""
    asked: list[tuple[str, Asked]] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def sent(self, call: str) -> Any:
        """The JSON body of the last such call."""
        return json.loads([asked for name, asked in self.asked if name == call][-1].body)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One call of one connection."""
        with contextlib.suppress(OSError, EOFError):
            asked = await _read(reader)
            call = call_of(asked)
            self.asked.append((call, asked))
            told = self.once.pop(call, None) or self.says.get(call)
            if told is None:
                self.strange.append(call)
            else:
                writer.write(told.raw)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def answering(says: Mapping[str, Said], once: Mapping[str, Said] | None = None) -> AsyncIterator[Answerer]:
    """One that listens on loopback. It must not be asked what it has no answer for."""
    it = Answerer(says, dict(once or {}))
    server = await asyncio.start_server(it.answer, "127.0.0.1", 0)
    it.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield it
    finally:
        server.close()
        await server.wait_closed()
    assert not it.strange, f"asked for {it.strange}, which has no answer"

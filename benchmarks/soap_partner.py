"""The SOAP partner of a run, as a process: an aiohttp server that answers every call at once with the same envelope.

It looks into nothing. ``GET /seen`` tells count, first and last (seconds of the monotonic clock), ``GET /kept`` the last
requests as they came; ``POST /forget`` begins anew.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

import orjson
import uvloop
from aiohttp import web

RECEIPT = "bench-receipt"
KEPT = 100
_ANSWER = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>\
<SubmitDossierResponse xmlns="urn:dossier-hub:bench:soap"><Code>0</Code><Message>Đã tiếp nhận</Message>\
<ReceiptId>{RECEIPT}</ReceiptId></SubmitDossierResponse></soap:Body></soap:Envelope>""".encode()
_HEADERS = {"Content-Type": "text/xml; charset=utf-8"}


class _Partner:
    def __init__(self) -> None:
        self.count, self.first, self.last = 0, 0.0, 0.0
        self.kept: deque[bytes] = deque(maxlen=KEPT)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        if request.path == "/forget":
            self.__init__()  # type: ignore[misc]
        elif request.method == "POST":
            self.last = time.monotonic()
            self.first = self.first or self.last
            self.count += 1
            self.kept.append(body)
            return web.Response(body=_ANSWER, headers=_HEADERS)
        elif request.path == "/kept":
            return web.Response(body=orjson.dumps([one.decode() for one in self.kept]))
        return web.Response(body=orjson.dumps({"count": self.count, "first": self.first, "last": self.last}))


async def _serve() -> None:
    runner = web.ServerRunner(web.Server(_Partner().answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve())

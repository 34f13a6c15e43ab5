"""The floor, as a process: the least that takes a message durably and passes it on.

aiohttp takes the body; a writer thread appends whatever bodies wait to one file and syncs it once (group fdatasync);
then 202 is answered, and an aiohttp client posts the body to the destination, a fixed number of calls at a time. It
looks into nothing, remembers nothing, retries nothing.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading

import uvloop
from aiohttp import ClientSession, TCPConnector, web

_Waiting = tuple[bytes, "asyncio.Future[None]"]


def _write(file: int, waiting: queue.SimpleQueue[_Waiting], loop: asyncio.AbstractEventLoop) -> None:
    """The writer thread: one write and one sync for all that wait."""
    while True:
        group = [waiting.get()]
        while not waiting.empty():
            group.append(waiting.get())
        os.write(file, b"".join(body for body, _ in group))
        os.fdatasync(file)
        loop.call_soon_threadsafe(_tell, [future for _, future in group])


def _tell(durable: list[asyncio.Future[None]]) -> None:
    for future in durable:
        if not future.done():
            future.set_result(None)


async def _serve(path: str, destination: str, concurrency: int) -> None:
    loop = asyncio.get_running_loop()
    waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
    to_send: asyncio.Queue[bytes] = asyncio.Queue()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    threading.Thread(target=_write, args=(file, waiting, loop), daemon=True).start()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        durable: asyncio.Future[None] = loop.create_future()
        waiting.put((body, durable))
        await durable
        to_send.put_nowait(body)
        return web.Response(status=202, body=b"{}", content_type="application/json")

    async with ClientSession(connector=TCPConnector(limit=concurrency)) as session:

        async def send() -> None:
            while True:
                body = await to_send.get()
                async with session.post(destination, data=body) as response:
                    await response.read()

        app = web.Application()
        app.router.add_post("/v1/messages", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.gather(*(send() for _ in range(concurrency)))


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))

"""The two sides of soap_rate_ratio, each as a process: SOAP calls by the hub's connector, or by zeep's AsyncClient.

Both are given the same values, and a fixed number of calls is under way at a time. For each order (a line of JSON) it says
``{}``, waits for a line that says go, makes the calls, and gives one result (a line of JSON).
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import uvloop

from benchmarks import homes
from benchmarks.soap_partner import RECEIPT
from hub.connector import ConnectorContext, load_connector
from hub.message import Message, SchemaRef

Call = Callable[[int], Awaitable[None]]
"""Makes the call with the values of this number. Raises when it is not answered as the partner answers."""


class _Attempt:
    """The first attempt of a delivery, which remembers in memory."""

    number = 1
    known_ids: Mapping[str, str] = {}
    may_update = sent_before = False

    def __init__(self) -> None:
        self.remembered: dict[str, Any] = {}

    async def remember(self, key: str, value: Any) -> None:
        self.remembered[key] = value


async def _by_connector(url: str, values: list[dict[str, Any]]) -> Call:
    kind: Any = load_connector("soap")
    settings = kind.Config.model_validate(homes.soap_settings(url))
    connector = kind(settings, ConnectorContext("soap", lambda: time.time_ns() // 1_000))
    await connector.open()
    schema = SchemaRef.parse(f"{homes.SOAP_SCHEMA}@1.0.0")
    messages = [Message(str(n), str(n), str(n), 1, schema, one, str(n), full_state=True) for n, one in enumerate(values)]

    async def call(number: int) -> None:
        receipt = await connector.send(messages[number % len(messages)], _Attempt())
        if receipt.reference != RECEIPT:
            raise RuntimeError("that is not the partner's receipt")

    return call


async def _by_zeep(url: str, values: list[dict[str, Any]]) -> Call:
    import zeep.proxy  # here: the connector's process needs no httpx

    zeep_: Any = zeep  # which has no types
    client = zeep_.AsyncClient(str(homes.SOAP_WSDL))
    service = zeep_.proxy.AsyncServiceProxy(client, next(iter(client.wsdl.bindings.values())), address=url)
    requests = [one["SubmitDossier"] for one in values]

    async def call(number: int) -> None:
        answer = await service.SubmitDossier(**requests[number % len(requests)])
        if answer.ReceiptId != RECEIPT:
            raise RuntimeError("that is not the partner's receipt")

    return call


SIDES = {"connector": _by_connector, "zeep": _by_zeep}


async def _serve(side: str, url: str, file: str) -> None:
    call = await SIDES[side](url, orjson.loads(Path(file).read_bytes()))
    gc.collect()
    gc.freeze()  # as the hub does: what is there for good is not looked through again and again
    while line := sys.stdin.readline():  # nothing else is to be done meanwhile
        numbers = iter(range(orjson.loads(line)["count"]))

        async def caller(numbers: Any = numbers) -> None:
            for number in numbers:
                await call(number)

        print("{}", flush=True)
        sys.stdin.readline()
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(caller() for _ in range(homes.CONCURRENCY)))
        took = {"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}
        print(orjson.dumps(took).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(_serve(*sys.argv[1:]))

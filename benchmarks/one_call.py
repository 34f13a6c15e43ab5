"""The least connector: one HTTP POST for a message, whose answer is its receipt."""

from __future__ import annotations

import orjson
from pydantic import Field

from hub.connector import Attempt, Connector, ConnectorConfig, ConnectorContext, Receipt
from hub.errors import Rejected
from hub.message import Message
from hub.wire import HttpEndpoint, HttpSettings


class OneCallConfig(HttpSettings, ConnectorConfig):
    """Where to post to."""

    url: str = Field(description="Address of the destination.")


class OneCall(Connector[OneCallConfig]):
    """Posts each message as JSON and takes 200 for an answer."""

    Config = OneCallConfig

    def __init__(self, config: OneCallConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._http = HttpEndpoint(config, context.clock)

    async def open(self) -> None:
        """Prepare connections."""
        await self._http.open()

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    async def check(self) -> None:
        """Ask the destination what it has seen."""
        await self._http.call("GET", f"{self.config.url}/seen", effect=False)

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """One POST. Raises Rejected for any other answer than 200, and what ``HttpEndpoint.call`` raises."""
        answer = await self._http.call(
            "POST", self.config.url, effect=True, body=orjson.dumps(message.body),
            headers={"Content-Type": "application/json"}, traceparent=message.traceparent,
        )  # fmt: skip
        if answer.status != 200:
            raise Rejected(f"http_{answer.status}", "the destination refused")
        return Receipt(reference=str(orjson.loads(answer.body)["number"]))

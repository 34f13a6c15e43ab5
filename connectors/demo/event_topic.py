"""The topic to which the demo's hub tells what it does, when a broker is given: the demo's own, and deleted at its end."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import ValidationError

from connectors.demo.check_events import Heard
from connectors.demo.processes import DemoFailed
from connectors.demo.show import Show
from hub.errors import DeliveryError

if TYPE_CHECKING:
    from connectors.kafka.listening import OwnTopic

GIVEN = "KAFKA_BOOTSTRAP_SERVERS"
"""The variable that gives brokers, HOST:PORT[,HOST:PORT]; without it there is no event stream in the demo."""
ENDPOINT = "event-stream"
_SOURCE = "urn:dossier-hub:demo"
_SECONDS, _CONNECT_SECONDS = 30.0, 5.0


class EventTopic:
    """``make`` before the hub starts, ``heard`` when it has published everything, ``delete`` at the end."""

    def __init__(self, brokers: str) -> None:
        """``brokers`` as ``GIVEN`` has them. Raises DemoFailed when they are not written so."""
        self.name = f"dossier-hub-demo-{uuid4()}"
        self._brokers = brokers
        self._topic = self._own()

    @classmethod
    def given(cls, environment: Mapping[str, str]) -> EventTopic | None:
        """None when no broker is given."""
        return cls(environment[GIVEN]) if environment.get(GIVEN) else None

    @property
    def endpoint(self) -> dict[str, Any]:
        """What the configuration of the demo's home says of it."""
        retry = {"first_seconds": 0.2, "longest_seconds": 2}
        return {"connector": "kafka", "settings": self._settings, "retry": retry}

    async def make(self) -> None:
        """Raises DemoFailed when the brokers do not answer, or refuse it."""
        try:
            await self._topic.make()
        except DeliveryError as error:
            text = f"{GIVEN}={self._brokers}: {error.reason or error.code}; start the broker, or unset {GIVEN}"
            raise DemoFailed(f"{text} to play without an event stream") from None

    async def delete(self, show: Show) -> None:
        """A topic that cannot be deleted is named, and spoils nothing."""
        try:
            await self._topic.delete()
        except DeliveryError as error:
            show.event(f"the topic {self.name} is left at the broker: {error.reason or error.code}", "yellow")

    async def heard(self, file: Path) -> list[Heard]:
        """All that is in the topic; ``file`` gets a JSON object for each record. Raises DemoFailed."""
        try:
            records = await self._topic.records()
        except DeliveryError as error:
            raise DemoFailed(f"the events cannot be read: {error.reason or error.code}") from None
        heard = [
            Heard(one.partition, one.offset, one.key.decode(), one.headers, json.loads(one.value.decode())) for one in records
        ]
        with file.open("x", encoding="utf-8") as lines:
            lines.writelines(one.line() for one in heard)
        return heard

    @property
    def _settings(self) -> dict[str, Any]:
        told = {"topic": self.name, "source": _SOURCE}
        brokers = [one.strip() for one in self._brokers.split(",")]
        return {"brokers": brokers, "tls": False, "connect_timeout": _CONNECT_SECONDS, "events": told}

    def _own(self) -> OwnTopic:
        from connectors.kafka.config import KafkaConfig  # a demo without a broker loads nothing of Kafka
        from connectors.kafka.listening import OwnTopic

        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the demo says itself what went wrong
        try:
            config = KafkaConfig.model_validate(self._settings)
        except ValidationError as error:
            said = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
            raise DemoFailed(f"{GIVEN}={self._brokers}: {said}") from None
        return OwnTopic(config, self.name, _SECONDS)

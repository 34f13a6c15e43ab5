"""A sender outside the hub: gives each record an Idempotency-Key, sends it again after a lost connection, and keeps its own
record of what was acknowledged. That record and the portal's memory are all that a verdict is made from.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any

from connectors.opencps.stories import stories
from seams.http_door import NO_ANSWER, Answer, request

SCHEMA = "opencps-dossier@1"


@dataclass(frozen=True)
class Acknowledged:
    """One record that was answered 202. ``mark`` stands in its note and in its step's note."""

    code: str
    mark: str
    key: str
    tries: int
    repeated: bool
    receipt: dict[str, Any]

    @property
    def deliveries(self) -> dict[str, str]:
        """Delivery ids by canonical schema id."""
        return {
            message["schema"].partition("@")[0]: route["delivery"]
            for message in self.receipt["messages"]
            for route in message["routes"]
            if route["taken"]
        }


def lives(seed: int, records: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(code, records) of one new dossier after the other, each record marked in what the portal is shown."""
    for number in count(1):
        (story,) = stories(seed * 100_000 + number, 1, day=date(2026, 11, 20), first=number)
        told = [dict(one) for one in story.records[:records]]
        if len(told) < records:
            continue
        for place, one in enumerate(told):
            mark = f"{number}.{place + 1}"
            one |= {"dossierNote": f"bản ghi {mark}", "briefNote": "", "lastActionNote": f"bước {mark}"}
        yield story.code, told


class Sender:
    """``send`` returns only when the record is acknowledged. Safe in threads, one dossier in one thread at a time."""

    def __init__(self, url: Callable[[], str], key: str) -> None:
        self._url = url
        self._key = key
        self._turn = threading.Lock()
        self.record: list[Acknowledged] = []
        self.lost_answers = 0
        self.unavailable = 0

    def post(self, record: dict[str, Any], key: str, seconds: float = 10.0, schema: str = SCHEMA) -> Answer:
        """One try. Raises one of NO_ANSWER."""
        headers = {"Authorization": f"Bearer {self._key}", "Hub-Schema": schema, "Idempotency-Key": key}
        return request("POST", f"{self._url()}/v1/messages", record, headers, seconds)

    def read(self, path: str) -> Any:
        answer = request("GET", f"{self._url()}{path}", headers={"Authorization": f"Bearer {self._key}"})
        assert answer.status == 200, answer.status
        return answer.body

    def send(self, record: dict[str, Any], seconds: float = 40.0) -> Acknowledged:
        """Send, with the same key, until it is acknowledged."""
        mark = record["dossierNote"].split()[-1]
        key = f"{record['referenceUid']}/{mark}"
        end, tries = time.monotonic() + seconds, 0
        while True:
            tries += 1
            answer = None
            try:
                answer = self.post(record, key)
            except NO_ANSWER:
                with self._turn:
                    self.lost_answers += 1
            if answer is not None and answer.status == 202:
                return self.acknowledged(record, key, answer, tries)
            if answer is not None:
                assert answer.status == 503, (answer.status, answer.body.get("errors"))
                with self._turn:
                    self.unavailable += 1
            assert time.monotonic() < end, f"not acknowledged within {seconds:g} s"
            time.sleep(0.02)

    def acknowledged(self, record: dict[str, Any], key: str, answer: Answer, tries: int = 1) -> Acknowledged:
        """Write an acknowledgement down."""
        assert answer.status == 202 and answer.body["state"] == "accepted", (answer.status, answer.body)
        mark = record["dossierNote"].split()[-1]
        repeated = answer.headers.get("Idempotency-Replayed") == "true"
        line = Acknowledged(record["dossierNo"], mark, key, tries, repeated, answer.body)
        assert line.deliveries.keys() == {"dossier", "dossier-progress"}, answer.body["messages"]
        with self._turn:
            self.record.append(line)
        return line

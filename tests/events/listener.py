"""An outside consumer of the hub's events, written from their AsyncAPI document alone: it shares no code with the hub.

Told each record of the topic, in the order of its partition and as often as it likes to come, it knows of each dossier
its codes and its ledger, and of each arrival, message and delivery its state.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

Cell = dict[str, Any]
Codes = set[tuple[str, str]]
PREFIX = "dossier-hub."
# what a delivery is after each event about it
DELIVERY = {
    "routed": "pending",
    "replayed": "pending",
    "waiting": "pending",
    "delivered": "delivered",
    "in_doubt": "in_doubt",
    "dead": "dead",
    "superseded": "superseded",
    "discarded": "discarded",
}
# fields of a cell that only say where it belongs
PLACE = ("dossier", "endpoint", "stream")


class Record(Protocol):
    """A record of a topic, as any client of Kafka gives it."""

    def headers(self) -> list[tuple[str, bytes]] | None: ...

    def value(self) -> bytes | None: ...

    def key(self) -> bytes | None: ...


class Listener:
    """What one who hears only the events knows."""

    def __init__(self) -> None:
        self.codes: defaultdict[str, Codes] = defaultdict(set)
        self.cells: defaultdict[str, dict[tuple[str, str], Cell]] = defaultdict(dict)
        self.arrivals: dict[str, str] = {}
        self.erased: set[str] = set()
        self.messages: dict[str, dict[str, Any]] = {}
        self.bodies: dict[str, Any] = {}
        self.deliveries: dict[str, str] = {}
        self.said: dict[str, dict[str, Any]] = {}
        self.heard: Counter[str] = Counter()
        self.skipped = 0
        self._largest: dict[str, str] = {}

    def listen(self, records: Iterable[Record]) -> Listener:
        """Hear some records of a client of Kafka."""
        for one in records:
            headers = {name: value.decode() for name, value in one.headers() or []}
            assert (one.key() or b"").decode() == headers["ce_subject"], "the key is the dossier"
            self.hear(headers, one.value() or b"")
        return self

    def hear(self, headers: Mapping[str, str], value: bytes) -> bool:
        """Take one event in; False when it was heard before."""
        dossier, sequence = headers["ce_subject"], headers["ce_sequence"]
        before = self._largest.get(dossier, "")
        if sequence <= before:
            self.skipped += 1
            return False
        if sequence.partition("-")[0] > before.partition("-")[0]:  # what is so is told anew, and only that is so
            self.cells.pop(dossier, None)
        self._largest[dossier] = sequence
        event = json.loads(value)
        assert event["dossier"] == dossier, "the subject is the dossier"
        kind = headers["ce_type"].removeprefix(PREFIX)
        about, _, what = kind.partition(".")
        self.heard[kind] += 1
        match about:
            case "dossier":
                self.codes[dossier] |= {(one["system"], one["code"]) for one in event["codes"]}
            case "message":
                self._message(event)
            case "arrival":
                self._arrival(what, event)
            case "delivery":
                self.deliveries[event["delivery"]] = DELIVERY[what]
                self.said[event["delivery"]] = event
            case "ledger":
                self._cell(dossier, event)
            case _:
                raise AssertionError(f"the document knows no {kind}")
        return True

    def ledger(self, dossier: str) -> dict[tuple[str, str], Cell]:
        """Endpoint and stream → what the partner there knows of the dossier."""
        return dict(self.cells.get(dossier, {}))

    def dossier(self, system: str, code: str) -> str:
        """The dossier that a system calls so: after a restore, the one in the newest count."""
        found = [one for one, codes in self.codes.items() if (system, code) in codes]
        return max(found, key=lambda one: self._largest[one].partition("-")[0])

    def _message(self, event: dict[str, Any]) -> None:
        message = event["message"]
        self.messages[message] = {name: value for name, value in event.items() if name != "body"}
        if "body" in event:
            self.bodies[message] = event["body"]

    def _arrival(self, what: str, event: dict[str, Any]) -> None:
        arrival = event["arrival"]
        if what != "erased":
            self.arrivals[arrival] = what
            return
        self.erased.add(arrival)
        for message, about in self.messages.items():
            if about["arrival"] == arrival:
                self.bodies.pop(message, None)

    def _cell(self, dossier: str, event: dict[str, Any]) -> None:
        place = (event["endpoint"], event["stream"])
        if event.get("gone"):
            self.cells[dossier].pop(place, None)
        else:
            self.cells[dossier][place] = {name: value for name, value in event.items() if name not in PLACE}

"""What will be sent in the demo, request by request, and what else belongs to the play: made by ``planted``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.demo.evidence import Part, Way

SCHEMA = "opencps-dossier@1"
WRONG_KEY = "hub_" + "0" * 43
OTHER_KEY = "{other key}"
"""Stands for a real key that may send another schema only."""


@dataclass(frozen=True, slots=True)
class Item:
    """One request. ``key`` is its Idempotency-Key, or the RequestId of an envelope; ``waits_for`` names what must have happened
    before it is sent; ``status`` is the answer it must get, ``names`` the field or header that a refusal must name; ``part``
    what it tells of the record: an envelope tells its state, or its step; ``way`` how it comes. The lines of the file that is
    left ``twice`` stand in no other file."""

    code: str | None
    reference_uid: str
    body: bytes
    record: dict[str, Any] | None
    key: str | None
    due: datetime
    planted: str | None = None
    waits_for: str | None = None
    status: int = 202
    names: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    part: Part = "both"
    way: Way = "rest"
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """The whole play. ``lives`` are sent each in order, side by side; the fault rules are the portal's; ``people`` are those
    whom the population registry holds, ``strangers`` and ``renamed`` the dossiers whose applicants it does not know, or by
    another name; the same of the enterprises in their registry. The portal refuses a state of ``refused_code``, which nobody
    waits for, and of ``told_code``, whose sender is told."""

    lives: tuple[tuple[Item, ...], ...]
    counts: Mapping[str, int]
    known: tuple[dict[str, str], ...]
    known_code: str
    refused_code: str
    told_code: str
    lost_codes: tuple[str, ...]
    unknown_codes: tuple[str, ...]
    standing_faults: tuple[dict[str, Any], ...]
    first_faults: tuple[dict[str, Any], ...]
    later_faults: tuple[dict[str, Any], ...]
    people: tuple[dict[str, str], ...]
    strangers: tuple[str, ...]
    renamed: tuple[str, ...]
    enterprises: tuple[dict[str, Any], ...]
    strange_enterprises: tuple[str, ...]
    renamed_enterprises: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many requests there are."""
        return sum(map(len, self.lives))

    @property
    def envelopes(self) -> int:
        """How many of them are SOAP envelopes."""
        return self._by("soap")

    @property
    def in_files(self) -> int:
        """How many of them are lines of a file."""
        return self._by("folder")

    @property
    def calls(self) -> int:
        """How many of them are calls of the portal's own protocol."""
        return self._by("portal")

    def _by(self, way: Way) -> int:
        return sum(one.way == way for life in self.lives for one in life)

    @property
    def kept(self) -> int:
        """How many records will be kept: those with the unknown code and those that wait behind them, and the mistaken one with
        the corrected one behind it."""
        unknown = sum(len(life) - 1 for life in self.lives if any(one.planted == "unknown_code" for one in life))
        return unknown + 2 * self.counts.get("mistaken", 0)

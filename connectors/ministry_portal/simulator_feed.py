"""The simulated ministry portal's way back: dossiers, states and results of a territory, by cursor, or pushed to an address.

The contract of a feed is not public: items are whole dossier objects in the style of the other operations, our own proposal.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.ministry_portal.simulator_answers import Reply, refused
from connectors.ministry_portal.simulator_config import MinistryPortalSimulatorConfig
from connectors.ministry_portal.simulator_state import Effect, MinistryMemory

_MARK = "muc:"
_LIMIT = 100


def either(item: Mapping[str, Any], name: str) -> Any:
    """A field of an item in PascalCase, or the same in camelCase."""
    return item.get(name, item.get(name[0].lower() + name[1:]))


class Feed:
    """Items in the order in which they were put in; a cursor is opaque and stays good."""

    def __init__(self, config: MinistryPortalSimulatorConfig, memory: MinistryMemory) -> None:
        self._config, self._memory = config, memory

    def put(self, items: list[dict[str, Any]]) -> None:
        """More items, each as it is to go out; MaHoSo or maHoSo is there."""
        self._memory.commit([Effect("fed", str(either(item, "MaHoSo")), item) for item in items])

    def page(self, cursor: str | None, limit: str | None) -> Reply:
        """The items after a cursor (none: from the first), and the cursor after them."""
        after = 0 if not cursor else _after(cursor)
        most = _LIMIT if not limit else int(limit) if limit.isascii() and limit.isdigit() else 0
        if after is None or after > len(self._memory.feed):
            return refused(400, f"{self._config.cursor_parameter} không hợp lệ", "cursor")
        if most < 1:
            return refused(400, "limit không hợp lệ", "limit")
        items, ended = self.items_after(after, min(most, self._config.feed_most))
        codes = list(dict.fromkeys(str(either(item, "MaHoSo")) for item in items))
        told = {"items": items, "cursor": _cursor(ended)}
        return Reply(told, bare=self._config.feed_answer == "flat", codes=codes)

    def items_after(self, after: int, most: int) -> tuple[list[dict[str, Any]], int]:
        """So many items of the territory after a position, and the position behind the last one looked at."""
        items: list[dict[str, Any]] = []
        for position, item in enumerate(self._memory.feed[after:], after + 1):
            if not self._config.territory or either(item, "MaTinh") in self._config.territory:
                items.append(item)
            after = position
            if len(items) == most:
                break
        return items, after


class Push(BaseModel):
    """Items to be posted to an address on this machine: those given, or those of the feed behind the first ``after``."""

    model_config = ConfigDict(extra="forbid")

    url: str
    items: list[dict[str, Any]] | None = None
    after: int = Field(default=0, ge=0)
    form: Literal["array", "each", "items"] = "array"
    headers: dict[str, str] = Field(default_factory=dict)
    seconds: float = Field(default=10.0, gt=0)

    @field_validator("url")
    @classmethod
    def _is_here(cls, url: str) -> str:
        """As a simulator listens on loopback only, it calls nobody else either."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        try:
            here = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            here = False
        if parts.scheme not in ("http", "https") or not here:
            raise ValueError("must be an address on this machine")
        return url

    def bodies(self, items: list[dict[str, Any]]) -> list[Any]:
        """What is posted: one body for all, or one for each."""
        return items if self.form == "each" else [items if self.form == "array" else {"items": items}]

    async def carry_out(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Posts them one by one; of each: ``status`` and ``body`` (text), or ``error``: the kind of what went wrong."""
        told: list[dict[str, Any]] = []
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(self.seconds), headers=self.headers) as session:
            for body in self.bodies(items):
                try:
                    async with session.post(self.url, json=body, allow_redirects=False) as answer:
                        told.append({"status": answer.status, "body": await answer.text()})
                except (aiohttp.ClientError, TimeoutError) as error:
                    told.append({"error": type(error).__name__})
        return told


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"{_MARK}{position}".encode()).decode().rstrip("=")


def _after(cursor: str) -> int | None:
    """The position of a cursor; None when it is none of ours."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    number = text.removeprefix(_MARK)
    return int(number) if text.startswith(_MARK) and number.isascii() and number.isdigit() else None

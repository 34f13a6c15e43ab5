"""The registry of enterprises of the demo: its process, which enterprises it holds, and what the demo's home says of it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import yaml

from connectors.business_registry.simulator_enterprises import check_digit
from connectors.demo.simulated import Simulated
from connectors.opencps.stories import Story

DATABASE_CODE = "9"
"""The registry's code at the portal (MaCSDL), which is not public: the demo's own."""
EACH = 2
"""So many enterprises it does not know at all, and so many by another name."""
ENDPOINT = {
    "connector": "business-registry",
    "lookup": {"take": "enterprise-query@1", "give": "enterprise@1"},
    "settings": {
        "url": "${env:BUSINESS_URL}/apiCSDLDKDN/1.0/chiTietDoanhNghiep",
        "reached": {"by": "ndxp"},
        "shape": "ngsp",
        "account": {
            "kind": "oauth2",
            "token_url": "${env:BUSINESS_URL}/token",
            "client_id": "simulated",
            "client_secret": "${env:BUSINESS_SECRET}",
        },
        "connect_timeout": 1,
        "read_timeout": 2,
    },
    "concurrency": 16,
    "retry": {"first_seconds": 0.2, "longest_seconds": 1},
    "breaker": {"failures": 5, "open_seconds": 0.5, "longest_seconds": 1},
}
VERIFY = {
    "with": "business",
    "query": "enterprise-query@1",
    "on_mismatch": "flag",
    "database_code": DATABASE_CODE,
    "purpose": "the enterprise is checked before the portal gets the dossier",
    "officer": "hub-demo",
}
_OFFICE = {"province_code": "08", "province": "Tuyên Quang", "ward_code": "00745", "ward": "Xã Đồng Văn", "house": "1"}

Enterprises = tuple[dict[str, Any], ...]


class Business(Simulated):
    """The simulated registry, a process of its own."""

    name = "business"
    module = "connectors.business_registry.simulator"

    def prepare(self, enterprises: Enterprises) -> None:
        """Before the first start: exactly these enterprises are in it."""
        config = {"enterprises": 0, "known_enterprises": list(enterprises)}
        self.configure(yaml.safe_dump(config, allow_unicode=True, sort_keys=False))

    @property
    def environment(self) -> dict[str, str]:
        """What ``ENDPOINT`` leaves to the environment."""
        return {"BUSINESS_URL": self.url, "BUSINESS_SECRET": "simulated"}

    async def enterprises(self) -> Sequence[dict[str, Any]]:
        """Every one in it, as it says itself."""
        return list((await self.control("GET", "enterprises?limit=20000"))["enterprises"])


def with_right_numbers(day: Sequence[Story]) -> list[Story]:
    """The same stories, but that the number of an enterprise is one that an enterprise can have, and of no other of them."""
    used: set[str] = set()
    return [_numbered(one, _right(_number(one), used)) if is_enterprise(one) else one for one in day]


def enterprises(
    told: Sequence[Story], choice: Sequence[Story], rng: random.Random
) -> tuple[Enterprises, tuple[str, ...], tuple[str, ...]]:
    """Those of all dossiers, and the codes of the dossiers, out of ``choice``, whose enterprise is a stranger to it or has
    another name in it."""
    picked = [one.code for one in rng.sample([one for one in choice if is_enterprise(one)], 2 * EACH)]
    strangers, renamed = tuple(picked[::2]), tuple(picked[1::2])
    return tuple(_held(told, strangers, renamed)), strangers, renamed


def is_enterprise(story: Story) -> bool:
    """Whether an enterprise owns the dossier."""
    return bool(story.records[0]["applicantIdType"] == "business")


def _held(told: Sequence[Story], strangers: Sequence[str], renamed: Sequence[str]) -> Iterator[dict[str, Any]]:
    for one in told:
        if is_enterprise(one) and one.code not in strangers:
            name = str(one.records[0]["applicantName"])
            yield {"code": _number(one), "name": f"{name} Mới" if one.code in renamed else name, "office": dict(_OFFICE)}


def _number(story: Story) -> str:
    return str(story.records[0]["applicantIdNo"])


def _numbered(story: Story, number: str) -> Story:
    return replace(story, records=tuple({**record, "applicantIdNo": number} for record in story.records))


def _right(number: str, used: set[str]) -> str:
    nine = int(number[:9])
    while (digit := check_digit(f"{nine:09}")) is None or f"{nine:09}" in used:
        nine += 1
    used.add(f"{nine:09}")
    return f"{nine:09}{digit}"

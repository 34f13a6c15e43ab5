"""The business registry's connector behind a hub, against the register's simulator: by the door of look-ups, and before a
dossier is sent. What the other tests show of either half is shown here of the whole way, tokens and mappings included."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from flow.parts import CONFIG, MADE, MovableClock, NoConfig, Scripted, make_home, send, settled, told, until

from business_registry.partner import NAME, NUMBER, OTHER, PERSON
from business_registry.test_against_simulator import KNOWN, SHAPES
from hub.app import Hub
from hub.assembly import Endpoint, assemble
from hub.intake.keys import new_key
from hub.testing import load_simulator, serve

ENDPOINT = """\
  business:
    connector: business-registry
    lookup: {{ take: enterprise-query@1, give: enterprise@1 }}
    deadline_seconds: 10
    retry: {{ first_seconds: 0.02, longest_seconds: 0.05 }}
    breaker: {{ failures: 100 }}
    settings:
      url: {url}/apiCSDLDKDN/1.0/chiTietDoanhNghiep
      shape: {shape}
      account: {{ kind: oauth2, token_url: "{url}/token", client_id: simulated, client_secret: simulated }}
"""
VERIFY = """verify: { with: business, query: enterprise-query@1, on_mismatch: hold, database_code: "9",
              purpose: the owner is checked before the portal gets it, officer: hub-0001 }"""
HOUSEHOLD_NUMBER = "001090990001"
"""Since July 2025 a business household has the personal number of its owner for a tax code."""


@dataclass
class Whole:
    """A running hub, the simulator's address, the portal behind and a key in front."""

    hub: Hub
    url: str
    portal: Scripted
    clock: MovableClock
    key: str

    async def ask(self, number: str) -> tuple[int, Any]:
        query = {"officer": "cb-0001", "purpose": "reception", "procedure": "1.001193", "query": {"number": number}}
        url = f"http://127.0.0.1:{self.hub.port}/v1/lookups/business"
        async with (
            aiohttp.ClientSession(headers={"X-API-Key": self.key}) as web,
            web.post(url, json=query) as answer,
        ):
            return answer.status, json.loads(await answer.text())

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with aiohttp.ClientSession() as web, web.request(method, f"{self.url}/_control/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def questions(self) -> list[tuple[str, str]]:
        found = (await self.control("GET", "state"))["questions"]
        return [(one["code"], one["outcome"]) for one in found]

    async def answered(self) -> list[tuple[str, str]]:
        """Without those whose token had ended."""
        return [one for one in await self.questions() if one[1] in ("found", "not_found")]

    async def owned_by(self, index: int, name: str, number: str, kind: str = "business") -> None:
        record = {
            **told(1)[0].records[0], "dossierNo": f"000.00.00.H22-261120-{index:06d}", "dossierId": 800_000 + index,
            "referenceUid": f"s{index}", "applicantIdType": kind, "applicantName": name, "applicantIdNo": number,
        }  # fmt: skip
        await send(self.hub, record, self.clock)

    def marks(self) -> list[list[str]]:
        sent = [one.body["DSKetNoiCSDL"] for one in self.portal.calls if one.schema.id == "npsp-dossier"]
        return [[one["MaCSDL"] for one in of] for of in sent]


@asynccontextmanager
async def whole(folder: Path, shape: str) -> AsyncIterator[Whole]:
    kind = load_simulator("business-registry")
    simulated = kind(kind.Config.model_validate({"shape": SHAPES[shape], "enterprises": 10, "known_enterprises": [KNOWN]}))
    register = await serve(simulated, "127.0.0.1", 0)
    try:
        text = CONFIG.replace("routes:\n", f"{ENDPOINT.format(url=register.url, shape=shape)}routes:\n")
        text = text.replace("as: npsp-dossier@1 }", f"as: npsp-dossier@1, {VERIFY} }}")
        clock = MovableClock()
        parts = assemble(make_home(folder / "home", text))
        endpoints = {**parts.endpoints, "portal": Endpoint("portal", Scripted, NoConfig())}
        hub = Hub(dataclasses.replace(parts, endpoints=endpoints), clock)
        await hub.start()
        try:
            key, secret = new_key("desk", ("enterprise-query",), clock())
            await hub.store.add_key(key)
            yield Whole(hub, register.url, MADE["portal"], clock, secret)
        finally:
            await hub.stop()
    finally:
        await register.close()


@pytest.mark.parametrize("shape", SHAPES)
async def test_an_officer_asks(tmp_path: Path, shape: str) -> None:
    """Known, unknown, impossible; over a token that ended; through an error page, which is said to be no answer."""
    async with whole(tmp_path, shape) as it:
        status, said = await it.ask(NUMBER)
        assert (status, said["outcome"]) == (200, "found")
        assert (said["answer"]["number"], said["answer"]["name"]) == (NUMBER, NAME)
        if shape != "search":
            assert [one["name"] for one in said["answer"]["legal_representatives"]] == [PERSON]
        await it.control("POST", "expire-tokens")
        status, said = await it.ask(OTHER)
        assert (status, said["outcome"]) == (200, "not_found")
        status, said = await it.ask("0100999996")
        assert (status, [one["pointer"] for one in said["errors"]]) == (422, ["/query/number"])
        assert await it.answered() == [(NUMBER, "found"), (OTHER, "not_found")]
        await it.control("POST", "faults", {"service": "chiTietDoanhNghiep", "fault": "html_200", "times": 1})
        status, said = await it.ask(NUMBER)
        assert status in (502, 503) and NUMBER not in str(said)
        outcomes = [one["outcome"] for one in await it.hub.store.lookups(limit=10)]
        assert outcomes == ["unreachable", "not_askable", "not_found", "found"]


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_dossier_is_verified(tmp_path: Path, shape: str) -> None:
    """The owner is asked about and marked; one whom the registry does not know is held, with neither number nor name told."""
    async with whole(tmp_path, shape) as it:
        await it.control("POST", "faults", {"service": "chiTietDoanhNghiep", "fault": "html_500", "times": 2})
        await it.owned_by(1, NAME.lower(), NUMBER)
        assert await settled(it.hub) == {"delivered": 2}
        await it.owned_by(2, "Nguyễn Văn Mẫu", "001090990001", kind="citizen")
        assert await settled(it.hub) == {"delivered": 4}
        assert it.marks() == [["9"], []]
        await it.owned_by(3, "Hộ kinh doanh Mẫu", OTHER)
        (dead,) = await until(it.hub.store.dead)
        assert dead["code"] == "applicant_not_found" and "Hộ kinh doanh" not in str(dead) and OTHER not in str(dead)
        assert await it.answered() == [(NUMBER, "found"), (OTHER, "not_found")]


async def test_a_household_with_a_personal_number_is_not_asked_about(tmp_path: Path) -> None:
    """A system that calls it a business: no enterprise can have that number, so the registry never learns of the person."""
    async with whole(tmp_path, "ngsp") as it:
        await it.owned_by(1, "Hộ kinh doanh Mẫu", HOUSEHOLD_NUMBER)
        (dead,) = await until(it.hub.store.dead)
        assert (dead["code"], await it.questions()) == ("applicant_not_askable", [])

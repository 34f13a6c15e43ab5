"""The business registry's connector against the register's simulator, which was written from the same contract by somebody
else: its three shapes and every option that the contract leaves open, down to the canonical enterprise. The simulator is known
here by its options only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from business_registry.partner import NAME, NUMBER, OTHER, PERSON, asking, question
from hub.connector import Responder
from hub.errors import AccountRefused, Rejected, Transient
from hub.testing import load_simulator, serve
from hub.translation import Catalog

ROOT = Path(__file__).parents[2]
SHAPES = {"ngsp": "ngsp", "province": "provincial", "search": "search"}
KNOWN = {
    "code": NUMBER,
    "name": NAME,
    "office": {"province_code": "01", "province": "Hà Nội", "ward_code": "00990", "ward": "Phường Mô Phỏng", "house": "1"},
    "representatives": [{"name": PERSON, "document_number": "001190990001"}],
}
OPTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("ngsp", {}, {}),
    ("ngsp", {"data_key": "data", "representatives": "array", "more_fields": False, "absent": "omitted"}, {}),
    ("ngsp", {"representatives": "by_count", "absent": "empty", "method": "POST"}, {"verb": "POST"}),
    ("ngsp", {"method": "POST", "post_as": "json"}, {"verb": "POST", "number_in": "json"}),
    ("ngsp", {"method": "POST", "post_as": "form"}, {"verb": "POST", "number_in": "form"}),
    ("province", {}, {}),
    ("province", {"dates": "date_time", "absent": "omitted"}, {}),
    ("province", {"integer_codes": False, "absent": "empty", "parameter": "maSo"}, {"number_field": "maSo"}),
    ("search", {}, {}),
    ("search", {"absent": "empty"}, {}),
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Of what comes with the hub."""
    found, _ = Catalog.read((ROOT,))
    return found


@asynccontextmanager
async def register(shape: str, simulated: dict[str, Any], **settings: Any) -> AsyncIterator[tuple[Responder, str]]:
    """The connector, and where the simulator is."""
    kind = load_simulator("business-registry")
    config = {"shape": SHAPES[shape], "enterprises": 30, "known_enterprises": [KNOWN], **simulated}
    running = await serve(kind(kind.Config.model_validate(config)), "127.0.0.1", 0)
    account = {"kind": "oauth2", "token_url": f"{running.url}/token", "client_id": "simulated", "client_secret": "simulated"}
    try:
        async with asking(running.url, shape=shape, **{"account": account, **settings}) as it:
            yield it, running.url
    finally:
        await running.close()


async def everybody(url: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as web, web.get(f"{url}/_control/enterprises?limit=200&offset=0") as answer:
        found: list[dict[str, Any]] = (await answer.json())["enterprises"]
        return found


def canonical(catalog: Catalog, said: Any) -> dict[str, Any]:
    catalog.schema("business-registry-enterprise@1").validate(said)
    made = catalog.chain("business-registry-enterprise@1", "enterprise@1").translate(said)
    assert made is not None
    found: dict[str, Any] = made.body
    return found


@pytest.mark.parametrize(("shape", "simulated", "settings"), OPTIONS)
async def test_everybody_is_read(catalog: Catalog, shape: str, simulated: dict[str, Any], settings: dict[str, Any]) -> None:
    """Every enterprise and branch of the register becomes a canonical one with its own number and name."""
    async with register(shape, simulated, **settings) as (it, url):
        there = await everybody(url)
        assert len(there) > 30
        for one in there:
            if len(one["code"]) == 5:
                continue  # a business location: no number to ask by
            found = canonical(catalog, await it.request(question(one["code"])))
            assert (found["number"], found["name"]) == (one["code"], one["name"])
        assert await it.request(question(OTHER)) is None


async def test_the_codes_of_a_province_are_whole_again(catalog: Catalog) -> None:
    async with register("province", {}) as (it, _):
        found = canonical(catalog, await it.request(question()))
    assert (found["head_office"]["province"], found["head_office"]["ward"]) == ("01", "00990")
    assert [one["name"] for one in found["legal_representatives"]] == [PERSON]


@pytest.mark.parametrize("shape", SHAPES)
async def test_what_the_register_does_not_take(shape: str) -> None:
    """A wrong secret; a refusal with status 200; an error page with status 200; a token that ended is renewed."""
    async with register(shape, {}) as (it, url):
        async with aiohttp.ClientSession() as web:
            await it.request(question())
            async with web.post(f"{url}/_control/expire-tokens") as answer:
                assert answer.status < 300
            assert await it.request(question()) is not None
            for fault, kind in (("refuse", Rejected), ("html_200", Transient), ("html_500", Transient)):
                rule = {"service": "chiTietDoanhNghiep", "fault": fault, "times": 1}
                async with web.post(f"{url}/_control/faults", json=rule) as answer:
                    assert answer.status < 300, await answer.text()
                with pytest.raises(kind):
                    await it.request(question())
        wrong = {"kind": "oauth2", "token_url": f"{url}/token", "client_id": "simulated", "client_secret": "wrong"}
        async with asking(url, shape=shape, account=wrong) as other:
            with pytest.raises(AccountRefused):
                await other.check()
            with pytest.raises(AccountRefused):
                await other.request(question())


async def test_a_check_leaves_no_question() -> None:
    async with register("ngsp", {}) as (it, url):
        await it.check()  # type: ignore[attr-defined]
        async with aiohttp.ClientSession() as web, web.get(f"{url}/_control/state") as answer:
            assert (await answer.json())["questions"] == []

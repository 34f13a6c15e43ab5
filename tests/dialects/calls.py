"""Each call of the table, made by the connector in charge; what it came to, in the words of the table."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml
from ministry_portal import parts as ministry
from national_portal import parts as national

from connectors.business_registry.connector import BusinessRegistry
from connectors.ministry_portal.connector import MinistryPortal
from connectors.national_portal.connector import NationalPortal
from connectors.population.connector import Population
from connectors.rest.connector import Rest
from connectors.soap.connector import Soap
from dialects.answerer import Answerer
from dialects.rows import Said
from hub.connector import Connector, ConnectorContext
from hub.errors import AccountRefused, DeliveryError, InDoubt, NotAsked, Rejected, Transient
from hub.message import Arrival, Message, SchemaRef, new_id

NOON = 1_795_262_400_000_000
"""2026-11-21T12:00:00Z in microseconds."""
MSDN, CODE = "0100999995", "G09.20-20260609-0092637"
SHAPES = {"a": "ngsp", "b": "province", "c": "search"}
_README = Path(__file__).parents[2] / "connectors" / "rest" / "README.md"
_PERSON = {
    "MaYeuCau": "1", "MaDVC": "1.001193", "MaCanBo": "001080990099", "SoDinhDanh": "001090000001",
    "HoVaTen": "NGUYỄN VĂN MẪU", "NgayThangNamSinh": {"NgayThangNam": "19900101"},
}  # fmt: skip


def dialects() -> Mapping[str, Any]:
    """The worked settings of the REST connector's README, by the name of the endpoint."""
    block = _README.read_text(encoding="utf-8").partition("## Dialects")[2].partition("```yaml\n")[2].partition("```")[0]
    found: Mapping[str, Any] = yaml.safe_load(block)["endpoints"]
    return {name: one["settings"] for name, one in found.items()}


@contextlib.asynccontextmanager
async def opened(kind: type[Connector[Any]], settings: Mapping[str, Any], files: Any = None) -> AsyncIterator[Any]:
    """The connector with these settings, as an integrator writes them."""
    it: Any = kind(kind.Config.model_validate(settings), ConnectorContext("partner", lambda: NOON, files))
    await it.open()
    try:
        yield it
    finally:
        await it.close()


def message(schema: str, body: Any) -> Message:
    return Message(new_id(), new_id(), "d1", 1, SchemaRef.parse(f"{schema}@1.0.0"), body, "corr")


async def made(call: str, partner: Answerer, settings: Mapping[str, Any], *, may_update: bool = False) -> Any:
    """What the connector made of the answer: a Receipt, what was found, or the error it raised."""
    return await _CALLS[call.partition(".")[0]](call, partner, settings, may_update)


async def verdict(call: str, partner: Answerer, settings: Mapping[str, Any]) -> str:
    """The same as a word of the table. Where it exists and nothing of ours is on record it is refused; it is a duplicate if
    the very same answer is a receipt once we may have sent it before."""
    try:
        result = await made(call, partner, settings)
    except Rejected as refusal:
        if isinstance(refusal, NotAsked):
            raise
        if refusal.code != "exists":
            return "refused"
        try:
            await made(call, partner, settings, may_update=True)
        except DeliveryError:
            return "refused"
        return "duplicate"
    except DeliveryError as error:
        kinds = {AccountRefused: "account", Transient: "transient", InDoubt: "in_doubt"}
        return kinds[type(error)]
    return "nothing" if result in (None, False) else "accepted"


async def _portal(call: str, partner: Answerer, settings: Mapping[str, Any], may_update: bool) -> Any:
    account = {"username": "tinh", "password": "mat-khau-chim", "madonvi": "000.00.00.H22"}
    given = {"adapter_url": f"{partner.url}/portal", **account, **settings}
    async with opened(NationalPortal, given) as it:
        dossier = national.of(national.dossier("000.00.10.H22-200915-0001"))
        if call == "portal.procedures":
            return await it.fetch_table("npsp-procedures@1")
        if call == "portal.find":
            found = await it.find(dossier, national.called())
            return found.holds if found is not None else None
        sent = national.steps(1) if call == "portal.progress" else dossier
        return await it.send(sent, national.Try(may_update=may_update))


async def _ministry(call: str, partner: Answerer, settings: Mapping[str, Any], may_update: bool) -> Any:
    given = {"base_url": f"{partner.url}/ministry", "client_id": "tinh", "client_secret": "khoa-chim", "agency": "G09.20"}
    if call == "ministry.feed":
        return await _fed(partner, given | dict(settings))
    files = ministry.InMemory()
    known: Mapping[str, str] = {"partner": CODE, "partner-id": "8f14e45f"}
    sent = ministry.dossier(*([files.add(b"mau")] if call == "ministry.upload" else []))
    if call in ("ministry.progress", "ministry.status"):
        sent = ministry.steps() if call == "ministry.progress" else ministry.state()
    else:
        known = {}
    async with opened(MinistryPortal, given | dict(settings), files) as it:
        return await it.send(sent, ministry.Try(may_update=may_update, known=known))


async def _fed(partner: Answerer, settings: Mapping[str, Any]) -> list[Any]:
    """The items of the answer under test, after which the feed says ``second_page`` for ever. Raises Transient where none came
    of it and the next one did: it was asked again, and nothing was lost."""
    arrived: list[Any] = []

    async def accept(arrival: Arrival, **_: Any) -> None:
        arrived.append(orjson.loads(arrival.body))

    feed = {"path": "/feed", "every_seconds": 0.01}
    async with opened(MinistryPortal, {**settings, "feed": feed}) as it, asyncio.timeout(20):
        reading = asyncio.create_task(it.receive(accept))
        while not any("cursor=2" in asked.target for _, asked in partner.asked):  # the second page is behind it
            await asyncio.sleep(0.005)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    assert arrived[-1]["MaHoSo"] == SECOND_PAGE
    first = [item for item in arrived if item.get("MaHoSo") != SECOND_PAGE]
    if not first:
        raise Transient("feed")
    return first


SECOND_PAGE = "G09.20-20260609-0000002"
"""The dossier in what the feed answers after the answer under test."""


async def _population(call: str, partner: Answerer, settings: Mapping[str, Any], _: bool) -> Any:
    direct = {"username": "tinh", "secret_key": "khoa-chim", "auth_url": "http://ndxp.invalid/auth"}
    given: dict[str, Any] = {"url": f"{partner.url}/population/lookup", "direct": direct}
    if call == "population.facade":
        lgsp = {"access_token": "lasting", "auth_key": "canbo:khoa"}
        given = {"url": f"{partner.url}/population/facade", "through": "lgsp", "lgsp": lgsp}
    async with opened(Population, {**given, **settings}) as it:
        query = message("c06-citizen-query", _PERSON)
        return await (it.confirm(query) if call == "population.verify" else it.request(query))


async def _business(call: str, partner: Answerer, settings: Mapping[str, Any], _: bool) -> Any:
    given = {"url": f"{partner.url}/{call.replace('.', '/')}", "shape": SHAPES[call[-1]], **settings}
    async with opened(BusinessRegistry, given) as it:
        return await it.request(message("business-registry-query", {"msdn": MSDN}))


async def _platform(call: str, partner: Answerer, settings: Mapping[str, Any], may_update: bool) -> Any:
    """A token of the platform, on the way of a question: by consumer key and secret, or by lgspaccesstoken alone."""
    if call == "platform.lgsp":
        lgsp = {"token_url": f"{partner.url}/platform/lgsp", "lgsp_access_token": "eyJ9", "auth_key": "canbo:khoa"}
        return await _population("population.facade", partner, {"lgsp": lgsp, **settings}, may_update)
    account = {"kind": "oauth2", "token_url": f"{partner.url}/platform/token", "client_id": "tinh", "client_secret": "khoa"}
    return await _business("business.a", partner, {"account": account, **settings}, may_update)


async def _rest(call: str, partner: Answerer, settings: Mapping[str, Any], may_update: bool) -> Any:
    _, dialect, *ask = call.split(".")
    operation = {"path": f"/{call.removeprefix('rest.')}", "effect": not ask}
    given = {**dialects()[dialect], "url": f"{partner.url}/rest", "operations": {"filing@1": operation}}
    async with opened(Rest, given | dict(settings)) as it:
        return await it.send(message("filing", {"code": "1"}), national.Try(may_update=may_update))


async def _soap(call: str, partner: Answerer, settings: Mapping[str, Any], may_update: bool) -> Any:
    ask = call == "soap.ask"
    outcomes = [
        {"at": "/ErrorCode", "equals": 0, "then": "accepted"},
        {"at": "/Message", "contains": "đã tồn tại", "then": "duplicate"},
        {"at": "/ErrorCode", "in": [3, -3], "then": "rejected", "code_at": "/ErrorCode", "reason_at": "/Message"},
    ]
    given = {
        "wsdl": str(Path(__file__).with_name("partner.wsdl")),
        "address": f"{partner.url}/{call.replace('.', '/')}",
        "operations": {"filing@1": {"operation": "Hoi" if ask else "Gui", "effect": not ask}},
        "outcomes": outcomes,
    }
    async with opened(Soap, given | dict(settings)) as it:
        return await it.send(message("filing", {"Ma": "1"}), national.Try(may_update=may_update))


_CALLS: Mapping[str, Callable[[str, Answerer, Mapping[str, Any], bool], Awaitable[Any]]] = {
    "portal": _portal, "ministry": _ministry, "population": _population, "business": _business, "platform": _platform,
    "rest": _rest, "soap": _soap,
}  # fmt: skip


def second_page() -> Said:
    """What the feed answers after the answer under test."""
    item = {"MaHoSo": SECOND_PAGE, "MaTTHC": "1.005129", "TrangThai": 4, "NgayCapNhat": "2026-11-22 09:10:11"}
    return Said(orjson.dumps({"items": [item], "cursor": "2"}).decode())

"""The population connector against the registry's simulator, which was written from the same contract by somebody else: both
ways, every option that the contract leaves open, and each wrong credential. The simulator is known here by its options only."""

from __future__ import annotations

import base64
import functools
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.national_portal.connector import NationalPortal
from connectors.population import connector
from connectors.population.config import PopulationConfig
from connectors.population.connector import Population
from hub.connector import ConnectorContext
from hub.errors import AccountRefused, DeliveryError, Rejected, Transient
from hub.message import Message, SchemaRef, new_id
from hub.testing import load_simulator, serve
from hub.translation import Catalog
from hub.wire.wsdl import load_wsdl

ROOT = Path(__file__).parents[2]
WHAT_THE_LGSP_WANTS = {"AccessKey": "simulated", "SecretKey": "simulated", "AppName": "simulated", "PartnerCode": "simulated",
                       "PartnerCodeCus": "simulated"}  # fmt: skip
DIRECT = {
    "username": "simulated", "secret_key": "simulated", "auth_url": "http://ndxp.invalid/auth", "api_key": "simulated",
    "x_road_client": "VN/GOV/000.00.00.H22/simulated",
}  # fmt: skip
LGSP = {
    "consumer_key": "simulated", "consumer_secret": "simulated", "auth_key": "ten:khoa",
    "lgsp_access_token": base64.b64encode(json.dumps(WHAT_THE_LGSP_WANTS).encode()).decode(),
}  # fmt: skip
OFFICER = "001085990002"
WAYS = ["direct", "lgsp"]


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """What has no part in an answer is done once: the connector's WSDL is read, and no authorities are (nobody has TLS)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connector, "load_wsdl", functools.cache(load_wsdl))
        patch.setenv("SSL_CERT_FILE", "/dev/null")
        patch.setenv("SSL_CERT_DIR", "/dev/null")
        yield


class Registry:
    """A simulator that listens, and a connector that is set up for it."""

    def __init__(self, url: str, it: Population, web: aiohttp.ClientSession) -> None:
        self.url, self.it, self._web = url, it, web

    async def get(self, path: str) -> Any:
        async with self._web.get(f"{self.url}/_control/{path}") as answer:
            return await answer.json()

    async def post(self, path: str, body: Any = None) -> None:
        async with self._web.post(f"{self.url}/_control/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()

    async def people(self, kind: str, limit: int = 1) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get(f"people?kind={kind}&limit={limit}"))["people"]
        assert found
        return found

    async def outcomes(self) -> list[str]:
        return [one["outcome"] for one in (await self.get("state"))["questions"]]


@asynccontextmanager
async def registry(through: str, simulated: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[Registry]:
    kind = load_simulator("population")
    config = {"officer_keys": {"ten": "khoa"}} | (simulated or {})
    running = await serve(kind(kind.Config.model_validate(config)))
    url, account = running.url, settings.pop(through, {})
    if through == "direct":
        given: dict[str, Any] = {"url": f"{url}/dancu", "direct": DIRECT | account}
    else:
        given = {"url": f"{url}/lgsp/dancu", "lgsp": {"token_url": f"{url}/token"} | LGSP | account}
    given |= {"through": through, "unit_code": "H22.1", "account_name": "tk", "phone": "0", "fault_code": "MaLoi"} | settings
    given = {name: value for name, value in given.items() if value is not None}
    it = Population(PopulationConfig.model_validate(given), ConnectorContext("registry", lambda: time.time_ns() // 1000))
    await it.open()
    try:
        async with aiohttp.ClientSession() as web:
            yield Registry(url, it, web)
    finally:
        await it.close()
        await running.close()


def asked(person: dict[str, Any], **changes: Any) -> Message:
    """The question about a person of ``/_control/people``, from what the person is: not from the simulator's own question."""
    birth = person["birth"]
    body = {
        "MaYeuCau": new_id(), "MaDVC": "1.001193", "MaCanBo": OFFICER, "HoVaTen": person["name"],
        "NgayThangNamSinh": {"NgayThangNam": birth.replace("-", "")} if len(birth) == 10 else {"Nam": birth[:4]},
        **({"SoDinhDanh": person["number"]} if "number" in person else {"SoCMND": person["old_number"]}),
    } | changes  # fmt: skip
    return Message(new_id(), new_id(), "", 0, SchemaRef.parse("c06-citizen-query@1.0.0"), body, "corr")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load([ROOT], NationalPortal.tables)


OPEN_POINTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as it comes": ({}, {}),
    "names without diacritics": ({"name_match": "stripped"}, {"name_form": "plain"}),
    "either name, the long one sent": ({"name_match": "lenient"}, {}),
    "either name, the short one sent": ({"name_match": "lenient"}, {"name_form": "plain"}),
    "names in three parts, in capitals": ({"full_name": "split", "name_case": "upper"}, {}),
    "unknown parts of a birth as zeros": ({"unknown_parts": "zeros"}, {}),
    "births told twice": ({"birth_answer": "both", "birth_match": "as_far_as_known"}, {}),
    "empty elements for what is absent": ({"absent": "empty", "address_levels": "mixed"}, {}),
    "no attributes": ({"collection_attributes": False}, {}),
    "a time without a zone": ({"data_time": "local"}, {}),
    "the verification in the question's namespace, in digits": ({"verify_namespace": "question", "boolean_form": "digits"}, {}),
    "answers as application/xml": ({"answer_type": "application/xml"}, {}),
    "error_code as text": ({"error_code_form": "string"}, {}),
    "a service code": ({"procedures": ["VPCP"]}, {"service_code": "VPCP"}),
    "other integration codes": (
        {"lookup_codes": ["033"], "verify_codes": ["044"]}, {"lookup_code": "033", "confirm_code": "044"},
    ),
    "nothing that only newer clients send": (
        {"later_fields": "optional"}, {"unit_code": None, "account_name": None, "phone": None},
    ),
    "officers by their number, questions never twice": ({"officer_form": "citizen_number", "repeated_request": "refuse"}, {}),
}  # fmt: skip


@pytest.mark.parametrize("through", WAYS)
@pytest.mark.parametrize(("simulated", "settings"), OPEN_POINTS.values(), ids=OPEN_POINTS)
async def test_everybody_is_found_and_told_as_the_registry_has_them(
    catalog: Catalog, through: str, simulated: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Births that are known in part and old numbers too; the answer becomes the canonical one by the shipped mapping."""
    async with registry(through, simulated, **settings) as its:
        for kind in ("ordinary", "birth_year", "birth_month", "old_number"):
            for one in await its.people(kind, 3):
                person = one["person"]
                found = await its.it.request(asked(person))
                assert found is not None
                catalog.schema(Population.answers).validate(found)
                made = catalog.chain(Population.answers, "citizen@1").translate(found)
                assert made is not None
                assert fitting(made.body, simulated) == expected(person, simulated)
                assert await its.it.confirm(asked(person)) is True


def expected(person: dict[str, Any], simulated: dict[str, Any]) -> dict[str, Any]:
    """The canonical citizen for what the simulator says a person is."""
    upper = simulated.get("name_case") == "upper"
    name = person["name"].upper() if upper else person["name"]
    birth = person["birth"]
    wanted = {
        "number": person.get("number"), "old_number": person.get("old_number"), "name": name,
        "gender": {"1": "male", "2": "female"}[person["gender"]], "birth": birth if len(birth) == 10 else birth[:4],
        "ethnicity": person["ethnicity"], "religion": person["religion"], "marital_status": person["marital_status"],
        "household_number": person["household_number"],
        "permanent": person["permanent"], "current": person["current"],
        "relatives": {
            relation: (held["name"].upper() if upper else held["name"], held.get("number"), held.get("old_number"))
            for relation, key in RELATIVES.items() if (held := person.get(key))
        },
        "dated": simulated.get("collection_attributes", True),
    }  # fmt: skip
    return wanted


RELATIVES = {"father": "father", "mother": "mother", "spouse": "spouse", "household_head": "head"}


def fitting(citizen: dict[str, Any], simulated: dict[str, Any]) -> dict[str, Any]:
    """A canonical citizen in the shape of ``expected``."""
    fields = ("number", "old_number", "name", "gender", "birth", "ethnicity", "religion", "marital_status", "household_number")
    return {name: citizen.get(name) for name in fields} | {
        "permanent": citizen["addresses"]["permanent"],
        "current": citizen["addresses"]["current"],
        "relatives": {
            one["relation"]: (one.get("name"), one.get("number"), one.get("old_number"))
            for one in citizen.get("relatives", ())
            if one["relation"] in RELATIVES
        },
        "dated": "as_of" in citizen,
    }


@pytest.mark.parametrize("through", WAYS)
async def test_nobody_is_found_by_what_does_not_fit(through: str) -> None:
    """None and False are the answers, and no error."""
    async with registry(through) as its:
        person = (await its.people("ordinary"))[0]["person"]
        for changes in (
            {"SoDinhDanh": "001090999999"},
            {"HoVaTen": "Người Khác"},
            {"NgayThangNamSinh": {"NgayThangNam": "19010101"}},
            {"NgayThangNamSinh": {"Nam": person["birth"][:4]}},
        ):
            assert await its.it.request(asked(person, **changes)) is None
            assert await its.it.confirm(asked(person, **changes)) is False


@pytest.mark.parametrize("through", WAYS)
async def test_two_citizens_with_one_number(through: str) -> None:
    twin = {"old_number": "990999999", "name": "Trần Thị Ví Dụ", "birth": "1962"}
    async with registry(through, {"known_people": [twin, twin | {"gender": "2"}]}) as its:
        with pytest.raises(Rejected, match="ambiguous"):
            await its.it.request(asked(twin))
        assert await its.it.confirm(asked(twin)) is True


WRONG: dict[str, tuple[str, dict[str, Any], dict[str, Any], tuple[type[DeliveryError], str]]] = {
    "the account": ("direct", {}, {"username": "another"}, (AccountRefused, "http_401")),
    "the secret key": ("direct", {}, {"secret_key": "another"}, (AccountRefused, "http_401")),
    "the address in the hash": ("direct", {}, {"auth_url": "http://another"}, (AccountRefused, "http_401")),
    "the ApiKey": ("direct", {}, {"api_key": "another"}, (AccountRefused, "http_401")),
    "no ApiKey": ("direct", {}, {"api_key": None}, (AccountRefused, "http_401")),
    "X-Road-Client": ("direct", {}, {"x_road_client": "VN/GOV/another"}, (AccountRefused, "http_403")),
    "no X-Road-Client": ("direct", {}, {"x_road_client": None}, (AccountRefused, "http_403")),
    "seconds for milliseconds": ("direct", {}, {"timestamp_unit": "seconds"}, (AccountRefused, "http_401")),
    "milliseconds for seconds": ("direct", {"timestamp_unit": "seconds"}, {}, (AccountRefused, "http_401")),
    "the content type": ("direct", {}, {"content_type": "text/plain"}, (Transient, "http_415")),
    "the key, told by a fault": ("direct", {"header_refusal": "fault"}, {"secret_key": "another"}, (Rejected, "wrong_hash")),
    "the consumer key": ("lgsp", {}, {"consumer_key": "another"}, (AccountRefused, "sign_in")),
    "the consumer secret": ("lgsp", {}, {"consumer_secret": "another"}, (AccountRefused, "sign_in")),
    "the LGSP's token": ("lgsp", {}, {"lgsp_access_token": "e30="}, (Rejected, "-1")),
    "… told by 401": ("lgsp", {"lgsp_refusal": "http_401"}, {"lgsp_access_token": "e30="}, (AccountRefused, "session")),
    "a lasting token": ("lgsp", {}, {"token_url": None, "access_token": "another"}, (Rejected, "-1")),
    "… told by 401 ": ("lgsp", {"lgsp_refusal": "http_401"}, {"token_url": None, "access_token": "another"},
                       (AccountRefused, "session")),
    "the officer's key": ("lgsp", {}, {"auth_key": "ten:another"}, (Rejected, "-1")),
    "no officer's key": ("lgsp", {}, {"auth_key": None}, (Rejected, "-1")),
}  # fmt: skip


@pytest.mark.parametrize("act", ["request", "confirm"])
@pytest.mark.parametrize(("through", "simulated", "account", "wanted"), WRONG.values(), ids=WRONG)
async def test_a_wrong_credential(
    through: str, simulated: dict[str, Any], account: dict[str, Any], wanted: tuple[type[DeliveryError], str], act: str
) -> None:
    """HTTP says: the endpoint's fault, not the question's. Where the platform says it in the answer only its code can tell."""
    base = DIRECT if through == "direct" else LGSP
    account = {name: account[name] for name in account if account[name] is not None or base.get(name) or name == "token_url"}
    async with registry(through, simulated, **{through: account}) as its:
        person = (await its.people("ordinary"))[0]["person"]
        with pytest.raises(DeliveryError) as failure:
            await getattr(its.it, act)(asked(person))
        assert (type(failure.value), failure.value.code) == wanted
        assert await its.outcomes() == []


async def test_a_code_for_wrong_credentials_can_be_told_as_such() -> None:
    """With ``transient_codes`` what a platform says in its answer counts against the endpoint too."""
    account = {"secret_key": "another"}
    async with registry("direct", {"header_refusal": "fault"}, direct=account, transient_codes=["wrong_hash"]) as its:
        with pytest.raises(Transient, match="wrong_hash"):
            await its.it.request(asked((await its.people("ordinary"))[0]["person"]))


async def test_seconds_and_the_header_of_the_platform() -> None:
    async with registry("direct", {"timestamp_unit": "seconds"}, direct={"timestamp_unit": "seconds"}) as its:
        assert await its.it.request(asked((await its.people("ordinary"))[0]["person"]))
    header = {"consumer_key": None, "consumer_secret": None}
    async with registry("lgsp", {"token_by": "lgspaccesstoken"}, lgsp=header) as its:
        assert await its.it.request(asked((await its.people("ordinary"))[0]["person"]))


@pytest.mark.parametrize(("simulated", "account"), [({"lgsp_refusal": "http_401"}, {}), ({}, {"token_error_codes": ["-1"]})])
async def test_tokens_that_end_are_renewed_without_anybody_noticing(simulated: dict[str, Any], account: dict[str, Any]) -> None:
    """Told by 401, or by an error_code that is configured."""
    async with registry("lgsp", simulated, lgsp=account) as its:
        person = (await its.people("ordinary"))[0]["person"]
        for _ in range(3):
            assert await its.it.request(asked(person))
            await its.post("expire-tokens")
        assert await its.it.confirm(asked(person))
        assert len(await its.outcomes()) == 4


FAULTS: dict[str, tuple[dict[str, Any], type[DeliveryError], str]] = {
    "503": ({"fault": "http_503", "seconds": 3}, Transient, "http_503"),
    "429": ({"fault": "http_429"}, Transient, "http_429"),
    "HTML and 500": ({"fault": "html_500"}, Transient, "http_500"),
    "HTML and 200": ({"fault": "html_200"}, Transient, "unreadable_answer"),
    "no answer": ({"fault": "timeout_before"}, Transient, "read_timeout"),
    "no answer, afterwards": ({"fault": "timeout_after"}, Transient, "read_timeout"),
    "a reset": ({"fault": "reset_before"}, Transient, "reset"),
    "a reset afterwards": ({"fault": "reset_after"}, Transient, "reset"),
    "half an answer": ({"fault": "half_answer"}, Transient, "half_answer"),
}


@pytest.mark.parametrize("through", WAYS)
@pytest.mark.parametrize(("rule", "kind", "code"), FAULTS.values(), ids=FAULTS)
async def test_a_registry_that_fails(through: str, rule: dict[str, Any], kind: type[DeliveryError], code: str) -> None:
    """Once; the next question is answered."""
    rule = {"service": "TraCuuThongTinCongDan", **rule}
    patience = 1.0 if code == "read_timeout" else 10.0
    async with registry(through, {"faults": [rule]}, connect_timeout=patience, read_timeout=patience) as its:
        person = (await its.people("ordinary"))[0]["person"]
        with pytest.raises(DeliveryError) as failure:
            await its.it.request(asked(person))
        assert (type(failure.value), failure.value.code) == (kind, code)
        assert await its.it.request(asked(person))


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a procedure that is not allowed": ({"procedures": ["VPCP"]}, {}, "not_allowed"),
    "an integration code that is not allowed": ({"lookup_codes": ["033"]}, {}, "not_allowed"),
    "another officer": ({"officers": ["001085990009"]}, {}, "not_allowed"),
    "an officer in the wrong form": ({"officer_form": "citizen_number"}, {"MaCanBo": "cb-1"}, "officer"),
    "a date that is none": ({}, {"NgayThangNamSinh": {"NgayThangNam": "19900230"}}, "date"),
    "a refusal of the registry's own": (
        {"faults": [{"service": "TraCuuThongTinCongDan", "fault": "refuse", "code": "CD-17", "message": "x"}]}, {}, "CD-17",
    ),
}  # fmt: skip


@pytest.mark.parametrize("status", [500, 200])
@pytest.mark.parametrize("through", WAYS)
@pytest.mark.parametrize(("simulated", "changes", "code"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_quotes_nobody(
    through: str, status: int, simulated: dict[str, Any], changes: dict[str, Any], code: str
) -> None:
    """Also of a registry whose faults quote what they refuse."""
    async with registry(through, {"quote_values": True, "fault_status": status, **simulated}) as its:
        person = (await its.people("ordinary"))[0]["person"]
        with pytest.raises(Rejected) as refusal:
            await its.it.request(asked(person, **changes))
        assert refusal.value.code == code
        shown = repr(refusal.value)
        assert not any(
            word in shown for word in (person["name"], person["name"].upper(), person["number"], "19900230", OFFICER)
        )


async def test_a_fault_that_the_lgsp_turns_into_a_code() -> None:
    async with registry("lgsp", {"procedures": ["VPCP"], "lgsp_fault": "error_code"}) as its:
        with pytest.raises(Rejected, match=r"^-3: "):
            await its.it.request(asked((await its.people("ordinary"))[0]["person"]))


@pytest.mark.parametrize("through", WAYS)
async def test_check_asks_about_nobody(through: str) -> None:
    async with registry(through) as its:
        await its.it.check()
        assert await its.outcomes() == []

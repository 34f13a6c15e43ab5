"""Whom the SOAP door believes, and what keys it lets lie about: credentials inside and beside an envelope, and old messages."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from soap_hub import PASSWORD, WSSE, SoapHub, dossier, envelope, query, security, started

from hub.message import new_id

pytestmark = pytest.mark.xdist_group("soap_trust")
shared = pytest.mark.asyncio(loop_scope="module")
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
BLOCK = "/Envelope/Header/Security"
TOKEN = f"{BLOCK}/UsernameToken"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def soap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SoapHub]:
    """One hub for all of these tests."""
    async with started(tmp_path_factory.mktemp("soap_trust")) as made:
        await made.add_sender("land", "one-stop-soap")
        yield made


@pytest.fixture
def stored(soap: SoapHub) -> Callable[[], int]:
    """How many arrivals this test stored."""
    before = soap.count()
    return lambda: soap.count() - before


def secured(inner: str, needed: str = ' s:mustUnderstand="1"') -> str:
    """A Security block with this in it."""
    return f'<w:Security xmlns:w="{WSSE}" xmlns:u="{WSU}"{needed}>{inner}</w:Security>'


def token(name: str, password: str) -> str:
    """A UsernameToken alone."""
    return (
        f"<w:UsernameToken><w:Username>{name}</w:Username>"
        f'<w:Password Type="{PASSWORD}Text">{password}</w:Password></w:UsernameToken>'
    )


def timestamp(soap: SoapHub, created: float | None, expires: float | None) -> str:
    """A Timestamp; both in seconds from now."""
    now = datetime.fromtimestamp(soap.clock() / 1_000_000, UTC)
    at = {"Created": created, "Expires": expires}
    told = {
        name: (now + timedelta(seconds=one)).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for name, one in at.items() if one is not None
    }
    return f"<u:Timestamp>{''.join(f'<u:{name}>{time}</u:{name}>' for name, time in told.items())}</u:Timestamp>"


# ── keys are not kept


@shared
@pytest.mark.parametrize("space", [WSSE, "http://schemas.xmlsoap.org/ws/2002/07/secext"])
async def test_no_other_way_in_takes_credentials_in_the_message(soap: SoapHub, stored: Callable[[], int], space: str) -> None:
    """The REST door refuses an envelope with a Security block, and the key in it is nowhere in the store."""
    key = soap.keys["one-stop"]
    head = {"X-API-Key": key, "Hub-Schema": "one-stop-soap@1", "Content-Type": "application/xml"}
    body = envelope(
        dossier(new_id()), header=security("one-stop", key).replace(WSSE, space).replace(' s:mustUnderstand="1"', "")
    )
    answer = await soap.call("POST", "/v1/messages", data=body, headers=head)
    assert answer.status == 400 and stored() == 0, answer.body
    assert b'"pointer":"/Envelope/Header/Security"' in answer.body and b'"code":"credentials"' in answer.body
    assert b"leave the block out" in answer.body and key.encode() not in answer.body
    assert not soap.rows(f"select * from bodies where instr(content, cast('{key}' as blob)) > 0")
    good = await soap.call("POST", "/v1/messages", data=envelope(dossier(new_id())), headers=head)
    assert good.status == 202


# ── one message, one id


@shared
async def test_a_receipt_is_found_by_the_id_that_stands_in_the_message(soap: SoapHub, stored: Callable[[], int]) -> None:
    """A header with another id is refused, so nobody is told to send again what is stored; the same id twice is one."""
    request = new_id()
    other = await soap.post(envelope(dossier(request)), headers={"Idempotency-Key": "K1"})
    assert other.fault() == ("Client", {"Idempotency-Key": "contradiction"}) and stored() == 0
    assert other.one_problem().get("hint")
    first = await soap.post(envelope(dossier(request)), headers={"Idempotency-Key": request})
    again = await soap.post(envelope(dossier(request)))
    assert again.receipt() == {**first.receipt(), "Repeated": "true"}
    found = await soap.post(envelope(query(request)), action="QueryReceipt", headers={"Idempotency-Key": "any"})
    assert found.receipt()["ReceiptId"] == first.receipt()["ReceiptId"] and stored() == 1


# ── who calls


@shared
@pytest.mark.parametrize("way", ["basic", "bearer", "X-API-Key"])
async def test_header_and_token_must_be_of_one_caller(soap: SoapHub, stored: Callable[[], int], way: str) -> None:
    """The same account in both is good; another's, a wrong key and another name are refused."""
    key, other = soap.keys["one-stop"], soap.keys["land"]
    head = {"basic": soap.basic(), "bearer": {"Authorization": f"Bearer {key}"}, "X-API-Key": {"X-API-Key": key}}[way]
    for name, text in (
        ("land", other),
        ("one-stop", other),
        ("land", key),
        ("one-stop", "canary"),
        ("one-stop", "hub_" + "x" * 43),
    ):
        answer = await soap.post(envelope(dossier(new_id()), header=security(name, text)), sender=None, headers=head)
        assert (answer.status, answer.fault()) == (401, ("Client", {TOKEN: "two_keys"})), name
    digest = await soap.post(envelope(dossier(new_id()), header=security("one-stop", "x", "Digest")), sender=None, headers=head)
    assert digest.fault() == ("Client", {f"{TOKEN}/Password": "password_digest"})
    assert stored() == 0
    good = await soap.post(envelope(dossier(new_id()), header=security("one-stop", key)), sender=None, headers=head)
    assert good.receipt()["State"] == "accepted"


@shared
async def test_hints_speak_to_the_sender(soap: SoapHub) -> None:
    """Each refusal says how to sign in here, and whom to ask for a key: not what an operator types."""
    wrong = "hub_" + "x" * 43
    basic = base64.b64encode(f"one-stop:{wrong}".encode()).decode()
    ways: list[tuple[dict[str, str], str, str]] = [
        ({"Authorization": f"Basic {basic}"}, "", "unknown_key"),
        ({"Authorization": f"Bearer {wrong}"}, "", "unknown_key"),
        ({"Authorization": "Bearer canary"}, "", "malformed"),
        ({"X-API-Key": wrong}, "", "unknown_key"),
        ({"Authorization": "Negotiate YII="}, "", "wrong_scheme"),
        ({}, security("one-stop", wrong), "unknown_key"),
        ({}, "", "missing"),
    ]
    for headers, header, code in ways:
        answer = await soap.post(envelope(dossier(), header=header), sender=None, headers=headers)
        found = answer.one_problem()
        assert (answer.status, found.get("code")) == (401, code)
        hint = found.get("hint")
        assert "Basic" in hint and "UsernameToken" in hint and "PasswordText" in hint and "operator" in hint, hint
        assert "hub key new" not in hint
        if code == "wrong_scheme":
            assert "Basic" in found.text
    await soap.add_sender("school", "opencps-dossier")
    answer = await soap.post(envelope(dossier()), sender="school")
    assert answer.fault() == ("Client", {"Hub-Schema": "no_right"}) and "hub key new" not in answer.one_problem().get("hint")


# ── when it was sent


@shared
@pytest.mark.parametrize("way", ["basic", "token"])
@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_an_old_message_is_refused(soap: SoapHub, stored: Callable[[], int], way: str, version: str) -> None:
    """One whose Timestamp has ended, or lies ahead, by more than five minutes; less is the clocks' difference."""
    inner = token("one-stop", soap.keys["one-stop"]) if way == "token" else ""
    sender = None if way == "token" else "one-stop"

    async def post(time: str) -> tuple[str, dict[str, str]] | str:
        body = envelope(dossier(new_id()), version, header=secured(time + inner))
        answer = await soap.post(body, version=version, sender=sender)
        if answer.status == 200:
            return answer.receipt()["State"]
        if version == "1.2":
            subcode = answer.root.findtext("{*}Body/{*}Fault/{*}Code/{*}Subcode/{*}Value")
            assert subcode.endswith(":MessageExpired")
        return answer.fault()

    fault = {"1.1": "MessageExpired", "1.2": "Sender"}[version]
    assert await post(timestamp(soap, -900, -301)) == (fault, {f"{BLOCK}/Timestamp/Expires": "expired"})
    assert await post(timestamp(soap, 330, 600)) == (fault, {f"{BLOCK}/Timestamp/Created": "expired"})
    assert stored() == 0
    for created, expires in ((-900, -270), (270, 600), (0, 300), (0, None), (None, 300)):
        assert await post(timestamp(soap, created, expires)) == "accepted"


@shared
async def test_a_time_stamp_that_says_nothing_is_refused(soap: SoapHub, stored: Callable[[], int]) -> None:
    """One that is no time, or stands twice."""
    time = timestamp(soap, 0, 300)
    bad = "<u:Timestamp><u:Expires>canary</u:Expires></u:Timestamp>"
    for inner, at in ((time * 2, f"{BLOCK}/Timestamp[2]"), (bad, f"{BLOCK}/Timestamp/Expires")):
        answer = await soap.post(envelope(dossier(new_id()), header=secured(inner)))
        assert answer.fault() == ("Client", {at: "bad_security"}) and b"canary" not in answer.body
    assert stored() == 0
    without_zone = time.replace("Z<", "<")
    assert (await soap.post(envelope(dossier(new_id()), header=secured(without_zone)))).receipt()["State"] == "accepted"


@shared
@pytest.mark.parametrize(
    ("inner", "needed", "refused"),
    [
        ('<d:Signature xmlns:d="urn:d"/>', ' s:mustUnderstand="1"', True),
        ('<d:Signature xmlns:d="urn:d" s:mustUnderstand="1"/>', "", True),
        ('<d:Signature xmlns:d="urn:d"/>', "", False),
        ('<d:Signature xmlns:d="urn:d"/>', ' s:mustUnderstand="1" s:actor="urn:somebody"', False),
    ],
)  # fmt: skip
async def test_what_must_be_understood_in_a_security_block(
    soap: SoapHub, stored: Callable[[], int], inner: str, needed: str, refused: bool
) -> None:
    """The hub knows UsernameToken and Timestamp; it must not look as if it had checked a signature."""
    answer = await soap.post(envelope(dossier(new_id()), header=secured(inner, needed)))
    if refused:
        assert answer.fault() == ("MustUnderstand", {f"{BLOCK}/Signature": "must_understand"}) and stored() == 0
    else:
        assert answer.receipt()["State"] == "accepted"

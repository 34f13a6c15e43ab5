"""What happens to a delivery that is in doubt, or that the partner says it has: what was remembered, asked and answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hub.connector import Finder, Found, Holder, Receipt, Sender
from hub.errors import InDoubt, NotConnected, Rejected, Transient
from soap.partner import ACCEPTED, MESSAGE, Partner, Say, Try, body, connected, fault, message, result, settings, submitted

FIND = {
    "operation": "QueryDossier",
    "input": {"/RequestId": "/RequestId"},
    "fixed": {"/System": "H22"},
    "rows": [
        {"fault": "Client.NotFound", "then": "nothing"},
        {"at": "/State", "same_as": "/State", "then": "holds"},
        {"at": "/State", "equals": "unknown", "then": "unknown"},
        {"at": "/State", "present": True, "then": "holds_not"},
    ],
    "reference": "/ReceiptId",
    "ids": {"land": "/ReceiptId"},
}


def state(value: str) -> Say:
    """An answer to the question."""
    return body(f"<l:QueryDossierResponse><l:State>{value}</l:State><l:ReceiptId>R1</l:ReceiptId></l:QueryDossierResponse>")


async def in_doubt(it: Any, sent: Any, attempt: Try) -> Try:
    """An attempt whose answer was lost."""
    with pytest.raises(InDoubt):
        await it.send(sent, attempt)
    return attempt


async def test_it_sends_and_can_be_asked(land: Partner) -> None:
    """The engine learns from the type what this connector can do."""
    async with connected(settings(land.url)) as it:
        assert isinstance(it, Sender) and isinstance(it, Finder) and isinstance(it, Holder)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (state("done"), Found(True, "R1", {"land": "R1"})),
        (state("new"), Found(False)),
        (state("unknown"), Found(None)),
        (state(""), Found(None)),
        (fault("Client.NotFound"), None),
    ],
    ids=["holds", "holds not", "unknown", "no row", "nothing"],
)
async def test_the_partner_is_asked(land: Partner, said: Say, found: Found | None) -> None:
    """Its answer is judged by the rows of ``find``; what none of them covers means that it cannot tell."""
    land.says = [Say(fails="reset"), said]
    async with connected(settings(land.url, ACCEPTED, one={"find": FIND})) as it:
        sent = message()
        attempt = await in_doubt(it, sent, Try())
        assert await it.find(sent, attempt) == found
        assert await it.held(sent) == found
    asked = land.asked[1]
    assert [(one.tag, one.text) for one in asked.element] == [("{urn:land}RequestId", "r-1"), ("{urn:land}System", "H22")]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (fault("Client.NoRight"), "look_up_refused"),
        (fault("Server"), "Receiver"),
        (Say(404), "http_404"),
        (Say(200, b"<html>", "text/html"), "unreadable_answer"),
        (Say(503), "http_503"),
        (Say(fails="reset"), "reset"),
    ],
    ids=["refused", "fault", "404", "html", "503", "reset"],
)
async def test_a_question_without_an_answer_is_asked_again(land: Partner, said: Say, code: str) -> None:
    """It says nothing about the message, which stays in doubt."""
    land.says = [Say(fails="reset"), said]
    async with connected(settings(land.url, ACCEPTED, one={"find": FIND})) as it:
        sent = message()
        attempt = await in_doubt(it, sent, Try())
        with pytest.raises(Transient) as later:
            await it.find(sent, attempt)
    assert later.value.code == code


async def test_a_partner_that_is_away_cannot_be_asked(land: Partner) -> None:
    """Nothing is concluded from it."""
    land.says = [Say(fails="reset")]
    async with connected(settings(land.url, ACCEPTED, one={"find": FIND})) as it:
        sent = message()
        attempt = await in_doubt(it, sent, Try())
        await land.refuse()
        with pytest.raises(NotConnected):
            await it.find(sent, attempt)


async def test_without_find_the_partner_cannot_tell(land: Partner) -> None:
    """Then the route decides."""
    land.says = [Say(fails="reset")]
    async with connected(settings(land.url, ACCEPTED)) as it:
        sent = message()
        attempt = await in_doubt(it, sent, Try())
        assert await it.find(sent, attempt) == Found(holds=None)
        assert await it.held(sent) == Found(holds=None)
    assert len(land.asked) == 1


async def test_a_message_that_lacks_what_it_is_asked_by(land: Partner) -> None:
    """The question cannot be put, so nobody can tell."""
    find = FIND | {"input": {"/RequestId": "/OwnerNumber"}}
    content = {name: value for name, value in MESSAGE.items() if name != "OwnerNumber"}
    land.says = [Say(fails="reset")]
    async with connected(settings(land.url, ACCEPTED, one={"find": find})) as it:
        sent = message(content)
        attempt = await in_doubt(it, sent, Try())
        assert await it.find(sent, attempt) == Found(holds=None)


async def test_a_question_keeps_nothing_of_the_one_before(land: Partner) -> None:
    """What is fixed stays as it was configured, whatever was put into it for another message."""
    find = {
        "operation": "SubmitDossier",
        "input": {"/RequestId": "/RequestId", "/Paper/0/@kind": "/OwnerName"},
        "fixed": {"/Code": "c", "/State": "s", "/Paper": [{"Title": "t"}]},
        "rows": [{"at": "/Success", "present": True, "then": "holds"}],
    }
    async with connected(settings(land.url, one={"find": find})) as it:
        await it.held(message())
        await it.held(message({name: value for name, value in MESSAGE.items() if name != "OwnerName"}))
    kinds = [asked.element[3].attrib for asked in land.asked]
    assert kinds == [{"kind": MESSAGE["OwnerName"]}, {}]


class Stopped(Exception):
    """The process ended here."""


class Stopping(Try):
    """An attempt whose process ends when it is about to remember its call."""

    async def remember(self, key: str, value: Any) -> None:
        raise Stopped


async def test_an_attempt_that_ended_before_its_call_left_nothing(land: Partner) -> None:
    """Nothing is asked; an earlier attempt's call is not taken for this one's."""
    land.says = [fault("Server"), submitted(result("0"))]
    async with connected(settings(land.url, ACCEPTED, one={"find": FIND})) as it:
        sent = message()
        with pytest.raises(Stopped):
            await it.send(sent, Stopping())
        assert await it.find(sent, Try()) == Found(holds=False, called=False)
        first = await in_doubt(it, sent, Try())
        assert await it.find(sent, first.next()) == Found(holds=False, called=False)
    assert len(land.asked) == 1


async def test_what_changes_nothing_is_never_remembered(land: Partner) -> None:
    """An operation without effect costs no write, and a crash in it left nothing."""
    attempt = Try()
    async with connected(settings(land.url, ACCEPTED, one={"effect": False})) as it:
        await it.send(message(), attempt)
        assert attempt.remembered == {}
        assert await it.find(message(), attempt) == Found(holds=False)


async def test_a_call_under_way_when_the_process_ends(land: Partner) -> None:
    """It is remembered before it is made: the partner is asked."""
    land.says = [Say(fails="silent"), state("done")]
    async with connected(settings(land.url, ACCEPTED, one={"find": FIND})) as it:
        sent, attempt = message(), Try()
        under_way = asyncio.create_task(it.send(sent, attempt))
        while not land.asked:
            await asyncio.sleep(0)
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)
        assert await it.find(sent, attempt) == Found(True, "R1", {"land": "R1"})


KNOWN = {"at": "/Result/Code", "equals": 9, "then": "duplicate"}


@pytest.mark.parametrize(
    ("attempt", "code"),
    [(Try(), "exists"), (Try(may_update=True), None), (Try(sent_before=True), "duplicate")],
    ids=["never sent", "an earlier doubt, or adopted", "another message was delivered"],
)
async def test_what_the_partner_says_it_has(land: Partner, attempt: Try, code: str | None) -> None:
    """It is ours only when the ledger shows no other send that it could mean."""
    land.says = [submitted(result("9") + "<l:ReceiptId>R1</l:ReceiptId>")]
    async with connected(settings(land.url, KNOWN, one={"reference": "/ReceiptId"})) as it:
        if code is None:
            assert await it.send(message(), attempt) == Receipt("R1")
        else:
            with pytest.raises(Rejected) as refused:
                await it.send(message(), attempt)
            assert refused.value.code == code


async def test_what_an_earlier_try_of_this_delivery_left_is_ours(land: Partner) -> None:
    """The answer to the first was lost, the second hears that it is there; a try that did not get there proves nothing."""
    land.says = [Say(fails="reset"), submitted(result("9"))]
    async with connected(settings(land.url, KNOWN)) as it:
        sent = message()
        first = await in_doubt(it, sent, Try(sent_before=True))
        assert await it.send(sent, first.next()) == Receipt()
        await land.refuse()
        lost = Try(sent_before=True)
        with pytest.raises(NotConnected):
            await it.send(sent, lost)
        await land.listen()
        with pytest.raises(Rejected):
            await it.send(sent, lost.next())


# ---------------------------------------------------------------- hub endpoint check


async def test_checking_fetches_the_wsdl(land: Partner) -> None:
    """A GET of ?wsdl with our account; what comes must be a WSDL."""
    land.says = [
        Say(200, b'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>'),
        Say(200, b"<html/>", "text/html"),
        Say(200, b"login", "text/html"),
        Say(403),
    ]
    async with connected(settings(land.url, security={"kind": "bearer", "token": "t"})) as it:
        await it.check()
        for code in ("not_wsdl", "not_wsdl", "http_403"):
            with pytest.raises(Transient) as wrong:
                await it.check()
            assert wrong.value.code == code
        await land.refuse()
        with pytest.raises(NotConnected):
            await it.check()
    assert (land.asked[0].method, land.asked[0].path, land.asked[0].headers["Authorization"]) == (
        "GET",
        "/land?wsdl",
        "Bearer t",
    )
    await land.listen()
    async with connected(settings(land.url + "?unit=H22")) as it:
        with pytest.raises(Transient):
            await it.check()
    assert land.asked[-1].path == "/land?unit=H22&wsdl"


async def test_checking_calls_a_harmless_operation(land: Partner) -> None:
    """Any answer of it that can be read is good; a fault is not, whatever the table says."""
    land.says = [body("<l:PingResponse/>"), fault("Client"), fault("Server"), Say(200, b"<html/>", "text/html"), Say(500)]
    async with connected(settings(land.url, {"else": "accepted"}, check={"operation": "Ping"})) as it:
        await it.check()
        with pytest.raises(Rejected):
            await it.check()
        for _ in range(3):
            with pytest.raises(Transient):
                await it.check()
    assert [one.element.tag for one in land.asked] == ["{urn:land}Ping"] * 5

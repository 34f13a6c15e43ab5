"""An answer with places that the WSDL does not know: what is not there proves nothing, and nothing is sent again for it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import connectors.soap.service as service
from hub.connector import Found, Receipt
from hub.console.reasons import vietnamese
from hub.errors import InDoubt, Transient
from soap.partner import ACCEPTED, NAME, Partner, Say, Try, body, connected, fault, message, result, settings, submitted
from soap.test_answers import outcome

DONE, REFUSED = {"else": "accepted"}, {"at": "/Result/Code", "equals": 99, "then": "rejected"}
NO_ITEM = {"at": "/Item", "absent": True, "then": "accepted"}
NO_CODE = {"fault_detail": "BusinessFault", "at": "/Message", "absent": True, "then": "accepted"}
ALL_GOOD = {"at": "/Item/*/Code", "equals": 0, "then": "accepted"}
GOOD = "<l:Item><t:Code>0</t:Code></l:Item>"
UNSURE: list[tuple[str, list[dict[str, Any]], Say, str]] = [
    ("unqualified, absent", [NO_ITEM], submitted("<Item><Code>99</Code></Item>"), "/Item"),
    ("unqualified, else", [REFUSED, DONE], submitted("<Result><Code>99</Code></Result>"), "/Result"),
    ("unqualified below, else", [REFUSED, DONE], submitted("<l:Result><Code>99</Code></l:Result>"), "/Result/Code"),
    ("below, absent", [{"at": "/Result/Message", "absent": True, "then": "accepted"}],
     submitted("<l:Result><t:Code>0</t:Code><l:Message>no</l:Message></l:Result>"), "/Result/Message"),
    ("another spelling", [NO_ITEM], submitted("<l:item/>"), "/item"),
    ("another name", [NO_ITEM], submitted("<l:Error>99</l:Error>"), "/Error"),
    ("one of many", [ALL_GOOD], submitted(f"{GOOD}<Item><Code>99</Code></Item>"), "/Item"),
    ("in one of many", [{"at": "/Item/*/Message", "absent": True, "then": "accepted"}],
     submitted(f"{GOOD}<l:Item><t:Code>1</t:Code><Message>no</Message></l:Item>"), "/Item/1/Message"),
    ("an attribute", [DONE], submitted('<l:Result code="99"><t:Code>0</t:Code></l:Result>'), "/Result/@code"),
    ("a text", [DONE], submitted("99"), "/#text"),
    ("more than are counted", [NO_ITEM], submitted("<l:Result><t:Code>0</t:Code>" + "<x/>" * 120 + "</l:Result>"), "/Result/x"),
    ("a guard before a row that fits", [{"at": "/ReceiptId", "absent": True, "then": "rejected"}, {"status": 200} | {
     "then": "accepted"}], submitted("<l:receiptId>R1</l:receiptId>"), "/receiptId"),
    ("in a detail", [NO_CODE], fault("Client", detail="<l:BusinessFault><t:Code>1</t:Code><Message/></l:BusinessFault>"),
     "/Message"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "said", "place"), [one[1:] for one in UNSURE], ids=[one[0] for one in UNSURE])
async def test_what_is_not_there_proves_nothing(land: Partner, rows: list[dict[str, Any]], said: Say, place: str) -> None:
    """Neither ``absent`` nor ``else`` nor "every one" fits where something was passed over; the reason names the places."""
    found = await outcome(land, said, *rows)
    assert isinstance(found, InDoubt), found
    assert found.code == "outcome_unknown" and f"the WSDL does not know {place}" in found.reason
    assert "; WSDL không có /" in (vietnamese(found.reason) or "")
    assert len(land.asked) == 1


RECEIPT = "<l:ReceiptId>R1</l:ReceiptId>"
GOT = {"at": "/ReceiptId", "present": True, "then": "accepted"}
TOLD = {"at": "/Result/Message", "present": True, "then": "rejected"}
ANY_BAD = {"at": "/Item/*/Code", "any_in": [99], "then": "rejected"}
CODE_17 = {"fault_detail": "BusinessFault", "at": "/Code", "equals": 17, "then": "rejected"}
KNOWN = {"fault": "Client", "then": "accepted"}
GUARDED: list[tuple[str, list[dict[str, Any]], Say, str]] = [
    ("present", [TOLD, GOT],
     submitted(f"<l:Result><t:Code>0</t:Code><Message>refused</Message></l:Result>{RECEIPT}"), "/Result/Message"),
    ("equals", [REFUSED, GOT], submitted(f"<l:Result><Code>99</Code></l:Result>{RECEIPT}"), "/Result/Code"),
    ("above", [REFUSED, GOT], submitted(f"<Result><Code>99</Code></Result>{RECEIPT}"), "/Result"),
    ("below", [{"at": "/Result", "absent": True, "then": "rejected"}, TOLD, ACCEPTED],
     submitted("<l:Result><t:Code>0</t:Code><Message><x/></Message></l:Result>"), "/Result/Message"),
    ("another spelling", [TOLD, ACCEPTED],
     submitted("<l:Result><t:Code>0</t:Code><t:message>no</t:message></l:Result>"), "/Result/message"),
    ("any in", [ANY_BAD, ACCEPTED], submitted(result("0") + "<Item><Code>99</Code></Item>"), "/Item"),
    ("any in, in one of many", [ANY_BAD | {"at": "/Item/*/Message"}, ACCEPTED],
     submitted(f"{result('0')}{GOOD}<l:Item><t:Code>0</t:Code><Message>99</Message></l:Item>"), "/Item/1/Message"),
    ("before the last but one", [TOLD, REFUSED, ACCEPTED],
     submitted("<l:Result><t:Code>0</t:Code><Message>no</Message></l:Result>"), "/Result/Message"),
    ("known before accepted", [REFUSED | {"then": "duplicate"}, GOT],
     submitted(f"<l:Result><Code>99</Code></l:Result>{RECEIPT}"), "/Result/Code"),
    ("more than are counted", [ANY_BAD, ACCEPTED],
     submitted("<l:Result><t:Code>0</t:Code>" + "<x/>" * 120 + "</l:Result>"), "/Result/x"),
    ("in a detail", [CODE_17 | {"at": "/Message", "equals": "no"}, KNOWN],
     fault("Client", detail="<l:BusinessFault><t:Code>1</t:Code><Message>no</Message></l:BusinessFault>"), "/Message"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "said", "place"), [one[1:] for one in GUARDED], ids=[one[0] for one in GUARDED])
async def test_a_row_before_may_have_fitted(land: Partner, rows: list[dict[str, Any]], said: Say, place: str) -> None:
    """That it did not is no proof where its place was passed over, and what follows it decides nothing."""
    found = await outcome(land, said, *rows)
    assert isinstance(found, InDoubt), found
    assert found.code == "outcome_unknown" and f"the WSDL does not know {place}" in found.reason


async def test_a_detail_that_cannot_be_read_may_have_fitted(land: Partner) -> None:
    """All of it was passed over."""
    said = fault("Client", detail="<BusinessFault><Code>17</Code></BusinessFault>")
    found = await outcome(land, said, CODE_17, KNOWN)
    assert isinstance(found, InDoubt) and found.code == "outcome_unknown"
    assert isinstance(await outcome(land, fault("Client"), CODE_17, KNOWN), Receipt)


UNTOUCHED: list[tuple[str, list[dict[str, Any]], Say]] = [
    ("a field more", [REFUSED, TOLD, ACCEPTED],
     submitted("<l:Result><t:Code>0</t:Code><t:Extra/></l:Result><l:Extra/>")),
    ("of the same verdict", [GOT | {"at": "/LandCode"}, GOT], submitted(f"<LandCode>L</LandCode>{RECEIPT}")),
    ("of another status", [REFUSED | {"status": 409}, GOT], submitted(f"<Result><Code>99</Code></Result>{RECEIPT}")),
    ("of no HTTP 2xx", [REFUSED, GOT | {"status": 500}],
     submitted(f"<Result><Code>99</Code></Result>{RECEIPT}", status=500)),
    ("of another fault", [CODE_17 | {"fault": "Server"}, KNOWN],
     fault("Client", detail="<l:BusinessFault><t:Code>1</t:Code><Code>17</Code></l:BusinessFault>")),
    ("of a detail, by what another has", [CODE_17, KNOWN],
     fault("Client", detail="<l:BusinessFault><t:Code>1</t:Code><Extra/></l:BusinessFault><Other><Code>17</Code></Other>")),
    ("a piece of one text is one, whatever else", [{"at": "/Item/*/Message", "contains": "ok", "then": "accepted"}],
     submitted("<l:Item><t:Code>0</t:Code><t:Message>ok</t:Message></l:Item><l:Item><t:Code>5</t:Code><Message>no</Message></l:Item>")),
    ("behind it", [ACCEPTED, ANY_BAD], submitted(result("0") + "<Item><Code>99</Code></Item>")),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "said"), [one[1:] for one in UNTOUCHED], ids=[one[0] for one in UNTOUCHED])
async def test_a_row_before_that_cannot_have_fitted(land: Partner, rows: list[dict[str, Any]], said: Say) -> None:
    """It does not stop the one that fits."""
    assert isinstance(await outcome(land, said, *rows), Receipt)


SURE: list[tuple[str, dict[str, Any], Say]] = [
    ("a value that is there", ACCEPTED, submitted(result("0") + "<l:Extra/>")),
    ("absent elsewhere", {"at": "/Result/Message", "absent": True, "then": "accepted"},
     submitted(result("0") + "<l:Item><t:Code>1</t:Code><Extra/></l:Item>")),
    ("every one of what is whole", ALL_GOOD, submitted(f"{GOOD}{result('0').replace('</t:Code>', '</t:Code><Extra/>')}")),
    ("attributes of others", DONE,
     submitted('<l:Result xml:lang="vi" id="r1" s:encodingStyle=""><t:Code>0</t:Code></l:Result>')),
]  # fmt: skip


@pytest.mark.parametrize(("row", "said"), [one[1:] for one in SURE], ids=[one[0] for one in SURE])
async def test_what_is_there_is_proof_enough(land: Partner, row: dict[str, Any], said: Say) -> None:
    """A partner that adds a field stops nobody who does not ask for what is missing."""
    assert isinstance(await outcome(land, said, row), Receipt)


async def test_a_name_that_may_be_a_person_is_not_shown(land: Partner) -> None:
    """The names of elements are the partner's schema; what does not look so is masked."""
    owner = NAME.replace(" ", "_")
    found = await outcome(land, submitted(f"<l:{owner}/><l:H_001099123456/>"), DONE)
    assert isinstance(found, InDoubt) and "/‹masked›" in found.reason
    assert owner not in found.reason and "001099" not in found.reason


QUESTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("nothing", {"at": "/ReceiptId", "absent": True, "then": "nothing"}, "<ReceiptId>R1</ReceiptId><State>done</State>"),
    ("holds not", {"at": "/State", "absent": True, "then": "holds_not"}, "<l:state>done</l:state>"),
]


@pytest.mark.parametrize(("row", "told"), [one[1:] for one in QUESTIONS], ids=[one[0] for one in QUESTIONS])
async def test_a_question_is_not_answered_by_what_was_passed_over(land: Partner, row: dict[str, Any], told: str) -> None:
    """It stays in doubt, with the reason, and is asked again; never is it taken for not there, which would send it twice."""
    find = {"operation": "QueryDossier", "input": {"/RequestId": "/RequestId"}, "rows": [row]}
    attempt = Try()
    land.says = [Say(fails="reset"), body(f"<l:QueryDossierResponse>{told}</l:QueryDossierResponse>"),
                 body("<l:QueryDossierResponse/>")]  # fmt: skip
    async with connected(settings(land.url, ACCEPTED, one={"find": find})) as it:
        sent = message()
        with pytest.raises(InDoubt):
            await it.send(sent, attempt)
        with pytest.raises(Transient) as unsure:
            await it.find(sent, attempt)
        assert unsure.value.code == "outcome_unknown" and "the WSDL does not know /" in unsure.value.reason
        assert await it.find(sent, attempt) == (None if row["then"] == "nothing" else Found(holds=False))


async def test_a_question_is_not_answered_past_a_row_that_may_have_fitted(land: Partner) -> None:
    """What is said to be there by a later row may be said not to be by an earlier one."""
    rows = [{"at": "/State", "equals": "void", "then": "holds_not"}, {"at": "/ReceiptId", "present": True, "then": "holds"}]
    find = {"operation": "QueryDossier", "input": {"/RequestId": "/RequestId"}, "rows": rows}
    attempt = Try()
    land.says = [Say(fails="reset"), *(
        body(f"<l:QueryDossierResponse>{told}{RECEIPT}</l:QueryDossierResponse>") for told in ("<State>void</State>", "")
    )]  # fmt: skip
    async with connected(settings(land.url, ACCEPTED, one={"find": find})) as it:
        sent = message()
        with pytest.raises(InDoubt):
            await it.send(sent, attempt)
        with pytest.raises(Transient) as unsure:
            await it.find(sent, attempt)
        assert unsure.value.code == "outcome_unknown" and "the WSDL does not know /State" in unsure.value.reason
        assert await it.find(sent, attempt) == Found(holds=True)


async def test_a_large_answer_is_read_beside_the_loop(land: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody else waits for it; a small one is read at once."""
    threads = []

    def seen(*given: Any) -> Any:
        threads.append(threading.current_thread())
        return heard(*given)

    heard = service.hear
    monkeypatch.setattr(service, "hear", seen)
    for size in (10, 200_000):
        told = result("0") + f"<l:ReceiptId>{'ab' * size}</l:ReceiptId>"
        assert isinstance(await outcome(land, submitted(told), ACCEPTED), Receipt)
    assert [one is threading.main_thread() for one in threads] == [True, False]

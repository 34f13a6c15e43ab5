"""What each answer of a ministry becomes: one row, one error, for calls with an effect and without one."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import AccountRefused, DeliveryError, InDoubt, NotConnected, Rejected, Transient
from ministry_portal.parts import (
    CODE,
    CREATE,
    NAME,
    NEXT,
    NUMBER,
    STATUS,
    STEPS,
    Try,
    connected,
    dossier,
    scripted,
    state,
    steps,
)

EXISTS = {"code": 3, "message": f"Hồ sơ của {NAME} ({NUMBER}) đã tồn tại", "data": None}
HTML = "<html>Bad gateway</html>"

EFFECT: list[tuple[str, Any, type[DeliveryError], str]] = [
    ("business error in HTTP 200", {"code": 17, "message": "Sai mã"}, Rejected, "17"),
    ("numeric text", {"Code": "017", "Message": "Sai mã"}, Rejected, "17"),
    ("a code of letters", {"code": "ERR_A", "message": "Sai mã"}, Rejected, "ERR_A"),
    ("missing field", (400, {"code": 400, "message": "Thiếu ChuHoSo"}), Rejected, "400"),
    ("missing field, no envelope", (400, HTML), Rejected, "http_400"),
    ("conflict, no envelope", (409, HTML), Rejected, "http_409"),
    ("too large, no envelope", (413, HTML), Rejected, "http_413"),
    ("token refused twice", (401, {"code": 401, "message": "token"}), AccountRefused, "account"),
    ("token refused in the envelope", {"code": 401, "message": "token"}, AccountRefused, "account"),
    ("no right", (403, {"code": 403, "message": "quyền"}), AccountRefused, "no_right"),
    ("no right, HTML", (403, HTML), AccountRefused, "no_right"),
    ("no right in the envelope", {"code": 403, "message": "quyền"}, AccountRefused, "no_right"),
    ("no such dossier", (404, {"code": 404, "message": "không có"}), Rejected, "404"),
    ("no such path", (404, HTML), Transient, "http_404"),
    ("moved", (302, HTML), InDoubt, "http_302"),
    ("too many", (429, HTML), Transient, "http_429"),
    ("too many, in the envelope", {"code": 429, "message": "chậm lại"}, Transient, "code_429"),
    ("out of work", (503, HTML), Transient, "http_503"),
    ("portal unreachable", (502, {"code": 502, "message": "cổng"}), InDoubt, "http_502"),
    ("portal unreachable, in the envelope", {"code": 502, "message": "cổng"}, InDoubt, "code_502"),
    ("failed", (500, {"code": 0}), InDoubt, "http_500"),
    ("HTML instead of JSON", HTML, InDoubt, "unreadable_answer"),
    ("a list", [], InDoubt, "unreadable_answer"),
    ("an object without anything", {"ok": True}, InDoubt, "unreadable_answer"),
    ("success and a refusal at once", (404, {"code": 0, "data": {}}), InDoubt, "http_404"),
    ("connection reset", "reset", InDoubt, "reset"),
]


@pytest.mark.parametrize(("told", "answer", "error", "code"), EFFECT, ids=[row[0] for row in EFFECT])
@pytest.mark.parametrize("operation", [CREATE, STEPS, STATUS])
async def test_an_answer_to_a_call_with_effect(
    operation: str, told: str, answer: Any, error: type[Exception], code: str
) -> None:
    """Each is the error that the engine acts on, and no word of a person is in it."""
    known = {} if operation == CREATE else {"ministry": CODE, "ministry-id": "5f0c"}
    sent = {CREATE: dossier(), STEPS: steps(), STATUS: state()}[operation]
    async with scripted() as portal, connected(portal.url) as it:
        portal.answers[operation] = answer
        with pytest.raises(error) as raised:
            await it.send(sent, Try(known=known))
        assert isinstance(raised.value, DeliveryError) and type(raised.value) is error
        assert raised.value.code == code
        assert NAME not in str(raised.value) and NUMBER not in str(raised.value)


WITHOUT: list[tuple[str, Any, type[DeliveryError], str]] = [
    ("refused", {"code": 17, "message": "Sai mã"}, Rejected, "17"),
    ("portal unreachable", (502, HTML), Transient, "http_502"),
    ("HTML", HTML, Transient, "unreadable_answer"),
    ("reset", "reset", Transient, "reset"),
    ("no value", {"code": 0, "data": {}}, Transient, "no_code_issued"),
    ("no right", (403, HTML), AccountRefused, "no_right"),
]


@pytest.mark.parametrize(("told", "answer", "error", "code"), WITHOUT, ids=[row[0] for row in WITHOUT])
async def test_an_answer_to_getnextvalue(told: str, answer: Any, error: type[Exception], code: str) -> None:
    """Nothing is in doubt by it: it touches no dossier, and nothing is created."""
    async with scripted() as portal, connected(portal.url) as it:
        portal.answers[NEXT] = answer
        attempt = Try()
        with pytest.raises(error) as raised:
            await it.send(dossier(), attempt)
        assert getattr(raised.value, "code", "") == code and type(raised.value) is error
        assert portal.called(CREATE) == [] and attempt.remembered == {}


@pytest.mark.parametrize("data", [{"idHoSo": "5f0c", "maHoSo": CODE}, {"IdHoSo": "5f0c", "MaHoSo": CODE}, {"IDHoSo": "5f0c"}])
async def test_names_in_either_case_are_read(data: Any) -> None:
    async with scripted() as portal, connected(portal.url) as it:
        portal.answers[CREATE] = {"Code": "200", "Data": data}
        portal.answers[NEXT] = {"Data": {"Value": CODE}}
        receipt = await it.send(dossier(), Try())
        assert receipt.ids == {"ministry": CODE, "ministry-id": "5f0c"} and receipt.reference == "5f0c"


async def test_exists_is_ours_only_if_we_may_have_created_it() -> None:
    """A first create that hears "exists" has met somebody else's dossier; after a lost answer it is our own; and so it is
    where the ledger or the route says so."""
    async with scripted() as portal, connected(portal.url) as it:
        portal.answers[CREATE] = EXISTS
        first = Try()
        with pytest.raises(Rejected) as raised:
            await it.send(dossier(), first)
        assert raised.value.code == "exists"
        with pytest.raises(Rejected):
            await it.send(dossier(), first.next())  # nothing of that refusal made it ours
        lost = Try()
        portal.answers[CREATE] = "reset"
        with pytest.raises(InDoubt):
            await it.send(dossier(), lost)
        portal.answers[CREATE] = EXISTS
        receipt = await it.send(dossier(), lost.next())
        assert receipt.ids == {"ministry": CODE}
        assert NAME not in repr(receipt) and NUMBER not in repr(receipt)
        assert len(portal.called(NEXT)) == 2
        assert (await it.send(dossier(), Try(may_update=True))).ids == {"ministry": CODE}


async def test_a_try_that_certainly_had_no_effect_makes_nothing_ours() -> None:
    async with scripted() as portal, connected(portal.url) as it:
        attempt = Try()
        portal.answers[CREATE] = (503, HTML)
        with pytest.raises(Transient):
            await it.send(dossier(), attempt)
        portal.answers[CREATE] = EXISTS
        with pytest.raises(Rejected):
            await it.send(dossier(), attempt.next())


async def test_a_portal_that_is_down_leaves_no_trace_of_an_effect() -> None:
    async with scripted() as portal:
        url = portal.url
    async with connected(url) as it:
        attempt = Try(known={"ministry": CODE})
        with pytest.raises(NotConnected):
            await it.send(state(), attempt)
        assert attempt.remembered == {}

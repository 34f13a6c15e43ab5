"""The sender says whether the portal holds the dossier (isUpdating): the connector obeys, and the portal judges the word."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

from hub.connector import Found
from hub.errors import DeliveryError, InDoubt, NotConnected, Rejected, Transient
from hub.message import Message
from national_portal.parts import (
    CODE,
    EMAIL,
    EXISTS,
    ID_NUMBER,
    LOOK_UP,
    NAME,
    PASSWORD,
    PHONE,
    PROGRESS,
    SYNC,
    Adapter,
    Simulator,
    Try,
    code_of,
    crashes,
    dossier,
    live,
    no_canary,
    of,
    portal,
    steps,
)

DONE = {"error_code": 0, "message": "Thành công", "result": []}
UNKNOWN = {"error_code": -3, "message": f"Không tìm thấy hồ sơ của {NAME}"}
BUSY = (503, "busy")


def said(word: str, code: str = CODE, **changes: Any) -> Message:
    """A dossier whose sender says ``word``."""
    return of({"isUpdating": word} | dossier(code, **changes))


def words(adapter: Adapter) -> list[str]:
    return [body["isUpdating"] for body in adapter.of(SYNC)]


# ---------------------------------------------------------------- what is called


@pytest.mark.parametrize("word", ["True", "False"])
@pytest.mark.parametrize("lookup_first", [True, False])
@pytest.mark.parametrize("ledger", [{}, {"may_update": True}, {"sent_before": True}], ids=str)
async def test_the_word_is_what_is_called(adapter: Adapter, word: str, lookup_first: bool, ledger: dict[str, bool]) -> None:
    """Whatever ledger and route say: one call, no look-up, and the word stands beside the data object, not in it."""
    async with portal(adapter.url, lookup_first=lookup_first) as it:
        receipt = await it.send(said(word), Try(**ledger))
    assert adapter.services == [SYNC]
    (call,) = adapter.of(SYNC)
    assert (call["isUpdating"], call["data"]) == (word, [dossier()])
    assert receipt.said == ""


async def test_without_a_word_the_portal_is_asked(adapter: Adapter) -> None:
    """As ever."""
    async with portal(adapter.url) as it:
        await it.send(of(dossier()), Try())
    assert adapter.services == [LOOK_UP, SYNC]


@pytest.mark.parametrize("word", ["true", "", True, "yes", 1], ids=repr)
async def test_another_word_is_refused_before_any_call(adapter: Adapter, word: Any) -> None:
    """It cannot be guessed which of the two was meant."""
    async with portal(adapter.url) as it:
        with pytest.raises(Rejected) as refused:
            await it.send(said(word), Try())
    assert refused.value.code == "is_updating" and adapter.calls == []


# ---------------------------------------------------------------- what the portal says to it


@pytest.mark.parametrize(("word", "answer", "code"), [("False", EXISTS, "3"), ("True", UNKNOWN, "-3")])
@pytest.mark.parametrize("ledger", [{}, {"may_update": True}, {"sent_before": True}], ids=str)
async def test_a_word_that_the_portal_refuses_is_refused_with_its_own_code_and_words(
    adapter: Adapter, caplog: pytest.LogCaptureFixture, word: str, answer: dict[str, Any], code: str, ledger: dict[str, bool]
) -> None:
    """Even if the ledger shows that the dossier is ours, or the route adopts. The words are whole for whoever waits, and
    nowhere else."""
    adapter.script[SYNC] = [answer]
    async with portal(adapter.url) as it:
        with pytest.raises(Rejected) as refused:
            await it.send(said(word), Try(**ledger))
    assert (refused.value.code, refused.value.said) == (code, answer["message"])
    assert words(adapter) == [word]
    no_canary(refused.value)
    logging.getLogger("portal").error("refused %s", refused.value, exc_info=refused.value)
    shown = caplog.text + "".join(traceback.format_exception(refused.value)) + refused.value.reason
    for value in (NAME, ID_NUMBER, PHONE, EMAIL):
        assert value not in shown
    assert "‹ChuHoSo›" in refused.value.reason


async def test_what_the_portal_says_is_told_whole_but_for_our_own_secrets(adapter: Adapter) -> None:
    """The account's password and the session are nobody else's."""
    told = f"Của {NAME}, {PHONE}: {'x' * 400} {PASSWORD} phien-bi-mat-1"
    adapter.script[SYNC] = [{"error_code": 4, "message": told}, {"error_code": 0, "message": f"Đã nhận của {NAME}"}]
    adapter.script[PROGRESS] = [{"error_code": 0, "message": f"Đã nhận bước của {NAME}"}, {"error_code": 5, "message": NAME}]
    async with portal(adapter.url) as it:
        with pytest.raises(Rejected) as refused:
            await it.send(said("False"), Try())
        taken = await it.send(said("False"), Try())
        step = await it.send(steps(1), Try())
        with pytest.raises(Rejected) as no_step:
            await it.send(steps(1), Try())
    assert refused.value.said == f"Của {NAME}, {PHONE}: {'x' * 400} ‹password› ‹session›"
    assert (taken.said, step.said, no_step.value.said) == (f"Đã nhận của {NAME}", f"Đã nhận bước của {NAME}", NAME)
    for receipt in (taken, step):
        assert NAME not in repr(receipt)
    no_canary(refused.value)


async def test_what_exists_by_the_portals_word_is_told_to_who_said_nothing_too(adapter: Adapter) -> None:
    """The code is the hub's own, as ever; the words are the portal's."""
    adapter.script[SYNC] = [EXISTS]
    async with portal(adapter.url) as it:
        with pytest.raises(Rejected) as refused:
            await it.send(of(dossier()), Try())
    assert (refused.value.code, refused.value.said) == ("exists", EXISTS["message"])


# ---------------------------------------------------------------- in doubt, and again


def taking(first: Any) -> Any:
    """A portal that takes an insert, whose answer gets lost, and then knows the dossier."""
    there: list[Any] = []

    def synchronise(body: dict[str, Any]) -> Any:
        if there:
            return EXISTS if body["isUpdating"] == "False" else DONE
        there.append(first)
        return "reset"

    return synchronise, (lambda body: {"error_code": 0, "result": list(there)})


@pytest.mark.parametrize("lookup_first", [True, False])
async def test_an_insert_that_took_effect_unheard_is_delivered_not_refused(adapter: Adapter, lookup_first: bool) -> None:
    """The portal's minimal answer proves nothing; by the route's ``resend`` what is there is ours, and is updated."""
    synchronise, look_up = taking({"MaHoSo": CODE})
    adapter.script = {SYNC: [synchronise], LOOK_UP: [look_up]}
    first = Try()
    async with portal(adapter.url, lookup_first=lookup_first) as it:
        with pytest.raises(InDoubt):
            await it.send(said("False"), first)
        assert await it.find(said("False"), first) == Found(None)
        await it.send(said("False"), first.next(may_update=True))
    assert words(adapter) == (["False", "True"] if lookup_first else ["False", "False", "True"])


async def test_an_insert_whose_object_is_found_is_done(adapter: Adapter) -> None:
    """All fields equal: nothing is sent again. The word is no field of the object."""
    synchronise, look_up = taking(dossier())
    adapter.script = {SYNC: [synchronise], LOOK_UP: [look_up]}
    first = Try()
    async with portal(adapter.url) as it:
        with pytest.raises(InDoubt):
            await it.send(said("False"), first)
        assert await it.find(said("False"), first) == Found(True)
        assert await it.held(said("False")) == await it.held(said("True")) == Found(True)
        assert await it.held(said("True", TrangThaiHoSo="1")) == Found(False)


async def test_an_insert_that_was_lost_is_made_again(adapter: Adapter) -> None:
    """Nothing is found: the resend is an insert, and it is one if the first lands only then."""
    adapter.script[SYNC] = ["reset", EXISTS, DONE]
    first = Try()
    async with portal(adapter.url) as it:
        with pytest.raises(InDoubt):
            await it.send(said("False"), first)
        assert await it.find(said("False"), first) is None
        await it.send(said("False"), first.next(may_update=True))
    assert words(adapter) == ["False", "False", "True"]


@pytest.mark.parametrize(
    "failure", [BUSY, {"error_code": 9, "message": "bận"}, "not connected", (400, "bad"), ENDED := "ended"]
)
async def test_a_try_that_certainly_had_no_effect_makes_nothing_ours(adapter: Adapter, failure: Any) -> None:
    """The dossier was delivered before, its sender calls it new, and the first try finds the portal busy: that it exists is
    refused all the same, as the portal itself would."""

    class Unplugged(Try):
        async def remember(self, key: str, value: Any) -> None:
            first_time = not self.remembered
            await super().remember(key, value)
            if first_time:
                await adapter.refuse()

    closed = failure == "not connected"
    over = {"error_code": -1, "message": "Phiên làm việc đã hết hạn"}
    adapter.script[SYNC] = [EXISTS] if closed else [over, over, EXISTS] if failure == ENDED else [failure, EXISTS]
    adapter.keep_open = not closed
    first = (Unplugged if closed else Try)(sent_before=True)
    async with portal(adapter.url, transient_codes=["9"]) as it:
        await it.check()
        with pytest.raises(NotConnected if closed else (Transient, Rejected)):
            await it.send(said("False"), first)
        if closed:
            await adapter.listen()
        with pytest.raises(Rejected) as refused:
            await it.send(said("False"), first.next())
    assert refused.value.code == "3"
    assert set(words(adapter)) == {"False"} and (len(adapter.of(SYNC)) == 1) == closed and LOOK_UP not in adapter.services


async def test_a_refused_insert_that_is_replayed_is_refused_again(adapter: Adapter) -> None:
    """The operator changes nothing about the sender's word; the refused try made nothing ours."""
    adapter.script[SYNC] = [EXISTS]
    first = Try(sent_before=True)
    async with portal(adapter.url) as it:
        for attempt in (first, first.next()):
            with pytest.raises(Rejected) as refused:
                await it.send(said("False"), attempt)
            assert refused.value.code == "3"
    assert words(adapter) == ["False", "False"]


@pytest.mark.parametrize("lookup_first", [True, False])
async def test_a_doubt_is_not_forgotten_over_a_try_that_had_no_effect(adapter: Adapter, lookup_first: bool) -> None:
    """In doubt, then busy, then there: it is ours after all."""
    adapter.script[LOOK_UP] = [{"error_code": 0, "result": []}]
    adapter.script[SYNC] = ["reset", BUSY, EXISTS, DONE]
    first = Try()
    async with portal(adapter.url, lookup_first=lookup_first) as it:
        with pytest.raises(InDoubt):
            await it.send(said("False"), first)
        second = first.next(may_update=True)
        with pytest.raises(Transient):
            await it.send(said("False"), second)
        await it.send(said("False"), second.next())
    assert words(adapter) == ["False", "False", "False", "True"]


async def test_an_update_that_was_decided_on_stays_one(adapter: Adapter) -> None:
    """What the resend found there is updated by the try after it too, without asking again."""
    adapter.script[LOOK_UP] = [{"error_code": 0, "result": [{"MaHoSo": CODE}]}]
    adapter.script[SYNC] = ["reset", BUSY, DONE]
    first = Try()
    async with portal(adapter.url) as it:
        with pytest.raises(InDoubt):
            await it.send(said("False"), first)
        second = first.next(may_update=True)
        with pytest.raises(Transient):
            await it.send(said("False"), second)
        await it.send(said("False"), second.next())
    assert (words(adapter), adapter.services.count(LOOK_UP)) == (["False", "True", "True"], 1)


async def test_what_is_there_is_not_ours_if_the_try_before_never_called(adapter: Adapter) -> None:
    """A crash before the call, or a sign-in that failed, leaves nothing behind: the portal judges."""
    adapter.script[SYNC] = [EXISTS]
    adapter.script["login"] = [BUSY, {"error_code": 0, "session": "phien-bi-mat-1"}]
    unsigned = Try(sent_before=True)
    async with portal(adapter.url) as it:
        with pytest.raises(Transient):
            await it.send(said("False"), unsigned)
        assert unsigned.remembered == {}
        second = await crashes(it, said("False"), unsigned.next())
        assert await it.find(said("False"), second) == Found(False, called=False)
        with pytest.raises(Rejected) as refused:
            await it.send(said("False"), second.next())
    assert refused.value.code == "3"


async def test_an_update_by_the_senders_word_is_repeated_as_one(adapter: Adapter) -> None:
    """In doubt, undecided by the portal's answer, and by the route's ``resend`` made again."""
    adapter.script[LOOK_UP] = [{"error_code": 0, "result": [{"MaHoSo": CODE}]}]
    adapter.script[SYNC] = ["reset", DONE]
    first = Try()
    async with portal(adapter.url) as it:
        with pytest.raises(InDoubt):
            await it.send(said("True"), first)
        assert await it.find(said("True"), first) == Found(None)
        await it.send(said("True"), first.next())
    assert words(adapter) == ["True", "True"]


# ---------------------------------------------------------------- against the simulated portal


async def effects(simulator: Simulator, code: str) -> list[tuple[bool, Any]]:
    return await simulator.outcomes(SYNC, code)


async def shown(simulator: Simulator, code: str) -> str:
    return str((await simulator.control("state"))["dossiers"].get(code, ""))


async def test_true_on_an_unknown_dossier(simulator: Simulator, request: Any) -> None:
    """The portal refuses it, and holds nothing of it."""
    code = code_of(request)
    async with live(simulator) as it:
        with pytest.raises(Rejected) as refused:
            await it.send(said("True", code), Try())
    assert (refused.value.code, refused.value.said) == ("-3", f"Không tìm thấy hồ sơ: {code}")
    assert "‹MaHoSo›" in refused.value.reason and code not in str(refused.value)
    assert await effects(simulator, code) == [(False, "True")] and not await shown(simulator, code)


async def test_true_on_a_dossier_that_the_ledger_does_not_know(simulator: Simulator, request: Any) -> None:
    """It came to the portal before the hub was there: its sender knows, so it is updated."""
    code = code_of(request)
    async with live(simulator) as it:
        await it.send(of(dossier(code)), Try())
        receipt = await it.send(said("True", code, TrangThaiHoSo="4"), Try())
    assert receipt.said == "Thành công"
    assert await effects(simulator, code) == [(True, "False"), (True, "True")]
    assert "isUpdating" not in await shown(simulator, code)


async def test_false_on_a_known_dossier(simulator: Simulator, request: Any) -> None:
    """The portal's own code and words, and nothing is overwritten."""
    code = code_of(request)
    async with live(simulator) as it:
        await it.send(said("False", code), Try())
        before = await shown(simulator, code)
        with pytest.raises(Rejected) as refused:
            await it.send(said("False", code, TrangThaiHoSo="4"), Try(sent_before=True))
    assert (refused.value.code, refused.value.said) == ("3", f"Hồ sơ đã tồn tại: {code}")
    assert await shown(simulator, code) == before


@pytest.mark.parametrize("fault", ["timeout_after", "reset_after", "half_answer", "html_200", "reset_before", "timeout_before"])
async def test_false_in_doubt_is_delivered_by_the_resend(simulator: Simulator, request: Any, fault: str) -> None:
    """Whether the first insert took effect or not, the dossier is there once and its sender hears of no refusal."""
    code, first = code_of(request), Try()
    async with live(simulator, read_timeout=0.5) as it:
        await simulator.fault(SYNC, fault)
        with pytest.raises(InDoubt):
            await it.send(said("False", code), first)
        found = await it.find(said("False", code), first)
        await it.send(said("False", code), first.next(may_update=True))
    there = fault.endswith("after") or fault == "half_answer"
    assert found == (Found(None) if there else None)
    assert [one for one in await effects(simulator, code) if one[0]] == [(True, "False"), (True, "True")][: 1 + there]


@pytest.mark.parametrize("fault", ["http_503", "session_expired"])
async def test_false_on_a_known_dossier_is_refused_through_an_outage(simulator: Simulator, request: Any, fault: str) -> None:
    """That the first try came at a bad time does not make an update of it."""
    code = code_of(request)
    async with live(simulator) as it:
        await it.send(said("False", code), Try())
        await simulator.fault(SYNC, fault, times=2)
        attempt = Try(sent_before=True)
        failed: list[DeliveryError] = []
        for _ in range(3):
            try:
                await it.send(said("False", code, TrangThaiHoSo="4"), attempt)
            except DeliveryError as error:
                failed.append(error)
            attempt = attempt.next()
    assert [one.code for one in failed][-1] == "3"
    assert [one for one in await effects(simulator, code) if one[0]] == [(True, "False")]

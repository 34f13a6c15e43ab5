"""In doubt the partner is asked, and only what it says clearly is believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.outcomes import sending, verdict
from connectors.rest.connector import Rest
from hub.connector import Found
from hub.errors import InDoubt, Transient
from rest.partner import Say, Try, connected, message, partner, settings

FIND = {
    "path": "/filings/{/code}",
    "rows": [
        {"status": "404", "then": "nothing"},
        {"at": "/state", "same_as": "/state", "then": "holds"},
        {"at": "/state", "present": True, "then": "holds_not"},
    ],
    "reference": "/number",
    "ids": {"local": "/number"},
}


async def found(say: Say, attempt: Try | None = None, find: Any = FIND) -> Found | None:
    if attempt is None:
        attempt = Try()
        attempt.remembered = {"call": {"attempt": 1}}
    async with partner(say) as it, connected(settings(it.url, find=find)) as rest:
        return await rest.find(message(), attempt)


async def test_what_the_partner_holds() -> None:
    assert await found(Say(404)) is None
    assert await found(Say(200, {"state": "done", "number": "LS-1"})) == Found(True, "LS-1", {"local": "LS-1"})
    assert await found(Say(200, {"state": "new"})) == Found(holds=False)
    assert await found(Say(200, {"other": 1})) == Found(holds=None)
    assert await found(Say(200, {}), find=None) == Found(holds=None)


@pytest.mark.parametrize("say", [Say(500), Say(200, b"<html>"), Say(400), Say(403), Say(fails=True), Say(429)], ids=str)
async def test_a_question_that_is_not_answered_is_asked_again(say: Say) -> None:
    """Never taken for "not there", which would send a second time."""
    with pytest.raises(Transient):
        await found(say)


async def test_an_attempt_that_ended_before_its_call_left_nothing() -> None:
    async with partner(Say(200, {})) as it, connected(settings(it.url, find=FIND)) as rest:
        assert await rest.find(message(), Try()) == Found(holds=False, called=False)
        assert it.asked == []


async def test_after_a_restore_the_same_is_asked() -> None:
    async with partner(Say(200, {"state": "done"})) as it, connected(settings(it.url, find=FIND)) as rest:
        assert await rest.held(message()) == Found(holds=True)
        assert it.asked[0][:2] == ("GET", "/api/filings/H22%2F1")


# Connectors that break "once in effect" on purpose, each seen red by the proof that an honest one passes


async def once_in_effect() -> None:
    """A partner that takes the call and breaks before it answers: the next try must know that it may be there."""
    async with partner(Say(fails=True), Say(200, {"state": "done"})) as it, connected(settings(it.url, find=FIND)) as rest:
        attempt = Try()
        with pytest.raises(InDoubt):
            await rest.send(message(), attempt)
        assert await rest.find(message(), attempt) == Found(holds=True)
    assert [method for method, *_ in it.asked] == ["POST", "GET"]


async def test_an_honest_connector_is_green() -> None:
    await once_in_effect()


def forgets(patch: pytest.MonkeyPatch) -> None:
    async def called(attempt: Any, effect: bool, call: Any) -> Any:
        return await call(), None

    patch.setattr("connectors.rest.connector.called_once", called)


def takes_a_doubt_for_a_failure(patch: pytest.MonkeyPatch) -> None:
    honest = Rest._call

    async def call(self: Rest, method: str, path: str, body: bytes | None, *, effect: bool, **more: Any) -> Any:
        return await honest(self, method, path, body, effect=False, **more)

    patch.setattr(Rest, "_call", call)


@pytest.mark.parametrize("harm", [forgets, takes_a_doubt_for_a_failure])
async def test_who_may_send_twice_is_red(monkeypatch: pytest.MonkeyPatch, harm: Callable[[pytest.MonkeyPatch], None]) -> None:
    harm(monkeypatch)
    with pytest.raises((AssertionError, Transient)):
        await once_in_effect()


async def test_who_accepts_what_no_row_explains_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    async def proof() -> None:
        async with partner(Say(200, {"result": "maybe"})) as it, connected(settings(it.url)) as rest:
            with pytest.raises(InDoubt):
                await rest.send(message(), Try())

    await proof()
    monkeypatch.setattr("connectors.rest.connector.judge", lambda *given: verdict.Judged("accepted"))
    with pytest.raises(pytest.fail.Exception):
        await proof()


async def test_who_takes_anybodys_duplicate_for_its_own_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    async def proof() -> None:
        async with partner(Say(200, {"result": "known"})) as it, connected(settings(it.url)) as rest:
            with pytest.raises(sending.Rejected):
                await rest.send(message(), Try())

    await proof()
    monkeypatch.setattr("connectors.rest.connector.require_taken", lambda *given: None)
    with pytest.raises(pytest.fail.Exception):
        await proof()

"""What each answer becomes: the table first, then HTTP. Nothing is accepted by guess, and no reason tells of a person."""

from __future__ import annotations

import logging
from typing import Any

import orjson
import pytest

from hub.connector import Receipt
from hub.errors import DeliveryError, InDoubt, NotConnected, Rejected, Transient
from rest.partner import BODY, NAME, NUMBER, SECRET, Say, Try, connected, message, partner, settings


async def outcome(say: Say, attempt: Try | None = None, **operation: Any) -> Receipt | DeliveryError:
    async with partner(say) as it, connected(settings(it.url, **operation)) as rest:
        try:
            return await rest.send(message(), attempt or Try())
        except DeliveryError as error:
            return error


TABLE: list[tuple[str, Say, type[Any], str, str]] = [
    ("accepted", Say(201, {"result": "ok"}), Receipt, "", "same"),
    ("accepted behind a byte order mark", Say(200, b'\xef\xbb\xbf{"result": "ok"}'), Receipt, "", "same"),
    ("rejected with its code", Say(200, {"result": "no", "code": "E7", "message": "sai"}), Rejected, "E7", "same"),
    ("rejected by the value itself", Say(200, {"result": "bad"}), Rejected, "bad", "same"),
    ("transient by a row", Say(200, {"result": "busy"}), Transient, "busy", "same"),
    ("a row with a status", Say(409, {"result": "x"}), Rejected, "conflict", "same"),
    ("no row", Say(200, {"result": "maybe"}), InDoubt, "outcome_unknown", "transient"),
    ("another shape", Say(200, {"other": 1}), InDoubt, "outcome_unknown", "transient"),
    ("nothing", Say(204), InDoubt, "empty_answer", "transient"),
    ("HTML", Say(200, b"<html>ok</html>"), InDoubt, "unreadable_answer", "transient"),
    ("half of JSON", Say(200, b'{"result": "o'), InDoubt, "unreadable_answer", "transient"),
    ("a word", Say(200, b'"ok"'), InDoubt, "unreadable_answer", "transient"),
    ("good words with a bad status", Say(500, {"result": "ok"}), InDoubt, "http_500", "transient"),
    ("301", Say(301, b"", {"Location": "/x"}), InDoubt, "http_301", "transient"),
    ("302", Say(302, b"", {"Location": "/x"}), InDoubt, "http_302", "transient"),
    ("400", Say(400, {"error": 1}), Rejected, "http_400", "same"),
    ("401", Say(401), Transient, "account", "same"),
    ("403", Say(403), Transient, "http_403", "same"),
    ("404", Say(404), Transient, "http_404", "same"),
    ("408", Say(408), InDoubt, "http_408", "transient"),
    ("409 without a row", Say(409, {}), InDoubt, "http_409", "transient"),
    ("413", Say(413), Rejected, "http_413", "same"),
    ("422", Say(422), Rejected, "http_422", "same"),
    ("429", Say(429, b"", {"Retry-After": "9"}), Transient, "http_429", "same"),
    ("502", Say(502, b"<html>"), InDoubt, "http_502", "transient"),
    ("503", Say(503), Transient, "http_503", "same"),
    ("reset", Say(fails=True), InDoubt, "reset", "transient"),
]


@pytest.mark.parametrize(("say", "kind", "code", "_"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
async def test_what_an_answer_becomes(say: Say, kind: type[Any], code: str, _: str) -> None:
    got = await outcome(say)
    assert type(got) is kind or (kind is Transient and isinstance(got, Transient)), got
    assert isinstance(got, Receipt) or got.code == code


@pytest.mark.parametrize(("say", "kind", "code", "without"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
async def test_without_effect_nothing_is_in_doubt(say: Say, kind: type[Any], code: str, without: str) -> None:
    got = await outcome(say, effect=False)
    wanted = Transient if without == "transient" else kind
    assert isinstance(got, wanted) and not isinstance(got, InDoubt), got


async def test_a_wait_is_the_partners_before_the_rows() -> None:
    for say, wait in (
        (Say(200, {"result": "busy"}), 7),
        (Say(200, {"result": "busy"}, {"Retry-After": "3"}), 3),
        (Say(429, b"", {"Retry-After": "9"}), 9),
    ):
        got = await outcome(say)
        assert isinstance(got, Transient) and got.retry_after == wait


async def test_nobody_there_is_not_connected_and_forgotten() -> None:
    async with partner(Say()) as it:
        url = it.url
    attempt = Try()
    async with connected(settings(url)) as rest:
        with pytest.raises(NotConnected):
            await rest.send(message(), attempt)
    assert attempt.remembered == {"call": None}


async def test_a_duplicate_is_ours_or_nobodys() -> None:
    known = Say(200, {"result": "known"})
    first = await outcome(known)
    assert isinstance(first, Rejected) and first.code == "exists"
    again = Try()
    again.remembered = {"call": {"attempt": 1}}
    again.number = 2
    assert isinstance(await outcome(known, again), Receipt)
    assert isinstance(await outcome(known, Try(may_update=True)), Receipt)
    older = await outcome(known, Try(sent_before=True))
    assert isinstance(older, Rejected) and older.code == "duplicate"


async def test_what_is_kept_of_an_answer() -> None:
    say = Say(200, {"result": "ok", "number": "LS-1", "data": {"code": "X", "more": [1]}})
    reply = {"schema": "answer@1", "at": "/data"}
    got = await outcome(say, reference="/number", ids={"local": "/data/code", "other": "/nowhere"}, reply=reply)
    assert isinstance(got, Receipt) and got.reference == "LS-1" and got.ids == {"local": "X"}
    assert got.reply is not None and got.reply[0].id == "answer" and got.reply[1] == b'{"code":"X","more":[1]}'


async def test_no_reason_tells_of_a_person_or_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = f"{NAME} số {NUMBER}, token {SECRET}, mail a.b@example.vn, máy 0912 345 678"
    for say in (
        Say(200, {"result": "no", "code": NUMBER, "message": told}),
        Say(200, {"result": "no", "code": SECRET}),
        Say(200, {"result": told}),
        Say(200, {told: "x", "result": NAME}),
        Say(500, told.encode()),
    ):
        got = await outcome(say)
        assert isinstance(got, DeliveryError)
        seen = f"{got!r} {got} {got.code} {caplog.text}"
        for secret in (NAME, NUMBER, SECRET, "a.b@example.vn", "345 678"):
            assert secret not in seen, seen


async def test_the_request_is_the_message_and_its_path_is_filled_in() -> None:
    async with partner(Say(200, {"result": "ok"})) as it:
        given = settings(it.url, path="/d/{/code}/s?by={local}", method="PATCH")
        given["headers"] = {"X-Unit": "H22"}
        async with connected(given) as rest:
            attempt = Try()
            attempt.known_ids = {"local": "a b&c/..d"}
            await rest.send(message(), attempt)
    ((method, path, headers, body),) = it.asked
    assert (method, path) == ("PATCH", "/api/d/H22%2F1/s?by=a%20b%26c/..d")
    assert headers["Authorization"] == f"Bearer {SECRET}" and headers["X-Unit"] == "H22"
    assert body == orjson.dumps(BODY)


@pytest.mark.parametrize(
    ("path", "body", "codes", "code"),
    [
        ("/d/{/code}", {"code": ""}, {}, "missing"),
        ("/d/{/code}", {"code": {"a": 1}}, {}, "missing"),
        ("/d/{/code}", {"code": ".."}, {}, "unfit_code"),
        ("/d/{local}", {}, {}, "no_code"),
        ("/d/{local}", {}, {"local": "."}, "unfit_code"),
        ("/d/{/code}/x", {"code": "../../admin"}, {}, "unfit_code"),  # %2F is decoded by proxies before they take the steps
        ("/d/{/code}/x", {"code": "a\\..\\b"}, {}, "unfit_code"),
        ("/d/{/code}/x", {"code": "..;"}, {}, "unfit_code"),  # servers of Java cut a step at the semicolon
        ("/d/{/code}/x", {"code": "a/..;v=1/b"}, {}, "unfit_code"),
    ],
)
async def test_a_path_that_cannot_be_filled_in_is_refused_before_any_call(
    path: str, body: Any, codes: dict[str, str], code: str
) -> None:
    async with partner(Say(200, {"result": "ok"})) as it, connected(settings(it.url, path=path)) as rest:
        attempt = Try()
        attempt.known_ids = codes
        with pytest.raises(Rejected) as told:
            await rest.send(message(body), attempt)
        assert told.value.code == code and it.asked == [] and attempt.remembered == {}


async def test_a_schema_that_no_operation_takes_is_refused() -> None:
    async with partner(Say(200, {"result": "ok"})) as it, connected(settings(it.url)) as rest:
        with pytest.raises(Rejected, match="mend the route"):
            await rest.send(message(schema="other@1.0.0"), Try())
        assert it.asked == []


async def test_check_asks_and_changes_nothing() -> None:
    async with partner(Say(200, {"up": True}), Say(200, b"<html>"), Say(403)) as it, connected(settings(it.url)) as rest:
        await rest.check()
        for _ in range(2):
            with pytest.raises(Transient):
                await rest.check()
    assert [(method, path) for method, path, *_ in it.asked] == [("GET", "/api/status")] * 3

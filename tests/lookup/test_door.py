"""POST /v1/lookups: outcomes told apart, who asked on record before the registry is called, and nothing of the answer kept."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema_rs
import pytest
import pytest_asyncio
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from hub.errors import AccountRefused, DeliveryError, InDoubt, NotAsked, NotConnected, Rejected, Transient
from hub.observe.logging import configure
from lookup.parts import BIRTH, CANARIES, NAME, NUMBER, PERSON, QUESTION, Desk, config, running


@dataclass
class Since(Desk):
    """A desk of one test at a hub of many: what others put on record before is not shown."""

    before: int = 0

    async def record(self) -> list[Any]:
        return (await super().record())[self.before :]


@pytest_asyncio.fixture(loop_scope="module")
async def desk(open_all_day: Desk) -> Desk:
    """It, a minute after the test before, with the registry in order and nobody asked yet."""
    desk = open_all_day
    desk.clock.advance(61)
    desk.population.script = None
    assert (await desk.ask()).status == 200  # the breaker forgets what failed before
    desk.population.asked.clear()
    return Since(desk.hub, desk.population, desk.portal, desk.clock, desk.keys, before=len(await desk.record()))


def shared(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a test that uses ``desk``."""
    marked: Callable[..., Any] = pytest.mark.xdist_group("lookup_door")(pytest.mark.asyncio(loop_scope="module")(test))
    return marked


@shared
async def test_a_person_who_is_known(desk: Desk) -> None:
    """The answer in the canonical schema; the question reached the registry with who asks and the record's own id."""
    answer = await desk.ask()
    assert answer.status == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json
    assert told["outcome"] == "found"
    assert told["answer"]["name"] == "NGUYỄN VĂN MẪU" and told["answer"]["birth"] == BIRTH
    assert told["answer"]["relatives"] == [{"relation": "father", "name": CANARIES[1], "number": CANARIES[2]}]
    (asked,) = desk.population.asked
    assert asked.body == {
        "MaYeuCau": told["lookup"], "MaDVC": "1.001193", "MaCanBo": "cb-0001", "SoDinhDanh": NUMBER, "HoVaTen": NAME,
        "NgayThangNamSinh": {"NgayThangNam": "19900131"},
    }  # fmt: skip
    assert (asked.id, str(asked.schema)) == (told["lookup"], "c06-citizen-query@1.0.0")
    (row,) = await desk.record()
    assert row.pop("seconds") >= 0 and len(row.pop("digest")) == 64 and row.pop("at")
    assert row == {
        "lookup": told["lookup"], "key": "desk", "officer": "cb-0001", "purpose": "checked at reception",
        "procedure": "1.001193", "endpoint": "population", "kind": "look-up", "outcome": "found",
        "correlation_id": answer.headers["Hub-Correlation-Id"],
    }  # fmt: skip


@shared
async def test_who_asks_is_on_record_before_the_registry_is_called(desk: Desk) -> None:
    """While the registry thinks, the record says ``asked``."""
    seen: list[Any] = []

    async def look(query: Any) -> Any:
        seen.extend(await desk.record())
        return PERSON

    desk.population.script = look
    assert (await desk.ask()).status == 200
    assert [(row["outcome"], row["officer"]) for row in seen] == [("asked", "cb-0001")]


@shared
async def test_nobody_of_that_number(desk: Desk) -> None:
    """An answer of its own, not an error."""
    answer = await desk.ask({**QUESTION, "number": "001090990009"})
    assert (answer.status, answer.json["outcome"]) == (200, "not_found")
    assert "answer" not in answer.json
    assert [row["outcome"] for row in await desk.record()] == ["not_found"]


@shared
async def test_only_whether_it_is_so(desk: Desk) -> None:
    """``confirm`` says yes or no, and never brings the answer."""
    yes, no = await desk.ask(confirm=True), await desk.ask({**QUESTION, "number": "001090990009"}, confirm=True)
    assert [(one.status, one.json["outcome"]) for one in (yes, no)] == [(200, "confirmed"), (200, "mismatch")]
    assert "answer" not in yes.json
    assert [(row["kind"], row["outcome"]) for row in await desk.record()] == [("confirm", "confirmed"), ("confirm", "mismatch")]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (NotConnected("refused", "no connection"), 503, "refused"),
        (Transient("http_503", "later", retry_after=7), 503, "http_503"),
        (InDoubt("read_timeout", "the answer was lost"), 502, "read_timeout"),
        (ValueError(NAME), 502, "connector_error"),
    ],
)
@shared
async def test_a_registry_that_does_not_answer(desk: Desk, error: Exception, status: int, reason: str) -> None:
    """Asked once, never again by the hub; the caller is told when to come back, and the record says unreachable."""
    desk.population.script = lambda query: error
    answer = await desk.ask()
    assert (answer.status, answer.kind, answer.json["reason"]) == (status, "unreachable", reason)
    assert int(answer.headers["Retry-After"]) >= (7 if reason == "http_503" else 1)
    assert len(desk.population.asked) == 1
    assert NAME not in answer.text
    assert [(row["outcome"], row["code"]) for row in await desk.record()] == [("unreachable", reason)]


async def test_a_registry_that_is_too_slow(tmp_path: Path) -> None:
    """The endpoint's deadline ends the wait."""
    slow = config().replace("deadline_seconds: 10", "deadline_seconds: 0.05")
    async with running(tmp_path, slow) as desk:
        desk.population.script = lambda query: asyncio.Event().wait()
        answer = await desk.ask()
        assert (answer.status, answer.json["reason"]) == (502, "deadline")


@shared
async def test_a_registry_that_refuses(desk: Desk) -> None:
    """A refusal is not a silence: 422, and nothing to wait for."""
    desk.population.script = lambda query: Rejected("not_allowed", "this officer may not ask")
    answer = await desk.ask()
    assert (answer.status, answer.kind, answer.json["reason"]) == (422, "refused-by-registry", "not_allowed")
    assert [row["outcome"] for row in await desk.record()] == ["refused"]


@pytest.mark.parametrize("said", [{**PERSON, "GioiTinh": "7"}, {"HoVaTen": "all in one"}, ["no object"]], ids=[1, 2, 3])
@shared
async def test_an_answer_that_cannot_be_read(desk: Desk, said: Any) -> None:
    """A code without a row, a form that is not the schema's: 502 that names the places, on record as such."""
    desk.population.script = lambda query: said
    answer = await desk.ask()
    assert (answer.status, answer.kind) == (502, "unreadable-answer")
    assert answer.json["errors"]
    assert not any(value in answer.text for value in (*CANARIES, NAME, NUMBER))
    assert [row["outcome"] for row in await desk.record()] == ["unreadable"]


@shared
async def test_it_is_described_as_it_is(desk: Desk) -> None:
    """The registry's path with its own question and answer, in the document and on its page; what is answered fits it."""
    async with aiohttp.ClientSession() as session:
        described = await (await session.get(f"http://127.0.0.1:{desk.hub.port}/openapi.json")).json()
        page = await (await session.get(f"http://127.0.0.1:{desk.hub.port}/docs")).text()
    OPENAPI_31_VALIDATOR.validate(described)
    operation = described["paths"]["/v1/lookups/population"]["post"]
    assert f'id="{operation["operationId"]}"' in page
    content = operation["requestBody"]["content"]["application/json"]
    (example,) = content["examples"].values()
    question = jsonschema_rs.Draft202012Validator({**content["schema"], "components": described["components"]})
    question.validate(example["value"])
    assert not question.is_valid({**example["value"], "query": {**QUESTION, "officer": "another"}})
    nobody = {**QUESTION, "number": "001090990009"}
    for told, status in (
        (await desk.post(json.dumps(example["value"])), "200"),
        (await desk.ask(nobody), "200"),
        (await desk.ask(confirm=True), "200"),
        (await desk.ask(nobody, confirm=True), "200"),
        (await desk.ask(officer=" "), "422"),
        (await desk.ask(key=None), "401"),
    ):
        (media,) = operation["responses"][status]["content"].values()
        schema = {**media["schema"], "components": described["components"]}
        assert told.status == int(status)
        jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(told.json)


@shared
async def test_who_may_ask(desk: Desk) -> None:
    """A key of either role that was made for the question, by name: the right to send everything is not enough."""
    await desk.add_key("all", "*")
    await desk.add_key("sender", "opencps-dossier")
    await desk.add_key("lan", role="operator")
    await desk.add_key("hoa", "citizen-query", role="operator")
    assert (await desk.ask(key=None)).status == 401
    for name in ("all", "sender", "lan"):
        answer = await desk.ask(key=name)
        assert (answer.status, answer.kind, answer.json["errors"][0]["code"]) == (403, "forbidden", "no_right"), name
    assert (await desk.ask(key="hoa")).status == 200
    assert [row["key"] for row in await desk.record()] == ["hoa"]
    assert (await desk.ask(endpoint="portal")).status == 404


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"officer": None}, {("/officer", "missing")}),
        ({"officer": " "}, {("/officer", "blank")}),
        ({"purpose": "", "procedure": 7}, {("/purpose", "blank"), ("/procedure", "mistyped")}),
        ({"why": "x"}, {("/why", "unknown_property")}),
        ({"confirm": "yes"}, {("/confirm", "mistyped")}),
        ({"officer": "x" * 101}, {("/officer", "too_long")}),
        ({"query": "x"}, {("/query", "mistyped")}),
        ({"query": {"number": "12", "name": NAME}}, {("/query/number", "pattern")}),
        ({"query": {**QUESTION, "birth": "1990-01"}}, {("/query/birth", "pattern")}),
        ({"query": {**QUESTION, "birth": "1990-02-30"}}, {("/query/birth", "pattern")}),
        ({"query": {"number": NUMBER}}, {("/query/name", "missing")}),
        ({"query": {**QUESTION, "officer": "another"}}, {("/query/officer", "not_allowed")}),
        ({"query": {**QUESTION, "other": 1}}, {("/query/other", "unknown_property")}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
@shared
async def test_a_question_that_is_wrong(desk: Desk, changed: dict[str, Any], errors: set[tuple[str, str]]) -> None:
    """422 that names each field and repeats no value; nobody is asked, nothing is recorded."""
    about = changed.pop("query", QUESTION)
    answer = await desk.ask(about, **changed)
    assert (answer.status, answer.kind) == (422, "schema-invalid"), answer.text
    assert answer.errors == errors
    assert NAME not in answer.text and NUMBER not in answer.text
    assert desk.population.asked == [] and await desk.record() == []


@shared
async def test_a_question_that_the_registry_needs_more_for(desk: Desk) -> None:
    """It fits the canonical schema, and the registry's own wants a birth: refused with the field of the question."""
    answer = await desk.ask({"number": NUMBER, "name": NAME})
    assert (answer.status, answer.kind, answer.errors) == (422, "not-askable", {("/query/birth", "missing")})
    assert answer.json["errors"][0]["hint"] == "give a date or a year of birth"
    assert "NgayThangNam" not in answer.text and "optional" not in answer.text
    assert desk.population.asked == [] and await desk.record() == []


@pytest.mark.parametrize(
    ("error", "errors", "reason"),
    [
        (
            NotAsked("question", "/MaCanBo: has blanks at its end"),
            {("/officer", "not_sendable")},
            "/MaCanBo: has blanks at its end",
        ),
        (
            NotAsked("question", "/HoVaTen: is empty; /NgayThangNamSinh/Nam: is none"),
            {("/query/name", "not_sendable"), ("/query/birth", "not_sendable")},
            "/HoVaTen: is empty; /NgayThangNamSinh/Nam: is none",
        ),
        (NotAsked("officer", f"no key for {NAME}"), set(), "no key for ‹masked›"),
    ],
    ids=["officer", "person", "no place"],
)
@shared
async def test_a_question_that_was_never_sent(desk: Desk, error: Exception, errors: set[tuple[str, str]], reason: str) -> None:
    """Not refused by the registry, which knows nothing of it; the record says so, with the connector's reason."""
    desk.population.script = lambda query: error
    answer = await desk.ask()
    assert (answer.status, answer.kind) == (422, "not-askable"), answer.text
    assert {(one["pointer"], one["code"]) for one in answer.json.get("errors", ())} == errors
    assert not any(word in answer.text for word in (NAME, "MaCanBo", "is empty", "no key"))
    (row,) = await desk.record()
    assert (row["outcome"], row["reason"]) == ("not_askable", reason)


@pytest.mark.parametrize(
    ("error", "status", "places", "reason"),
    [
        (Rejected("unreadable_record", "/CongDan/HoVaTen: a citizen without a name"), 422, "/CongDan/HoVaTen", None),
        (Transient("unreadable_answer", "/CongdanCollection/MaLoi: it is no citizen"), 503, "/CongdanCollection/MaLoi", None),
        (Rejected("-3", f"{NAME.upper()} born 31/01/1990"), 422, "", "‹masked› born ‹masked›"),
        (Rejected("-3", f"it is {NAME.lower()} {BIRTH}"), 422, "", "it is ‹masked› ‹masked›"),
        (InDoubt("reset", "the connection was reset"), 502, "", None),
    ],
)
@shared
async def test_why_there_is_no_answer(desk: Desk, error: DeliveryError, status: int, places: str, reason: str | None) -> None:
    """The asker is told places of the registry's messages; the operator finds the masked reason on record."""
    desk.population.script = lambda query: error
    answer = await desk.ask()
    assert answer.status == status
    assert (f"(at {places})" in answer.json["detail"]) == bool(places), answer.text
    assert error.reason not in answer.text
    assert [row["reason"] for row in await desk.record()] == [reason or error.reason]


@shared
async def test_a_registry_that_refuses_the_hub(desk: Desk) -> None:
    """Nothing of the officer's is wrong, and the registry is there: it is the hub's account that an operator has to mend."""
    desk.population.script = lambda query: AccountRefused("http_401", "the platform refused the account")
    answer = await desk.ask()
    assert (answer.status, answer.kind, answer.json["reason"]) == (503, "unreachable", "http_401")
    assert answer.json["title"] == "The registry refuses the hub"
    assert "account or rights" in answer.json["detail"] and "reached" not in answer.json["detail"]
    assert int(answer.headers["Retry-After"]) >= 60
    (row,) = await desk.record()
    assert (row["outcome"], row["reason"]) == ("unreachable", "the platform refused the account")


@shared
async def test_a_registry_that_is_not_there(desk: Desk) -> None:
    """Whoever has a key is told what there is."""
    for name, detail in (
        ("nope", "no such look-up; there are: population"),
        ("portal", "portal has no `lookup:`; there are: "),
    ):
        answer = await desk.ask(endpoint=name)
        assert (answer.status, answer.kind) == (404, "not-found")
        assert answer.json["detail"].startswith(detail)
        assert (await desk.ask(endpoint=name, key=None)).status == 401


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("{", {}, 400),
        ('{"officer": "a", "officer": "b"}', {}, 400),
        ("[" * 20 + "]" * 20, {}, 400),
        (b"\xff", {}, 400),
        ("x" * 20_000, {}, 413),
        ("{}", {"Content-Type": "text/plain"}, 415),
        ("{}", {"Content-Type": "application/json; charset=utf-16"}, 415),
        ("{}", {"Content-Encoding": "br"}, 415),
        ("[]", {}, 422),
    ],
    ids=lambda value: str(value)[:20],
)
@shared
async def test_a_body_that_is_wrong(desk: Desk, body: str | bytes, headers: dict[str, str], status: int) -> None:
    """Refused as at the door for messages."""
    assert (await desk.post(body, **headers)).status == status


async def test_one_officer_cannot_ask_without_end(tmp_path: Path) -> None:
    """Beyond the endpoint's limit 429 with the time to wait; another officer, and the same one a minute later, may ask."""
    two = config().replace("give: citizen@1", "give: citizen@1, per_officer_per_minute: 2")
    async with running(tmp_path, two) as desk:
        assert [(await desk.ask()).status for _ in range(3)] == [200, 200, 429]
        refused = await desk.ask()
        assert (refused.kind, refused.errors) == ("too-many", {("/officer", "officer")})
        assert 50 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json["title"] == "This officer asks more than one officer may"
        assert "r=0" in refused.headers["RateLimit"]
        assert (await desk.ask(officer="ＣＢ-0001")).status == 429
        assert (await desk.ask(officer="cb-0002")).status == 200
        desk.clock.advance(61)
        assert (await desk.ask()).status == 200
        assert len(desk.population.asked) == 4


async def test_what_is_not_put_to_the_registry_is_no_question_of_the_officer(tmp_path: Path) -> None:
    """A wrong question, one that it needs more for, one that the connector cannot send, and none at all while it rests."""
    two = config().replace("give: citizen@1", "give: citizen@1, per_officer_per_minute: 2, per_client_per_minute: 2")
    two = two.replace(
        "failures: 4, open_seconds: 0.05, longest_seconds: 0.1", "failures: 1, open_seconds: 20, longest_seconds: 20"
    )
    async with running(tmp_path, two) as desk:
        for _ in range(3):
            assert (await desk.ask({**QUESTION, "number": "12"})).kind == "schema-invalid"
            assert (await desk.ask({"number": NUMBER, "name": NAME})).kind == "not-askable"
        desk.population.script = lambda query: NotAsked("question", "/HoVaTen: is empty")
        assert [(await desk.ask()).kind for _ in range(3)] == ["not-askable"] * 3
        desk.population.script = lambda query: NotConnected("refused")
        told = [(await desk.ask()).json["reason"] for _ in range(4)]
        assert told == ["refused", *["breaker_open"] * 3]
        assert [row["outcome"] for row in await desk.record()] == [*["not_askable"] * 3, "unreachable"], "who asked in vain"
        desk.population.script = None
        desk.clock.advance(21)
        assert [(await desk.ask(officer=one)).status for one in ("cb-0001", "cb-0002")] == [200, 429]


@shared
async def test_a_paused_registry_is_not_asked(desk: Desk) -> None:
    """503 of a kind of its own, until an operator resumes it."""
    await desk.hub.store.pause("population", actor="lan", why="maintenance", now=desk.clock())
    answer = await desk.ask()
    assert (answer.status, answer.kind) == (503, "paused") and answer.headers["Retry-After"]
    assert desk.population.asked == [] and await desk.record() == []
    await desk.hub.store.resume("population", actor="lan", now=desk.clock())
    assert (await desk.ask()).status == 200


async def test_a_registry_that_is_down_is_left_alone(tmp_path: Path) -> None:
    """After some failures the breaker answers at once; when its time is over one question goes through, and all after it."""
    patient = config().replace("open_seconds: 0.05, longest_seconds: 0.1", "open_seconds: 30, longest_seconds: 30")
    async with running(tmp_path, patient) as desk:
        desk.population.script = lambda query: NotConnected("refused")
        for _ in range(6):
            assert (await desk.ask()).status == 503
        assert len(desk.population.asked) == 4
        answer = await desk.ask()
        assert answer.json["reason"] == "breaker_open" and 20 <= int(answer.headers["Retry-After"]) <= 30
        desk.population.script = None
        desk.clock.advance(31)
        assert [(await desk.ask()).status for _ in range(2)] == [200, 200]


async def test_nothing_of_an_answer_or_a_person_is_kept(tmp_path: Path) -> None:
    """Not in the store's files, not in the log, not in the metrics: who was asked about is a digest, equal for the same one."""
    written = io.BytesIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure(written, "debug", process=False)
    try:
        async with running(tmp_path) as desk:
            assert (await desk.ask()).json["outcome"] == "found"
            assert (await desk.ask()).json["outcome"] == "found"
            desk.population.script = lambda query: {**PERSON, "GioiTinh": "7"}
            assert (await desk.ask()).status == 502
            desk.population.script = lambda query: ValueError(str(PERSON))
            assert (await desk.ask()).status == 502
            desk.population.script = lambda query: Rejected("unreadable_record", "/CongDan/HoVaTen: a citizen without a name")
            assert (await desk.ask()).status == 422
            desk.population.script = lambda query: Rejected("-3", f"{NAME} {NUMBER}")
            assert (await desk.ask()).status == 422
            digests = [row["digest"] for row in await desk.record()]
            async with aiohttp.ClientSession() as session:
                metrics = await (await session.get(f"http://127.0.0.1:{desk.hub.port}/metrics")).text()
    finally:
        configure(None, "info", process=False)
        root.handlers = handlers
        root.setLevel(level)
    assert len(set(digests)) == 1
    assert 'hub_lookups_total{endpoint="population",kind="look-up",outcome="found"}' in metrics
    kept = b"".join(file.read_bytes() for file in (tmp_path / "home" / "var").iterdir())
    assert b"checked at reception" in kept
    assert b"looked up" in written.getvalue()
    assert "/CongDan/HoVaTen: a citizen without a name" in written.getvalue().decode()
    for value in (*CANARIES, NAME, NAME.upper(), NUMBER, BIRTH):
        for where in (kept, written.getvalue(), metrics.encode()):
            assert value.encode() not in where, value

"""A verify step of two registries: each is asked about the owners that it may know, none twice; what one lacks, hold holds."""

from __future__ import annotations

import asyncio
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from flow.parts import send, settled, states, told, until

from hub.assembly import examine
from hub.connector import Receipt
from hub.delivery import verifying
from hub.dossier.applicant import enterprise_fits, is_no_enterprise
from hub.errors import NotAsked, Rejected, Transient
from lookup.companies import (
    APPLICANT,
    BOTH,
    BUSINESS,
    COMPANY,
    COMPANY_NAME,
    COMPANY_STEP,
    KNOWN,
    LOOKUP,
    STEP,
    both,
    companies,
)
from lookup.parts import NAME, NUMBER, PERSON, POPULATION, Desk, config, running

FLAG = "on_mismatch: flag"
BOTH_FLAG = BOTH.replace("on_mismatch: hold", FLAG)
SECOND_STEP = STEP.replace("with: population", "with: second").replace('"7"', '"8"')
TWO_OF_PEOPLE = f"verify: [{STEP}, {SECOND_STEP}]"
SECOND = POPULATION.replace("  population:", "  second:")
ANOTHER = "business knows another enterprise by the owner's number"
AT = "routes.dossiers-to-portal.verify"
CITIZEN = {"applicantIdType": "citizen", "applicantName": NAME, "applicantIdNo": NUMBER}


def record(index: int = 0, **changed: Any) -> dict[str, Any]:
    mine = {"dossierNo": f"000.00.00.H22-261120-{index:06d}", "dossierId": 800_000 + index, "referenceUid": f"s{index}"}
    return {**told(1)[0].records[0], **mine, **CITIZEN, **changed}


def marks(desk: Desk) -> list[list[str]]:
    sent = [one.body["DSKetNoiCSDL"] for one in desk.portal.calls if one.schema.id == "npsp-dossier"]
    return [[one["MaCSDL"] for one in of] for of in sent]


async def warned(desk: Desk, index: int = 0) -> list[tuple[str, str]]:
    found: Any = await desk.hub.store.dossier(record(index)["dossierNo"])
    events = [one for one in found["timeline"] if one["event"] == "delivered"]
    return [(one["code"], one["message"]) for event in events for one in event.get("warnings", [])]


async def asked(desk: Desk) -> list[tuple[str, str]]:
    return [(one["endpoint"], one["outcome"]) for one in await desk.record()]


async def letter(desk: Desk) -> Any:
    return (await until(desk.hub.store.dead))[0]


async def test_each_is_asked_about_whom_it_may_know(tmp_path: Path) -> None:
    """A citizen at one, an enterprise at the other, and nobody has a warning."""
    async with running(tmp_path, both()) as desk:
        await send(desk.hub, record(1), desk.clock)
        assert await settled(desk.hub) == {"delivered": 2}
        await send(desk.hub, record(2, **APPLICANT), desk.clock)
        assert await settled(desk.hub) == {"delivered": 4}
        assert marks(desk) == [["7"], ["9"]]
        assert await asked(desk) == [("population", "confirmed"), ("business", "confirmed")]
        assert await warned(desk, 1) == await warned(desk, 2) == []
        (question,) = companies().asked
        assert question.body == {"msdn": COMPANY}


@pytest.mark.parametrize(
    ("known", "name", "code", "words"),
    [
        (None, COMPANY_NAME, "applicant_not_found", "business knows no enterprise with the owner's number and name"),
        (KNOWN, "Công ty trách nhiệm hữu hạn Ví Dụ", "applicant_mismatch", ANOTHER),
        ({"province": {**KNOWN["province"], "MaSoDoanhNghiep": "0312345673"}}, COMPANY_NAME, "applicant_mismatch",
         ANOTHER),
        ({"province": {"TenTiengViet": None}}, COMPANY_NAME, "verification_unreadable",
         "the answer of business cannot be translated"),
        (Rejected("ambiguous"), COMPANY_NAME, "verification_refused", "business refused the question (ambiguous)"),
        (NotAsked("number", "/msdn: no"), COMPANY_NAME, "applicant_not_askable", "business cannot be asked about the owner"),
    ],
)  # fmt: skip
async def test_an_enterprise_that_does_not_fit(tmp_path: Path, known: Any, name: str, code: str, words: str) -> None:
    """``hold`` makes a dead letter; ``flag`` sends it unmarked, with the same words."""
    mine = record(1, **{**APPLICANT, "applicantName": name})
    async with running(tmp_path / "hold", both()) as desk:
        companies().script = lambda query: known
        await send(desk.hub, mine, desk.clock)
        held = await letter(desk)
        assert (held["code"], held["reason"], desk.portal.calls) == (code, words, [])
        assert not any(value in str(held) for value in (COMPANY, name, COMPANY_NAME))
    async with running(tmp_path / "flag", both(BOTH_FLAG)) as desk:
        companies().script = lambda query: known
        await send(desk.hub, mine, desk.clock)
        assert await settled(desk.hub) == {"delivered": 2}
        assert (marks(desk), await warned(desk, 1)) == ([[]], [(code, words)])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({**APPLICANT, "applicantIdNo": "070000001"}, "business cannot be asked about the owner: look at number"),
        ({**APPLICANT, "applicantIdNo": ""}, "business cannot be asked about the owner: look at number"),
        ({**APPLICANT, "applicantName": ""}, "business cannot be asked about the owner: look at name"),
        ({"applicantIdNo": NUMBER[:-1]}, "population cannot be asked about the owner: look at number"),
    ],
)
async def test_one_who_cannot_be_asked_about_is_held(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    """By the registry that it lacks something for; the other has no word in it, and nobody is asked."""
    async with running(tmp_path, both()) as desk:
        await send(desk.hub, record(1, **changed), desk.clock)
        held = await letter(desk)
        assert (held["code"], held["reason"], await asked(desk)) == ("applicant_not_askable", reason, [])


async def test_an_owner_of_no_registry_goes_with_one_warning(tmp_path: Path) -> None:
    """Known by a passport alone."""
    async with running(tmp_path, both()) as desk:
        await send(desk.hub, record(1, applicantIdNo="P0000001"), desk.clock)
        assert await settled(desk.hub) == {"delivered": 2}
        ((code, words),) = await warned(desk, 1)
        assert code == "not_verified"
        assert words == (
            "population was not asked: the owner is no citizen; business was not asked: the owner is no enterprise"
        )
        assert (await asked(desk), marks(desk)) == ([], [[]])


async def test_an_enterprise_alone_is_verified_too(tmp_path: Path) -> None:
    """One step, not in a list: a citizen goes with a warning."""
    async with running(tmp_path, both(f"verify: {COMPANY_STEP}")) as desk:
        await send(desk.hub, record(1, **APPLICANT), desk.clock)
        await send(desk.hub, record(2), desk.clock)
        assert await settled(desk.hub) == {"delivered": 4}
        assert sorted(marks(desk)) == [[], ["9"]]
        assert await warned(desk, 2) == [("not_verified", "business was not asked: the owner is no enterprise")]


async def test_a_registry_that_is_paused_stops_its_own_only(tmp_path: Path) -> None:
    """Citizens go on while the enterprises wait; the trace says for what; nothing is counted."""
    async with running(tmp_path, both()) as desk:
        await desk.hub.store.pause("business", actor="lan", why="maintenance", now=desk.clock())
        await send(desk.hub, record(1, **APPLICANT), desk.clock)

        async def waits() -> bool:
            found: Any = await desk.hub.store.dossier(record(1)["dossierNo"])
            return any(one.get("code") == "verification_paused" for one in found["waiting"])

        await until(waits)
        await send(desk.hub, record(2), desk.clock)
        await until(lambda: len(desk.portal.sent(record(2)["dossierNo"])) == 2)
        assert await asked(desk) == [("population", "confirmed")]
        await desk.hub.store.resume("business", actor="lan", now=desk.clock())
        assert await settled(desk.hub) == {"delivered": 4}
        assert sorted(marks(desk)) == [["7"], ["9"]]


async def test_two_who_both_know_the_owner_are_asked_once_each(tmp_path: Path) -> None:
    """While the second does not answer, what the first said is kept: it is not asked again however often the other is tried."""
    text = config(verify=TWO_OF_PEOPLE, population=POPULATION + SECOND.replace("failures: 4", "failures: 100"))
    async with running(tmp_path, text) as desk:
        second = _made("second")
        second.script = lambda query: Transient("http_503")
        await send(desk.hub, record(1), desk.clock)
        await until(lambda: len(second.asked) >= 5)
        assert (len(desk.population.asked), desk.portal.calls) == (1, [])
        second.script = None
        assert await settled(desk.hub) == {"delivered": 2}
        assert (len(desk.population.asked), marks(desk)) == (1, [["7", "8"]])


async def test_who_did_not_answer_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what the first said is old, it is asked anew only when the second has answered."""
    monkeypatch.setattr(verifying, "FRESH_SECONDS", 0.0)
    text = config(verify=TWO_OF_PEOPLE, population=POPULATION + SECOND.replace("failures: 4", "failures: 100"))
    async with running(tmp_path, text) as desk:
        second = _made("second")
        second.script = lambda query: Transient("http_503")
        await send(desk.hub, record(1), desk.clock)
        await until(lambda: len(second.asked) >= 5)
        assert len(desk.population.asked) == 1


async def test_the_second_has_the_last_word_too(tmp_path: Path) -> None:
    """One confirms, the other knows somebody else: held."""
    text = config(verify=TWO_OF_PEOPLE, population=POPULATION + SECOND)
    async with running(tmp_path, text) as desk:
        _made("second").script = lambda query: {**PERSON, "HoVaTen": {"Ten": "Lê Thị Thử"}}
        await send(desk.hub, record(1), desk.clock)
        held = await letter(desk)
        assert (held["code"], held["reason"][:6], desk.portal.calls) == ("applicant_mismatch", "second", [])
        assert await asked(desk) == [("population", "confirmed"), ("second", "mismatch")]


async def test_the_state_after_it_waits_its_turn(tmp_path: Path) -> None:
    """Two states of one enterprise's dossier go in order, though the first waits for the registry."""
    async with running(tmp_path, both()) as desk:
        companies().script = lambda query: Transient("http_503")
        first = record(1, **APPLICANT)
        await send(desk.hub, first, desk.clock)
        await until(lambda: companies().asked)
        await send(desk.hub, {**first, "modifiedDate": "21/11/2026 23:59:59"}, desk.clock)
        await asyncio.sleep(0.2)
        assert [one for one in desk.portal.calls if one.schema.id == "npsp-dossier"] == []
        companies().script = None
        await settled(desk.hub)
        assert states(desk.hub).keys() <= {"delivered", "superseded"} and all(one == ["9"] for one in marks(desk))


async def test_what_is_doubted_at_the_portal_asks_no_registry_again(tmp_path: Path) -> None:
    """Once the bytes are pinned, nobody is asked."""
    async with running(tmp_path, both()) as desk:
        tries: list[int] = []

        def once(message: Any, attempt: Any) -> Any:
            tries.append(1)
            return Transient("http_503") if len(tries) < 3 else Receipt()

        desk.portal.script = once
        await send(desk.hub, record(1, **APPLICANT), desk.clock)
        assert await settled(desk.hub) == {"delivered": 2}
        assert len(companies().asked) == 1


@pytest.mark.parametrize(
    ("text", "at", "code"),
    [
        (both(f"verify: [{STEP}, {STEP}]"), "routes.dossiers-to-portal", "value_error"),
        (both(BOTH.replace("with: business", "with: nobody")), AT, "unknown_endpoint"),
        (both(BOTH.replace("query: enterprise-query@1", "query: citizen-query@1")), AT, "no_mapping"),
        (both(business=BUSINESS.replace("give: enterprise@1", "give: citizen@1")), "endpoints.business.lookup", "no_mapping"),
        (both(business=BUSINESS.replace(LOOKUP, "concurrency: 4")), AT, "no_lookup"),
    ],
)  # fmt: skip
def test_check_finds_what_cannot_work(tmp_path: Path, text: str, at: str, code: str) -> None:
    from flow.parts import make_home

    _, problems, _ = examine(make_home(tmp_path / "home", text))
    assert (at, code) in {(one.at, one.code) for one in problems}, problems


@pytest.mark.parametrize(
    ("asked", "known", "fit"),
    [
        ({"number": COMPANY, "name": COMPANY_NAME}, {"number": COMPANY, "name": "CÔNG TY  TNHH VÍ DỤ"}, True),
        ({"number": COMPANY, "name": unicodedata.normalize("NFD", "Ví Dụ")}, {"number": COMPANY, "name": "Ví Dụ"}, True),
        ({"number": f"{COMPANY}001", "name": "A"}, {"number": f"{COMPANY}-001", "name": "A"}, True),
        ({"number": COMPANY, "name": "A"}, {"number": f"{COMPANY}-001", "name": "A"}, False),
        ({"number": COMPANY, "name": "Công ty TNHH Ví Du"}, {"number": COMPANY, "name": COMPANY_NAME}, False),
        ({"number": COMPANY, "name": "Cty TNHH Ví Dụ"}, {"number": COMPANY, "name": COMPANY_NAME}, False),
        ({"number": COMPANY}, {"number": COMPANY, "name": COMPANY_NAME}, False),
        ({"number": COMPANY, "name": COMPANY_NAME}, {"name": COMPANY_NAME}, False),
    ],
)  # fmt: skip
def test_what_fits_an_enterprise(asked: dict[str, str], known: dict[str, str], fit: bool) -> None:
    assert enterprise_fits(asked, known) is fit


@pytest.mark.parametrize(
    ("owner", "is_none"),
    [(None, False), ({}, False), ({"kind": "enterprise"}, False), ({"kind": "citizen"}, True), ({"kind": "state_body"}, True)],
)
def test_who_is_certainly_no_enterprise(owner: Any, is_none: bool) -> None:
    assert is_no_enterprise({"owner": owner} if owner is not None else {}) is is_none


async def test_the_door_asks_about_an_enterprise(tmp_path: Path) -> None:
    """POST /v1/lookups/business with the right to enterprise-query."""
    async with running(tmp_path, both()) as desk:
        await desk.add_key("tax", "enterprise-query")
        found = await desk.ask({"number": COMPANY}, key="tax", endpoint="business")
        assert (found.status, found.json["outcome"]) == (200, "found")
        assert found.json["answer"] == {"number": COMPANY, "name": "CÔNG TY TNHH VÍ DỤ"}
        assert (await desk.ask({"number": "0312345673"}, key="tax", endpoint="business")).json["outcome"] == "not_found"
        assert (await desk.ask({"number": "12"}, key="tax", endpoint="business")).status == 422
        assert (await desk.ask({"number": COMPANY}, key="desk", endpoint="business")).status == 403
        companies().script = lambda query: NotAsked("number", "/msdn: no enterprise can have it")
        refused = await desk.ask({"number": COMPANY}, key="tax", endpoint="business")
        assert (refused.status, refused.errors) == (422, {("/query/number", "not_sendable")})


def _made(name: str) -> Any:
    from flow.parts import MADE

    return MADE[name]

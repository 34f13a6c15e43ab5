"""The verify step of a route: asked before the first attempt, never after; flagged when it fits, held or waiting when not."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from flow.parts import MovableClock, make_home, send, settled, states, told, until
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from hub.assembly import assemble
from hub.changes import differences
from hub.cli.main import app
from hub.cli.replay_difference import Foresight
from hub.connector import Receipt
from hub.errors import InDoubt, NotAsked, NotConnected, Rejected, Transient
from hub.in_effect import describe
from lookup.parts import CANARIES, LOOKUP, NAME, NUMBER, PERSON, VERIFY, Desk, config, running

FLAG = VERIFY.replace("on_mismatch: hold", "on_mismatch: flag")
NUMBERS = itertools.count(1)


@dataclass
class Since(Desk):
    """A desk of one test at a hub of many: what others put on record and delivered before is not shown."""

    recorded: int = 0
    before: dict[str, int] = field(default_factory=dict)

    async def record(self) -> list[Any]:
        return (await super().record())[self.recorded :]

    async def settled(self) -> dict[str, int]:
        """By how much each state has other deliveries than before, once nothing can move any more."""
        after = await settled(self.hub)
        changes = {state: after.get(state, 0) - self.before.get(state, 0) for state in after | self.before}
        return {state: change for state, change in changes.items() if change}


@pytest_asyncio.fixture(loop_scope="module")
async def desk(open_all_day: Desk) -> Since:
    """It, with the registry in order, nobody asked and nothing sent yet."""
    desk = open_all_day
    desk.population.script = None
    desk.population.asked.clear()
    desk.portal.calls.clear()
    recorded = len(await desk.record())
    return Since(desk.hub, desk.population, desk.portal, desk.clock, desk.keys, recorded, states(desk.hub))


def shared(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a test that uses ``desk``; it sends a dossier of its own, ``another()``."""
    marked: Callable[..., Any] = pytest.mark.xdist_group("lookup_verify")(pytest.mark.asyncio(loop_scope="module")(test))
    return marked


def record(index: int = 0, **changed: Any) -> dict[str, Any]:
    """The first record of a story, its applicant the person whom the registry knows."""
    applicant = {"applicantIdType": "citizen", "applicantName": NAME, "applicantIdNo": NUMBER}
    return {**told(index + 1)[index].records[0], **applicant, **changed}


def another(**changed: Any) -> dict[str, Any]:
    """Such a record, of a dossier that no other test sends."""
    number = next(NUMBERS)
    mine: dict[str, Any] = {
        "dossierNo": f"000.00.10.H22-261120-9{number:03d}",
        "referenceUid": f"own-{number}",
        "dossierId": 900_000 + number,
    }
    return record(**mine, **changed)


def consulted(desk: Desk) -> list[Any]:
    """DSKetNoiCSDL of every dossier sent, in order of the calls."""
    return [one.body["DSKetNoiCSDL"] for one in desk.portal.calls if one.schema.id == "npsp-dossier"]


async def warnings(desk: Desk, code: str) -> list[str]:
    found: Any = await desk.hub.store.dossier(code)
    return [one["code"] for event in found["timeline"] if event["event"] == "delivered" for one in event.get("warnings", [])]


def shell(desk: Desk, *arguments: str) -> str:
    """What a command prints beside the running hub."""
    ran = CliRunner(env={"HUB_HOME": str(desk.hub.home.folder)}).invoke(app, list(arguments))
    assert ran.exit_code == 0, ran.output
    return ran.stdout


async def unmarked(desk: Desk, code: str) -> float:
    """How many dossiers went to the portal without the mark for this reason, as an operator's monitoring reads it."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{desk.hub.port}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    shown = ("hub_unmarked_total", {"endpoint": "portal", "route": "dossiers-to-portal", "code": code})
    return sum(one.value for family in families for one in family.samples if (one.name, one.labels) == shown)


async def dead(desk: Desk) -> list[Any]:
    return list(await desk.hub.store.dead())


async def waiting(desk: Desk, code: str) -> Any:
    found: Any = await desk.hub.store.dossier(code)
    return next((one for one in found["waiting"] if one["stream"] == "dossier"), None)


@shared
async def test_an_owner_who_fits_is_flagged(desk: Since) -> None:
    """The registry is asked in the configured name, on the ground of the procedure, and stands among the consulted once."""
    mine = another()
    await send(desk.hub, mine, desk.clock)
    assert await desk.settled() == {"delivered": 2}
    assert consulted(desk) == [[{"MaCSDL": "7"}]]
    (asked,) = desk.population.asked
    assert (asked.body["MaCanBo"], asked.body["SoDinhDanh"], asked.body["HoVaTen"]) == ("hub-0001", NUMBER, NAME)
    assert asked.body["NgayThangNamSinh"] == {"Nam": "1990"}
    (row,) = await desk.record()
    assert (row["kind"], row["outcome"], row["key"]) == ("verify", "confirmed", "route:dossiers-to-portal")
    assert (row["dossier"], row["officer"]) == (mine["dossierNo"], "hub-0001")
    assert await warnings(desk, mine["dossierNo"]) == []


@shared
async def test_a_dry_run_knows_what_verification_marks(desk: Since) -> None:
    """The mark of the first attempt is no difference: it is asked again, and may be marked again."""
    desk.portal.script = lambda message, attempt: Rejected("no")
    await send(desk.hub, another(), desk.clock)
    letter = next(one for one in await until(lambda: dead(desk)) if one["stream"] == "dossier")
    foresight = Foresight(assemble(desk.hub.home.folder), desk.hub.store, show_values=True)
    told = await foresight.of(letter)
    assert told["differences"] == [] and told["outcome"] == "would be sent as it was; verified again before it is sent"
    desk.portal.script = lambda message, attempt: Receipt()
    for one in await dead(desk):
        await desk.hub.store.replay(one["delivery"], actor="lan", why="mended", adopt=False, now=desk.clock())
    assert await desk.settled() == {"delivered": 2}


def test_a_plan_sees_the_mappings_of_questions(tmp_path: Path) -> None:
    """Those that only a verify step or a look-up uses, and their answers."""
    home = make_home(tmp_path, config())
    before = describe(assemble(home), assemble(home).home.config, bytes.hex)
    assert {"c06-to-citizen@1.0.0", "citizen-query-to-c06@1.0.0", "dossier-to-citizen-query@1.0.0"} <= {
        *before["mappings"]
    } and before["lookups"]["population"]["ways"]
    for path in (home / "mappings").glob("*citizen*/*.yaml"):
        path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    found = differences(before, describe(assemble(home), assemble(home).home.config, bytes.hex))
    assert {("route", "dossiers-to-portal"), ("look-up", "population")} <= {(one.what, one.name) for one in found}


async def test_a_verify_step_by_an_endpoint_that_does_not_run_needs_a_restart(tmp_path: Path) -> None:
    """A reload refuses it, whether the endpoint or only its lookup is new."""
    without = config(verify="").replace(f"    {LOOKUP}\n", "")
    async with running(tmp_path, without) as desk:
        (desk.hub.home.folder / "config.yaml").write_text(config(), encoding="utf-8")
        (problem,) = desk.hub.reload()
        assert problem.code == "needs_restart" and "population" in problem.message


@shared
async def test_the_record_is_found_by_the_dossier(desk: Since) -> None:
    """By whatever a system calls it, and it is told by the code that `hub trace` knows."""
    mine, other = another(), another()
    for one in (mine, other):
        await send(desk.hub, one, desk.clock)
    await desk.settled()
    for code in (mine["dossierNo"], mine["referenceUid"]):
        (found,) = json.loads(await asyncio.to_thread(shell, desk, "lookups", "--dossier", code, "--json"))["lookups"]
        assert (found["dossier"], found["outcome"]) == (mine["dossierNo"], "confirmed")
    listed = await asyncio.to_thread(shell, desk, "lookups", "--dossier", mine["dossierNo"])
    assert mine["dossierNo"] in listed and other["dossierNo"] not in listed
    assert "nothing on record" in await asyncio.to_thread(shell, desk, "lookups", "--dossier", "no-such")


@shared
async def test_a_connector_that_cannot_send_the_question(desk: Since) -> None:
    """Held; on record it was not asked."""
    desk.population.script = lambda query: NotAsked("officer", "/MaCanBo: officer_keys has no key for the officer who asks")
    mine = another()
    await send(desk.hub, mine, desk.clock)

    (letter,) = await until(lambda: dead(desk))
    assert letter["code"] == "applicant_not_askable"
    (row,) = await desk.record()
    assert (row["outcome"], row["dossier"]) == ("not_askable", mine["dossierNo"])
    assert row["reason"] == "/MaCanBo: officer_keys has no key for the officer who asks"
    desk.population.script = None
    await desk.hub.store.replay(letter["delivery"], actor="lan", why="mended", adopt=False, now=desk.clock())
    assert await desk.settled() == {"delivered": 2}


async def test_it_is_asked_once_however_often_it_is_sent(tmp_path: Path) -> None:
    """Once the bytes are pinned nobody asks again: not for a retry, not for a doubt, not after a restart."""
    failures = iter([NotConnected("refused"), InDoubt("reset", "lost")])

    async with running(tmp_path) as desk:
        desk.portal.script = lambda message, attempt: next(failures, Receipt())
        await send(desk.hub, record(), desk.clock)
        await until(lambda: len(desk.portal.calls) >= 2)
    async with running(tmp_path) as desk:
        assert await settled(desk.hub) == {"delivered": 2}
        assert consulted(desk) == [[{"MaCSDL": "7"}]]
        assert [row["outcome"] for row in await desk.record()] == ["confirmed"]


async def test_a_hub_that_ends_between_asking_and_sending_asks_again(tmp_path: Path) -> None:
    """Harmless, and on record twice; the dossier is sent once."""
    never = asyncio.Event()
    async with running(tmp_path) as desk:
        desk.population.script = lambda query: never.wait()
        await send(desk.hub, record(), desk.clock)
        await until(lambda: desk.population.asked)
        assert desk.portal.calls == []
    async with running(tmp_path) as desk:
        assert await settled(desk.hub) == {"delivered": 2}
        assert [row["outcome"] for row in await desk.record()] == ["asked", "confirmed"]
        assert consulted(desk) == [[{"MaCSDL": "7"}]]


async def test_a_registry_that_opens_after_the_partner_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waited over a restart is not put off because its registry stands further down in the configuration."""
    async with running(tmp_path) as desk:
        desk.population.script = lambda query: asyncio.Event().wait()
        await send(desk.hub, record(), desk.clock)
        await until(lambda: desk.population.asked)
        kind = type(desk.population)

    async def slowly(self: object) -> None:
        for _ in range(1000):  # every other task of the loop has its turn meanwhile
            await asyncio.sleep(0)

    monkeypatch.setattr(kind, "open", slowly)
    async with running(tmp_path) as desk:
        assert list(desk.hub.home.config.endpoints) == ["portal", "population"]
        assert await settled(desk.hub) == {"delivered": 2}


async def test_a_code_of_an_answer_is_not_kept_either(tmp_path: Path) -> None:
    """The dead letter names the place in the answer and what kind of thing is wrong, so that the table can be mended."""
    async with running(tmp_path) as desk:
        desk.population.script = lambda query: {**PERSON, "GioiTinh": "CANARY7"}
        await send(desk.hub, record(), desk.clock)
        (letter,) = await until(lambda: dead(desk))
        assert [(one["at"], one["code"]) for one in letter["problems"]] == [("gender", "not_in_table")]
        assert "c06-genders" in letter["problems"][0]["hint"]
    assert b"CANARY7" not in b"".join(file.read_bytes() for file in (tmp_path / "home" / "var").iterdir())


OTHER = {**PERSON, "HoVaTen": {"Ten": "Lê Thị Thử"}}
BORN_LATER = {**PERSON, "NgayThangNamSinh": {"Nam": "1991"}}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (None, "applicant_not_found"),
        (OTHER, "applicant_mismatch"),
        (BORN_LATER, "applicant_mismatch"),
        (Rejected("-3", "no"), "verification_refused"),
        ({**PERSON, "GioiTinh": "7"}, "verification_unreadable"),
    ],
    ids=["nobody", "another name", "another birth", "refused", "unreadable"],
)
@shared
async def test_an_owner_who_does_not_fit_is_held(desk: Since, said: Any, code: str) -> None:
    """A dead letter before any call, with the cause as its code; replayed it is asked again, and goes when it fits."""
    desk.population.script = lambda query: said
    mine = another()
    await send(desk.hub, mine, desk.clock)
    (letter,) = await until(lambda: dead(desk))
    assert (letter["code"], letter["attempts"]) == (code, 0)
    assert desk.portal.calls == []
    assert not any(value in str(letter) for value in (*CANARIES, NAME, NUMBER, "Lê Thị Thử"))
    desk.population.script = None
    await desk.hub.store.replay(letter["delivery"], actor="lan", why="mended", adopt=False, now=desk.clock())
    assert await desk.settled() == {"delivered": 2}
    assert consulted(desk) == [[{"MaCSDL": "7"}]]
    assert [row["outcome"] for row in await desk.record()][-1] == "confirmed"


@pytest.mark.parametrize(
    ("said", "code"), [(None, "applicant_not_found"), (OTHER, "applicant_mismatch")], ids=["nobody", "another"]
)
async def test_an_owner_who_does_not_fit_may_go_without_the_flag(tmp_path: Path, said: Any, code: str) -> None:
    """``flag``: delivered, not flagged, and what was found out is a warning of the delivery."""
    async with running(tmp_path, config(verify=FLAG)) as desk:
        desk.population.script = lambda query: said
        before = await unmarked(desk, code)
        await send(desk.hub, record(), desk.clock)
        assert await settled(desk.hub) == {"delivered": 2}
        assert consulted(desk) == [[]]
        assert await unmarked(desk, code) == before + 1
        assert await warnings(desk, record()["dossierNo"]) == [code]


@pytest.mark.parametrize(
    "changed",
    [
        {"applicantIdType": "business", "applicantIdNo": "0100000001", "applicantName": "Công ty Mẫu"},
        {"applicantIdNo": "P0000001"},
    ],
    ids=str,
)
@shared
async def test_who_cannot_be_asked_about_is_not_held(desk: Since, changed: dict[str, Any]) -> None:
    """An organisation, a passport: sent, with a warning. Of others, see test_verify_hold."""
    mine = another(**changed)
    await send(desk.hub, mine, desk.clock)
    assert await desk.settled() == {"delivered": 2}
    assert (consulted(desk), desk.population.asked) == ([[]], [])
    assert await warnings(desk, mine["dossierNo"]) == ["not_verified"]
    assert await desk.record() == []


@pytest.mark.parametrize(
    "error", [NotConnected("refused"), Transient("http_503"), InDoubt("read_timeout"), KeyError(NAME)], ids=str
)
async def test_a_registry_that_is_away_makes_no_dead_letters(tmp_path: Path, error: Exception) -> None:
    """The delivery waits, uncounted, and says why; when the registry is back it goes, flagged."""
    code = record()["dossierNo"]
    async with running(tmp_path) as desk:
        desk.population.script = lambda query: error
        await send(desk.hub, record(), desk.clock)
        await until(lambda: len(desk.population.asked) > 6)
        assert await dead(desk) == [] and desk.portal.calls == []

        async def says_why() -> bool:
            one = await waiting(desk, code)
            return bool(one["code"] == "verification_unreachable" and one["reason"].startswith("population did not answer ("))

        await until(says_why)
        seen = await desk.hub.store.overview(("population", "portal"))
        assert [(one.kind, one.at_whom, one.dossier) for one in seen.errors] == [("pending", "portal", code)]
        assert seen.endpoints[0].last_failure is not None
        assert NAME not in str(seen)
        traced, status = await asyncio.to_thread(shell, desk, "trace", code), await asyncio.to_thread(shell, desk, "status")
        assert "not sent yet: population" in traced and "nothing; the registry is asked again" in traced
        assert "pending" in status and "verification_" in status
        desk.population.script = None
        assert await settled(desk.hub) == {"delivered": 2}
        assert consulted(desk) == [[{"MaCSDL": "7"}]]
        found: Any = await desk.hub.store.dossier(code)
        assert [one["number"] for one in found["timeline"] if one["event"] == "attempt"] == [1, 1]


async def test_a_registry_that_hangs_holds_up_no_other_lane(tmp_path: Path) -> None:
    """More dossiers than the portal's concurrency wait for an answer; one that need not be asked about is delivered."""
    never = asyncio.Event()
    async with running(tmp_path) as desk:
        desk.population.script = lambda query: never.wait()
        for index in range(6):
            await send(desk.hub, record(index), desk.clock)
        await until(lambda: len(desk.population.asked) >= 3)
        await send(desk.hub, record(6, applicantIdType="business"), desk.clock)
        code = record(6)["dossierNo"]
        await until(lambda: len(desk.portal.sent(code)) == 2)
        assert len(desk.population.asked) == 3, "one place of the registry's four is left for people"
        look_up = asyncio.create_task(desk.ask())
        await until(lambda: len(desk.population.asked) == 4)
        look_up.cancel()
        never.set()


@shared
async def test_a_paused_registry_is_waited_for(desk: Since) -> None:
    """Nobody is asked, nothing is dead; resumed, the dossier goes."""
    mine = another()
    await desk.hub.store.pause("population", actor="lan", why="maintenance", now=desk.clock())
    await send(desk.hub, mine, desk.clock)

    async def paused() -> bool:
        one = await waiting(desk, mine["dossierNo"])
        return bool(one.get("code") == "verification_paused")

    await until(paused)
    assert desk.population.asked == [] and await desk.record() == []
    await desk.hub.store.resume("population", actor="lan", now=desk.clock())
    assert await desk.settled() == {"delivered": 2}


@shared
async def test_the_message_itself_stays_as_it_was(desk: Since) -> None:
    """Only what is sent has the flag: sent to another endpoint, or read, the canonical dossier has none."""
    mine = another()
    await send(desk.hub, mine, desk.clock)
    assert await desk.settled() == {"delivered": 2}
    messages = await desk.hub.store.messages_without("another-route", "dossier", None, 100)
    (found,) = (one for one in messages if mine["dossierNo"].encode() in one["content"])
    assert b"databases_consulted" not in found["content"]


async def test_a_clock_that_runs_on_makes_an_answer_old(tmp_path: Path) -> None:
    """What a registry said is used for a delivery that begins soon; after a long wait it is asked again."""
    clock = MovableClock()
    async with running(tmp_path, clock=clock) as desk:
        asked = desk.population.asked

        async def late(query: Any) -> Any:
            if len(asked) == 1:
                await desk.hub.store.pause("portal", actor="lan", why="maintenance", now=clock())
            return PERSON

        desk.population.script = late
        await send(desk.hub, record(), clock)
        await until(lambda: asked)

        async def answered() -> bool:
            return [row["outcome"] for row in await desk.record()] == ["confirmed"]

        await until(answered)
        await until(
            lambda: not any(one.get_name().startswith("verify:") for one in asyncio.all_tasks())
        )  # it knows when that was
        clock.advance(400)
        await desk.hub.store.resume("portal", actor="lan", now=clock())
        assert await settled(desk.hub) == {"delivered": 2}
        assert len(asked) == 2


async def test_a_registry_with_a_rate_is_asked_no_faster(tmp_path: Path) -> None:
    """The endpoint's rate holds for verifications too: those beyond it wait for their turn, uncounted."""
    slow = config().replace("deadline_seconds: 10", "deadline_seconds: 10\n    rate: 0.01")
    clock = MovableClock()
    async with running(tmp_path, slow, clock) as desk:
        codes = [record(index)["dossierNo"] for index in range(3)]
        for index in range(3):
            await send(desk.hub, record(index), clock)

        async def others_wait(count: int) -> bool:
            found = [await waiting(desk, code) for code in codes]
            return [one.get("code") for one in found if one] == ["verification_waits"] * count

        for asked in (1, 2, 3):
            await until(lambda: others_wait(3 - asked))  # noqa: B023
            assert len(desk.population.asked) == asked
            clock.advance(110)
        assert await settled(desk.hub) == {"delivered": 6}

"""A crowd that waits for a registry: its state is looked at, not tried with each of them, and what needs none flows on."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow.parts import send, states, told, until

from hub.connector import Receipt
from hub.delivery import verifying, waiting
from hub.delivery.behind import LONGEST_SECONDS, PAGE, SOON_SECONDS, Behind
from hub.delivery.verify import Verification
from hub.errors import Transient
from hub.message import SchemaRef
from hub.store.values import Due
from lookup.parts import NAME, NUMBER, POPULATION, VERIFY, Desk, config, running

MANY = 1_000
TOGETHER = 50
FLAG = VERIFY.replace("on_mismatch: hold", "on_mismatch: flag")
UNHURRIED = "".join(line for line in POPULATION.splitlines(keepends=True) if "retry:" not in line and "breaker:" not in line)


def record(index: int, **changed: Any) -> dict[str, Any]:
    """A dossier of its own for each index, the applicant the person whom the registry knows."""
    applicant = {"applicantIdType": "citizen", "applicantName": NAME, "applicantIdNo": NUMBER}
    mine = {"dossierNo": f"000.00.00.H22-261120-{index:06d}", "dossierId": 700_000 + index, "referenceUid": f"r{index}"}
    return {**told(1)[0].records[0], **applicant, **mine, **changed}


def business(index: int) -> dict[str, Any]:
    return record(index, applicantIdType="business", applicantIdNo="0100000001")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[collections.Counter[str]]:
    """How many questions were made of deliveries, and what the log says."""
    count: collections.Counter[str] = collections.Counter()
    question = Verification.question

    def counting(self: Verification, *arguments: Any) -> Any:
        count["questions"] += 1
        return question(self, *arguments)

    monkeypatch.setattr(Verification, "question", counting)
    for name in ("warning", "info"):
        monkeypatch.setattr(waiting.log, name, lambda event, **_: count.update([event]), raising=False)
    yield count


def count_settles(desk: Desk, count: collections.Counter[str]) -> None:
    settle = desk.hub.store.settle

    async def counting(settlement: Any, now: int) -> bool:
        count["settles"] += 1
        count[settlement.code] += 1
        return await settle(settlement, now)

    desk.hub.store.settle = counting  # type: ignore[method-assign]


async def send_behind_a_pause(desk: Desk, count: int) -> None:
    """So many, sent while the portal is paused, so that all are due at once."""
    await desk.hub.store.pause("portal", actor="lan", why="a test", now=desk.clock())
    for begin in range(0, count, TOGETHER):
        together = range(begin, min(begin + TOGETHER, count))
        await asyncio.gather(*(send(desk.hub, record(index), desk.clock) for index in together))
    await desk.hub.store.resume("portal", actor="lan", now=desk.clock())


async def test_a_thousand_behind_a_paused_registry_wait_quietly(tmp_path: Path, counted: collections.Counter[str]) -> None:
    """Each says once what it waits for; then nothing is written, translated or logged, and others flow on past them."""
    async with running(tmp_path, config(population=UNHURRIED)) as desk:
        count_settles(desk, counted)
        await desk.hub.store.pause("population", actor="lan", why="maintenance", now=desk.clock())
        await send_behind_a_pause(desk, MANY)
        await until(lambda: counted["verification_paused"] >= MANY)
        await asyncio.sleep(SOON_SECONDS + 1)
        assert counted["settles"] == MANY and counted["questions"] <= MANY + 100
        assert counted["verification_waits"] == 1
        await send(desk.hub, business(MANY), desk.clock)
        await until(lambda: len(desk.portal.sent(business(MANY)["dossierNo"])) == 2)
        assert desk.population.asked == []
        await desk.hub.store.resume("population", actor="lan", now=desk.clock())
        await until(lambda: len(desk.population.asked) > 20 and len(desk.portal.calls) > 20)
        assert counted["verification_goes_on"] == 1
        assert not states(desk.hub).get("dead")


@pytest.mark.parametrize("why", ["rate", "rest"])
async def test_a_registry_that_rests_is_not_tried_with_each(
    tmp_path: Path, counted: collections.Counter[str], why: str
) -> None:
    """Its rate used up, or after failures: one write for each that waits, though its state comes and goes."""
    text = UNHURRIED + ("    rate: 2\n" if why == "rate" else "    breaker: { failures: 2, open_seconds: 1 }\n")
    async with running(tmp_path, config(population=text)) as desk:
        if why == "rest":
            desk.population.script = lambda query: Transient("http_503")
        count_settles(desk, counted)
        began = time.monotonic()
        await send_behind_a_pause(desk, 300)
        await until(lambda: counted["verification_waits"] >= 280)
        await asyncio.sleep(2)
        asked = len(desk.population.asked)
        assert 2 <= asked <= 10 + 4 * (time.monotonic() - began)  # not one for each of 300
        assert counted["settles"] <= 310 + 2 * asked
        assert counted["questions"] <= 400 + 2 * asked


async def test_a_crowd_of_failures_does_not_begin_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More deliveries fail than are remembered: none of them is taken for one that never failed."""
    monkeypatch.setattr(verifying, "REMEMBERED", 5)
    numbers: collections.Counter[int] = collections.Counter()
    verdict = Verification.verdict

    async def counting(self: Verification, due: Due, verify: Any, question: Any, number: int) -> Any:
        numbers[number] += 1
        return await verdict(self, due, verify, question, number)

    monkeypatch.setattr(Verification, "verdict", counting)
    text = POPULATION.replace("failures: 4", "failures: 100000")
    async with running(tmp_path, config(population=text)) as desk:
        desk.population.script = lambda query: Transient("http_503")
        await send_behind_a_pause(desk, 40)
        await until(lambda: numbers.total() > 300)
    assert numbers[0] <= 20


async def test_a_verdict_is_not_used_under_another_configuration(tmp_path: Path) -> None:
    """Who was to be sent unverified under ``flag`` is asked about again, and held, after a reload to ``hold``."""
    may_end = asyncio.Event()

    async def slowly(message: Any, attempt: Any) -> Receipt:
        await may_end.wait()
        return Receipt()

    async with running(tmp_path, config(verify=FLAG)) as desk:
        desk.population.script = lambda query: None
        desk.portal.script = slowly
        for index in range(8):
            await send(desk.hub, record(index), desk.clock)
        await until(lambda: len(desk.portal.calls) == 4 and len(desk.population.asked) == 8)
        await asyncio.sleep(0.3)
        (desk.hub.home.folder / "config.yaml").write_text(config(), encoding="utf-8")
        assert not desk.hub.reload()
        before = sum(call.schema.id == "npsp-dossier" for call in desk.portal.calls)
        may_end.set()
        await until(lambda: states(desk.hub).get("dead") == 8 - before)
        assert sum(call.schema.id == "npsp-dossier" for call in desk.portal.calls) == before


async def test_an_answer_that_comes_after_a_reload_is_asked_for_again(tmp_path: Path) -> None:
    """Asked under ``hold``, answered under ``flag``: sent with a warning, and no dead letter."""
    may_end = asyncio.Event()

    async def nobody(query: Any) -> None:
        await may_end.wait()

    async with running(tmp_path) as desk:
        desk.population.script = nobody
        await send(desk.hub, record(0), desk.clock)
        await until(lambda: desk.population.asked)
        (desk.hub.home.folder / "config.yaml").write_text(config(verify=FLAG), encoding="utf-8")
        assert not desk.hub.reload()
        may_end.set()
        await until(lambda: states(desk.hub) == {"delivered": 2})
        assert len(desk.population.asked) == 2


class Pages:
    """A store of so many that are due, each page of which takes ``seconds`` to read."""

    def __init__(self, count: int, seconds: float) -> None:
        self.now, self.seconds, self.read = 1000.0, seconds, 0
        self.all = [_due(place) for place in range(1, count + 1)]

    async def due(self, endpoint: str, now: int, limit: int, after: Any) -> list[Due]:
        self.now += self.seconds
        self.read += 1
        return [due for due in self.all if due.place > after][:limit]


def _due(place: int) -> Due:
    names = Due.__dataclass_fields__
    given = {name: None for name in names} | {
        "delivery_id": f"{place:06d}",
        "next_at": place,
        "schema": SchemaRef("a", "1.0.0"),
    }
    return Due(**given)  # type: ignore[arg-type]


async def through(behind: Behind, pages: Pages, standing_still: float = 0.0) -> None:
    """Once through all of them, standing still between the pages."""
    more = True
    while more:
        found, more = await behind.page((0, ""), 0)
        behind.passed(found, None)
        pages.now += standing_still


async def looked_again_after(behind: Behind, pages: Pages) -> float:
    """Seconds until the first page is read again."""
    began = pages.now
    while pages.now - began < 10_000:
        found, _ = await behind.page((0, ""), 0)
        behind.passed(found, None)
        if found and found[0] is pages.all[0]:
            return pages.now - began
        pages.now += 0.5
    raise AssertionError("never looked at again")


@pytest.mark.parametrize(("seconds", "standing_still"), [(0.01, 0.0), (0.01, 3600.0), (5.0, 0.0)], ids=str)
async def test_all_is_looked_through_again_soon(seconds: float, standing_still: float) -> None:
    """However long it took, and for whatever else was waited meanwhile."""
    pages = Pages(3 * PAGE + 1, seconds)
    behind = Behind("portal", pages, lambda: pages.now)  # type: ignore[arg-type]
    await through(behind, pages, standing_still)
    assert await looked_again_after(behind, pages) <= LONGEST_SECONDS + 2 * seconds + 1


async def test_a_delivery_that_ends_has_all_looked_through_sooner() -> None:
    """Soon, but no more than half the time goes into it."""
    for seconds, soon in ((0.01, SOON_SECONDS), (2.0, 8.0)):
        pages = Pages(3 * PAGE + 1, seconds)
        behind = Behind("portal", pages, lambda: pages.now)  # type: ignore[arg-type]  # noqa: B023
        await through(behind, pages)
        behind.ended()
        assert soon - 1 <= await looked_again_after(behind, pages) <= soon + 2 * seconds + 1

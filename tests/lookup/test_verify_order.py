"""The verify step among many: what needs no verification flows on, and the questions keep step with the portal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from flow.parts import send, settled, told, until

from hub.connector import Receipt
from lookup.parts import NAME, NUMBER, PERSON, Desk, config, running

MANY = 300
"""More dossiers than are asked about, looked at in one page, or under way at once."""
CONCURRENCY = 4


def records(count: int) -> list[dict[str, Any]]:
    """The first state of so many dossiers, the applicant of each the person whom the registry knows."""
    applicant = {"applicantIdType": "citizen", "applicantName": NAME, "applicantIdNo": NUMBER}
    return [{**story.records[0], **applicant} for story in told(count)]


async def send_all(desk: Desk, given: list[dict[str, Any]]) -> None:
    for one in given:
        await send(desk.hub, one, desk.clock)


async def test_what_needs_no_verification_flows_on_behind_a_registry_that_hangs(tmp_path: Path) -> None:
    """Hundreds wait for an answer; a business owner's dossier and what comes after it are delivered, nothing else is."""
    never = asyncio.Event()
    async with running(tmp_path) as desk:
        desk.population.script = lambda query: never.wait()
        *citizens, business, another = records(MANY + 2)
        await send_all(desk, citizens)
        for one in (business, another):
            one |= {"applicantIdType": "business", "applicantIdNo": "0100000001"}
            await send(desk.hub, one, desk.clock)
            await until(lambda: len(desk.portal.sent(one["dossierNo"])) == 2)  # noqa: B023
            assert [name for name, _ in desk.portal.sent(one["dossierNo"])] == ["npsp-dossier", "npsp-progress"]
        assert len(desk.portal.calls) == 4
        assert len(desk.population.asked) <= 4
        never.set()


async def test_a_head_that_comes_forward_among_those_that_wait_is_found(tmp_path: Path) -> None:
    """The second message of a business stands among hundreds that wait, and is found again when the first one is delivered."""
    never, first, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slowly(message: Any, attempt: Any) -> Receipt:
        first.set()
        await may_end.wait()
        return Receipt()

    async with running(tmp_path) as desk:
        desk.population.script = lambda query: never.wait()
        desk.portal.script = slowly
        *citizens, business, newest = records(MANY + 2)
        await send_all(desk, citizens[: MANY // 2])
        business |= {"applicantIdType": "business", "applicantIdNo": "0100000001"}
        await send(desk.hub, business, desk.clock)
        await until(first.is_set)
        await send_all(desk, citizens[MANY // 2 :])
        newest |= {"applicantIdType": "business", "applicantIdNo": "0100000001"}
        await send(desk.hub, newest, desk.clock)
        await until(lambda: len(desk.portal.calls) == 2)
        may_end.set()
        await until(lambda: len(desk.portal.sent(newest["dossierNo"])) == 2)
        desk.clock.advance(60)
        await until(lambda: len(desk.portal.sent(business["dossierNo"])) == 2)
        never.set()


async def test_the_questions_keep_step_with_a_slow_portal(tmp_path: Path) -> None:
    """No more people are asked about than the portal will soon be given, and each of them once."""
    may_end = asyncio.Semaphore(0)
    delivered = 0

    async def slowly(message: Any, attempt: Any) -> Receipt:
        nonlocal delivered
        await may_end.acquire()
        delivered += 1
        return Receipt()

    async with running(tmp_path) as desk:
        desk.portal.script = slowly
        given = records(40)
        await send_all(desk, given)
        for _ in range(2 * len(given)):
            await until(lambda: len(desk.portal.calls) - delivered == min(CONCURRENCY, 2 * len(given) - delivered))
            sent = sum(call.schema.id == "npsp-dossier" for call in desk.portal.calls)
            assert len(desk.population.asked) <= sent + 2 * CONCURRENCY
            before = delivered
            may_end.release()
            await until(lambda: delivered > before)  # noqa: B023
        assert await settled(desk.hub) == {"delivered": 2 * len(given)}
        assert [row["outcome"] for row in await desk.record()] == ["confirmed"] * len(given)


async def test_a_portal_with_a_rate_is_not_asked_for_further_ahead_than_an_answer_lasts(tmp_path: Path) -> None:
    """One delivery in a hundred seconds: one question ahead, whatever the concurrency; nobody is asked about twice."""
    slow = config().replace("    concurrency: 4\n", "    concurrency: 4\n    rate: 0.01\n")
    assert slow != config()
    async with running(tmp_path, slow) as desk:
        await send_all(desk, records(3))
        for count in range(1, 7):
            await until(lambda: len(desk.portal.calls) == count)  # noqa: B023
            desk.clock.advance(110)
        assert await settled(desk.hub) == {"delivered": 6}
        assert [row["outcome"] for row in await desk.record()] == ["confirmed"] * 3


async def test_answers_about_what_was_replaced_make_room(tmp_path: Path) -> None:
    """A newer state takes the place of those that were asked about and wait: others are asked about and delivered."""
    text = config().replace("to: portal, as: npsp-dossier@1,", "to: portal, as: npsp-dossier@1, coalesce: true,")
    assert text != config()
    async with running(tmp_path, text) as desk:
        asked = desk.population.asked
        stop = asyncio.Event()

        async def paused_first(query: Any) -> Any:
            if not stop.is_set():
                stop.set()
                await desk.hub.store.pause("portal", actor="lan", why="maintenance", now=desk.clock())
            return PERSON

        desk.population.script = paused_first
        stories = [story.records for story in told(2 * CONCURRENCY)]
        applicant = {"applicantIdType": "citizen", "applicantName": NAME, "applicantIdNo": NUMBER}
        for given in stories:
            await send(desk.hub, {**given[0], **applicant}, desk.clock)

        async def answered() -> bool:
            return bool(asked) and all(row["outcome"] == "confirmed" for row in await desk.record())

        await until(answered)
        for given in stories:
            await send(desk.hub, {**given[1], **applicant}, desk.clock)
        await desk.hub.store.resume("portal", actor="lan", now=desk.clock())
        assert (await settled(desk.hub)).keys() <= {"delivered", "superseded"}

"""The demo's agenda (lives in their order, all ways by one clock, what waits), and the steps of a dossier among its lines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.demo.agenda import Agenda, Turn
from connectors.demo.evidence import Way
from connectors.demo.lines import Line, steps_of
from connectors.demo.planted import write
from connectors.demo.script import Item

MORNING = datetime(2026, 11, 20, 8)


def item(minute: int, way: Way = "rest", waits_for: str | None = None) -> Item:
    return Item(None, "uid", b"", None, None, MORNING + timedelta(minutes=minute), waits_for=waits_for, way=way)


def minutes(turns: Sequence[Turn]) -> list[int]:
    return [(turn.due - MORNING).seconds // 60 for turn in turns]


async def soon(agenda: Agenda) -> Turn | None:
    return await asyncio.wait_for(agenda.next(), 5)


async def test_what_sets_the_clock_comes_by_its_time_and_one_of_a_life_at_once() -> None:
    agenda = Agenda([[item(1), item(3)], [item(2, "soap"), item(9, "soap")]])
    first, second = await soon(agenda), await soon(agenda)
    assert first and second and minutes([first, second]) == [1, 2]
    third = asyncio.create_task(agenda.next())
    await asyncio.sleep(0)
    assert not third.done(), "both lives have one under way"
    await agenda.answered(first)
    turn = await asyncio.wait_for(third, 5)
    assert turn and minutes([turn]) == [3]


async def test_what_follows_comes_when_its_time_has_come() -> None:
    """Not before, and of a life all that is due only for who does not wait for answers."""
    agenda = Agenda([[item(5), item(20)], [item(3, "folder"), item(4, "folder"), item(6, "folder")], [item(5, "portal")]])
    assert await agenda.come("folder", ahead=True) == [] == await agenda.come("portal")
    five = await soon(agenda)
    assert five and minutes(await agenda.come("folder", ahead=True)) == [3, 4]
    (call,) = await agenda.come("portal")
    assert await agenda.come("portal") == []
    await agenda.answered(call)
    await agenda.answered(five)
    await soon(agenda)
    assert minutes(await agenda.come("folder", ahead=True)) == [6]


async def test_what_is_left_comes_when_nobody_sets_the_clock_any_more() -> None:
    agenda = Agenda([[item(5)], [item(30, "folder"), item(40, "folder")], [item(1, waits_for="table mended")]])
    five = await soon(agenda)
    assert five and await agenda.come("folder", ahead=True) == []
    await agenda.answered(five)
    left = await agenda.come("folder", ahead=True)
    assert minutes(left) == [30, 40] and not agenda.over
    for turn in left:
        await agenda.answered(turn, ahead=True)
    await asyncio.wait_for(agenda.all_but("table mended"), 5)
    await agenda.happened("table mended")
    last = await soon(agenda)
    assert last and minutes([last]) == [1]
    await agenda.answered(last)
    assert agenda.over and agenda.share == 1 and await soon(agenda) is None


async def test_no_more_is_sent_than_may_be() -> None:
    """A share of the whole script, whatever ways it comes by."""
    agenda = Agenda([[item(number)] for number in range(10)])
    await agenda.may_send(0.2)
    assert [await soon(agenda), await soon(agenda)] != [None, None]
    third = asyncio.create_task(agenda.next())
    await asyncio.sleep(0)
    assert not third.done()
    await agenda.may_send(1)
    assert await asyncio.wait_for(third, 5)


def test_the_steps_of_a_dossier_are_those_that_the_hub_has_of_it() -> None:
    """Also from before it had its code, and not what left no step: so the n-th is the hub's n-th."""
    for life in (life for life in write(2, 200).lives if len(life) > 2 and life[-1].way in ("folder", "portal")):
        told = [one for one in life if one.planted is None and one.part != "state"]
        if told:
            lines = [Line(number, one) for number, one in enumerate(life, 1)]
            assert [line.item for line in steps_of(lines, life[-1].code or "")] == told

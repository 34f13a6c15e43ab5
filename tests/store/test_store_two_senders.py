"""Two senders on one route: whatever dies, is mended or filled in, no word of one is lost to the other's, and the last said is
the last that the partner gets."""

from __future__ import annotations

import dataclasses
import random

import pytest
from store_making import Desk, match, state, step

HEARD = dataclasses.replace(match(), observations=True)
DEAF = match(matched=False)
OWNER, OTHER = "one-stop", "citizens"


async def test_an_observation_is_not_replaced_and_not_passed(desk: Desk) -> None:
    await desk.accept("a1", state("a1", HEARD))
    await desk.end("dead")
    await desk.accept("b2", state("b2", HEARD), sender=OTHER)
    await desk.accept("a3", state("a3", HEARD))
    assert await desk.drain() == ["b2", "a3"]
    assert await desk.store.rebuild_ledger() == 0


async def test_a_late_observation_goes_nowhere_by_backfill_either(desk: Desk) -> None:
    await desk.accept("own", state("own", DEAF))
    said = []
    for body, version in (("new", 9), ("old", 8), ("newest", 10)):
        accepted = await desk.accept(body, state(body, DEAF, version=version), sender=OTHER)
        said.append((accepted["messages"][0]["id"], HEARD))
    found = await desk.store.messages_without("to-portal", "dossier", None, 10, True)
    assert [one["content"] for one in found] == [b"own", b"new", b"newest"]
    assert [one["content"] for one in await desk.store.messages_without("to-portal", "dossier", None, 10)] == [b"own"]
    assert await desk.store.backfill([(one, match()) for one, _ in said], desk.clock()) == 0, "the route hears no observations"
    assert await desk.store.backfill(said, desk.clock()) == 2
    assert await desk.drain() == ["new", "newest"]


async def test_a_step_of_both_is_sent_once_also_by_backfill(desk: Desk) -> None:
    await desk.accept("own", state("own", DEAF))
    seen = await desk.accept("s1", step("s1", match("other", "elsewhere", matched=False)), sender=OTHER)
    await desk.accept("s1", step("s1", HEARD))
    assert await desk.store.backfill([(seen["messages"][0]["id"], HEARD)], desk.clock()) == 0
    assert await desk.drain() == ["s1"]


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_happens_the_last_word_is_last(desk: Desk, seed: int) -> None:
    """Random words of both, deaths and discards; at the end all that can go goes."""
    dice = random.Random(seed)
    route = dataclasses.replace(HEARD, coalesce=dice.random() < 0.3)
    words: list[tuple[str, str]] = []
    sent: list[str] = []
    for number in range(14):
        sender = dice.choice((OWNER, OTHER))
        words.append((sender, f"{number:02}"))
        await desk.accept(words[-1][1], state(words[-1][1], route), sender=sender, owner=OWNER)
        for due in await desk.heads():
            if (outcome := dice.choice(("delivered", "dead", None, None))) is not None:
                assert await desk.settle(due, await desk.begin(due), outcome)
                sent += [due.body.decode()] if outcome == "delivered" else []
    sent += await desk.drain()
    states = await desk.states()
    if "dead" not in states.values():
        assert sent[-1] == words[-1][1]
    assert sent == sorted(sent), "nothing passes what was said before it"
    assert await desk.store.rebuild_ledger() == 0
    shown = await desk.store.dossier("D1")
    assert shown is not None
    said_by = dict((word, sender) for sender, word in words)
    for word in said_by.keys() - set(sent):
        newer = [one for one in said_by if one > word and said_by[one] == said_by[word]]
        assert newer or "dead" in states.values(), f"{word} came to nothing, and its sender said nothing newer"

"""SIGKILL at each named seam of the path, from outside: nothing acknowledged is lost, doubled or out of order.

A seam is held open by the portal's simulator (a call that waits) or by SQLite's write lock (a commit that waits), so the
kill falls into it every time. The hub of one round is the restarted hub of the round before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from seams.http_door import NO_ANSWER
from seams.processes import until
from seams.sender import lives
from seams.world import World, rounds

ROUNDS = rounds(2, 20)
RECORDS = 3
Life = tuple[str, list[dict[str, Any]]]
_LIVES = lives(41, RECORDS)


@pytest.fixture
def life() -> Iterator[Life]:
    """A dossier that no round has used."""
    yield next(_LIVES)


@pytest.mark.parametrize("once", ROUNDS)
def test_before_the_202(world: World, life: Life, once: int) -> None:
    """Killed while the message waits for its commit (or, every other round, at the very moment of the commit): no 202 was
    said, the sender sends again with its key, and the portal shows it once."""
    code, (record, *later) = life
    with ThreadPoolExecutor(1) as pool:
        with world.write_lock():
            post = pool.submit(world.sender.post, record, f"{record['referenceUid']}/{record['dossierNote'].split()[-1]}")
            until("the hub has read the request", world.request_is_read, pause=0.001)
            if once % 2 == 0:
                world.kill_hub()
        if once % 2:
            world.kill_hub()
        try:
            answer = post.result()
        except NO_ANSWER:
            answer = None
    assert once % 2 or answer is None, "it was answered before it could be committed"
    world.start_hub()
    line = world.sender.send(record)
    assert answer is None or line.repeated, "what was acknowledged before the kill is not known after it"
    assert once % 2 or not line.repeated, "a message whose commit was cut off is half there"
    for one in later:
        world.sender.send(one)
    world.delivered(code)


@pytest.mark.parametrize("once", ROUNDS)
def test_request_received_effect_not_yet_done(world: World, life: Life, once: int) -> None:
    """Killed while the portal has the request and has done nothing. What the portal does then, or never does, is found out
    by asking: the dossier is inserted once."""
    code, records = life
    goes = once % 2 == 0
    world.plant("DongBoHoSoMC", "hold", effect="after", match={"MaHoSo": code})
    world.sender.send(records[0])
    world.held()
    world.kill_hub()
    world.release("go" if goes else "drop")
    assert world.portal_holds(code) == ([("state", world.sender.record[-1].mark)] if goes else [])
    world.start_hub()
    for record in records[1:]:
        world.sender.send(record)
    world.delivered(code)
    inserts = [one for one in world.calls("DongBoHoSoMC", code) if one["isUpdating"] == "False"]
    assert len(inserts) == (1 if goes else 2)


@pytest.mark.parametrize("once", ROUNDS)
def test_effect_done_but_unanswered(world: World, life: Life, once: int) -> None:
    """Killed when the portal has taken the state (an insert, every other round an update) and not answered: after the
    restart the hub asks (TraCuuHoSo), and does not send it again."""
    code, records = life
    first = records[: once % 2]
    for record in first:
        world.sender.send(record)
    if first:
        world.delivered(code)
    world.plant("DongBoHoSoMC", "hold", effect="before", match={"MaHoSo": code})
    world.sender.send(records[len(first)])
    world.held()
    world.kill_hub()
    world.release("drop")
    asked = len(world.calls("TraCuuHoSo", code))
    world.start_hub()
    for record in records[len(first) + 1 :]:
        world.sender.send(record)
    world.delivered(code)
    assert len(world.calls("TraCuuHoSo", code)) == asked + 1
    assert len(world.calls("DongBoHoSoMC", code)) == RECORDS


@pytest.mark.parametrize("once", ROUNDS)
def test_a_step_in_doubt_is_held(world: World, life: Life, once: int) -> None:
    """Killed while the portal has a progress step, which cannot be read back: it becomes a dead letter in doubt, what
    follows waits behind it, and an operator who looks at the portal decides. Never sent again silently, never forgotten."""
    code, records = life
    done = once % 2 == 0
    world.plant("CapNhatTienDoHoSoMC", "hold", effect="before" if done else "after", match={"MaHoSo": code})
    line = world.sender.send(records[0])
    world.held()
    world.kill_hub()
    world.release("drop")
    world.start_hub()
    for record in records[1:]:
        world.sender.send(record)
    waiting = world.at_rest(code)
    assert (waiting[0]["event"], waiting[0].get("code")) == ("dead", "in_doubt")
    assert [one["state"] for one in waiting[1:]] == ["pending"] * (2 * (RECORDS - 1))
    assert world.portal_holds(code) == [("state", line.mark), *([("step", line.mark)] if done else [])]
    assert len(world.calls("CapNhatTienDoHoSoMC", code)) == 1, "a step in doubt was sent again"
    letters = [one for one in world.dead() if one["codes"].get("national") == code]
    assert [(one["delivery"], one["code"]) for one in letters] == [(line.deliveries["dossier-progress"], "in_doubt")]
    world.decide(letters, world.sender.record)
    world.delivered(code)


@pytest.mark.parametrize("once", ROUNDS)
def test_between_two_calls_of_one_delivery(world: World, life: Life, once: int) -> None:
    """Killed after TraCuuHoSo was answered and before DongBoHoSoMC was sent (what the hub must note in between waits for
    its commit): inserted once."""
    code, records = life
    world.plant("TraCuuHoSo", "hold", match={"MaHoSo": code})
    for record in records:
        world.sender.send(record)
    world.held()
    with world.write_lock():
        world.release("go")
        until("TraCuuHoSo answered", lambda: world.calls("TraCuuHoSo", code)[0]["outcome"] == "ok")
        assert world.calls("DongBoHoSoMC", code) == []
        world.kill_hub()
    world.start_hub()
    world.delivered(code)
    assert len(world.calls("DongBoHoSoMC", code)) == RECORDS


@pytest.mark.parametrize("once", ROUNDS)
def test_before_settle(world: World, life: Life, once: int) -> None:
    """Killed when the hub has the portal's answer and its settlement waits for the commit: the state is not sent again, a
    step (every other round) is in doubt and held."""
    code, records = life
    step = once % 2 == 1
    service = "CapNhatTienDoHoSoMC" if step else "DongBoHoSoMC"
    world.plant(service, "hold", effect="before", match={"MaHoSo": code})
    for record in records:
        world.sender.send(record)
    world.held()
    attempts = "hub_partner_seconds_count"
    with world.write_lock():
        before = world.metric(attempts)
        world.release("go")
        until("the hub has the answer", lambda: world.metric(attempts) > before)
        world.kill_hub()
    world.start_hub()
    if step:
        assert [one["state"] for one in world.at_rest(code)] == ["dead"] + ["pending"] * (2 * (RECORDS - 1))
        world.decide([one for one in world.dead() if one["codes"].get("national") == code], world.sender.record)
    world.delivered(code)
    assert len(world.calls(service, code)) == RECORDS


@pytest.mark.parametrize("once", rounds(1, 5))
def test_a_portal_that_tells_little_sees_a_state_twice_at_most(new_world: Callable[..., World], life: Life, once: int) -> None:
    """Where TraCuuHoSo shows only that a code is known, an update in doubt is sent again (route: resend): the same state
    twice in a row, which is the same state; never a step, never another order."""
    world = new_world("minimal")
    assert world.sender
    world.start_hub()
    code, records = life
    world.sender.send(records[0])
    world.delivered(code)
    world.plant("DongBoHoSoMC", "hold", effect="before", match={"MaHoSo": code})
    lines = [world.sender.record[0], *(world.sender.send(record) for record in records[1:])]
    world.held()
    world.kill_hub()
    world.release("drop")
    world.start_hub()
    assert world.at_rest(code) == []
    wanted = [effect for line in lines for effect in (("state", line.mark), ("step", line.mark))]
    assert world.portal_holds(code) == [*wanted[:2], wanted[2], *wanted[2:]]

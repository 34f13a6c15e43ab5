"""The gate: bounded work, fair to clients, nothing lost, nobody starved; a property over every order of coming and going."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import Busy
from hub.intake.doorway import stranger
from hub.intake.gate import Gate, Place, Room
from hub.wire.forwarded import CLIENT_ADDRESS


async def settle() -> None:
    """Let every task go on until all of them wait."""
    for _ in range(4):
        await asyncio.sleep(0)


def begin(gate: Gate, client: str, size: int = 1) -> asyncio.Task[Place]:
    return asyncio.ensure_future(gate.enter(client, size))


async def test_one_client_alone_gets_half_and_leaves_half_to_others() -> None:
    """The greedy one's further requests wait; a modest one walks past them."""
    gate = Gate(Room(requests=8, waiting=100))
    greedy = [begin(gate, "greedy") for _ in range(20)]
    await settle()
    assert (gate.requests, gate.waiting) == (4, 16)
    modest = begin(gate, "modest")
    await settle()
    assert modest.done()
    for task in greedy:
        (await task).leave()
    modest.result().leave()
    assert (gate.requests, gate.waiting, gate.bytes) == (0, 0, 0)


async def test_places_that_fall_free_go_round_the_clients() -> None:
    """Whoever has one request waiting is not behind somebody's fifty, and each client's own order is kept."""
    gate, served = Gate(Room(requests=2, waiting=100)), []
    first = await gate.enter("first", 1)

    async def work(client: str, number: int) -> None:
        place = await gate.enter(client, 1)
        served.append((client, number))
        place.leave()

    holder = await gate.enter("holder", 1)
    tasks = [asyncio.ensure_future(work("greedy", n)) for n in range(50)]
    await settle()
    tasks += [asyncio.ensure_future(work(client, 0)) for client in ("a", "b", "c")]
    await settle()
    assert not served
    first.leave()
    await asyncio.gather(*tasks)
    holder.leave()
    assert {client for client, _ in served[:4]} == {"greedy", "a", "b", "c"}
    assert [n for client, n in served if client == "greedy"] == list(range(50))


async def test_too_many_waiting_costs_the_one_with_the_most() -> None:
    """At once, with 503 and when to come again; the newest of the fattest row gives way to a client with fewer."""
    gate = Gate(Room(requests=2, waiting=3))
    places = [await gate.enter(client, 1) for client in ("one", "two")]
    waiting = [begin(gate, "greedy") for _ in range(3)]
    await settle()
    with pytest.raises(Busy) as refused:
        await gate.enter("greedy", 1)
    assert (refused.value.status, refused.value.retry_after) == (503, 1)
    modest = begin(gate, "modest")
    await settle()
    with pytest.raises(Busy):
        await waiting[2]
    assert not modest.done() and not waiting[0].done()
    for place in places:
        place.leave()
    for task in (waiting[0], modest, waiting[1]):
        (await task).leave()
    assert (gate.requests, gate.waiting) == (0, 0)


async def test_a_row_that_hardly_moves_takes_no_more() -> None:
    """A new request is refused at once when the first of the longest row waits long; shorter rows grow."""
    gate = Gate(Room(requests=2, waiting=9, row_seconds=1.0))
    held = [await gate.enter(client, 1) for client in ("one", "two")]
    rows = [begin(gate, client) for client in ("greedy", "greedy", "greedy", "modest")]
    await asyncio.sleep(1.1)
    with pytest.raises(Busy):
        await gate.enter("greedy", 1)
    rows.append(begin(gate, "modest"))
    await settle()
    assert gate.waiting == 5
    for place in held:
        place.leave()
    for task in rows:
        (await task).leave()


async def test_nobody_waits_for_ever() -> None:
    """A request whose turn does not come in time is refused, and its row is gone."""
    gate = Gate(Room(requests=2, waiting=3, seconds=0.02))
    held = [await gate.enter(client, 1) for client in ("one", "two")]
    with pytest.raises(Busy):
        await asyncio.wait_for(gate.enter("three", 1), 5)
    assert (gate.requests, gate.waiting) == (2, 0)
    for place in held:
        place.leave()


async def test_bytes_are_shared_alike_and_given_back_as_soon_as_they_are_known() -> None:
    """A body of unknown length counts as the largest until it is read."""
    gate = Gate(Room(requests=100, bytes=100, waiting=10))
    greedy = [begin(gate, "greedy", 30) for _ in range(3)]
    await settle()
    assert [task.done() for task in greedy] == [True, True, False]
    small = await gate.enter("modest", 40)
    greedy[0].result().shrink(1)
    greedy[0].result().shrink(50)
    await settle()
    assert gate.bytes == 71 and not greedy[2].done()
    small.leave()
    await settle()
    assert greedy[2].done() and gate.bytes == 61
    for task in greedy:
        task.result().leave()
    assert (gate.requests, gate.bytes) == (0, 0)


steps = st.lists(
    st.tuples(st.sampled_from(["come", "leave", "shrink", "give up"]), st.integers(0, 5), st.integers(0, 40)), max_size=80
)


@settings(max_examples=100, deadline=None)
@given(steps)
def test_whatever_the_order_of_coming_and_going(told: list[tuple[str, int, int]]) -> None:
    """Never more than the room; a client that holds nothing waits only for want of room; in the end nothing is held."""
    asyncio.run(_play(told))


async def _play(told: list[tuple[str, int, int]]) -> None:
    room = Room(requests=6, bytes=60, waiting=5, seconds=60)
    gate = Gate(room)
    tasks: list[tuple[str, int, asyncio.Task[Place]]] = []
    inside: list[tuple[str, Place]] = []
    for act, number, size in told:
        if act == "come":
            tasks.append((f"client-{number}", size, begin(gate, f"client-{number}", size)))
        elif act == "give up" and tasks:
            tasks[number % len(tasks)][2].cancel()
        elif inside and act == "leave":
            inside.pop(number % len(inside))[1].leave()
        elif inside and act == "shrink":
            inside[number % len(inside)][1].shrink(size)
        await settle()
        for one in [one for one in tasks if one[2].done()]:
            tasks.remove(one)
            if not one[2].cancelled() and one[2].exception() is None:
                inside.append((one[0], one[2].result()))
        held = Counter(client for client, _ in inside)
        assert gate.requests == len(inside) <= room.requests
        assert 0 <= gate.bytes <= 2 * room.bytes
        assert gate.waiting == len(tasks) <= room.waiting
        for client, size, _ in tasks:
            first = next(one for one in tasks if one[0] == client)
            if not held[client] and first[1] == size:
                assert gate.requests == room.requests or gate.bytes + size > 2 * room.bytes
    while inside or tasks:
        for _, place in inside:
            place.leave()
        inside = []
        await settle()
        inside = [(client, task.result()) for client, _, task in tasks if task.done()]
        tasks = [one for one in tasks if not one[2].done()]
    assert (gate.requests, gate.waiting, gate.bytes) == (0, 0, 0)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.7", "?192.0.2.7"),
        ("2001:db8:0:1::7", "?2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::8", "?2001:db8:0:1::/64"),
        ("2001:db8:0:2::7", "?2001:db8:0:2::/64"),
        ("::ffff:192.0.2.7", "?192.0.2.7"),
        ("", "?"),
        ("a socket", "?a socket"),
    ],
)
def test_strangers_go_by_their_address(address: str, name: str) -> None:
    """Of IPv6 by their network, in which one caller has as many addresses as it likes."""
    request = make_mocked_request("POST", "/")
    request[CLIENT_ADDRESS] = address
    assert stranger(request) == name

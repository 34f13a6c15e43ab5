"""SIGKILL while a table is read: every row reaches the portal once in effect, in order per dossier, and its receipt comes back.

Seams are held open by SQLite's write lock: the hub's own (a row that waits for its commit), and the one-stop system's (the
receipts cannot be written back). The hub of one round is the restarted hub of the round before.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seams.processes import until
from seams.table import ALL, DOSSIERS, TableDesk
from seams.world import World, rounds

every_round = pytest.mark.parametrize("once", rounds(1, 5))


@pytest.fixture(scope="module")
def desk(new_world: Callable[..., World]) -> TableDesk:
    """A hub that has read a first batch of rows."""
    made = TableDesk(new_world())
    numbers, due = made.write()
    made.world.start_hub()
    made.ended(numbers, due)
    return made


@every_round
def test_before_the_first_row_is_stored(desk: TableDesk, once: int) -> None:
    """Killed while the page's first row waits for its commit."""
    world = desk.world
    with world.write_lock():
        before = desk.waited()
        numbers, due = desk.write()
        until("the first row waits", lambda: desk.waited() > before)
        world.kill_hub()
    assert desk.came(numbers) == 0
    world.start_hub()
    desk.ended(numbers, due)


@every_round
def test_in_the_middle_of_a_page(desk: TableDesk, once: int) -> None:
    """Killed when some rows were stored: those are known again, the others follow."""
    world = desk.world
    numbers, due = desk.write()
    until("some are stored", lambda: desk.came(numbers) > 2 + 5 * (once % 5), pause=0.001)
    with world.write_lock():
        world.kill_hub()
    assert desk.came(numbers) < ALL, "it was not half-way"
    world.start_hub()
    desk.ended(numbers, due)


@every_round
def test_stored_and_not_told(desk: TableDesk, once: int) -> None:
    """Killed when every row is stored and no receipt is written back: each gets its first receipt, and nothing comes twice."""
    world = desk.world
    numbers, due = desk.write()
    with desk.nobody_writes():
        until("all are stored", lambda: desk.came(numbers) == ALL, pause=0.001)
        world.kill_hub()
    assert desk.told(numbers) == 0
    world.start_hub()
    desk.ended(numbers, due)


@every_round
def test_a_poison_record_stops_its_own_dossier(desk: TableDesk, once: int) -> None:
    """Killed when some rows were stored, one of which cannot be read: all others go on, and behind it its dossier waits."""
    world = desk.world
    numbers, due = desk.write(poison=True)
    until("the poison was read", lambda: desk.came(numbers) > DOSSIERS, pause=0.001)
    world.kill_hub()
    world.start_hub()
    desk.ended(numbers, due)
    places = f"'gui:{numbers[DOSSIERS]}', 'gui:{numbers[2 * DOSSIERS]}'"
    assert world.look(f"select state from arrivals where position in ({places})") == [("kept",), ("kept",)]

"""SIGKILL while a drop folder is read: every record of its files reaches the portal once in effect, in order per dossier.

Seams are held open by SQLite's write lock (a record that waits for its commit) and by taking the folder ``done`` away (a
move that fails). The hub of one round is the restarted hub of the round before. The folder is here, or behind OpenSSH's server.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from seams.desk import DOSSIERS, RECORDS, Desk
from seams.processes import until
from seams.world import World, rounds

ALL = DOSSIERS * RECORDS
every_round = pytest.mark.parametrize(
    ("desk", "once"),
    [*(("here", once) for once in rounds(2, 20)), *(("sftp", once) for once in rounds(1, 5))],
    indirect=["desk"],
)


@pytest.fixture(scope="module")
def desks(request: pytest.FixtureRequest, new_world: Callable[..., World]) -> Callable[[str], Desk]:
    """The desk of each place, made when it is first asked for."""

    @cache
    def make(place: str) -> Desk:
        sftp = request.getfixturevalue("sshd").settings if place == "sftp" else None
        made = Desk(new_world(), sftp)
        made.world.start_hub()
        return made

    return make


@pytest.fixture
def desk(request: pytest.FixtureRequest, desks: Callable[[str], Desk]) -> Desk:
    return desks(request.param)


@every_round
def test_when_the_file_is_seen(desk: Desk, once: int) -> None:
    """Killed while its first record waits for the commit, or (every other round) before the hub has looked."""
    world = desk.world
    if once % 2:
        world.kill_hub()
        name, due = desk.leave()
    else:
        with world.write_lock():
            name, due = desk.leave()
            until("the hub has the file open", lambda: desk.is_open(name))
            world.kill_hub()
        assert desk.stored(name) == 0
    world.start_hub()
    desk.finished(name, due)


@every_round
def test_half_read(desk: Desk, once: int) -> None:
    """Killed after some records were stored: those are known again, the others follow."""
    world = desk.world
    name, due = desk.leave()
    until("some are stored", lambda: desk.stored(name) > 3 + 7 * (once % 5), pause=0.001)
    with world.write_lock():
        world.kill_hub()
    assert desk.stored(name) < ALL, "it was not half-way"
    world.start_hub()
    desk.finished(name, due)


@every_round
def test_stored_and_not_moved(desk: Desk, once: int) -> None:
    """Killed when every record is stored and the file still lies there (the folder done was away): it gives nothing new."""
    world = desk.world
    done, away = desk.folder / "done", desk.folder / ".away"
    name, due = desk.leave()
    until("the last records are stored", lambda: desk.stored(name) > ALL - 8, pause=0.001)
    if done.is_dir():
        done.rename(away)
    until("all are stored", lambda: desk.stored(name) == ALL, pause=0.001)
    world.kill_hub()
    if away.is_dir():
        for one in done.iterdir() if done.is_dir() else ():
            one.rename(away / one.name)
        if done.is_dir():
            done.rmdir()
        away.rename(done)
    world.start_hub()
    desk.finished(name, due)


@every_round
def test_the_same_file_under_another_name(desk: Desk, once: int) -> None:
    """Left again while the hub is down, behind the first or (every other round) as the first half-way: nothing is doubled."""
    world = desk.world
    name, due = desk.leave()
    if once % 2:
        until("some are stored", lambda: desk.stored(name) > 10, pause=0.001)
    else:
        desk.finished(name, due)
    world.kill_hub()
    there = next(path for path in (desk.folder / name, desk.folder / "done" / name) if path.exists())
    copy = desk.put(there.read_bytes())
    world.start_hub()
    until("the copy is done", lambda: (desk.folder / "done" / copy).exists())
    until("the file is done", lambda: (desk.folder / "done" / name).exists())
    assert desk.stored(copy) == 0
    desk.finished(name, due)

"""What the seam tests share: one launcher, and worlds of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from files.sshd import Sshd

from seams.processes import Launcher
from seams.world import World


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    made = Launcher()
    yield made
    made.close()


@pytest.fixture(scope="module")
def new_world(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., World]]:
    """Makes worlds that end with the module."""
    made: list[World] = []

    def make(search_result: str = "full") -> World:
        made.append(World(tmp_path_factory.mktemp("world"), launcher, search_result))
        return made[-1]

    yield make
    for world in made:
        world.end()


@pytest.fixture(scope="module")
def world(new_world: Callable[..., World]) -> World:
    """A world whose hub runs; a test that kills it starts it again."""
    made = new_world()
    assert made.sender
    made.start_hub()
    return made


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """OpenSSH's server, running."""
    made = Sshd(tmp_path_factory.mktemp("sshd"))
    made.start()
    yield made
    made.end()

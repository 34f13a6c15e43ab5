"""Drop folders at both places: here, and on an SFTP server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from files.parts import Drop, NewDrop
from files.sshd import Sshd


@pytest.fixture(scope="session")
def one_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A running server for tests that leave it alone."""
    made = Sshd(tmp_path_factory.mktemp("sshd"))
    made.start()
    yield made
    made.end()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A running server that the test may stop and start."""
    folder = tmp_path / "sshd"
    folder.mkdir(mode=0o700)
    made = Sshd(folder)
    made.start()
    yield made
    made.end()


@pytest.fixture(params=["here", "sftp"])
def new_drop(request: pytest.FixtureRequest, tmp_path: Path) -> NewDrop:
    """``Drop`` with these settings; the test runs for either place."""
    sftp = request.getfixturevalue("one_sshd").settings if request.param == "sftp" else None

    def make(*, below: str = "", **settings: Any) -> Drop:
        return Drop(tmp_path / below, sftp, **settings)

    return make

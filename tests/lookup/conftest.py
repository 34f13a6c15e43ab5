"""The registry of the tests is an installed connector."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from lookup.parts import Desk, install, running


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder on the path that says so."""
    folder = install(tmp_path)
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_all_day(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One hub for the ``shared`` tests of a module."""
    folder = tmp_path_factory.mktemp("lookup")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(install(folder)))
        async with running(folder) as desk:
            yield desk

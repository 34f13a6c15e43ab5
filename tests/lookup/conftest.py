"""The registry of the tests is an installed connector."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookup.parts import install


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder on the path that says so."""
    folder = install(tmp_path)
    monkeypatch.syspath_prepend(str(folder))
    return folder

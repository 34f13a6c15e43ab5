"""What the tests read once is never taken for what differs from it."""

from __future__ import annotations

from pathlib import Path

import known_catalog
import pytest


@pytest.mark.parametrize("linked", [False, True], ids=["a file", "a file in a folder behind a link"])
def test_a_home_that_differs_is_read_anew(tmp_path: Path, linked: bool) -> None:
    """Of two homes that are broken, each has its own fault."""
    said = []
    for text in ("[", "a: b"):
        home = tmp_path / str(len(said))
        (home / "mappings").mkdir(parents=True)
        folder = home / "elsewhere" if linked else home / "mappings" / "m"
        folder.mkdir()
        if linked:
            (home / "mappings" / "m").symlink_to(folder)
        (folder / "1.0.0.yaml").write_text(text, encoding="utf-8")
        said.append([one.code for one in known_catalog.read([home])[1]])
    assert said[0] and said[1] and said[0] != said[1]

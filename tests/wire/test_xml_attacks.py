"""No document makes the reader follow a reference, use much time or memory, or fail in a way that is not its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wire.attacks import ATTACKS, COPYING, LARGE, SMALL

from hub.wire.xml import parse
from hub.wire.xsd import load_xsd


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What each attack came to, in a process of its own."""
    home = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("attacks.py"))], capture_output=True, check=True, cwd=home, timeout=60,
        env={"PYTHONPATH": str(home)},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.xdist_group("attacks")  # made once, not by every worker
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_answered_in_bounds(name: str, told: dict[str, Any]) -> None:
    """Refused with its own code, or read as the harmless thing it is; in little time and memory, and without quoting it."""
    one = told[name]
    seconds, megabytes = LARGE.get(name, SMALL)
    assert one["code"] == ATTACKS[name][2]
    assert one["seconds"] < seconds
    assert one["megabytes"] < megabytes
    assert not one["quoted"]


@pytest.mark.xdist_group("attacks")
def test_a_copy_would_be_seen(told: dict[str, Any]) -> None:
    """A reader that copies what it refuses passes no bound: the measure is not blind."""
    assert told[COPYING]["megabytes"] > 90 > SMALL[1] > told["100 MB of text"]["megabytes"]


def test_a_text_stays_whole(tmp_path: Path) -> None:
    """Comments, instructions and CDATA within a text do not cut it."""
    (tmp_path / "s.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:string"/></xs:schema>'
    )
    form = load_xsd(tmp_path / "s.xsd").form("a")
    assert form.read(parse(b"<a>a<!--x-->b<?y?>c<![CDATA[<d>]]>e&lt;&#102;</a>")) == "abc<d>e<f"

"""SIGKILL between GetNextValue and the end of NoiHoSo: one code is issued and one dossier is there, whatever was lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from seams.world import rounds

from ministry_portal.home import at_rest, record, step
from ministry_portal.killed import FORGETFUL, killable
from ministry_portal.parts import CREATE, Portal, simulated


async def _killed_at_create(folder: Path, portal: Portal, done: bool, first: str = "pass") -> None:
    """A dossier and a step behind it; killed while the create is held there, ``done`` or not; started again, to its rest."""
    await portal.plant(CREATE, "hold", effect="before" if done else "after")
    async with killable(folder, portal.url, first) as hub:
        await hub.send("portal-dossier@1", record("2"))
        await hub.send("portal-progress@1", step("bước 1"))
        held = await portal.control("GET", "held?count=1&wait=20")
        assert len(held["held"]) == 1
        await hub.kill()
        await portal.control("POST", "release", {"how": "drop"})
        await hub.start()
        await at_rest(hub.home)


@pytest.mark.parametrize("once", rounds(2, 20))
async def test_a_crash_between_getnextvalue_and_create_mints_no_second_code(tmp_path: Path, once: int) -> None:
    """Even rounds: the ministry had not created it yet. Odd rounds: it had, and answers the second create that it exists."""
    async with simulated(required_create=["MaHoSo"]) as portal:
        await _killed_at_create(tmp_path, portal, done=once % 2 == 1)
        there = await portal.state()
        assert len(there["issued"]) == len(there["dossiers"]) == 1
        ((code, held),) = there["dossiers"].items()
        assert code in there["issued"] and [one["NoiDungXuLy"] for one in held["progress"]] == ["bước 1"]


async def test_without_remembering_it_would(tmp_path: Path) -> None:
    """The sabotage: the same kill, and an attempt that forgets the code; the ministry has issued two."""
    async with simulated(required_create=["MaHoSo"]) as portal:
        await _killed_at_create(tmp_path, portal, done=True, first=FORGETFUL)
        there = await portal.state()
        assert len(there["issued"]) == len(there["dossiers"]) == 2

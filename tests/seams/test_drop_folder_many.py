"""A folder of very many records: memory stays, the rate is printed, and after a kill on the way each has arrived once.

No route takes them, so that intake alone is measured. One half is in one file, most of the other in files of middle size, and
every twentieth in a file of its own. The normal run has few, in a folder here; SOAK=1 all 200,000, and as many behind
OpenSSH's server.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seams.desk import Desk
from seams.processes import until
from seams.sender import lives
from seams.world import World

SOAK = os.environ.get("SOAK") == "1"
RECORDS = 200_000 if SOAK else 2_000
STATES = 4
DOSSIERS = RECORDS // STATES
MIDDLE = RECORDS // 200
MOST_MIB = 300
PAUSE = 0.5 if SOAK else 0.02
SLOWEST = 100  # records a second: what is slower hangs


def _records() -> Iterator[str]:
    """Each state of all dossiers before the next of one."""
    code, told = next(lives(91, STATES))
    old = told[0]["referenceUid"]
    texts = [json.dumps(one, ensure_ascii=False) for one in told]
    assert all(text.count(code) and text.count(old) for text in texts)
    for text in texts:
        for number in range(DOSSIERS):
            yield text.replace(code, f"{code[:-4]}{number:07d}").replace(old, f"{old[:-7]}{number:07d}") + "\n"


class Crowd:
    """The files of a desk, and where each record of them is among all."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._before: dict[str, int] = {}
        sizes = [RECORDS // 2, *[MIDDLE] * 90, *[1] * (RECORDS // 20)]
        assert sum(sizes) == RECORDS
        records, written = _records(), 0
        for number, size in enumerate(sizes):
            name = f"{number:06d}.jsonl"
            self._before[name] = written
            draft = desk.folder / f".{name}"
            with draft.open("w", encoding="utf-8") as file:
                file.writelines(next(records) for _ in range(size))
            draft.rename(desk.folder / name)
            written += size

    def left(self) -> bool:
        return any(name.endswith(".jsonl") for name in os.listdir(self.desk.folder))

    def arrived(self) -> int:
        ((count,),) = self.desk.world.look("select count(*) from arrivals")
        return int(count)

    def judge(self) -> None:
        """Every record is there once, and those of each dossier in their order."""
        rows = self.desk.world.look("select dossier_id, position, state from arrivals order by dossier_id, ordinal")
        assert {state for _, _, state in rows} == {"accepted"}
        places: dict[str, list[int]] = {}
        for dossier, position, _ in rows:
            name, _, number = position.rpartition(":")
            places.setdefault(dossier, []).append(self._before[name] + int(number) - 1)
        assert sorted(place for one in places.values() for place in one) == list(range(RECORDS))
        assert all(one == list(range(one[0], RECORDS, DOSSIERS)) for one in places.values())
        assert len(list((self.desk.folder / "done").iterdir())) == len(self._before)
        assert not list((self.desk.folder / "failed").iterdir())


def _memory(world: World) -> float:
    """The most that the hub's process has had, in MiB."""
    assert world.hub is not None
    lines = Path(f"/proc/{world.hub.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@pytest.fixture(params=["here", "sftp"] if SOAK else ["here"])
def crowd(request: pytest.FixtureRequest, new_world: Callable[..., World]) -> Crowd:
    sftp = request.getfixturevalue("sshd").settings if request.param == "sftp" else None
    return Crowd(Desk(new_world(), sftp, routes=False))


@pytest.mark.timeout(2 * RECORDS / SLOWEST + 60)
def test_a_folder_of_very_many_records(crowd: Crowd, request: pytest.FixtureRequest) -> None:
    """Killed after three tenths, in the middle of a large file; started again, it goes on."""
    world = crowd.desk.world
    patience = RECORDS / SLOWEST
    world.start_hub()
    began = time.monotonic()
    until("three tenths arrived", lambda: crowd.arrived() >= 0.3 * RECORDS, seconds=patience, pause=PAUSE)
    peaks = [_memory(world)]
    world.kill_hub()
    first, taken = crowd.arrived(), time.monotonic() - began
    assert first < RECORDS // 2, "it was not killed in the middle of the file"
    world.start_hub()
    began = time.monotonic()
    until("it goes on", lambda: crowd.arrived() > first, seconds=patience, pause=PAUSE)
    again = time.monotonic() - began
    until("all files are done", lambda: not crowd.left(), seconds=patience, pause=PAUSE)
    rest = time.monotonic() - began - again
    peaks.append(_memory(world))
    print(
        f"\nfolder {request.node.callspec.id}: records={RECORDS} rate={first / taken:.0f}/s known_again={first / again:.0f}/s "
        f"after_the_kill={(RECORDS - first) / rest:.0f}/s rss_peak_mib={peaks[0]:.0f},{peaks[1]:.0f}"
    )
    crowd.judge()
    assert max(peaks) <= MOST_MIB

"""SIGKILL while a message is written into a partner's folder: the partner finds it there once, in the order of its dossier.

The seams are held open inside the hub (``halts_before_the_name``, ``halts_behind_the_name``). The routes say
``in_doubt: hold``, so nothing is written a second time unless it is certain that it is not there. The hub of one round is the
restarted hub of the round before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from seams.processes import until
from seams.sender import lives
from seams.verdict import Effect, due
from seams.world import World, rounds

ROUNDS = rounds(1, 20)
RECORDS = 3
Life = tuple[str, list[dict[str, Any]]]
_LIVES = lives(73, RECORDS)


class Partner:
    """Takes the files of the folder, in the order of their names, and remembers what they said."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.folder = world.home / "out"
        self.folder.mkdir()
        self.got: dict[str, list[Effect]] = {}
        path = world.home / "config.yaml"
        config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["endpoints"] = {
            "files": {"connector": "files", "settings": {"write": {"folder": "out", "format": "json"}},
                      "retry": config["endpoints"]["portal"]["retry"], "breaker": config["endpoints"]["portal"]["breaker"]}
        }  # fmt: skip
        for route in config["routes"].values():
            route |= {"to": "files", "in_doubt": "hold"}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")

    def files(self, pattern: str = "*.json") -> list[Path]:
        return sorted(self.folder.glob(pattern))

    def take(self) -> None:
        for one in self.files():
            said = json.loads(one.read_bytes())
            if one.stem.endswith("-npsp-dossier"):
                code, effect = said["MaHoSo"], ("state", said["GhiChu"].split()[-1])
            else:
                (step,) = said["data"]
                code, effect = step["MaHoSo"], ("step", step["NoiDungXuLy"].split()[-1])
            self.got.setdefault(code, []).append(effect)
            one.unlink()

    def holds_all(self, code: str) -> None:
        """Everything of the dossier that was acknowledged is there, once and in order; no draft is left."""
        self.take()
        assert self.got[code] == due(self.world.sender.record, code)
        assert not list(self.folder.iterdir())


@pytest.fixture(scope="module")
def partner(new_world: Callable[..., World]) -> Partner:
    made = Partner(new_world())
    assert made.world.sender
    made.world.start_hub()
    return made


@pytest.fixture
def life() -> Iterator[Life]:
    """A dossier that no round has used."""
    yield next(_LIVES)


def _halted(partner: Partner, life: Life, once: int, how: str, pattern: str) -> list[dict[str, Any]]:
    """Send some records of the dossier, then one to a hub that halts, and kill that; the records that are left."""
    world, (code, records) = partner.world, life
    before = once % RECORDS
    for record in records[:before]:
        world.sender.send(record)
    if before:
        assert world.at_rest(code) == []
    partner.take()
    world.kill_hub()
    world.start_hub(sabotage=how)
    world.sender.send(records[before])
    until("the hub is in the seam", lambda: partner.files(pattern))
    world.kill_hub()
    return records[before + 1 :]


def _to_the_end(partner: Partner, life: Life, later: list[dict[str, Any]]) -> list[dict[str, Any]]:
    partner.world.start_hub()
    for record in later:
        partner.world.sender.send(record)
    return partner.world.at_rest(life[0])


@pytest.mark.parametrize("once", ROUNDS)
def test_killed_before_the_file_gets_its_name(partner: Partner, life: Life, once: int) -> None:
    """The draft is on disk and nobody has seen a file: it is written again, once."""
    later = _halted(partner, life, once, "halts_before_the_name", ".*.part")
    assert partner.files() == []
    assert _to_the_end(partner, life, later) == []
    partner.holds_all(life[0])


@pytest.mark.parametrize("once", ROUNDS)
def test_killed_between_the_name_and_the_settlement(partner: Partner, life: Life, once: int) -> None:
    """The file lies there and the hub does not know: it finds it, and writes nothing."""
    later = _halted(partner, life, once, "halts_behind_the_name", "*.json")
    (file,) = partner.files()
    written = (file.name, file.stat().st_ino)
    assert _to_the_end(partner, life, later) == []
    assert (file.name, file.stat().st_ino) == written
    partner.holds_all(life[0])


@pytest.mark.parametrize("once", ROUNDS)
def test_taken_by_the_partner_before_the_hub_is_back(partner: Partner, life: Life, once: int) -> None:
    """Nobody can tell any more: a dead letter in doubt, and what follows waits until an operator asked the partner."""
    later = _halted(partner, life, once, "halts_behind_the_name", "*.json")
    partner.take()
    (letter, *_) = _to_the_end(partner, life, later)
    assert partner.files() == []
    shown = next(one for one in partner.world.dead() if one["delivery"] == letter["delivery"])
    assert shown["code"] == "in_doubt"
    said, answer = partner.world.shell("dead", "discard", letter["delivery"], "--why", "the partner has the file")
    assert said == 0, answer
    assert partner.world.at_rest(life[0]) == []
    partner.holds_all(life[0])

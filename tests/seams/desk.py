"""A drop folder of a world's hub: what is left in it, and what the portal must show of it. Knows nothing of how it is read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

import yaml

from seams.processes import until
from seams.sender import lives
from seams.verdict import Effect, held
from seams.world import World

RECORDS = 3
DOSSIERS = 20
_lives = lives(57, RECORDS)
_numbers = count(1)
Due = dict[str, list[Effect]]
"""Of each dossier of a file, the effects that the portal must show, in order."""


class Desk:
    """The folder ``in`` of the world's home. With ``sftp`` the hub comes to it through that server; without ``routes`` nothing
    goes on to the portal."""

    def __init__(self, world: World, sftp: Mapping[str, Any] | None = None, *, routes: bool = True) -> None:
        self.world = world
        self.folder = world.home / "in"
        self.folder.mkdir(exist_ok=True)
        path = world.home / "config.yaml"
        config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        read = {"folder": str(self.folder), "sender": "one-stop", "schema": "opencps-dossier@1", "format": "jsonl"}
        settings = {"read": {**read, "settle": 0.05, "poll": 0.02}, **({"sftp": dict(sftp)} if sftp else {})}
        if not routes:
            config["routes"] = {}
        config["endpoints"]["drop"] = {"connector": "files", "settings": settings}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")

    def leave(self) -> tuple[str, Due]:
        """A file with the lives of many dossiers, each record of all before the next of one; its name, and what is due."""
        told = [next(_lives) for _ in range(DOSSIERS)]
        records = [records[place] for place in range(RECORDS) for _, records in told]
        text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
        due: Due = {}
        for code, mine in told:
            marks = [one["dossierNote"].split()[-1] for one in mine]
            due[code] = [effect for mark in marks for effect in (("state", mark), ("step", mark))]
        return self.put(text.encode()), due

    def put(self, content: bytes) -> str:
        """Leave a file as a careful system does; its name."""
        name = f"{next(_numbers)}.jsonl"
        draft = self.folder / f".{name}"
        draft.write_bytes(content)
        draft.rename(self.folder / name)
        return name

    def stored(self, name: str) -> int:
        """How many records of the file are in the store."""
        ((found,),) = self.world.look(f"select count(*) from arrivals where position like '{name}:%'")
        return int(found)

    def finished(self, name: str, due: Due) -> None:
        """Wait until the file is done and nothing moves: the portal shows what was in it, once and in order."""
        until("the file is done", lambda: (self.folder / "done" / name).exists())
        assert self.stored(name) == DOSSIERS * RECORDS
        assert sorted(one.name for one in (self.folder / "done").iterdir() if one.name.startswith(f"{name[:-6]}.")) == [name]
        assert not list((self.folder / "failed").iterdir())
        self.at_rest(due)
        while self._decide(due):  # steps in doubt: what the kill cut off at the portal holds what follows
            self.at_rest(due)
        assert self.shown(due) == due

    def at_rest(self, due: Due) -> None:
        """Wait until nothing of them can move by itself."""
        until("nothing moves", self.world.nothing_moves)

    def shown(self, due: Due) -> Due:
        """What the portal holds of these dossiers."""
        dossiers = self.world.state()["dossiers"]
        return {code: held(dossiers.get(code)) for code in due}

    def _decide(self, due: Due) -> int:
        """What an operator does with steps in doubt: look at the portal, discard what it shows, replay the rest; how many."""
        if not self.world.look("select 1 from deliveries where state = 'dead' limit 1"):
            return 0
        dead = [one for one in self.world.dead() if one["kind"] == "delivery"]  # the others are arrivals that are kept
        shown = self.shown(due)
        for letter in dead:
            code = letter["codes"]["national"]
            effect = due[code][letter["seq"] - 1]
            assert effect[0] == "step" and letter["code"] == "in_doubt", letter
            how = "discard" if effect in shown[code] else "replay"
            said, answer = self.world.shell("dead", how, letter["delivery"], "--why", "looked at the portal")
            assert said == 0, answer
        return len(dead)

    def is_open(self, name: str) -> bool:
        """Whether a process has the file open (from the kernel's lists of what each has)."""
        return any(str(self.folder / name) in _open_files(pid) for pid in os.listdir("/proc") if pid.isdigit())


def _open_files(pid: str) -> Iterator[str]:
    """What a process has open, as long as it is there and may be asked."""
    with suppress(FileNotFoundError, PermissionError):
        for one in os.listdir(f"/proc/{pid}/fd"):
            with suppress(FileNotFoundError):
                yield os.readlink(f"/proc/{pid}/fd/{one}")

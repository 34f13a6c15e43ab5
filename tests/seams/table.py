"""A table that a world's hub looks into: what stands in it, and what the portal must show. Knows nothing of how it is read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import yaml

from seams.desk import Desk, Due
from seams.processes import until
from seams.sender import lives
from seams.world import World

RECORDS = 3
DOSSIERS = 12
ALL = RECORDS * DOSSIERS
_lives = lives(58, RECORDS)


class TableDesk(Desk):
    """The outbox ``gui`` of a one-stop system, in a SQLite file beside the world's home."""

    def __init__(self, world: World, **more: Any) -> None:
        self.world = world
        self.file = world.folder / "one-stop.db"
        self.file.touch()
        self._columns: list[str] = []
        self._more = more

    def write(self, *, poison: bool = False) -> tuple[range, Due]:
        """The lives of many dossiers in one transaction, each record of all before the next of one; the numbers of their rows,
        and what is due. ``poison``: the second record of the first dossier has files that are no JSON, so that only what it
        said before can go on."""
        told = [next(_lives) for _ in range(DOSSIERS)]
        rows = [dict(records[place]) for place in range(RECORDS) for _, records in told]
        texts = [json.dumps(one.pop("files", []), ensure_ascii=False) for one in rows]
        if poison:
            texts[DOSSIERS] = '[{"displayName": "Tờ kh'
        if not self._columns:
            self._make()
        marks = ", ".join("?" for _ in range(len(self._columns) + 1))
        with closing(sqlite3.connect(self.file)) as there, there:
            names = ", ".join([*self._columns, "files"])
            for row, files in zip(rows, texts, strict=True):
                there.execute(f"insert into gui ({names}) values ({marks})", [*(row.get(one) for one in self._columns), files])
            last = there.execute("select max(number) from gui").fetchone()[0]
        due: Due = {}
        for number, (code, records) in enumerate(told):
            mine = records[:1] if poison and number == 0 else records
            marks_of = [one["dossierNote"].split()[-1] for one in mine]
            due[code] = [effect for mark in marks_of for effect in (("state", mark), ("step", mark))]
        return range(last - ALL + 1, last + 1), due

    def _make(self) -> None:
        schema = json.loads((self.world.home / "schemas" / "opencps-dossier" / "1.0.0.json").read_text(encoding="utf-8"))
        self._columns = columns = [name for name in schema["properties"] if name != "files"]
        with closing(sqlite3.connect(self.file)) as there, there:
            there.execute("pragma journal_mode = wal")  # who reads does not hold up who writes
            fields = ", ".join(columns)
            there.execute(f"create table gui (number integer primary key autoincrement, {fields}, files, receipt text)")
        path = self.world.home / "config.yaml"
        config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        read = {
            "table": "gui", "key": ["number"], "by": "number", "look_back": 5,
            "columns": [*columns, "files"], "json": ["files"],
            "sender": "one-stop", "schema": "opencps-dossier@1", "poll": 0.02, "page": 2 * ALL,
            "write_back": {"columns": {"receipt": "receipt"}}, **self._more,
        }  # fmt: skip
        settings = {"url": f"sqlite:///{self.file}", "read": read}
        config["endpoints"]["table"] = {"connector": "database", "settings": settings}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")

    def waited(self) -> int:
        """How often a hub said that it cannot store what it read."""
        assert self.world.hub is not None
        return self.world.hub.err.read_text(encoding="utf-8").count('"event":"waiting"')

    def came(self, numbers: range) -> int:
        """How many of the rows are in the hub's store."""
        places = ", ".join(f"'gui:{number}'" for number in numbers)
        ((found,),) = self.world.look(f"select count(*) from arrivals where position in ({places})")
        return int(found)

    def told(self, numbers: range) -> int:
        """How many of the rows have a receipt."""
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=5)) as there:
            query = "select count(*) from gui where receipt is not null and number between ? and ?"
            return int(there.execute(query, (numbers[0], numbers[-1])).fetchone()[0])

    @contextmanager
    def nobody_writes(self) -> Iterator[None]:
        """The one-stop system holds its database for itself: nothing can be written back."""
        holder = sqlite3.connect(self.file, timeout=5, isolation_level=None)
        try:
            holder.execute("begin immediate")
            yield
        finally:
            holder.close()

    def ended(self, numbers: range, due: Due) -> None:
        """Wait until all of it is in, told, and at rest: the portal shows what stood there, once and in order."""
        until("all rows are told", lambda: self.told(numbers) == ALL)
        assert self.came(numbers) == ALL
        self.at_rest(due)
        while self._decide(due):  # steps in doubt: what the kill cut off at the portal holds what follows
            self.at_rest(due)
        assert self.shown(due) == due

"""A hub that writes into a folder, and messages for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import yaml
from flow.parts import until

from connectors.files.config import WriteConfig
from connectors.files.sending_forms import form_of
from files.parts import Drop, mapping, schema
from hub.message import Message, SchemaRef
from hub.translation import lock_schemas

NOTE = {"code": "code", "state": "state", "name": "name", "place.ward": "ward"}
COLUMNS = {"code": "Số hồ sơ", "state": "Trạng thái", "name": "Tên", "/place/ward": "Phường"}


class Outbox(Drop):
    """A home that reads records from ``in`` and writes each as a note into a file in ``out``."""

    def __init__(self, folder: Path, sftp: dict[str, Any] | None = None, **write: Any) -> None:
        super().__init__(folder)
        self.out = self.home / "out"
        self.out.mkdir()
        config = yaml.safe_load((self.home / "config.yaml").read_text(encoding="utf-8"))
        config["endpoints"]["out"] = {
            "connector": "files",
            "settings": {"sftp": sftp, "write": {"folder": str(self.out) if sftp else "out", "format": "json", **write}},
            "retry": {"first_seconds": 0.02, "longest_seconds": 0.05, "attempts": 3},
            "breaker": {"failures": 3, "open_seconds": 0.05, "longest_seconds": 0.1},
        }  # fmt: skip
        config["routes"]["notes"] = {"take": "item@1", "to": "out", "as": "note@1"}
        self.write("config.yaml", yaml.safe_dump(config, sort_keys=False))
        note = json.loads(schema("note", "partner"))
        note["properties"] |= {"place": {"type": "object", "properties": {"ward": {"type": "string"}}}}
        del note["properties"]["ward"], note["x-hub"]["subject"], note["x-hub"]["full_state"]
        self.write("schemas/note/1.0.0.json", json.dumps(note))
        rules = yaml.safe_load(mapping("item", NOTE))
        rules |= {"mapping": "item-to-note", "to": "note@1.0.0", "tables": {"state": {"open": "A", "done": "B"}}}
        rules["tests"][0]["given"]["state"], rules["tests"][0]["expect"]["state"] = "open", "A"
        self.write("mappings/item-to-note/1.0.0.yaml", yaml.safe_dump(rules, sort_keys=False))
        lock_schemas(self.home)

    def files(self) -> list[str]:
        return sorted(one.name for one in self.out.iterdir())

    def notes(self) -> list[Any]:
        """What the files say, in the order of their names."""
        return [json.loads((self.out / name).read_bytes()) for name in self.files()]

    def deliveries(self) -> list[tuple[str, str | None]]:
        """(state, last code) of each delivery."""
        query = (
            "select d.state, (select code from attempts a where a.delivery_id = d.id order by number desc limit 1) "
            "from deliveries d order by d.seq, d.id"
        )
        return cast(list[tuple[str, str | None]], self.look(query))

    async def settled(self, *states: str) -> None:
        await until(lambda: [state for state, _ in self.deliveries()] == list(states))


def bytes_of(one: Message, config: WriteConfig) -> bytes:
    """The file of this message."""
    return form_of(config)(one.body)


def message(body: Any = None, seq: int = 7) -> Message:
    given = {"code": "1", "state": "A"} if body is None else body
    return Message("01a2-m", "01a2-a", "01a2-d", seq, SchemaRef.parse("note@1.0.0"), given, "c")


def csv_config(**more: Any) -> WriteConfig:
    return WriteConfig.model_validate({"folder": "out", "format": "csv", "columns": {"a": "x", "/b/c": "y"}, **more})

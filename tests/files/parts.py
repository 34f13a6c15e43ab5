"""A hub in this process whose endpoint is a drop folder, and what it made of the files in it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from flow.parts import MovableClock, until

from hub.app import Hub
from hub.assembly import assemble
from hub.translation import lock_schemas

FIELDS = {"code": "text", "state": "text", "name": "text", "id": "text"}
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified" targetNamespace="urn:example:slip"
    xmlns="urn:example:slip">
  <xs:annotation><xs:appinfo source="urn:dossier-hub:x-hub">
    {"role": "source", "full_state": true, "subject": [{"system": "{sender}", "pointer": "/code"}]}
  </xs:appinfo></xs:annotation>
  <xs:element name="slip"><xs:complexType><xs:sequence>
    <xs:element name="code" type="xs:string"/><xs:element name="state" type="xs:string"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""


def mapping(source: str, fields: dict[str, str]) -> str:
    rules = {to: {"get": path, **({} if to in ("code", "state") else {"optional": True})} for to, path in fields.items()}
    given = {"code": "c", "state": "A"}
    document = {
        "mapping": f"{source}-to-item", "version": "1.0.0", "status": "stable", "from": f"{source}@1.0.0", "to": "item@1.0.0",
        "summary": "A record becomes an item.", "tables": {"state": {"A": "open", "B": "done"}},
        "set": {**rules, "state": {"get": "state", "table": "state"}},
        "tests": [{"name": "a record", "given": given, "expect": {"code": "c", "state": "open"}}],
    }  # fmt: skip
    return yaml.safe_dump({**document, **({"ignore": ["id"]} if source == "record" else {})}, sort_keys=False)


def schema(name: str, role: str, more: dict[str, Any] | None = None) -> str:
    text = {"type": "string", "minLength": 1}
    properties: dict[str, Any] = {"code": text, "state": text, "name": text, "ward": text}
    if role == "source":
        del properties["ward"]
        properties |= {"id": text, "address": {"$ref": "#/$defs/address"}, "fee": {"type": "integer"}}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:dossier-hub:{name}:1.0.0",
        "x-hub": {"role": role, "full_state": True, "subject": [{"system": "{sender}", "pointer": "/code"}], **(more or {})},
        "type": "object", "properties": properties, "required": ["code", "state"], "additionalProperties": False,
        "$defs": {"address": {"type": "object", "properties": {"ward": text}, "additionalProperties": False}},
    }  # fmt: skip
    return json.dumps(document)


class Drop:
    """The home, its folder ``in``, and beside the hub what stands in its database. With ``sftp`` the hub comes to the folder
    by that server."""

    def __init__(self, folder: Path, sftp: dict[str, Any] | None = None, /, **settings: Any) -> None:
        self.home = folder / "home"
        self.folder = self.home / "in"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = {
            "folder": str(self.folder) if sftp else "in", "sender": "land", "schema": "record@1", "format": "jsonl",
            "settle": 0.02, "poll": 0.01, **settings,
        }  # fmt: skip
        endpoint = {"read": self.settings, **({"sftp": sftp} if sftp else {})}
        config: dict[str, Any] = {
            "store": {"url": "sqlite:///var/hub.db"}, "server": {"port": 0},
            "sources": [{"schema": one, "becomes": ["item@1"]} for one in ("record@1", "slip@1")],
            "endpoints": {"drop": {"connector": "files", "settings": endpoint}}, "routes": {},
        }  # fmt: skip
        self.write("config.yaml", yaml.safe_dump(config))
        self.write("schemas/record/1.0.0.json", schema("record", "source", {"message_id": "/id"}))
        self.write("schemas/item/1.0.0.json", schema("item", "canonical"))
        self.write("schemas/slip/1.0.0.xsd", XSD)
        fields = {"code": "code", "state": "state"}
        record = {**fields, "name": "name", "ward": "address.ward"}
        self.write("mappings/record-to-item/1.0.0.yaml", mapping("record", record).replace("- id", "- id\n- fee"))
        self.write("mappings/slip-to-item/1.0.0.yaml", mapping("slip", fields))
        lock_schemas(self.home)

    def write(self, name: str, text: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def put(self, name: str, content: str | bytes) -> Path:
        """Leave a file in the folder as a careful system does: under another name first."""
        draft = self.folder / f".{name[:50]}.tmp"
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        return draft.rename(self.folder / name)

    def names(self, folder: str = "done") -> list[str]:
        there = self.folder / folder
        return sorted(one.name for one in there.iterdir()) if there.is_dir() else []

    def left(self) -> list[str]:
        return sorted(one.name for one in self.folder.iterdir() if not one.is_dir())

    async def read(self, *names: str) -> None:
        """Wait until these files are no longer in the folder."""
        await until(lambda: not set(names) & set(self.left()))

    def errors(self, name: str) -> Any:
        return json.loads((self.folder / "failed" / name).read_bytes())

    def codes(self, name: str) -> list[tuple[int | None, int, list[tuple[str, str]]]]:
        """(record, line, its problems' places and codes) of an errors file."""
        return [
            (one["record"], one["line"], [(problem["at"], problem["code"]) for problem in one["problems"]])
            for one in self.errors(name)
        ]

    def kept(self, name: str) -> dict[int, str]:
        """Record → id of the arrival, of those in an errors file that the hub keeps."""
        return {one["record"]: one["kept"] for one in self.errors(name) if "kept" in one}

    def look(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.home / "var" / "hub.db")) as connection:
            return connection.execute(query).fetchall()

    def arrivals(self) -> list[Any]:
        """The bodies of the arrivals, in the order in which they were stored."""
        rows = self.look("select b.content from arrivals a join bodies b on b.id = a.id order by a.rowid")
        return [json.loads(one) if one[:1] in (b"{", "{") else one for (one,) in rows]

    def states(self, code: str) -> list[str]:
        return [one["state"] for one in self.arrivals() if one["code"] == code]


NewDrop = Callable[..., Drop]
here = pytest.mark.parametrize("new_drop", ["here"], indirect=True)
"""For what is read in a file and what is made of it, which is the same whatever place the file came from."""


@contextlib.asynccontextmanager
async def running(drop: Drop) -> AsyncIterator[Hub]:
    """A started hub on the home."""
    hub = Hub(assemble(drop.home), MovableClock())
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


def record(code: str, state: str = "A", **more: Any) -> dict[str, Any]:
    return {"code": code, "state": state, **more}


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)

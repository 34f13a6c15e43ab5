"""How a message stands in its file: JSON, a row of CSV, XML; and what ``hub check`` says of a folder that is written into."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.config import ReadConfig, WriteConfig
from connectors.files.csv_files import CsvRows
from files.outbox import COLUMNS, Outbox, bytes_of, csv_config, message
from files.parts import XSD, lines, record, running
from hub.assembly import examine
from hub.errors import NotAsked
from hub.translation import lock_schemas
from hub.wire.xml import parse
from hub.wire.xsd import load_xsd


async def test_a_message_is_a_row_under_its_header(tmp_path: Path) -> None:
    """In the described order and encoding; what is absent is an empty cell."""
    box = Outbox(tmp_path, format="csv", encoding="windows-1258", delimiter=";", columns=COLUMNS)
    async with running(box):
        box.put("a.jsonl", lines(record("1", name="Lê; Thị Nở", address={"ward": "Đồng Văn"}), record("1", "B")))
        await box.settled("delivered", "delivered")
    texts = [unicodedata.normalize("NFC", (box.out / name).read_bytes().decode("cp1258")) for name in box.files()]
    header = "Số hồ sơ;Trạng thái;Tên;Phường\r\n"
    assert texts == [f'{header}1;A;"Lê; Thị Nở";Đồng Văn\r\n', f"{header}1;B;;\r\n"]


LETTERS = st.text(st.sampled_from('";,\n\rạếỗ x') | st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=8)


@settings(max_examples=150, deadline=None)
@given(LETTERS, LETTERS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.sampled_from([",", ";", "\t"]), st.booleans())
def test_what_is_written_as_csv_is_read_again_as_it_was(a: str, c: str, encoding: str, delimiter: str, header: bool) -> None:
    """Any text in a cell, by our own reader; a row of blanks is no record."""
    config = csv_config(encoding=encoding, delimiter=delimiter, header=header)
    data = bytes_of(message({"a": a, "b": {"c": c}}), config)
    columns = {"a": "x", "/b/c": "y"} if header else {"a": 1, "/b/c": 2}
    read = {"folder": "in", "sender": "s", "schema": "r@1", "format": "csv", "columns": columns, "header": header,
            "encoding": encoding, "delimiter": delimiter}  # fmt: skip
    found = list(CsvRows(io.BytesIO(data), ReadConfig.model_validate(read)).records())
    assert [one.problem for one in found] == [None] * len(found)
    wanted = {**({"a": a} if a else {}), **({"b": {"c": c}} if c else {})}
    assert [json.loads(one.body) for one in found] == ([wanted] if (a + c).strip() else [])


def test_cells_hold_one_value_that_the_encoding_has() -> None:
    """Numbers and truth as JSON writes them; a list, or a character that the encoding does not have, is refused."""
    assert bytes_of(message({"a": 1.5, "b": {"c": True}}), csv_config(header=False)) == b"1.5,true\r\n"
    assert bytes_of(message({"a": None, "b": 3}), csv_config(header=False)) == b",\r\n"
    with pytest.raises(NotAsked, match="no_cell"):
        bytes_of(message({"a": ["x"]}), csv_config())
    with pytest.raises(NotAsked, match=r"not_in_encoding: windows-1252 has no character U\+1EA1") as refused:
        bytes_of(message({"a": "Phạm"}), csv_config(encoding="windows-1252"))
    assert "Phạm" not in str(refused.value)


def test_a_message_is_an_element_of_a_schema(tmp_path: Path) -> None:
    """What the schema does not allow is refused, without its value; the same message gives the same bytes."""
    (tmp_path / "slip.xsd").write_text(XSD, encoding="utf-8")
    config = WriteConfig.model_validate({"folder": "out", "format": "xml", "xsd": tmp_path / "slip.xsd"})
    written = bytes_of(message({"code": "1", "state": "Bưởi & <Lê>"}), config)
    assert written == bytes_of(message({"code": "1", "state": "Bưởi & <Lê>"}), config)
    document = load_xsd(tmp_path / "slip.xsd")
    assert document.form("slip").read(parse(written)) == {"code": "1", "state": "Bưởi & <Lê>"}
    with pytest.raises(NotAsked, match="not_by_schema: /name: ") as refused:
        bytes_of(message({"code": "1", "state": "A", "name": "Canary"}), config)
    assert "Canary" not in str(refused.value)
    named = WriteConfig.model_validate({**config.model_dump(), "element": "{urn:example:slip}slip"})
    assert bytes_of(message({"code": "1", "state": "A"}), named).endswith(b"</ns0:slip>")


READ = {"folder": "in", "sender": "land", "schema": "record@1", "format": "jsonl"}
WRITE = {"folder": "out", "format": "json"}
CSV = {**WRITE, "format": "csv"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"write": WRITE}, []),
        ({"read": READ, "write": {**CSV, "columns": COLUMNS}}, []),
        ({"read": READ}, [("write", "missing")]),
        ({}, [("", "missing"), ("write", "missing")]),
        ({"read": READ, "write": {**WRITE, "folder": "in"}}, [("write.folder", "same_folder")]),
        ({"read": READ, "write": {**WRITE, "folder": "in/done"}}, [("write.folder", "same_folder")]),
        ({"write": {**WRITE, "taken": "out"}}, [("write.taken", "same_folder")]),
        ({"write": {**WRITE, "columns": COLUMNS}}, [("write.columns", "bad_value")]),
        ({"write": CSV}, [("write.columns", "missing")]),
        ({"write": {**CSV, "columns": {"nam": "x"}}}, [("write.columns.nam", "unknown_path")]),
        ({"write": {**CSV, "columns": {"place": "x"}}}, [("write.columns.place", "no_cell")]),
        ({"write": {**CSV, "columns": {"code": "x", "name": "x"}}}, [("write.columns", "written_twice")]),
        ({"write": {**CSV, "columns": COLUMNS, "delimiter": '"'}}, [("write.delimiter", "bad_value")]),
        ({"write": {**WRITE, "format": "xml", "xsd": "schemas/slip/1.0.0.xsd"}}, []),
        ({"write": {**WRITE, "format": "xml"}}, [("write.xsd", "missing")]),
        ({"write": {**WRITE, "format": "xml", "xsd": "schemas/slip/9.xsd"}}, [("write.xsd", "unreadable")]),
        ({"write": {**WRITE, "format": "xml", "xsd": "config.yaml"}}, [("write.xsd", "malformed")]),
        ({"write": {**WRITE, "format": "xml", "xsd": "schemas/slip/1.0.0.xsd", "element": "slop"}},
         [("write.xsd", "unknown_element")]),
        ({"write": {**WRITE, "element": "slip"}}, [("write.element", "bad_value")]),
        ({"write": {**WRITE, "mode": "rw"}}, [("write.mode", "string_pattern_mismatch")]),
    ],
)  # fmt: skip
def test_hub_check_finds_settings_that_do_not_go_together(
    tmp_path: Path, given: Mapping[str, Any], found: list[tuple[str, str]]
) -> None:
    """Neither read nor write, a route to what does not write, folders and columns."""
    box = Outbox(tmp_path)
    config = yaml.safe_load((box.home / "config.yaml").read_text(encoding="utf-8"))
    config["endpoints"]["out"]["settings"] = given
    box.write("config.yaml", yaml.safe_dump(config, sort_keys=False))
    _, errors, _ = examine(box.home)
    places = [one.at.removeprefix("endpoints.out.settings").lstrip(".") for one in errors]
    assert [(at, one.code) for at, one in zip(places, errors, strict=True)] == found


def test_hub_check_wants_one_layout_for_one_schema(tmp_path: Path) -> None:
    """Two schemas to one CSV endpoint."""
    box = Outbox(tmp_path, format="csv", columns={"code": "x"})
    config = yaml.safe_load((box.home / "config.yaml").read_text(encoding="utf-8"))
    config["routes"]["items"] = {"take": "item@1", "to": "out", "as": "other@1"}
    other = json.loads((box.home / "schemas/note/1.0.0.json").read_text(encoding="utf-8"))
    box.write("schemas/other/1.0.0.json", json.dumps({**other, "$id": "urn:dossier-hub:other:1.0.0"}))
    rules = (box.home / "mappings/item-to-note/1.0.0.yaml").read_text(encoding="utf-8")
    box.write("mappings/item-to-other/1.0.0.yaml", rules.replace("item-to-note", "item-to-other").replace("note@", "other@"))
    lock_schemas(box.home)
    box.write("config.yaml", yaml.safe_dump(config, sort_keys=False))
    _, errors, _ = examine(box.home)
    assert [(one.at, one.code) for one in errors] == [("endpoints.out.settings.write.columns", "bad_value")]

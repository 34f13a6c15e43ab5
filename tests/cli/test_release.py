"""``hub schema compat`` and ``hub release``: new versions are compared with the old, and what is released never changes."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.parts import Home, Run
from hub.translation import lock_schemas
from hub.translation.lock import check_locks, release, unreleased

TABLE = "table: {name}\nversion: 1.0.0\nsummary: A table.\nkey: [code]\ncolumns: [name]\nrows: [[A, open]]\n"
MAPPING, DRAFT = "mappings/record-to-item/1.0.0.yaml", "mappings/record-to-item/1.1.0.yaml"


@pytest.fixture
def version(home: Home) -> Callable[..., Path]:
    """``version("1.1.0", state={"type": "integer"})`` writes a version of the schema record, with these fields changed."""

    def write(version: str, name: str = "record", required: bool = False, **fields: Any) -> Path:
        document = json.loads((home.folder / "schemas" / name / "1.0.0.json").read_text())
        document["$id"] = f"urn:dossier-hub:{name}:{version}"
        document["properties"] |= fields
        document["required"] += [*fields] if required else []
        return home.write(f"schemas/{name}/{version}.json", json.dumps(document))

    return write


def locks(home: Home) -> dict[str, str]:
    return {path.name: path.read_text() for path in home.folder.glob("*/*.lock")}


def test_a_release_writes_what_is_new_and_nothing_else(home: Home, hub: Run) -> None:
    """A dry run shows and writes nothing; then drafts and fetched tables are left out, and a second run adds nothing."""
    stable = home.write(MAPPING, (home.folder / MAPPING).read_text().replace("state:\n    A: open", "state: { use: own@1 }"))
    draft = stable.read_text().replace("version: 1.0.0", "version: 1.1.0").replace("stable", "draft").replace("own@", "portal@")
    home.write(DRAFT, draft)
    home.write("mappings/tables/own/1.0.0.yaml", TABLE.format(name="own"))
    home.write("mappings/tables/portal/1.0.0.yaml", TABLE.format(name="portal") + "fetched: 2026-11-21 from portal\n")
    before = locks(home)
    new = {"mappings/mappings.lock": ["item-to-portal/1.0.0.yaml", "record-to-item/1.0.0.yaml", "tables/own/1.0.0.yaml"]}
    told = hub("release", "--dry-run", "--json").json
    assert (told["ok"], told["written"], told["new"]) == (True, False, new)
    assert locks(home) == before
    assert "mappings/mappings.lock: + tables/own/1.0.0.yaml\n3 files released" in hub("release").stdout
    written = locks(home)
    assert [line.split("  ")[1] for line in written["mappings.lock"].splitlines()] == new["mappings/mappings.lock"]
    assert written["schemas.lock"] == before["schemas.lock"]
    assert "0 files released" in hub("release").stdout
    assert locks(home) == written
    home.write(DRAFT, draft.replace("draft", "stable"))
    (found,) = hub("check", "--json", code=1).json["errors"]
    assert (found["at"], found["code"]) == ("record-to-item/1.1.0.yaml", "mapping_unlisted")
    hub("release")
    assert set(written["mappings.lock"].splitlines()) < set(locks(home)["mappings.lock"].splitlines())


def test_what_is_released_never_changes(home: Home, hub: Run) -> None:
    """A released mapping that was changed, taken back or removed is found with its line in the lock, and nothing more is
    released; only its status may become deprecated."""
    hub("release")
    released, text = locks(home), (home.folder / MAPPING).read_text()
    home.write(DRAFT, text.replace("version: 1.0.0", "version: 1.1.0"))
    for changed, code in (
        (text.replace("A: open", "A: done"), "mapping_changed"), (text.replace("stable", "draft"), "mapping_changed"),
        ("", "mapping_gone"),
    ):  # fmt: skip
        home.write(MAPPING, changed)
        if not changed:
            (home.folder / MAPPING).unlink()
        refused = hub("release", code=1).stdout
        assert "mappings/mappings.lock:2: error: record-to-item/1.0.0.yaml: " in refused
        assert f"[{code}]" in refused and "nothing is released" in refused
    assert locks(home) == released
    home.write(MAPPING, text.replace("stable", "deprecated"))
    hub("release")
    assert len(locks(home)["mappings.lock"].splitlines()) == 3


@pytest.mark.parametrize(
    "status",
    [
        '"status": draft',
        "status : draft",
        "? status\n: draft",
        "status: &now draft",
        'status: "dra\\x66t"',
        "status: draft # yet",
    ],
)
def test_a_draft_is_known_however_it_is_written(home: Home, status: str) -> None:
    """A draft and a fetched table are what the file says, not how its text looks; and a text is no status."""
    released = (home.folder / MAPPING).read_text()
    home.write(DRAFT, released.replace("1.0.0\nstatus: stable", f"1.1.0\n{status}"))
    home.write("mappings/tables/own/1.0.0.yaml", TABLE.format(name="own") + '"fetched" : { from: portal }\n')
    home.write(MAPPING, released.replace("A record becomes an item.", '"A record\nstatus: draft\nfetched: 7"'))
    assert unreleased(home.folder) == {"mappings/mappings.lock": ["item-to-portal/1.0.0.yaml", "record-to-item/1.0.0.yaml"]}


@pytest.mark.parametrize(
    ("released", "changed", "codes"),
    [
        (b"status: stable\nset: 1\n", b"status: deprecated\nset: 1\n", []),
        (b"status: stable\r\nset: 1\r\n", b"status: deprecated \r\nset: 1\r\n", []),
        (b"status: stable\nset: 1\n", b"status: stable\nset: 2\n", ["mapping_changed"]),
        (b"status: stable # now\n", b"status: stable # still\n", ["mapping_changed"]),
        (b"status: stable\rset: 1\n", b"status: stable\rset: 2\n", ["mapping_changed"]),
        (b"{\nstatus: stable, set: 1}\n", b"{\nstatus: stable, set: 2}\n", ["mapping_changed"]),
        (b'summary: "\nstatus: a"\nstatus: stable\n', b'summary: "\nstatus: b"\nstatus: stable\n', ["mapping_changed"]),
        (b'"status": stable\ntext: "\nstatus: stable\n"\n', b'"status": stable\ntext: "\nstatus:\n"\n', ["mapping_changed"]),
        (
            b'"status": stable\nx: "\nstatus: stable\n"\n',
            b'"status": stable\nx: "\nstatus: deprecated\n"\n',
            ["mapping_changed"],
        ),
        (b"status: stable\n", b"status: stable\n\tx: [\n", ["mapping_changed"]),
    ],
)
def test_nothing_but_the_status_may_change(tmp_path: Path, released: bytes, changed: bytes, codes: list[str]) -> None:
    """Whatever else stands on its line, or looks like it, is part of what was released."""
    file = tmp_path / "mappings" / "a" / "1.0.0.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(released)
    release(tmp_path, unreleased(tmp_path))
    assert check_locks(tmp_path, str) == []
    file.write_bytes(changed)
    assert [one.code for one in check_locks(tmp_path, str)] == codes


def test_two_releases_at_once_lose_nothing(tmp_path: Path) -> None:
    """A release waits for the other, and adds to what that one wrote; only what it was to release."""
    for name in ("a", "b"):
        (tmp_path / "mappings" / name).mkdir(parents=True)
        (tmp_path / "mappings" / name / "1.0.0.yaml").write_text("status: stable\n")
    new = unreleased(tmp_path)
    (tmp_path / "mappings" / "b" / "1.1.0.yaml").write_text("status: stable\n")
    lock, other = tmp_path / "mappings" / "mappings.lock", f"{'0' * 64}  a/1.0.0.yaml\n"
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    waits = threading.Thread(target=release, args=(tmp_path, new))
    waits.start()
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        assert not lock.exists(), "it did not wait"
    lock.write_text(other)
    os.close(held)
    waits.join(5)
    first, second = lock.read_text().splitlines(keepends=True)
    assert first == other and second.endswith("  b/1.0.0.yaml\n")
    assert [one.name for one in (tmp_path / "mappings").iterdir() if one.is_file()] == ["mappings.lock"]


@pytest.mark.parametrize(
    ("known", "new", "said"),
    [
        ({"1.1.0": {"type": "integer"}}, {"1.2.0": {"type": "integer"}}, [("1.2.0", "record@1.0.0")]),
        ({"1.2.0": None}, {"1.1.0": {"type": "string"}}, [("1.1.0", "record@1.2.0 does not read all that record@1.1.0")]),
        ({}, {"1.1.0": {"type": "integer"}, "1.2.0": None}, [("1.1.0", "record@1.0.0"), ("1.2.0", "record@1.1.0")]),
        ({"1.2.0": {"type": "string"}}, {"1.1.0": None}, []),
    ],
)
def test_each_version_reads_all_before_it(
    home: Home, hub: Run, version: Callable[..., Path], known: Any, new: Any, said: list[tuple[str, str]]
) -> None:
    """A new version is compared with every one of its major version that is live, those after it too."""

    def write(versions: dict[str, Any]) -> None:
        for number, field in versions.items():
            version(number, **({"state" if field["type"] == "integer" else "note": field} if field else {}))

    write(known)
    (home.folder / "schemas/schemas.lock").unlink()
    lock_schemas(home.folder)
    write(new)
    errors = hub("release", "--json", code=1 if said else 0).json["errors"]
    found = [(one["source"], one["message"]) for one in errors]
    assert len(found) == len(said)
    for (source, message), (number, text) in zip(found, said, strict=True):
        assert source == f"schemas/record/{number}.json" and text in message


def test_a_change_of_the_role_is_said(home: Home, hub: Run, version: Callable[..., Path]) -> None:
    file = version("1.1.0")
    file.write_text(file.read_text().replace('"source"', '"partner"'))
    errors = hub("release", "--json", code=1).json["errors"]
    assert [one["code"] for one in errors] == ["incompatible"] and "x-hub.role" in errors[0]["message"]


@pytest.mark.parametrize(
    ("number", "name", "field", "required", "code"),
    [
        ("1.1.0", "record", {"type": "string"}, False, ""),
        ("1.1.0", "record", {"type": "string"}, True, "incompatible"),
        ("2.0.0", "record", {"type": "string"}, True, ""),
        ("1.1.0", "portal-item", {"type": "string"}, True, ""),
    ],
)
def test_a_new_version_reads_what_the_last_one_allowed(
    home: Home, hub: Run, version: Callable[..., Path], number: str, name: str, field: Any, required: bool, code: str
) -> None:
    """Within its major version a source's schema may only allow more; a new major version, and what a partner says, is free."""
    version(number, name, required, note=field)
    told = hub("release", "--json", code=1 if code else 0).json
    assert [(one["at"], one["code"], one["source"]) for one in told["errors"]] == (
        [("/note", code, f"schemas/{name}/{number}.json")] if code else []
    )
    assert (f"{name}/{number}.json" in locks(home)["schemas.lock"]) is told["written"] is (not code)


def test_compat_compares_versions_of_the_home(hub: Run, version: Callable[..., Path]) -> None:
    """Two named ones; or each with each older one of its major version, so that a break with a version long ago is found."""
    version("1.1.0", state={"type": "string"})
    version("1.2.0", state={"type": "string", "minLength": 1})
    version("2.0.0", state={"type": "integer"})
    assert "record@1.0.0 → record@1.1.0: compatible (backward)" in hub("schema", "compat", "record@1.0.0", "record@1.1").stdout
    told = hub("schema", "compat", "record", "--mode", "full", "--json", code=1).json
    assert [(one["old"], one["new"], one["compatible"]) for one in told["pairs"]] == [
        ("record@1.0.0", "record@1.1.0", False),
        ("record@1.0.0", "record@1.2.0", True),
        ("record@1.1.0", "record@1.2.0", False),
    ]
    (found,) = told["pairs"][2]["breaks"]
    assert (found["at"], found["keyword"], found["direction"], found["change"]) == (
        "/state",
        "minLength",
        "backward",
        "nothing → 1",
    )
    assert found["example"]["state"] == ""
    shown = hub("schema", "compat", "record@1.1.0", "record@2.0.0", code=1).stdout
    assert '/state: type: "string" → "integer" [breaks backward]' in shown
    assert "record@1.1.0 takes, record@2.0.0 refuses:" in shown
    assert len(hub("schema", "compat", "--all", "--json", code=1).json["pairs"]) >= 3
    assert "no two versions" in hub("schema", "compat", "record@2").stdout


def test_compat_compares_files(home: Home, hub: Run, tmp_path: Path, version: Callable[..., Path]) -> None:
    """A schema that is no version of the home yet is named as a file; what cannot be read or is no schema is said."""
    file = version("1.1.0", state={"type": "string", "minLength": 2})
    file = file.rename(tmp_path / "next.json")
    told = hub("schema", "compat", "record@1", str(file), "--json", code=1).json
    assert [(one["at"], one["keyword"]) for one in told["pairs"][0]["breaks"]] == [("/state", "minLength")]
    hub("schema", "compat", str(file), "record@1")
    other = home.folder / "schemas/record/1.0.0.json"
    for text in (
        '{"$defs": {"no blank": {"type": "string"}}, "$ref": "#/$defs/no%20blank"}', '{"x-hub": []}', '{"x-hub": {"step": 7}}',
        '{"$ref": "#/x-types/a", "x-types": {"a": {"$ref": "#/x-types/b"}, "b": {"const": 1180591620717411303424}}}',
    ):  # fmt: skip
        file.write_text(text)
        hub("schema", "compat", str(other), str(file), "--mode", "full", "--json", code=1)
    for text, said in (
        ('{"type": "string", "type": "integer"}', "a key is written twice"), ("true", "JSON objects"), ("[]", "JSON objects"),
        ('{"$ref": "http://127.0.0.1:9/x"}', "not_a_schema"), ('{"const": "\\ud800"}', "not_a_schema"), ("{", "not JSON"),
    ):  # fmt: skip
        file.write_text(text)
        assert said in hub("schema", "compat", str(other), str(file), code=1).stderr
    file.write_text('{"type": 7}')
    assert "not_a_schema" in hub("schema", "compat", "record@1", str(file), code=1).stderr
    for arguments, code in (
        (("record@1", "gone.json"), 3),
        (("record@7", "record@1"), 3),
        (("nothing",), 3),
        ((), 2),
        (("record", "--all"), 2),
    ):
        hub("schema", "compat", *arguments, code=code)

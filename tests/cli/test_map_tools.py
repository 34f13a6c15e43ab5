"""`hub map try`, `test` and `shadow`: what a mapping does, what its tests leave out, what a change would do."""

from __future__ import annotations

import contextlib
import json
import sqlite3

from cli.parts import _MAPPING, Home, Run, record
from hub.assembly import assemble
from hub.message import system_clock
from hub.store.sql import SqlStore
from hub.translation.shadow import Example, Shadow

_DRAFT = _MAPPING.replace("version: 1.0.0", "version: 1.1.0").replace("status: stable", "status: draft")
_MENDED = _DRAFT.replace("A: open\n", "A: open\n    B: done\n")


def _upper(mapping: str) -> str:
    return mapping.replace("name: { get: name }", "name: { get: name, apply: [upper] }").replace("name: n }\n", "name: N }\n")


def _stored(home: Home) -> list[str]:
    with contextlib.closing(sqlite3.connect(home.folder / "var/hub.db")) as database:
        return list(database.iterdump())


# ── try
def test_try_shows_what_comes_of_a_message(home: Home, hub: Run) -> None:
    """A mapping of the catalog, or a draft in a file; with --trace each rule: target, line, what it read, each verb."""
    message = str(home.write("one.json", json.dumps(record(name="An"))))
    told = hub("map", "try", message, "--mapping", "record-to-item", "--json").json
    assert told["ok"] is True and told["mapping"] == "record-to-item@1.0.0" and "trace" not in told
    assert told["body"] == {"code": "000.00.10.H22-261121-0001", "state": "open", "name": "An"}
    draft = home.write("draft.yaml", _upper(_DRAFT))
    said = hub("map", "try", message, "--mapping", str(draft), "--trace").stdout
    assert 'name: set "AN"  draft.yaml:13' in said and 'read name  "An"' in said and 'upper  "AN"' in said
    assert 'table state  "open"' in said and '"name": "AN"' in said


def test_try_says_why_a_message_cannot_be_translated(home: Home, hub: Run) -> None:
    """An unknown code: the problem with file and line, each rule's outcome, exit code 1."""
    other = home.write("other.json", json.dumps(record(state="B", name="An")))
    told = hub("map", "try", str(other), "--mapping", "record-to-item", "--trace", "--json", code=1).json
    assert told["ok"] is False and told["body"] is None
    assert [one["outcome"] for one in told["trace"]] == ["set", "not_in_table", "set"]
    (problem,) = told["problems"]
    assert problem["code"] == "not_in_table" and problem["source"].startswith("mappings/record-to-item/1.0.0.yaml:12")


def test_try_checks_the_message_first(home: Home, hub: Run) -> None:
    """One that does not fit the source schema never reaches the mapping; what is not there has exit code 3 or 2."""
    poor = str(home.write("poor.json", json.dumps({"code": "c"})))
    said = hub("map", "try", poor, "--mapping", "record-to-item", "--trace", code=1).stdout
    assert "does not fit record@1.0.0" in said and "[missing]" in said and "read" not in said
    hub("map", "try", poor, "--mapping", "nobody", code=3)
    hub("map", "try", poor + "x", "--mapping", "record-to-item", code=2)


def test_try_takes_the_version_that_the_message_fits(home: Home, hub: Run) -> None:
    """A mapping from record@1 takes a message of 1.0.0 although 1.1.0 asks for more."""
    newer = (home.folder / "schemas/record/1.0.0.json").read_text(encoding="utf-8").replace("record:1.0.0", "record:1.1.0")
    home.write("schemas/record/1.1.0.json", newer.replace('"minLength": 1', '"minLength": 2'))
    draft = str(home.write("draft.yaml", _DRAFT.replace("from: record@1.0.0", "from: record@1")))
    for state, version, code in (("A", "1.0.0", 0), ("BB", "1.1.0", 1)):
        message = str(home.write("one.json", json.dumps(record(state=state, name="An"))))
        assert hub("map", "try", message, "--mapping", draft, "--json", code=code).json["from"] == f"record@{version}"


# ── test
def test_map_test_counts_tests_and_what_they_leave_out(home: Home, hub: Run) -> None:
    """A failing test is named with its line, exit code 1; coverage names an untouched row with its line, and shared tables."""
    assert hub("map", "test", "record-to-item").stdout.splitlines()[-1] == "1 test of 1 mapping: all passed"
    draft = home.write("draft.yaml", _MENDED.replace("A: open", "A: shut"))
    told = hub("map", "test", str(draft), "--json", code=1).json
    assert told["failed"] == 1 and told["mappings"][0]["problems"][0]["source"] == "draft.yaml:16"
    head = "table: few\nversion: 1.0.0\nsummary: States.\nkey: [code]\ncolumns: [state]\nrows:\n"
    home.write("mappings/tables/few/1.0.0.yaml", f"{head}  - [A, open]\n  - [B, done]\n")
    few = home.write("few.yaml", _DRAFT.replace("state:\n    A: open", "state: { use: few@1 }"))
    said = hub("map", "test", str(few), "--coverage").stdout
    assert "80.0 % of 5 spots touched" in said
    assert "mappings/tables/few/1.0.0.yaml:8: no test touches the row state: B" in said


# ── shadow
def test_shadow_shows_what_a_candidate_would_change(home: Home, hub: Run) -> None:
    """Stored arrivals, kept ones too, through what is used now and the draft: grouped by field and cause, with ids, without
    values; the store is as it was."""
    receipts = home.take(*(record(f"000.00.10.H22-261121-000{n}", "AB"[n == 4]) for n in range(5)))
    ids = [one["arrival"] for one in receipts]
    draft = str(home.write("draft.yaml", _upper(_MENDED)))
    before = _stored(home)
    told = hub("map", "shadow", draft, "--json").json
    assert _stored(home) == before
    assert told["candidate"] == "record-to-item@1.1.0" and told["now"] == ["record-to-item@1.0.0"]
    assert (told["what"], told["tried"], told["kept"]) == ("arrivals", 5, 1)
    assert (told["same"], told["different"], told["mended"], told["broken"]) == (0, 4, 1, 0)
    changed, mended = told["groups"]
    assert (changed["field"], changed["change"], changed["cause"], changed["messages"]) == ("name", "changed", "value", 4)
    assert changed["by"] == "draft.yaml:14 name" and changed["examples"] == [{"id": one} for one in ids[3:0:-1]]
    assert (mended["field"], mended["change"], mended["cause"]) == ("state", "mended", "not_in_table")
    assert mended["examples"] == [{"id": ids[4]}]
    said = hub("map", "shadow", draft, "--last", "2").stdout
    assert "2 arrivals in record@1.0.0, 1 of them kept: 0 the same, 1 different, 1 mended" in said and ids[4] in said
    assert hub("map", "shadow", draft, "--since", "2999-01-01", "--json").json["tried"] == 0


def test_shadow_of_a_canonical_mapping_reads_messages(home: Home, hub: Run) -> None:
    """A mapping to a partner is tried on the messages; values are shown when asked for; an erased body is counted and said."""
    home.take(record(name="An"), record("000.00.10.H22-261121-0002", name="An"))
    text = (home.folder / "mappings/item-to-portal/1.0.0.yaml").read_text(encoding="utf-8")
    draft = str(home.write("draft.yaml", text.replace("Ten: { get: name }", "Ten: { get: state }")))
    home.settle("delivered")

    async def erase(store: SqlStore) -> None:
        await store.erase_dossier("000.00.10.H22-261121-0001", actor="t", why="w", now=system_clock())

    home.in_store(erase)
    told = hub("map", "shadow", draft, "--json").json
    assert (told["what"], told["tried"], told["erased"], told["different"]) == ("messages", 1, 1, 1)
    said = hub("map", "shadow", draft, "--show-values").stdout
    assert '"An" → "open"' in said and "1 body erased" in said


def test_shadow_counts_messages_not_items(home: Home) -> None:
    """A field of a list is one message, however many of its items differ, behind the examples too."""
    catalog = assemble(home.folder).catalog
    work = Shadow(catalog, next(one for one in catalog.mappings() if one.ref.id == "record-to-item"))
    for message in range(6):
        for _ in range(4):
            work._count("documents[].title", "changed", "value", "f:1", Example(f"m{message}", 1, 2))
    assert [(one.count, len(one.examples)) for one in work.groups()] == [(6, 3)]


def test_a_draft_that_cannot_be_read_is_said_with_its_line(home: Home, hub: Run) -> None:
    """A file that names no mapping, and one with a wrong verb: each problem with file and line."""
    nameless = home.write("nameless.yaml", "set: {}\n")
    assert hub("map", "shadow", str(nameless), "--json", code=1).json["error"]["problems"][0]["code"] == "bad_id"
    wrong = home.write("wrong.yaml", _upper(_DRAFT).replace("[upper]", "[uper]"))
    assert "wrong.yaml:13" in hub("map", "test", str(wrong), code=1).stderr

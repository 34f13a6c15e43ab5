"""`hub table`: an integrator makes a code table from a CSV file, checks it and sees what a new version changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.parts import Home, Run

HEAD = "table: units\nversion: 1.0.0\nkey: [code]\ncolumns: [name, valid_from, valid_until]\nrows:\n"
CSV = 'code;name;since\nU1;" Xã; Đồng Văn";a\n\nU2;"two\nlines";b\n'
IMPORT = ("table", "import", "--table", "units", "--key", "code", "--version")


def csv(home: Home, text: str | bytes, name: str = "units.csv") -> str:
    path = home.folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_csv_file_becomes_a_version_of_a_table(home: Home, hub: Run) -> None:
    """The columns asked for, in quotes so that nothing is guessed, blanks around left out and said; the catalog reads it."""
    file = csv(home, "\ufeff" + CSV)
    said = hub(*IMPORT, "1.0.0", file, "--delimiter", ";", "--columns", "name").stdout
    assert "units@1.0.0: 2 rows written" in said and "1 cell had blanks" in said and "hub check" in said
    text = (home.folder / "mappings/tables/units/1.0.0.yaml").read_text(encoding="utf-8")
    assert '- ["U1", "Xã; Đồng Văn"]' in text and '- ["U2", "two\\nlines"]' in text and "since" not in text
    assert {"table": "units@1.0.0", "rows": 2, "fetched": False} in hub("catalog", "list", "--json").json["tables"]
    told = hub(*IMPORT, "1.1.0", csv(home, "code\tname\nno\t010\n"), "--delimiter", "tab", "--json").json
    assert (told["rows"], told["trimmed"]) == (1, 0)
    assert '["no", "010"]' in Path(told["file"]).read_text(encoding="utf-8")


def test_a_file_is_never_written_over(home: Home, hub: Run) -> None:
    """The version is there already: exit code 2, the file stays as it was; --out writes elsewhere."""
    file = csv(home, "code,name\nA,a\n")
    hub(*IMPORT, "1.0.0", file)
    path = home.folder / "mappings/tables/units/1.0.0.yaml"
    before = path.read_bytes()
    assert "choose the next version" in " ".join(hub(*IMPORT, "1.0.0", csv(home, "code,name\nB,b\n"), code=2).stderr.split())
    assert path.read_bytes() == before
    other = home.folder / "else" / "t.yaml"
    hub(*IMPORT, "1.0.0", file, "--out", str(other))
    assert b'["B", "b"]' in other.read_bytes() and path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("code,name\nA,a\n\n\nA,b\n", "duplicate_key", 5),
        ('code,name\n"A\nB",a\nC\n', "bad_row", 4),
        ('code,name\nA,"a\n', "not_csv", 2),
        ('code,name\nA,"a"b\n', "not_csv", 2),
        ("codes,name\nA,a\n", "unknown_column", 1),
        ("code;name\nA;a\n", "unknown_column", 1),
        ("code,code\nA,a\n", "duplicate", 1),
        ("code\nA\n", "missing", 1),
        ("", "unknown_column", 1),
        ("code,name,valid_from\nA,a,01/07/2025\n", "bad_validity", 2),
        ("code,name,valid_from\nA,a,\nA,b,2025-07-01\n", "overlapping_validity", 3),
        (b"code,name\nA,a\nB,\xd0\n", "bad_encoding", 3),
    ],
)
def test_what_is_wrong_with_the_csv_has_its_line(home: Home, hub: Run, text: str | bytes, code: str, line: int) -> None:
    """Each problem names the line of the CSV file, and nothing is written."""
    told = hub(*IMPORT, "1.0.0", csv(home, text), "--json", code=1).json
    assert (code, f"units.csv:{line}") in [(one["code"], one["source"]) for one in told["error"]["problems"]]
    assert not (home.folder / "mappings/tables/units").exists()


def test_all_lines_of_a_csv_are_checked_at_once(home: Home, hub: Run) -> None:
    """A short line does not hide a double key further down."""
    said = hub(*IMPORT, "1.0.0", csv(home, "code,name\nA,a\nB\nA,c\n"), code=1).stderr
    assert "units.csv:3" in said and "units.csv:4" in said


@pytest.mark.parametrize(
    "wrong",
    [
        ("1.0", "units.csv"),
        ("x", "units.csv"),
        ("1.0.0", "gone.csv"),
        ("1.0.0", "units.csv", "--delimiter", ";;"),
        ("1.0.0", "units.csv", "--encoding", "klingon"),
    ],
)
def test_a_wrong_use_of_import_is_said(home: Home, hub: Run, wrong: tuple[str, ...]) -> None:
    """Exit code 2, no traceback, nothing written."""
    version, file, *more = wrong
    csv(home, "code,name\nA,a\n")
    hub(*IMPORT, version, str(home.folder / file), *more, code=2)
    assert not (home.folder / "mappings/tables/units").exists()


def test_another_encoding_is_read_by_its_name(home: Home, hub: Run) -> None:
    """What an old spreadsheet writes; without --encoding it is refused, not guessed."""
    file = csv(home, "code,name\nA,Đồng\n".encode("utf-16"))
    assert "--encoding" not in hub(*IMPORT, "1.0.0", file, "--encoding", "utf-16").stdout
    assert '"Đồng"' in (home.folder / "mappings/tables/units/1.0.0.yaml").read_text(encoding="utf-8")
    hub(*IMPORT, "1.1.0", file, code=1)


def test_two_versions_are_compared_row_by_row(home: Home, hub: Run) -> None:
    """Added, removed and changed rows with their cells, in what is inherited too; exit code 0; a file stands for a version."""
    hub(*IMPORT, "1.0.0", csv(home, "code,name\nA,a\nB,b\nC,c\n"))
    hub(*IMPORT, "1.1.0", csv(home, "code,name\nA,a\nB,bee\nD,d\n"))
    told = hub("table", "diff", "units@1.0.0", "units@1.1.0", "--json").json
    changed = [{"key": ["B"], "column": "name", "old": "b", "new": "bee"}]
    assert told == {"old": "units@1.0.0", "new": "units@1.1.0", "added": [["D"]], "removed": [["C"]], "changed": changed}
    said = hub("table", "diff", "units@1.0.0", "units@1.1.0").stdout
    for line in ("- C: c", "+ D: d", "~ B: name: b → bee", "1 row added, 1 row removed, 1 row changed"):
        assert line in said
    file = home.write(
        "draft.yaml",
        "table: units\nversion: 1.2.0\nextends: units@1.0\nwithout: [[A]]\nkey: [code]\ncolumns: [name]\nrows: [[E, e]]\n",
    )
    told = hub("table", "diff", "units@1.0.0", str(file), "--json").json
    assert (told["added"], told["removed"], told["changed"]) == ([["E"]], [["A"]], [])
    assert "the same rows" in hub("table", "diff", "units@1", "units@1.1.0").stdout
    hub("table", "diff", "units@1", "nowhere@1", code=3)
    hub("table", "diff", "units@1", "no name", code=2)
    hub("table", "diff", "units@1", "opencps-states@1", code=2)
    file.write_text("table: units\nversion: 1.2.0\nextends: gone@1\nkey: [code]\ncolumns: [name]\nrows: []\n")
    assert "unknown_table" in hub("table", "diff", "units@1", str(file), code=1).stderr


def test_a_cell_of_another_kind_is_a_change(home: Home, hub: Run) -> None:
    """1, "1" and true are three values."""
    for number, cell in enumerate(("1", "true", '"true"', '"1"')):
        text = f"table: t\nversion: 1.{number}.0\nkey: [code]\ncolumns: [name]\nrows: [[A, {cell}]]\n"
        home.write(f"mappings/tables/t/1.{number}.0.yaml", text)
    for old, new, said in ((0, 1, "1 → true"), (1, 2, 'true → "true"'), (3, 0, '"1" → 1')):
        told = hub("table", "diff", f"t@1.{old}.0", f"t@1.{new}.0").stdout
        assert f"~ A: name: {said}" in told and "1 row changed" in told


def test_check_of_a_table_tells_what_is_wrong_above_it(home: Home, hub: Run) -> None:
    """A table whose parent is in a cycle cannot be loaded: the cycle is shown, not that there is no such table."""
    for name, extends in (("t", "a@1"), ("a", "b@1"), ("b", "a@1")):
        text = f"table: {name}\nversion: 1.0.0\nextends: {extends}\nkey: [code]\ncolumns: [name]\nrows: []\n"
        home.write(f"mappings/tables/{name}/1.0.0.yaml", text)
    for asked in ("t@1", "a@1", "b@1.0.0"):
        assert [one["code"] for one in hub("table", "check", asked, "--json", code=1).json["problems"]] == ["table_cycle"]
    hub("table", "check", "t@2", code=3)


def test_check_shows_a_table_with_who_uses_it(home: Home, hub: Run) -> None:
    """Rows, how many hold today, what it extends, the mappings that take this version; problems have their line."""
    home.write("mappings/tables/units/1.0.0.yaml", HEAD + "  - [A, a, 2000-01-01, 2000-12-31]\n  - [A, b, 2001-01-01, '']\n")
    own = "table: opencps-states\nversion: 1.1.0\nextends: opencps-states@1\n"
    own += "key: [dossierStatus, dossierSubStatus]\ncolumns: [state]\nrows: [[processing, signing, processing]]\n"
    home.write("mappings/tables/opencps-states/1.1.0.yaml", own)
    tables = {one["table"]: one for one in hub("table", "check", "--json").json["tables"]}
    told = tables["units@1.0.0"]
    assert (told["rows"], told["rows_today"], told["used_by"], told["extends"]) == (2, 1, [], None)
    assert tables["opencps-states@1.1.0"]["rows"] == tables["opencps-states@1.0.0"]["rows"] + 1
    assert "opencps-to-dossier@1.0.0" in tables["opencps-states@1.1.0"]["used_by"]
    assert tables["opencps-states@1.0.0"]["used_by"] == []
    assert tables["npsp-procedures@1"]["rows"] is None
    said = hub("table", "check").stdout
    assert "2, 1 hold today" in said and "with those of opencps-states@1" in said and "ok: " in said
    home.write("mappings/tables/units/1.1.0.yaml", HEAD.replace("1.0.0", "1.1.0") + "  - [A, a, '', '']\n  - [A, b, '', '']\n")
    assert "units/1.1.0.yaml:7: error: rows: row 2 holds on days" in hub("table", "check", "units@1", code=1).stdout
    assert [one["table"] for one in hub("table", "check", "units@1.0.0", "--json").json["tables"]] == ["units@1.0.0"]
    assert hub("table", "check", "nowhere@1", code=3).stderr.count("units@1.0.0") == 1


def test_hub_check_finds_what_is_wrong_with_tables(home: Home, hub: Run) -> None:
    """Overlapping days, a dangling and a circular reference: all named in one run, each with file, line and mend."""
    home.write("mappings/tables/units/1.0.0.yaml", HEAD + "  - [A, a, '', '']\n  - [A, b, '', '']\n")
    for name, extends in (("a", "b@1"), ("b", "a@1"), ("c", "gone@1")):
        text = f"table: {name}\nversion: 1.0.0\nextends: {extends}\nkey: [code]\ncolumns: [name]\nrows: []\n"
        home.write(f"mappings/tables/{name}/1.0.0.yaml", text)
    errors = {one["code"]: one for one in hub("check", "--json", code=1).json["errors"]}
    assert {"overlapping_validity", "table_cycle", "unknown_table"} <= set(errors)
    for code in ("overlapping_validity", "table_cycle", "unknown_table"):
        assert errors[code]["hint"] and errors[code]["source"].startswith("mappings/tables/")

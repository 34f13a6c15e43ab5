"""Every kind of bad input stands in one home, and one run of `hub check` names all of it: file, line, what to write."""

from __future__ import annotations

import json

import pytest

from cli.parts import Home, Run
from hub.translation import lock_schemas

_HEAD = "mapping: {0}\nversion: 1.0.0\nstatus: {1}\nfrom: {2}\nto: {3}\nsummary: A mapping of a test.\n"
_TEST = "tests:\n  - { name: one, given: { code: c, state: A, name: n }, expect: { code: c, state: open, name: n } }\n"
_TABLE = "table: {0}\nversion: 1.0.0\nsummary: A table of a test.\noffered: true\n{1}key: [code]\ncolumns: [{2}]\nrows: {3}\n"


def _mapping(name: str, body: str, to: str = "item@1.0.0", source: str = "record@1.0.0", status: str = "stable") -> str:
    return _HEAD.format(name, status, source, to) + body + _TEST


def _table(name: str, rows: str, more: str = "", columns: str = "name") -> str:
    return _TABLE.format(name, more, columns, rows)


_RULES = "set:\n  code: { get: code }\n  state: { get: state }\n  name: { get: name }\n"
_BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
_MAPPINGS = {
    # references
    "from-nowhere": (_mapping("from-nowhere", _RULES, source="nowhere@1.0.0"), {"from": "unknown_schema"}),
    "of-no-table": (_mapping("of-no-table", "tables:\n  t: { use: nowhere@1 }\n" + _RULES), {"tables.t": "bad_table"}),
    # two mappings for one edge
    "record-to-item-again": (
        _mapping("record-to-item-again", _RULES.replace("{ get: state }", "{ value: open }")),
        {"record-to-item-again@1.0.0": "two_mappings"},
    ),
    # YAML traps
    "norway": (_mapping("norway", _RULES.replace("get: code", "get: code, optional: no")), {"set.code.optional": "mistyped"}),
    "octal": (
        _mapping("octal", _RULES.replace("get: code", "get: code, apply: [{ cut: 010 }]")),
        {"set.code.apply.0": "bad_verb"},
    ),
    "dated": (_mapping("dated", _RULES).replace("version: 1.0.0", "version: 2025-07-01"), {"version": "bad_id"}),
    "twice": (_mapping("twice", _RULES + "  code: { get: name }\n"), {"set.code": "duplicate_key"}),
    "bomb": (_BOMB, {"e": "alias_bomb"}),
    "merging": ("a: &a\n  <<: *a\n", {"a": "merge_key"}),
    "ring": ("a: &a [*a]\n", {"a.0": "cycle"}),
    "deep": (f"a: {'[' * 800}{']' * 800}\n", {"a": "too_deep"}),
    # wrong arguments, a path into a list, an output that its schema does not take
    "wrong-verb": (
        _mapping("wrong-verb", _RULES.replace("get: code", "get: code, apply: [{ pad_left: 5 }, trimm]")),
        {"set.code.apply.0": "bad_verb", "set.code.apply.1": "unknown_verb"},
    ),
    "into-a-list": (
        _mapping("into-a-list", _RULES.replace("get: name", "get: papers.title"), "item@1.0.0", "listed@1.0.0"),
        {"papers.title": "path_into_list"},
    ),
    "breaking": (
        _mapping("breaking", _RULES.replace("{ get: code }", "{ value: 7 }"), "narrow@1.0.0"),
        {"code": "never_fits", "name": "test_failed"},
    ),
}
"""Name → text and what must be said of it: where → code."""
_TABLES = {
    "ring-a": (_table("ring-a", "[]", "extends: ring-b@1\n"), {}),
    "ring-b": (_table("ring-b", "[]", "extends: ring-a@1\n"), {"extends": "table_cycle"}),
    "orphan": (_table("orphan", "[]", "extends: nowhere@1\n"), {"extends": "unknown_table"}),
    "overlapping": (
        _table("overlapping", "\n  - [A, a, '', 2025-07-01]\n  - [A, b, 2025-07-01, '']", "", "name, valid_from, valid_until"),
        {"rows": "overlapping_validity"},
    ),
    "no-day": (_table("no-day", "\n  - [A, a, 2025-7-1]", "", "name, valid_from"), {"rows": "bad_validity"}),
}
_ROUTE = "  nowhere: { take: item@1, to: prtal, as: nowhere@1 }\n"
_SCHEMAS: dict[str, dict[str, object]] = {
    "listed": {"papers": {"type": "array", "items": {"properties": {"title": {"type": "string"}}}}},
    "narrow": {"code": {"type": "string"}, "state": {"type": "string"}, "name": {"type": "string", "maxLength": 0}},
}


@pytest.fixture
def bad(home: Home) -> Home:
    """A home in which everything is wrong at once."""
    home.configure(more=_ROUTE)
    for name, (text, _) in _MAPPINGS.items():
        home.write(f"mappings/{name}/1.0.0.yaml", text)
    for name, (text, _) in _TABLES.items():
        home.write(f"mappings/tables/{name}/1.0.0.yaml", text)
    for name, fields in _SCHEMAS.items():
        first = json.loads((home.folder / "schemas/record/1.0.0.json").read_text(encoding="utf-8"))
        more = {"$id": f"urn:dossier-hub:{name}:1.0.0", "properties": first["properties"] | fields}
        home.write(f"schemas/{name}/1.0.0.json", json.dumps(first | more))
    lock_schemas(home.folder)
    return home


def test_one_run_names_everything_that_is_wrong(bad: Home, hub: Run) -> None:
    """Each fault is named with its file, a line of it and what to write instead; none hides another."""
    errors = hub("check", "--json", code=1).json["errors"]
    told = {(one["source"].rpartition(":")[0], one["at"], one["code"]) for one in errors}
    wanted = {(f"mappings/{name}/1.0.0.yaml", at, code) for name, (_, said) in _MAPPINGS.items() for at, code in said.items()}
    wanted |= {(f"mappings/tables/{name}/1.0.0.yaml", at, c) for name, (_, said) in _TABLES.items() for at, c in said.items()}
    wanted |= {("config.yaml", "routes.nowhere.to", "unknown_endpoint"), ("config.yaml", "routes.nowhere.as", "unknown_schema")}
    assert wanted - told == set()
    for one in errors:
        name, _, line = one["source"].rpartition(":")
        assert one.get("hint"), one
        assert 1 <= int(line) <= len((bad.folder / name).read_text(encoding="utf-8").splitlines()), one


def test_what_is_whole_is_not_called_wrong_for_the_sake_of_what_is_broken(home: Home, hub: Run) -> None:
    """A mapping with a fault, or a schema: the route that needs it is not blamed, but another route's own fault is told."""
    home.configure(more=_ROUTE)
    for name in ("mappings/record-to-item/1.0.0.yaml", "schemas/portal-item/1.0.0.json"):
        home.write(name, (home.folder / name).read_text(encoding="utf-8").replace(": ", ":: ", 1))
    errors = hub("check", "--json", code=1).json["errors"]
    blamed = {one["at"] for one in errors if one["source"].startswith("config.yaml")}
    assert blamed == {"routes.nowhere.to", "routes.nowhere.as"}


def test_traps_in_config_yaml_hide_no_other_file(home: Home, hub: Run) -> None:
    """A key written twice is told with what is wrong in a mapping; one to a schema that came with the
    hub is not called wrong."""
    home.write("config.yaml", (home.folder / "config.yaml").read_text(encoding="utf-8") + "server: { port: no }\n")
    home.write("mappings/norway/1.0.0.yaml", _MAPPINGS["norway"][0])
    home.write("mappings/mine/1.0.0.yaml", _mapping("mine", "set:\n  code: { get: code }\n", "dossier@1"))
    codes = {(one["source"].rpartition("/")[0], one["code"]) for one in hub("check", "--json", code=1).json["errors"]}
    assert {("", "duplicate_key"), ("mappings/norway", "mistyped")} <= codes
    assert ("mappings/mine", "unknown_schema") not in codes

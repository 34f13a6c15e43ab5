"""`hub map path`, pinned routes, two mappings for one edge and two versions of a source, all from the shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.parts import Home, Run, record

SHIPPED = Path(__file__).parents[2]


def rival(home: Home, status: str = "stable") -> None:
    """A second mapping from item to portal-item."""
    text = (home.folder / "mappings/item-to-portal/1.0.0.yaml").read_text(encoding="utf-8").replace("item-to-portal", "rival")
    home.write("mappings/rival/1.0.0.yaml", text.replace("status: stable", f"status: {status}"))


def configured(home: Home, old: str, new: str) -> None:
    path = home.folder / "config.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_map_path_shows_steps_fields_and_places(home: Home, hub: Run) -> None:
    """Each step with version, status and place; where fields come to, what is lost, what a constant fills; and other ways."""
    path = home.folder / "mappings/item-to-portal/1.0.0.yaml"
    text = path.read_text(encoding="utf-8").replace("Ten: n }", "Ten: x }")
    path.write_text(text.replace("Ten: { get: name }", "Ten: { value: x }\nignore: [name]"), encoding="utf-8")
    told = hub("map", "path", "record@1", "portal-item@1", "--json").json
    assert [(one["mapping"], one["status"], one["to"]) for one in told["steps"]] == [
        ("record-to-item@1.0.0", "stable", "item@1.0.0"), ("item-to-portal@1.0.0", "stable", "portal-item@1.0.0")
    ]  # fmt: skip
    assert told["reaches"] == [{"field": "code", "to": ["MaHoSo"]}, {"field": "state", "to": ["TrangThai"]}]
    (lost,) = told["lost"]
    assert (lost["field"], lost["by"], lost["why"]) == ("name", "item-to-portal@1.0.0", "ignored on purpose")
    assert lost["source"].rpartition(":")[0].endswith("item-to-portal/1.0.0.yaml")
    (given,) = told["given"]
    assert (given["field"], given["kind"], given["value"], given["always"]) == ("Ten", "constant", "x", True)
    assert told["counted"] == {"lost": 1, "default": 0, "constant": 1} and told["unset"] == told["other_ways"] == []
    assert told["steps"][0]["lost"] == [] and len(told["steps"][1]["lost"]) == 1
    said = hub("map", "path", "record@1", "portal-item@1").stdout
    for words in ("1  record-to-item@1.0.0 (stable)", "lost at item-to-portal@1.0.0, ignored on purpose", "MaHoSo"):
        assert words in said


def test_map_path_tells_no_digest_that_needs_a_key(home: Home, hub: Run) -> None:
    """The keys of config.yaml are not read, so that it would be another than the one that deliveries pin."""
    digest = hub("map", "path", "record@1", "item@1", "--json").json["digest"]
    assert len(digest) == 64
    path = home.folder / "mappings/record-to-item/1.0.0.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("name: { get: name }", "name: { get: name, apply: [{ keyed_hash: k }] }")
    )
    assert hub("map", "path", "record@1", "item@1", "--json").json["digest"] is None


def test_map_path_ends_by_what_it_found(home: Home, hub: Run) -> None:
    """No way and a pin that leads nowhere: 1; an unknown schema: 3; no reference at all: 2; a schema and itself: no mapping."""
    said = hub("map", "path", "item@1", "record@1", code=1).stderr
    assert "no_mapping" in said and "lead to: portal-item@1.0.0" in said
    assert "pin_leads_nowhere" in hub("map", "path", "item@1", "portal-item@1", "--via", "record-to-item@1", code=1).stderr
    assert "item@1.0.0" in hub("map", "path", "item@1", "gone@1", code=3).stderr
    hub("map", "path", "item@1", "not a name", code=2)
    assert hub("map", "path", "item@1", "item@1", "--json").json["steps"] == []


def test_an_ambiguous_way_is_explained(home: Home, hub: Run) -> None:
    """`hub map path` shows both ways and what to write, with exit code 1; with --via the one asked for, and why not another."""
    rival(home)
    told = hub("map", "path", "item@1", "portal-item@1", "--json", code=1).json
    assert told["problem"]["code"] == "ambiguous" and "via:" in told["problem"]["hint"]
    ways = [{"mappings": [f"{name}@1.0.0"], "to": "portal-item@1.0.0", "why_not": ""} for name in ("item-to-portal", "rival")]
    assert sorted(told["other_ways"], key=str) == ways
    assert "as good as another" in hub("map", "path", "item@1", "portal-item@1", code=1).stdout
    pinned = hub("map", "path", "item@1", "portal-item@1", "--via", "rival@1", "--json").json
    assert [one["mapping"] for one in pinned["steps"]] == ["rival@1.0.0"]
    assert [one["why_not"] for one in pinned["other_ways"]] == ["another is pinned"]


def test_two_mappings_for_one_edge_are_an_error_until_a_route_pins_one(home: Home, hub: Run) -> None:
    """Both are named with file and line; a route with `via` takes the one it names, one without is still ambiguous."""
    rival(home)
    found = {one["code"]: one for one in hub("check", "--json", code=1).json["errors"]}
    assert set(found) == {"two_mappings", "ambiguous"}
    two = found["two_mappings"]
    assert "mappings/rival/1.0.0.yaml:" in two["source"] and "mappings/item-to-portal/1.0.0.yaml:" in two["message"]
    configured(home, "as: portal-item@1 }", "as: portal-item@1, via: [rival@1] }")
    file = home.write("message.json", json.dumps({"code": "c", "state": "A", "name": "n"}))
    (message,) = hub("explain", str(file), "--schema", "record@1", "--json").json["messages"]
    assert message["routes"][0]["mappings"] == ["rival@1.0.0"]
    home.configure(more="  second: { take: item@1, to: portal, as: portal-item@1, via: [rival@1] }\n")
    (problem,) = hub("check", "--json", code=1).json["errors"]
    assert (problem["at"], problem["code"]) == ("routes.items-to-portal.as", "ambiguous")
    home.configure(more="nonsense: 1\n")
    assert {one["code"] for one in hub("check", "--json", code=1).json["errors"]} >= {"two_mappings", "extra_forbidden"}


@pytest.mark.parametrize(
    ("via", "code"), [("[gone@1]", "unknown_mapping"), ("[record-to-item@1]", "pin_leads_nowhere"), ("[rival]", "bad_value")]
)
def test_a_pin_that_does_not_lead_is_a_problem_with_its_line(home: Home, hub: Run, via: str, code: str) -> None:
    """A mapping that is not there, one that begins elsewhere, and what is no reference."""
    configured(home, "as: portal-item@1 }", f"as: portal-item@1,\n                     via: {via} }}")
    (problem,) = hub("check", "--json", code=1).json["errors"]
    lines = (home.folder / "config.yaml").read_text(encoding="utf-8").splitlines()
    (line,) = (number for number, text in enumerate(lines, 1) if "via:" in text)
    assert (problem["at"], problem["code"]) == ("routes.items-to-portal.via", code)
    assert problem["source"] == f"config.yaml:{line}"


def test_check_tells_each_way_with_its_losses(home: Home, hub: Run) -> None:
    """A line for each source and route, in JSON as well."""
    said = hub("check").stdout
    assert "source: record@1.0.0 → item@1.0.0 by record-to-item@1.0.0; 0 fields lost, 0 with a default" in said
    assert "route items-to-portal: item@1.0.0 → portal-item@1.0.0 by item-to-portal@1.0.0; 0 fields lost" in said
    paths = hub("check", "--json").json["paths"]
    assert [(one["route"], one["mappings"], one["lost"]) for one in paths] == [
        (None, ["record-to-item@1.0.0"], 0), ("items-to-portal", ["item-to-portal@1.0.0"], 0)
    ]  # fmt: skip


def explained(home: Home, hub: Run, schema: str, message: Any, code: int = 0) -> Any:
    file = home.write("message.json", json.dumps(message))
    return hub("explain", str(file), "--schema", schema, "--json", code=code).json


def example(mapping: str) -> Any:
    return yaml.safe_load((SHIPPED / f"mappings/{mapping}.yaml").read_text(encoding="utf-8"))["tests"][0]["given"]


def test_two_versions_of_a_source_are_taken_at_the_same_time(home: Home, hub: Run) -> None:
    """Each by its own mapping to the same canonical message; one that does not stand under sources is refused."""
    configured(home, "sources:\n", "sources:\n  - { schema: opencps-dossier@1, becomes: [dossier-progress@1] }\n")
    first, second = (example(f"opencps-to-progress/{version}") for version in ("1.0.0", "2.0.0"))
    refused = explained(home, hub, "opencps-dossier@2", second, code=1)["error"]["problems"]
    assert [one["code"] for one in refused] == ["not_a_source"]
    both = "sources:\n  - { schema: opencps-dossier@2, becomes: [dossier-progress@1] }\n"
    configured(home, "sources:\n", both)
    for schema, given, mapping in (("opencps-dossier@1", first, "1.0.0"), ("opencps-dossier@2", second, "2.0.0")):
        told = explained(home, hub, schema, given)
        assert told["schema"] == f"opencps-dossier@{mapping}"
        assert told["messages"][0]["mappings"] == [f"opencps-to-progress@{mapping}"]
    configured(home, "sources:\n", both)
    (problem,) = hub("check", "--json", code=1).json["errors"]
    assert problem["code"] == "source_twice" and problem["source"].startswith("config.yaml:")


def newer(home: Home, *names: str) -> None:
    """A version 1.1.0 of each schema, with one field more."""
    for name in names:
        text = (
            (home.folder / f"schemas/{name}/1.0.0.json").read_text(encoding="utf-8").replace(f"{name}:1.0.0", f"{name}:1.1.0")
        )
        (home.folder / "schemas/schemas.lock").unlink(missing_ok=True)
        home.write(f"schemas/{name}/1.1.0.json", text.replace('"properties": {', '"properties": {"more": {"type": "string"}, '))


def test_a_version_of_a_source_without_a_way_is_warned_of_and_kept(home: Home, hub: Run) -> None:
    """`hub check` names the version with the line of sources; a message in it is kept, the newest goes on."""
    newer(home, "record")
    path = home.folder / "mappings/record-to-item/1.0.0.yaml"
    text = path.read_text(encoding="utf-8").replace("from: record@1.0.0", "from: record@1.1.0")
    path.write_text(text.replace("\ntests:", "\nignore: [more]\ntests:"), encoding="utf-8")
    (warning,) = (one for one in hub("check", "--json").json["warnings"] if one["code"] == "no_mapping")
    assert warning["at"] == "sources.0.becomes"
    line = (home.folder / "config.yaml").read_text(encoding="utf-8").splitlines().index("sources:") + 2
    assert warning["source"] == f"config.yaml:{line}" and "from record@1.0.0 to item@1" in warning["message"]
    (kept,) = explained(home, hub, "record@1.0.0", record(), code=1)["kept"]
    assert kept["code"] == "no_mapping"
    assert explained(home, hub, "record@1.1.0", record())["kept"] == []


def test_what_an_older_version_of_a_source_makes_must_go_on(home: Home, hub: Run) -> None:
    """Ways of an older version that are ambiguous, or whose end no route takes on, are errors before a message comes."""
    newer(home, "record", "item")
    text = (home.folder / "mappings/record-to-item/1.0.0.yaml").read_text(encoding="utf-8")
    newest = (
        text.replace("version: 1.0.0", "version: 1.1.0")
        .replace("@1.0.0", "@1.1.0")
        .replace("\ntests:", "\nignore: [more]\ntests:")
    )
    home.write("mappings/record-to-item/1.1.0.yaml", newest)
    path = home.folder / "mappings/item-to-portal/1.0.0.yaml"
    text = path.read_text(encoding="utf-8").replace("from: item@1.0.0", "from: item@1.1.0")
    path.write_text(text.replace("\ntests:", "\nignore: [more]\ntests:"), encoding="utf-8")
    (problem,) = hub("check", "--json", code=1).json["errors"]
    assert (problem["at"], problem["code"]) == ("routes.items-to-portal.as", "no_mapping")
    assert "from item@1.0.0 to portal-item@1" in problem["message"]


def test_one_home_reaches_either_version_of_a_partner_by_pin(home: Home, hub: Run) -> None:
    """dossier@1.1.0 goes to npsp-dossier@1.1.0 by one route, and by way of dossier@1.0.0 to npsp-dossier@1.0.0 by another."""
    configured(home, "sources:\n", "sources:\n  - { schema: portal-dossier@1, becomes: [dossier@1] }\n")
    routes = "routes:\n  new: { take: dossier@1, to: portal, as: npsp-dossier@1, via: [dossier-to-npsp@1] }\n"
    older = "via: [dossier-to-dossier@1, dossier-to-npsp@1.0]"
    configured(home, "routes:\n", f"{routes}  old: {{ take: dossier@1.1, to: portal, as: npsp-dossier@1, {older} }}\n")
    (message,) = explained(home, hub, "portal-dossier@1", example("portal-dossier-to-dossier/1.0.0"))["messages"]
    assert {one["route"]: (one["as"], one["mappings"]) for one in message["routes"]} == {
        "new": ("npsp-dossier@1.1.0", ["dossier-to-npsp@1.1.0"]),
        "old": ("npsp-dossier@1.0.0", ["dossier-to-dossier@1.0.0", "dossier-to-npsp@1.0.0"]),
    }


def test_a_message_of_an_earlier_version_does_not_stop_a_backfill(home: Home, hub: Run) -> None:
    """A pin that takes a newer version than a stored message has: it is told as one that cannot be translated."""
    home.take(record())
    files = {name: home.folder / name for name in ("schemas/item", "mappings/record-to-item", "mappings/item-to-portal")}
    for file in (next(folder.glob("1.0.0.*")) for folder in files.values()):
        text = file.read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.1.0")
        file.with_stem("1.1.0").write_text(
            text.replace("item@1.0.0", "item@1.1.0").replace("portal-item@1.1.0", "portal-item@1")
        )
    (home.folder / "schemas/schemas.lock").unlink()
    schema = home.folder / "schemas/item/1.1.0.json"
    schema.write_text(schema.read_text().replace("item:1.0.0", "item:1.1.0"))
    home.configure(more="  later: { take: item@1, to: portal, as: portal-item@1, via: [item-to-portal@1.1.0] }\n")
    told = hub("backfill", "later", "--json").json
    assert (told["looked_at"], told["matched"], told["failing"]) == (1, 1, 1)
    assert "has come to item@1.0.0" in str(told["failures"])

"""`hub check` and `hub catalog list`: every problem of a home at once, with file, line and what to write."""

from __future__ import annotations

import re
from pathlib import Path

from cli.parts import Home, Run


def test_a_good_home_is_ok(hub: Run) -> None:
    """Nothing wrong: exit code 0 and what was read, the home's own and what came with the hub. The portal's table, not
    fetched yet, is a warning only."""
    came = Path(__file__).parents[2]
    files = [len([*came.glob(name)]) for name in ("schemas/*/*.*", "mappings/*/*.yaml", "mappings/tables/*/*.yaml")]
    schemas, mappings, tables = (own + shipped for own, shipped in zip((3, 2, 1), files, strict=True))
    counted = f"ok: {schemas} schemas, {mappings} mappings, {tables} code tables, 1 endpoint, 1 route"
    assert hub("check").stdout.splitlines()[-1].startswith(counted)
    told = hub("check", "--json").json
    assert told["ok"] is True and told["errors"] == []
    assert {one["code"] for one in told["warnings"]} == {"table_not_fetched"}


def test_strict_makes_warnings_errors(hub: Run) -> None:
    """With --strict a warning is enough for exit code 1."""
    assert hub("check", "--strict", "--json", code=1).json["ok"] is False
    assert "1 warning" in hub("check", "--strict", code=1).stdout


def test_problems_of_all_files_come_together(home: Home, hub: Run) -> None:
    """A wrong route, a mistyped mapping path and an unknown schema are all named at once, each with file and line."""
    home.mend_table()
    mapping = (home.folder / "mappings/record-to-item/1.0.0.yaml").read_text()
    home.write("mappings/record-to-item/1.0.0.yaml", mapping.replace("name: { get: name }", "name: { get: nmae }"))
    home.configure(more="  nowhere: { take: item@1, to: prtal, as: unknown@1 }\n")
    told = hub("check", "--json", code=1).json
    lines = {one["source"].rpartition(":")[0] for one in told["errors"]}
    assert any(line.endswith("config.yaml") for line in lines)
    assert any(line.endswith("record-to-item/1.0.0.yaml") for line in lines)
    assert {"unknown_endpoint", "unknown_source_path"} <= {one["code"] for one in told["errors"]}
    said = hub("check", code=1).stdout
    assert "config.yaml:" in said and "error: routes.nowhere.to: no endpoint is named prtal" in said
    assert "→ one of: portal" in said


def test_run_refuses_what_check_refuses(home: Home, hub: Run) -> None:
    """`hub run` says the same problems and does not start."""
    home.configure(more="  nowhere: { take: item@1, to: prtal, as: portal-item@1 }\n")
    said = hub("run", code=1)
    assert "no endpoint is named prtal" in said.stderr and said.stdout == ""
    assert hub("run", "--json", code=1).json["errors"][0]["code"] == "unknown_endpoint"


def test_catalog_list_shows_versions(home: Home, hub: Run) -> None:
    """Schemas with their role, mappings with both ends, tables with their rows; a broken file is said, with code 1."""
    told = hub("catalog", "list", "--json").json
    assert {"schema": "item@1.0.0", "role": "canonical"} in told["schemas"]
    own = {"mapping": "item-to-portal@1.0.0", "status": "stable", "from": "item@1.0.0", "to": "portal-item@1.0.0"}
    assert own in told["mappings"] and "opencps-to-dossier@1.0.0" in [one["mapping"] for one in told["mappings"]]
    assert {"table": "npsp-procedures@1", "rows": None, "fetched": False} in told["tables"]
    assert "record@1.0.0" in hub("catalog", "list").stdout
    home.write("mappings/tables/broken/1.0.0.yaml", "table: other\n")
    assert "hub check" in hub("catalog", "list", code=1).stderr
    assert hub("catalog", "list", "--json", code=1).json["problems"] > 0


def test_a_wrong_configuration_does_not_hide_what_else_is_wrong(home: Home, hub: Run) -> None:
    """A bad port, an unknown connector, an unset secret and a broken schema are all told at once."""
    path = home.folder / "config.yaml"
    text = path.read_text(encoding="utf-8").replace("connector: national-portal", "connector: nope")
    more = 'server: { port: 99999 }\nlog: { file: "${env:NOT_SET_ANYWHERE}" }\n'
    path.write_text(re.sub(r"(?m)^(server|log):.*\n(?:[ ]+.*\n)*", "", text) + more, encoding="utf-8")
    (home.folder / "schemas" / "broken").mkdir()
    (home.folder / "schemas" / "broken" / "1.0.0.json").write_text("{", encoding="utf-8")
    said = hub("check", code=1).stderr + hub("check", "--json", code=1).stdout
    for word in ("server.port", "nope", "NOT_SET_ANYWHERE", "broken/1.0.0.json"):
        assert word in said, word


def test_a_schema_that_an_endpoint_hands_over_must_be_a_source(home: Home, hub: Run) -> None:
    """Nothing of a drop folder or of a door would be taken: each setting is named, until the schema stands under sources."""
    path = home.folder / "config.yaml"
    read = "read: { folder: in, sender: land, schema: opencps-dossier@1, format: json }"
    land = f"  land: {{ connector: files, settings: {{ {read} }} }}"
    door = "door: { accounts: { u: { sender: unit, madonvi: [x] } } }"
    text = path.read_text(encoding="utf-8").replace("endpoints:\n", f"endpoints:\n{land}\n")
    text = text.replace("settings: { adapter_url", f"settings: {{ {door}, adapter_url")
    text += "  dossiers: { take: dossier@1, to: portal, as: npsp-dossier@1 }\n"
    path.write_text(text, encoding="utf-8")
    missing = {one["at"]: one for one in hub("check", "--json", code=1).json["errors"]}
    assert set(missing) == {
        "endpoints.land.settings.read.schema", "endpoints.portal.settings.door.dossier_schema",
        "endpoints.portal.settings.door.progress_schema",
    }  # fmt: skip
    assert {one["code"] for one in missing.values()} == {"not_a_source"}
    assert all("config.yaml:" in one["source"] and "sources" in one["hint"] for one in missing.values())
    more = "".join(
        f"  - {{ schema: {name}@1, becomes: [{becomes}@1] }}\n"
        for name, becomes in (
            ("opencps-dossier", "dossier"), ("portal-dossier", "dossier"), ("portal-progress", "dossier-progress")
        )
    )  # fmt: skip
    path.write_text(text.replace("sources:\n", f"sources:\n{more}"), encoding="utf-8")
    hub("check")


def test_a_condition_on_a_field_that_does_not_exist_is_an_error(home: Home, hub: Run) -> None:
    """It would stop the route without a word; the field that was meant is named."""
    path = home.folder / "config.yaml"
    text = path.read_text(encoding="utf-8")
    right = text.replace("take: item@1,", "take: item@1, when: { present: code },")
    assert right != text
    path.write_text(right, encoding="utf-8")
    hub("check")
    path.write_text(right.replace("present: code", "present: cod"), encoding="utf-8")
    assert "did you mean code?" in hub("check", "--json", code=1).stdout


def test_check_asks_for_a_way_that_is_not_said(home: Home, hub: Run) -> None:
    """A warning with file and line, once for the endpoint; a direct way without a reason is an error."""
    path = home.folder / "config.yaml"
    text = path.read_text(encoding="utf-8")
    said = "reached: { by: ndxp }"
    assert said in text and "way_not_said" not in {one["code"] for one in hub("check", "--json").json["warnings"]}
    path.write_text(text.replace(f", {said}", ""), encoding="utf-8")
    (told,) = (one for one in hub("check", "--json").json["warnings"] if one["code"] == "way_not_said")
    assert told["at"] == "endpoints.portal.settings.reached" and "config.yaml:" in told["source"]
    path.write_text(text.replace(said, "reached: { by: direct }"), encoding="utf-8")
    (error,) = hub("check", "--json", code=1).json["errors"]
    assert error["at"] == "endpoints.portal.settings.reached.because" and "194/2025" in error["message"]
    path.write_text(text.replace(said, "reached: { by: direct, because: letter 12/2026 }"), encoding="utf-8")
    hub("check")

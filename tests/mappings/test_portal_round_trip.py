"""The law of the portal's own packets: what a unit sends through the hub is what it would have sent to the portal itself."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from portal_records import (
    DOSSIER,
    FULL,
    HOME,
    LEAST,
    MAPPING,
    NOT_BLANK,
    PROGRESS,
    STEP,
    Json,
    fitting,
    resolved,
    seen,
    sent_by_the_hub,
)

from connectors.national_portal import simulator_rules
from hub.errors import SchemaInvalid, TranslationFailed
from hub.message import SchemaRef
from hub.translation import Catalog

RECORD, STEP_NODE = DOSSIER["properties"]["data"], PROGRESS["properties"]["data"]
DOSSIERS, STEPS = fitting(DOSSIER, DOSSIER), fitting(PROGRESS, PROGRESS)
STATED = [
    f"{papers}.{name}"
    for papers in ("documents", "supplements.documents", "results")
    for name in ("sha256", "size", "media_type")
]
thorough = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def law_of_dossiers(catalog: Catalog, body: Json) -> None:
    """The same record, and the same word."""
    known, item = sent_by_the_hub(catalog, "portal-dossier@1", "npsp-dossier@1", body)
    assert known == (body["isUpdating"] == "True")
    assert set(item) <= set(RECORD["properties"])
    assert seen(item, RECORD, DOSSIER) == seen(body["data"], RECORD, DOSSIER)


def law_of_steps(catalog: Catalog, body: Json) -> None:
    """The same step, alone in its list."""
    known, packet = sent_by_the_hub(catalog, "portal-progress@1", "npsp-progress@1", body)
    assert known is None and list(packet) == ["data"]
    (item,) = packet["data"]
    assert set(item) <= set(STEP_NODE["properties"])
    assert seen(item, STEP_NODE, PROGRESS) == seen(body["data"], STEP_NODE, PROGRESS)


# ---------------------------------------------------------------- the law


@thorough
@given(body=DOSSIERS)
def test_a_dossier_is_sent_as_it_came(catalog: Catalog, body: Json) -> None:
    """Any record that fits the schema and whose codes are known: every field present, absent or empty, lists absent, empty or
    filled. None is kept, and what comes out fits npsp-dossier@1.1.0 (a translation that does not fit its schema fails)."""
    law_of_dossiers(catalog, body)


@thorough
@given(body=STEPS)
def test_a_step_is_sent_as_it_came(catalog: Catalog, body: Json) -> None:
    """Any step that fits the schema."""
    law_of_steps(catalog, body)


@pytest.mark.parametrize("record", [LEAST, FULL], ids=["least", "full"])
@pytest.mark.parametrize("word", ["True", "False"])
def test_the_least_and_the_most(catalog: Catalog, record: Json, word: str) -> None:
    """Both by both words, and by the newest versions of everything."""
    law_of_dossiers(catalog, {"isUpdating": word, "data": record})
    first = catalog.chain("portal-dossier@1", "dossier@1")
    second = catalog.chain(first.target.ref, "npsp-dossier@1")
    assert [str(one) for one in (first.target.ref, second.target.ref)] == ["dossier@1.1.0", "npsp-dossier@1.1.0"]
    assert len(first.mappings) == len(second.mappings) == 1


def test_a_whole_step(catalog: Catalog) -> None:
    """With every field of the contract."""
    law_of_steps(catalog, {"data": STEP})


@pytest.mark.parametrize(
    "name", [name for name, part in RECORD["properties"].items() if resolved(part, DOSSIER).get("type") == "array"]
)
def test_a_list_that_is_absent_is_not_sent_empty(catalog: Catalog, name: str) -> None:
    """An update without a list leaves what the portal holds; one with an empty list says that there is nothing."""
    for record in ({k: v for k, v in FULL.items() if k != name}, FULL | {name: []}):
        try:
            _, item = sent_by_the_hub(catalog, "portal-dossier@1", "npsp-dossier@1", {"isUpdating": "True", "data": record})
        except SchemaInvalid as refused:
            assert name in ("DinhDanhCHS", "DSKetNoiCSDL") and [one.at for one in refused.problems] == [f"/data/{name}"]
        else:
            assert (name in item, item.get(name)) == (name in record, record.get(name))


# ---------------------------------------------------------------- the schemas know the contract, and how much the hub carries


def test_the_schemas_name_every_field_of_the_contract() -> None:
    """And no other: 1.4 and 1.5, lists inside lists too."""

    def names(node: Json, root: Json) -> Json:
        parts = {name: resolved(part, root) for name, part in node["properties"].items()}
        return {
            name: names(resolved(p["items"], root), root) if p.get("type") == "array" else None for name, p in parts.items()
        }

    def ruled(rules: Any) -> Json:
        return {name: ruled(rule.items) if rule.items is not None else None for name, rule in rules.items()}

    assert names(RECORD, DOSSIER) == ruled(simulator_rules.DOSSIER)
    assert names(STEP_NODE, PROGRESS) == ruled(simulator_rules.PROGRESS)


def texts(node: Json, root: Json, record: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Every free text of a record, with its limit."""
    for name, part in node["properties"].items():
        whole = resolved(part, root)
        if whole.get("type") == "array":
            yield from texts(resolved(whole["items"], root), root, record[name][0], (*path, name, 0))
        elif (
            "maxLength" in whole
            and whole.get("pattern", NOT_BLANK) == NOT_BLANK
            and name not in ("LoaiDinhDanh", "HinhThucThu", "SoDinhDanh")
        ):
            yield (*path, name), whole["maxLength"]


def with_text(record: Json, path: tuple[str | int, ...], text: str) -> Json:
    changed = copy.deepcopy(record)
    holder: Any = changed
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = text
    return changed


@pytest.mark.parametrize(
    ("source", "record", "path", "longest"),
    [("portal-dossier@1", FULL, *one) for one in texts(RECORD, DOSSIER, FULL)]
    + [("portal-progress@1", STEP, *one) for one in texts(STEP_NODE, PROGRESS, STEP)],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_what_is_too_long_is_refused_by_name_and_nothing_else_is(
    catalog: Catalog, source: str, record: Json, path: tuple[str | int, ...], longest: int
) -> None:
    """Where the hub cannot carry as much as the contract lets pass, the schema says so at once; up to there it is carried."""
    law = law_of_dossiers if source == "portal-dossier@1" else law_of_steps
    around = {"isUpdating": "False"} if source == "portal-dossier@1" else {}
    law(catalog, around | {"data": with_text(record, path, "ắ" * longest)})
    with pytest.raises(SchemaInvalid) as refused:
        law(catalog, around | {"data": with_text(record, path, "ắ" * (longest + 1))})
    assert [(one.at, one.code) for one in refused.value.problems] == [("/data/" + "/".join(map(str, path)), "too_long")]


@pytest.mark.parametrize(
    ("record", "places"),
    [
        (LEAST | {"DinhDanhCHS": [{"LoaiDinhDanh": "3", "SoDinhDanh": "C1234567"}]}, {"owner.identity_papers.0.kind"}),
        (LEAST | {"DanhSachLePhi": [{"HinhThucThu": "3"}]}, {"fees.0.collected_on"}),
    ],
    ids=["paper", "fee"],
)
def test_a_code_that_is_not_public_is_kept_not_refused(catalog: Catalog, record: Json, places: set[str]) -> None:
    """A row of a table mends it, when the code is known."""
    with pytest.raises(TranslationFailed) as kept:
        law_of_dossiers(catalog, {"isUpdating": "False", "data": record})
    assert {(one.at, one.code) for one in kept.value.problems} == {(place, "not_in_table") for place in places}


# ---------------------------------------------------------------- other readers of dossier@1


def test_the_two_tables_of_states_are_each_others_inverse() -> None:
    """Ten numbers, ten states, row for row."""
    to, back = (
        yaml.safe_load((HOME / "mappings/tables" / name / "1.0.0.yaml").read_text(encoding="utf-8"))["rows"]
        for name in ("npsp-states", "npsp-state-numbers")
    )
    assert back == [[number, state] for state, number in to]


@pytest.mark.parametrize(
    ("name", "versions", "added", "passed_over"),
    [
        ("dossier-to-npsp", ("1.0.0", "1.1.0"), {"isUpdating"}, []),
        ("dossier-to-npsp", ("1.1.0", "1.2.0"), set(), STATED),
        ("dossier-to-citizen-query", ("1.0.0", "1.1.0"), set(), ["at_national_portal"]),
    ],
)
def test_the_mappings_of_a_new_version_change_nothing_else(
    name: str, versions: tuple[str, str], added: set[str], passed_over: list[str]
) -> None:
    """Rule for rule, table for table."""
    old, new = (yaml.safe_load((HOME / "mappings" / name / f"{one}.yaml").read_text(encoding="utf-8")) for one in versions)
    assert new["set"].keys() - old["set"].keys() == added
    assert {k: v for k, v in new["set"].items() if k not in added} == old["set"]
    assert [one for one in new["ignore"] if one not in passed_over] == old["ignore"]
    assert (new.get("tables"), new.get("when")) == (old.get("tables"), old.get("when"))


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.2.0"])
@pytest.mark.parametrize(
    "target",
    ["npsp-dossier@1", "ministry-dossier@1", "ministry-status@1", "one-stop-filing@1", "citizen-query@1", "enterprise-query@1"],
)
def test_every_version_of_dossier_has_one_way_to_each_partner(catalog: Catalog, version: str, target: str) -> None:
    """None is ambiguous, and the newest goes to the portal by one mapping, as the others do."""
    chain = catalog.chain(SchemaRef.parse(f"dossier@{version}"), target)
    assert len(chain.mappings) == 1 or not target.startswith("npsp-dossier")


def test_what_is_stated_of_files_is_lost_on_the_way_to_older_versions_and_nothing_else(catalog: Catalog) -> None:
    """A dossier@1.2.0 becomes a dossier@1.1.0 that says the same but for the three fields."""
    paper = {"name": "a", "url": "u", "sha256": "0" * 64, "size": 1, "media_type": "application/pdf"}
    least = {"source_id": "a", "state": "new", "procedure": {"code": "2.000815"}}
    found = catalog.chain("dossier@1.2.0", "dossier@1.1.0").translate(
        least | {"documents": [paper], "results": [paper], "supplements": [{"documents": [paper]}]}
    )
    left = {"name": "a", "url": "u"}
    assert found is not None
    assert found.body == least | {"documents": [left], "results": [left], "supplements": [{"documents": [left]}]}


@thorough
@given(body=DOSSIERS)
def test_both_versions_of_dossier_tell_the_portal_and_the_registry_the_same(catalog: Catalog, body: Json) -> None:
    """Of one state of a dossier: but for the word, dossier@1.0.0 and dossier@1.1.0 become the same packet and the same
    question; and who reads dossier@1.0.0 reads a 1.1.0 too."""
    newer = catalog.chain("portal-dossier@1", "dossier@1").translate(body)
    older = catalog.chain("portal-dossier@1", "dossier@1.0").translate(body)
    assert newer is not None and older is not None
    assert older.body == {name: value for name, value in newer.body.items() if name != "at_national_portal"}
    for target in ("npsp-dossier@1", "citizen-query@1"):
        old, new = (_told(catalog, source, target, one) for source, one in (("dossier@1.0.0", older), ("dossier@1.1.0", newer)))
        assert old == new


def _told(catalog: Catalog, source: str, target: str, given: Any) -> Any:
    try:
        found = catalog.chain(source, target).translate(given.body)
    except TranslationFailed as failed:
        return [(one.at, one.code) for one in failed.problems]
    return found and {name: value for name, value in found.body.items() if name != "isUpdating"}


# ---------------------------------------------------------------- the law can be broken


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("email: { get: data.Email", "email: { get: data.Fax"),
        ("NgayTra,", "NgayTuChoi,"),
        ('"2": reused_by_substitute', '"2": reused'),
        ("MaGiayToKetQua", "MaThanhPhanHoSo"),
        ("get: isUpdating, apply: [to_boolean]", "value: true"),
        ("each: data.DanhSachLePhi\n    optional: true", "each: data.DanhSachLePhi\n    default: []"),
    ],
)
def test_a_mapping_that_mixes_things_up_is_found(tmp_path: Path, right: str, wrong: str) -> None:
    """Fields swapped, two codes that become one, a word that is not the sender's, a list that appears out of nothing."""
    text = MAPPING.read_text(encoding="utf-8")
    assert text.count(right) >= 1
    file = tmp_path / "mappings/portal-dossier-to-dossier/1.0.0.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    catalog = Catalog.load([tmp_path, HOME], {"npsp-procedures@1": ("name", "field_code", "field_name")})
    without = {name: value for name, value in FULL.items() if name != "DanhSachLePhi"}
    with pytest.raises(AssertionError):
        for word in ("True", "False"):
            for record in (FULL, without):
                law_of_dossiers(catalog, {"isUpdating": word, "data": record})

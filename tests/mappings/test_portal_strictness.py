"""The schemas of the portal's packets beside the simulated portal's own rules: whatever one field is changed to, the hub never
makes something of it that the portal takes, and never turns away what the portal would take, but for a few things told here."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from portal_records import DOSSIER, FULL, LEAST, PROGRESS, STEP, Json, seen, sent_by_the_hub

from connectors.national_portal import simulator_rules as rules
from connectors.national_portal.simulator_catalog import SimulatedCatalogue
from connectors.national_portal.simulator_config import PortalSimulatorConfig
from hub.errors import SchemaInvalid, TranslationFailed
from hub.translation import Catalog

CONFIG = PortalSimulatorConfig()
RULES, CATALOGUE = rules.FieldRules(CONFIG), SimulatedCatalogue(())
REMOVED = object()
Path = tuple[str | int, ...]
ANYTHING: list[Any] = [
    REMOVED, None, "", " ", "\t", "0", "1", "2", "3", "4", "5", "10", "11", "01", "-1", "2.5", "1,5", "True", "False", "true",
    "x", "https://mot-cua.invalid/x", "//x", 0, 1, 2, -1, 2.5, 2.0, True, False, [], {}, [{}], [None], ["x"], {"x": 1},
    "20260231080000", "20240229235959", "20230229000000", "20261121240000", "20261121", "2026-11-21T08:00:00+07:00",
    "00010101000000", "19751231235959", "19760101000000", "21991231235959", "22000101000000", "20261121080000 ",
    "000.00.10.H22-261121-0001", "000.00.10.H22-261131-0001", "000.00.10.H29-261121-0001", "000.00.10.H22-261121-1234567890123",
    "000.00.10.H22-261121-001", "1.000894.H22", "1.000894.000.00.00.H22", "9.999999", "123456789", "001299000002", "C1234567",
    "đã", "x" * 51, "x" * 101, "x" * 501, "x" * 1000, "x" * 1001, "x" * 2001, "x" * 4001, "x" * 20001,
]  # fmt: skip


def fields(contract: Mapping[str, rules.Rule], record: Json, path: Path = ()) -> Iterator[tuple[Path, rules.Rule]]:
    """Every field of the record with its rule, those inside lists too."""
    for name, rule in contract.items():
        yield (*path, name), rule
        if rule.items is not None:
            yield from fields(rule.items, record[name][0], (*path, name, 0))


def changed(record: Json, path: Path, value: Any) -> Json:
    whole = copy.deepcopy(record)
    holder: Any = whole
    for part in path[:-1]:
        holder = holder[part]
    if value is REMOVED:
        holder.pop(path[-1])
    else:
        holder[path[-1]] = value
    return whole


def portal_takes_dossier(item: Any) -> bool:
    if any(RULES.breaches(item, rules.DOSSIER)) or RULES.code_breach(item["MaHoSo"]):
        return False
    return CATALOGUE.find(item["MaTTHC"], CONFIG.procedure_suffix == "accept") is not None


def portal_takes_step(item: Any) -> bool:
    """Of a dossier that the portal holds: no dossier has a code that is none."""
    return not any(RULES.breaches(item, rules.PROGRESS)) and not RULES.code_breach(item["MaHoSo"])


def stricter(path: Path, rule: rules.Rule, value: Any) -> bool:
    """What the portal as simulated takes and the hub turns away at once, because the contract or its own model says less."""
    name, text = path[-1], str(value)
    blank = isinstance(value, str) and value != "" and not value.strip()
    return (
        (blank and (bool(rule.codes) or rule.form in ("date", "number")))  # absent is "", not blanks
        or (rule.form == "date" and text in ("00010101000000", "19751231235959", "22000101000000"))
        or (rule.form == "number" and ("." in text or "," in text))  # whole pieces and whole dong
        or (name == "MaHoSo" and text == "000.00.10.H22-261121-1234567890123")
        or (isinstance(value, str) and len(value) > 50 and rule.form in ("text", "url"))  # the hub's own limits, told by name
    )


def looser(rule: rules.Rule, value: Any) -> bool:
    """What the portal as simulated refuses and the hub sends as something it takes: 2.0 is the whole number 2 in JSON."""
    return rule.form == "number" and rule.json == "int_or_string" and value == 2.0 and isinstance(value, float)


@pytest.mark.parametrize(
    ("path", "rule"), list(fields(rules.DOSSIER, FULL)), ids=lambda it: ".".join(map(str, it)) if isinstance(it, tuple) else ""
)
def test_each_field_of_a_dossier(catalog: Catalog, path: Path, rule: rules.Rule) -> None:
    """Refused at once (with the field's name), kept, or passed on for the portal to refuse; and sent as it came otherwise."""
    for value in ANYTHING:
        record = changed(FULL, path, value)
        body = {"isUpdating": "False", "data": record}
        compare(catalog, "dossier", body, path, rule, value, portal_takes_dossier)


@pytest.mark.parametrize(
    ("path", "rule"), list(fields(rules.PROGRESS, STEP)), ids=lambda it: ".".join(map(str, it)) if isinstance(it, tuple) else ""
)
def test_each_field_of_a_step(catalog: Catalog, path: Path, rule: rules.Rule) -> None:
    """The same for CapNhatTienDoHoSoMC."""
    for value in ANYTHING:
        compare(catalog, "progress", {"data": changed(STEP, path, value)}, path, rule, value, portal_takes_step)


def compare(catalog: Catalog, kind: str, body: Json, path: Path, rule: rules.Rule, value: Any, takes: Any) -> None:
    taken = takes(body["data"])
    shown = (path, value if not isinstance(value, str) else value[:60])
    try:
        _, item = sent_by_the_hub(catalog, f"portal-{kind}@1", f"npsp-{kind}@1", body)
    except SchemaInvalid as refused:
        assert not taken or stricter(path, rule, value), shown
        at = "/data/" + "/".join(map(str, path))
        assert all(one.at == at or one.at.startswith(f"{at}/") for one in refused.problems) or path[-1] == "LoaiDinhDanh", shown
        assert str(value) not in str(refused) or len(str(value)) < 12 or value is REMOVED, shown
    except TranslationFailed:
        assert not taken and path[-1] in ("LoaiDinhDanh", "HinhThucThu"), shown
    else:
        root = DOSSIER if kind == "dossier" else PROGRESS
        item = item if kind == "dossier" else item["data"][0]
        assert takes(item) == taken or looser(rule, value), shown
        if taken:
            node = root["properties"]["data"]
            assert seen(item, node, root) == seen(body["data"], node, root), shown


def test_what_was_compared_is_taken_as_it_is() -> None:
    """Else every change would be refused for another reason."""
    assert portal_takes_dossier(FULL) and portal_takes_dossier(LEAST) and portal_takes_step(STEP)


def test_every_empty_field_that_is_required_is_refused_by_name(catalog: Catalog) -> None:
    """All that the simulated portal refuses as missing or empty, refused for that reason: nothing of it is stored."""
    schema = catalog.schema("portal-dossier@1")
    for name, rule in rules.DOSSIER.items():
        for value in (REMOVED, [] if rule.items is not None else ""):
            record = changed(FULL, (name,), value)
            if any(RULES.breaches(record, rules.DOSSIER)):
                with pytest.raises(SchemaInvalid) as refused:
                    schema.validate({"isUpdating": "False", "data": record})
                codes = {one.code for one in refused.value.problems if one.at == f"/data/{name}"}
                assert codes & ({"missing"} if value is REMOVED else {"too_short", "too_few"}), (name, codes)
            else:
                schema.validate({"isUpdating": "False", "data": record})


@pytest.mark.parametrize(
    "word", [True, False, "true", "", "yes", 1, None, REMOVED], ids=lambda word: "removed" if word is REMOVED else str(word)
)
def test_the_word_is_one_of_two_texts(catalog: Catalog, word: Any) -> None:
    """As the portal wants it."""
    with pytest.raises(SchemaInvalid) as refused:
        catalog.schema("portal-dossier@1").validate(changed({"isUpdating": "True", "data": LEAST}, ("isUpdating",), word))
    assert {one.at for one in refused.value.problems} == {"/isUpdating"}


def test_fields_outside_the_contract_are_passed_over(catalog: Catalog) -> None:
    """In the record and in its lists, where the simulated portal would refuse them: the original keeps them. Not around it."""
    record = FULL | {"TruongRieng": {"x": 1}, "TaiLieuNop": [FULL["TaiLieuNop"][0] | {"Rieng": "1"}]}
    _, item = sent_by_the_hub(catalog, "portal-dossier@1", "npsp-dossier@1", {"isUpdating": "False", "data": record})
    assert portal_takes_dossier(item) and not portal_takes_dossier(record)
    for body in ({"isUpdating": "False", "data": LEAST, "session": "x"}, {"isUpdating": "False", "data": [LEAST]}):
        with pytest.raises(SchemaInvalid):
            catalog.schema("portal-dossier@1").validate(body)


def test_every_real_time_is_taken_and_no_other(catalog: Catalog) -> None:
    """Each day of 1976 to 2199, and the day after each month's last."""
    schema = catalog.schema("portal-progress@1")

    def fits(time: str) -> bool:
        try:
            schema.validate({"data": STEP | {"ThoiDiemXuLy": time}})
        except SchemaInvalid:
            return False
        return True

    day = date(1976, 1, 1)
    while day.year < 2200:
        assert fits(f"{day:%Y%m%d}235959"), day
        following = day + timedelta(days=1)
        if following.month != day.month:
            assert not fits(f"{day:%Y%m}{day.day + 1:02}000000"), day
        day = following
    for clock in ("240000", "006000", "000060", "99", "00000a"):
        assert not fits(f"20261121{clock}")

"""The shipped mappings and tables: complete, tested, and honest about states and about what is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.dossier.life_cycle import State
from hub.errors import SchemaInvalid, TranslationFailed
from hub.translation import Catalog
from hub.translation.lint import lint_catalog

TABLES = Path(__file__).parents[2] / "mappings" / "tables"
NUMBERS = dict(zip(State, map(str, range(1, 11)), strict=True))
AGREED = {  # contracts.md 1.6, local status → TrangThaiHoSo, and the misspelling of 13
    "new": "2",
    "receiving": "1",
    "processing": "4",
    "procesing": "4",
    "waiting": "5",
    "paying": "6",
    "cancelled": "7",
    "unresolved": "8",
    "releasing": "9",
    "done": "10",
    "denied": "3",
}


def rows(table: str) -> list[list[str]]:
    found: list[list[str]] = yaml.safe_load((TABLES / table / "1.0.0.yaml").read_text(encoding="utf-8"))["rows"]
    return found


def record(**changed: Any) -> dict[str, Any]:
    whole = {
        "referenceUid": "9b6f0a52-1d27-4f0b-8a4e-111111111111",
        "dossierNo": "000.00.10.H22-261121-0001",
        "serviceCode": "2.000815.000.00.00.H22",
        "dossierStatus": "new",
        "applicantIdType": "citizen",
        "dossierNote": "Chứng thực",
        "receiveDate": "21/11/2026 08:00:00",
        "govAgencyName": "Sở Tư pháp",
        "viaPostal": "0",
        "lastActionDate": "21/11/2026 08:00:00",
        "lastActionUser": "Lý Thị Hoa",
        "lastActionName": "Tiếp nhận",
    } | changed
    return {name: value for name, value in whole.items() if value is not None}


def dossier(state: str = "received", **changed: Any) -> dict[str, Any]:
    return {
        "source_id": "a",
        "code": "000.00.10.H22-261121-0001",
        "state": state,
        "procedure": {"code": "2.000815", "name": "Chứng thực", "field_code": "G15-CT02", "field_name": "Chứng thực"},
        "owner": {"kind": "citizen"},
        "abstract": "Chứng thực",
        "resolving_unit": {"name": "Sở Tư pháp"},
        "received_at": "2026-11-21T08:00:00+07:00",
        "result_delivery": "at_counter",
    } | changed


def translated(catalog: Catalog, source: str, target: str, body: Any) -> Any:
    found = catalog.chain(source, target).translate(body)
    assert found is not None
    return found.body


def failures(catalog: Catalog, source: str, target: str, body: Any) -> dict[str, str]:
    with pytest.raises(TranslationFailed) as failed:
        catalog.chain(source, target).translate(body)
    return {problem.at: problem.code for problem in failed.value.problems}


def test_nothing_is_lost_silently_and_every_example_holds(catalog: Catalog, unfetched: Catalog) -> None:
    """Lint and the examples inside the mappings find nothing, before and after the portal's catalogue was fetched."""
    assert [str(problem) for problem in lint_catalog(catalog)] == []
    assert [str(problem) for problem in lint_catalog(unfetched)] == []
    assert all(mapping.tests for mapping in catalog.mappings())


def test_the_ten_states_have_ten_numbers_and_no_two_share_one() -> None:
    """The table to the portal is total and one to one."""
    assert dict(rows("npsp-states")) == NUMBERS


def test_local_states_become_the_agreed_ones_and_all_ten_are_reached(catalog: Catalog) -> None:
    """Each status that contracts.md 1.6 names arrives at the portal as the agreed number, dossier and step alike."""
    assert {status: NUMBERS[State(state)] for status, sub, state in rows("opencps-states") if not sub} == AGREED
    for status, number in AGREED.items():
        given = record(dossierStatus=status)
        assert (
            translated(catalog, "opencps-dossier@1", "npsp-dossier@1", translate_in(catalog, given))["TrangThaiHoSo"] == number
        )


def translate_in(catalog: Catalog, body: dict[str, Any]) -> dict[str, Any]:
    catalog.schema("opencps-dossier@1").validate(body)
    return body


@pytest.mark.parametrize("state", [s for s in State if s is not State.DONE])
def test_no_state_but_done_is_ever_sent_as_nine(catalog: Catalog, state: State) -> None:
    """Waiting, payment and stopped dossiers (5, 6, 8) are not dressed up as finished, in dossiers or in steps."""
    step = {
        "source_id": "a",
        "code": "000.00.10.H22-261121-0001",
        "state": state,
        "handled_at": "2026-11-21T08:00:00Z",
        "handled_by": "Hoa",
        "content": "x",
    }
    assert translated(catalog, "dossier@1", "npsp-dossier@1", dossier(state))["TrangThaiHoSo"] == NUMBERS[state] != "9"
    assert translated(catalog, "dossier-progress@1", "npsp-progress@1", step)["data"][0]["TrangThai"] == NUMBERS[state] != "9"


def test_no_table_maps_a_local_waiting_state_to_done() -> None:
    """A row added to the unit's table cannot turn waiting, paying or unresolved into done unnoticed."""
    assert not [
        row
        for row in rows("opencps-states")
        if row[0] in ("waiting", "paying", "unresolved") and row[2] in ("done", "returned")
    ]


@pytest.mark.parametrize(
    "status", ["posting", "pausing", "correcting", "cancelling", "interoperating", "canary", "New", "đã xong"]
)
@pytest.mark.parametrize("target", ["dossier@1", "dossier-progress@1"])
def test_an_unknown_state_is_an_error_never_a_default(catalog: Catalog, status: str, target: str) -> None:
    """Statuses without an agreed national state, and ones nobody has heard of, are kept for a person to decide."""
    assert failures(catalog, "opencps-dossier@1", target, record(dossierStatus=status)) == {"state": "not_in_table"}


def test_the_pair_decides(catalog: Catalog) -> None:
    """A known status with a sub-status that the unit's table does not have is unknown too."""
    assert failures(catalog, "opencps-dossier@1", "dossier@1", record(dossierSubStatus="processing_0")) == {
        "state": "not_in_table"
    }


def test_each_procedure_is_named_by_the_portals_catalogue(
    catalog: Catalog, procedures: dict[str, tuple[str, str, str]]
) -> None:
    """All twelve local codes, the non-conforming one too, get code, name and field of the national catalogue."""
    found = {}
    for code, _ in rows("opencps-services"):
        given = record(serviceCode=code, serviceName="tên tại địa phương", domainCode="XX", domainName="YY")
        procedure = translated(catalog, "opencps-dossier@1", "dossier@1", given)["procedure"]
        found[procedure["code"]] = (procedure["name"], procedure["field_code"], procedure["field_name"])
    assert found == procedures


def test_before_the_first_refresh_the_missing_table_is_named(unfetched: Catalog) -> None:
    """A fresh clone keeps messages and says which table to fetch; it does not fall back to local names."""
    found = failures(unfetched, "opencps-dossier@1", "dossier@1", record())
    assert set(found.values()) == {"table_not_fetched"}
    assert set(found) == {"procedure.name", "procedure.field_code", "procedure.field_name"}


@pytest.mark.parametrize(("given", "sent"), [("0", "0"), ("1", "0"), ("2", "1"), ("3", "1"), ("9", "1")])
def test_the_result_goes_by_post_from_two_on(catalog: Catalog, given: str, sent: str) -> None:
    """viaPostal 0 and 1 mean the counter, everything above a stage of delivery by post."""
    assert translated(catalog, "opencps-dossier@1", "npsp-dossier@1", record(viaPostal=given))["HinhThuc"] == sent


@pytest.mark.parametrize(
    ("online", "by_post", "sent"),
    [
        ("true", 0, "2"),
        ("true", None, "2"),
        ("false", 0, "1"),
        ("false", 1, "3"),
        ("false", None, ""),
        (None, 0, ""),
        ("", 1, ""),
    ],
)
def test_the_channel_is_told_only_where_the_record_tells_it(
    catalog: Catalog, online: str | None, by_post: int | None, sent: str
) -> None:
    """Not online and nothing said about post is neither counter nor post: absent."""
    given = record(online=online, fromViaPostal=by_post)
    assert translated(catalog, "opencps-dossier@1", "npsp-dossier@1", given)["KenhThucHien"] == sent


def test_what_opencps_does_not_know_reaches_the_portal_as_absent(catalog: Catalog) -> None:
    """The fields asked for since 2022 are empty, never "0"; lists nobody knows are left out, so that nothing is wiped."""
    sent = translated(catalog, "opencps-dossier@1", "npsp-dossier@1", record(applicantIdNo=""))
    for name in (
        "NoiNopHoSo",
        "HoSoCoThanhPhanSoHoa",
        "TaiKhoanDuocXacThucVoiVNeID",
        "DuocThanhToanTrucTuyen",
        "SoGiayToChuHoSo",
        "Fax",
    ):
        assert sent[name] == "", name
    assert sent["DinhDanhCHS"] == sent["DSKetNoiCSDL"] == []
    assert not {"TaiLieuNop", "DanhSachLePhi", "DanhSachGiayToKetQua"} & sent.keys()


def test_owner_and_number_are_of_one_person(catalog: Catalog) -> None:
    """The owner is the applicant, whose number it is; the contact stays the contact."""
    given = record(
        applicantName="Nguyễn Văn Bình", applicantIdNo="002090000001", contactName="Trần Thị Mai", contactTelNo="0900000001"
    )
    whole = translated(catalog, "opencps-dossier@1", "dossier@1", given)
    assert (whole["owner"]["name"], whole["owner"]["id_number"], whole["contact"]["name"]) == (
        "Nguyễn Văn Bình",
        "002090000001",
        "Trần Thị Mai",
    )
    sent = translated(catalog, "dossier@1", "npsp-dossier@1", whole)
    assert (sent["ChuHoSo"], sent["SoGiayToChuHoSo"], sent["SoDienThoai"]) == ("Nguyễn Văn Bình", "002090000001", "0900000001")


def test_two_date_formats_in_one_record_mean_the_same_time(catalog: Catalog) -> None:
    """dueDate in the index's form and in the ordinary form give the same canonical time, in Vietnam's zone."""
    for due in ("20261123170000", "23/11/2026 17:00:00"):
        assert (
            translated(catalog, "opencps-dossier@1", "dossier@1", record(dueDate=due))["due_at"] == "2026-11-23T17:00:00+07:00"
        )


@pytest.mark.parametrize(
    "bad",
    [
        "31/11/2026 08:00:00",
        "29/02/2025 08:00:00",
        "2026-11-21 08:00:00",
        "20261131080000",
        "21/11/2026 24:00:00",
        "21/11/2026",
    ],
)
@pytest.mark.parametrize("field", ["dueDate", "receiveDate", "lastActionDate", "modifiedDate"])
def test_an_impossible_date_is_refused_and_named(catalog: Catalog, field: str, bad: str) -> None:
    """No table row could mend it, so it is refused at the door, with the field's name and without its content."""
    with pytest.raises(SchemaInvalid) as refused:
        catalog.schema("opencps-dossier@1").validate(record(**{field: bad}))
    assert [problem.at for problem in refused.value.problems] == [f"/{field}"]
    assert bad not in str(refused.value)


@pytest.mark.parametrize("bad", ["0001", "000.00.10.H22-261131-0001", "000.00.10.H22-261121-1", "000.00.10.H22-261121-0001 "])
def test_a_wrong_dossier_code_is_refused_and_named(catalog: Catalog, bad: str) -> None:
    """A code of no known generation, or with a day that does not exist."""
    with pytest.raises(SchemaInvalid) as refused:
        catalog.schema("opencps-dossier@1").validate(record(dossierNo=bad))
    assert [problem.at for problem in refused.value.problems] == ["/dossierNo"]


def test_fields_that_real_systems_add_do_no_harm(catalog: Catalog) -> None:
    """The source schema is open."""
    catalog.schema("opencps-dossier@1").validate(record(maCuaRieng="x", nested={"a": [1]}))


@pytest.mark.parametrize(
    ("length", "warned"),
    [(1000, False), (1001, True)],
)
def test_a_long_abstract_is_cut_with_a_recorded_warning(catalog: Catalog, length: int, warned: bool) -> None:
    """1,000 characters pass whole; one more is cut to 997 and three dots, and the translation says so."""
    found = catalog.chain("dossier@1", "npsp-dossier@1").translate(dossier(abstract="ắ" * length))
    assert found is not None and len(found.body["TrichYeuHoSo"]) == 1000
    assert found.body["TrichYeuHoSo"].endswith("...") == warned == bool(found.warnings)


def test_a_dossier_without_a_number_waits(catalog: Catalog) -> None:
    """It becomes canonical, but nothing can be sent before an office has given it its code."""
    whole = translated(catalog, "opencps-dossier@1", "dossier@1", record(dossierNo=""))
    assert "code" not in whole
    assert failures(catalog, "dossier@1", "npsp-dossier@1", whole) == {"MaHoSo": "missing"}


def test_both_schemas_name_the_dossier_alike(catalog: Catalog) -> None:
    """The sender's id and the national code found in the source are those found in the canonical messages."""
    given = record()
    names = catalog.schema("opencps-dossier@1").aliases(given, "one-stop")
    assert [(alias.system, alias.code) for alias in names] == [
        ("one-stop", given["referenceUid"]),
        ("national", given["dossierNo"]),
    ]
    for target in ("dossier@1", "dossier-progress@1"):
        body = translated(catalog, "opencps-dossier@1", target, given)
        assert catalog.schema(target).aliases(body, "one-stop") == names
        assert catalog.schema(target).code(body) == given["dossierNo"]


def test_an_impossible_date_is_told_in_words_not_as_a_pattern(catalog: Catalog) -> None:
    """A clerk can read what a date or a dossier code must look like; the 400-character pattern is not shown."""
    wrong = {
        "referenceUid": "a",
        "serviceCode": "x",
        "dossierStatus": "new",
        "dueDate": "31/02/2026 00:00:00",
        "dossierNo": "zzz",
    }
    with pytest.raises(SchemaInvalid) as refused:
        catalog.schema("opencps-dossier@1").validate(wrong)
    said = {problem.at: problem.message for problem in refused.value.problems}
    assert "dd/MM/yyyy HH:mm:ss" in said["/dueDate"] and "000.00.10.H22-261121-0001" in said["/dossierNo"]
    assert "[0-9]" not in str(refused.value)

"""The national portal's connector: against a scripted adapter for each answer it may get, and against the simulator
(a process of its own) for the seams: what the portal holds after a failure, a crash and a resend."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.national_portal.config import PortalConfig
from connectors.national_portal.connector import NationalPortal
from hub.connector import ConnectorContext, Finder, Found, Sender, TableSource
from hub.errors import DeliveryError, InDoubt, NotConnected, NotFound, Rejected, Transient
from hub.wire.partner_text import redacted
from national_portal.parts import (
    CODE,
    DSTCODE,
    EMAIL,
    ENDED,
    EXISTS,
    FORWARD,
    ID_NUMBER,
    LOOK_UP,
    NAME,
    PASSWORD,
    PHONE,
    PROGRESS,
    ROOT,
    SYNC,
    TRACE,
    Adapter,
    Simulator,
    Try,
    called,
    code_of,
    crashes,
    dossier,
    live,
    message,
    no_canary,
    of,
    portal,
    step,
    steps,
)

# ---------------------------------------------------------------- envelope, addresses, JSON types


def test_it_offers_sending_finding_and_a_table() -> None:
    """The engine learns from the type what this connector can do."""
    config = PortalConfig.model_validate({"adapter_url": "http://h/f", "username": "u", "password": "p", "madonvi": "m"})
    it = NationalPortal(config, ConnectorContext("national", lambda: 0))
    assert isinstance(it, Sender) and isinstance(it, Finder) and isinstance(it, TableSource)
    assert list(NationalPortal.tables) == ["npsp-procedures@1"]


def test_every_config_field_is_described_and_the_password_is_hidden() -> None:
    """Docs and lint are made from the descriptions; printing the config shows no password."""
    assert [n for n, f in PortalConfig.model_fields.items() if not f.description] == []
    config = PortalConfig.model_validate({"adapter_url": "http://h/f/", "username": "u", "password": PASSWORD, "madonvi": "m"})
    assert PASSWORD not in repr(config) + str(config.model_dump())


@pytest.mark.parametrize(
    "wrong",
    [
        {"adapter_url": "ftp://h/f"},
        {"adapter_url": "http://u:p@h/f"},
        {"adapter_url": "http://h/f?dstcode=x"},
        {"chunk": 11},
        {"chunk": 0},
        {"dstcode_in": "body"},
        {"exists_pattern": ""},
        {"not_found_patterns": [" "]},
        {"json_types": {"SoLuong": "float"}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_config_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    """Wrong addresses, limits and empty patterns are told when the file is read, not when a dossier is sent."""
    right = {"adapter_url": "http://h/f", "username": "u", "password": "p", "madonvi": "m"}
    with pytest.raises(ValidationError):
        PortalConfig.model_validate(right | wrong)


def test_every_config_field_is_in_the_readme() -> None:
    """A setting that nobody documented does not exist for an integrator."""
    readme = (ROOT / "connectors/national_portal/README.md").read_text(encoding="utf-8")
    assert [name for name in PortalConfig.model_fields if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("place", ["query", "header"])
async def test_the_envelope_is_as_the_contract_says(adapter: Adapter, place: str) -> None:
    """POST with session, madonvi and service beside the service's keys; dstcode where the adapter wants it."""
    more = {"share_endpoint": "/share/g", "integration_endpoint": "/integration/g", "providerurl": "https://api.vn/x"}
    async with portal(adapter.url, dstcode_in=place, **more) as it:
        await it.check()
        await it.send(of(dossier()), Try())
    by_service = {name: (body, request) for name, body, request in adapter.calls}
    assert by_service["login"][0] == {"username": "simulated", "password": PASSWORD}
    session = {"session": "phien-bi-mat-1", "madonvi": "000.00.00.H22"}
    assert by_service[LOOK_UP][0] == session | {"service": LOOK_UP, "mahoso": CODE}
    assert by_service[SYNC][0] == session | {"service": SYNC, "isUpdating": "False", "data": [dossier()]}
    for service, path in (("login", "/mapi/login"), ("LayDanhMucLinhVuc", "/share/g"), (SYNC, "/integration/g")):
        request = by_service[service][1]
        assert (request.method, request.path) == ("POST", FORWARD + path)
        assert request.headers["Accept"] == request.headers["Content-Type"] == "application/json"
        assert request.headers["Charset"] == "utf-8"
        assert request.query["providerurl"] == "https://api.vn/x"
        given = (request.query.get("dstcode"), request.headers.get("dstcode"))
        assert given == ((DSTCODE, None) if place == "query" else (None, DSTCODE))
    assert by_service[SYNC][1].headers["traceparent"] == TRACE


async def test_json_types_are_those_configured(adapter: Adapter) -> None:
    """By default the four fields seen as numbers and booleans, at any depth; all else text; empty stays empty."""
    item = dossier(
        DanhSachTepDinhKemKhac=[{"TenGiayTo": "CMND", "SoLuong": "2", "LoaiGiayTo": ""}],
        DanhSachHoSoBoSung=[{"HoSoBoSungId": "17", "TrangThaiBoSung": "True"}],
    )
    async with portal(adapter.url) as it:
        await it.send(of(item), Try())
    async with portal(adapter.url, json_types={"KenhThucHien": "int"}) as it:
        await it.send(of(item), Try())
    by_default, by_config = (body["data"][0] for body in adapter.of(SYNC))
    assert by_default["DanhSachTepDinhKemKhac"] == [{"TenGiayTo": "CMND", "SoLuong": 2, "LoaiGiayTo": ""}]
    assert by_default["DanhSachHoSoBoSung"] == [{"HoSoBoSungId": 17, "TrangThaiBoSung": True}]
    assert by_default["KenhThucHien"] == "1" and by_config["KenhThucHien"] == 1
    assert by_config["DanhSachHoSoBoSung"] == [{"HoSoBoSungId": "17", "TrangThaiBoSung": "True"}]


async def test_a_value_that_has_not_the_configured_type_is_refused_before_any_call(adapter: Adapter) -> None:
    """The field is named, its value is not."""
    async with portal(adapter.url, json_types={"SoGiayToChuHoSo": "bool"}) as it:
        with pytest.raises(Rejected) as refused:
            await it.send(of(dossier()), Try())
    assert refused.value.code == "json_type" and "SoGiayToChuHoSo" in refused.value.reason
    assert adapter.calls == []
    no_canary(refused.value)


# ---------------------------------------------------------------- insert, update, exists


@pytest.mark.parametrize(
    ("lookup_first", "held", "may_update", "sent_before", "services", "updating", "outcome"),
    [
        (True, False, False, False, [LOOK_UP, SYNC], ["False"], "sent"),
        (True, False, True, False, [LOOK_UP, SYNC], ["False"], "sent"),
        (True, True, False, False, [LOOK_UP], [], "exists"),
        (True, True, True, False, [LOOK_UP, SYNC], ["True"], "sent"),
        (True, True, True, True, [SYNC], ["True"], "sent"),
        (False, False, False, False, [SYNC], ["False"], "sent"),
        (False, True, False, False, [SYNC], ["False"], "exists"),
        (False, True, True, False, [SYNC, SYNC], ["False", "True"], "sent"),
        (False, True, True, True, [SYNC], ["True"], "sent"),
    ],
)
async def test_insert_or_update(
    adapter: Adapter, lookup_first: bool, held: bool, may_update: bool, sent_before: bool, services: list[str],
    updating: list[str], outcome: str,
) -> None:  # fmt: skip
    """A first send inserts; what the portal already holds is updated only if the ledger or the route allows it."""
    adapter.script[LOOK_UP] = [{"error_code": 0, "result": [{"TRANGTHAI": "2"}] if held else []}]
    adapter.script[SYNC] = [lambda body: EXISTS if held and body["isUpdating"] == "False" else {"error_code": "0"}]
    async with portal(adapter.url, lookup_first=lookup_first) as it:
        if outcome == "sent":
            await it.send(of(dossier()), Try(may_update=may_update, sent_before=sent_before))
        else:
            with pytest.raises(Rejected) as refused:
                await it.send(of(dossier()), Try())
            assert refused.value.code == "exists"
            no_canary(refused.value)
    assert adapter.services == services
    assert [body["isUpdating"] for body in adapter.of(SYNC)] == updating


async def test_exists_after_a_look_up_that_found_nothing(adapter: Adapter) -> None:
    """Somebody else inserted between the two calls: the same rule holds."""
    adapter.script[SYNC] = [{"error_code": "-3", "message": unicodedata.normalize("NFD", "HỒ SƠ ĐÃ TỒN TẠI")}]
    async with portal(adapter.url) as it:
        with pytest.raises(Rejected) as refused:
            await it.send(of(dossier()), Try())
    assert refused.value.code == "exists"


async def test_a_refused_look_up_that_says_not_found_is_not_found(adapter: Adapter) -> None:
    """Whether the portal answers nothing or an error for an unknown code is not public; both work."""
    adapter.script[LOOK_UP] = [{"error_code": -1, "message": "Không tìm thấy hồ sơ", "result": None}]
    attempt = Try()
    async with portal(adapter.url) as it:
        await it.send(of(dossier()), attempt)
        assert await it.find(of(dossier()), attempt) is None
    assert [body["isUpdating"] for body in adapter.of(SYNC)] == ["False"]


async def test_a_retry_of_an_update_does_not_ask_again(adapter: Adapter) -> None:
    """What was decided on the portal's word is remembered before the call."""
    adapter.script[LOOK_UP] = [{"error_code": 0, "result": [{}]}]
    adapter.script[SYNC] = [(503, "busy"), {"error_code": 0}]
    attempt = Try(may_update=True)
    async with portal(adapter.url) as it:
        with pytest.raises(Transient):
            await it.send(of(dossier()), attempt)
        await it.send(of(dossier()), attempt.next())
    assert adapter.services == [LOOK_UP, SYNC, SYNC]


async def test_an_unknown_schema_and_an_empty_message_are_refused(adapter: Adapter) -> None:
    """A route that sends the wrong thing is told so; nothing is called."""
    async with portal(adapter.url) as it:
        for wrong in (message("dossier@1.0.0", {}), of({"MaHoSo": ""}), message("npsp-progress@1.0.0", {"data": []})):
            with pytest.raises(Rejected):
                await it.send(wrong, Try())
    assert adapter.calls == []


# ---------------------------------------------------------------- what each answer becomes


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        ({"error_code": 5, "message": "x"}, Rejected, "5"),
        ({"error_code": " -7 ", "message": "x"}, Rejected, "-7"),
        ({"error_code": "E_ROLE", "message": "x"}, Rejected, "E_ROLE"),
        ({"error_code": NAME, "message": "x"}, Rejected, "‹masked›"),
        ({"error_code": 99, "message": "x"}, Transient, "99"),
        ({"message": "no code"}, InDoubt, "unreadable_answer"),
        ({"error_code": None}, InDoubt, "unreadable_answer"),
        ({"error_code": True}, InDoubt, "unreadable_answer"),
        ((200, "<html>login</html>"), InDoubt, "unreadable_answer"),
        ((200, '{"error_code": 0'), InDoubt, "unreadable_answer"),
        ((200, "[0]"), InDoubt, "unreadable_answer"),
        ((500, "<html>error</html>"), InDoubt, "http_500"),
        ((500, {"error_code": 0}), InDoubt, "http_500"),
        ((502, "<html>"), InDoubt, "http_502"),
        ((504, "<html>"), InDoubt, "http_504"),
        ((400, {"error_code": 0}), InDoubt, "http_400"),
        ((400, {"error_code": 8, "message": "x"}), Rejected, "8"),
        ((400, "bad"), Rejected, "http_400"),
        ((413, ""), Rejected, "http_413"),
        ((422, ""), Rejected, "http_422"),
        ((302, ""), InDoubt, "http_302"),
        ((403, "<html>"), Transient, "http_403"),
        ((404, "<html>"), Transient, "http_404"),
        ((408, ""), Transient, "http_408"),
        ((429, ""), Transient, "http_429"),
        ((503, "<html>"), Transient, "http_503"),
        ((401, ""), Transient, "session"),
        (ENDED, Transient, "session"),
        ({"error_code": 77, "message": "x"}, Transient, "session"),
        ("reset", InDoubt, "reset"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_each_answer_to_a_call_with_effect(adapter: Adapter, answer: Any, error: type[DeliveryError], code: str) -> None:
    """The table of README.md, for DongBoHoSoMC."""
    adapter.script[SYNC] = [answer]
    async with portal(adapter.url, transient_codes=["99"], session_error_codes=["77"]) as it:
        with pytest.raises(error) as told:
            await it.send(of(dossier()), Try())
    assert (type(told.value), told.value.code) == (error, code)
    assert len(adapter.of(SYNC)) == (2 if code == "session" else 1)
    no_canary(told.value)


@pytest.mark.parametrize("answer", [(500, "<html>"), (200, "<html>"), (200, '{"error_'), {"result": []}, "reset"], ids=str)
async def test_a_lost_answer_to_a_look_up_is_never_in_doubt(adapter: Adapter, answer: Any) -> None:
    """A question has no effect: it is asked again later."""
    adapter.script[LOOK_UP] = [answer]
    attempt = Try()
    async with portal(adapter.url) as it:
        with pytest.raises(Transient):
            await it.send(of(dossier()), attempt)
        with pytest.raises(Transient):
            await it.find(of(dossier()), called())
    assert adapter.of(SYNC) == [] and attempt.remembered == {}


async def test_a_portal_that_is_not_there_is_not_connected() -> None:
    """Nothing listens: not one call reached anybody, by send, find or check."""
    async with portal("http://127.0.0.1:9") as it:
        for call in (it.send(of(dossier()), Try()), it.find(of(dossier()), called()), it.check()):
            with pytest.raises(NotConnected):
                await call


async def test_a_refusal_keeps_its_reason_without_the_people_in_it(adapter: Adapter) -> None:
    """Names of fields stand for the values sent; the rest of the text says what to mend."""
    session = "phien-bi-mat-1"
    told = f"Hồ sơ của {NAME} ({ID_NUMBER}, {PHONE}, {EMAIL}) của {PASSWORD} {session}: sai mã {CODE}"
    adapter.script[SYNC] = [{"error_code": 4, "message": told}]
    async with portal(adapter.url) as it:
        with pytest.raises(Rejected) as refused:
            await it.send(of(dossier()), Try())
    no_canary(refused.value)
    assert "Hồ sơ của ‹ChuHoSo›" in refused.value.reason and "sai mã ‹MaHoSo›" in refused.value.reason


def test_redaction_of_free_text() -> None:
    """Numbers with blanks or dots, e-mail addresses and values in other case are masked; length is cut."""
    assert redacted("gọi 0912 345 678 hoặc a.b@c.vn") == "gọi ‹number› hoặc ‹email›"
    assert redacted("TRẦN THỊ CANARY chưa có", [("ChuHoSo", NAME)]) == "‹ChuHoSo› chưa có"
    assert len(redacted("x " * 1000)) == 300
    assert redacted("mã 123456 sai", [("Gia", "1"), ("Loai", "sai")]) == "mã 123456 sai"


# ---------------------------------------------------------------- session


async def test_fifty_sends_share_one_sign_in(adapter: Adapter) -> None:
    """A cold start signs in once, however many sends wait."""
    async with portal(adapter.url) as it:
        await asyncio.gather(*(it.send(of(dossier(f"H22-261121-{n:04}")), Try()) for n in range(50)))
    assert len(adapter.of("login")) == 1
    assert len(adapter.of(SYNC)) == 50


async def test_an_ended_session_is_renewed_once_for_all(adapter: Adapter) -> None:
    """Fifty sends notice that the session ended; one signs in, all go on, and each dossier takes effect once."""
    ended = {"phien-bi-mat-1"}
    adapter.script[LOOK_UP] = [lambda body: ENDED if body["session"] in ended else {"error_code": 0, "result": []}]
    async with portal(adapter.url) as it:
        await asyncio.gather(*(it.send(of(dossier(f"H22-261121-{n:04}")), Try()) for n in range(50)))
    assert len(adapter.of("login")) == 2
    assert len(adapter.of(SYNC)) == 50


async def test_a_session_that_ends_between_two_calls_is_renewed(adapter: Adapter) -> None:
    """The refusal of a session has no effect, so the call with effect is made again within the send."""
    adapter.script[SYNC] = [(401, ""), {"error_code": 0}]
    async with portal(adapter.url) as it:
        await it.send(of(dossier()), Try())
    assert [body["session"] for body in adapter.of(SYNC)] == ["phien-bi-mat-1", "phien-bi-mat-2"]


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        ({"error_code": -1, "message": "Sai mật khẩu"}, Transient, "sign_in"),
        ({"error_code": 0, "message": "no session"}, Transient, "sign_in"),
        ({"session": "abc"}, Transient, "sign_in"),
        ((401, ""), Transient, "sign_in"),
        ((404, "<html>"), Transient, "sign_in"),
        ((200, "<html>"), Transient, "sign_in"),
        ((503, ""), Transient, "http_503"),
        ("reset", Transient, "reset"),
    ],
    ids=str,
)
async def test_a_refused_sign_in_counts_against_the_endpoint(
    adapter: Adapter, answer: Any, error: type[DeliveryError], code: str
) -> None:
    """Whatever is wrong with the account or the address, the message is not to blame."""
    adapter.script["login"] = [answer]
    async with portal(adapter.url) as it:
        for call in (it.send(of(dossier()), Try()), it.find(of(dossier()), called()), it.check()):
            with pytest.raises(error) as told:
                await call
            assert (type(told.value), told.value.code) == (error, code)
            no_canary(told.value)
    assert adapter.services == []


async def test_check_signs_in_and_reads_a_catalogue(adapter: Adapter) -> None:
    """A refused catalogue is told; nothing with effect is called."""
    async with portal(adapter.url) as it:
        await it.check()
        adapter.script["LayDanhMucLinhVuc"] = [{"error_code": 9, "message": "không có quyền"}]
        with pytest.raises(Rejected) as refused:
            await it.check()
    assert refused.value.code == "9"
    assert adapter.services == ["LayDanhMucLinhVuc"] * 2


# ---------------------------------------------------------------- find


@pytest.mark.parametrize(
    ("way", "result", "found"),
    [
        ("insert", [], None),
        ("insert", [{"TRANGTHAI": "2"}], Found(True)),
        ("insert_unseen", [{"TRANGTHAI": "2"}], Found(None)),
        ("update", [{"TRANGTHAI": "2"}], Found(None)),
        ("update", [{"MaHoSo": CODE}], Found(None)),
        ("update", [{"MaHoSo": CODE, "TrangThaiHoSo": "1"}], Found(None)),
        ("update", [dossier()], Found(True)),
        ("update", [{k.upper(): v for k, v in dossier(LoaiDoiTuong=1).items()}], Found(True)),
        ("update", [dossier(TrangThaiHoSo="1")], Found(False)),
        ("update", [dossier(NgayHenTra="20261231000000")], Found(False)),
        ("update", [dossier(DinhDanhCHS=[])], Found(False)),
        ("insert", [dossier(TrangThaiHoSo="1")], Found(False)),
        ("update", [dossier(MaHoSo="another")], Found(None)),
    ],
)
async def test_what_is_found_of_a_dossier_in_doubt(adapter: Adapter, way: str, result: list[Any], found: Found | None) -> None:
    """True only if the object is equal, or if there was none before our insert; False only if it differs; else None,
    and the route decides."""
    adapter.script[LOOK_UP] = [{"error_code": 0, "result": result}]
    async with portal(adapter.url) as it:
        assert await it.find(of(dossier()), called(way)) == found
    assert adapter.services == [LOOK_UP]


@pytest.mark.parametrize("held", [{"MaHoSo": CODE}, dossier()], ids=["minimal", "full"])
@pytest.mark.parametrize("lookup_first", [True, False])
async def test_an_insert_that_lands_late_is_not_lost_when_the_resend_crashes(
    adapter: Adapter, held: dict[str, Any], lookup_first: bool
) -> None:
    """The first insert is in doubt and not found; the resend crashes before its call; meanwhile the first one landed.
    Nothing of the resend is there, so it is sent once more: as an update of what is there, not as a second dossier."""
    there: list[Any] = []
    tried: list[str] = []

    def synchronise(body: dict[str, Any]) -> Any:
        tried.append(body["isUpdating"])
        if len(tried) == 1:
            return "reset"
        return EXISTS if there and body["isUpdating"] == "False" else {"error_code": 0}

    adapter.script[LOOK_UP] = [lambda body: {"error_code": 0, "result": list(there)}]
    adapter.script[SYNC] = [synchronise]
    first = Try()
    async with portal(adapter.url, lookup_first=lookup_first) as it:
        with pytest.raises(InDoubt):
            await it.send(of(dossier()), first)
        assert await it.find(of(dossier()), first) is None
        second = await crashes(it, of(dossier()), first.next(may_update=True))
        there.append(held)
        assert await it.find(of(dossier()), second) == Found(False, called=False)
        await it.send(of(dossier()), second.next())
    assert tried == (["False", "True"] if lookup_first else ["False", "False", "True"])


@pytest.mark.parametrize("held", [{"MaHoSo": CODE}, dossier()], ids=["minimal", "full"])
@pytest.mark.parametrize("failure", ["not connected", "not now"])
async def test_a_dossier_of_someone_else_is_not_taken_for_an_insert_that_was_never_made(
    adapter: Adapter, held: dict[str, Any], failure: str
) -> None:
    """Our insert certainly failed, someone else inserts the dossier, our next attempt crashes before its call: what
    is there proves nothing of ours, and it is not touched unless the ledger or the route allows."""

    class Unplugged(Try):
        async def remember(self, key: str, value: Any) -> None:
            await super().remember(key, value)
            await adapter.refuse()

    there: list[Any] = []
    adapter.script[LOOK_UP] = [lambda body: {"error_code": 0, "result": list(there)}]
    adapter.script[SYNC] = [(503, "busy")]
    adapter.keep_open = False
    first = Unplugged() if failure == "not connected" else Try()
    async with portal(adapter.url) as it:
        with pytest.raises(NotConnected if failure == "not connected" else Transient):
            await it.send(of(dossier()), first)
        if failure == "not connected":
            await adapter.listen()
        second = await crashes(it, of(dossier()), first.next())
        there.append(held)
        assert await it.find(of(dossier()), second) == Found(False, called=False)
        with pytest.raises(Rejected) as refused:
            await it.send(of(dossier()), second.next())
    assert refused.value.code == "exists"
    assert len(adapter.of(SYNC)) == (0 if failure == "not connected" else 1)


async def test_an_attempt_that_called_nothing_needs_no_question(adapter: Adapter) -> None:
    """The first attempt ends before its call, or a later one whose forerunner updated: False, without the portal."""
    adapter.script[LOOK_UP] = [{"error_code": 0, "result": [dossier()]}]
    async with portal(adapter.url) as it:
        assert await it.find(of(dossier()), Try()) == Found(False, called=False)
        assert await it.find(of(dossier()), called("update", 1).next()) == Found(False, called=False)
    assert adapter.calls == []


@pytest.mark.parametrize(
    ("answer", "told_code"),
    [({"error_code": 6, "message": "không có quyền"}, "6"), ((400, "bad"), "http_400")],
    ids=str,
)
async def test_a_refused_question_blames_no_message(adapter: Adapter, answer: Any, told_code: str) -> None:
    """find raises only Transient or NotConnected."""
    adapter.script[LOOK_UP] = [answer]
    async with portal(adapter.url) as it:
        with pytest.raises(Transient) as told:
            await it.find(of(dossier()), called())
    assert told.value.code == "look_up_refused" and told_code in told.value.reason


# ---------------------------------------------------------------- progress


async def test_progress_goes_in_chunks_of_at_most_ten(adapter: Adapter) -> None:
    """Twenty-three steps are three calls, in order, each step once."""
    async with portal(adapter.url) as it:
        await it.send(steps(23), Try())
    chunks = [body["data"] for body in adapter.of(PROGRESS)]
    assert [len(chunk) for chunk in chunks] == [10, 10, 3]
    assert [item for chunk in chunks for item in chunk] == [step(n) for n in range(23)]


@pytest.mark.parametrize(
    ("answer", "error"),
    [("reset", InDoubt), ((503, ""), Transient), ({"error_code": 5, "message": "x"}, Rejected)],
    ids=["in doubt", "not now", "refused"],
)
async def test_progress_continues_at_the_chunk_that_was_under_way(
    adapter: Adapter, answer: Any, error: type[DeliveryError]
) -> None:
    """The second chunk fails: the next try begins with it and sends the first one no more, even if the chunk size was
    changed meanwhile."""
    adapter.script[PROGRESS] = [{"error_code": 0}, answer, {"error_code": 0}]
    attempt = Try()
    async with portal(adapter.url) as it:
        with pytest.raises(error):
            await it.send(steps(23), attempt)
        assert await it.find(steps(23), attempt) == Found(None)
    async with portal(adapter.url, chunk=7) as it:
        await it.send(steps(23), attempt.next())
    sent = [[item["NoiDungXuLy"] for item in body["data"]] for body in adapter.of(PROGRESS)]
    assert [len(chunk) for chunk in sent] == [10, 10, 7, 6]
    assert sent[0] + sent[2] + sent[3] == [f"Bước {n}" for n in range(23)]


async def test_a_resend_of_progress_that_crashes_before_its_chunk_adds_no_doubt(adapter: Adapter) -> None:
    """The chunk that was under way in the attempt before is decided already; nothing of this attempt was sent."""
    adapter.script[PROGRESS] = [{"error_code": 0}, (503, ""), {"error_code": 0}]
    first = Try()
    async with portal(adapter.url) as it:
        with pytest.raises(Transient):
            await it.send(steps(15), first)
        second = await crashes(it, steps(15), first.next())
        assert await it.find(steps(15), second) == Found(False, called=False)
        await it.send(steps(15), second.next())
    assert [len(body["data"]) for body in adapter.of(PROGRESS)] == [10, 5, 5]


async def test_progress_of_which_nothing_was_sent_is_certainly_not_there(adapter: Adapter) -> None:
    """A crash before the first chunk leaves no memory; the portal need not be asked."""
    adapter.script["login"] = [(503, "")]
    attempt = Try()
    async with portal(adapter.url) as it:
        with pytest.raises(Transient):
            await it.send(steps(1), attempt)
        assert await it.find(steps(1), attempt) == Found(False, called=False)
        with pytest.raises(Transient):
            await it.send(of(dossier()), again := Try(sent_before=True))
    assert attempt.remembered == again.remembered == {}


# ---------------------------------------------------------------- the procedure catalogue


async def test_the_procedure_table_holds_what_the_portal_gives(adapter: Adapter) -> None:
    """Name and first field per procedure; what is absent stays absent, a procedure without a code is no row."""
    details = {
        "1.001193": {
            "TENTTHC": "Khai sinh",
            "LINHVUCTHUCHIEN": [{"MALINHVUC": "G15-HT01", "TENLINHVUC": "Hộ tịch"}, {}],
        },
        "1.000894": {"TENTTHC": "", "LINHVUCTHUCHIEN": []},
        "2.000635": {"LINHVUCTHUCHIEN": [{"MALINHVUC": "G15-HT02"}]},
    }
    listed = [{"MATTHC": code, "TENTTHC": f"tên {code}"} for code in [*details, "9.999999"]]
    adapter.script["LayDanhSachTTHC"] = [{"error_code": 0, "result": [*listed, {"TENTTHC": "?"}, {"MATTHC": "8.888888"}]}]
    adapter.script["LayThuTuc"] = [
        lambda body: (
            {"error_code": 0, "result": [details[body["maTTHC"]]]}
            if body["maTTHC"] in details
            else {"error_code": 2, "message": "Không tìm thấy thủ tục"}
        )
    ]
    async with portal(adapter.url) as it:
        rows = await it.fetch_table("npsp-procedures@1")
    assert rows == {
        "1.001193": {"name": "Khai sinh", "field_code": "G15-HT01", "field_name": "Hộ tịch"},
        "1.000894": {"name": "tên 1.000894"},
        "2.000635": {"name": "tên 2.000635", "field_code": "G15-HT02"},
        "9.999999": {"name": "tên 9.999999"},
    }


async def test_a_table_is_whole_or_not_at_all(adapter: Adapter) -> None:
    """One procedure that cannot be read fails the fetch: half a table would look like missing procedures."""
    adapter.script["LayDanhSachTTHC"] = [{"error_code": 0, "result": [{"MATTHC": f"1.{n:06}"} for n in range(9)]}]
    adapter.script["LayThuTuc"] = [lambda body: (500, "<html>") if body["maTTHC"] == "1.000005" else {"error_code": 0}]
    async with portal(adapter.url) as it:
        with pytest.raises(Transient):
            await it.fetch_table("npsp-procedures@1")
        with pytest.raises(NotFound):
            await it.fetch_table("npsp-provinces@1")


# ---------------------------------------------------------------- seams, against the simulator


async def test_a_dossier_lives_through_insert_update_progress(simulator: Simulator, request: Any) -> None:
    """The whole conversation with the simulated portal, which checks it against the contract."""
    code = code_of(request)
    async with live(simulator) as it:
        await it.check()
        await it.send(of(dossier(code)), Try())
        await it.send(of(dossier(code, TrangThaiHoSo="4")), Try(sent_before=True))
        await it.send(steps(23, code), Try())
        with pytest.raises(Rejected) as refused:
            await it.send(of(dossier(code)), Try())
    held = (await simulator.control("state"))["dossiers"][code]
    assert refused.value.code == "exists"
    assert '"4"' in json.dumps(held)
    assert [u for _, u in await simulator.outcomes(SYNC, code)] == ["False", "True"]
    assert len(await simulator.outcomes(PROGRESS, code)) == 3


@pytest.mark.parametrize("fault", ["timeout_after", "reset_after", "half_answer", "html_500", "html_200"])
async def test_an_insert_that_lost_its_answer_takes_effect_once(simulator: Simulator, request: Any, fault: str) -> None:
    """In doubt; the portal is asked; if it holds the dossier the delivery is done, else it is sent again."""
    code, attempt = code_of(request), Try()
    async with live(simulator, read_timeout=0.5) as it:
        await simulator.fault(SYNC, fault)
        with pytest.raises(InDoubt) as doubt:
            await it.send(of(dossier(code)), attempt)
        no_canary(doubt.value)
        found = await it.find(of(dossier(code)), attempt)
        if found is None:
            await it.send(of(dossier(code)), attempt.next(may_update=True))
        else:
            assert found.holds is True
    assert [effect for effect, _ in await simulator.outcomes(SYNC, code)].count(True) == 1


@pytest.mark.parametrize("fault", ["timeout_before", "reset_before"])
async def test_an_insert_that_was_lost_is_not_found_and_sent_again(simulator: Simulator, request: Any, fault: str) -> None:
    """The connector cannot know that nothing happened: in doubt, not found, sent again, once in effect."""
    code, attempt = code_of(request), Try()
    async with live(simulator, read_timeout=0.5) as it:
        await simulator.fault(SYNC, fault)
        with pytest.raises(InDoubt):
            await it.send(of(dossier(code)), attempt)
        assert await it.find(of(dossier(code)), attempt) is None
        await it.send(of(dossier(code)), attempt.next(may_update=True))
    assert [effect for effect, _ in await simulator.outcomes(SYNC, code)].count(True) == 1


@pytest.mark.parametrize("fault", ["reset_before", "reset_after"])
async def test_an_update_in_doubt_is_left_to_the_route(simulator: Simulator, request: Any, fault: str) -> None:
    """The portal answers a look-up with the dossier's code alone, which does not show whether the update took effect;
    by the route's `resend` it is made again, which changes nothing if it did."""
    code, attempt = code_of(request), Try(sent_before=True)
    changed = of(dossier(code, TrangThaiHoSo="4"))
    async with live(simulator) as it:
        await it.send(of(dossier(code)), Try())
        await simulator.fault(SYNC, fault)
        with pytest.raises(InDoubt):
            await it.send(changed, attempt)
        assert await it.find(changed, attempt) == Found(None)
        await it.send(changed, attempt.next())
    assert [updating for _, updating in await simulator.outcomes(SYNC, code)] == ["False", "True", "True"]
    assert (await simulator.outcomes(SYNC, code))[-1] == (True, "True")


@pytest.mark.parametrize(("fault", "seconds"), [("http_503", 7.0), ("http_429", 7.0)])
async def test_not_now_has_no_effect_and_says_when(simulator: Simulator, request: Any, fault: str, seconds: float) -> None:
    """Retry-After of the portal reaches the engine."""
    code, attempt = code_of(request), Try()
    async with live(simulator) as it:
        await simulator.fault(SYNC, fault, seconds=7)
        with pytest.raises(Transient) as later:
            await it.send(of(dossier(code)), attempt)
        await it.send(of(dossier(code)), attempt.next())
    assert later.value.retry_after == seconds
    assert [effect for effect, _ in await simulator.outcomes(SYNC, code)].count(True) == 1


async def test_a_chunk_in_doubt_is_the_only_one_sent_again(simulator: Simulator, request: Any) -> None:
    """The portal took the second chunk but its answer was lost: by the route's `resend` that chunk goes twice, which
    the portal cannot tell us to avoid, and the first one does not."""
    code, attempt = code_of(request), Try()
    async with live(simulator) as it:
        await it.send(of(dossier(code)), Try())
        await simulator.fault(PROGRESS, "reset_after", after=1)
        with pytest.raises(InDoubt):
            await it.send(steps(15, code), attempt)
        assert await it.find(steps(15, code), attempt) == Found(None)
        await it.send(steps(15, code), attempt.next())
    assert [effect for effect, _ in await simulator.outcomes(PROGRESS, code)] == [True, True, True]


async def test_a_session_that_the_portal_forgot_is_renewed(simulator: Simulator, request: Any) -> None:
    """The portal's operator ends all sessions; the next send goes through."""
    code = code_of(request)
    async with live(simulator) as it:
        await it.check()
        await simulator.control("expire-sessions", {})
        await it.send(of(dossier(code)), Try())
        await simulator.fault(SYNC, "session_expired", times=2)
        with pytest.raises(Transient) as told:
            await it.send(of(dossier(code, TrangThaiHoSo="4")), Try(sent_before=True))
    assert told.value.code == "session"
    assert [effect for effect, _ in await simulator.outcomes(SYNC, code)].count(True) == 1


async def test_a_wrong_password_is_told_without_it(simulator: Simulator) -> None:
    """Against the endpoint, and not quoting what was tried."""
    async with portal(simulator.url) as it:
        with pytest.raises(Transient) as told:
            await it.check()
    assert told.value.code == "sign_in"
    no_canary(told.value)


async def test_the_simulated_catalogue_can_be_fetched(simulator: Simulator) -> None:
    """The birth registration is there with its field."""
    async with live(simulator) as it:
        rows = await it.fetch_table("npsp-procedures@1")
    assert rows["1.001193"] == {"name": "Đăng ký khai sinh", "field_code": "G15-HT01", "field_name": "Hộ tịch"}
    assert len(rows) >= 12

"""Bad input at the SOAP door gets a fault that names the place, in little time and memory; the next message is served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from soap_hub import NAME, NUMBER, PATH, SOAP, SPACE, SoapHub, dossier, envelope, progress, started

from hub.message import new_id

pytestmark = [pytest.mark.xdist_group("soap_faults"), pytest.mark.asyncio(loop_scope="module")]
GOOD = dossier()
XSI = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
LAUGHS = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def soap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SoapHub]:
    """One hub for all of these tests; none of them stores the ``r-1`` of ``GOOD`` in it."""
    async with started(tmp_path_factory.mktemp("soap_faults")) as made:
        yield made


@pytest.fixture
def stored(soap: SoapHub) -> Callable[[], int]:
    """How many arrivals this test stored."""
    before = soap.count()
    return lambda: soap.count() - before


async def is_served(soap: SoapHub) -> bool:
    """Whether a good message with an id of its own is taken, as one that never came."""
    receipt = (await soap.post(envelope(dossier(new_id())))).receipt()
    return (receipt["State"], receipt["Repeated"]) == ("accepted", "false")


def resident_bytes() -> int:
    """The memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def cut(old: str, new: str, body: str = GOOD) -> str:
    """The good body with one change."""
    assert old in body
    return body.replace(old, new, 1)


@dataclass(frozen=True)
class Bad:
    """What is sent; where the first problem is (with … behind it: it begins so), what it is, and the code of the fault."""

    sent: str | bytes
    at: str
    codes: tuple[str, ...]
    fault: str

    def is_at(self, place: str) -> bool:
        return place.startswith(self.at[:-1]) if self.at.endswith("…") else place == self.at


def sent(whole: str | bytes, at: str, *codes: str, fault: str = "Client") -> Bad:
    """A document that is sent as it is."""
    return Bad(whole, at, codes, fault)


def inside(old: str, new: str, at: str, *codes: str) -> Bad:
    """The good envelope with one change in its body; ``at`` is below the dossier."""
    return Bad(envelope(cut(old, new)), at if at.startswith(("/", "…")) else f"/SubmitDossier/HoSo/{at}", codes, "Client")


def with_dtd(declarations: str, old: str, new: str) -> Bad:
    """A document with a DTD."""
    return sent(f"<!DOCTYPE x [{declarations}]>{envelope(cut(old, new))}", "1:…", "dtd")


DECLARED = '<?xml version="1.0" encoding="{}"?>'
STATE = "<o:TrangThai>DaTiepNhan</o:TrangThai>"
TIME = "2026-11-21T08:00:00+07:00"
PROCEDURE = "<o:MaThuTuc>2.000815</o:MaThuTuc>"
REORDERED = cut(PROCEDURE, "").replace("<o:NgayNop>", f"{PROCEDURE}<o:NgayNop>", 1)
BARE = GOOD.replace("o:", "").replace(f' xmlns:o="{SPACE}"', "").replace(f' xmlns="{SPACE}"', "")
INCLUDE = '<x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:1"/>'
FAULT = "<s:Fault><faultcode>s:Client</faultcode><faultstring>canary</faultstring></s:Fault>"
TRANSACTION = '<t:Transaction xmlns:t="urn:t" s:mustUnderstand="1">5</t:Transaction>'
MANY_ATTRIBUTES = " ".join(f'a{n}=""' for n in range(2_000))
MANY_NAMESPACES = " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(2_000))
BAD = {
    # no XML, or none that is read
    "empty": sent(b"", "1:1", "malformed"),
    "text": sent("canary", "1:…", "malformed"),
    "json": sent('{"SubmitDossier": {}}', "1:…", "malformed"),
    "cut short": sent(envelope(GOOD)[:-30], "…", "malformed"),
    "not closed": inside("</o:HoTen>", "", "…", "malformed"),
    "two roots": sent(envelope(GOOD) * 2, "…", "malformed"),
    "no such prefix": sent(envelope(GOOD.replace("o:HoTen", "q:HoTen")), "…", "malformed"),
    "attribute twice": inside('loai="CCCD"', 'loai="CCCD" loai="CMND"', "…", "malformed"),
    "control character": inside(NAME, "a\x01", "…", "malformed"),
    "not UTF-8": sent(envelope(GOOD).encode().replace("ễ".encode(), b"\xff\xfe"), "…", "malformed", "encoding"),
    "another encoding": sent(DECLARED.format("windows-1258") + envelope(GOOD), "1:1", "encoding"),
    "contradiction": sent((DECLARED.format("utf-8") + envelope(GOOD)).encode("utf-16"), "1:1", "encoding"),
    "UTF-32": sent(envelope(GOOD).encode("utf-32"), "1:1", "encoding"),
    # no SOAP, or another
    "no envelope": sent(GOOD, "/SubmitDossier", "not_soap"),
    "no body": sent(f'<s:Envelope xmlns:s="{SOAP["1.1"]}"/>', "/Envelope", "not_soap"),
    "empty body": sent(envelope(""), "/Envelope/Body", "missing"),
    "two messages": sent(envelope(GOOD + GOOD), "/Envelope/Body", "several_bodies"),
    "a fault": sent(envelope(FAULT), "/Envelope/Body/Fault", "fault"),
    "another SOAP": sent(envelope(GOOD, space="urn:soap"), "/Envelope", "version_mismatch", fault="VersionMismatch"),
    "must understand": sent(
        envelope(GOOD, header=TRANSACTION), "/Envelope/Header/Transaction", "must_understand", fault="MustUnderstand"
    ),
    # another operation or namespace
    "another namespace": sent(envelope(GOOD.replace(SPACE, "urn:x")), "/Envelope/Body/SubmitDossier", "wrong_namespace"),
    "no namespace": sent(envelope(BARE), "/Envelope/Body/SubmitDossier", "wrong_namespace"),
    "inner namespace": inside("<o:HoTen>", '<o:HoTen xmlns:o="urn:x">', "ChuHoSo…", "unknown_element", "missing"),
    "no operation": sent(envelope('<x:Delete xmlns:x="urn:x"/>'), "/Envelope/Body/Delete", "unknown_operation"),
    "an answer": sent(
        envelope(f'<SubmitDossierResponse xmlns="{SPACE}"/>'), "/Envelope/Body/SubmitDossierResponse", "unknown_operation"
    ),
    # a body that does not fit
    "extra element": inside("<o:HoTen>", "<o:Canary/><o:HoTen>", "ChuHoSo/Canary", "unknown_element"),
    "extra attribute": inside("<o:HoTen>", '<o:HoTen extra="canary">', "ChuHoSo/HoTen/@extra", "unknown_attribute"),
    "another order": sent(envelope(REORDERED), "/SubmitDossier/HoSo/ChuHoSo", "misplaced"),
    "missing element": inside(STATE, "", "TrangThai", "missing"),
    "missing attribute": inside(' id="MC-2026-000001"', "", "@id", "missing"),
    "twice": inside("<o:HoTen>", "<o:HoTen>a</o:HoTen><o:HoTen>", "ChuHoSo/HoTen", "repeated"),
    "no date": inside(TIME, "2026-02-30T08:00:00+07:00", "CapNhatLuc", "bad_value"),
    "no offset": inside(TIME, "2026-11-21T08:00:00", "CapNhatLuc", "pattern"),
    "none of a list": inside('loai="GiayToNop"', 'loai="canary"', "TepDinhKem/0/@loai", "enum", "bad_value"),
    "nil": inside(f"<o:HoTen>{NAME}", f'<o:HoTen {XSI} i:nil="true">', "ChuHoSo/HoTen", "null"),
    "another type": inside("<o:HoTen>", f'<o:HoTen {XSI} i:type="o:Canary">', "ChuHoSo/HoTen…", "bad_type"),
    "text between": inside("<o:HoTen>", "canary<o:HoTen>", "ChuHoSo", "text", "unexpected_text"),
    "XOP without parts": inside("to_khai.pdf", INCLUDE, "TepDinhKem/0/TenTep…", "xop", "unknown_element", "bad_value"),
    # attacks
    "XXE": with_dtd('<!ENTITY x SYSTEM "file:///etc/passwd">', NAME, "&x;"),
    "XXE by parameter": with_dtd('<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;', NAME, "a"),
    "external DTD": sent('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + envelope(GOOD), "1:…", "dtd"),
    "billion laughs": with_dtd("<!ENTITY a0 'ha'>" + LAUGHS, NAME, "&a9;"),
    "quadratic blow-up": with_dtd(f"<!ENTITY a '{'a' * 100_000}'>", NAME, "&a;" * 10_000),
    "DTD in UTF-16": sent(f"<!DOCTYPE x [<!ENTITY a 'b'>]>{envelope(GOOD)}".encode("utf-16"), "…", "dtd"),
    "entity without DTD": inside(NAME, "&nbsp;", "…", "malformed"),
    "too deep": inside(NAME, "<o:a>" * 5_000 + "</o:a>" * 5_000, "/Envelope/Body…", "too_deep"),
    "too many elements": inside("<o:HoTen>", "<o:a/>" * 210_000 + "<o:HoTen>", "/Envelope/Body…", "too_many_elements"),
    "too many attributes": inside("<o:HoTen>", f"<o:HoTen {MANY_ATTRIBUTES}>", "/Envelope/Body…", "too_many_attributes"),
    "too many namespaces": inside("<o:HoTen>", f"<o:HoTen {MANY_NAMESPACES}>", "…", "too_many_namespaces"),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_envelope(soap: SoapHub, stored: Callable[[], int], what: str) -> None:
    """A typed fault with the place, nothing of the content in it, nothing stored; the next message passes."""
    bad = BAD[what]
    began = time.monotonic()
    answer = await soap.post(bad.sent)
    assert time.monotonic() - began < 10
    assert answer.status == 500
    found, problems = answer.fault()
    assert found == bad.fault and bad.is_at(next(iter(problems))), problems
    assert set(problems.values()) <= set(bad.codes), problems
    told = answer.body.decode()
    assert "canary" not in told and NUMBER not in told and NAME not in told and "root:" not in told
    assert stored() == 0
    assert await is_served(soap) and stored() == 1


GOOD_BUT_ODD: dict[str, str | bytes] = {
    "byte order mark": b"\xef\xbb\xbf" + envelope(GOOD).encode(),
    "declaration": '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + envelope(GOOD),
    "CDATA": envelope(cut("<o:TrichYeu>Chứng thực</o:TrichYeu>", "<o:TrichYeu><![CDATA[a <b> & c]]></o:TrichYeu>")),
    "comments": envelope(cut(NAME, f"{NAME[:3]}<!-- canary -->{NAME[3:]}")),
    "instruction": '<?xml-stylesheet href="http://127.0.0.1:9/x"?>' + envelope(GOOD),
    "other prefixes": envelope(GOOD.replace("o:", "").replace(f'xmlns="{SPACE}"', "").replace(f'xmlns:o="{SPACE}"', "").replace(
        "<SubmitDossier", f'<SubmitDossier xmlns="{SPACE}"')),
    "header without need": envelope(GOOD, header='<t:Transaction xmlns:t="urn:t">5</t:Transaction>'),
    "header for another": envelope(GOOD, header='<t:T xmlns:t="urn:t" s:mustUnderstand="1" s:actor="urn:somebody">5</t:T>'),
    "spaces in codes": envelope(cut("DaTiepNhan", "\n  DaTiepNhan ")),
}  # fmt: skip


@pytest.mark.parametrize("what", GOOD_BUT_ODD)
async def test_odd_and_good(soap: SoapHub, what: str) -> None:
    """What XML and SOAP allow is taken, and means the same."""
    odd = GOOD_BUT_ODD[what]
    whole = odd.encode() if isinstance(odd, str) else odd
    assert whole.count(b"r-1<") == 1
    receipt = (await soap.post(whole.replace(b"r-1<", new_id().encode() + b"<"))).receipt()
    assert (receipt["State"], receipt["Repeated"]) == ("accepted", "false"), what


MEDIA_12 = "application/soap+xml"
MTOM = 'multipart/related; type="application/xop+xml"; boundary=x'


@pytest.mark.parametrize(
    ("version", "headers", "status", "code", "problem"),
    [
        ("1.1", {"SOAPAction": ""}, 500, "Client", {"SOAPAction": "missing"}),
        ("1.1", {"SOAPAction": '""'}, 500, "Client", {"SOAPAction": "missing"}),
        ("1.1", {"SOAPAction": f'"{SPACE}/ReportProgress"'}, 500, "Client", {"SOAPAction": "contradiction"}),
        ("1.2", {"Content-Type": f'{MEDIA_12}; action="urn:x"'}, 400, "Sender", {"Content-Type": "contradiction"}),
        ("1.1", {"Content-Type": "application/soap+xml"}, 500, "Client", {"Content-Type": "contradiction"}),
        ("1.2", {"Content-Type": "text/xml"}, 400, "Sender", {"Content-Type": "contradiction"}),
        ("1.1", {"Content-Type": "application/json"}, 415, "Client", {"Content-Type": "media_type"}),
        ("1.1", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "Client", {"Content-Type": "media_type"}),
        ("1.1", {"Content-Type": MTOM}, 415, "Client", {"Content-Type": "media_type"}),
        ("1.1", {"Content-Type": "text/xml; charset=tcvn"}, 415, "Client", {"Content-Type": "charset"}),
        ("1.2", {"Content-Type": "application/soap+xml; charset=iso-8859-1"}, 415, "Sender", {"Content-Type": "charset"}),
        ("1.1", {"Content-Type": 'text/xml; charset*=x; charset="a\\"b;c"'}, 415, "Client", {"Content-Type": "charset"}),
        ("1.2", {"Content-Type": 'application/soap+xml; action="a;b=c"'}, 400, "Sender", {"Content-Type": "contradiction"}),
        ("1.1", {"Content-Type": "; ="}, 415, "Client", {"Content-Type": "media_type"}),
        ("1.1", {"Idempotency-Key": "a b"}, 500, "Client", {"Idempotency-Key": "malformed"}),
    ],
)  # fmt: skip
async def test_bad_headers(
    soap: SoapHub,
    stored: Callable[[], int],
    version: str,
    headers: dict[str, str],
    status: int,
    code: str,
    problem: dict[str, str],
) -> None:
    """The header is named; SOAP 1.1 wants an action, SOAP 1.2 need not say one but must not say a wrong one."""
    answer = await soap.post(envelope(GOOD, version), version=version, headers=headers)
    assert (answer.status, answer.fault()) == (status, (code, problem))
    assert answer.one_problem().get("hint")
    assert stored() == 0


async def test_what_is_as_good(soap: SoapHub) -> None:
    """An action without quotes (1.1), none at all (1.2), and media types in capitals."""
    ways: list[tuple[str, dict[str, str]]] = [
        ("1.1", {"SOAPAction": f"{SPACE}/SubmitDossier"}),
        ("1.2", {"Content-Type": "application/soap+xml"}),
        ("1.2", {"Content-Type": f'Application/SOAP+XML; Action="{SPACE}/SubmitDossier"; Charset="UTF-8"'}),
    ]
    for version, headers in ways:
        answer = await soap.post(envelope(dossier(new_id()), version), version=version, headers=headers)
        assert (answer.receipt()["State"], answer.receipt()["Repeated"]) == ("accepted", "false")


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_the_codes_of_soap(soap: SoapHub, version: str) -> None:
    """VersionMismatch and MustUnderstand are 500 in both versions; the sender's own fault 500 or 400."""
    old = envelope(GOOD, space="urn:old")
    header = '<t:T xmlns:t="urn:t" s:mustUnderstand="true"/>'
    expected = [(old, "VersionMismatch", 500), (envelope(GOOD, version, header=header), "MustUnderstand", 500)]
    expected += [(envelope("", version), {"1.1": "Client", "1.2": "Sender"}[version], {"1.1": 500, "1.2": 400}[version])]
    for body, code, status in expected:
        answer = await soap.post(body, version=version)
        assert (answer.version, answer.status, answer.fault()[0]) == (version, status, code)


async def test_each_bad_field_is_listed(soap: SoapHub) -> None:
    """Not the first alone."""
    body = GOOD.replace("DaTiepNhan", "").replace('loai="CaNhan"', 'loai="Ai"').replace("20261121074500", "21/11/2026")
    _, problems = (await soap.post(envelope(body))).fault()
    expected = {"/SubmitDossier/HoSo/TrangThai", "/SubmitDossier/HoSo/ChuHoSo/@loai", "/SubmitDossier/HoSo/NgayNop"}
    assert expected <= problems.keys()


async def test_no_more_than_a_hundred_are_listed(soap: SoapHub) -> None:
    """The fault stays small, however much is wrong."""
    many = '<o:TepDinhKem id="" loai="x"><o:TenTep/></o:TepDinhKem>' * 190
    answer = await soap.post(envelope(cut("</o:HoSo>", many + "</o:HoSo>")))
    assert 10 < len(answer.fault()[1]) <= 100 and len(answer.body) < 40_000


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[SoapHub]:
    """A hub for one test."""
    async with started(tmp_path) as made:
        yield made


@pytest.mark.asyncio
@pytest.mark.parametrize("length_told", [True, False])
async def test_100_megabytes_of_text(alone: SoapHub, length_told: bool) -> None:
    """413 with a fault, and the memory stays where it was; the hub may hang up while the rest is still being sent."""
    soap = alone
    resident = resident_bytes()

    async def endless() -> AsyncIterator[bytes]:
        yield envelope(cut(NAME, "@@")).partition("@@")[0].encode()
        for _ in range(100):
            yield b"a" * (1 << 20)

    given = {**soap.basic(), "Content-Type": "text/xml", "SOAPAction": f'"{SPACE}/SubmitDossier"'}
    given |= {"Content-Length": str(101 << 20)} if length_told else {}
    try:
        answer = await soap.call("POST", data=endless(), headers=given)
    except aiohttp.ClientError:
        pass
    else:
        assert (answer.status, answer.fault()) == (413, ("Client", {"": "too_large"}))
    assert resident_bytes() - resident < 40 << 20
    assert await is_served(soap)


async def test_a_large_bad_one_holds_nobody_up(soap: SoapHub) -> None:
    """While megabytes of elements are read and refused, small messages are answered."""
    large = envelope(cut("<o:HoTen>", "<o:Canary>x</o:Canary>" * 150_000 + "<o:HoTen>"))
    assert len(large) > 3 << 20
    under_way = asyncio.create_task(soap.post(large))
    slowest = 0.0
    for n in range(30):
        began = time.monotonic()
        assert (await soap.post(envelope(progress(f"p-{n}")), action="ReportProgress")).status == 200
        slowest = max(slowest, time.monotonic() - began)
    answer = await under_way
    assert answer.fault()[0] == "Client" and "Canary" in next(iter(answer.fault()[1]))
    assert slowest < 10  # it waits for none of the many seconds that the large one takes on a busy machine


async def test_half_an_envelope(soap: SoapHub, stored: Callable[[], int]) -> None:
    """A connection that breaks in the middle stores nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", soap.hub.port)
    key = soap.keys["one-stop"]
    head = ("Host: h", f"X-API-Key: {key}", "Content-Type: text/xml", "Content-Length: 900")
    writer.write("\r\n".join((f"POST {PATH} HTTP/1.1", *head, "", "<s:")).encode())
    await writer.drain()
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert b"200 OK" not in answer
    assert stored() == 0

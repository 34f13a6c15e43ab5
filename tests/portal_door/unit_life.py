"""A unit's whole life with the national portal, played against whatever stands at an address.

Two lives against two addresses are compared with ==: a step keeps what a client acts on, and of the wording only its kind.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from portal_door.unit_client import Answer, Door, UnitClient, as_json

Kind = Literal["ok", "exists", "not_found", "missing_field", "bad_session", "other"]

# Dossier fields that the portal requires, and those that it requires since its additions. NgayHenTra may be empty.
REQUIRED = (
    "MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "LoaiDoiTuong", "TrichYeuHoSo", "NgayTiepNhan", "TrangThaiHoSo",
    "HinhThuc", "DonViXuLy",
)  # fmt: skip
REQUIRED_LATER = (
    "KenhThucHien", "NoiNopHoSo", "HoSoCoThanhPhanSoHoa", "TaiKhoanDuocXacThucVoiVNeID", "DuocThanhToanTrucTuyen",
    "NgayNopHoSo", "SoGiayToChuHoSo", "DinhDanhCHS", "DSKetNoiCSDL",
)  # fmt: skip
REQUIRED_LISTS = ("DinhDanhCHS", "DSKetNoiCSDL")
REQUIRED_DATES = ("NgayTiepNhan", "NgayNopHoSo")  # of dates it is said that "" is an absent one
PROGRESS_REQUIRED = ("MaHoSo", "NguoiXuLy", "ThoiDiemXuLy", "NoiDungXuLy", "TrangThai")

CATALOGUES = ("CoQuan", "LinhVuc")  # whose keys are known
OTHER_CATALOGUES = (  # of which only the names are
    "GioiTinh", "TinhThanh", "QuanHuyen", "PhuongXa", "QuocGia", "DanToc", "TonGiao", "TinhTrangHonNhan", "DoiTuong",
    "CapThucHien", "CanCuPhapLy", "LePhi",
)  # fmt: skip

# Keys of answers that the protocol names. Others may come with them and are not compared.
NAMED = frozenset(
    {
        "MADONVI", "TENDONVI", "CAPDONVI", "MALINHVUC", "TENLINHVUC", "MANGANH", "MATTHC", "TENTTHC", "TRANGTHAI", "YEUCAU",
        "MOTADOITUONGTHUCHIEN", "LINHVUCTHUCHIEN", "TRINHTUTHUCHIEN", "TRUONGHOP", "TRINHTU", "TENTRINHTU",
        "CACHTHUCTHUCHIEN", "KENH", "THOIGIAN", "THOIGIANGIAIQUYET", "DONVITINH", "MOTA", "PHILEPHI", "MAPHILEPHI", "SOTIEN",
        "DONVI", "THANHPHANHOSO", "GIAYTO", "MAGIAYTO", "TENGIAYTO", "TENMAUDON", "URL", "KETQUATHUCHIEN", "MAKETQUA",
        "TENKETQUA", "CANCUPHAPLY", "SOVANBAN", "TENVANBAN", "COQUANTHUCHIEN", "TECHNICALID",
    }
)  # fmt: skip

# Steps whose outcome the protocol leaves open: a portal may answer them in more than one way.
OPEN: frozenset[str] = frozenset(
    {
        "first session after a second sign-in",
        "LayThuTuc of an unknown procedure",
        "TraCuuTechID",
        "look-up without its code",
        "update of an unknown dossier",
        "look-up after the update of an unknown dossier",
        "update of an unknown dossier, then insert",
        "insert without NgayHenTra",
        "insert with an unknown procedure",
        "insert with a status out of the list",
        "insert with a date that is none",
        "insert with an abstract of 1001 characters",
        "insert with isUpdating as a boolean",
        "insert without isUpdating",
        "insert with data as one object",
        "insert with no dossier in data",
        "two dossiers, the second without its name",
        "look-up of the right one of two",
        "progress of an unknown dossier",
        "progress with an officer of 51 characters",
        "11 progress steps in one call",
        "call of an unknown service",
        "call without a service",
        "call without madonvi",
        "malformed JSON",
        "malformed JSON at sign-in",
        "JSON that is no object",
        "wrong content type",
    }
).union(
    (f"LayDanhMuc{name}" for name in OTHER_CATALOGUES),
    (f"insert with {name} empty" for name in REQUIRED + REQUIRED_LATER if name not in REQUIRED_DATES),
)


@dataclass(frozen=True)
class Step:
    """One answer, normalised. The wording is kept to be read, and is not compared."""

    name: str
    status: int
    error_code: int | None
    kind: Kind
    shape: str
    message: str = field(compare=False, repr=False)


@dataclass(frozen=True)
class Procedure:
    """A procedure that the portal knows, and the field it belongs to."""

    code: str = "1.000894"
    name: str = "Đăng ký kết hôn"
    field_code: str = "G15-HT01"
    field_name: str = "Hộ tịch"


def play(
    door: Door,
    expire: Callable[[], None],
    *,
    serial: int = 1,
    agency: str = "000.00.10.H22",
    day: str = "260915",
    procedure: Procedure | None = None,
) -> list[Step]:
    """Play the life at a door. It mints dossier codes from `serial` to `serial` + 99, which must be unknown there.

    `expire` is called once, and returns when every session given until then has expired.
    """
    life = _Life(door, f"{agency}-{day}-", serial, procedure or Procedure())
    life.signs_in(expire)
    life.reads_catalogues()
    life.sends_dossiers()
    life.leaves_fields_out()
    life.sends_odd_dossiers()
    life.reports_progress()
    life.breaks_the_transport()
    return life.steps


def decided(steps: Sequence[Step]) -> list[Step]:
    """The steps whose outcome the protocol itself decides; which code a refusal has, it does not."""
    return [step for step in steps if step.name not in OPEN]


class _Life:
    def __init__(self, door: Door, prefix: str, serial: int, procedure: Procedure) -> None:
        self.door = door
        self.unit = UnitClient(door)
        self.steps: list[Step] = []
        self._prefix, self._serial, self._procedure = prefix, serial, procedure
        self._known = self._code()

    # Parts of the life

    def signs_in(self, expire: Callable[[], None]) -> None:
        unit, door = self.unit, self.door
        self._says("sign-in with a wrong password", unit.sign_in(password=door.password + "-sai"))
        self._says("sign-in of an unknown account", unit.sign_in(username="khong-co-tai-khoan-nay"))
        self._says("sign-in without a password", unit.post(door.auth_path, as_json({"username": door.username})))
        self._says("sign-in", unit.sign_in())
        first = unit.session
        self._says("call with a session", self._catalogue_with(first))
        self._says("second sign-in", unit.sign_in())
        self._says("first session after a second sign-in", self._catalogue_with(first))
        self._says("call without a session", self._catalogue_with(""))
        self._says("call with a session never given", self._catalogue_with("0123456789abcdef0123456789abcdef"))
        unit.sign_in()
        expire()
        self._says("call with an expired session", self._catalogue_with(unit.session))
        self._says("call that renews its session", unit.catalogue("CoQuan"))

    def reads_catalogues(self) -> None:
        unit = self.unit
        for name in CATALOGUES + OTHER_CATALOGUES:
            self._says("LayDanhMuc" + name, unit.catalogue(name))
        self._says("LayDanhSachTTHC", unit.procedures())
        self._says("LayThuTuc", unit.procedure(self._procedure.code))
        self._says("LayThuTuc of an unknown procedure", unit.procedure("9.999999"))
        self._says("TraCuuTechID", unit.share("TraCuuTechID", {"provider": "wso2is", "mstorcmnd": "001299000001"}))

    def sends_dossiers(self) -> None:
        unit, known = self.unit, self._known
        self._says("look-up of an unknown dossier", unit.look_up(known))
        self._says("look-up without its code", unit.integration("TraCuuHoSo"))
        self._says("insert", unit.insert([self._dossier(known, status="2")]))
        self._says("look-up of a known dossier", unit.look_up(known))
        self._says("insert of the same again", unit.insert([self._dossier(known, status="2")]))
        self._says("update", unit.update([self._dossier(known, status="4")]))
        self._says("update with the same again", unit.update([self._dossier(known, status="4")]))
        self._says("insert after an update", unit.insert([self._dossier(known, status="4")]))
        self._says("look-up after an update", unit.look_up(known))
        unknown = self._dossier(self._code(), status="4")
        self._says("update of an unknown dossier", unit.update([unknown]))
        self._says("look-up after the update of an unknown dossier", unit.look_up(str(unknown["MaHoSo"])))
        self._says("update of an unknown dossier, then insert", unit.insert([unknown]))
        two = [self._dossier(self._code()), self._dossier(self._code())]
        self._says("two dossiers", unit.insert(two))
        for place, dossier in zip(("first", "second"), two, strict=True):
            self._says(f"look-up of the {place} of two", unit.look_up(str(dossier["MaHoSo"])))
        self._says("insert of one with every list", unit.insert([self._full(self._code())]))

    def leaves_fields_out(self) -> None:
        """Each with a code of its own, so that one that is taken does not change the answer to the next."""
        unit = self.unit
        refused: list[str] = []
        for name in REQUIRED + REQUIRED_LATER:
            without, empty = self._dossier(self._code()), self._dossier(self._code())
            refused += [str(dossier["MaHoSo"]) for dossier in (without, empty) if name != "MaHoSo"]
            del without[name]
            empty[name] = [] if name in REQUIRED_LISTS else ""
            self._says(f"insert without {name}", unit.insert([without]))
            self._says(f"insert with {name} empty", unit.insert([empty]))
        self._says("look-up of one that was refused", unit.look_up(refused[0]))
        without = self._dossier(self._code())
        del without["NgayHenTra"]
        self._says("insert without NgayHenTra", unit.insert([without]))
        self._says("insert with NgayHenTra empty", unit.insert([{**self._dossier(self._code()), "NgayHenTra": ""}]))
        without = self._dossier(self._known)
        del without["TenTTHC"]
        self._says("update without TenTTHC", unit.update([without]))

    def sends_odd_dossiers(self) -> None:
        unit = self.unit
        odd: dict[str, dict[str, object]] = {
            "an unknown procedure": {"MaTTHC": "9.999999", "TenTTHC": "Thủ tục không có"},
            "a status out of the list": {"TrangThaiHoSo": "11"},
            "a date that is none": {"NgayTiepNhan": "20260231080000"},
            "an abstract of 1001 characters": {"TrichYeuHoSo": "x" * 1001},
        }
        for what, changed in odd.items():
            self._says(f"insert with {what}", unit.insert([{**self._dossier(self._code()), **changed}]))
        service = "DongBoHoSoMC"
        data = [self._dossier(self._code())]
        self._says("insert with isUpdating as a boolean", unit.integration(service, {"isUpdating": False, "data": data}))
        self._says("insert without isUpdating", unit.integration(service, {"data": [self._dossier(self._code())]}))
        one = {"isUpdating": "False", "data": self._dossier(self._code())}
        self._says("insert with data as one object", unit.integration(service, one))
        self._says("insert with no dossier in data", unit.insert([]))
        right, wrong = self._dossier(self._code()), self._dossier(self._code())
        del wrong["TenTTHC"]
        self._says("two dossiers, the second without its name", unit.insert([right, wrong]))
        self._says("look-up of the right one of two", unit.look_up(str(right["MaHoSo"])))
        self._says("look-up of the wrong one of two", unit.look_up(str(wrong["MaHoSo"])))

    def reports_progress(self) -> None:
        unit, known = self.unit, self._known
        self._all_say("progress", unit.progress([self._progress(known, 0)]))
        self._all_say("progress of an unknown dossier", unit.progress([self._progress(self._code(), 1)]))
        steps = [self._progress(known, number) for number in range(2, 27)]
        self._all_say("25 progress steps", unit.progress(steps))
        for name in PROGRESS_REQUIRED:
            without = self._progress(known, 27)
            del without[name]
            self._all_say(f"progress without {name}", unit.progress([without]))
        long = {**self._progress(known, 28), "NguoiXuLy": "x" * 51}
        self._all_say("progress with an officer of 51 characters", unit.progress([long]))
        eleven = {"data": [self._progress(known, number) for number in range(29, 40)]}
        self._says("11 progress steps in one call", unit.integration("CapNhatTienDoHoSoMC", eleven))
        last = {**self._dossier(known, status="10"), "NgayTra": "20260918160000", "NgayKetThucXuLy": "20260918093000"}
        self._says("update to returned", unit.update([last]))
        self._all_say("progress to returned", unit.progress([{**self._progress(known, 40), "TrangThai": "10"}]))
        self._says("look-up at the end", unit.look_up(known))

    def breaks_the_transport(self) -> None:
        """With a session just given, so that only what is broken is refused."""
        unit, door = self.unit, self.door
        unit.sign_in()
        path = door.integration_path
        look_up = unit.envelope("TraCuuHoSo", {"mahoso": self._known})
        self._says("call of an unknown service", unit.integration("KhongCoDichVuNay"))
        self._says("call without a service", unit.post(path, as_json(_without(look_up, "service"))))
        self._says("call without madonvi", unit.post(path, as_json(_without(look_up, "madonvi"))))
        self._says("malformed JSON", unit.post(path, as_json(look_up)[:-1]))
        self._says("malformed JSON at sign-in", unit.post(door.auth_path, b"{"))
        self._says("JSON that is no object", unit.post(path, as_json([look_up])))
        self._says("wrong content type", unit.post(path, as_json(look_up), content_type="text/plain"))
        self._says("look-up after all that", unit.look_up(self._known))

    # What the parts are made of

    def _says(self, name: str, answer: Answer) -> None:
        shape = "session" if answer.session else outline([answer.result])
        self.steps.append(Step(name, answer.status, answer.error_code, kind_of(answer), shape, answer.message))

    def _all_say(self, name: str, answers: Sequence[Answer]) -> None:
        for number, answer in enumerate(answers, 1):
            self._says(f"{name}, chunk {number}" if number > 1 else name, answer)

    def _catalogue_with(self, session: str) -> Answer:
        return self.unit.call_with(session, self.door.share_path, "LayDanhMucCoQuan")

    def _code(self) -> str:
        code = f"{self._prefix}{self._serial:04}"
        self._serial += 1
        return code

    def _dossier(self, code: str, status: str = "2") -> dict[str, object]:
        return {
            "MaHoSo": code,
            "MaTTHC": self._procedure.code,
            "TenTTHC": self._procedure.name,
            "MaLinhVuc": self._procedure.field_code,
            "TenLinhVuc": self._procedure.field_name,
            "KenhThucHien": "1",
            "SoBienNhan": "",
            "ChuHoSo": "Nguyễn Văn Thử",
            "LoaiDoiTuong": "1",
            "MaDoiTuong": "",
            "ThongTinKhac": "",
            "Email": "",
            "Fax": "",
            "SoDienThoai": "0900000001",
            "TrichYeuHoSo": "Hồ sơ của người dân giả định, dùng để thử",
            "NgayTiepNhan": "20260915081500",
            "NgayHenTra": "20260922170000",
            "TrangThaiHoSo": status,
            "NgayTra": "",
            "ThongTinTra": "",
            "HinhThuc": "0",
            "NgayKetThucXuLy": "",
            "DonViXuLy": "Trung tâm Phục vụ hành chính công",
            "GhiChu": "",
            "NoiNopHoSo": "2",
            "HoSoCoThanhPhanSoHoa": "0",
            "TaiKhoanDuocXacThucVoiVNeID": "0",
            "DuocThanhToanTrucTuyen": "0",
            "NgayTuChoi": "",
            "NgayNopHoSo": "20260915080000",
            "SoGiayToChuHoSo": "001299000001",
            "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "001299000001"}],
            "DSKetNoiCSDL": [{"MaCSDL": "7"}],
            "TaiLieuNop": [],
            "DanhSachLePhi": [],
            "DanhSachTepDinhKemKhac": [],
            "DanhSachHoSoBoSung": [],
            "DanhSachGiayToKetQua": [],
        }

    def _full(self, code: str) -> dict[str, object]:
        paper: dict[str, object] = {
            "TepDinhKemId": "1",
            "TenTepDinhKem": "to-khai.pdf",
            "IsDeleted": "False",
            "MaThanhPhanHoSo": "TP01",
            "DuongDanTaiTepTin": "https://mot-cua.invalid/tep/1",
            "DuocSoHoa": "1",
            "DuocTaiSuDung": "0",
            "DuocLayTuKhoDMQG": "0",
            "MaKetQuaThayThe": "",
        }
        fee: dict[str, object] = {
            "TenPhiLePhi": "Lệ phí", "MaPhiLePhi": "LP01", "HinhThucThu": "1", "Gia": "50000", "LoaiPhiLePhi": "1",
        }  # fmt: skip
        result: dict[str, object] = {
            "TenGiayTo": "Giấy chứng nhận",
            "MaThanhPhanHoSo": "",
            "GiayToId": "1",
            "DuongDanTepTinKetQua": "https://mot-cua.invalid/ket-qua/1",
            "MaGiayToKetQua": "KQ01",
        }
        supplement: dict[str, object] = {
            "HoSoBoSungId": 1,
            "NguoiYeuCauBoSung": "Trần Thị Giả",
            "NoiDungBoSung": "Bổ sung tờ khai",
            "NgayBoSung": "20260916090000",
            "NguoiTiepNhanBoSung": "Trần Thị Giả",
            "ThongTinTiepNhan": "Đã nhận",
            "NgayTiepNhanBoSung": "20260917090000",
            "TrangThaiBoSung": True,
            "DanhSachGiayToBoSung": [paper],
            "DanhSachLePhiBoSung": [fee],
            "NgayHenTraTruoc": "20260922170000",
            "NgayHenTraMoi": "20260924170000",
        }
        return {
            **self._dossier(code),
            "HoSoCoThanhPhanSoHoa": "1",
            "TaiLieuNop": [paper],
            "DanhSachLePhi": [fee],
            "DanhSachTepDinhKemKhac": [{"TenGiayTo": "Ảnh", "SoLuong": 2, "LoaiGiayTo": 1}],
            "DanhSachHoSoBoSung": [supplement],
            "DanhSachGiayToKetQua": [result],
        }

    def _progress(self, code: str, number: int) -> dict[str, object]:
        return {
            "MaHoSo": code,
            "NguoiXuLy": "Trần Thị Giả",
            "ChucDanh": "Chuyên viên",
            "ThoiDiemXuLy": f"2026091609{number:02}00",
            "PhongBanXuLy": "Bộ phận một cửa",
            "NoiDungXuLy": f"Bước {number}",
            "TrangThai": "4",
            "NgayBatDau": "",
            "NgayKetThucTheoQuyDinh": "",
        }


def kind_of(answer: Answer) -> Kind:
    """What an answer says. Of the wording only "đã tồn tại" is known; the rest are the words such a message can hardly lack."""
    if answer.ok:
        return "ok"
    if answer.error_code is None:
        return "other"
    if answer.session_is_bad:
        return "bad_session"
    said = unicodedata.normalize("NFC", answer.message).casefold()
    if "đã tồn tại" in said:
        return "exists"
    if any(words in said for words in ("không tồn tại", "chưa tồn tại", "không tìm thấy", "chưa được đồng bộ")):
        return "not_found"
    if any(words in said for words in ("bắt buộc", "thiếu", "để trống")):
        return "missing_field"
    return "other"


def outline(values: Sequence[object]) -> str:
    """The shape that values of one place have in common: of objects the keys that the protocol names, of arrays their items."""
    if all(isinstance(value, dict) for value in values):
        objects = [value for value in values if isinstance(value, dict)]
        keys = sorted({key for value in objects for key in value} & NAMED)
        parts = []
        for key in keys:
            held = [value[key] for value in objects if key in value]
            parts.append(f"{key}{'' if len(held) == len(objects) else '?'}: {outline(held)}")
        return "{" + ", ".join(parts) + "}"
    if all(isinstance(value, list) for value in values):
        items = [item for value in values if isinstance(value, list) for item in value]
        return "[" + (outline(items) if items else "") + "]"
    if any(isinstance(value, dict | list) for value in values):
        return "|".join(sorted({outline([value]) for value in values}))
    return "|".join(sorted({_scalar(value) for value in values}))


def _scalar(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "bool"
    return "text" if isinstance(value, str) else "number"


def _without(envelope: Mapping[str, object], key: str) -> dict[str, object]:
    return {name: value for name, value in envelope.items() if name != key}

"""Writes the simulated registry's answers as SOAP 1.1 envelopes: contract 4.3, in the configured form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from connectors.population.simulator_config import PopulationSimulatorConfig
from connectors.population.simulator_people import SimulatedAddress, SimulatedHead, SimulatedPerson, SimulatedRelative
from connectors.population.simulator_questions import QUESTIONS, SOAP, Refusal

ANSWERS = "http://www.mic.gov.vn/dancu/1.0"
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class AnswerWriter:
    """``clock`` gives epoch seconds, for ThoiDiemDuLieu."""

    def __init__(self, config: PopulationSimulatorConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock

    def collection(self, people: Sequence[SimulatedPerson], number: int) -> str:
        """The answer to a look-up; ``number`` is the answer's own. Nobody found: no CongDan node."""
        attributes: Mapping[str, str] = {}
        if self._config.collection_attributes:
            moment = datetime.fromtimestamp(int(self._clock()), _ZONE)
            shown = moment if self._config.data_time == "offset" else moment.replace(tzinfo=None)
            attributes = {"SoCongDan": str(len(people)), "GhiChu": "Dữ liệu mô phỏng", "ThoiDiemDuLieu": shown.isoformat()}
            attributes = {**attributes, "id": f"MP{number}"}
        written = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
        found = "".join(self._person(person) for person in people)
        return _envelope(f'<CongdanCollection xmlns="{ANSWERS}"{written}>{found}</CongdanCollection>')

    def verified(self, exists: bool) -> str:
        """The answer to a verification."""
        namespace = ANSWERS if self._config.verify_namespace == "answer" else QUESTIONS
        words = ("true", "false") if self._config.boolean_form == "words" else ("1", "0")
        told = f"<TonTai>{words[0] if exists else words[1]}</TonTai>"
        return _envelope(f'<KetQuaXacThuc xmlns="{namespace}">{told}</KetQuaXacThuc>')

    def fault(self, refusal: Refusal) -> str:
        """A fault. Its detail, MaLoi and MoTaLoi, is this simulator's own: no error code of the registry is public."""
        where = f": {refusal.at}" if refusal.at else ""
        quoted = f" ({refusal.value})" if self._config.quote_values and refusal.value else ""
        words = escape(f"{refusal.words}{where}{quoted}")
        detail = f"<MaLoi>{escape(refusal.code)}</MaLoi><MoTaLoi>{words}</MoTaLoi>"
        return _envelope(
            f"<soapenv:Fault><faultcode>soapenv:{refusal.fault}</faultcode><faultstring>{words}</faultstring>"
            f'<detail><Loi xmlns="{QUESTIONS}">{detail}</Loi></detail></soapenv:Fault>'
        )

    def _person(self, person: SimulatedPerson) -> str:
        leaf, relative, address = self._leaf, self._relative, self._address
        return _element(
            "CongDan",
            leaf("SoDinhDanh", person.number),
            leaf("SoCMND", person.old_number),
            "" if person.card_number is None else leaf("SoCCCD", person.card_number),
            self._name(person.name),
            leaf("GioiTinh", person.gender),
            leaf("DanToc", person.ethnicity),
            leaf("TonGiao", person.religion),
            leaf("TinhTrangHonNhan", person.marital_status),
            leaf("NhomMau", person.blood_group),
            self._birth(person.birth),
            leaf("QuocTich", person.nationality),
            address("NoiDangKyKhaiSinh", person.birth_registration),
            address("QueQuan", person.home),
            address("ThuongTru", person.permanent),
            address("NoiOHienTai", person.current),
            relative("Cha", person.father),
            relative("Me", person.mother),
            relative("VoChong", person.spouse),
            relative("NguoiDaiDien", person.representative),
            self._head(person.head),
            leaf("SoSoHoKhau", person.household_number),
        )

    def _leaf(self, name: str, text: str | None) -> str:
        return self._nothing(name) if text is None else _element(name, escape(text))

    def _nothing(self, name: str) -> str:
        return "" if self._config.absent == "omitted" else f"<{name}/>"

    def _shown(self, name: str | None) -> str | None:
        return name.upper() if name is not None and self._config.name_case == "upper" else name

    def _name(self, name: str) -> str:
        words = (self._shown(name) or "").split()
        split = self._config.full_name == "split" and len(words) > 1
        family, middle, given = (words[0], " ".join(words[1:-1]), words[-1]) if split else ("", "", " ".join(words))
        pieces = {"Ho": family, "ChuDem": middle, "Ten": given}
        return _element("HoVaTen", *(_element(piece, escape(text)) for piece, text in pieces.items()))

    def _birth(self, birth: str | None) -> str:
        if birth is None:
            return self._nothing("NgayThangNamSinh")
        year, known = birth[:4], birth.replace("-", "")
        full = known if len(known) == 8 else known.ljust(8, "0") if self._config.unknown_parts == "zeros" else None
        with_year = full is None or self._config.birth_answer == "both"
        written = (_element("Nam", year) if with_year else "", _element("NgayThangNam", full) if full else "")
        return _element("NgayThangNamSinh", *written)

    def _address(self, name: str, address: SimulatedAddress | None) -> str:
        if address is None:
            return self._nothing(name)
        leaf = self._leaf
        codes = (leaf("MaTinhThanh", address.province), leaf("MaQuanHuyen", address.district), leaf("MaPhuongXa", address.ward))
        return _element(name, *codes, leaf("ChiTiet", address.detail), leaf("QuocGia", address.country))

    def _relative(self, name: str, relative: SimulatedRelative | None) -> str:
        if relative is None:
            return self._nothing(name)
        leaf, shown = self._leaf, self._shown(relative.name)
        numbers = (leaf("SoDinhDanh", relative.number), leaf("SoCMND", relative.old_number))
        return _element(name, leaf("HoVaTen", shown), leaf("QuocTich", relative.nationality), *numbers)

    def _head(self, head: SimulatedHead | None) -> str:
        if head is None:
            return self._nothing("ChuHo")
        leaf = self._leaf
        numbers = (leaf("SoDinhDanh", head.number), leaf("SoCMND", head.old_number))
        return _element("ChuHo", leaf("QuanHe", head.relation), *numbers, leaf("HoVaTen", self._shown(head.name)))


def _element(name: str, *content: str) -> str:
    return f"<{name}>{''.join(content)}</{name}>"


def _envelope(content: str) -> str:
    return (
        f'<soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Header/><soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>'
    )

"""What the simulated ministry portal does when it is called: issues codes, takes dossiers, steps and states. Free of HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.ministry_portal.simulator_answers import Answers, Reply, refused
from connectors.ministry_portal.simulator_config import MinistryPortalSimulatorConfig
from connectors.ministry_portal.simulator_rules import AGENCY, CREATE, PROCEDURE, PROGRESS, STATUS, FieldRules
from connectors.ministry_portal.simulator_state import Effect, Kind, MinistryMemory

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_LISTS = ("DanhSachLePhi", "DanhSachGiayToKetQua")


class Desk:
    """The operations over one memory. ``clock`` gives epoch seconds; codes carry its day in Vietnam."""

    def __init__(
        self, config: MinistryPortalSimulatorConfig, memory: MinistryMemory, answers: Answers, clock: Callable[[], float]
    ) -> None:
        self._config, self._memory, self._answers, self._clock = config, memory, answers, clock
        self._rules = FieldRules(config)

    def next_value(self, asked: Any) -> Reply:
        """GetNextValue: the next dossier code of an agency (or of a procedure: of the portal's own agency)."""
        if not isinstance(asked, str) or not asked:
            return refused(400, "code thiếu trường bắt buộc", "missing_field")
        if AGENCY.fullmatch(asked):
            agency = asked
        elif PROCEDURE.fullmatch(asked):
            agency = self._config.agency
        else:
            return refused(400, "code không phải mã đơn vị hoặc mã thủ tục", "wrong_field")
        if self._config.agencies and agency not in self._config.agencies:
            return refused(403, "Không có quyền với đơn vị này", "no_right")
        day = datetime.fromtimestamp(self._clock(), _ZONE).strftime("%Y%m%d")
        last = self._memory.last_serial(agency, day)
        serial = self._config.first_serial if last is None else last + 1
        code = f"{agency}-{day}-{serial:07d}"
        self._memory.commit([Effect("issued", code, {"for": asked, "agency": agency, "day": day, "serial": serial})])
        return Reply({"value": code}, effect=True, bare=self._config.next_value_answer == "flat", codes=[code])

    def take_files(self, files: list[dict[str, Any]]) -> Reply:
        """UploadFile: keeps what was read of each file; its id and hash go back."""
        effects: list[Effect] = []
        for one in files:
            told = self._answers.file_hash(bytes.fromhex(one["sha256"]))
            effects.append(Effect("uploaded", str(uuid.uuid4()), {**one, "hash": told}))
        self._memory.commit(effects)
        data = [{"IdTepTin": effect.code, "HashTepTin": effect.object["hash"]} for effect in effects]
        return Reply(self._answers.uploaded(data), effect=True, codes=[effect.code for effect in effects])

    def create(self, body: Any) -> Reply:
        """NoiHoSo: one dossier under a code that was issued here."""
        if breach := self._rules.first_breach(body, CREATE, self._config.required_create):
            return self._answers.breach(breach)
        code = str(body.get("MaHoSo", ""))
        if (known := self._memory.dossiers.get(code)) is not None:
            data = self._answers.ids(known.id, code) if self._config.exists_data else None
            return Reply(data, self._config.exists_status, self._config.exists_code, self._config.exists_message, "exists")
        if code not in self._memory.issued and self._config.foreign_codes == "refuse":
            return refused(400, "MaHoSo không do hệ thống cấp", "not_issued")
        for component in body.get("ThanhPhanHoSo") or ():
            for paper in component.get("GiayToDinhKem") or ():
                if wrong := self._wrong_file(paper, "IdGiayTo"):
                    return wrong
        number = self._config.dossier_id == "number"
        dossier_id = 1_000_000 + len(self._memory.dossiers) if number else str(uuid.uuid4())
        self._memory.commit([Effect("created", code, {"id": dossier_id, "object": body})])
        return Reply(self._answers.ids(dossier_id, code), effect=True)

    def progress(self, body: Any) -> Reply:
        """CapNhatTienTrinh: an array of steps, all or none."""

        def refusals(step: Mapping[str, Any]) -> Iterator[Reply]:
            if breach := self._rules.first_breach(step, PROGRESS, self._config.required_progress):
                yield self._answers.breach(breach)
            elif wrong := self._wrong_dossier(step, "IDHoSo"):
                yield wrong

        return self._array(body, "progress", refusals)

    def status(self, body: Any) -> Reply:
        """CapNhatTrangThai: an array of states, all or none; its two lists only with some of them."""

        def refusals(state: Mapping[str, Any]) -> Iterator[Reply]:
            if breach := self._rules.first_breach(state, STATUS, self._config.required_status):
                yield self._answers.breach(breach)
            elif wrong := self._wrong_dossier(state, "IdHoSo"):
                yield wrong
            elif state.get("TrangThai") not in self._config.lists_with:
                for name in _LISTS:
                    if name in state:
                        yield refused(400, f"{name} không được gửi với TrangThai này", "lists_not_allowed")
            for paper in state.get("DanhSachGiayToKetQua") or ():
                if wrong := self._wrong_file(paper, "IdGiayTo"):
                    yield wrong

        return self._array(body, "status", refusals)

    def look_up(self, code: Any) -> Reply:
        """TraCuuHoSo: what is there under a code."""
        if not isinstance(code, str) or not code:
            return refused(400, "MaHoSo thiếu trường bắt buộc", "missing_field")
        record = self._memory.dossiers.get(code)
        if record is None:
            if self._config.not_found == "empty":
                return Reply(None, outcome="not_found", codes=[code])
            return refused(404, "Không tìm thấy hồ sơ", "not_found")
        state = "trangThai" if self._config.answer_case == "camel" else "TrangThai"
        told = self._answers.ids(record.id, code) | {state: record.state}
        return Reply({**record.object, **told} if self._config.look_up == "full" else told, codes=[code])

    def _array(self, body: Any, kind: Kind, refusals: Callable[[Mapping[str, Any]], Iterator[Reply]]) -> Reply:
        if not isinstance(body, list) or not body or not all(isinstance(one, dict) for one in body):
            return refused(400, "phải là mảng đối tượng không rỗng", "not_an_array")
        for one in body:
            if wrong := next(refusals(one), None):
                return wrong
        once = kind == "progress" and self._config.repeated_progress == "dedupe"
        effects: list[Effect] = []
        for one in body:
            effect = Effect(kind, one["MaHoSo"], one)
            if not once or (effect not in effects and one not in self._memory.dossiers[effect.code].progress):
                effects.append(effect)
        self._memory.commit(effects)
        return Reply(None, effect=bool(effects))

    def _wrong_dossier(self, thing: Mapping[str, Any], id_name: str) -> Reply | None:
        """Why this is about no dossier here: code unknown, or an id that is not the one of the code."""
        record = self._memory.dossiers.get(str(thing.get("MaHoSo", "")))
        if record is None:
            return refused(self._config.unknown_dossier_status, "Không tìm thấy hồ sơ", "unknown_dossier")
        given = thing.get(id_name)
        if given not in (None, "") and str(given) != str(record.id):
            return refused(400, f"{id_name} không khớp với MaHoSo", "other_id")
        return None

    def _wrong_file(self, paper: Mapping[str, Any], id_name: str) -> Reply | None:
        """Why this names no file that was uploaded here, if it names one."""
        named = paper.get(id_name)
        if named in (None, ""):
            return None
        kept = self._memory.uploads.get(str(named))
        if kept is None:
            return refused(400, f"{id_name} không tồn tại", "unknown_file")
        told = paper.get("HashTepTin")
        if told not in (None, "") and told != kept["hash"]:
            return refused(400, "HashTepTin không khớp", "other_hash")
        return None

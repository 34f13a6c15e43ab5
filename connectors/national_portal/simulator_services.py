"""What the simulated portal does when a service is called: answers from its catalogue and memory, refuses, takes over.

Free of HTTP and of sessions. Services by name: contract 1.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.national_portal.simulator_catalog import SimulatedCatalogue
from connectors.national_portal.simulator_config import PortalSimulatorConfig
from connectors.national_portal.simulator_rules import DOSSIER, PROGRESS, Breach, FieldRules
from connectors.national_portal.simulator_state import Effect, PortalMemory
from hub.testing import FaultRule

SHARE_SERVICES = frozenset(("LayDanhSachTTHC", "LayDanhMucCoQuan", "LayDanhMucLinhVuc"))
INTEGRATION_SERVICES = frozenset(("LayThuTuc", "TraCuuHoSo", "DongBoHoSoMC", "CapNhatTienDoHoSoMC"))
REFUSED = UNKNOWN_DOSSIER = -3
"""error_code of refused data and of a dossier that the portal does not know; what the real ones are is not public."""
MOST_STEPS = 10
"""The largest ``data`` of CapNhatTienDoHoSoMC (contract 1.2)."""

PlantedRefusal = Callable[[Mapping[str, Any]], FaultRule | None]
"""Says whether a planted ``refuse`` rule strikes an item of the call."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a service before it gets its wire form; ``result`` None leaves the key out."""

    error_code: int | str
    message: str
    result: list[dict[str, Any]] | None
    outcome: str = "ok"
    effect: bool = False


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: int | str
    message: str


class PortalServices:
    """The services of the portal over one memory and one catalogue."""

    def __init__(self, config: PortalSimulatorConfig, memory: PortalMemory) -> None:
        self._config = config
        self._memory = memory
        self._catalogue = SimulatedCatalogue(config.procedures)
        self._rules = FieldRules(config)

    def call(self, service: str, request: Mapping[str, Any], planted: PlantedRefusal) -> Reply:
        """Carries one call out, effects included. ``request`` is the whole envelope."""
        catalogue = self._catalogue
        if service not in ("DongBoHoSoMC", "CapNhatTienDoHoSoMC") and (rule := planted(subject(service, request))):
            return self._refused(self._planted(rule))
        match service:
            case "LayDanhSachTTHC":
                return self._found(catalogue.list_procedures())
            case "LayDanhMucCoQuan":
                return self._found(catalogue.list_agencies())
            case "LayDanhMucLinhVuc":
                return self._found(catalogue.list_fields())
            case "LayThuTuc":
                procedure = catalogue.find(str(request.get("maTTHC", "")), self._config.procedure_suffix == "accept")
                return self._found([catalogue.detail(procedure)] if procedure else [], looked_up=True)
            case "TraCuuHoSo":
                return self._search(str(request.get("mahoso", "")))
            case "DongBoHoSoMC":
                return self._synchronise(request, planted)
            case "CapNhatTienDoHoSoMC":
                return self._progress(request, planted)
        return self._refused(_Refusal(REFUSED, "Service không được hỗ trợ"))

    def _found(self, result: list[dict[str, Any]], looked_up: bool = False) -> Reply:
        if looked_up and not result and self._config.not_found == "error":
            return self._refused(_Refusal(UNKNOWN_DOSSIER, "Không tìm thấy dữ liệu"))
        return Reply(0, self._config.success_message, result)

    def _search(self, code: str) -> Reply:
        current = self._memory.current(code)
        if current is None:
            return self._found([], looked_up=True)
        return self._found([current] if self._config.search_result == "full" else [{"MaHoSo": code}])

    def _synchronise(self, request: Mapping[str, Any], planted: PlantedRefusal) -> Reply:
        updating = request.get("isUpdating")
        if updating not in ("True", "False") or not isinstance(updating, str):
            return self._refused(self._breach("", Breach("isUpdating", 'phải là chuỗi "True" hoặc "False"', updating)))
        inserted: set[str] = set()

        def judge(item: dict[str, Any]) -> Effect | _Refusal:
            code = str(item.get("MaHoSo", ""))
            if rule := planted(item):
                return self._planted(rule)
            if refusal := self._dossier_refusal(item, code):
                return refusal
            known = self._memory.current(code) is not None or code in inserted
            if updating == "False" and known:
                return _Refusal(self._config.already_exists_code, f"Hồ sơ đã tồn tại: {code}")
            if updating == "True" and not known and self._config.unknown_update == "reject":
                return _Refusal(UNKNOWN_DOSSIER, f"Không tìm thấy hồ sơ: {code}")
            inserted.add(code)
            return Effect("update" if known else "insert", code, item)

        return self._batch(request.get("data"), judge)

    def _progress(self, request: Mapping[str, Any], planted: PlantedRefusal) -> Reply:
        steps: list[dict[str, Any]] = []

        def judge(item: dict[str, Any]) -> Effect | _Refusal | None:
            code = str(item.get("MaHoSo", ""))
            if rule := planted(item):
                return self._planted(rule)
            if breach := next(self._rules.breaches(item, PROGRESS), None):
                return self._breach(code, breach)
            if self._memory.current(code) is None and self._config.unknown_progress == "reject":
                return _Refusal(UNKNOWN_DOSSIER, f"Không tìm thấy hồ sơ: {code}")
            if self._config.repeated_progress == "dedupe" and (item in self._memory.steps(code) or item in steps):
                return None
            steps.append(item)
            return Effect("progress", code, item)

        data = request.get("data")
        if isinstance(data, list) and len(data) > MOST_STEPS:
            return self._refused(self._breach("", Breach("data", f"vượt quá {MOST_STEPS} phần tử")))
        return self._batch(data, judge)

    def _batch(self, data: Any, judge: Callable[[dict[str, Any]], Effect | _Refusal | None]) -> Reply:
        """Judges each item in order, then takes over all, the good ones, or none, as configured."""
        if not isinstance(data, list) or not data or not all(isinstance(item, dict) for item in data):
            return self._refused(self._breach("", Breach("data", "phải là mảng đối tượng không rỗng")))
        verdicts = [(item, judge(item)) for item in data]
        refusals = [verdict for _, verdict in verdicts if isinstance(verdict, _Refusal)]
        if refusals and self._config.batch == "all_or_nothing":
            return self._refused(*refusals)
        effects = [verdict for _, verdict in verdicts if isinstance(verdict, Effect)]
        self._memory.commit(effects)
        taken = [{"MaHoSo": item["MaHoSo"]} for item, verdict in verdicts if not isinstance(verdict, _Refusal)]
        if not refusals:
            return Reply(0, self._config.success_message, self._sync_result(taken), effect=bool(effects))
        told = "; ".join(refusal.message for refusal in refusals)
        result = self._sync_result(taken)
        return Reply(refusals[0].code, told, result, "partial" if taken else "refused", bool(effects))

    def _dossier_refusal(self, item: dict[str, Any], code: str) -> _Refusal | None:
        if breach := next(self._rules.breaches(item, DOSSIER), None):
            return self._breach(code, breach)
        if breach := self._rules.code_breach(code):
            return self._breach(code, breach)
        procedure = self._catalogue.find(str(item["MaTTHC"]), self._config.procedure_suffix == "accept")
        if procedure is None:
            return self._breach(code, Breach("MaTTHC", "thủ tục hành chính không có trong danh mục", item["MaTTHC"]))
        official = {"TenTTHC": procedure.name, "MaLinhVuc": procedure.field_code, "TenLinhVuc": procedure.field_name}
        for name, value in official.items():
            if self._config.catalogue_names == "compare" and item[name] != value:
                return self._breach(code, Breach(name, "không khớp danh mục", item[name]))
        return None

    def _breach(self, code: str, breach: Breach) -> _Refusal:
        quoted = f" ({breach.value})" if self._config.quote_values and breach.value is not None else ""
        whose = f"Hồ sơ {code}: " if code else ""
        return _Refusal(REFUSED, f"{whose}{breach.field} {breach.what}{quoted}")

    def _planted(self, rule: FaultRule) -> _Refusal:
        code = REFUSED if rule.code is None else rule.code
        return _Refusal(code, "Từ chối tiếp nhận hồ sơ" if rule.message is None else rule.message)

    def _refused(self, *refusals: _Refusal) -> Reply:
        return Reply(refusals[0].code, "; ".join(refusal.message for refusal in refusals), [], "refused")

    def _sync_result(self, taken: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        return {"empty": [], "codes": taken, "absent": None}[self._config.sync_result]


def subject(service: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """What a call without ``data`` is about, under the names that fault rules match."""
    if service == "TraCuuHoSo":
        return {"MaHoSo": request.get("mahoso", "")}
    return {"MaTTHC": request.get("maTTHC", "")} if service == "LayThuTuc" else {}


def subjects(service: str, request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The items of a call as fault rules see them."""
    data = request.get("data")
    if isinstance(data, list):
        return [item for item in data if isinstance(item, dict)]
    return [subject(service, request)]

"""A hub with a portal-compatible door, the simulator of the portal behind it, and units in front: real processes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from flow.parts import make_home
from ports import free_port
from seams import http_door
from seams.processes import DEADLINE, Child, Launcher, until

from portal_door.unit_client import Answer, Door, UnitClient

ADAPTER = "/XrdAdapter/RestService/forward"
ARRAYS = "/api/SynsTTHCC"
MADONVI = "000.00.00.H22"
SECOND_MADONVI = "000.00.12.H22"
PORTAL_PASSWORD = "mat-khau-cua-truc"  # the hub's own, at the portal
UNITS = {"mot-cua": ("don-vi-thu", MADONVI), "dat-dai": ("don-vi-hai", SECOND_MADONVI), "it-goi": ("don-vi-ba", MADONVI)}
"""Sender → username at the door, and what it may speak for."""

_CONFIG: Mapping[str, Any] = {
    "clients": {"it-goi": {"rate": 0.01, "burst": 2}},
    "store": {"url": "sqlite:///var/hub.db"},
    "sources": [
        {"schema": "portal-dossier@1", "becomes": ["dossier@1"]},
        {"schema": "portal-progress@1", "becomes": ["dossier-progress@1"]},
    ],
    "routes": {
        "dossiers-to-portal": {
            "take": "dossier@1", "when": {"present": "code"}, "to": "portal", "as": "npsp-dossier@1", "in_doubt": "resend",
        },
        "progress-to-portal": {
            "take": "dossier-progress@1", "when": {"present": "code"}, "to": "portal", "as": "npsp-progress@1",
        },
    },
}  # fmt: skip


def config(portal: str, port: int = 0, steps_in_doubt: str = "hold", **door: Any) -> dict[str, Any]:
    """config.yaml of a home whose endpoint ``portal`` is also a door; ``door``: its settings, beside the accounts."""
    steps = {**_CONFIG["routes"]["progress-to-portal"], "in_doubt": steps_in_doubt}
    accounts = {username: {"sender": sender, "madonvi": [unit]} for sender, (username, unit) in UNITS.items()}
    endpoint = {
        "connector": "national-portal",
        "settings": {
            "adapter_url": portal + ADAPTER, "username": "truc", "password": PORTAL_PASSWORD, "madonvi": MADONVI,
            "connect_timeout": 2, "read_timeout": 10, "door": {"accounts": accounts, "array_path": ARRAYS, **door},
        },
        "concurrency": 8,
        "retry": {"first_seconds": 0.05, "longest_seconds": 0.2, "attempts": 10},
        "breaker": {"failures": 5, "open_seconds": 0.1, "longest_seconds": 0.2},
    }  # fmt: skip
    routes = {**_CONFIG["routes"], "progress-to-portal": steps}
    return {**_CONFIG, "server": {"host": "127.0.0.1", "port": port}, "endpoints": {"portal": endpoint}, "routes": routes}


@dataclass
class Portal:
    """The portal's simulator, which keeps its port and its memory when it is started again."""

    launcher: Launcher
    folder: Path
    port: int
    settings: Mapping[str, Any]
    child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "portal.yaml").write_text(yaml.safe_dump(dict(self.settings)), encoding="utf-8")
        words = ["--port", str(self.port), "--state", "portal.jsonl", "--config", "portal.yaml"]
        self.child = Child.start(self.launcher, "simulator", words, self.folder, f"portal-{self.port}", {})
        self.child.listening()

    def kill(self) -> None:
        assert self.child is not None
        self.child.kill()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = http_door.request(method, f"{self.url}/_control/{path}", body, seconds=DEADLINE)
        assert answer.status in (200, 201), answer.body
        return answer.body

    def plant(self, service: str, fault: str, **more: Any) -> None:
        self.control("POST", "faults", {"service": service, "fault": fault, **more})

    def calls(self, service: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", f"calls?service={service}")["calls"]
        return found

    def held(self, code: str) -> list[tuple[str, str]]:
        """Every effect of one dossier, in order: (insert | update, its state) and (step, its text)."""
        record = self.control("GET", "state")["dossiers"].get(code)
        if record is None:
            return []
        states = [(one["seq"], one["kind"], one["object"]["TrangThaiHoSo"]) for one in record["history"]]
        steps = [(one["seq"], "step", one["object"]["NoiDungXuLy"]) for one in record["progress"]]
        return [(kind, text) for _, kind, text in sorted(states + steps)]


class World:
    """One portal, one hub, the keys of its units."""

    def __init__(self, launcher: Launcher, folder: Path, *, simulator: Mapping[str, Any] | None = None, **door: Any) -> None:
        self._launcher = launcher
        settings = {"username": "truc", "password": PORTAL_PASSWORD, **(simulator or {})}
        self.portal = Portal(launcher, folder / "portal", free_port(), settings)
        self.portal.start()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        text = yaml.safe_dump(config(self.portal.url, self.port, **door), allow_unicode=True)
        self.home = make_home(folder / "home", text)
        self.keys = {sender: self.new_key(sender) for sender in UNITS}
        self.hub: Child | None = None
        self._logs: list[str] = []
        self.start_hub()

    def start_hub(self) -> None:
        self.hub = Child.start(self._launcher, "hub", ["--home", str(self.home), "run"], self.home, "hub", {})
        self.hub.listening()

    def kill_hub(self) -> None:
        """SIGKILL: it has no moment left."""
        assert self.hub is not None and self.hub.ended() is None, self.log()[-1500:]
        self._logs.append(self.hub.err.read_text(encoding="utf-8"))
        self.hub.kill()

    def end(self) -> None:
        for child in (self.hub, self.portal.child):
            if child is not None:
                child.kill()

    def log(self) -> str:
        """Everything the hub said, of all its lives."""
        assert self.hub is not None
        said = (self.hub.err.read_text(encoding="utf-8"), self.hub.out.read_text(encoding="utf-8"))
        return "".join([*self._logs, *said])

    def shell(self, *words: str) -> Any:
        """The document of one ``hub`` command."""
        child = Child.start(self._launcher, "hub", ["--home", str(self.home), *words, "--json"], self.home, "shell", {})
        assert child.ended(DEADLINE) == 0, child.err.read_text(encoding="utf-8") + child.out.read_text(encoding="utf-8")
        return json.loads(child.out.read_text(encoding="utf-8"))

    def new_key(self, sender: str) -> str:
        key: str = self.shell("key", "new", sender, "--schema", "portal-dossier", "--schema", "portal-progress")["key"]
        return key

    # ── units
    def door(self, sender: str = "mot-cua") -> Door:
        username, unit = UNITS[sender]
        return Door(self.url + ADAPTER, username, self.keys[sender], madonvi=unit)

    def unit(self, sender: str = "mot-cua") -> UnitClient:
        return UnitClient(self.door(sender))

    def array(self, method: str, path: str, data: Any = None, sender: str = "mot-cua", **headers: str) -> http_door.Answer:
        """A call of the variant with bare arrays, by HTTP Basic."""
        account = f"{UNITS[sender][0]}:{self.keys[sender]}".encode()
        signed = {"Authorization": "Basic " + base64.b64encode(account).decode()}
        return http_door.request(method, f"{self.url}{ARRAYS}/{path}", data, {**signed, **headers}, seconds=DEADLINE)

    def dead(self, sender: str = "mot-cua") -> list[dict[str, Any]]:
        """The dossiers of a unit that have dead letters, as its key may read them."""
        answer = http_door.request("GET", f"{self.url}/v1/dossiers?dead=true", None, {"X-API-Key": self.keys[sender]})
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.body["items"]
        return found

    def metric(self, name: str, label: str) -> float:
        """The sum of a metric's values that carry the label."""
        text = http_door.request("GET", f"{self.url}/metrics").body
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name) and label in line)

    def nothing_is_dead(self) -> bool:
        """In a moment at most: what a told refusal means is put on record once its answer is written."""
        return until("no dead letter", lambda: not any(self.dead(sender) for sender in ("mot-cua", "dat-dai")))


@contextmanager
def world(launcher: Launcher, folder: Path, **more: Any) -> Iterator[World]:
    made = World(launcher, folder, **more)
    try:
        yield made
    finally:
        made.end()


# ── what units send
def dossier(code: str, status: str = "2", **changed: Any) -> dict[str, Any]:
    """A record of contracts.md 1.4 of nobody who lives."""
    return {
        "MaHoSo": code, "MaTTHC": "1.000894", "TenTTHC": "Đăng ký kết hôn", "MaLinhVuc": "G15-HT01", "TenLinhVuc": "Hộ tịch",
        "KenhThucHien": "1", "SoBienNhan": "", "ChuHoSo": "Nguyễn Văn Thử", "LoaiDoiTuong": "1", "MaDoiTuong": "",
        "ThongTinKhac": "", "Email": "", "Fax": "", "SoDienThoai": "0900000001",
        "TrichYeuHoSo": "Hồ sơ của người dân giả định", "NgayTiepNhan": "20260915081500", "NgayHenTra": "20260922170000",
        "TrangThaiHoSo": status, "NgayTra": "", "ThongTinTra": "", "HinhThuc": "0", "NgayKetThucXuLy": "",
        "DonViXuLy": "Trung tâm Phục vụ hành chính công", "GhiChu": "", "NoiNopHoSo": "2", "HoSoCoThanhPhanSoHoa": "0",
        "TaiKhoanDuocXacThucVoiVNeID": "0", "DuocThanhToanTrucTuyen": "0", "NgayTuChoi": "",
        "NgayNopHoSo": "20260915080000", "SoGiayToChuHoSo": "001299000001",
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "001299000001"}], "DSKetNoiCSDL": [{"MaCSDL": "7"}], **changed,
    }  # fmt: skip


def step(code: str, number: int, **changed: Any) -> dict[str, Any]:
    """A step of contracts.md 1.5; its text tells its number."""
    return {
        "MaHoSo": code, "NguoiXuLy": "Trần Thị Giả", "ChucDanh": "Chuyên viên", "ThoiDiemXuLy": f"2026091609{number:02}00",
        "PhongBanXuLy": "Bộ phận một cửa", "NoiDungXuLy": f"Bước {number}", "TrangThai": "4", **changed,
    }  # fmt: skip


def taken(answer: Answer) -> bool:
    return answer.ok and answer.message != ""


def is_waiting(answer: Answer) -> bool:
    """The portal gave no word yet; the call is on disk."""
    return answer.status == 503 and answer.error_code == -4 and "đang chờ" in answer.message


def until_answered(call: Any) -> Answer:
    """What a unit does with a call: again, until it is told what became of it."""

    def once() -> Answer | None:
        answer: Answer = call()
        return None if answer.status == 503 else answer

    return until("an answer other than 'waiting'", once, seconds=DEADLINE, pause=0.05)


def only(answers: Sequence[Answer]) -> Answer:
    (answer,) = answers
    return answer

"""The ministry of the demo: its process, which dossiers go there, and what it tells of dossiers of its own.

It issues the codes of the dossiers that it gets. It is killed once, for a moment, while a code was issued and the create with
it was not answered yet. Before and after that it tells of dossiers of its own in its feed, with result files beside it and the
hash of each; once it states the hash of another file, and its next state of that dossier is right again.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import yaml

from connectors.demo.simulated import Simulated
from connectors.opencps.stories import stories

NAME = "ministry"
PROCEDURE = "1.004227"
"""Dossiers of this procedure, sent by REST, go to the ministry too: about a sixteenth of all."""
SERVICE = f"{PROCEDURE}.000.00.00.H22"
FROM = "one-stop"
AGENCY, OWN_AGENCY = "G09.20", "G09.21"
HELD_AFTER = 1
"""So many creates are answered before the one that is not."""
AWAY_SECONDS = 1.5
SOURCES = [
    {"schema": "ministry-feed-dossier@1", "becomes": ["dossier@1"]},
    {"schema": "ministry-feed-progress@1", "becomes": ["dossier-progress@1"]},
]
ENDPOINT = {
    "connector": "ministry-portal",
    "settings": {
        "base_url": "${env:MINISTRY_URL}",
        "reached": {"by": "ndop"},
        "client_id": "simulated",
        "client_secret": "${env:MINISTRY_SECRET}",
        "agency": AGENCY,
        "paths": {"look_up": "/TraCuuHoSo"},
        "hash": "sha-256",
        "feed": {"path": "/feed", "every_seconds": 0.3},
        "connect_timeout": 1,
        "read_timeout": 3,
    },
    "concurrency": 8,
    "retry": {"first_seconds": 0.2, "longest_seconds": 1},
    "breaker": {"failures": 5, "open_seconds": 0.5, "longest_seconds": 1},
}
_OURS = [{"present": "code"}, {"equals": {"procedure.code": PROCEDURE}}]
ROUTES: dict[str, dict[str, Any]] = {
    "dossiers-to-ministry": {"take": "dossier@1", "as": "ministry-dossier@1", "when": _OURS, "files": {"as": "claim"}},
    "states-to-ministry": {"take": "dossier@1", "as": "ministry-status@1", "when": _OURS, "files": {"as": "claim"}},
    # a step does not say its procedure: by itself none goes, but what is told of a dossier that is there already stays with it
    "steps-to-ministry": {
        "take": "dossier-progress@1", "as": "ministry-progress@1", "when": {"absent": "source_id"}, "in_doubt": "hold",
    },
}  # fmt: skip
for _route in ROUTES.values():
    _route |= {"to": NAME, "from": [FROM]}
_LIVES = ((2, 4), (1, 2, 4), (2, 4, 9), (1, 3), (2, 4, 5, 9), (2, 4, 9, 10))
MISSTATED_LIFE = (2, 4, 9, 10)
"""Of the first of its own: the result of the third state is stated to be another file."""
_ANOTHER = hashlib.sha256(b"another file").hexdigest()
RESULTS = "DanhSachGiayToKetQua"
_TIME = "%Y-%m-%d %H:%M:%S"


_RESULT = {"TenGiayTo": "Kết quả giải quyết", "MaGiayToKetQua": "KQ.G09.000001"}


@dataclass(frozen=True, slots=True)
class Own:
    """Dossiers that the ministry owns. ``items`` of its feed, each as it is put there, in order; ``files``: a result of the
    dossier with this code."""

    items: tuple[dict[str, Any], ...]
    files: tuple[tuple[str, dict[str, Any]], ...]


class Ministry(Simulated):
    """The simulated ministry, a process of its own with its memory in a file."""

    name = NAME
    module = "connectors.ministry_portal.simulator"

    def prepare(self) -> None:
        """Before the first start."""
        self.configure(yaml.safe_dump({"next_value_by": "post", "agency": AGENCY, "look_up": "minimal"}))

    @property
    def environment(self) -> dict[str, str]:
        """What ``ENDPOINT`` leaves to the environment."""
        return {"MINISTRY_URL": self.url, "MINISTRY_SECRET": "simulated"}

    async def put_files(self, own: Own) -> list[dict[str, Any]]:
        """The results lie there from now on; returns code, url, sha256 and size of each."""
        told = (await self.control("POST", "files", [file for _, file in own.files]))["files"]
        known = {file["id"]: code for code, file in own.files}
        return [{"code": known[one["id"]], **{name: one[name] for name in ("url", "sha256", "size")}} for one in told]

    async def tell(self, items: Sequence[dict[str, Any]]) -> None:
        """More in its feed."""
        await self.control("POST", "feed", list(items))

    async def hold_a_create(self) -> None:
        """One create will not be answered."""
        await self.control("POST", "faults", [{"service": "NoiHoSo", "fault": "hold", "after": HELD_AFTER}])

    async def holds(self) -> bool:
        """Whether it has a create that it does not answer."""
        return bool((await self.control("GET", "held"))["held"])

    async def state(self) -> dict[str, Any]:
        """Everything it holds."""
        return dict(await self.control("GET", "state"))


def own(seed: int, count: int, day: date) -> Own:
    """So many dossiers of its own: two to four states each, of every second one a result with its last. What is stated of a
    result here is not so: what is so, ``stated`` writes."""
    rng = random.Random(f"ministry of {seed}")
    told: list[tuple[str, dict[str, Any]]] = []
    files: list[tuple[str, dict[str, Any]]] = []
    for number, story in enumerate(stories(seed + 7000, count, day=day), 1):
        record, code = story.records[0], f"{OWN_AGENCY}-{day:%Y%m%d}-{number:07}"
        at = datetime(day.year, day.month, day.day, 8) + timedelta(minutes=rng.randint(0, 120))
        begin = {
            "MaHoSo": code, "MaTTHC": PROCEDURE, "TenTTHC": "Đăng ký biến động", "ChuHoSo": record["applicantName"],
            "LoaiDoiTuong": 1 if record["applicantIdType"] == "business" else 0, "NgayNop": at.strftime(_TIME),
            "NgayTiepNhan": (at + timedelta(minutes=5)).strftime(_TIME), "MaTinh": "08", "MaXa": record["wardCode"],
        }  # fmt: skip
        life = rng.choice(_LIVES) if number > 1 else MISSTATED_LIFE
        for place, state in enumerate(life):
            at += timedelta(minutes=rng.randint(10, 90), seconds=rng.randint(0, 59))
            item = {**begin, "TrangThai": state, "NgayCapNhat": at.strftime(_TIME)}
            if number == 1 and place == len(life) - 2:
                item[RESULTS] = [{**_RESULT, "HashTepTin": _ANOTHER}]
            if place == len(life) - 1 and number % 2:
                size, name = rng.randint(500, 60_000), f"kq-{number:04}"
                files.append((code, {"id": name, "size": size, "seed": number, "media_type": "application/pdf"}))
                item[RESULTS] = [_RESULT]
            told.append((item["NgayCapNhat"], item))
    return Own(tuple(item for _, item in sorted(told, key=lambda one: one[0])), tuple(files))


def stated(item: dict[str, Any], served: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The item with the link of its result, by code in ``served``, and the hash of that file unless it states one."""
    if RESULTS not in item:
        return dict(item)
    file = served[item["MaHoSo"]]
    there = {"HashTepTin": file["sha256"], "DuongDanTepTinKetQua": file["url"]}
    return {**item, RESULTS: [{**there, **one} for one in item[RESULTS]]}


def is_misstated(item: dict[str, Any]) -> bool:
    """Whether it states another file than the one behind its link: nobody may be told of it."""
    return any(one.get("HashTepTin") == _ANOTHER for one in item.get(RESULTS, ()))

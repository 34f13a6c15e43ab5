"""What was exchanged in the demo with a ministry, citizens at the portal and a unit's own system, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.demo.check_fed import fed, strangers
from connectors.demo.check_filed import filed
from connectors.demo.check_ministry import ministry
from connectors.demo.evidence import Found
from connectors.demo.expected import Catalogue, Choices
from connectors.demo.filings import Filed
from connectors.demo.planted_kinds import Planted

_OWNER = "ThongTinNguoiNop.ThongTinChiTiet."
_RESULT = "status.DanhSachGiayToKetQua."
MINISTRY_CHOICES: Choices = {
    "ChuHoSo": ("applicantName",),
    # the canonical dossier has no address of its owner
    **dict.fromkeys((f"{_OWNER}MaTinhChuHs", f"{_OWNER}MaXaChuHs", f"{_OWNER}DiaChiChiTietChuHs"), ()),
    "ThanhPhanHoSo.TenThanhPhanHoSo": ("displayName", "dossierPartName"),
    "status.NoiDungYKien": ("dossierNote",),
    "status.PhongBanXuLy": ("govAgencyName",),
    f"{_RESULT}MaThanhPhanHoSo": ("dossierPartNo",),
    f"{_RESULT}GiayToId": ("dossierFileId",),
}


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What was sent to the ministry, put into its feed and filed at the portal; what the ministry and the local system hold."""

    cases: Sequence[Mapping[str, Any]]
    codes: Mapping[str, str]
    ministry_state: Mapping[str, Any]
    fed: Sequence[Mapping[str, Any]]
    served: Sequence[Mapping[str, Any]]
    local_state: Mapping[str, Any]
    fetched: Sequence[Mapping[str, Any]]
    filed: Sequence[Filed]

    def shown(self, counts: Mapping[str, int]) -> list[Planted]:
        """What was planted, beside what was counted of it; ``counts`` are the hub's."""
        held = self.local_state["filings"]
        states = sum(len(held[code]["states"]) for code in {one["code"] for one in self.fed} if code in held)
        got = {(one["code"], one["sha256"]) for one in self.fetched if one["status"] == 200}
        whole = sum((one["code"], one["sha256"]) in got for one in self.served)
        once = sum(held.get(one.code, {}).get("states") == ["new"] for one in self.filed)
        created = len({one["code"] for one in self.cases})
        return [
            Planted("dossiers that a ministry has, a code issued there for each", created, len(self.ministry_state["issued"])),
            Planted("a create that it never answered, found out", 1, min(1, counts["doubtful_creates"])),
            Planted("states of the ministry's own dossiers at the local system", len(self.fed), states),
            Planted("result files it fetched by the hub's link", len(self.served), whole),
            Planted("a result stated to be another file, told to nobody", 1, counts["misstated"]),
            Planted("filed by citizens, one of them posted twice, gone down once", len(self.filed), once),
        ]


def judged(
    it: Exchanged, portal_state: Mapping[str, Any], catalogue: Catalogue, choices: Choices, doubtful: int
) -> list[Found]:
    """What the checkers of ministry, feed and filings say; ``doubtful`` states may be at the ministry twice."""
    posts = [post for one in it.filed for post in one.posts()]
    reports = [report for one in it.filed for report in one.reports()]
    known = {one["code"] for one in (*it.fed, *posts)}
    return [
        ministry(
            it.cases,
            it.ministry_state,
            catalogue,
            choices=MINISTRY_CHOICES,
            codes=it.codes,
            told_at_once=True,
            doubtful_progress=doubtful,
        ),
        fed(it.fed, it.served, it.local_state, it.fetched),
        filed(posts, reports, it.local_state, portal_state, catalogue, choices, fetched=it.fetched),
        strangers(it.local_state, known),
    ]

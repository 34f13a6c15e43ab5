"""What to do about a cause of dead letters: one sentence in each language, commands in backticks.

The only place that knows which code asks for which act: the page, ``hub status``, ``hub trace`` and ``hub dead`` ask here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from hub.store.glance import Cause

Language = Literal["vi", "en"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """The sentences; ``{id}``, ``{endpoint}``, ``{replay}`` (a command) and ``{row}`` stand for what the case is about.

    ``for_all`` says that one act mends all letters of the cause, so that they may be replayed together.
    """

    vi: str
    en: str
    for_all: bool = False


ADD_THE_ROW = "add the row to the code table"
_RELOAD_VI, _RELOAD_EN = "nạp lại trục (`hub reload`)", "reload the hub (`hub reload`)"
MEND_AND_REPLAY = Remedy(
    f"sửa ánh xạ, bảng mã hoặc tuyến (`hub check`), {_RELOAD_VI}, rồi: `{{replay}}`",
    f"mend the mapping, code table or route (`hub check`), {_RELOAD_EN}, then: `{{replay}}`",
    for_all=True,
)
CORRECT_OR_MEND = Remedy(
    "yêu cầu bên gửi gửi lại bản đã sửa (trạng thái đầy đủ mới hơn sẽ thay thế); hoặc, nếu ánh xạ, bảng mã hay tuyến sai: sửa "
    f"(`hub check`), {_RELOAD_VI}, rồi: `{{replay}}`",
    "have the sender send it corrected (a newer full state takes its place); or, if the mapping, code table or route is wrong: "
    f"mend it (`hub check`), {_RELOAD_EN}, then: `{{replay}}`",
    for_all=True,
)
ADOPT = Remedy(
    "nếu hồ sơ mà {endpoint} đang giữ chính là hồ sơ này: `hub dead replay {id} --adopt`; nếu không: "
    "`hub dead discard {id} --why …`",
    "if what {endpoint} holds is this dossier: `hub dead replay {id} --adopt`; else: `hub dead discard {id} --why …`",
)
LOOK_THERE = Remedy(
    "xem tại {endpoint} đã có chưa; nếu chưa: `hub dead replay {id}`; nếu có rồi: `hub dead discard {id} --why …`",
    "look at {endpoint} whether it is there; if not: `hub dead replay {id}`; if it is: `hub dead discard {id} --why …`",
)
SEND_CORRECTED = Remedy(
    "yêu cầu bên gửi gửi lại bản đã sửa (trạng thái đầy đủ mới hơn sẽ thay thế); hoặc, nếu {endpoint} đã được sửa: `{replay}`; "
    "hoặc: `hub dead discard {id} --why …`",
    "have the sender send it corrected (a newer full state takes its place); or, if {endpoint} was mended: `{replay}`; "
    "or: `hub dead discard {id} --why …`",
)
CORRECT_APPLICANT = Remedy(
    "kiểm tra số định danh và họ tên của chủ hồ sơ tại nguồn và gửi lại (trạng thái đầy đủ mới hơn sẽ thay thế); hoặc, nếu "
    "cơ sở dữ liệu đã được sửa: `{replay}`, trục sẽ hỏi lại; nếu không tìm thấy ai cả, có thể cơ sở dữ liệu cần đủ ngày sinh, "
    "còn trục hỏi bằng năm sinh lấy từ số định danh (`birth_year_from_number`): hãy hỏi cơ quan quản lý",
    "have number and name of the owner checked at the source and sent again (a newer full state takes its place); or, if the "
    "registry was mended: `{replay}`, which asks it again; if it finds nobody at all, it may want the day of birth, and the "
    "hub asks with the year in the number (`birth_year_from_number`): ask the agency",
)
COMPLETE_APPLICANT = Remedy(
    "yêu cầu nguồn bổ sung loại, số định danh và họ tên của chủ hồ sơ rồi gửi lại (trạng thái đầy đủ mới hơn sẽ thay thế); "
    f"hoặc, nếu được gửi khi chưa tra cứu: `on_mismatch: flag` ở tuyến, {_RELOAD_VI}, rồi: `{{replay}}`",
    "have kind, number and name of the owner completed at the source and sent again (a newer full state takes its place); or, "
    f"if such may be sent unverified: `on_mismatch: flag` on the route, {_RELOAD_EN}, then: `{{replay}}`",
)
SEND_FILE = Remedy(
    "yêu cầu bên gửi sửa địa chỉ hoặc tệp nêu trong lý do rồi gửi lại (trạng thái đầy đủ mới hơn sẽ thay thế); hoặc, nếu tệp "
    "đã có ở đó: `{replay}`, trục sẽ lấy lại; hoặc: `hub dead discard {id} --why …`",
    "have the sender mend the url or the file that the reason names and send again (a newer full state takes its place); or, "
    "if the file is there now: `{replay}`, which fetches it again; or: `hub dead discard {id} --why …`",
    for_all=True,
)
EXPLAIN_ANSWER = Remedy(
    "viết một dòng dưới `outcomes` của {endpoint} cho câu trả lời được nêu trong lý do (hoặc sửa tệp WSDL), `hub check`, khởi "
    "động lại trục",
    "write a row under `outcomes` of {endpoint} for the answer that the reason names (or mend its WSDL), `hub check`, restart "
    "the hub",
)
EXPLAIN_AND_LOOK = Remedy(
    f"{EXPLAIN_ANSWER.vi}; thông điệp này: {LOOK_THERE.vi}",
    f"{EXPLAIN_ANSWER.en}; this one: {LOOK_THERE.en}",
)
FOLLOWS = Remedy(
    "không cần làm gì; nó đi tiếp khi thông điệp trước nó được chạy lại hoặc loại bỏ",
    "nothing; it follows when the one before it is replayed or discarded",
)
CORRECT_CODE = Remedy(
    "yêu cầu sửa mã hồ sơ tại nguồn và gửi lại, rồi: `hub dead discard {id} --why …`",
    "have the code corrected at the source and sent again, then: `hub dead discard {id} --why …`",
)
FETCH_TABLES = Remedy(
    f"`hub catalog refresh`, rồi: {_RELOAD_VI}, `{{replay}}`",
    f"`hub catalog refresh`, then: {_RELOAD_EN}, `{{replay}}`",
    for_all=True,
)
ADD_ROW = Remedy(
    f"thêm dòng vào bảng mã, rồi: {_RELOAD_VI}, `{{replay}}`",
    f"{{row}}, then: {_RELOAD_EN}, `{{replay}}`",
    for_all=True,
)
MEND_MAPPING = Remedy(
    "yêu cầu bên gửi gửi lại bản đã sửa, rồi: `hub dead discard {id} --why …`; hoặc, nếu ánh xạ sai: sửa, "
    f"{_RELOAD_VI}, rồi: `{{replay}}`",
    "have the sender send it again corrected, then: `hub dead discard {id} --why …`; or, if the mapping is wrong: mend it, "
    f"{_RELOAD_EN}, then: `{{replay}}`",
    for_all=True,
)


def for_delivery(code: str, *, doubted: bool = False, unexplained: bool = False) -> Remedy:
    """What helps a delivery that is dead with this code. ``doubted``: one of its attempts was in doubt; ``unexplained``: one
    was answered by what the endpoint's settings do not explain."""
    if code in ("translation", "misfit", "schema"):
        return CORRECT_OR_MEND
    if code == "route_gone":
        return MEND_AND_REPLAY
    if code == "outcome_unknown" or (unexplained and code == "in_doubt"):
        return EXPLAIN_AND_LOOK
    if code == "exists":
        return ADOPT
    if code == "file_refused":
        return SEND_FILE
    if code == "verification_unreadable":
        return MEND_AND_REPLAY
    if code == "applicant_not_askable":
        return COMPLETE_APPLICANT
    if code in ("applicant_not_found", "applicant_mismatch", "verification_refused"):
        return CORRECT_APPLICANT
    return LOOK_THERE if code == "in_doubt" or doubted else SEND_CORRECTED


def for_arrival(codes: Collection[str]) -> Remedy:
    """What helps an arrival that is kept for these reasons."""
    if set(codes) == {"behind_kept"}:
        return FOLLOWS
    for code, remedy in (("alias_conflict", CORRECT_CODE), ("table_not_fetched", FETCH_TABLES), ("not_in_table", ADD_ROW)):
        if code in codes:
            return remedy
    return MEND_MAPPING


def said(remedy: Remedy, language: Language, item: str, endpoint: str = "", replay: str = "", row: str = ADD_THE_ROW) -> str:
    """The sentence about one item, commands in backticks."""
    text = remedy.vi if language == "vi" else remedy.en
    return text.format(id=item, endpoint=endpoint, replay=replay or f"hub dead replay {item}", row=row)


def for_cause(cause: Cause, language: Language) -> str:
    """The sentence about all letters of a cause; where each needs a look of its own, about the oldest."""
    remedy = for_delivery(cause.code) if cause.kind == "delivery" else for_arrival([cause.code])
    together = f"--endpoint {cause.endpoint}" if cause.kind == "delivery" else "--kept"
    replay = f"hub dead replay --all {together}" if remedy.for_all and cause.count > 1 else ""
    return said(remedy, language, cause.example, cause.endpoint or "", replay)

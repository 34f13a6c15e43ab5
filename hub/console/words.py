"""What the page says, in Vietnamese and English, and how each language writes numbers, times and durations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.console.causes import CODES
from hub.console.remedies import Language

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOTHING = "–"

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Trục hồ sơ", "Dossier hub"),
    "overview": ("Tổng quan", "Overview"),
    "skip": ("Tới nội dung", "Skip to content"),
    "language": ("Ngôn ngữ", "Language"),
    "as_of": ("Số liệu lúc", "Figures of"),
    "sign_in": ("Đăng nhập", "Sign in"),
    "sign_out": ("Đăng xuất", "Sign out"),
    "sign_in_why": (
        "Trang này chỉ để xem. Hãy nhập khóa vận hành.",
        "This page is for looking only. Give your operator key.",
    ),
    "key": ("Khóa vận hành", "Operator key"),
    "key_hint": (
        "Khóa bắt đầu bằng hub_. Người quản trị tạo khóa bằng:",
        "It begins with hub_. An administrator makes one with:",
    ),
    "bad_key": ("Khóa không đúng hoặc đã bị thu hồi.", "The key is not known, or was revoked."),
    "sender_key": (
        "Đây là khóa của bên gửi, không mở được trang này. Hãy dùng khóa vận hành.",
        "This is a sender's key: it does not open this page. Use an operator key.",
    ),
    "store_away": (
        "Trục đang chạy nhưng kho dữ liệu chưa dùng được. Số liệu bên dưới là số liệu cũ.",
        "The hub runs, but its store cannot be used now. The figures below are old.",
    ),
    "silent": (
        "Trục không trả lời. Số liệu bên dưới là số liệu cũ; trang tự cập nhật khi trục trả lời lại.",
        "The hub does not answer. The figures below are old; the page goes on by itself when it answers again.",
    ),
    "cross_site": (
        "Trình duyệt gửi biểu mẫu này từ một địa chỉ khác với địa chỉ mà trục biết, nên trục không nhận. Nếu trục đứng sau một "
        "proxy: ghi mạng của proxy vào `server.trusted_proxies` trong `config.yaml`, cho proxy gửi `X-Forwarded-For`, "
        "`X-Forwarded-Proto` và `X-Forwarded-Host`, rồi khởi động lại trục. Nếu không: hãy đăng nhập ngay trên trang này.",
        "The browser sent this form from another address than the hub knows as its own, so it was not taken. If the hub is "
        "behind a proxy: put the proxy's network into `server.trusted_proxies` of `config.yaml`, let it send "
        "`X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`, and restart the hub. If not: sign in on this page.",
    ),
    "api": ("Tài liệu API", "API description"),
    "summary": ("Tóm tắt", "Summary"),
    "arrivals_a_minute": ("Thông điệp đến mỗi phút", "Arrivals a minute"),
    "waiting": ("Đang chờ", "Waiting"),
    "oldest": ("lâu nhất {}", "the oldest {}"),
    "by_itself": ("{} sẽ tự đi", "{} go by themselves"),
    "blocked": ("{} bị chặn", "{} blocked"),
    "behind_dead": ("{} bị chặn sau bản không giao được", "{} blocked by dead letters"),
    "events_waiting": ("sự kiện chưa công bố: {}", "{} events unpublished"),
    "events_copying": ("đang công bố những gì có từ trước", "what was there before is still being told"),
    "nothing_waits": ("không có gì chờ", "nothing waits"),
    "dead_letters": ("Cần xử lý", "To act on"),
    "to_act_on": ("{} không giao được, {} giữ lại; điểm nhận: {}", "{} dead, {} kept; endpoints: {}"),
    "none_dead": ("không có gì cần xử lý", "nothing to act on"),
    "endpoints": ("Điểm nhận", "Endpoints"),
    "working": ("{} trên {} hoạt động", "{} of {} working"),
    "in_minutes": ("trong {}", "in {}"),
    # tables
    "endpoints_about": ("Các điểm nhận: tình trạng, tồn đọng và độ trễ trong {}", "Endpoints: state, backlog and lag in {}"),
    "endpoint": ("Điểm nhận", "Endpoint"),
    "state": ("Tình trạng", "State"),
    "delivered": ("Đã giao", "Delivered"),
    "lag": ("Độ trễ", "Lag"),
    "p50": ("một nửa nhanh hơn", "half are faster"),
    "p95": ("95% nhanh hơn", "95% are faster"),
    "oldest_waiting": ("Chờ lâu nhất", "Oldest"),
    "dead": ("Không giao được", "Dead"),
    "last_delivered": ("Giao gần nhất", "Last delivered"),
    "last_failure": ("Lỗi gần nhất", "Last failure"),
    "not_lately": ("không trong {}", "none in {}"),
    "no_endpoints": ("Chưa cấu hình điểm nhận nào.", "No endpoint is configured."),
    "is_working": ("hoạt động", "working"),
    "is_paused": ("tạm dừng", "paused"),
    "paused_by": ("người tạm dừng: {}, lúc {}; lý do: {}", "paused by {} at {}; why: {}"),
    "is_open": ("không trả lời, sẽ thử lại", "does not answer, will be tried again"),
    "is_half_open": ("đang thử lại", "being tried again"),
    "is_gone": ("không còn trong cấu hình", "not in config.yaml"),
    "causes_about": ("Cần xử lý, theo nguyên nhân", "To act on, by cause"),
    "cause": ("Nguyên nhân", "Cause"),
    "where": ("Ở đâu", "Where"),
    "count": ("Số lượng", "Count"),
    "since": ("Từ lúc", "Since"),
    "to_do": ("Việc cần làm", "What to do"),
    "do_paused": (
        "khi xong việc cho lần tạm dừng này: `hub endpoint resume {0}`",
        "when what it was paused for is done: `hub endpoint resume {0}`",
    ),
    "do_open": (
        "trục tự thử lại, không mất gì; tìm nguyên nhân: `hub endpoint check {0}`; nếu lâu, báo cho bên vận hành đối tác",
        "it is tried again by itself, nothing is lost; find the cause: `hub endpoint check {0}`; if it lasts, tell the partner",
    ),
    "do_half_open": (
        "trục đang thử lại; nếu vẫn không được: `hub endpoint check {0}`",
        "the hub is trying it now; if that fails: `hub endpoint check {0}`",
    ),
    "do_gone": (
        "nếu bỏ nhầm: khai báo lại {0} trong `config.yaml` rồi khởi động lại trục; nếu bỏ hẳn: `hub dead list`",
        "if removed by mistake: put {0} back into `config.yaml` and restart the hub; if for good: `hub dead list`",
    ),
    "original": ("nguyên văn: {}", "as recorded: {}"),
    "example": ("ví dụ", "for example"),
    "at_intake": ("giữ lại khi tiếp nhận", "kept at intake"),
    "no_causes": ("Không có gì cần xử lý.", "No dead letters, every endpoint works: nothing to act on."),
    "errors_about": ("Lỗi gần đây", "Last errors"),
    "time": ("Thời gian", "Time"),
    "what": ("Loại", "What"),
    "whom": ("Điểm nhận / bên gửi", "Endpoint / sender"),
    "reason": ("Lý do", "Reason"),
    "dossier": ("Mã hồ sơ", "Dossier"),
    "no_errors": ("Không có lỗi nào đang mở.", "No open errors."),
    "backlog_about": ("Tồn đọng theo tuyến", "Backlog by route"),
    "route": ("Tuyến", "Route"),
    "no_backlog": ("Không có gì chờ.", "Nothing waits."),
    "traffic_about": ("Thông điệp đến, từng phút trong {}", "Arrivals, minute by minute, in {}"),
    "minutes_ago": ("−{} phút", "−{} min"),
    "this_minute": ("phút này", "this minute"),
    "total": ("Tổng", "Total"),
    "refused_since_start": (
        "Bị từ chối khi tiếp nhận, từ khi trục khởi động: {}",
        "Refused at intake since the hub's start: {}",
    ),
    # states of arrivals and deliveries
    "accepted": ("tiếp nhận", "accepted"),
    "kept": ("giữ lại", "kept"),
    "superseded": ("đã có bản mới hơn", "superseded"),
    "discarded": ("loại bỏ", "discarded"),
    "pending": ("chờ gửi", "pending"),
    "claimed": ("đang gửi", "being sent"),
    "in_doubt": ("chưa rõ kết quả", "in doubt"),
    "is_dead": ("không giao được", "dead"),
    **CODES,
}
_UNITS = {"vi": ("ngày", "giờ", "phút", "giây"), "en": ("d", "h", "min", "s")}


class Words:
    """One language: ``words("waiting")`` says it, and the other methods write figures as it does."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._place = 0 if language == "vi" else 1

    def __call__(self, name: str, *values: object) -> str:
        """The words of this name, with the values in their places."""
        return WORDS[name][self._place].format(*values)

    def cause(self, kind: str, code: str) -> str:
        """A code in words; a partner's own codes are only known as refusals."""
        if re.fullmatch(r"http_[1-5][0-9]{2}", code):
            return self("code_http", code[5:])
        name = f"code_{code}"
        if name not in WORDS or name in ("code_of_partner", "code_of_mapping"):
            name = "code_of_partner" if kind == "delivery" else "code_of_mapping"
        return self(name)

    def number(self, value: float, places: int = 0) -> str:
        """``1.234,5`` in Vietnamese, ``1,234.5`` in English."""
        text = f"{value:,.{places}f}"
        return text.translate(str.maketrans(",.", ".,")) if self.language == "vi" else text

    def span(self, seconds: float | None) -> str:
        """A duration: ``40 ms``, ``1,4 giây``, ``12 s``, ``5 phút``, ``3 h``."""
        if seconds is None:
            return NOTHING
        *larger, unit = _UNITS[self.language]
        for size, name in zip((86400.0, 3600.0, 60.0), larger, strict=True):
            if seconds >= 2 * size:
                return f"{self.number(seconds / size)} {name}"
        if seconds < 1:
            return f"{self.number(seconds * 1000)} ms"
        return f"{self.number(seconds, 1 if seconds < 10 else 0)} {unit}"

    def time(self, instant: str | None, now: str = "") -> str:
        """A stored instant by the province's clock; without the day when it is that of ``now``."""
        if not instant:
            return NOTHING
        at = datetime.fromisoformat(instant).astimezone(ZONE)
        if now and at.date() == datetime.fromisoformat(now).astimezone(ZONE).date():
            return f"{at:%H:%M:%S}"
        return f"{at:%H:%M:%S %d/%m/%Y}" if self.language == "vi" else f"{at:%Y-%m-%d %H:%M:%S}"


def preferred(asked: str | None, accepted: str) -> Language:
    """The language asked for by ``?lang=``, else the first of the two in ``Accept-Language`` by weight, else Vietnamese."""
    if asked in ("vi", "en"):
        return "vi" if asked == "vi" else "en"
    weighed: list[tuple[float, Language]] = []
    for part in accepted.split(","):
        tag, _, parameters = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0
        if name in ("vi", "en") and weight > 0:
            weighed.append((weight, "vi" if name == "vi" else "en"))
    return max(weighed, key=lambda one: one[0])[1] if weighed else "vi"

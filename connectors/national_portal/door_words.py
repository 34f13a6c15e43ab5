"""What the door says, in the language and the words of the portal: an officer reads it, or a program that looks for them.

Clients read messages, because no code but 0 is published: a session is over where "phiên" or "session" stands in the message,
a dossier exists where "đã tồn tại" does. So none of these words may stand anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.connector import Standing
from hub.errors import Problem

DONE = "Thành công"
BAD_ACCOUNT = "Sai tài khoản hoặc mật khẩu"
NO_SESSION = "Session không hợp lệ hoặc phiên làm việc đã hết hạn"
NO_SERVICE = "Service không được hỗ trợ"
OTHER_PATH = "Service không thuộc đường dẫn này"
OTHER_UNIT = "madonvi không đúng với tài khoản"
NO_RIGHT = "Tài khoản không có quyền gửi dữ liệu này"
NOT_JSON = "Nội dung không đọc được: phải là JSON, mã hóa UTF-8"
NOT_CODING = "Content-Encoding phải là gzip, hoặc nội dung không nén"
NO_PATH = "Không có service nào ở đường dẫn này"
NO_METHOD = "Phương thức HTTP không được hỗ trợ ở đường dẫn này"
FAILED = "Hệ thống gặp lỗi khi xử lý; gọi lại đúng như vậy sau"
NOT_FOUND = "Không tìm thấy hồ sơ"
NOT_JSON_TYPE = "Content-Type phải là application/json"
BAD_DATA = "data phải là mảng đối tượng không rỗng"
BAD_UPDATING = 'isUpdating phải là chuỗi "True" hoặc "False"'
TOO_LARGE = "Nội dung vượt quá dung lượng cho phép"
TOO_SLOW = "Nội dung gửi lên quá chậm, chưa nhận được đầy đủ"
WAITING = "Đã lưu và đang chờ gửi lên Cổng Dịch vụ công quốc gia; gọi lại đúng như vậy để biết kết quả"
NO_PORTAL = "Cổng Dịch vụ công quốc gia chưa trả lời; gọi lại sau"
NOT_OWNER = "hồ sơ do đơn vị khác quản lý, không được gửi lên Cổng Dịch vụ công quốc gia"
UNROUTED = "chưa được cấu hình để gửi lên Cổng Dịch vụ công quốc gia"
KEPT = "đã lưu nhưng chưa gửi đi được; người vận hành sẽ xử lý rồi gửi tiếp, không cần gửi lại"

STUCK = "có bản tin chưa gửi đi được; người vận hành sẽ xử lý rồi gửi tiếp, không cần gửi lại"
"""Of what is kept, or is dead and was not refused."""
TAKEN = "đã gửi"
STORED = "đã lưu, đang chờ gửi"
NOT_SENT = "chưa gửi"

_MOST_PROBLEMS = 5
_MOST_NAMES = 20
_BY_CODE = {
    "missing": "thiếu trường bắt buộc",
    "mistyped": "sai kiểu dữ liệu",
    "enum": "giá trị không có trong danh mục",
    "not_in_table": "giá trị không có trong danh mục",
    "bad_date": "không phải thời gian yyyyMMddHHmmss",
    "unknown_property": "trường không có trong đặc tả",
    "too_few": "danh sách rỗng",
    "too_many": "vượt quá {} phần tử",
    "too_long": "vượt quá {} ký tự",
    "too_short": "ngắn hơn {} ký tự",
    "pattern": "sai định dạng",
    "bad_format": "sai định dạng",
}
_SOURCE_PATH = re.compile(r"(?:.* )?([/.]?data\b[^: ]*)")
"""Where the caller's own message was read, after the line of the mapping that read it."""
_DATES = re.compile(r"(Ngay|ThoiDiem)[A-Za-z]*")


def busy(seconds: int) -> str:
    """Nothing was taken, and when to call again."""
    return f"Hệ thống đang bận, chưa nhận nội dung này; gọi lại sau {seconds} giây"


def too_many(seconds: int) -> str:
    """The caller used up what it may send."""
    return f"Đơn vị gửi nhiều hơn mức cho phép, chưa nhận nội dung này; gọi lại sau {seconds} giây"


def twice(field: str) -> str:
    """A key that stands twice in one object; ``field`` is empty where its name is not to be quoted."""
    return f"{NOT_JSON}; {field or 'một trường'} lặp lại trong cùng một đối tượng"


def too_many_records(most: int) -> str:
    """One call with more records than are taken at once."""
    return f"data vượt quá {most} phần tử"


def of_dossier(code: str, text: str) -> str:
    """A text about one dossier; ``code`` may be empty."""
    return f"Hồ sơ {code}: {text}" if code else text


def breaches(problems: Iterable[Problem], record: Any) -> str:
    """What is wrong with a record, field by field; ``record`` tells an empty field from a wrong one."""
    told = list(dict.fromkeys(_breach(one, record) for one in problems))
    more = f"; và {len(told) - _MOST_PROBLEMS} lỗi khác" if len(told) > _MOST_PROBLEMS else ""
    return "; ".join(told[:_MOST_PROBLEMS]) + more


def reasons(problems: Iterable[Problem]) -> str:
    """Why something is kept: the caller's own field where one was read, and the code, which an operator needs to hear."""
    told = dict.fromkeys(_reason(one) for one in problems)
    return "; ".join(list(told)[:_MOST_PROBLEMS])


def _reason(problem: Problem) -> str:
    read = _SOURCE_PATH.fullmatch(problem.source)
    steps = _steps(read[1] if read else problem.at)
    what = _BY_CODE.get(problem.code, "không hợp lệ").partition(" {}")[0]
    return f"{'.'.join(step for step in steps if not step.isdecimal())} {what} ({problem.code})".strip()


def _steps(place: str) -> list[str]:
    steps = [step for step in re.split(r"[/.\[\]*]+", place) if step]
    return steps[1:] if steps[:1] == ["data"] else steps


def _breach(problem: Problem, record: Any) -> str:
    steps = _steps(problem.at)
    field = ".".join(step for step in steps if not step.isdecimal())
    value = _value_at(record, steps)
    if problem.code != "missing" and isinstance(value, str) and not value.strip():
        return f"{field} không được để trống"
    what = _BY_CODE.get(problem.code, f"không hợp lệ ({problem.code})")
    if problem.code in ("pattern", "bad_format") and steps and _DATES.fullmatch(steps[-1]):
        what = _BY_CODE["bad_date"]
    if "{}" in what:
        limit = re.search(r"\d+", problem.message)
        what = what.format(limit[0] if limit else "mức cho phép:")
    return f"{field} {what}".strip()


def _value_at(record: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(record, Mapping):
            record = record.get(step)
        elif isinstance(record, list) and step.isdecimal() and int(step) < len(record):
            record = record[int(step)]
        else:
            return None
    return record


def known(standing: Standing) -> str:
    """What the hub adds to the answer of a look-up: what of the dossier is not at the portal yet, and what it refused."""
    told = [f"{standing.waiting} bản tin đang chờ gửi"] if standing.waiting else []
    if standing.refused is not None:
        code, reason = standing.refused
        told.append(f"bản tin gần nhất bị Cổng từ chối ({code}{f': {reason}' if reason else ''})")
    told += [STUCK] if standing.stuck else []
    return "; ".join(told)


def behind(code: str, arrival: str, refusal: str) -> str:
    """Why a record waits: an earlier message of its dossier was refused, which its sender hears only now."""
    return of_dossier(code, f"bản tin {arrival} gửi trước đó bị từ chối và không được gửi nữa ({refusal})")


def listed(label: str, names: Sequence[str]) -> str:
    """Which records of a call had the same end."""
    more = f" và {len(names) - _MOST_NAMES} bản ghi khác" if len(names) > _MOST_NAMES else ""
    return f"{label}: {', '.join(names[:_MOST_NAMES])}{more}"


def refused(code: str) -> str:
    """The portal refused, and its words are not there."""
    return f"Cổng Dịch vụ công quốc gia từ chối ({code})"

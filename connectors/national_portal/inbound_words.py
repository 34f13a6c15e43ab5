"""What is said to the portal's adapter about a filed dossier, in the language of the portal."""

from __future__ import annotations

BAD_ACCOUNT = "Sai tài khoản hoặc mật khẩu"
NOT_OBJECT = "Nội dung phải là một đối tượng JSON"
NO_FILES = "hệ thống chưa được cấu hình để nhận nội dung tệp"
NOT_BASE64 = "không phải base64"
NO_METHOD = "Chỉ nhận phương thức POST"


def taken(number: str) -> str:
    """It is stored; ``number``: the hub's own for it, the same for the same dossier sent again."""
    return f"Đã tiếp nhận hồ sơ; số tiếp nhận {number}"


def kept(number: str) -> str:
    """It is stored, and an operator must act before it goes on."""
    return f"Đã lưu hồ sơ, chờ người vận hành xử lý, không cần gửi lại; số tiếp nhận {number}"


def at(place: str, what: str) -> str:
    """What is wrong, and where."""
    return f"{place}: {what}"


def file_refused(codes: str) -> str:
    """The hub does not keep such a file."""
    return f"tệp không được nhận ({codes})"

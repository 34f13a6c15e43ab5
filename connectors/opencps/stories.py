"""Invents life stories of dossiers as OpenCPS would tell them: for the demo, the tests and load. Nobody in them exists.

A story is the complete record after each step of one dossier. The same seed gives the same stories on every machine
(only ``random.Random`` decides, in a fixed order). Names of procedures here are the local ones; nothing reads them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FAMILY = _words("Nguyễn Trần Lê Phạm Hoàng Phan Vũ Đặng Bùi Đỗ Hồ Ngô Dương Lý Vàng Sùng Giàng Thào Hầu Lù")
_MIDDLE = {"m": _words("Văn Đức Minh Hữu Quốc Xuân Mí"), "f": _words("Thị Thu Ngọc Thanh Kim Phương Diệu")}
_GIVEN = {
    "m": _words("An Bình Cường Dũng Đạt Hải Hùng Khánh Long Nam Phúc Quân Sơn Tuấn Vinh"),
    "f": _words("Anh Chi Dung Giang Hà Hạnh Hương Lan Linh Mai Nga Oanh Thảo Trang Yến"),
}
_BUSINESS = ("Công ty TNHH", "Công ty cổ phần", "Hợp tác xã", "Doanh nghiệp tư nhân")
_TRADE = ("Chè Shan Tuyết", "Xây dựng Cao Nguyên", "Vận tải Sông Lô", "Dược liệu Quản Bạ", "Mật ong Bạc Hà")
_WARDS = (
    ("00688", "Phường Hà Giang 1"),
    ("00691", "Phường Hà Giang 2"),
    ("00745", "Xã Đồng Văn"),
    ("00769", "Xã Mèo Vạc"),
    ("00874", "Xã Bắc Quang"),
)
_STREETS = ("Nguyễn Trãi", "Trần Phú", "Lý Thường Kiệt", "Nguyễn Thái Học", "Quang Trung", "Minh Khai")
_UNITS = ("Trung tâm Phục vụ hành chính công", "Sở Tư pháp", "Sở Tài chính", "Sở Y tế", "Sở Nông nghiệp và Môi trường")

_SERVICES = (
    # serviceCode, local name, local domain code and name, open to citizens, open to businesses
    ("1.001193.000.00.00.H22", "Thủ tục đăng ký khai sinh", "HT", "Hộ tịch", True, False),
    ("1.000894.000.00.00.H22", "Thủ tục đăng ký kết hôn", "HT", "Hộ tịch", True, False),
    ("1.000656.000.00.00.H22", "Thủ tục đăng ký khai tử", "HT", "Hộ tịch", True, False),
    ("1.004873.000.00.00.H22", "Cấp giấy xác nhận tình trạng hôn nhân", "HT", "Hộ tịch", True, False),
    ("2.000635.000.00.00.H22", "Cấp bản sao trích lục hộ tịch", "HT", "Hộ tịch", True, False),
    ("2.000815.000.00.00.H22", "Chứng thực bản sao từ bản chính", "CT", "Chứng thực", True, True),
    ("1.001612.000.00.00.H22", "Đăng ký thành lập hộ kinh doanh", "HKD", "Hộ kinh doanh", True, False),
    ("2.002493.000.00.00.H22", "Cấp lại giấy phép hoạt động khám bệnh, chữa bệnh", "YT", "Khám bệnh, chữa bệnh", False, True),
    ("1.004227.000.00.00.H22", "Đăng ký biến động quyền sử dụng đất", "DD", "Đất đai", True, True),
    ("1.005129.000.00.00.H22", "Cấp phép đưa người lao động đi làm việc ở nước ngoài", "LD", "Lao động", False, True),
    ("TS_lop1.000.00.00.H22", "Tuyển sinh", "GD", "Giáo dục", True, False),
    ("2.002621.H22", "Liên thông khai sinh, thường trú, BHYT cho trẻ dưới 6 tuổi", "HT", "Hộ tịch", True, False),
)

_STEPS: Mapping[str, tuple[str, str, str]] = {
    # status: text of the status, name of the action, note of the action
    "receiving": ("Chờ tiếp nhận", "Nộp hồ sơ", "Hồ sơ chờ tiếp nhận"),
    "new": ("Mới tiếp nhận", "Tiếp nhận hồ sơ", "Hồ sơ hợp lệ, đã tiếp nhận"),
    "processing": ("Đang xử lý", "Chuyển phòng chuyên môn", "Chuyển hồ sơ đến phòng chuyên môn thụ lý"),
    "waiting": ("Chờ bổ sung", "Yêu cầu bổ sung hồ sơ", "Đề nghị bổ sung bản sao giấy tờ còn thiếu"),
    "paying": ("Chờ thanh toán", "Yêu cầu thực hiện nghĩa vụ tài chính", "Đề nghị nộp phí, lệ phí theo thông báo"),
    "cancelled": ("Đã rút hồ sơ", "Rút hồ sơ", "Công dân đề nghị rút hồ sơ"),
    "unresolved": ("Dừng xử lý", "Dừng xử lý hồ sơ", "Hồ sơ không đủ điều kiện giải quyết"),
    "denied": ("Từ chối tiếp nhận", "Từ chối tiếp nhận", "Hồ sơ không thuộc thẩm quyền tiếp nhận"),
    "releasing": ("Đã có kết quả", "Ký duyệt kết quả", "Đã ký duyệt, chuyển bộ phận một cửa"),
    "done": ("Đã trả kết quả", "Trả kết quả", "Đã trả kết quả cho người nộp"),
}

_LIVES = (
    # weight and the statuses in order; all ten national states occur
    (30, ("new", "processing", "releasing", "done")),
    (12, ("new", "processing", "releasing")),
    (8, ("new", "processing")),
    (12, ("receiving", "new", "processing", "releasing", "done")),
    (10, ("new", "processing", "waiting", "processing", "releasing", "done")),
    (8, ("new", "processing", "paying", "processing", "releasing", "done")),
    (5, ("receiving", "new", "processing", "waiting")),
    (4, ("new", "processing", "paying")),
    (4, ("receiving", "cancelled")),
    (3, ("receiving", "waiting", "cancelled")),
    (3, ("new", "processing", "unresolved")),
    (1, ("new", "procesing", "releasing", "done")),
    (4, ("receiving", "denied")),
)

_LONG = (
    "Người nộp đã kê khai đầy đủ thông tin theo mẫu, xuất trình bản chính để đối chiếu, đồng thời cam kết chịu trách "
    "nhiệm trước pháp luật về tính chính xác của các giấy tờ nộp kèm; đề nghị cơ quan chuyên môn xem xét, thẩm định và "
    "trả kết quả đúng hẹn. "
)


@dataclass(frozen=True, slots=True)
class Story:
    """One dossier's life: ``records`` are complete OpenCPS records in order, one for each step.

    ``code`` is the national code the dossier ends with; an unnumbered story's first record has an empty ``dossierNo``.
    """

    code: str
    reference_uid: str
    records: tuple[dict[str, Any], ...]


def _local(at: datetime) -> str:
    return at.strftime("%d/%m/%Y %H:%M:%S")


def _person(rng: random.Random) -> str:
    sex = rng.choice("mf")
    return f"{rng.choice(_FAMILY)} {rng.choice(_MIDDLE[sex])} {rng.choice(_GIVEN[sex])}"


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _working(at: datetime, minutes: int) -> datetime:
    """``minutes`` later, moved into the next office hour (Monday to Friday, 7:30 to 17:00) when the office is closed."""
    later = at + timedelta(minutes=minutes)
    if later.hour >= 17:
        later = (later + timedelta(days=1)).replace(hour=7, minute=30 + later.minute % 30)
    while later.weekday() > 4:
        later += timedelta(days=1)
    return later


def _applicant(rng: random.Random, business: bool) -> dict[str, Any]:
    ward, street = rng.choice(_WARDS), f"Số {rng.randint(1, 250)}, đường {rng.choice(_STREETS)}"
    contact = _person(rng)
    name = f"{rng.choice(_BUSINESS)} {rng.choice(_TRADE)}" if business else contact
    digits = _digits(rng, 6 if business else 9)
    # a citizen's hold century and sex in one digit, the year in the two after it: born 1930 to 1999
    number = f"5100{digits}" if business else f"002{int(digits[0]) % 2}{3 + int(digits[1]) % 7}{digits[2:]}"
    if not business and rng.random() < 0.2:
        contact = _person(rng)  # somebody of the family is easier to reach
    return {
        "applicantName": name,
        "applicantIdType": "business" if business else "citizen",
        "applicantIdNo": number,
        "applicantIdDate": f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/{rng.randint(2015, 2024)}",
        "address": street,
        "cityCode": "08",
        "cityName": "Tuyên Quang",
        "districtCode": "",
        "districtName": "",
        "wardCode": ward[0],
        "wardName": ward[1],
        "contactName": contact,
        "contactTelNo": "09" + _digits(rng, 8),
        "contactEmail": f"cd{_digits(rng, 6)}@example.vn" if rng.random() < 0.7 else "",
    }


def _delegate(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.85:
        return {}
    ward = rng.choice(_WARDS)
    return {
        "delegateType": 1,
        "delegateName": _person(rng),
        "delegateIdNo": "002" + _digits(rng, 9),
        "delegateTelNo": "03" + _digits(rng, 8),
        "delegateEmail": f"uq{_digits(rng, 6)}@example.vn",
        "delegateAddress": ward[1],
        "delegateWardCode": ward[0],
        "delegateWardName": ward[1],
    }


def _file(rng: random.Random, number: int, part: int, name: str, at: datetime) -> dict[str, Any]:
    return {
        "dossierFileId": number,
        "referenceUid": str(UUID(int=rng.getrandbits(128), version=4)),
        "dossierPartNo": f"{'KQ' if part == 2 else 'TP'}{number % 10 + 1:02}",
        "dossierPartName": name,
        "dossierPartType": part,
        "displayName": f"{name}.pdf",
        "fileType": "pdf",
        "fileSize": rng.randint(20_000, 2_000_000),
        "isNew": "false",
        "removed": "false",
        "eForm": "false",
        "signCheck": 0,
        "createDate": _local(at),
        "modifiedDate": _local(at),
    }


def _beginning(rng: random.Random, uid: str, number: int, unit: str, filed: datetime) -> dict[str, Any]:
    """What stays the same over the whole life of the dossier."""
    code, name, domain, domain_name, citizens, businesses = rng.choice(_SERVICES)
    business = businesses and (not citizens or rng.random() < 0.35)
    online, by_post, postal = rng.random() < 0.45, rng.random() < 0.08, rng.random() < 0.15
    applicant = _applicant(rng, business)
    note = f"{name} - {applicant['applicantName']}"
    if rng.random() < 0.1:
        note = f"{note}. {_LONG}".strip()
    if rng.random() < 0.01:
        note = f"{note} {_LONG * 6}".strip()
    record: dict[str, Any] = {
        "dossierId": 700_000 + number,
        "referenceUid": uid,
        "counter": number,
        "serviceCode": code,
        "serviceName": name,
        "domainCode": domain,
        "domainName": domain_name,
        "govAgencyCode": unit,
        "govAgencyName": rng.choice(_UNITS),
        "dossierTemplateNo": f"MAU_{domain}_{number % 7}",
        "dossierName": name,
        **applicant,
        **_delegate(rng),
        "dossierNote": note,
        "briefNote": note if rng.random() < 0.5 else "",
        "submissionNote": "",
        "applicantNote": "Xin nhận kết quả sớm, trân trọng cảm ơn." if rng.random() < 0.1 else "",
        "createDate": _local(filed),
        "submitDate": _local(filed),
        "submitting": "false",
        "lockState": "",
        "online": "true" if online else "false",
        "fromViaPostal": int(by_post and not online),
        "viaPostal": rng.choice(("2", "3")) if postal else rng.choice(("0", "1")),
        "paymentFee": "Lệ phí theo quy định" if rng.random() < 0.4 else "",
        "durationCount": rng.choice((0.5, 1, 3, 5, 10, 15)),
        "durationUnit": 0,
        "sampleCount": 1,
    }
    if postal:
        record |= {"postalAddress": record["address"], "postalCityCode": "08", "postalCityName": "Tuyên Quang"}
        record["postalTelNo"] = record["contactTelNo"]
    return record


def _tell(rng: random.Random, number: int, unit: str, day: date, unnumbered: float) -> Story:
    uid = str(UUID(int=rng.getrandbits(128), version=4))
    code = f"{unit}-{day:%y%m%d}-{number:04}"
    at = datetime(day.year, day.month, day.day, 7, 30) + timedelta(seconds=rng.randint(0, 9 * 3600))
    life = rng.choices([steps for _, steps in _LIVES], [weight for weight, _ in _LIVES])[0]
    without_number = rng.random() < unnumbered
    record = _beginning(rng, uid, number, unit, at)
    with_files = rng.random() < 0.15
    papers = ("Tờ khai", "Giấy tờ tùy thân") if with_files else ()
    files = [_file(rng, number * 10 + n, 1, name, at) for n, name in enumerate(papers)]
    due = (at + timedelta(days=max(1, int(record["durationCount"])))).replace(hour=17, minute=0, second=0)
    clerk = _person(rng)
    records: list[dict[str, Any]] = []
    for step, status in enumerate(life):
        if step:
            at = _working(at, rng.randint(20, 600)) + timedelta(seconds=rng.randint(1, 59))
            clerk = clerk if rng.random() < 0.5 else _person(rng)
        text, action, action_note = _STEPS["processing" if status == "procesing" else status]
        numbered = bool(step) or not without_number
        record = record | {
            "dossierNo": code if numbered else "",
            "modifiedDate": _local(at),
            "dueDate": due.strftime("%Y%m%d%H%M%S") if rng.random() < 0.8 else _local(due),
            "dossierStatus": status,
            "dossierStatusText": text,
            "dossierSubStatus": "",
            "dossierActionId": 9_000_000 + number * 10 + step,
            "lastActionDate": _local(at),
            "lastActionCode": str(1000 + 10 * step),
            "lastActionName": action,
            "lastActionNote": action_note if rng.random() < 0.8 else "",
            "lastActionUser": clerk,
            "lastActionUserId": rng.randint(20_000, 29_999),
            "stepCode": f"{100 * (step + 1)}",
            "stepName": text,
            "stepDuedate": _local(min(due, at + timedelta(hours=8))) if rng.random() < 0.6 else "",
            "stepOverdue": "",
        }
        if numbered and "receiveDate" not in record:
            record["receiveDate"] = _local(at)
        if status == "releasing":
            record["releaseDate"] = _local(at)
            if with_files:
                files = [*files, _file(rng, number * 10 + 9, 2, "Kết quả giải quyết", at)]
        if status == "done":
            record["finishDate"] = _local(at)
        if status == "cancelled":
            record["cancellingDate"] = _local(at)
        if with_files:
            record["files"] = list(files)
        records.append(record)
    return Story(code, uid, tuple(records))


def stories(
    seed: int, count: int, *, unit: str = "000.00.10.H22", day: date, unnumbered: float = 0.0, first: int = 1
) -> list[Story]:
    """``count`` life stories of dossiers filed with ``unit`` on ``day``, serial numbers from ``first`` on.

    ``unnumbered`` is the share (0 to 1) whose first record has no national code and no reception date yet. Each record
    is complete, has its own ``dossierActionId`` and a later ``modifiedDate`` than the one before (local time, seconds).
    """
    rng = random.Random(seed)
    return [_tell(rng, number, unit, day, unnumbered) for number in range(first, first + count)]

"""Everything about the simulated ministry portal that can be chosen; where the contract is not known, both behaviours.

Marks in the descriptions: [read] seen in the one public trace of the 2026 contract, [known] unverified background knowledge,
[unknown] not public at all: the value is this simulator's own choice. Sections are those of the wire contract.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.testing import SimulatorConfig

JsonKind = Literal["string", "int", "int_or_string", "any"]
DateForm = Literal["yyyy-MM-dd HH:mm:ss", "yyyyMMddHHmmss", "yyyy-MM-ddTHH:mm:ss.fff", "any"]
Operation = Literal["GetNextValue", "UploadFile", "NoiHoSo", "CapNhatTienTrinh", "CapNhatTrangThai", "TraCuuHoSo", "feed"]
Status = Literal[200, 400, 404, 409]
PATH = re.compile(r"(?!/_control)(/[A-Za-z0-9._~:-]+)+")
"""A path that the simulated portal can have."""


class SimulatedPaths(BaseModel):
    """Where each operation is called: its name is [read], its real path is hidden behind a proxy in the trace [unknown]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str = Field(default="/token", description="Sign-in.")
    next_value: str = Field(default="/GetNextValue", description="GetNextValue.")
    upload: str = Field(default="/UploadFile", description="UploadFile.")
    create: str = Field(default="/NoiHoSo", description="Create a dossier.")
    progress: str = Field(default="/CapNhatTienTrinh", description="CapNhatTienTrinh.")
    status: str = Field(default="/CapNhatTrangThai", description="CapNhatTrangThai.")
    look_up: str = Field(default="/TraCuuHoSo", description="Look-up of a dossier, when there is one.")
    feed: str = Field(default="/feed", description="The feed of a territory; its contract is our own proposal.")
    files: str = Field(default="/files", description="Result files lie below it.")

    @model_validator(mode="after")
    def _paths_can_be_told_apart(self) -> SimulatedPaths:
        paths = list(self.model_dump().values())
        if not all(PATH.fullmatch(path) for path in paths):
            raise ValueError("each is a path such as /NoiHoSo, and not below /_control")
        if len(set(paths)) < len(paths):
            raise ValueError("the paths differ from each other")
        return self


class SignInChoices(SimulatorConfig):
    """Who may call (2, 6)."""

    client_id: str = Field(default="simulated", description="client_id of the province.")
    client_secret: str = Field(default="simulated", description="Its client_secret; a simulated one.")
    client_as: Literal["json", "form", "basic", "any"] = Field(
        default="json", description="client_id and client_secret in a JSON body [read], in a form, or as Basic (WSO2, 6)."
    )
    token_answer: Literal["wrapped", "flat"] = Field(
        default="wrapped", description='Under "data" of {"code","message","data"} [read: 2], or at the top [read: 6].'
    )
    token_seconds: float = Field(default=3600.0, gt=0, description="Life of a token, in seconds [unknown].")
    new_token_ends_old: bool = Field(default=False, description="A new token ends the account's earlier ones [unknown: both].")
    check_token: bool = Field(default=True, description="Whether calls need a token that was issued here.")
    lgsp_access_token: str | None = Field(
        default=None, description="What lgspaccesstoken must be on the token call and every other (6); null: not asked for."
    )
    operations: tuple[Operation, ...] = Field(default=(), description="What the account may call, else 403; none: everything.")
    agencies: tuple[str, ...] = Field(default=(), description="Agencies it may ask a code for, else 403; none: every one.")


class AnswerChoices(SignInChoices):
    """How answers look (2)."""

    ok_code: int | str = Field(default=0, description="code of success; <int> is [read], which one is [unknown].")
    code_form: Literal["number", "string"] = Field(
        default="number", description="code as a number [read] or the same as a text [known: other national dialects]."
    )
    failure: Literal["http", "body"] = Field(
        default="http",
        description="A refusal is an HTTP status of 2, told again as code [read]; or HTTP 200 and the code alone.",
    )
    quote_values: bool = Field(
        default=False, description="Whether refusals quote the offending value, personal data included [unknown: both]."
    )
    answer_case: Literal["camel", "pascal"] = Field(
        default="camel", description="idHoSo, maHoSo or IdHoSo, MaHoSo in the answers to a create and a look-up [read: both]."
    )
    dossier_id: Literal["uuid", "number"] = Field(default="uuid", description="What idHoSo looks like [unknown: both].")
    next_value_answer: Literal["flat", "wrapped"] = Field(
        default="flat", description='{"value": …} [read], or that under "data" [unknown].'
    )
    upload_answer: Literal["wrapped", "flat"] = Field(
        default="wrapped", description="IdTepTin and HashTepTin at data[i].response.data[0], or at data[i] [read: both]."
    )
    hash_form: Literal["hex", "upper_hex", "base64"] = Field(
        default="hex", description="How HashTepTin writes the SHA-256 of the content; even the algorithm is [unknown]."
    )
    look_up: Literal["none", "minimal", "full"] = Field(
        default="none",
        description="No look-up [read: none in the trace]; ids and state; or the whole object as well [unknown].",
    )
    not_found: Literal["http_404", "empty"] = Field(
        default="http_404", description="A look-up of an unknown code is a 404, or success with data null [unknown: both]."
    )
    exists_status: Status = Field(default=200, description="HTTP status of a create of a code that exists [unknown].")
    exists_code: int | str = Field(default=3, description="Its code; 3 is what the first generation said [read: 1.6].")
    exists_message: str = Field(default="Hồ sơ đã tồn tại", description="Its words; these are the first generation's [read].")
    exists_data: bool = Field(default=False, description="Whether it tells idHoSo and maHoSo of the one there [unknown: both].")
    unknown_dossier_status: Status = Field(
        default=404, description="HTTP status of progress or status of a dossier that is not there; 404 is [read] as a status."
    )
    feed_answer: Literal["flat", "wrapped"] = Field(
        default="flat", description='{"items", "cursor"} at the top, or under "data"; our own proposal [unknown].'
    )
    cursor_parameter: str = Field(default="cursor", min_length=1, description="Query parameter of the feed's cursor [unknown].")
    feed_most: int = Field(default=500, ge=1, description="Most items of one feed answer, whatever limit says [unknown].")
    file_access: Literal["open", "token"] = Field(
        default="open", description="Whether a result file is given to anybody who has its address [unknown: both]."
    )


class MinistryPortalSimulatorConfig(AnswerChoices):
    """The simulated portal's contract. Every choice marked [known] or [unknown] must be confirmed with the ministry."""

    base: str = Field(default="", description="Path that stands before all the paths, such as /api/v2.")
    paths: SimulatedPaths = Field(default_factory=SimulatedPaths, description="Where each operation is called.")

    # codes that are issued here (2, 3)
    agency: str = Field(
        default="G09.20", description="Agency of codes asked for by a procedure; one asked for by agency carries that one."
    )
    next_value_by: Literal["get", "post", "either"] = Field(
        default="either",
        description="GetNextValue is GET with query code, or POST with {code} [unknown: both]; each has an effect.",
    )
    first_serial: int = Field(default=1, ge=0, description="The first serial of an agency's day.")
    foreign_codes: Literal["refuse", "accept"] = Field(
        default="refuse", description="A MaHoSo that was not issued here is refused [read: it issues them], or taken [unknown]."
    )

    # what may be sent (2)
    procedure_suffix: Literal["refuse", "accept"] = Field(
        default="refuse", description="MaTTHC with the issuing agency behind it is refused [read: sent without], or taken."
    )
    required_create: tuple[str, ...] = Field(
        default=(
            *("MaHoSo", "MaTTHC", "ChuHoSo", "LoaiDoiTuong", "MaDonViTiepNhan", "NgayNop", "ThongTinNguoiNop"),
            *("ThongTinNguoiNop.LoaiDoiTuong", "ThongTinNguoiNop.ThongTinChiTiet"),
            *("ThongTinNguoiNop.ThongTinChiTiet.TenNguoiNop", "ThanhPhanHoSo.MaThanhPhanHoSo"),
            *("ThanhPhanHoSo.GiayToDinhKem.IdGiayTo", "ThanhPhanHoSo.GiayToDinhKem.HashTepTin"),
        ),
        description="Fields of a create that must be there and not empty [unknown]; inside an object: when that is there.",
    )
    required_progress: tuple[str, ...] = Field(
        default=("MaHoSo", "NguoiXuLy", "ThoiDiemXuLy", "NoiDungXuLy", "TrangThai"),
        description="Fields of a step that must be there [known: those of 1.5]; IDHoSo is compared when it is not empty.",
    )
    required_status: tuple[str, ...] = Field(
        default=("MaHoSo", "TrangThai"),
        description="Fields of a status that must be there [unknown]; IdHoSo is compared when it is not empty.",
    )
    unknown_fields: Literal["refuse", "ignore"] = Field(
        default="refuse",
        description="Fields that 2 does not name; refuse shows misspellings such as IdHoSo in a step [unknown].",
    )
    field_types: dict[str, JsonKind] = Field(
        default_factory=dict, description="JSON type expected of a field (dotted) in place of the one of 2."
    )
    date_forms: dict[str, DateForm] = Field(
        default_factory=dict, description="Form expected of a date (dotted) in place of the one of 2."
    )
    lists_with: tuple[int, ...] = Field(
        default=(5, 6, 9), description="TrangThai with which DanhSachLePhi and DanhSachGiayToKetQua may be sent [read]."
    )
    repeated_progress: Literal["append", "dedupe"] = Field(
        default="append", description="A step sent twice is kept twice, which shows a doubling, or once [unknown: both]."
    )

    # the feed
    territory: tuple[str, ...] = Field(
        default=(), description="MaTinh of the items that the feed gives to this account; none: all of them."
    )

    @model_validator(mode="after")
    def _base_is_a_path(self) -> MinistryPortalSimulatorConfig:
        if self.base and not PATH.fullmatch(self.base):
            raise ValueError("base is empty or a path such as /api/v2, and not below /_control")
        return self

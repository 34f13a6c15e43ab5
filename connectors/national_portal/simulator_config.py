"""Everything about the simulated national portal that can be chosen; where the contract is not known, both behaviours.

Marks in the descriptions: [read] seen in public traces of the real portal, [known] unverified background knowledge,
[unknown] not public at all: the value is this simulator's own choice. Section numbers are those of the wire contract.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.testing import SimulatorConfig

JsonKind = Literal["string", "int", "bool", "int_or_string", "bool_or_string", "any"]


class SimulatedProcedure(BaseModel):
    """A procedure added to the simulated catalogue, or put in the place of the one with the same code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(description="MATTHC, such as 1.001193.")
    name: str = Field(description="TENTTHC.")
    field_code: str = Field(description="MALINHVUC, such as G15-HT01.")
    field_name: str = Field(description="TENLINHVUC.")
    public: bool = Field(default=True, description="TRANGTHAI 1; otherwise 0, and it is left out of LayDanhSachTTHC.")


class PortalSimulatorConfig(SimulatorConfig):
    """The simulated portal's contract. Every choice marked [known] or [unknown] must be confirmed with the agency."""

    # who may call, and where (1.1)
    username: str = Field(default="simulated", description="Account of the province's adapter.")
    password: str = Field(default="simulated", description="Its password; a simulated one.")
    madonvi: str = Field(default="000.00.00.H22", description="Agency id of the account; every call must carry it.")
    dstcode: str = Field(default="VN:GOV:000.00.00.G22:vpcpdvcprovider", description="X-Road id that calls must name [read].")
    dstcode_in: Literal["query", "header", "either"] = Field(
        default="either", description="Where dstcode is looked for: both are [read], in different code bases."
    )
    login_path: str = Field(default="/mapi/login", description="Forward path of the sign-in [read].")
    share_path: str = Field(
        default="/mapi/g", description="Forward path of the catalogue services; /mapi/g is [known] for this portal."
    )
    integration_path: str = Field(
        default="/mapi/g", description="Forward path of dossier services and LayThuTuc; may differ from share_path [read]."
    )

    # session
    session_seconds: float | None = Field(
        default=1800.0, gt=0, description="Life of a session in seconds, null: no limit; the real value is [unknown]."
    )
    session_calls: int | None = Field(default=None, ge=1, description="Calls after which a session ends; null: never.")
    new_login_ends_old: bool = Field(
        default=False, description="Whether a new login ends the account's earlier sessions [known: both]."
    )
    session_failure: Literal["body", "http_401"] = Field(
        default="body", description="Invalid sessions are told in the envelope with status 200, or as 401 [known: both]."
    )
    session_code: int | str = Field(default=-1, description="error_code of an invalid session [unknown].")
    session_message: str = Field(
        default="Session không hợp lệ hoặc phiên làm việc đã hết hạn", description="Its message [unknown]."
    )

    # envelope
    error_code_form: Literal["number", "string", "padded"] = Field(
        default="number", description='Success is 0, "0" or "00", all [read]. A code configured as text is sent as it is.'
    )
    success_message: str = Field(default="Thành công", description="message of success; one client looks for its words [read].")
    already_exists_code: int | str = Field(
        default=3, description='error_code for an insert of a known dossier: "3" or "-3" [read].'
    )
    quote_values: bool = Field(
        default=False, description="Whether refusals quote the offending value, personal data included [unknown: both]."
    )
    sync_result: Literal["empty", "codes", "absent"] = Field(
        default="empty", description="result of both synchronising services: [], [{MaHoSo}], or no such key [known]."
    )
    search_result: Literal["minimal", "full"] = Field(
        default="minimal", description="TraCuuHoSo answers [{MaHoSo}] or the whole current object [known: both]."
    )
    not_found: Literal["empty", "error"] = Field(
        default="empty", description="TraCuuHoSo and LayThuTuc of an unknown code: empty result [read], or error [known]."
    )

    # dossiers (1.4) and progress (1.5)
    unknown_update: Literal["reject", "upsert"] = Field(
        default="reject", description="An update of an unknown dossier is refused or creates it [known: both]."
    )
    unknown_progress: Literal["reject", "accept"] = Field(
        default="reject", description="Progress of an unknown dossier is refused or kept [known: both]."
    )
    repeated_progress: Literal["append", "dedupe"] = Field(
        default="append",
        description="An identical step sent twice is kept twice or once [known: both]; append shows a doubling.",
    )
    batch: Literal["all_or_nothing", "partial"] = Field(
        default="all_or_nothing",
        description="One bad item among several: nothing takes effect, or the good ones do and the message names them"
        " [known: both].",
    )
    foreign_codes: Literal["reject", "accept"] = Field(
        default="reject", description="Dossier codes whose first part is not of madonvi's province [read: rejected]."
    )
    procedure_suffix: Literal["accept", "refuse"] = Field(
        default="accept", description="MaTTHC with the issuing agency behind it (1.000656.000.00.00.H22) [known: both]."
    )
    catalogue_names: Literal["ignore", "compare"] = Field(
        default="ignore", description="TenTTHC, MaLinhVuc, TenLinhVuc must equal the catalogue's [known: both]."
    )
    later_fields: Literal["required", "optional"] = Field(
        default="required", description='Fields marked "y" in 1.4 (additions since 2022) must be there [read].'
    )
    may_be_empty: tuple[str, ...] = Field(
        default=("NgayHenTra", "DSKetNoiCSDL"),
        description='Required fields that may be "" or []: NgayHenTra [read], no consulted databases [known].',
    )
    unknown_fields: Literal["refuse", "ignore"] = Field(
        default="refuse", description="Fields that 1.4 and 1.5 do not name; refuse shows misspellings [known: both]."
    )
    field_types: dict[str, JsonKind] = Field(
        default_factory=dict,
        description="JSON type expected per field (dotted: DanhSachTepDinhKemKhac.SoLuong). Default: string, or either "
        "form for those seen as number or boolean in one code base and as string in another (1.4).",
    )
    more_codes: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Values added to a code list, such as DinhDanhCHS.LoaiDinhDanh: [3] (1.6 is incomplete).",
    )
    procedures: tuple[SimulatedProcedure, ...] = Field(default=(), description="Procedures added to the simulated catalogue.")

    @model_validator(mode="after")
    def _paths_are_forward_paths(self) -> PortalSimulatorConfig:
        for path in (self.share_path, self.integration_path):
            if not path.startswith("/") or path == self.login_path or not self.login_path.startswith("/"):
                raise ValueError(
                    "login_path, share_path and integration_path start with /, and the first differs from the others"
                )
        return self

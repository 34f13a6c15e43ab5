"""The canonical dossier@1 and dossier-progress@1: everything the national portal's packets can carry, in English, typed.

Absent means unknown; there are no defaults and no nulls, so that nobody downstream can mistake a guess for a fact.
The released schema files are exported from here (``hub.dossier.export``); a property test holds both equal.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from hub.dossier.identifiers import DOSSIER_CODE_PATTERN, PROCEDURE_CODE_PATTERN
from hub.dossier.life_cycle import State

_YEAR = "(?:19|20|21)[0-9]{2}"
_LEAP_YEAR = "(?:(?:19|20|21)(?:0[48]|[2468][048]|[13579][26])|2000)"
_DAY = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
INSTANT_PATTERN = (
    f"^{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{{1,6}})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])$"
)
"""RFC 3339 with an offset and a real day of the years 1900 to 2199; exact without help of ``format``."""


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(INSTANT_PATTERN, value):
        raise ValueError("a time is written in RFC 3339 with an offset, such as 2026-11-21T08:00:00+07:00")
    return datetime.fromisoformat(value)


def _integer(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "pattern": INSTANT_PATTERN, "description": "RFC 3339 with an offset"}
    ),
]
Count = Annotated[int, Field(ge=0, le=10**15), BeforeValidator(_integer)]
"""A whole number; JSON's 2.0 is one."""

DossierCodeText = Annotated[
    str, Field(max_length=100, pattern=DOSSIER_CODE_PATTERN, description="As given, such as 000.00.10.H22-261121-0001")
]
SaidToBeThere = Annotated[
    bool,
    Field(
        description="Whether the national portal holds the dossier already, as its sender says: true, so it is updated there;"
        " false, so it is new there. Absent: nobody says."
    ),
]
Code = Annotated[str, Field(min_length=1, max_length=100)]
Line = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Link = Annotated[str, Field(min_length=1, max_length=2_000)]
Sha256 = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the file that url names, as the sender states it: 64 hex digits, lower case. Compared where a"
        " route says files.",
    ),
]
FileSize = Annotated[
    int,
    Field(ge=1, le=10**15, description="Its bytes, as the sender states them. Compared where a route says files."),
    BeforeValidator(_integer),
]
MediaType = Annotated[
    str,
    Field(
        pattern="^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$",
        description="What it is, as the sender states it: type/subtype in lower case, such as application/pdf. Compared with"
        " its first bytes where a route says files.",
    ),
]


class Channel(StrEnum):
    """How the dossier was filed (KenhThucHien)."""

    IN_PERSON = "in_person"
    ONLINE = "online"
    POST = "post"


class FiledAt(StrEnum):
    """At whose portal it was filed (NoiNopHoSo)."""

    NATIONAL = "national"
    MINISTRY_OR_PROVINCE = "ministry_or_province"


class OwnerKind(StrEnum):
    """Whose dossier it is (LoaiDoiTuong, by meaning: the two generations of the portal number it differently)."""

    CITIZEN = "citizen"
    ENTERPRISE = "enterprise"
    STATE_BODY = "state_body"
    OTHER_ORGANISATION = "other_organisation"


class ResultDelivery(StrEnum):
    """How the owner gets the result (HinhThuc)."""

    AT_COUNTER = "at_counter"
    BY_POST = "by_post"


class OnlinePayment(StrEnum):
    """What is known of paying online (DuocThanhToanTrucTuyen)."""

    NONE = "none"
    PAID_AT_NATIONAL_PORTAL = "paid_at_national_portal"
    PAID_AT_LOCAL_GATEWAY = "paid_at_local_gateway"
    REQUESTED_NOT_PAID_ONLINE = "requested_not_paid_online"


class PaperKind(StrEnum):
    """Kinds of identity papers that the portal has a code for (LoaiDinhDanh)."""

    CITIZEN_CARD = "citizen_card"
    OLD_IDENTITY_CARD = "old_identity_card"


class Reuse(StrEnum):
    """Whether a submitted document was taken over from earlier ones (DuocTaiSuDung)."""

    NOT_REUSED = "not_reused"
    REUSED = "reused"
    REUSED_BY_SUBSTITUTE = "reused_by_substitute"


class CollectedOn(StrEnum):
    """When a fee is collected (HinhThucThu)."""

    RECEPTION = "reception"
    SUPPLEMENT = "supplement"
    RETURN = "return"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _absent_rather_than_null(cls, data: Any) -> Any:
        if isinstance(data, dict) and any(value is None for value in data.values()):
            raise ValueError("null says nothing: leave out what is not known")
        return data


def _choice() -> Any:
    return Field(default=None, strict=False)


class Procedure(_Part):
    """The administrative procedure (TTHC), named as the portal's own catalogue names it."""

    code: Annotated[str, Field(max_length=100, pattern=PROCEDURE_CODE_PATTERN)]
    name: Text | None = None
    field_code: Code | None = None
    field_name: Line | None = None


class IdentityPaper(_Part):
    """One number that identifies the owner, of a known kind: 12 digits on a citizen card, 9 on the old identity card."""

    kind: PaperKind = Field(strict=False)
    number: Annotated[str, Field(pattern="^(?:[0-9]{9}|[0-9]{12})$")]


class Owner(_Part):
    """In whose name the dossier is (chủ hồ sơ)."""

    kind: OwnerKind | None = _choice()
    name: Line | None = None
    id_number: Code | None = None
    """The number of whatever paper the source knows, kind unknown: citizen number, tax code, passport."""
    portal_account: Code | None = None
    """The owner's account at the national portal (TechID)."""
    identity_papers: list[IdentityPaper] | None = None
    verified_by_vneid: bool | None = None


class Contact(_Part):
    """Whom to call or write to about the dossier; often the owner, not always."""

    name: Line | None = None
    phone: Line | None = None
    email: Line | None = None
    fax: Line | None = None


class Unit(_Part):
    """An office, by agency identifier, by name, or both."""

    code: Code | None = None
    name: Line | None = None


class Territory(_Part):
    """Where the matter lies: codes of 19/2025/QĐ-TTg (two digits province, five commune). No district since 2025-07-01."""

    province_code: Annotated[str, Field(pattern="^[0-9]{2}$")] | None = None
    commune_code: Annotated[str, Field(pattern="^[0-9]{5}$")] | None = None


class Document(_Part):
    """One paper handed in (TaiLieuNop): a link to its file, never the bytes."""

    id: Code | None = None
    name: Annotated[str, Field(min_length=1, max_length=4_000)] | None = None
    component_code: Code | None = None
    url: Link | None = None
    sha256: Sha256 | None = None
    size: FileSize | None = None
    media_type: MediaType | None = None
    deleted: bool | None = None
    digitised: bool | None = None
    reuse: Reuse | None = _choice()
    from_national_store: bool | None = None
    substitute_result_code: Code | None = None


class Fee(_Part):
    """One fee or charge; ``amount`` in whole dong; ``kind_code`` as the source numbers it (1 = national catalogue)."""

    name: Line | None = None
    code: Code | None = None
    collected_on: CollectedOn | None = _choice()
    amount: Count | None = None
    kind_code: Code | None = None


class OtherAttachment(_Part):
    """A paper that is no component of the procedure; ``kind_code`` is the source's own number."""

    name: Line | None = None
    count: Count | None = None
    kind_code: Count | None = None


class Supplement(_Part):
    """One request for more papers, and what came of it."""

    id: Count | None = None
    requested_by: Line | None = None
    request: Text | None = None
    requested_at: Instant | None = None
    received_by: Line | None = None
    received_note: Text | None = None
    received_at: Instant | None = None
    complete: bool | None = None
    documents: list[Document] | None = None
    fees: list[Fee] | None = None
    due_before: Instant | None = None
    due_after: Instant | None = None


class ResultPaper(_Part):
    """One result given to the owner, as a link."""

    id: Code | None = None
    name: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    component_code: Code | None = None
    result_code: Code | None = None
    url: Link | None = None
    sha256: Sha256 | None = None
    size: FileSize | None = None
    media_type: MediaType | None = None


class DatabaseConsulted(_Part):
    """A national database that was asked about the dossier (DSKetNoiCSDL), by its code at the portal."""

    code: Code


class Dossier(_Part):
    """The whole state of one dossier at one moment, as its sender knows it.

    ``source_id`` is the sender's stable name and required: a dossier is known by it before any office has given it a
    national ``code``. ``modified_at`` is the sender's version, compared only with the sender's other messages of this dossier.
    """

    source_id: Code
    code: DossierCodeText | None = None
    modified_at: Instant | None = None
    state: State = Field(strict=False)
    procedure: Procedure
    channel: Channel | None = _choice()
    filed_at_portal: FiledAt | None = _choice()
    at_national_portal: SaidToBeThere | None = None
    receipt_number: Code | None = None
    owner: Owner | None = None
    contact: Contact | None = None
    abstract: Text | None = None
    note: Text | None = None
    other_information: Text | None = None
    receiving_unit: Unit | None = None
    resolving_unit: Unit | None = None
    territory: Territory | None = None
    submitted_at: Instant | None = None
    received_at: Instant | None = None
    due_at: Instant | None = None
    refused_at: Instant | None = None
    finished_at: Instant | None = None
    returned_at: Instant | None = None
    return_note: Text | None = None
    result_delivery: ResultDelivery | None = _choice()
    has_digitised_components: bool | None = None
    online_payment: OnlinePayment | None = _choice()
    databases_consulted: list[DatabaseConsulted] | None = None
    documents: list[Document] | None = None
    fees: list[Fee] | None = None
    other_attachments: list[OtherAttachment] | None = None
    supplements: list[Supplement] | None = None
    results: list[ResultPaper] | None = None


class DossierProgress(_Part):
    """One processing step of one dossier: who did what, when, and the state after it. Steps are a history, never replaced."""

    source_id: Code
    code: DossierCodeText | None = None
    step_id: Code | None = None
    state: State = Field(strict=False)
    handled_at: Instant
    handled_by: Line | None = None
    position: Line | None = None
    department: Line | None = None
    content: Text | None = None
    started_at: Instant | None = None
    due_at: Instant | None = None

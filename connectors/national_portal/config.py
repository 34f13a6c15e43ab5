"""What must be told to reach the national portal: addresses, account, and every point the public sources leave open."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from connectors.national_portal.door_paths import Place
from connectors.national_portal.door_settings import DoorSettings
from connectors.national_portal.inbound_settings import InboundSettings
from hub.connector import ConnectorConfig
from hub.wire import HttpSettings
from hub.wire.address import is_http_address
from hub.wire.reached import Platform, Reached
from hub.wire.x_road import XRoad

JsonType = Literal["string", "int", "bool"]

DEFAULT_JSON_TYPES: dict[str, JsonType] = {
    "SoLuong": "int",
    "LoaiGiayTo": "int",
    "HoSoBoSungId": "int",
    "TrangThaiBoSung": "bool",
}
"""Fields of DanhSachTepDinhKemKhac and DanhSachHoSoBoSung seen as JSON numbers and booleans (contracts.md 1.4)."""


class PortalConfig(HttpSettings, ConnectorConfig):
    """One account at the national portal's adapter. Defaults marked [known] must be confirmed with the agency."""

    adapter_url: str = Field(
        description="Address of the security server's adapter, up to and with `forward`: "
        "http://HOST:8080/XrdAdapter/RestService/forward (or /VXPAdapter/…)."
    )
    auth_endpoint: str = Field("/mapi/login", description="Path below adapter_url for signing in.")
    share_endpoint: str = Field("/mapi/g", description="Path for catalogues. [known]")
    integration_endpoint: str = Field("/mapi/g", description="Path for dossiers and procedure details. [known]")
    username: str = Field(min_length=1, description="The account at the portal.")
    password: SecretStr = Field(description="Its password; never logged.")
    madonvi: str = Field(min_length=1, description="Identifier of the province or ministry: 000.00.00.H22.")
    dstcode: str = Field("VN:GOV:000.00.00.G22:vpcpdvcprovider", description="The portal's X-Road identifier.")
    dstcode_in: Literal["query", "header"] = Field(
        "query", description="Where the adapter expects dstcode: both are in use, it depends on its version."
    )
    providerurl: str | None = Field(
        None, description="Address of the backend behind the portal's adapter; sent as a query parameter if set."
    )
    session_error_codes: tuple[str, ...] = Field(
        (), description="error_code values that mean: the session is no longer valid. HTTP 401 always does. [known]"
    )
    session_error_patterns: tuple[str, ...] = Field(
        ("phiên làm việc", "phiên đăng nhập", "session"),
        description="Pieces of the message of an error (any case) that mean the same. [known]",
    )
    exists_pattern: str = Field(
        "đã tồn tại",
        min_length=1,
        description="Piece of the message of an error (any case) that means: the portal already holds this dossier.",
    )
    not_found_patterns: tuple[str, ...] = Field(
        ("không tìm thấy", "không tồn tại", "chưa tồn tại"),
        description="Pieces of the message of a refused look-up that mean: the portal holds nothing. [known]",
    )
    transient_codes: tuple[str, ...] = Field(
        (), description="error_code values that mean: not now, try again. [known]: the portal's list is not public."
    )
    json_types: dict[str, JsonType] = Field(
        default_factory=lambda: dict(DEFAULT_JSON_TYPES),
        description="JSON type by field name, at any depth of a data object; fields not named are strings. Replaces "
        "the default as a whole. An empty value stays the empty string.",
    )
    lookup_first: bool = Field(
        True,
        description="Ask TraCuuHoSo before the first send of a dossier. If false, insert and go by exists_pattern.",
    )
    chunk: int = Field(10, ge=1, le=10, description="Progress objects in one call; the portal takes 10 at most.")
    check_service: str = Field(
        "LayDanhMucLinhVuc", description="The catalogue that `check` reads: a short one that the account may read."
    )
    door: DoorSettings | None = Field(
        None, description="A door that speaks as the portal, for systems that know the portal's calls; none when not said."
    )
    inbound: InboundSettings | None = Field(
        None, description="Takes the dossiers that citizens file at the portal (nhanhsdvcqg); none when not said."
    )

    @property
    def places(self) -> dict[Place, str]:
        """The portal's paths below ``adapter_url``."""
        return {"auth": self.auth_endpoint, "share": self.share_endpoint, "integration": self.integration_endpoint}

    @field_validator("door")
    @classmethod
    def _begins_at_the_home(cls, door: DoorSettings | None, info: ValidationInfo) -> DoorSettings | None:
        home = (info.context or {}).get("home")
        return door if door is None or home is None else door.below(Path(home).absolute())

    @field_validator("reached")
    @classmethod
    def _adapter_is_said_once(cls, reached: Reached | None) -> Reached | None:
        if isinstance(reached, XRoad) or (isinstance(reached, Platform) and reached.adapter is not None):
            raise ValueError("the portal's adapter is said by adapter_url, dstcode and providerurl: by: ndxp is enough")
        return reached

    @field_validator("adapter_url")
    @classmethod
    def _is_http_address(cls, url: str) -> str:
        if not is_http_address(url):
            raise ValueError("an address like http://HOST:8080/XrdAdapter/RestService/forward, without query or user")
        return url.rstrip("/")

    @field_validator("session_error_patterns", "not_found_patterns")
    @classmethod
    def _has_no_empty_pattern(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        if not all(pattern.strip() for pattern in patterns):
            raise ValueError("an empty pattern would fit every message")
        return patterns

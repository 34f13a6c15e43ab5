"""What must be told to reach the population registry: address, way, account, and every point the public sources leave open."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from hub.connector import ConnectorConfig
from hub.wire import HttpSettings
from hub.wire.address import is_http_address


def _http_address(url: str) -> str:
    if not is_http_address(url, query=True):
        raise ValueError("an address like http://HOST:8080/path, without user or fragment")
    return url


Address = Annotated[str, AfterValidator(_http_address)]
Text = Annotated[str, Field(min_length=1)]
Secret = Annotated[SecretStr, Field(min_length=1)]


class DirectAccount(BaseModel):
    """The account at the data sharing platform (NDXP)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str = Field(pattern="^[^:]+$", description="The account's name.")
    secret_key: Secret = Field(description="Its secret key: hashed, never sent, never logged.")
    auth_url: Text = Field(description="The text that the hash begins with, as issued with the account.")
    timestamp_unit: Literal["milliseconds", "seconds"] = Field("milliseconds", description="Of the Timestamp: both are in use.")
    x_road_client: Text | None = Field(None, description="Our id there, `instance/class/code/subsystem`; no header without it.")
    api_key: Secret | None = Field(None, description="The issued ApiKey; no header without it.")
    content_type: Text = Field("application/xml", description="Or text/xml: both are in use.")


class LgspAccount(BaseModel):
    """The account at the province's platform (LGSP)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_url: Address | None = Field(None, description="Where a token is issued (OAuth client credentials).")
    consumer_key: Text | None = Field(
        None, pattern="^[^:]+$", description="Sent to token_url as HTTP Basic; without it lgsp_access_token is, as a header."
    )
    consumer_secret: Secret | None = Field(None, description="The secret of consumer_key.")
    access_token: Secret | None = Field(None, description="A lasting token, instead of token_url.")
    lgsp_access_token: Secret | None = Field(None, description="As issued: base64 of a JSON object with AccessKey, SecretKey …")
    auth_key: Secret | None = Field(None, description="`keyName:keyPass`, sent as AuthHash for officers not in officer_keys.")
    officer_keys: dict[str, Secret] = Field(
        default_factory=dict, repr=False, description="`keyName:keyPass` by the officer's id (MaCanBo)."
    )
    token_error_codes: tuple[Text, ...] = Field(
        (), description="error_code values that mean: the token has ended. HTTP 401 always does. [unknown]"
    )

    @model_validator(mode="after")
    def _has_one_token(self) -> Self:
        if (self.token_url is None) == (self.access_token is None):
            raise ValueError("either token_url or access_token")
        if (self.consumer_key is None) != (self.consumer_secret is None):
            raise ValueError("consumer_key and consumer_secret go together")
        if self.token_url and not (self.consumer_key or self.lgsp_access_token):
            raise ValueError("token_url needs consumer_key and consumer_secret, or lgsp_access_token")
        return self


class PopulationConfig(HttpSettings, ConnectorConfig):
    """One account at the population registry. What is marked [unknown] must be asked of the agency."""

    url: Address = Field(description="Where questions are posted: the registry's service on NDXP, or the LGSP's.")
    through: Literal["direct", "lgsp"] = Field("direct", description="SOAP to NDXP, or SOAP in JSON to the province's LGSP.")
    direct: DirectAccount | None = Field(None, description="Needed with `through: direct`.")
    lgsp: LgspAccount | None = Field(None, description="Needed with `through: lgsp`.")
    lookup_code: Text = Field("037", description="MaTichHop of a look-up.")
    confirm_code: Text = Field("003", description="MaTichHop of a verification.")
    service_code: Text | None = Field(None, description="MaDVC of every question, such as VPCP, in place of the procedure's.")
    unit_code: Text | None = Field(None, description="MaDonVi; not sent without it.")
    account_name: Text | None = Field(None, description="TaiKhoan; not sent without it.")
    phone: Text | None = Field(None, repr=False, description='SoDienThoai, such as "0"; not sent without it.')
    name_form: Literal["upper", "plain"] = Field(
        "upper", description="HoVaTen as NGUYỄN THỊ MẪU, or without diacritics and blanks: NGUYENTHIMAU."
    )
    fault_code: Text | None = Field(
        None, description="Element in a fault's detail that holds the registry's own code, such as MaLoi. [unknown]"
    )
    transient_codes: tuple[Text, ...] = Field(
        (), description="Codes of faults, and error_code values, that mean: not now, or not with this account. [unknown]"
    )
    check_url: Address | None = Field(None, description="What `check` reads where there is no sign-in; else `url?wsdl`.")

    @model_validator(mode="after")
    def _has_its_account(self) -> Self:
        if getattr(self, self.through) is None:
            raise ValueError(f"through: {self.through} needs the section {self.through}")
        return self

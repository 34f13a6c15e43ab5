"""What must be told to call a SOAP partner: its WSDL, which message becomes which operation, and what each answer means."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.outcomes.pointers import PointerToOne
from connectors.outcomes.schemas import Reference, entry_for
from connectors.outcomes.table import Part, else_is_last
from connectors.soap.table import Finding, Outcome
from hub.connector import ConnectorConfig
from hub.message import SchemaRef
from hub.wire import HttpSettings
from hub.wire.address import is_header_name, is_http_address
from hub.wire.wsdl import Wsdl, load_wsdl


class SecurityConfig(Part):
    """How we say who we are. A certificate of ours is said by client_certificate, beside any of these."""

    kind: Literal["none", "username_token", "basic", "bearer"] = Field(
        "none", description="WS-Security UsernameToken, or HTTP Basic, or a fixed token in the HTTP header Authorization"
    )
    username: str | None = Field(None, min_length=1, description="of a username_token or basic")
    password: SecretStr | None = Field(None, description="of a username_token or basic")
    password_as: Literal["text", "digest"] = Field("text", description="username_token: the password itself, or its digest")
    timestamp_seconds: int | None = Field(
        None, ge=1, description="username_token: also a Timestamp, good for so long; our clock must be right"
    )
    token: SecretStr | None = Field(None, description="of bearer")

    @model_validator(mode="after")
    def _what_the_kind_needs(self) -> SecurityConfig:
        account = self.kind in ("username_token", "basic")
        if (self.username is not None) != account or (self.password is not None) != account:
            raise ValueError("username and password belong to username_token and basic, both of them")
        if (self.token is not None) != (self.kind == "bearer"):
            raise ValueError("token belongs to bearer")
        if self.kind != "username_token" and (self.password_as != "text" or self.timestamp_seconds is not None):
            raise ValueError("password_as and timestamp_seconds belong to username_token")
        return self

    @property
    def secrets(self) -> list[tuple[str, str]]:
        """(name, value) of what must be shown nowhere."""
        found = {"username": self.username}
        found |= {name: one.get_secret_value() for name in ("password", "token") if (one := getattr(self, name)) is not None}
        return [(name, value) for name, value in found.items() if value]


class ReplyConfig(Part):
    """An answer that comes back into the hub as a message."""

    schema_: Reference = Field(alias="schema", description="the source schema it arrives as, id@major")
    at: PointerToOne = Field("", description="the part of the answer that it is; all of it when not said")


class FindConfig(Part):
    """How the partner is asked what it holds, when a delivery is in doubt or after a restore."""

    operation: str = Field(description="name of an operation that changes nothing")
    input: dict[PointerToOne, PointerToOne] = Field(
        min_length=1, description="place in its input → place in the message, both JSON pointers"
    )
    fixed: dict[PointerToOne, Any] = Field(default_factory=dict, description="place in its input → a fixed value")
    rows: tuple[Finding, ...] = Field(
        min_length=1, description="what its answers mean; the first that fits. When none does, the partner cannot tell"
    )
    reference: PointerToOne | None = Field(None, description="where its answer has the partner's proof, for holds")
    ids: dict[str, PointerToOne] = Field(
        default_factory=dict, description="system → where the answer has the dossier's code there"
    )


class OperationConfig(Part):
    """What becomes of messages of one schema."""

    operation: str = Field(description="name of the operation; the message is its input, in object form")
    effect: bool = Field(True, description="it changes something at the partner; false only for what can be called at will")
    timeout: float | None = Field(None, gt=0, description="seconds to wait for the answer, in place of read_timeout")
    outcomes: tuple[Outcome, ...] = Field((), description="what its answers mean, before the rows of outcomes for all")
    reference: PointerToOne | None = Field(
        None, description="where the answer has the partner's proof, such as a receipt number"
    )
    ids: dict[str, PointerToOne] = Field(
        default_factory=dict, description="system → where the answer has the dossier's code there"
    )
    reply: ReplyConfig | None = Field(None, description="the answer, or a part, comes back into the hub as a message")
    find: FindConfig | None = Field(None, description="how the partner is asked what it holds")

    @field_validator("outcomes")
    @classmethod
    def _else_is_last(cls, rows: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
        return _with_else_last(rows)


class CheckConfig(Part):
    """A call that shows whether the partner answers."""

    operation: str = Field(description="name of an operation that changes nothing")
    input: dict[str, Any] = Field(default_factory=dict, description="its input, in object form")


class SoapConfig(HttpSettings, ConnectorConfig):
    """One service of a SOAP partner, called with one account."""

    makes_x_road_headers: ClassVar[bool] = True

    wsdl: Path = Field(description="the WSDL as the partner gave it; what it imports lies beside it or is in imports")
    imports: dict[str, Path] = Field(
        default_factory=dict, description="address that the WSDL imports → file that stands for it; nothing is fetched"
    )
    service: str | None = Field(None, description="name of the service, when the WSDL has several")
    port: str | None = Field(None, description="name of the port, when the service has several (SOAP 1.1 and 1.2)")
    address: str | None = Field(None, description="where to call, in place of the WSDL's address")
    security: SecurityConfig = Field(default_factory=SecurityConfig, description="how we say who we are")
    http_headers: dict[str, SecretStr] = Field(default_factory=dict, description="fixed HTTP headers: X-Road-Client, ApiKey")
    headers: dict[str, Any] = Field(
        default_factory=dict, repr=False, description="fixed SOAP headers that the WSDL declares: local name → object form"
    )
    operations: dict[Reference, OperationConfig] = Field(
        min_length=1, description="partner schema (id@major) of a message → what is called with it"
    )
    outcomes: tuple[Outcome, ...] = Field((), description="what answers mean, of every operation: the first row that fits")
    check: CheckConfig | None = Field(
        None, description="what `hub endpoint check` calls; without it the WSDL is fetched from the address with ?wsdl"
    )

    @field_validator("address")
    @classmethod
    def _is_http_address(cls, address: str | None) -> str | None:
        if address is not None and not is_http_address(address, query=True):
            raise ValueError("an address like https://HOST/service, without user or fragment")
        return address

    @field_validator("http_headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if not is_header_name(name) or not value.get_secret_value().isprintable():
                raise ValueError("a header is a name without blanks, and a value on one line")
        return headers

    @field_validator("outcomes")
    @classmethod
    def _else_is_last(cls, rows: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
        return _with_else_last(rows)

    @model_validator(mode="after")
    def _nothing_twice_and_all_reached(self) -> SoapConfig:
        names = {name.lower() for name in self.http_headers}
        if len(names) != len(self.http_headers):
            raise ValueError("http_headers: the same header twice")
        hidden = any(row.at is not None and not row.names_fault for row in self.outcomes)
        if hidden and any(one.outcomes and one.outcomes[-1].else_ for one in self.operations.values()):
            raise ValueError("an operation's own table ends with else: the rows of outcomes about the body are never reached")
        if self.security.kind in ("basic", "bearer") and "authorization" in names:
            raise ValueError(f"http_headers: Authorization is made by security of kind {self.security.kind}")
        return self

    def load(self) -> Wsdl:
        """The WSDL. Raises BadConfig."""
        return load_wsdl(self.wsdl, allow={address: file.absolute() for address, file in self.imports.items()})

    def operation_for(self, schema: SchemaRef) -> OperationConfig | None:
        """What is called with a message of this schema: the entry that names its version most exactly."""
        return entry_for(self.operations, schema)

    @property
    def secrets(self) -> list[tuple[str, str]]:
        """(name, value) of what must be shown nowhere, in a partner's text either."""
        return [*self.security.secrets, *((name, value.get_secret_value()) for name, value in self.http_headers.items())]


def _with_else_last(rows: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    else_is_last(rows)
    return rows

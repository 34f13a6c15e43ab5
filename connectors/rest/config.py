"""What must be told to call a JSON partner: its address, our account, which message becomes which call, what answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.outcomes.pointers import PointerToOne
from connectors.outcomes.schemas import Reference, entry_for
from connectors.outcomes.table import Finding, Outcome, Part, else_is_last
from connectors.rest.paths import Path
from hub.connector import ConnectorConfig
from hub.message import SchemaRef
from hub.wire import HttpSettings
from hub.wire.accounts import Account
from hub.wire.address import is_header_name, is_http_address


class ReplyConfig(Part):
    """An answer that comes back into the hub as a message."""

    schema_: Reference = Field(alias="schema", description="the source schema it arrives as, id@major")
    at: PointerToOne = Field("", description="the part of the answer that it is; all of it when not said")


class FindConfig(Part):
    """How the partner is asked what it holds, when a delivery is in doubt or after a restore: a GET."""

    path: Path = Field(description="below url, such as /filings/{/code}; a query may stand in it too")
    rows: tuple[Finding, ...] = Field(
        min_length=1, description="what its answers mean; the first that fits. When none does, the partner cannot tell"
    )
    reference: PointerToOne | None = Field(None, description="where its answer has the partner's proof, for holds")
    ids: dict[str, PointerToOne] = Field(
        default_factory=dict, description="system → where the answer has the dossier's code there"
    )


class OperationConfig(Part):
    """What becomes of messages of one schema: one call, whose body is the message."""

    method: Literal["POST", "PATCH"] = Field("POST", description="PUT is not offered: HTTP libraries may send it twice")
    path: Path = Field(description="below url; {/code} is filled from the message, {national} with the dossier's code there")
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
        else_is_last(rows)
        return rows


class RestConfig(HttpSettings, ConnectorConfig):
    """One partner that takes and answers JSON, called with one account."""

    url: str = Field(description="the partner's address, before every path: https://HOST/api")
    account: Account | None = Field(None, description="how we say who we are; nothing when not said")
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="fixed HTTP headers, sent with every call")
    operations: dict[Reference, OperationConfig] = Field(
        min_length=1, description="partner schema (id@major) of a message → the call that is made with it"
    )
    outcomes: tuple[Outcome, ...] = Field((), description="what answers mean, of every operation: the first row that fits")
    check: Path = Field(description="what `hub endpoint check` GETs below url: it must answer HTTP 2xx with JSON")

    @field_validator("url")
    @classmethod
    def _is_http_address(cls, url: str) -> str:
        if not is_http_address(url):
            raise ValueError("an address like https://HOST/api, without user, query or fragment")
        return url.rstrip("/")

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if not is_header_name(name) or not value.get_secret_value().isprintable():
                raise ValueError("a header is a name without blanks, and a value on one line")
        if len({name.lower() for name in headers}) != len(headers):
            raise ValueError("the same header twice")
        return headers

    @field_validator("outcomes")
    @classmethod
    def _else_is_last(cls, rows: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
        else_is_last(rows)
        return rows

    @field_validator("check")
    @classmethod
    def _of_no_message(cls, path: str) -> str:
        if "{" in path:
            raise ValueError("it is asked without a message: nothing can be filled in")
        return path

    @model_validator(mode="after")
    def _all_rows_are_reached(self) -> RestConfig:
        hidden = any(row.at is not None and row.status is None for row in self.outcomes)
        if hidden and any(one.outcomes and one.outcomes[-1].else_ for one in self.operations.values()):
            raise ValueError("an operation's own table ends with else: the rows of outcomes about the body are never reached")
        return self

    def operation_for(self, schema: SchemaRef) -> OperationConfig | None:
        """What is called with a message of this schema."""
        return entry_for(self.operations, schema)

    @property
    def fixed_headers(self) -> Mapping[str, str]:
        """The headers that go with every call."""
        own = {name: value.get_secret_value() for name, value in self.headers.items()}
        made = {"Accept": "application/json", "Content-Type": "application/json; charset=utf-8"}
        names = {name.lower() for name in own}
        return {name: value for name, value in made.items() if name.lower() not in names} | own

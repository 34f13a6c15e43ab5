"""What must be told to take the dossiers that citizens file at the portal, which posts them to the province."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.national_portal.door_settings import FORWARD_PATHS, DoorPath, Reference

INBOUND_PATHS = tuple(f"{path}/nhanhsdvcqg" for path in FORWARD_PATHS)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class InboundAccount(_Section):
    """An account that filed dossiers come under. Its password is the sender's API key."""

    sender: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="The sender it is: the name of its API keys.")


class InboundAnswer(_Section):
    """How a call is answered: {"status", "message", "description"}, read for the sister call addtthcKhuyenMai."""

    refused: int = Field(404, ge=400, le=599, description="status of what can never be taken as it is. [known]")
    failed: int = Field(
        500, ge=500, le=599, description="status of what may be sent again: the hub is busy, or failed. [known]"
    )
    http: Literal["same", "always_200"] = Field(
        "same",
        description="same: HTTP's own status says it too. always_200: what a dossier says wrong is told with HTTP 200; what is "
        "wrong with the call keeps its own. [known]",
    )


class InboundSettings(_Section):
    """Takes the dossiers that citizens file at the portal (nhanhsdvcqg)."""

    paths: tuple[DoorPath, ...] = Field(
        INBOUND_PATHS, min_length=1, description="Where the portal's adapter posts them [read: OCPS-FILTER], in both forms."
    )
    accounts: dict[Annotated[str, Field(min_length=1)], InboundAccount] = Field(
        default_factory=dict,
        description="Who may post them, by username: HTTP Basic with the sender's key as password, or the key alone as Bearer "
        "or X-API-Key. How the portal signs in there is not public. [known]",
    )
    schema_: Reference = Field(
        "npsp-filed-dossier@1",
        alias="schema",
        description="The source schema of the body, which is not public: the default is the hub's own. [known]",
    )
    answer: InboundAnswer = Field(default_factory=InboundAnswer, description="How a call is answered.")

    def sources(self) -> Mapping[str, str]:
        """The source schema of what comes in here, by the setting that names it."""
        return {"inbound.schema": self.schema_}

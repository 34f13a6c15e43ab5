"""What the portal-compatible door must be told: where it stands, who may come in, what its answers wait for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from hub.message import SchemaRef

FORWARD_PATHS = ("/XrdAdapter/RestService/forward", "/VXPAdapter/RestService/forward")
DoorPath = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$")]
Code = int | Annotated[str, Field(min_length=1)]


def _reference(text: str) -> str:
    SchemaRef.parse(text)
    return text


def _no_text(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError("write a list: [ID]")
    return value


Reference = Annotated[str, AfterValidator(_reference)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DoorAccount(_Section):
    """One account at the door, as a unit's own system has it at the portal. Its password is the sender's API key."""

    sender: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="The sender it is: the name of its API keys.")
    madonvi: Annotated[tuple[str, ...], BeforeValidator(_no_text)] = Field(
        (), description="The agency ids that it may speak for: madonvi of its calls."
    )


class DoorCodes(_Section):
    """error_code of the door's own answers; those of the portal are not public. Never 0."""

    refused: Code = Field(-3, description="A call or record that breaks the contract, or that the hub cannot send on. [known]")
    sign_in: Code = Field(-1, description="A refused sign-in. [known]")
    session: Code = Field(-1, description="A call whose session is none, or over. [known]")
    waiting: Code = Field(-4, description="With HTTP 503: taken and stored, or asked, but the portal did not answer yet.")
    busy: Code = Field(-5, description="With HTTP 429 or 503: not taken now; the same call may be made again later.")


class DoorCatalogues(_Section):
    """The copies that catalogue calls are answered from."""

    folder: Path = Field(Path("var/portal-catalogues"), description="Where they lie, in a folder named like the endpoint.")
    refresh_hours: float = Field(24.0, gt=0, description="How old a copy may become before it is fetched anew.")


class DoorSettings(_Section):
    """The door that speaks as the portal, for systems that know the portal's calls already."""

    paths: tuple[DoorPath, ...] = Field(
        FORWARD_PATHS,
        description="What stands before auth_endpoint, share_endpoint and integration_endpoint in the paths of the door.",
    )
    array_path: DoorPath | None = Field(
        None,
        description="Where the variant with bare arrays and query parameters stands, such as /api/SynsTTHCC; accounts by "
        "HTTP Basic. Not there when not said.",
    )
    accounts: dict[Annotated[str, Field(min_length=1)], DoorAccount] = Field(
        default_factory=dict, description="Who may come in: the username of each account, and what it is."
    )
    answer: Literal["delivered", "stored"] = Field(
        "delivered",
        description="delivered: a call waits for the portal's own word. stored: it is answered once it is on disk, and what "
        "the portal refuses later is told by TraCuuHoSo and by the unit's dead letters.",
    )
    wait: float = Field(20.0, gt=0, le=300, description="Seconds that a call waits for the portal; less than its client does.")
    most_records: int = Field(500, ge=1, description="Records in one DongBoHoSoMC; a call with more is refused.")
    session_seconds: float = Field(3600.0, gt=0, description="How long a session lasts from its sign-in.")
    dossier_schema: Reference = Field("portal-dossier@1", description="The source schema of a record of DongBoHoSoMC.")
    progress_schema: Reference = Field("portal-progress@1", description="The source schema of a step of CapNhatTienDoHoSoMC.")
    codes: DoorCodes = Field(default_factory=DoorCodes, description="error_code of the door's own answers.")
    catalogues: DoorCatalogues = Field(default_factory=DoorCatalogues, description="The copies of the portal's catalogues.")

    def below(self, home: Path) -> Self:
        """The same, with every path beginning at the home."""
        folder = home / self.catalogues.folder
        return self.model_copy(update={"catalogues": self.catalogues.model_copy(update={"folder": folder})})

    def sources(self) -> Mapping[str, str]:
        """The source schemas of what comes in here, by the setting that names each."""
        return {f"door.{name}": getattr(self, name) for name in ("dossier_schema", "progress_schema")}

    def units(self) -> dict[str, frozenset[str]]:
        """What each sender may speak for, by all of its accounts."""
        found: dict[str, frozenset[str]] = {}
        for account in self.accounts.values():
            found[account.sender] = found.get(account.sender, frozenset()) | frozenset(account.madonvi)
        return found

"""What must be told to read files from a folder, to write them, or both: where they lie, and how a record stands in them."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from hub.connector import ConnectorConfig
from hub.message import SchemaRef

Located = TypeVar("Located", bound=BaseModel)


_RIGHTS = r"^0?[67][0-7]{2}$"
_NOT_OF_FILES = {"idna", "punycode", "unicode-escape", "raw-unicode-escape"}


def _reference(text: str) -> str:
    SchemaRef.parse(text)
    return text


def _encoding(name: str) -> str:
    try:
        "".encode(name)
        if codecs.lookup(name).name in _NOT_OF_FILES:
            raise LookupError
        return name
    except (LookupError, UnicodeError):
        raise ValueError("no text encoding of this name; such as utf-8, utf-16, windows-1258, windows-1252") from None


def _delimiter(text: str) -> str:
    if text.startswith("\\"):
        raise ValueError(f'write "{text}", in double quotation marks: in others a backslash is a character like any')
    if len(text) != 1:
        raise ValueError('a delimiter is one character, such as ";" or "\\t" for a tabulator')
    return text


def _column(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ValueError("a column is its name in the header, or its number from 1")
    return given


def steps_of(field: str) -> tuple[str, ...]:
    """A field as columns name it: a JSON pointer, or the name of a field at the top."""
    if not field.startswith("/"):
        return (field,)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in field.split("/")[1:])


def is_one(folder: Path, other: Path) -> bool:
    """Whether two paths name one folder, as far as the names tell."""
    return os.path.normpath(folder) == os.path.normpath(other)


def _apart(columns: Mapping[str, Any]) -> None:
    paths = [steps_of(field) for field in columns]
    if len(set(paths)) < len(paths) or any(one != two and one == two[: len(one)] for one in paths for two in paths):
        raise ValueError("two columns are for the same field, or one for a part of the other's")
    if any("" in path for path in paths):
        raise ValueError("a field in columns has an empty name")


class Layout(BaseModel):
    """What reading and writing say alike: a folder, and how CSV stands in its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(description="where the files lie; a path begins at the home")
    encoding: Annotated[str, AfterValidator(_encoding)] = Field("utf-8", description="csv: the encoding of its text")
    delimiter: Annotated[str, AfterValidator(_delimiter)] = Field(",", description="csv: what stands between two cells")
    header: bool = Field(True, description="csv: whether the first row has the names of the columns")


class ReadConfig(Layout):
    """One folder whose files become arrivals: one sender, one schema, one form of file."""

    done: Path | None = Field(None, description="where files go that were read to their end; folder/done when not said")
    failed: Path | None = Field(
        None, description="where refused records and unreadable files go, each with its errors; folder/failed when not said"
    )
    pattern: str = Field(
        "*", min_length=1, description="which names are read, with * and ?; never those that begin with . or end in .tmp, .part"
    )
    sender: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="the sender that the arrivals are of")
    schema_: Annotated[str, AfterValidator(_reference)] = Field(
        alias="schema", description="the source schema of each record, id@major"
    )
    format: Literal["json", "jsonl", "xml", "csv"] = Field(description="how the files are written")
    records: Literal["file", "each"] | None = Field(
        None,
        description="file: a file is one message; each: every element of its array, every line or row, or every element of the "
        "name in record, is one. When not said: file for json and xml, each for jsonl and csv",
    )
    record: str | None = Field(
        None, pattern=r"^(/[\p{L}_][\p{L}\p{M}\p{N}_.-]*)*/?[\p{L}_][\p{L}\p{M}\p{N}_.-]*$",
        description="xml with records: each: the local name of the elements that are records, such as HoSo, or their path from "
        "the root, such as /DanhSach/HoSo",
    )  # fmt: skip
    columns: dict[str, Annotated[str | int, BeforeValidator(_column)]] = Field(
        default_factory=dict,
        description="csv: field of the message (a name, or a JSON pointer for one further down) → column, by its name in the "
        "header or by number from 1. An empty cell is an absent field; columns that are not named are passed over",
    )
    mode: str = Field(
        "600", pattern=_RIGHTS, description="the rights of the files that the hub makes in failed, in octal, less what the "
        "umask takes; 640 lets the account's group read them"
    )  # fmt: skip
    settle: float = Field(5.0, ge=0, description="seconds that size and time of a file must stand still before it is read")
    poll: float = Field(1.0, gt=0, description="seconds between two looks into the folder")

    @model_validator(mode="after")
    def _columns_are_apart(self) -> ReadConfig:
        _apart(self.columns)
        return self

    @property
    def done_folder(self) -> Path:
        return self.done or self.folder / "done"

    @property
    def failed_folder(self) -> Path:
        return self.failed or self.folder / "failed"

    @property
    def each(self) -> bool:
        """Whether a file holds many records."""
        return self.format in ("jsonl", "csv") if self.records is None else self.records == "each"


class WriteConfig(Layout):
    """One folder that messages are written into, each a file of its own."""

    format: Literal["json", "jsonl", "xml", "csv"] = Field(
        description="how a message is written: json and jsonl as it is (jsonl with a line end), xml by a schema, csv as one row"
    )
    xsd: Path | None = Field(None, description="xml: the schema, a file on this machine; the path begins at the home")
    element: str | None = Field(
        None, description="xml: the element that a message is, by name or {namespace}name. When not said: the schema's only "
        "one, or the one that is the message's only field"
    )  # fmt: skip
    columns: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict,
        description="csv: field of the message (a name, or a JSON pointer for one further down) → name of its column, "
        "in the order of the columns. An absent field is an empty cell",
    )
    mode: str = Field("640", pattern=_RIGHTS, description="the rights of a file, in octal, less what the umask takes")
    taken: Path | None = Field(
        None, description="where the partner puts the files that it took, if it keeps them there under their names: looked "
        "into when it is in doubt whether a file was written"
    )  # fmt: skip

    @model_validator(mode="after")
    def _columns_are_apart(self) -> WriteConfig:
        _apart(self.columns)
        return self


class SftpConfig(BaseModel):
    """An SFTP server, the account there, and how the server is known to be the right one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, description="name or address of the server")
    port: int = Field(22, ge=1, le=65535, description="its port")
    username: str = Field(min_length=1, description="the account there")
    password: SecretStr | None = Field(None, description="its password; this or private_key")
    private_key: Path | None = Field(None, description="file with its private key; a path begins at the home")
    passphrase: SecretStr | None = Field(None, description="of the private key, if it has one")
    known_hosts: Path | None = Field(
        None, description="file with the server's host keys, as ssh keeps them; this or host_key. A path begins at the home"
    )
    host_key: str | None = Field(
        None, pattern=r"^SHA256:[A-Za-z0-9+/]{43}$", description="fingerprint of the server's host key, as ssh shows it"
    )
    timeout: float = Field(30.0, gt=0, description="seconds that the server may take to answer")

    @model_validator(mode="after")
    def _each_once(self) -> SftpConfig:
        if (self.password is None) == (self.private_key is None):
            raise ValueError("say either password or private_key")
        if self.passphrase is not None and self.private_key is None:
            raise ValueError("a passphrase belongs to a private_key")
        if (self.known_hosts is None) == (self.host_key is None):
            raise ValueError("say either known_hosts or host_key: a server that is not known is not trusted")
        return self


class FilesConfig(ConnectorConfig):
    """A place where files lie: what is read there, what is written there, or both."""

    sftp: SftpConfig | None = Field(
        None, description="the SFTP server on which the folders are; when not said they are here. There a path begins at the "
        "account's own folder"
    )  # fmt: skip
    read: ReadConfig | None = Field(None, description="a folder whose files become arrivals")
    write: WriteConfig | None = Field(None, description="a folder into which routes write their messages")

    @field_validator("sftp", "read", "write")
    @classmethod
    def _begins_at_the_home(cls, part: Located | None, info: ValidationInfo) -> Located | None:
        home = (info.context or {}).get("home")
        on_a_server = info.field_name != "sftp" and info.data.get("sftp") is not None
        return part if part is None or home is None else _below(Path(home).absolute(), part, on_a_server)


def _below(home: Path, part: Located, on_a_server: bool) -> Located:
    paths = {name: value for name, value in part if isinstance(value, Path) and (name == "xsd" or not on_a_server)}
    return part.model_copy(update={name: home / value for name, value in paths.items()})

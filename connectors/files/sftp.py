"""The connection to an SFTP server: made when it is needed, kept, and made anew when it broke. The one home of asyncssh."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import asyncssh

from connectors.files.config import SftpConfig
from connectors.files.place import Entry, Signature
from hub.errors import AccountRefused, NotConnected

logging.getLogger("asyncssh").setLevel(logging.WARNING)  # below that it tells of accounts and names of files

Client = asyncssh.SFTPClient
File = asyncssh.SFTPClientFile
T = TypeVar("T")

_AFTER_A_REFUSAL = 60.0
"""Seconds without another sign-in: a server may lock an account that is refused again and again."""
_ALIVE = 30.0
_PAGE = 500


class SftpConnection:
    """One connection, shared by whoever asks."""

    def __init__(self, config: SftpConfig) -> None:
        self._config = config
        self._turn = asyncio.Lock()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: Client | None = None
        self._refused_until = 0.0

    async def ask(self, what: Callable[[Client], Awaitable[T]], of: Client | None = None) -> T:
        """What the server answers. ``of``: only on the connection on which a file or listing was opened.

        Raises NotConnected, AccountRefused (nothing was asked), OSError (see ``connectors.files.place``).
        """
        if of is not None and (of is not self._client or not self._is_open()):
            raise ConnectionResetError(errno.ECONNRESET, "the connection broke")
        client = of or await self._ready()
        asked = asyncio.ensure_future(what(client))
        try:
            await asyncio.wait([asked], timeout=self._config.timeout)
            if not asked.done():
                self._drop(client)
                await asyncio.wait([asked], timeout=1)  # the connection is cut: it ends by itself
                if not asked.done():
                    raise ConnectionResetError
            return asked.result()
        except (asyncssh.Error, EOFError, OSError) as error:
            told = _as_os_error(error)
            if isinstance(told, ConnectionError):
                self._drop(client)
            raise told from None
        finally:
            asked.cancel()

    async def close(self) -> None:
        """Sign out."""
        if self._connection is not None:
            self._connection.close()
            await asyncio.wait([asyncio.ensure_future(self._connection.wait_closed())], timeout=1)
        self._drop(self._client)

    def forget_refusal(self) -> None:
        """An operator asks: try the account again at once."""
        self._refused_until = 0.0

    def _is_open(self) -> bool:
        return self._connection is not None and not self._connection.is_closed()

    async def _ready(self) -> Client:
        async with self._turn:
            if self._client is None or not self._is_open():
                self._drop(self._client)
                if time.monotonic() < self._refused_until:
                    raise _account_refused()
                self._connection, self._client = await self._connect()
            return self._client

    def _drop(self, client: Client | None) -> None:
        """Unless it was replaced meanwhile."""
        if client is self._client:
            if self._connection is not None:
                self._connection.abort()
            self._connection = self._client = None

    async def _connect(self) -> tuple[asyncssh.SSHClientConnection, Client]:
        config = self._config
        keys, known_hosts = await asyncio.to_thread(_key, config), await asyncio.to_thread(_hosts, config)
        host = _Host(config.host_key)
        try:
            connection = await asyncssh.connect(
                config.host, config.port, client_factory=lambda: host, username=config.username,
                password=config.password.get_secret_value() if config.password else None, client_keys=keys,
                known_hosts=known_hosts, connect_timeout=config.timeout, login_timeout=config.timeout,
                keepalive_interval=_ALIVE,
                # nothing of this machine's own SSH settings, keys, agents and tickets
                config=None, agent_path=None, gss_host=None, x509_trusted_certs=None, x509_trusted_cert_paths=[],
            )  # fmt: skip
        except asyncssh.HostKeyNotVerifiable:
            text = f"the server shows another host key than it should, or one that is not trusted: {host.shown}"
            raise NotConnected("host_key", text) from None
        except asyncssh.PermissionDenied:
            self._refused_until = time.monotonic() + _AFTER_A_REFUSAL
            raise _account_refused() from None
        except asyncssh.KeyExchangeFailed:
            text = "hub and server have no algorithm in common, or no kind of host key that is known"
            raise NotConnected("no_algorithm", text) from None
        except ValueError:  # what asyncssh says of its own arguments
            text = "SSH cannot begin with this username, or the hub's own account has no name (set LOGNAME)"
            raise NotConnected("bad_settings", text) from None
        except (asyncssh.Error, OSError, EOFError):
            raise NotConnected("unreachable", "the server cannot be reached, or does not answer as an SSH server") from None
        try:
            async with asyncio.timeout(config.timeout):
                return connection, await connection.start_sftp_client()
        except BaseException as error:
            connection.abort()
            if isinstance(error, asyncssh.Error | OSError | EOFError):
                raise NotConnected("no_sftp", "the server takes the account and gives it no SFTP") from None
            raise


class _Host(asyncssh.SSHClient):
    """Judges host keys that are not in known_hosts."""

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted
        self.shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key.get_fingerprint()
        return self._wanted is not None and self.shown == self._wanted


def _account_refused() -> AccountRefused:
    return AccountRefused("sign_in_refused", "the server refuses the account, its password or its key")


def _key(config: SftpConfig) -> list[asyncssh.SSHKey] | None:
    if config.private_key is None:
        return None
    try:
        phrase = config.passphrase.get_secret_value() if config.passphrase else None
        return [asyncssh.read_private_key(config.private_key, phrase)]
    except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        text = "the private key is not there, cannot be read, or needs another passphrase"
        raise NotConnected("private_key", text) from None


def _hosts(config: SftpConfig) -> asyncssh.SSHKnownHosts | tuple[list[str], list[str], list[str]]:
    if config.known_hosts is None:
        return [], [], []
    try:
        return asyncssh.read_known_hosts(str(config.known_hosts))
    except (OSError, ValueError):
        raise NotConnected("known_hosts", "the file known_hosts is not there, or is no such file") from None


def _as_os_error(error: Exception) -> OSError:
    """Without the server's own words, which may name files."""
    match error:
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath():
            return FileNotFoundError(errno.ENOENT, "not there")
        case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect():
            return PermissionError(errno.EACCES, "the server does not allow it")
        case asyncssh.SFTPFileAlreadyExists():
            return FileExistsError(errno.EEXIST, "there already")
        case asyncssh.SFTPNoSpaceOnFilesystem() | asyncssh.SFTPQuotaExceeded():
            return OSError(errno.ENOSPC, "no room on the server")
        case asyncssh.SFTPOpUnsupported():
            return OSError(errno.EOPNOTSUPP, "the server does not offer it")
        case asyncssh.SFTPNoConnection() | asyncssh.SFTPConnectionLost() | asyncssh.SFTPBadMessage():
            return ConnectionResetError(errno.ECONNRESET, "the connection broke")
        case asyncssh.SFTPError():
            return OSError(errno.EIO, "the server could not do it")
        case _:
            return ConnectionResetError(errno.ECONNRESET, "the connection broke")


def entry_of(name: str, found: asyncssh.SFTPAttrs) -> Entry:
    """What the server says of a name."""
    return Entry(name, found.type == asyncssh.FILEXFER_TYPE_REGULAR, signature_of(found))


def signature_of(found: asyncssh.SFTPAttrs) -> Signature:
    """Size and time; a server tells no inode, and most tell whole seconds only."""
    return 0, found.size or 0, (found.mtime or 0) * 1_000_000_000 + (found.mtime_ns or 0)


def is_folder(found: asyncssh.SFTPAttrs) -> bool:
    return found.type == asyncssh.FILEXFER_TYPE_DIRECTORY


def rights(mode: int) -> asyncssh.SFTPAttrs:
    """The rights that a new file is to have."""
    return asyncssh.SFTPAttrs(permissions=mode)


async def page(listing: AsyncIterator[asyncssh.SFTPName]) -> list[asyncssh.SFTPName]:
    """The next names of a folder; none at the end."""
    found: list[asyncssh.SFTPName] = []
    async for one in listing:
        found.append(one)
        if len(found) >= _PAGE:
            break
    return found

"""The certificates of an endpoint: read once, and again when their files change, so that a renewal needs no restart."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path
from typing import Protocol

from hub.errors import BadConfig, Problem

_State = tuple[tuple[int, int, int] | None, ...]


class CertificateFiles(Protocol):
    """The part of ``HttpSettings`` that names files."""

    @property
    def ca_file(self) -> Path | None: ...
    @property
    def client_certificate(self) -> Path | None: ...
    @property
    def client_key(self) -> Path | None: ...


class Certificates:
    """``context()`` for each new connection: made of the files as they are now.

    A new context for files that changed means new connections; those under way end with the old one. Files that cannot be used
    (a certificate whose key has not followed yet, one half written) leave the old context in force, and are said once in the
    log, by name only.
    """

    def __init__(self, settings: CertificateFiles) -> None:
        """Raises BadConfig when a file cannot be used."""
        self._settings = settings
        files = (settings.ca_file, settings.client_certificate, settings.client_key)
        self._files = tuple(file for file in files if file is not None)
        self._state = self._now()
        self._context = load(settings)

    def context(self) -> ssl.SSLContext:
        """The context that is in force."""
        if self._files and (now := self._now()) != self._state:
            from hub.observe.logging import get_logger  # with what it imports a burden for all who load a schema, and no more

            log = get_logger("hub.wire")
            self._state = now
            try:
                self._context = load(self._settings)
                log.info("certificate files changed, in force for new connections", file=_shown(self._files))
            except BadConfig:
                log.warning("certificate files changed and cannot be used, the old stay in force", file=_shown(self._files))
        return self._context

    def _now(self) -> _State:
        """What tells that a file was written: when, how long it is, and which file it is."""
        found: list[tuple[int, int, int] | None] = []
        for file in self._files:
            try:
                stat = file.stat()
                found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
            except OSError:
                found.append(None)
        return tuple(found)


def unusable_files(settings: CertificateFiles) -> tuple[Problem, ...]:
    """What is wrong with the certificate files, as ``HttpEndpoint.open`` would say it."""
    try:
        load(settings)
    except BadConfig as error:
        return error.problems
    return ()


def load(settings: CertificateFiles) -> ssl.SSLContext:
    """The context of the files as they are. Raises BadConfig."""
    if settings.ca_file is None and settings.client_certificate is None:
        return _trusting_the_system()
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as failure:
        raise _unusable("ca_file", settings.ca_file, failure) from None
    if settings.client_certificate is not None:
        try:
            context.load_cert_chain(settings.client_certificate, settings.client_key, password="")
        except (OSError, ssl.SSLError) as failure:
            raise _unusable("client_certificate", settings.client_certificate, failure) from None
    return context


@cache
def _trusting_the_system() -> ssl.SSLContext:
    """The machine's own authorities, read once: it takes as long as many calls."""
    return ssl.create_default_context()


def _shown(files: tuple[Path, ...]) -> str:
    return ":".join(dict.fromkeys(file.name for file in files))


def _unusable(field: str, path: Path | None, failure: Exception) -> BadConfig:
    why = f"{path} cannot be used ({type(failure).__name__})"
    return BadConfig([Problem(field, "file_unusable", why, "a PEM file that the hub's user may read")])

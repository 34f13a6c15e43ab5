"""``hub health``: is the hub of this home ready? For container health checks, whatever its certificate and prefix are."""

from __future__ import annotations

import ssl
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import orjson
import typer

from hub.cli.send import own_url
from hub.cli.shell import UNAVAILABLE, Json, printable, shell_of

PATIENCE_SECONDS = 4.0


def health(context: typer.Context, as_json: Json = False) -> None:
    """Ask the running hub, at the address that config.yaml gives it, whether it is ready to take messages and deliver them.

    It calls /health/ready by HTTP or HTTPS, with the prefix, and no proxy. The certificate is not checked: it is made out to
    the hub's outer name, and nothing secret is sent. No secret of a partner is needed. Exit code 4 when the hub is not ready
    or does not answer within 4 seconds.

    \b
    Example:  hub health
    """
    shell = shell_of(context)
    url = f"{own_url(shell)}/health/ready"
    ready, told = _asked(url)
    shell.answer({"ready": ready, "url": url, "reason": None if ready else told}, f"{url}: {printable(told)}")
    if not ready:
        raise typer.Exit(UNAVAILABLE)


def _asked(url: str) -> tuple[bool, str]:
    """Whether it is ready, and in a few words what it said."""
    at = urlsplit(url)
    try:
        with closing(_connection(at.scheme, at.hostname or "", at.port)) as connection:
            connection.request("GET", at.path)
            answer = connection.getresponse()
            body = answer.read()
    except (OSError, HTTPException) as error:
        return False, f"does not answer ({type(error).__name__})"
    if answer.status == 200:
        return True, "ready"
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    reason = found.get("reason") if isinstance(found, dict) else None
    return False, f"not ready (status {answer.status}{f', {reason}' if reason else ''})"


def _connection(scheme: str, host: str, port: int | None) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(host, port, timeout=PATIENCE_SECONDS, context=unchecked)

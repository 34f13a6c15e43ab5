"""What a setting must be to stand in a request: an address over HTTP, a piece of a header."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def is_http_address(url: str, *, query: bool = False) -> bool:
    """Whether one can be called there: http or https, a host, a port that exists, no user, no fragment, no blank; a query only
    where it is allowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    surplus = parts.username is not None or "#" in url or ("?" in url and not query)
    is_one_word = url.isprintable() and not any(map(str.isspace, url))
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and not surplus and is_one_word


def is_header_name(name: str) -> bool:
    """Whether a header of HTTP can have this name (RFC 9110, a token)."""
    return _HEADER_NAME.fullmatch(name) is not None


def fits_header(text: str) -> bool:
    """Whether the text can be sent as a header's value, or a piece of one: ASCII on one line."""
    return text.isascii() and text.isprintable()

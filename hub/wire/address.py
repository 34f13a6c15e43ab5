"""What a setting must be to stand in a request: an address over HTTP, a piece of a header."""

from __future__ import annotations

from urllib.parse import urlsplit


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


def fits_header(text: str) -> bool:
    """Whether the text can be sent as a header's value, or a piece of one: ASCII on one line."""
    return text.isascii() and text.isprintable()

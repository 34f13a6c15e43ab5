"""What is known of a request while it goes out: whether it has begun, whether its own body broke off, what was written."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping

from hub.errors import DeliveryError, Transient
from hub.wire.x_road import Sent


class Outgoing:
    """One request. ``broken`` is why its body broke off, None if it did not; ``begun``: something of it may have gone out."""

    def __init__(self, body: bytes | Callable[[], AsyncIterable[bytes]] | None, *, hashed: bool = False) -> None:
        """``hashed``: ``sent`` will be asked for."""
        self._body = body
        self._hash = hashlib.sha512() if hashed and callable(body) else None
        self._head: tuple[str, str, Mapping[str, str]] = ("", "", {})
        self.begun = False
        self.broken: DeliveryError | None = None

    def data(self) -> bytes | AsyncIterator[bytes] | None:
        """The body as the HTTP library takes it."""
        return self._pieces(self._body()) if callable(self._body) else self._body

    def begin(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """The request begins to be written, with these headers in this order."""
        self.begun = True
        self._head = (method, path, headers)

    @property
    def sent(self) -> Sent:
        """The request as it was written."""
        method, path, headers = self._head
        if self._hash is not None:
            body: bytes | None = self._hash.digest()
        else:
            body = hashlib.sha512(self._body).digest() if isinstance(self._body, bytes) and self._body else None
        return Sent(method, path, list(headers.items()), body)

    async def _pieces(self, stream: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        try:
            async for piece in stream:
                if self._hash is not None:
                    self._hash.update(piece)
                yield piece
        except DeliveryError as failure:
            self.broken = failure
            raise
        except Exception as failure:
            self.broken = Transient("body_broke_off", f"what was to be sent could not be read ({type(failure).__name__})")
            raise

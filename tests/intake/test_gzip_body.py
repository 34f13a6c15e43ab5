"""Packed bodies: what gzip made comes out as it went in, in any pieces; anything else is refused early, in little memory."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import NotParsable, Refused, TooLarge
from hub.intake.gzip_body import MEMBERS, Unpacked


def unpack(packed: bytes, limit: int = 1 << 20, piece: int = 1 << 17) -> bytes:
    unpacked = Unpacked(limit)
    made = b"".join(unpacked.add(packed[at : at + piece]) for at in range(0, len(packed), piece))
    unpacked.end()
    return made


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4), st.integers(1, 300))
def test_members_in_any_pieces(parts: list[bytes], piece: int) -> None:
    """Members put behind one another are one body (RFC 1952 section 2.2)."""
    assert unpack(b"".join(map(gzip.compress, parts)), piece=piece) == b"".join(parts)


@given(st.binary(min_size=1, max_size=500), st.data())
def test_cut_short(content: bytes, data: st.DataObject) -> None:
    """A packed body that lacks its end is never taken for whole."""
    packed = gzip.compress(content)
    with pytest.raises(NotParsable):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])


@pytest.mark.parametrize(
    "packed",
    [
        b"{}", zlib.compress(b"{}"), gzip.compress(b"{}") + b"{}", gzip.compress(b"{}") + b"\0" * 20,
        gzip.compress(b"{}")[:-5] + b"\xff" * 5, gzip.compress(b"") * (MEMBERS + 1),
    ],
    ids=["not packed", "zlib", "trailing text", "trailing zeros", "wrong checksum", "too many members"],
)  # fmt: skip
def test_not_one_good_body(packed: bytes) -> None:
    """400, and the header is named."""
    with pytest.raises(NotParsable) as refused:
        unpack(packed)
    assert [(one.at, one.code) for one in refused.value.problems] == [("Content-Encoding", "bad_gzip")]


def test_the_largest_and_one_byte_more() -> None:
    """The limit is on what comes out."""
    content = random.Random(1).randbytes(1000)
    assert unpack(gzip.compress(content), limit=1000) == content
    with pytest.raises(TooLarge):
        unpack(gzip.compress(content + b"x"), limit=1000)


@pytest.mark.parametrize("limit", [1 << 20, 1 << 30], ids=["by size", "by ratio"])
def test_a_bomb(limit: int) -> None:
    """64 MiB of zeros in 64 KiB are refused before they are made, in one piece or many."""
    packed = gzip.compress(bytes(64 << 20), 9)
    for piece in (len(packed), 1000):
        tracemalloc.start()
        with pytest.raises(TooLarge):
            unpack(packed, limit, piece)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < (4 << 20 if limit == 1 << 20 or piece == 1000 else 40 << 20)


@given(st.binary(max_size=300))
def test_any_bytes(packed: bytes) -> None:
    """Only typed refusals, whatever is sent."""
    try:
        unpack(packed)
    except Refused as error:
        assert error.status in (400, 413)

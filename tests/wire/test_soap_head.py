"""The head reader takes what the full reader takes, and refuses what stands elsewhere."""

from __future__ import annotations

import pytest

from hub.wire.soap import SPACES
from hub.wire.soap_head import read_head
from hub.wire.xml import XmlRefused, parse

SPACE = SPACES["1.1"]


def envelope(inside: str) -> bytes:
    return f'<s:Envelope xmlns:s="{SPACE}">{inside}</s:Envelope>'.encode()


def test_the_blocks_of_the_header() -> None:
    """Those of the one Header, which stands first; none where there is none."""
    assert [one.tag for one in read_head(envelope("<s:Header><a/><b/></s:Header><s:Body><c/></s:Body>")).headers] == ["a", "b"]
    assert read_head(envelope("<s:Body/>")).headers == ()


@pytest.mark.parametrize(
    "inside",
    [
        "<q/><s:Header><a/></s:Header><s:Body/>", "<s:Header><a/></s:Header><q/><s:Body/>",
        "<s:Header><a/></s:Header><s:Header><b/></s:Header><s:Body/>", "<s:Header><a/></s:Header>",
    ],
)  # fmt: skip
def test_what_is_no_header(inside: str) -> None:
    """Nobody signs in by a Header at a place where it is none."""
    with pytest.raises(XmlRefused):
        read_head(envelope(inside))


def test_a_header_behind_the_body_is_not_seen() -> None:
    """However little stands between them."""
    assert read_head(envelope("<s:Body/><s:Header><a/></s:Header>")).headers == ()


@pytest.mark.parametrize("read", [read_head, parse])
@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le"])
def test_a_second_byte_order_mark_hides_no_dtd(read: object, coding: str) -> None:
    """It is refused as such, before anything is parsed."""
    data = ("\ufeff\ufeff<!DOCTYPE x [<!ENTITY a 'b'>]>" + envelope("<s:Body/>").decode()).encode(coding)
    with pytest.raises(XmlRefused, match="two byte order marks"):
        read(data)  # type: ignore[operator]

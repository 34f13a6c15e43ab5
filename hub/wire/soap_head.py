"""Reads the Header of an envelope and nothing behind it, in little time whatever follows: for callers who are not known yet."""

from __future__ import annotations

from lxml import etree

from hub.wire.soap import SPACES, Envelope, version_of
from hub.wire.xml import XmlLimits, XmlRefused, parse_until

HEAD = XmlLimits(bytes=64 * 1024, elements=1_000, depth=64)
"""What may stand before the Body."""


def read_head(data: bytes, limits: XmlLimits = HEAD) -> Envelope:
    """An envelope with its header blocks only. Raises XmlRefused as ``read_envelope`` does, but for what stands in the Body or
    behind it, and for blocks that must be understood."""
    body = parse_until(data, _is_body, limits)
    if body is None or (root := body.getparent()) is None:
        raise XmlRefused.one("/Envelope", "not_soap", "has no Body where one must be")
    version = version_of(root)
    before = list(body.itersiblings(preceding=True))
    if [one.tag for one in before] not in ([], [f"{{{SPACES[version]}}}Header"]):
        raise XmlRefused.one("/Envelope", "not_soap", "has something else than one Header before its Body")
    return Envelope(version, tuple(block for header in before for block in header), None, None)


def _is_body(element: etree._Element) -> bool:
    """Raises XmlRefused for a root that is no envelope."""
    root = element.getparent()
    if root is None:
        version_of(element)
        return False
    return root.getparent() is None and element.tag == f"{{{SPACES[version_of(root)]}}}Body"

"""What may stand around a message in its envelope: header blocks, of which some hold credentials, and nothing else."""

from __future__ import annotations

from lxml import etree

from hub.wire.soap import Envelope
from hub.wire.xml import XmlRefused, element_path, local_name

_ONE_BODY = "an envelope holds at most one Header, then one Body with one operation's element"
_TEXT = "there is text where only elements stand"


def is_security(block: etree._Element) -> bool:
    """Whether a header block is WS-Security's, by its present name or one of its old ones."""
    return local_name(block.tag) == "Security"


def refuse_credentials(envelope: Envelope) -> None:
    """Raises XmlRefused when a header block holds any."""
    for one in envelope.headers:
        if is_security(one):
            wrong = "this way in takes no credentials inside the message"
            hint = "use the HTTP header (Authorization or X-API-Key) and leave the block out"
            raise XmlRefused.one(element_path(one), "credentials", wrong, hint)


def refuse_junk(envelope: Envelope) -> None:
    """Raises XmlRefused for what stands beside the header blocks and the message."""
    body = None if envelope.body is None else envelope.body.getparent()
    root = None if body is None else body.getparent()
    if body is None or root is None:
        return
    behind = body.getnext()
    if behind is not None:
        raise XmlRefused.one(element_path(behind), "misplaced", "nothing may stand behind the Body", _ONE_BODY)
    for element in (root, *root):
        if any(text and not text.isspace() for text in (element.text, *(one.tail for one in element))):
            raise XmlRefused.one(element_path(element), "text", _TEXT, _ONE_BODY)

"""The texts of mixed content: before, between and behind the child elements of an element."""

from __future__ import annotations

from typing import Any

from lxml import etree

from hub.wire.xml_form_parts import Steps, Writing
from hub.wire.xsd_parts import Group

_BLANK = " \t\r\n"


def texts_of(element: etree._Element) -> list[str]:
    """The texts of mixed content: before, between and behind the children; none when they only lay the XML out."""
    texts = [element.text or "", *(child.tail or "" for child in element)]
    return texts if any(text.strip(_BLANK) or (text and "\n" not in text) for text in texts) else []


def put_texts(element: etree._Element, value: Any, at: Steps, w: Writing) -> None:
    """Puts them back."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        w.add(at, "mistyped", "must be text, or a list of texts")
    elif len(texts) > len(element) + 1:
        w.add(at, "too_many", "has more texts than there are places before, between and behind the elements")
    else:
        try:
            element.text = texts[0] if texts else None
            for child, text in zip(element, texts[1:], strict=False):
                child.tail = text
        except ValueError as error:
            w.not_taken(at, error)


def in_any_order(group: Group) -> bool:
    """Whether several elements of a type may stand in any order."""
    inner = (one for one in group.items if isinstance(one, Group))
    return (group.kind == "all" and len(group.items) > 1) or any(map(in_any_order, inner))

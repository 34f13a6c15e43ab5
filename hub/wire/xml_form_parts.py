"""What the forms of types share: the keys of the object form, and one reading or writing with what it finds wrong."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lxml import etree

from hub.wire.xml import local_name, shown_name
from hub.wire.xml_types import Illegal
from hub.wire.xsd_parts import Attribute, Simple

if TYPE_CHECKING:
    from hub.wire.xml_content import Content

TYPE_KEY, NIL_KEY, TEXT_KEY, ANY_KEY, GROUP_KEY = "@xsi:type", "@xsi:nil", "#text", "#any", "#group"
Steps = tuple[str | int, ...]
"""A way down an object: keys and positions."""
MOST = 100
"""So many problems of one document are told."""
NOT_KNOWN = ("unknown_property", "is not a field of the schema")


@dataclass(slots=True)
class Reading:
    """One reading: what was found wrong, by element and the steps below it in its object. ``check``: no validator saw it.

    ``skipped``: what lax reading passed over, as the element that holds it and its name there.
    """

    lax: bool
    check: bool
    wrong: list[tuple[etree._Element, Steps, str, str]] = field(default_factory=list)
    skipped: list[tuple[etree._Element, str]] = field(default_factory=list)

    def skip(self, element: etree._Element, name: str) -> None:
        if len(self.skipped) < MOST:
            self.skipped.append((element, name))

    def skip_child(self, child: etree._Element) -> None:
        parent = child.getparent()
        if parent is not None:
            self.skip(parent, shown_name(local_name(child.tag)))

    def add(self, element: etree._Element, code: str, message: str, *steps: str | int) -> None:
        if len(self.wrong) < MOST:
            self.wrong.append((element, steps, code, message))


@dataclass(slots=True)
class Writing:
    """One writing: what was found wrong, by place in the object."""

    wrong: list[tuple[Steps, str, str]] = field(default_factory=list)

    def add(self, at: Steps, code: str, message: str) -> None:
        if len(self.wrong) < MOST:
            self.wrong.append((at, code, message))

    def not_taken(self, at: Steps, error: ValueError) -> None:
        """A value that its type does not take (Illegal), or a text that XML does not (lxml's ValueError)."""
        if isinstance(error, Illegal):
            self.add(at, "mistyped", str(error))
        else:
            self.add(at, "not_xml", "holds characters that XML does not know")


class TypeForm(abc.ABC):
    """How the content of one type is read and written. ``content``: its child elements, ``simple``: the type of its text."""

    content: Content | None = None
    simple: Simple | None = None

    def said(self, element: etree._Element) -> TypeForm:
        """The form of the type that the element says it has (xsi:type), or else this one."""
        return self

    def attribute(self, tag: str) -> Attribute | None:
        """The declaration of an attribute."""
        return None

    @abc.abstractmethod
    def read(self, element: etree._Element, r: Reading) -> Any:
        """The object form of the element."""

    @abc.abstractmethod
    def write(self, element: etree._Element, value: Any, at: Steps, w: Writing) -> None:
        """Fill the element with a value in object form."""

    def place(self, element: etree._Element, child: etree._Element) -> Steps:
        """Where a child's value stands in the element's object."""
        return ()

    def form_below(self, element: etree._Element, child: etree._Element) -> TypeForm | None:
        """The form of a child, None when it is not known."""
        return None

    def below(self) -> Iterator[TypeForm]:
        """The types of its children, and those that may stand for it."""
        return iter(())

    def names(self) -> Iterator[str]:
        """The tags of its children and attributes."""
        return iter(())

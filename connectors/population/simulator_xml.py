"""What the simulated registry sees of a document: plain nodes, from the hub's one reading of XML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.wire.xml import local_name, parse


@dataclass(frozen=True, slots=True)
class Node:
    """One element: its names, the text before its first child, its attributes and its child elements in order."""

    namespace: str
    name: str
    text: str
    attributes: dict[str, str]
    children: tuple[Node, ...]

    def walk(self) -> Iterator[Node]:
        """This element and all below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_xml(data: bytes) -> Node:
    """The root element. Raises XmlRefused."""
    return _node(parse(data))


def _node(element: Any) -> Node:
    tag = str(element.tag)
    attributes = {str(key): str(value) for key, value in element.attrib.items()}
    namespace = tag[1 : tag.rfind("}")] if tag.startswith("{") else ""
    return Node(namespace, local_name(tag), element.text or "", attributes, tuple(_node(child) for child in element))

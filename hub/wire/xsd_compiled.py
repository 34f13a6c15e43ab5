"""The schemas as libxml2's validator takes them: compiled from memory, every import led to what was collected.

Beside the schemas to the letter there is a lenient edition: no element is required. With it the values of a document are
checked although elements are missing.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from hub.errors import BadConfig, Problem
from hub.wire.xsd_files import SOAP_ENCODING, XS, Document, Schemas


def compiled(schemas: Schemas, lenient: bool = False) -> etree.XMLSchema:
    """The validator of all schemas together. Raises BadConfig."""
    served = _served(schemas, lenient)
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    parser.resolvers.add(_Memory({name: text for name, (text, _) in served.items()}))
    try:
        return etree.XMLSchema(etree.fromstring(served["hub:all"][0], parser))
    except etree.XMLSchemaParseError as error:
        places = {name: document for name, (_, document) in served.items()}
        raise BadConfig(list(dict.fromkeys(_unusable(one, places) for one in error.error_log)) or [_NO_REASON]) from None


class _Memory(etree.Resolver):
    """Gives the validator what was collected, and nothing else."""

    def __init__(self, texts: dict[str, bytes]) -> None:
        self._texts = texts

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]
        return self.resolve_string(self._texts[system_url], context, base_url=system_url)


def _served(schemas: Schemas, lenient: bool) -> dict[str, tuple[bytes, Document | None]]:
    """Every schema document by a made-up address: one for all, one for each namespace, and those they are made of."""
    documents = list(schemas.documents.values())
    spaces = list(dict.fromkeys(document.namespace for document in documents))
    imports = {space: f"hub:namespace/{index}" for index, space in enumerate(spaces) if space}
    parts = {space: [f"hub:{i}" for i, one in enumerate(documents) if one.namespace == space] for space in spaces}
    served: dict[str, tuple[bytes, Document | None]] = {"hub:all": (_frame("", parts.get("", []), imports), None)}
    for space, address in imports.items():
        served[address] = (_frame(space, parts[space], {}), None)
    for index, document in enumerate(documents):
        node = etree.fromstring(etree.tostring(document.node, with_tail=False))  # a copy with the prefixes from above
        for child in list(node.iterchildren(XS + "import", XS + "include")):
            node.remove(child)
        _open_arrays(node, document)
        if lenient:
            _require_nothing(node)
        for space, address in imports.items():
            if space != document.namespace:
                node.insert(0, etree.Element(XS + "import", namespace=space, schemaLocation=address))
        if "" in parts and document.namespace:
            node.insert(0, etree.Element(XS + "import", schemaLocation="hub:none"))
        served[f"hub:{index}"] = (etree.tostring(node), document)
    served["hub:none"] = (_frame("", parts.get("", []), {}), None)
    return served


def _open_arrays(node: etree._Element, document: Document) -> None:
    """Lets anything stand in a SOAP array: WSDLs restrict its attributes alone, which to the letter means no content."""
    for step in node.iter(XS + "restriction"):
        if step.get("base") and document.qname(step, step.get("base", "")) == f"{{{SOAP_ENCODING}}}Array":
            holder: Any = next(step.iterancestors(XS + "complexType"))
            for child in list(holder):
                holder.remove(child)
            content = etree.SubElement(holder, XS + "sequence")
            etree.SubElement(content, XS + "any", minOccurs="0", maxOccurs="unbounded", processContents="lax")
            etree.SubElement(holder, XS + "anyAttribute", processContents="skip")


def _require_nothing(node: etree._Element) -> None:
    """Makes every element optional, but for types in which a wildcard might then take it."""
    for holder in node.iter(XS + "complexType", XS + "group"):
        if next(holder.iter(XS + "any"), None) is None:
            for one in holder.iter(XS + "element"):
                if one.get("maxOccurs", "1").strip() != "0":
                    one.set("minOccurs", "0")


def _frame(space: str, parts: list[str], imports: dict[str, str]) -> bytes:
    node = etree.Element(XS + "schema", nsmap={"xs": XS[1:-1]})
    if space:
        node.set("targetNamespace", space)
    for namespace, address in imports.items():
        etree.SubElement(node, XS + "import", namespace=namespace, schemaLocation=address)
    for address in parts:
        etree.SubElement(node, XS + "include", schemaLocation=address)
    return etree.tostring(node)


_NO_REASON = Problem("", "schema", "the schema cannot be used, and the validator does not say why")


def _unusable(entry: etree._LogEntry, places: dict[str, Document | None]) -> Problem:
    document = places.get(entry.filename or "")
    line = entry.line + (document.node.sourceline or 1) - 1 if document else 0
    source = f"{document.location}:{line}" if document else ""
    return Problem("", "schema", entry.message, "mend the schema", source)

"""The WSDL of a SOAP door as it is handed out: its address and those of what it imports are where the caller asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from hub.translation.xml_schema import APPINFO, XmlDocuments
from hub.wire.xml import XmlLimits, parse, to_bytes
from hub.wire.xsd_files import absolute

WSDL = ""
"""The name of the WSDL itself among the files of a door."""
_XS = "{http://www.w3.org/2001/XMLSchema}"
_WSDL_IMPORT = "{http://schemas.xmlsoap.org/wsdl/}import"
_LOCATIONS = {f"{_XS}import": "schemaLocation", f"{_XS}include": "schemaLocation", _WSDL_IMPORT: "location"}
_ADDRESSES = ("{http://schemas.xmlsoap.org/wsdl/soap/}address", "{http://schemas.xmlsoap.org/wsdl/soap12/}address")
_LIMITS = XmlLimits(bytes=20 * 1024 * 1024, depth=200, namespaces=1000)


def files_of(documents: XmlDocuments) -> dict[str, bytes]:
    """What a door hands out, by the path under it: each file with its imports written as ``door:`` and such a path."""
    home = documents.files[0].parent
    names = {path: path.relative_to(home).as_posix() for path in documents.files if path.is_relative_to(home)}
    names[documents.files[0]] = WSDL
    return {name: _prepared(path, names, documents.imports) for path, name in names.items()}


def _prepared(path: Path, names: Mapping[Path, str], imports: Mapping[str, Path]) -> bytes:
    """The file with the places of its imports as ``door:NAME``; without what only the hub wants to know."""
    root = parse(path.read_bytes(), _LIMITS)
    bases = [address for address, file in imports.items() if file.resolve() == path]
    for one in root.iter(*_LOCATIONS):
        attribute = _LOCATIONS[str(one.tag)]
        if (location := one.get(attribute)) is None:
            continue
        addresses = (location, *(absolute(location, base) for base in bases))
        meant = next((imports[one] for one in addresses if one in imports), path.parent / unquote(location))
        if (name := names.get(meant.resolve())) is not None:
            one.set(attribute, f"door:{quote(name)}")
    for one in list(root.iter(f"{_XS}appinfo")):
        holder = one.getparent()
        if one.get("source") == APPINFO and holder is not None:
            holder.remove(one)
    return to_bytes(root)


def published(prepared: bytes, address: str) -> bytes:
    """The file for a caller that reaches the door at ``address``."""
    root = parse(prepared, _LIMITS)
    for one in root.iter(*_LOCATIONS):
        attribute = _LOCATIONS[str(one.tag)]
        location = one.get(attribute) or ""
        if location.startswith("door:"):
            name = location.removeprefix("door:")
            one.set(attribute, f"{address}/{name}" if name else f"{address}?wsdl")
    for one in root.iter(*_ADDRESSES):
        one.set("location", address)
    return to_bytes(root)

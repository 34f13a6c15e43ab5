"""SOAP envelopes: written by an operation's forms, read with their headers and faults told apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from lxml import etree

from hub.errors import Problem
from hub.message import Clock
from hub.wire.wsdl import Operation
from hub.wire.xml import LIMITS, XmlLimits, XmlRefused, element_path, local_name, parse, to_bytes
from hub.wire.xml_form import XmlMisfit

Version = Literal["1.1", "1.2"]
FaultCode = Literal["Sender", "Receiver", "MustUnderstand", "VersionMismatch"]
SPACES: dict[Version, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
_WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
SECURITY_TAG = _WSSE + "Security"
PROBLEMS = "urn:dossier-hub:problems"
_OLD_CODES = {"Client": "Sender", "Server": "Receiver"}
_NEW_CODES = {new: old for old, new in _OLD_CODES.items()}
OURS = (None, "", "http://schemas.xmlsoap.org/soap/actor/next", f"{SPACES['1.2']}/role/next",
        f"{SPACES['1.2']}/role/ultimateReceiver")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Security:
    """A WS-Security UsernameToken: the password as ``text`` or ``digest``; with ``timestamp_seconds`` a Timestamp that long."""

    kind: Literal["text", "digest"]
    username: str
    password: str
    timestamp_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """What a caller's UsernameToken says; ``kind`` is ``text`` or ``digest``."""

    kind: Literal["text", "digest"]
    username: str
    password: str
    nonce: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """``code`` is one of SOAP's four in the words of 1.2 (Sender, Receiver, MustUnderstand, VersionMismatch) or a partner's.

    ``reason`` is the partner's text: not to be shown unmasked. ``actor`` is 1.1's faultactor or 1.2's role.
    ``detail`` is the detail element itself, its children are what the WSDL declares as faults.
    """

    code: str
    subcode: str
    reason: str
    actor: str
    detail: etree._Element | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A read envelope; ``body`` is the element in the Body (None when empty or a fault)."""

    version: Version
    headers: tuple[etree._Element, ...]
    body: etree._Element | None
    fault: Fault | None


def write_envelope(
    operation: Operation, body: Any, headers: Mapping[str, Any] | None = None, security: Security | None = None, *,
    clock: Clock, answer: bool = False, blocks: Sequence[etree._Element] = (),
) -> bytes:  # fmt: skip
    """The request (or with ``answer`` the answer) of an operation as bytes in UTF-8. Raises XmlMisfit.

    ``headers``: header blocks by local name, those the operation declares; problems of theirs stand under ``/Header/<name>``.
    ``blocks``: header blocks of the way there, which no operation declares.
    """
    space = SPACES[operation.version]
    envelope = etree.Element(f"{{{space}}}Envelope", nsmap={"soap": space})
    declared = operation.output_headers if answer else operation.input_headers
    if headers or security or blocks:
        header = etree.SubElement(envelope, f"{{{space}}}Header")
        header.extend(blocks)
        for name, value in (headers or {}).items():
            if name not in declared:
                hint = f"one of: {', '.join(declared) or '(none)'}"
                raise XmlMisfit([Problem("", "unknown_header", f"the operation has no header {name}", hint)])
            try:
                header.append(declared[name].write(value))
            except XmlMisfit as misfit:
                raise XmlMisfit(replace(one, at=f"/Header/{name}{one.at}") for one in misfit.problems) from None
    form = operation.output if answer else operation.input
    whole = etree.SubElement(envelope, f"{{{space}}}Body")
    if form is not None:
        element = form.write(body)
        whole.append(element)
        if operation.encoded:
            element.set(f"{{{space}}}encodingStyle", "http://schemas.xmlsoap.org/soap/encoding/")
    elif body not in (None, {}):
        raise XmlMisfit([Problem("", "not_empty", "the body of this message is empty")])
    if security is not None:
        _secure(envelope, security, clock)
    return to_bytes(envelope)


def read_envelope(data: bytes, limits: XmlLimits = LIMITS, understood: Collection[str] = ()) -> Envelope:
    """Reads an envelope of either version. Raises XmlRefused (also for XML that is no SOAP envelope: code ``not_soap``).

    ``understood``: tags of header blocks that the caller handles; another one with mustUnderstand is refused with the
    code ``must_understand``.
    """
    root = parse(data, limits)
    version = version_of(root)
    space = f"{{{SPACES[version]}}}"
    parts = list(root)
    header = parts.pop(0) if parts and parts[0].tag == space + "Header" else None
    if not parts or parts[0].tag != space + "Body":
        raise XmlRefused.one(element_path(root), "not_soap", "has no Body where one must be")
    headers = tuple(header) if header is not None else ()
    for one in headers:
        role = one.get(space + ("role" if version == "1.2" else "actor"))
        if (one.get(space + "mustUnderstand") or "").strip() in ("1", "true") and role in OURS and one.tag not in understood:
            raise XmlRefused.one(element_path(one), "must_understand", "a header must be understood, and is not known")
    if len(parts[0]) > 1:
        raise XmlRefused.one(element_path(parts[0]), "several_bodies", "has more than one element in its Body")
    body = next(iter(parts[0]), None)
    if body is not None and body.tag == space + "Fault":
        return Envelope(version, headers, None, _fault(body, version))
    if body is not None and body.get(space + "encodingStyle") is not None:
        del body.attrib[space + "encodingStyle"]  # of SOAP, not of the schema
    return Envelope(version, headers, body, None)


def version_of(root: etree._Element) -> Version:
    """That of an envelope. Raises XmlRefused for any other element."""
    for version, space in SPACES.items():
        if root.tag == f"{{{space}}}Envelope":
            return version
    code = "version_mismatch" if local_name(root.tag) == "Envelope" else "not_soap"
    hint = f"send an Envelope of the namespace {SPACES['1.1']} or {SPACES['1.2']}"
    raise XmlRefused.one(element_path(root), code, "is no envelope of SOAP 1.1 or 1.2", hint)


def _fault(element: etree._Element, version: Version) -> Fault:
    """Reads by local names: partners are careless with the namespaces in a fault."""
    found = {local_name(child.tag): child for child in element}
    if version == "1.1":
        code, _, subcode = local_name(_text(found.get("faultcode")).rpartition(":")[2]).partition(".")
        reason, actor, detail = _text(found.get("faultstring")), _text(found.get("faultactor")), found.get("detail")
    else:
        codes = [_text(one).rpartition(":")[2] for one in found["Code"].iter("{*}Value")] if "Code" in found else []
        code, subcode = (*codes, "", "")[:2]
        reason = _text(next(found["Reason"].iter("{*}Text"), None)) if "Reason" in found else ""
        actor, detail = _text(found.get("Role")), found.get("Detail")
    return Fault(_OLD_CODES.get(code, code), subcode, reason, actor, detail)


def _text(element: etree._Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def http_headers(operation: Operation) -> dict[str, str]:
    """Content-Type and, for 1.1, SOAPAction, of a request."""
    if operation.version == "1.1":
        return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation.action}"'}
    action = f'; action="{operation.action}"' if operation.action else ""
    return {"Content-Type": f"application/soap+xml; charset=utf-8{action}"}


def content_type(version: Version) -> str:
    """The Content-Type of an answer."""
    return "text/xml; charset=utf-8" if version == "1.1" else "application/soap+xml; charset=utf-8"


def _secure(envelope: etree._Element, security: Security, clock: Clock) -> None:
    from zeep.wsse import username, utils  # here, because zeep takes a third of a second to import

    token_class: Any = username.UsernameToken
    timestamp_of: Any = utils.get_timestamp
    now = datetime.fromtimestamp(clock() / 1_000_000, UTC)
    timestamp = None
    if security.timestamp_seconds is not None:
        ends = now + timedelta(seconds=security.timestamp_seconds)
        timestamp = utils.WSU.Timestamp(utils.WSU.Created(timestamp_of(now, True)), utils.WSU.Expires(timestamp_of(ends, True)))
    token = token_class(
        security.username, security.password, use_digest=security.kind == "digest", created=now, zulu_timestamp=True,
        timestamp_token=timestamp,
    )  # fmt: skip
    token.apply(envelope, {})


def username_token(envelope: Envelope) -> UsernameToken | None:
    """The UsernameToken in the Security header, if there is one. Raises XmlRefused when there are two."""
    found = [token for one in envelope.headers if one.tag == SECURITY_TAG for token in one.iter(_WSSE + "UsernameToken")]
    if not found:
        return None
    if len(found) > 1:
        raise XmlRefused.one(element_path(found[1]), "bad_security", "there is more than one UsernameToken")
    parts = {local_name(child.tag): child for child in found[0]}
    password = parts.get("Password")
    kind = (password.get("Type") or "") if password is not None else ""
    return UsernameToken(
        "digest" if kind.endswith("#PasswordDigest") else "text", _text(parts.get("Username")),
        (password.text or "") if password is not None else "", _text(parts.get("Nonce")), _text(parts.get("Created")),
    )  # fmt: skip


def write_fault(
    version: Version, code: FaultCode, reason: str, detail: Sequence[Problem] | etree._Element = (), subcode: str = ""
) -> bytes:
    """A fault envelope: problems stand in the detail as ``urn:dossier-hub:problems``; an element there as it is.
    ``subcode``: a ``{namespace}name`` that says more than the code, and stands in its place in SOAP 1.1."""
    spaces, more = ({"sub": subcode[1:].partition("}")[0]}, f"sub:{local_name(subcode)}") if subcode else (None, "")
    space = SPACES[version]
    envelope = etree.Element(f"{{{space}}}Envelope", nsmap={"soap": space})
    fault = etree.SubElement(etree.SubElement(envelope, f"{{{space}}}Body"), f"{{{space}}}Fault")
    if version == "1.1":
        etree.SubElement(fault, "faultcode", nsmap=spaces).text = more or f"soap:{_NEW_CODES.get(code, code)}"
        etree.SubElement(fault, "faultstring").text = reason
    else:
        etree.SubElement(whole := etree.SubElement(fault, f"{{{space}}}Code"), f"{{{space}}}Value").text = f"soap:{code}"
        if more:
            etree.SubElement(etree.SubElement(whole, f"{{{space}}}Subcode"), f"{{{space}}}Value", nsmap=spaces).text = more
        text = etree.SubElement(etree.SubElement(fault, f"{{{space}}}Reason"), f"{{{space}}}Text")
        text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
        text.text = reason
    if len(detail):
        holder = etree.SubElement(fault, "detail" if version == "1.1" else f"{{{space}}}Detail")
        holder.append(detail if isinstance(detail, etree._Element) else _listed(detail))
    return to_bytes(envelope)


def _listed(problems: Sequence[Problem]) -> etree._Element:
    whole = etree.Element(f"{{{PROBLEMS}}}problems", nsmap={"p": PROBLEMS})
    for problem in problems:
        one = etree.SubElement(whole, f"{{{PROBLEMS}}}problem")
        for name, text in problem.as_dict().items():
            if name == "message":
                one.text = text
            else:
                one.set(name, text)
    return whole

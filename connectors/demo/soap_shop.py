"""How the older one-stop system of the demo posts an envelope and reads the answer, without anything of the hub's."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import aiohttp

from connectors.demo.envelopes import OWN_KEY, SPACE
from connectors.demo.script import Item

PATH = "/soap/one-stop"
_OPERATIONS = {"state": "SubmitDossier", "step": "ReportProgress"}


async def post(session: aiohttp.ClientSession, url: str, item: Item, key: str) -> tuple[int, dict[str, Any], bool]:
    """Status, what the answer says in the words of a REST answer, and whether it is the first receipt given again."""
    action = f'"{SPACE}/{_OPERATIONS[item.part]}"'
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action}
    body = item.body.replace(OWN_KEY.encode(), key.encode())
    async with session.post(f"{url}{PATH}", data=body, headers=headers) as response:
        said = ElementTree.fromstring(await response.read())
        return response.status, _told(said), said.findtext(f".//{{{SPACE}}}Repeated") == "true"


def _told(said: ElementTree.Element) -> dict[str, Any]:
    """A receipt, or a fault with the places that it names."""
    fault = said.findtext(".//faultcode")
    if fault is None:
        return {
            "arrival": said.findtext(f".//{{{SPACE}}}ReceiptId"),
            "state": said.findtext(f".//{{{SPACE}}}State"),
        }
    errors = [
        {"pointer": one.get("at", ""), "code": one.get("code", "")} for one in said.iter() if one.tag.endswith("}problem")
    ]
    return {"type": fault, "errors": errors}

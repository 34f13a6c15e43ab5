"""A land registry made with spyne, in a process of its own: SOAP 1.1 at /soap11, SOAP 1.2 at /soap12, checked by its schema.

Written without the hub: what goes over the wire is read and written by somebody else's code. Prints its port; each message it
takes is a line of JSON in the file that it is given.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from spyne import Application, Array, Boolean, ComplexModel, Fault, Integer, ServiceBase, Unicode, XmlAttribute, rpc
from spyne.protocol.soap import Soap11, Soap12
from spyne.util.wsgi_wrapper import WsgiMounter

SPACE = "urn:registry:land"
MUST = {"min_occurs": 1, "nillable": False}


class Paper(ComplexModel):
    __namespace__ = SPACE
    Title = Unicode(**MUST)
    Copies = Integer
    kind = XmlAttribute(Unicode)


class Outcome(ComplexModel):
    __namespace__ = SPACE
    Code = Unicode(**MUST)
    ReceiptId = Unicode
    LandCode = Unicode


class Login(ComplexModel):
    __namespace__ = SPACE
    Account = Unicode(**MUST)
    Secret = Unicode(**MUST)


class Land(ServiceBase):
    """What it holds lives as long as the process."""

    __in_header__ = Login

    @rpc(
        Unicode(**MUST), Unicode(**MUST), Unicode(**MUST), Unicode, Boolean, Array(Paper, wrapped=False),
        _in_variable_names={f"a{i}": n for i, n in enumerate(("RequestId", "Code", "State", "OwnerName", "Online", "Papers"))},
        _returns=Outcome,
    )  # fmt: skip
    def SubmitDossier(ctx: Any, a0: str, a1: str, a2: str, a3: str | None, a4: bool | None, a5: Any) -> Outcome:
        login = ctx.in_header
        if login is None or (login.Account, login.Secret) != ("hub", "secret"):
            raise Fault("Client.Account", "unknown account")
        if a0 in HELD:
            return Outcome(Code="KNOWN", ReceiptId=HELD[a0])
        if a3 == REFUSED:
            raise Fault("Client.NoSuchUnit", f"no unit for {a3}")
        HELD[a0] = f"R-{len(HELD) + 1}"
        papers = [{"title": one.Title, "copies": one.Copies, "kind": one.kind} for one in a5 or ()]
        taken = {"id": a0, "code": a1, "state": a2, "owner": a3, "online": a4, "papers": papers}
        with LOG.open("a", encoding="utf-8") as log:
            log.write(json.dumps(taken, ensure_ascii=False) + "\n")
        if a3 == BREAKS:
            raise RuntimeError("the registry broke after it had taken the message")
        return Outcome(Code="OK", ReceiptId=HELD[a0], LandCode=f"L/{a1}")

    @rpc(Unicode(**MUST), _in_variable_names={"request": "RequestId"}, _returns=Unicode)
    def QueryDossier(ctx: Any, request: str) -> str | None:
        return HELD.get(request)


HELD: dict[str, str] = {}
REFUSED, BREAKS = "Nguyễn Văn Từ Chối", "Nguyễn Văn Hỏng"
"""Owners for whom it has no unit, and whose dossiers it takes before it breaks."""
LOG = Path("/dev/null")


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing to say."""


def main() -> None:
    global LOG
    LOG = Path(sys.argv[1])
    mounted = {
        path: Application([Land], SPACE, name="LandRegistry", in_protocol=kind(validator="lxml"), out_protocol=kind())
        for path, kind in (("soap11", Soap11), ("soap12", Soap12))
    }
    with make_server("127.0.0.1", 0, WsgiMounter(mounted), handler_class=Quiet) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()

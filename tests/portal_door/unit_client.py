"""A province's own client of the national portal, written from the adapter protocol alone: it imports nothing of the hub.

It is what stands on the other side of a portal-compatible door: an existing provincial system that knows the portal's calls,
is given another address, and must see no difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

PORTAL = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
CHUNK = 10  # progress steps of one call
READ_SECONDS = 60.0

Record = Mapping[str, object]


@dataclass(frozen=True)
class Door:
    """Where the portal's calls go and as whom: the configuration that a provincial system has today."""

    base: str  # what stands before the paths, such as http://host:8080/XrdAdapter/RestService/forward
    username: str
    password: str
    madonvi: str = "000.00.00.H22"
    dstcode: str = PORTAL
    dstcode_place: Literal["header", "query"] = "header"
    provider_url: str = ""
    auth_path: str = "/mapi/login"
    share_path: str = "/mapi/g"
    integration_path: str = "/mapi/g"


@dataclass(frozen=True)
class Answer:
    """An answer as it came. `error_code` is None when the answer is not an envelope; `result` when it has none."""

    status: int
    error_code: int | None
    message: str
    result: Any = None
    session: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 200 and self.error_code == 0

    @property
    def session_is_bad(self) -> bool:
        """No code is published for it, so the message is read."""
        said = self.message.casefold()
        return not self.ok and self.error_code is not None and ("session" in said or "phiên" in said)


class UnitClient:
    """Signs in when it must, and once more when a session was not taken."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.session = ""
        self.sign_ins = 0
        self._opener: OpenerDirector = build_opener(ProxyHandler({}))

    # The transport

    def post(self, path: str, body: bytes, content_type: str = "application/json") -> Answer:
        door = self.door
        headers = {"Accept": "application/json", "Content-Type": content_type, "Charset": "utf-8"}
        query: dict[str, str] = {}
        if door.dstcode_place == "header":
            headers["dstcode"] = door.dstcode
        else:
            query["dstcode"] = door.dstcode
        if door.provider_url:
            query["providerurl"] = door.provider_url
        url = door.base.rstrip("/") + path + ("?" + urlencode(query) if query else "")
        request = Request(url, data=body, headers=headers, method="POST")
        try:
            with self._opener.open(request, timeout=READ_SECONDS) as response:
                return _answer(response.status, response.read())
        except HTTPError as refused:
            with refused:
                return _answer(refused.code, refused.read())

    # The session

    def sign_in(self, username: str | None = None, password: str | None = None) -> Answer:
        """With the door's own account unless told another; what it gives is the session of the next calls."""
        account = {
            "username": self.door.username if username is None else username,
            "password": self.door.password if password is None else password,
        }
        answer = self.post(self.door.auth_path, as_json(account))
        self.sign_ins += 1
        if answer.ok and answer.session:
            self.session = answer.session
        return answer

    def envelope(self, service: str, keys: Record | None = None, session: str | None = None) -> dict[str, object]:
        """The flat envelope of a call. The session is the client's own, another one, or with "" none at all."""
        token = self.session if session is None else session
        head = {"session": token} if token else {}
        return {**head, "madonvi": self.door.madonvi, "service": service, **(keys or {})}

    def call(self, path: str, service: str, keys: Record | None = None) -> Answer:
        if not self.session:
            signed = self.sign_in()
            if not self.session:
                return signed
        answer = self.post(path, as_json(self.envelope(service, keys)))
        if answer.session_is_bad and self.sign_in().ok:
            answer = self.post(path, as_json(self.envelope(service, keys)))
        return answer

    def call_with(self, session: str, path: str, service: str, keys: Record | None = None) -> Answer:
        """One call with the session given ("": without one), never renewed."""
        return self.post(path, as_json(self.envelope(service, keys, session)))

    def share(self, service: str, keys: Record | None = None) -> Answer:
        return self.call(self.door.share_path, service, keys)

    def integration(self, service: str, keys: Record | None = None) -> Answer:
        return self.call(self.door.integration_path, service, keys)

    # Catalogues and procedures

    def catalogue(self, name: str) -> Answer:
        """`LayDanhMuc` + name: CoQuan, LinhVuc, GioiTinh, TinhThanh and so on."""
        return self.share("LayDanhMuc" + name)

    def procedures(self) -> Answer:
        return self.share("LayDanhSachTTHC")

    def procedure(self, code: str) -> Answer:
        return self.integration("LayThuTuc", {"maTTHC": code})

    # Dossiers

    def look_up(self, dossier_code: str) -> Answer:
        return self.integration("TraCuuHoSo", {"mahoso": dossier_code})

    def insert(self, dossiers: Sequence[Record]) -> Answer:
        return self.integration("DongBoHoSoMC", {"isUpdating": "False", "data": list(dossiers)})

    def update(self, dossiers: Sequence[Record]) -> Answer:
        return self.integration("DongBoHoSoMC", {"isUpdating": "True", "data": list(dossiers)})

    def progress(self, steps: Sequence[Record]) -> list[Answer]:
        """In chunks, in order. The first chunk that is refused ends it: a later step must not stand before an earlier one."""
        answers: list[Answer] = []
        for chunk in _chunks(steps, CHUNK):
            answers.append(self.integration("CapNhatTienDoHoSoMC", {"data": chunk}))
            if not answers[-1].ok:
                break
        return answers


def _chunks(steps: Sequence[Record], size: int) -> Iterable[list[Record]]:
    for start in range(0, len(steps), size):
        yield list(steps[start : start + size])


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _answer(status: int, body: bytes) -> Answer:
    text = body.decode(errors="replace")
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or "error_code" not in said:
        return Answer(status, None, text)
    message, session = said.get("message"), said.get("session")
    return Answer(
        status,
        _number(said["error_code"]),
        message if isinstance(message, str) else "",
        said.get("result"),
        session if isinstance(session, str) else "",
    )


def _number(code: object) -> int | None:
    """A code may come as a number or as its digits."""
    if isinstance(code, bool) or not isinstance(code, int | str):
        return None
    try:
        return int(code)
    except ValueError:
        return None

"""How the simulated ministry portal says what it has to say: the wrapping, its codes, and the shapes that vary (contract 2)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.ministry_portal.simulator_config import MinistryPortalSimulatorConfig
from connectors.ministry_portal.simulator_rules import Breach
from hub.testing import FaultRule
from hub.testing.fault_play import Answer

NO_TOKEN = "Token không hợp lệ hoặc đã hết hạn"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of an operation before it gets its wire form. ``code`` None: the one of success, or the HTTP status.

    ``bare``: ``data`` is the whole answer, without the wrapping. ``codes``: what the call was about, for the log of calls.
    """

    data: Any = None
    status: int = 200
    code: int | str | None = None
    message: str = ""
    outcome: str = "ok"
    effect: bool = False
    bare: bool = False
    codes: Sequence[str] = ()


def refused(status: int, message: str, outcome: str) -> Reply:
    """A refusal whose code is its HTTP status."""
    return Reply(None, status, status, message, outcome)


class Answers:
    """Replies in the configured form."""

    def __init__(self, config: MinistryPortalSimulatorConfig) -> None:
        self._config = config

    def wire(self, reply: Reply) -> Answer:
        """The reply as it goes out."""
        code = self._config.ok_code if reply.code is None else reply.code
        if self._config.code_form == "string":
            code = str(code)
        told = reply.data if reply.bare else {"code": code, "message": reply.message, "data": reply.data}
        status = 200 if self._config.failure == "body" else reply.status
        return Answer(orjson.dumps(told), reply.outcome, reply.effect, status, code)

    def planted(self, rule: FaultRule) -> Reply:
        """The refusal that a rule says; a code that is an HTTP status of failure is told as one."""
        code = 400 if rule.code is None else rule.code
        status = code if isinstance(code, int) and 400 <= code <= 599 else 200
        return Reply(None, status, code, "Từ chối" if rule.message is None else rule.message, "refused")

    def breach(self, breach: Breach) -> Reply:
        """A field that is missing or wrong: 400 and its name."""
        quoted = f" ({breach.value})" if self._config.quote_values and breach.value is not None else ""
        return refused(
            400, f"{breach.field} {breach.what}{quoted}".strip(), "missing_field" if breach.missing else "wrong_field"
        )

    def ids(self, dossier_id: str | int, code: str) -> dict[str, Any]:
        """idHoSo and maHoSo, spelled as configured."""
        names = ("idHoSo", "maHoSo") if self._config.answer_case == "camel" else ("IdHoSo", "MaHoSo")
        return dict(zip(names, (dossier_id, code), strict=True))

    def file_hash(self, sha256: bytes) -> str:
        """HashTepTin of a content, written as configured."""
        if self._config.hash_form == "base64":
            return base64.b64encode(sha256).decode()
        return sha256.hex().upper() if self._config.hash_form == "upper_hex" else sha256.hex()

    def uploaded(self, files: Sequence[dict[str, str]]) -> list[Any]:
        """``data`` of an upload of these files."""
        if self._config.upload_answer == "flat":
            return list(files)
        return [{"response": {"data": [one]}} for one in files]

"""Every code that the hub itself gives a delivery, or a connector that comes with it, has words in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.console.words import WORDS, Words

ROOT = Path(__file__).parents[2]
PLACES = (
    "connectors/soap",
    "connectors/population",
    "connectors/national_portal",
    "connectors/database",
    "connectors/kafka",
    "hub/wire/http.py",
    "hub/delivery",
)
GIVES = {"Rejected", "Transient", "NotConnected", "InDoubt", "AccountRefused", "unclear", "Judged", "Held", "Waits",
         "Settlement", "_unreadable", "_unsure"}  # fmt: skip
_CODE = re.compile(r"[a-z][a-z_]{2,40}")
_NO_CODES = {
    "accepted", "rejected", "transient", "delivered", "dead", "again",
    "not_found_there", "nothing_sent",  # they wait to be sent: no cause that the page shows
}  # fmt: skip


def _given(tree: ast.Module) -> Iterator[str]:
    """The texts that look like codes, where something is made that carries one; also in tables of such."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            values: list[ast.expr] = [*node.args, *(one.value for one in node.keywords if one.arg == "code")]
            if name in GIVES:
                yield from (one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and "_MISFITS" in ast.unparse(node.targets[0]):
            yield from (one.elts[0].value for one in node.value.values  # type: ignore[misc,attr-defined]
                        if isinstance(one, ast.Tuple))  # fmt: skip
        elif isinstance(node, ast.FunctionDef) and node.name.endswith("_code"):
            yield from (one.value.value for one in ast.walk(node)  # type: ignore[misc]
                        if isinstance(one, ast.Return) and isinstance(one.value, ast.Constant))  # fmt: skip


def _codes() -> dict[str, str]:
    found: dict[str, str] = {}
    for place in PLACES:
        files = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).glob("*.py"))
        for file in files:
            for code in _given(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(code, str) and _CODE.fullmatch(code) and code not in _NO_CODES:
                    found.setdefault(code, str(file.relative_to(ROOT)))
    return found


def test_every_code_has_words() -> None:
    """Else the page says of it that the partner refused, which is not so."""
    codes = _codes()
    assert {"outcome_unknown", "misfit", "empty_answer", "soap_version", "read_timeout", "applicant_mismatch"} <= codes.keys()
    assert {"verification_broke", "unreadable_record", "dns", "deadline"} <= codes.keys()
    assert {code: file for code, file in codes.items() if f"code_{code}" not in WORDS} == {}


@pytest.mark.parametrize("code", ["http_303", "http_409", "http_503"])
def test_a_status_has_words(code: str) -> None:
    """With its number."""
    assert code[5:] in Words("vi").cause("delivery", code) and "HTTP" in Words("en").cause("delivery", code)

"""Finds the stable words of errors in the code: problem codes with their texts, problem kinds, codes of deliveries."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import hub.api.parameters  # its refusals are among those below Refused, as those of files
import hub.errors
import hub.files.refusals

ROOT = Path(__file__).resolve().parents[1]
_CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_OF_VERBS, _OF_DELIVERIES = ("Refusal", "unfit", "or_refuse"), ("hub/delivery/", "hub/wire/")
_OF_MESSAGES = ("hub/intake/", "hub/api/", "hub/console/", "hub/store/", "hub/errors.py", "hub/app.py", "hub/strictjson.py")
_OF_MESSAGES += ("hub/delivery/", "hub/lookup/registry.py", "hub/lookup/officers.py", "hub/lookup/translated.py")
_OF_MESSAGES += ("hub/files/",)
_OF_MESSAGES += tuple(
    f"hub/translation/{name}.py" for name in ("runtime", "verbs", "chain", "schema_problems", "datetimes", "outgoing")
)
_OF_XML = ("hub/wire/xml.py", "hub/wire/xml_", "hub/wire/soap", "hub/wire/xsd_rules.py")
"""Modules in the folder of deliveries' plumbing that say what is wrong with messages in XML."""
_OF_MESSAGES += _OF_XML
_WORDS = "hub/console/words.py"
"""The texts of the operator's page, which look like problems and are none."""
_NEITHER = ("hub/store/engine.py", "hub/api/server.py", "hub/intake/soap_config.py", "hub/files/on_routes.py")
"""Modules whose problems are about messages; all others' are about a home, as those of these modules."""


def problem_codes(*, of_messages: bool) -> Iterator[tuple[str, str, list[str]]]:
    """(code, what it says, modules) of the problems of messages, or else of those of a hub home."""
    said: dict[str, list[str]] = defaultdict(list)
    where: dict[str, list[str]] = defaultdict(list)
    checks = [one for one in _modules("connectors") if one[0].endswith("/checks.py")]
    for place, tree in (*_modules("hub"), *checks):
        for code, message, by in () if place == _WORDS else _problems(tree):
            about_message = by in _OF_VERBS or (place.startswith(_OF_MESSAGES) and place not in _NEITHER)
            plumbing = place.startswith(_OF_DELIVERIES) and not place.startswith(_OF_XML)
            passed = place.startswith("hub/testing/") or (plumbing and by != "Problem")
            if about_message is of_messages and not passed:
                said[code] += [message] if message and message not in said[code] else []
                where[code] += [place] if place not in where[code] else []
    yield from ((code, "; ".join(said[code]), where[code]) for code in sorted(where))


def problem_kinds() -> set[tuple[str, str, str]]:
    """(kind, status, title) of refusals, and of the problem documents that a door makes itself."""
    refused = (hub.errors.Refused, *_below(hub.errors.Refused))
    found = {(one.kind, str(one.status), one.title) for one in refused}
    raised: set[tuple[str, str, str]] = set()
    for _, tree in (*_modules("hub/api"), *_modules("hub/intake")):
        for node in _nodes(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, bytes) and node.value.startswith(b'{"type":"urn:'):
                whole = json.loads(node.value)  # a document written out
                found.add((whole["type"].rpartition(":")[2], str(whole["status"]), whole["title"]))
            elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and _is_number(node.elts[0]):
                status = ast.literal_eval(node.elts[0])  # (417, "expectation-failed"), which aiohttp raises itself
                phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
                if _text(node.elts[1]) == phrase.lower().replace(" ", "-"):
                    raised.add((str(_text(node.elts[1])), str(status), phrase))
            elif isinstance(node, ast.Call) and _called(node) == "problem" and len(node.args) >= 3:
                status, kind, title = node.args[:3]
                if _text(kind) and _text(title):
                    number = str(status.value) if isinstance(status, ast.Constant) else "4xx"
                    found.add((str(_text(kind)), number, str(_text(title))))
    return found | {one for one in raised if one[0] not in {kind for kind, *_ in found}}


def _below(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def delivery_codes() -> Iterator[tuple[str, str, list[str]]]:
    """(code, error it comes with if that is written beside it, modules)."""
    where: dict[tuple[str, str], list[str]] = defaultdict(list)
    kinds = {"Transient": 0, "NotConnected": 0, "InDoubt": 0, "Rejected": 0, "AccountRefused": 0, "NotAsked": 0}
    for place, tree in (*_modules("hub"), *_modules("connectors")):
        own = {"Judged": 1, **_taking_codes(tree)} if place.startswith((*_OF_DELIVERIES, "connectors/soap/")) else {}
        for node in _nodes(tree):
            name = _called(node) if isinstance(node, ast.Call) else ""
            at = {**own, **kinds}.get(name)
            if at is not None and isinstance(node, ast.Call) and len(node.args) > at and (code := _text(node.args[at])):
                places = where[code, name if name in kinds else ""]
                places += [place] if place not in places else []
    for (code, error), places in sorted(where.items()):
        yield code, error, places


@cache
def _modules(folder: str) -> list[tuple[str, ast.Module]]:
    paths = sorted((ROOT / folder).rglob("*.py"))
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


@cache
def _nodes(tree: ast.Module) -> list[ast.AST]:
    """Every node of a module: several searches go through them."""
    return list(ast.walk(tree))


@cache
def _problems(tree: ast.Module) -> list[tuple[str, str, str]]:
    """What ``_made`` finds: asked for once for messages and once for homes."""
    return list(_made(tree))


def _made(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """(code, text, what is called with them) of every problem that a module can make."""
    texts: dict[str, str] = {}
    for node in _nodes(tree):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            unpacked = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            for name, given in zip(target.elts, value.elts, strict=False) if unpacked else [(target, value)]:
                if isinstance(name, ast.Name) and (text := _text(given)):
                    texts[f"{name.id}:{node.lineno}"] = text
    given_to = _texts_given(tree)
    places = {"Problem": 1, "problem": 1, "wrong": 1, "one": 1, "Refusal": 0, "unfit": 0, "or_refuse": 1, "_Limit": 0}
    places |= _taking_codes(tree)
    for node in _nodes(tree):
        if isinstance(node, ast.Call) and _called(node) in places:
            name, given = _called(node), node.args[places[_called(node)] :]
            code = _text(given[0]) if given and not _is_number(node.args[0]) else None
            if code and _CODE.fullmatch(code):
                message = given[-1] if name == "_Limit" else given[1] if len(given) > 1 else None
                yield code, _said(message, texts) or given_to.get(id(message), ""), name
        elif isinstance(node, ast.Dict):  # code: (text, hint)
            for key, value in zip(node.keys, node.values, strict=True):
                if key and _text(key) and isinstance(value, ast.Tuple) and len(value.elts) == 2 and _is_sentence(value.elts[0]):
                    yield str(_text(key)), str(_text(value.elts[0])), "Problem"
        elif isinstance(node, ast.Tuple) and len(node.elts) in (2, 3):  # (code, text, hint)
            code = _text(node.elts[0])
            if code and _CODE.fullmatch(code) and _is_sentence(node.elts[1]):
                yield code, str(_text(node.elts[1])).replace("{}", "…"), "Problem"


def _texts_given(tree: ast.Module) -> dict[int, str]:
    """For the name of an argument, used in the module's own function, the texts that its callers give for it."""
    found: dict[int, str] = {}
    calls = [node for node in _nodes(tree) if isinstance(node, ast.Call)]
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        for index, argument in enumerate(function.args.args):
            given = [call.args[index] for call in calls if _called(call) == function.name and len(call.args) > index]
            told = "; ".join(dict.fromkeys(filter(None, map(_text, given))))
            if told:
                used = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == argument.arg]
                found |= {id(node): told for node in used}
    return found


def _taking_codes(tree: ast.Module) -> dict[str, int]:
    """The module's own functions that are given a code: name → its position among the arguments of a call."""
    found = {}
    for node in _nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [one.arg for one in node.args.args if one.arg not in ("self", "cls")]
            found |= {node.name: names.index("code")} if "code" in names else {}
    return found


def _is_sentence(node: ast.expr) -> bool:
    return (_text(node) or "").count(" ") >= 3


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _said(node: ast.expr | None, texts: dict[str, str]) -> str:
    """A message's text; for a variable what was assigned to it last above."""
    if not isinstance(node, ast.Name):
        return (_text(node) if node else None) or ""
    above = [key for key in texts if key.startswith(f"{node.id}:") and int(key.partition(":")[2]) <= node.lineno]
    nearest = max(above, key=lambda key: int(key.partition(":")[2]), default=None)
    return texts[nearest] if nearest and node.lineno - int(nearest.partition(":")[2]) <= 8 else ""


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp):
        return (_text(node.left) or "…") + (_text(node.right) or "…")
    return None


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")

"""Finds the stable words of errors in the code: problem codes with their texts, problem kinds, codes of deliveries."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hub.errors

ROOT = Path(__file__).resolve().parents[1]
_CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_OF_VERBS, _OF_DELIVERIES = ("Refusal", "_or_refuse"), ("hub/delivery/", "hub/wire/")
_OF_MESSAGES = ("hub/intake/", "hub/api/", "hub/console/", "hub/store/", "hub/errors.py", "hub/app.py", "hub/strictjson.py")
_OF_MESSAGES += tuple(
    f"hub/translation/{name}.py" for name in ("runtime", "verbs", "chain", "schema_problems", "datetimes", "outgoing")
)
_NEITHER = ("hub/store/engine.py", "hub/api/server.py")
"""Modules whose problems are about messages; all others' are about a home, as those of two modules in these folders."""


def problem_codes(*, of_messages: bool) -> Iterator[tuple[str, str, list[str]]]:
    """(code, what it says, modules) of the problems of messages, or else of those of a hub home."""
    said: dict[str, list[str]] = defaultdict(list)
    where: dict[str, list[str]] = defaultdict(list)
    for place, tree in _modules("hub"):
        for code, message, by in _problems(tree):
            about_message = by in _OF_VERBS or (place.startswith(_OF_MESSAGES) and place not in _NEITHER)
            passed = place.startswith("hub/testing/") or (place.startswith(_OF_DELIVERIES) and by != "Problem")
            if about_message is of_messages and not passed:
                said[code] += [message] if message and message not in said[code] else []
                where[code] += [place] if place not in where[code] else []
    yield from ((code, "; ".join(said[code]), where[code]) for code in sorted(where))


def problem_kinds() -> set[tuple[str, str, str]]:
    """(kind, status, title) of refusals, and of the problem documents that a door makes itself."""
    found = {(one.kind, str(one.status), one.title) for one in _below(hub.errors.Refused)}
    for _, tree in (*_modules("hub/api"), *_modules("hub/intake")):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) == "problem" and len(node.args) >= 3:
                status, kind, title = node.args[:3]
                if _text(kind) and _text(title):
                    number = str(status.value) if isinstance(status, ast.Constant) else "4xx"
                    found.add((str(_text(kind)), number, str(_text(title))))
    return found


def _below(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def delivery_codes() -> Iterator[tuple[str, str, list[str]]]:
    """(code, error it comes with if that is written beside it, modules)."""
    where: dict[tuple[str, str], list[str]] = defaultdict(list)
    kinds = {"Transient": 0, "NotConnected": 0, "InDoubt": 0, "Rejected": 0}
    for place, tree in (*_modules("hub"), *_modules("connectors")):
        own = _taking_codes(tree) if place.startswith(_OF_DELIVERIES) else {}
        for node in ast.walk(tree):
            name = _called(node) if isinstance(node, ast.Call) else ""
            at = {**own, **kinds}.get(name)
            if at is not None and isinstance(node, ast.Call) and len(node.args) > at and (code := _text(node.args[at])):
                places = where[code, name if name in kinds else ""]
                places += [place] if place not in places else []
    for (code, error), places in sorted(where.items()):
        yield code, error, places


def _modules(folder: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _problems(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """(code, text, what is called with them) of every problem that a module can make."""
    texts: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            unpacked = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            for name, given in zip(target.elts, value.elts, strict=False) if unpacked else [(target, value)]:
                if isinstance(name, ast.Name) and (text := _text(given)):
                    texts[f"{name.id}:{node.lineno}"] = text
    places = {"Problem": 1, "problem": 1, "wrong": 1, "one": 1, "Refusal": 0, **_taking_codes(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in places:
            name, given = _called(node), node.args[places[_called(node)] :]
            code = _text(given[0]) if given and not _is_number(node.args[0]) else None
            if code and _CODE.fullmatch(code):
                yield code, _said(given[1] if len(given) > 1 else None, texts), name
        elif isinstance(node, ast.Dict):  # code: (text, hint)
            for key, value in zip(node.keys, node.values, strict=True):
                if key and _text(key) and isinstance(value, ast.Tuple) and len(value.elts) == 2 and _is_sentence(value.elts[0]):
                    yield str(_text(key)), str(_text(value.elts[0])), "Problem"
        elif isinstance(node, ast.Tuple) and len(node.elts) in (2, 3):  # (code, text, hint)
            code = _text(node.elts[0])
            if code and _CODE.fullmatch(code) and _is_sentence(node.elts[1]):
                yield code, str(_text(node.elts[1])).replace("{}", "…"), "Problem"


def _taking_codes(tree: ast.Module) -> dict[str, int]:
    """The module's own functions that are given a code: name → its position among the arguments of a call."""
    found = {}
    for node in ast.walk(tree):
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

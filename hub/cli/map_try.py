"""``hub map try``: one message of the integrator's own through one mapping, rule by rule if wanted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.text import Text

from hub.cli.candidate import catalog_for, find_mapping
from hub.cli.explain import printable_lines
from hub.cli.names import catalog_ids
from hub.cli.shell import REFUSED, Json, printable, problem_text, shell_of
from hub.errors import Refused, SchemaInvalid, TranslationFailed

if TYPE_CHECKING:
    from hub.errors import Problem
    from hub.translation.chain import Step
    from hub.translation.trace import RuleTrace

_SHOWN = 60
_COLOURS = {"set": "green", "then": "green", "else": "green", "default": "yellow", "left out": "dim", "skipped": "dim"}


def try_mapping(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="One message as its schema has it; - reads it from stdin.")],
    mapping: Annotated[
        str,
        typer.Option("--mapping", metavar="ID[@V]", help="Mapping, or the file of a draft.", autocompletion=catalog_ids),
    ],
    trace: Annotated[bool, typer.Option("--trace", help="Show each rule: what it read, each verb, what came of it.")] = False,
    as_json: Json = False,
) -> None:
    """Take one message through one mapping, and show what comes of it.

    The message is checked against the schema that the mapping comes from first (the newest version that it fits), the result
    against the one it goes to.
    Values are shown as they are: use it on examples, and on what you may see. Keyed hashes are made with the public key of
    mapping tests. Nothing is stored, nothing is sent. Exit code 1 when the message does not fit, or cannot be translated.

    \b
    Examples:  hub map try dossier.json --mapping opencps-to-dossier
               hub map try dossier.json --mapping draft.yaml --trace
    """
    from hub.translation.trace import Trace

    shell = shell_of(context)
    catalog = catalog_for(shell)
    found = find_mapping(catalog, mapping)
    noted = Trace()
    steps = catalog.candidate(found, noted.compile) if trace else catalog.candidate(found)
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{printable(file)}: {error.strerror}", param_hint="FILE") from None
    step = next((one for one in reversed(steps) if _fits(one, content)), steps[-1])
    told: dict[str, Any] = {"mapping": str(found.ref), "from": str(step.source.ref), "to": str(step.target.ref)}
    failed: SchemaInvalid | TranslationFailed | None = None
    warnings: list[Problem] = []
    body = None
    try:
        message = step.source.parse(content)
        step.source.validate(message)
        body = step.translate(message, warnings)
    except (SchemaInvalid, TranslationFailed) as error:
        failed = error
    problems = failed.problems if failed else ()
    told |= {"ok": failed is None, "body": body, "problems": [one.as_dict() for one in problems]}
    told |= {"warnings": [one.as_dict() for one in warnings]}
    if trace:
        told["trace"] = [_document(one) for one in noted.rules]
    shell.answer(told, *(line for one in noted.rules for line in _lines(one)))
    shell.say(*(problem_text(one, "warning") for one in warnings), *(problem_text(one, "error") for one in problems))
    if failed is not None:
        fits = isinstance(failed, TranslationFailed)
        words = f"{found.ref} cannot translate it" if fits else f"the message does not fit {step.source.ref}"
        shell.say(Text(words, "bold red"))
        raise typer.Exit(REFUSED)
    if body is None:
        shell.say(Text(f"nothing comes of it: when of {found.ref} does not hold", "yellow"))
    else:
        shell.say(printable_lines(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()))


def _fits(step: Step, content: bytes) -> bool:
    try:
        step.source.validate(step.source.parse(content))
    except Refused:
        return False
    return True


def _document(one: RuleTrace) -> dict[str, Any]:
    return {
        "target": one.target, "where": one.rule.where, "depth": one.depth,
        "reads": [{"path": path, "value": value} for path, value in one.reads],
        "changes": [{"by": name, **_change(value)} for name, value in one.changes],
        "outcome": one.outcome, "value": one.value,
    }  # fmt: skip


def _change(value: Any) -> dict[str, Any]:
    from hub.translation.refusal import Refusal

    return {"code": value.code, "message": value.message} if isinstance(value, Refusal) else {"value": value}


def _lines(one: RuleTrace) -> Iterator[Text]:
    """The rule on one line, what it read and each change below it."""
    inside = "  " * one.depth
    result = f" {_shown(one.value)}" if one.outcome in ("set", "default") else ""
    text = Text(f"{inside}{printable(one.target)}: ")
    text.append(f"{one.outcome}{result}", _COLOURS.get(one.outcome, "bold red"))
    yield text.append(f"  {printable(one.rule.where)}", "dim")
    for path, value in one.reads:
        yield Text(f"{inside}    read {printable(path)}  {_shown(value)}")
    for name, value in one.changes:
        made = _change(value)
        words = _shown(made["value"]) if "value" in made else f"{made['message']} [{made['code']}]"
        yield Text(f"{inside}    {printable(name)}  {printable(words)}")


def _shown(value: Any) -> str:
    text = "nothing" if value is None else printable(orjson.dumps(value).decode())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

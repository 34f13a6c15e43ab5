"""Writes docs/reference from the code, so that no page can say what the code does not: ``make reference``.

``python docs/generate.py`` writes the pages; ``pages()`` gives their texts, which a test compares with the files.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from codes import delivery_codes, problem_codes, problem_kinds

import hub.errors
from hub.api.asyncapi import payload
from hub.api.event_models import TELLS
from hub.cli.connectors import abilities, description
from hub.cli.main import app
from hub.cli.remedies import STORE_REMEDIES
from hub.cli.settings import settings_of
from hub.config import HubConfig
from hub.connector import installed_connectors, load_connector
from hub.observe import metrics
from hub.translation.datetimes import NAMED_PATTERNS
from hub.translation.parse import TABLES
from hub.translation.parse_conditions import CONDITIONS
from hub.translation.parse_rules import AFTER, SOURCES
from hub.translation.verbs import VERBS, Refused

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"


def pages() -> dict[str, str]:
    """File name in docs/reference → text."""
    made: dict[str, Callable[[], Iterator[str]]] = {
        "config": _config, "connectors": _connectors, "commands": _commands, "metrics": _metrics, "errors": _errors,
        "events": _events, "lint": _lint, "mapping": _mapping,
    }  # fmt: skip
    note = "<!-- Written by `make reference` from the code. Change the code, not this page. -->"
    return {f"{name}.md": "\n".join([note, *lines()]).rstrip() + "\n" for name, lines in made.items()}


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in row) + " |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


# ── configuration and connectors
def _settings(model: Any) -> Iterator[str]:
    rows = (
        (_code(one.name), one.type, "required" if one.required else _code(one.default), one.description)
        for one in settings_of(model)
    )
    yield from _table(("name", "type", "default", "meaning"), rows)


def _config() -> Iterator[str]:
    yield "# config.yaml"
    yield ""
    yield "The configuration of a hub home. `NAME` stands for a name of your own, `[]` for each entry of a list. In any text"
    yield "`${env:NAME}` is replaced by an environment variable and `${file:PATH}` by a file's content: secrets belong there."
    yield "Relative paths start at the home. `hub check` says what is wrong; [lint](lint.md) lists what it can say."
    yield ""
    yield from _settings(HubConfig)


def _connectors() -> Iterator[str]:
    yield "# Connectors"
    yield ""
    yield "What is installed with the hub. The settings stand below `settings:` of an endpoint; `hub connectors NAME` shows the"
    yield "same for whatever is installed."
    for name in installed_connectors():
        kind = load_connector(name)
        yield from ("", f"## {name}", "", f"Can: {', '.join(abilities(kind))}.", "", description(kind), "")
        yield from _settings(kind.Config)


# ── the shell
def _commands() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    yield "# Commands"
    yield ""
    yield "What `--help` shows, for all commands. Options of `hub` itself stand before the command: `hub --home DIR check`."
    yield "`hub demo --help` shows what the demonstration takes."
    for path, command in _walk(root, ("hub",)):
        if path == ("hub",) or not hasattr(command, "commands"):
            context = typer.Context(command, info_name=" ".join(path))
            yield from ("", f"## `{' '.join(path)}`" if len(path) > 1 else "## hub", "", "```text")
            yield from (line.rstrip() for line in _help(command, context).splitlines())
            yield "```"


def _help(command: Any, context: Any) -> str:
    context.terminal_width = context.max_content_width = 110
    formatter = context.make_formatter()
    command.format_help(context, formatter)
    text: str = formatter.getvalue()
    return text.rstrip()


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, one in getattr(command, "commands", {}).items():
        yield from _walk(one, (*path, name))


# ── metrics
def _metrics() -> Iterator[str]:
    yield "# Metrics"
    yield ""
    yield "`GET /metrics`, in the Prometheus text format. Label values are bounded: what a caller typed never becomes one, and"
    yield "an unknown sender or schema is counted as `unknown`. A histogram also has `_bucket`, `_sum` and `_count`."
    yield ""
    collectors = metrics._registry._collector_to_names
    rows = []
    for one in collectors:
        for metric in one.describe() if hasattr(one, "describe") else one.collect():
            labels = ", ".join(map(_code, getattr(one, "_labelnames", ())))
            suffix = "_total" if metric.type == "counter" and not metric.name.endswith("_total") else ""
            rows.append((_code(metric.name + suffix), metric.type, labels, metric.documentation))
    yield from _table(("metric", "type", "labels", "meaning"), sorted(rows))


# ── errors and problem codes
def _errors() -> Iterator[str]:
    yield "# Errors"
    yield ""
    yield "What the hub answers and records when something is wrong, by stable words that a program may compare."
    yield from ("", "## The tree", "", "```text")
    yield from str(hub.errors.__doc__).partition("\n\n")[2].partition("\n\n")[0].splitlines()
    kinds = sorted(problem_kinds(), key=lambda one: (one[1], one[0], one[2]))
    yield from ("```", "", "## Problem kinds", "")
    yield "Over HTTP an error is a problem document (RFC 9457); `type` is `urn:dossier-hub:problem:KIND`."
    yield ""
    yield from _table(("kind", "status", "title"), ((_code(kind), status, title) for kind, status, title in kinds))
    yield from ("", "## Codes of bad fields and messages", "")
    yield "`code` of an entry in `errors` of a refusal, of the reasons of a kept arrival, and of a failed translation."
    yield ""
    yield from _table(("code", "it says", "where"), map(_coded, problem_codes(of_messages=True)))
    yield from ("", "## Codes of deliveries", "")
    yield "What ended an attempt. A partner's own code (of a `Rejected`) may stand in their place."
    yield ""
    yield from _table(("code", "error", "where"), map(_coded, delivery_codes()))
    yield from ("", "## When the store is not available", "")
    yield from _table(("reason", "what to do"), ((_code(reason), remedy) for reason, remedy in STORE_REMEDIES.items()))


# ── the event stream
def _events() -> Iterator[str]:
    yield "# Events"
    yield ""
    yield "What the hub's own event stream tells ([how to follow it](../howto/follow-the-hub.md)): the types of events, without"
    yield "what stands before them (`dossier-hub.` unless the settings say otherwise), and the members of each."
    yield "`hub events describe` prints the same as an AsyncAPI 3 document."
    for kind, (_, meaning) in TELLS.items():
        schema = payload(kind)
        yield from ("", f"## {kind}", "", f"{meaning[0].upper()}{meaning[1:]}.", "")
        rows: list[tuple[str, str, str]] = []
        for shape in [schema["$defs"][one["$ref"].rpartition("/")[2]] for one in schema.get("anyOf", ())] or [schema]:
            required = shape["required"]
            for name, one in shape["properties"].items():
                row = (_code(name), "always" if name in required else "sometimes", one.get("description", _known_value(one)))
                rows += [] if row[0] in [known for known, *_ in rows] else [row]
        yield from _table(("member", "there", "meaning"), rows)


def _known_value(schema: dict[str, Any]) -> str:
    return f"always {json.dumps(schema['const'])}" if "const" in schema else str(schema.get("format", schema.get("type", "")))


def _lint() -> Iterator[str]:
    yield "# What hub check can say"
    yield ""
    yield "Codes of problems of a home: configuration, connectors, schemas, mappings with their tests, code tables, routes. `…`"
    yield "stands for a name. Warnings are `table_not_fetched` and what `hub/cli/cautions.py` finds; all others are errors, and"
    yield "`hub run` does not start on them."
    yield ""
    yield from _table(("code", "it says", "where"), map(_coded, problem_codes(of_messages=False)))


# ── the language of mappings
def _mapping() -> Iterator[str]:
    yield "# The language of mappings"
    yield ""
    yield "All that may stand in `set` of a mapping file. A path is dotted (`HoSo.TaiLieu.0.Ten`); inside `each` it begins at"
    yield "the item, with `$.` at the root, and `.` is the item itself. A value that is missing is an error, unless the rule"
    yield "says `default` or `optional`. [lint](lint.md) lists what `hub check` finds wrong in a mapping."
    yield from ("", "## Rules", "", "A rule has one source:", "")
    yield from _table(
        ("source", "further keys", "it gives", "example"),
        ((_code(name), ", ".join(map(_code, one.keys)), one.meaning, _code(one.example)) for name, one in SOURCES.items()),
    )
    yield from ("", "A table that is looked up `by` several paths is a source too: `{ table: NAME }`. Beside it may stand:", "")
    yield from _table(("key", "meaning", "example"), ((_code(name), text, _code(way)) for name, (text, way) in AFTER.items()))
    yield from ("", "## Tables", "", "An entry of `tables` is one of these; what rules and conditions ask is its name:", "")
    yield from _table(("entry", "meaning"), ((_code(way), text) for way, text in TABLES.items()))
    yield from ("", "## Conditions", "", "In `when` and `where`, one or a list of which all must hold:", "")
    yield from _table(
        ("condition", "it holds where", "example"),
        ((_code(name), text, " or ".join(map(_code, way.split(" or ")))) for name, (text, way) in CONDITIONS.items()),
    )
    yield from (
        "",
        "## Verbs",
        "",
        "In `apply`; nothing else changes a value. All but `to_…` take text. `␣` stands for a blank.",
        "",
    )
    yield from _table(
        ("verb", "argument", "it gives", "examples"),
        (
            (_code(name), one.argument, one.meaning, "<br>".join(_example(name, *example) for example in one.examples))
            for name, one in VERBS.items()
        ),
    )
    yield from ("", "## Date patterns", "")
    yield "A pattern has the parts `yyyy MM dd HH mm ss`; all else stands for itself. In place of a pattern may stand its name:"
    yield ""
    yield from _table(("name", "pattern"), ((_code(name), _code(pattern)) for name, pattern in NAMED_PATTERNS.items()))


def _example(name: str, argument: Any, given: Any, becomes: Any) -> str:
    verb = name if argument is None else f"{{ {name}: {_json(argument)} }}"
    result = f"refused, {_code(becomes.code)}" if isinstance(becomes, Refused) else _code(_json(becomes))
    return f"{_code(verb)}: {_code(_json(given))} → {result}"


def _json(value: Any) -> str:
    """The value as JSON; blanks that stand together are shown as ␣, letters that are not composed by their numbers."""
    plain = not isinstance(value, str) or unicodedata.is_normalized("NFC", value)
    return re.sub("  +", lambda found: "␣" * len(found[0]), json.dumps(value, ensure_ascii=not plain))


def _coded(found: tuple[str, str, list[str]]) -> tuple[str, str, str]:
    code, text, places = found
    return _code(code), text, ", ".join(map(_code, places))


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for file, text in pages().items():
        (REFERENCE / file).write_text(text, encoding="utf-8")

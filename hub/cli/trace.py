"""``hub trace``: one dossier over all hops, in the province's local time, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hub.cli.shell import Json, in_store, local, printable, reason_lines, shell_of, table
from hub.errors import NotFound

if TYPE_CHECKING:
    from hub.store.port import Store
    from hub.store.values import EndpointState, JsonObject

_CODE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")
_STYLES = {
    "delivered": "green", "accepted": "green", "dead": "bold red", "kept": "bold red", "in_doubt": "bold yellow",
    "again": "yellow", "superseded": "dim", "discarded": "dim", "conflict": "yellow",
}  # fmt: skip


def trace(
    context: typer.Context,
    dossier: Annotated[str, typer.Argument(metavar="DOSSIER", help="Any code of it: the national one or a system's own.")],
    as_json: Json = False,
) -> None:
    """Show where a dossier is: what arrived, what it became, each attempt at each partner, what waits, what to do next.

    Times are those of Asia/Ho_Chi_Minh (with --json: UTC). No content of the dossier is shown. Exit code 3 when no system
    calls a dossier so.

    \b
    Example:  hub trace 000.00.10.H22-261121-0001
    """
    from datetime import UTC, datetime

    from hub.cli.advice import for_dossier

    shell = shell_of(context)
    home = shell.home()

    async def work(store: Store) -> tuple[JsonObject | None, Mapping[str, EndpointState]]:
        return await store.dossier(dossier), await store.endpoint_states()

    found, paused = in_store(home, work) if _CODE.fullmatch(dossier) else (None, {})
    if found is None:
        raise NotFound("no system calls a dossier by that code; codes are compared exactly as they were sent")
    advice = for_dossier(found, paused, datetime.now(UTC))
    shell.answer({**found, "next": [asdict(one) for one in advice]})
    shell.say(Text.assemble(("Dossier ", "bold"), (printable(dossier), "bold cyan"), f"   owner: {printable(found['owner'])}"))
    names = (f"{one['system']}: {one['code']}" for one in found["aliases"])
    shell.say(f"  names  {printable('   '.join(names))}", "", Text("Timeline (Asia/Ho_Chi_Minh)", "bold"))
    shell.say(*_timeline(found))
    if sent := [_sent(one) for one in found["ledger"] if "routed_seq" in one]:
        sends = ("endpoint", "of", "newest routed", "last delivered", "at", "open", "dead")
        shell.say("", Text("What each partner was sent", "bold"), table(sends, sent))
    if told := [_told(one) for one in found["ledger"] if "heard_seq" in one]:
        words = ("endpoint", "of", "last told", "at", "newer than what it was sent")
        shell.say("", Text("What each partner told itself", "bold"), table(words, told))
    shell.say("", Text("What to do next", "bold"))
    if not advice:
        shell.say("  nothing: all of it is where it belongs")
    for one in advice:
        shell.say(f"  {one.about}: {one.why}", Text(f"    → {one.do}", "green"))


def _sent(one: JsonObject) -> tuple[object, ...]:
    sent = f"message {one['sent_seq']}" if one.get("sent_seq") else "none"
    routed = f"message {one['routed_seq']}"
    return one["endpoint"], one["stream"], routed, sent, local(one.get("sent_at")), one["open"], one["dead"]


def _told(one: JsonObject) -> tuple[object, ...]:
    newer = ("yes" if one.get("ahead") else "no") if one.get("sent_seq") else "it was sent nothing"
    return one["endpoint"], one["stream"], f"message {one['heard_seq']}", local(one["heard_at"]), newer


def _timeline(found: JsonObject) -> Iterator[Text]:
    replayed = {one["target"] for one in found["timeline"] if one["event"] == "audit" and one["act"] == "replay"}
    for one in found["timeline"]:
        line = Text(f"  {local(one['at'])}  ")
        describe = _EVENTS.get(one["event"], _settled)
        describe(line, {**one, "was_kept": one.get("arrival") in replayed} if one["event"] == "arrival" else one)
        yield line
        for warning in one.get("warnings") or [] if one["event"] != "attempt" else []:
            yield Text(f"      warning: {'; '.join(reason_lines([warning]))}", "yellow")


def _arrival(line: Text, one: Mapping[str, Any]) -> None:
    line.append(f"arrived     from {printable(one['sender'])} as {one['schema']}: ")
    if one["state"] != "kept" and (one["was_kept"] or one["state"] == "discarded"):
        line.append("kept, later ")
    line.append(one["state"], _STYLES.get(one["state"], ""))
    line.append(f"  {one['arrival']}", "dim")
    for reason in reason_lines(one.get("reasons") or []):
        line.append(f"\n      {reason}")
    if one.get("settled_by"):
        line.append(f"\n      by {printable(one['settled_by'])}: {printable(one.get('why', ''))}")
    if one.get("erased_at"):
        line.append(f"\n      body: erased at {local(one['erased_at'])}")


def _message(line: Text, one: Mapping[str, Any]) -> None:
    line.append(f"message {one['seq']:<4}{one['schema']}: ")
    line.append(one["state"].replace("_", " "), _STYLES.get(one["state"], ""))
    for route in one.get("routes", []):
        line.append(f"\n      route {route['route']} did not take it: {printable(route['why'])}")


def _attempt(line: Text, one: Mapping[str, Any]) -> None:
    line.append(f"attempt {one['number']:<4}of message {one['seq']} to {one['endpoint']}: ")
    line.append(one["outcome"], _STYLES.get(one["outcome"], ""))
    line.append(_because(one))


def _verification(line: Text, one: Mapping[str, Any]) -> None:
    line.append(f"asked       {one['endpoint']} about the owner, for route {one['route']}: ")
    known = {"asked": "no answer is on record", "not_found": "not found"}
    outcome = one["outcome"]
    line.append(known.get(outcome, outcome), "green" if outcome == "confirmed" else "yellow")
    line.append(_because(one))
    line.append(f"  {one['lookup']}", "dim")


def _audit(line: Text, one: Mapping[str, Any]) -> None:
    line.append(f"{one['act']:<11} ", "cyan")
    line.append(f"by {printable(one['actor'])}: {printable(one.get('why', ''))}  ")
    line.append(one["target"], "dim")


def _settled(line: Text, one: Mapping[str, Any]) -> None:
    line.append(f"{one['event']:<12}", _STYLES.get(one["event"], ""))
    line.append(f"message {one['seq']} at {one['endpoint']}")
    if one.get("reference"):
        line.append(f", reference {printable(one['reference'])}")
    line.append(_because(one))
    if one.get("settled_by"):
        line.append(f" by {printable(one['settled_by'])}: {printable(one.get('why', ''))}")
    if one["event"] == "dead":
        line.append(f"  {one['delivery']}", "dim")
        for problem in reason_lines(one.get("problems") or []):
            line.append(f"\n      {problem}")


def _because(one: Mapping[str, Any]) -> str:
    told = [printable(one[name]) for name in ("code", "reason") if one.get(name)]
    return f" ({': '.join(told)})" if told else ""


_EVENTS = {"arrival": _arrival, "message": _message, "attempt": _attempt, "verification": _verification, "audit": _audit}

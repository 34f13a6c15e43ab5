"""What a rehearsal tells of each record: refused, kept or accepted, what each partner was to be sent, and what it said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from rich.text import Text

from hub.cli.explain import printable_lines
from hub.cli.shell import plural, printable, reason_lines
from hub.message import NATIONAL

if TYPE_CHECKING:
    from hub.cli.rehearse_samples import Replayed
    from hub.store.port import Store
    from hub.store.values import JsonObject
    from hub.testing.understudies import Journal, Sending

FINE = ("taken", "shown", "replaced")
"""Verdicts that ask for nothing: a partner took it; no simulator stands in for it; a newer state went in its place."""
OUTCOMES = {
    "taken": "taken by every partner", "partly": "taken, and shown where no simulator is", "shown": "shown only, no simulator",
    "replaced": "replaced by a newer state", "unrouted": "with no route",
    "known": "known already or older", "failed": "not taken by every partner", "kept": "kept", "refused": "refused by the hub",
    "unread": "not read", "passed_over": "passed over",
}  # fmt: skip
"""How records are counted, those that are fine first."""
FINE_OUTCOMES = ("taken", "partly", "shown", "replaced", "unrouted", "known", "passed_over")
_STYLES = {"taken": "green", "replaced": "dim", "known": "dim", "passed_over": "dim"} | dict.fromkeys(
    ("partly", "shown", "unrouted"), "yellow"
)


async def told(
    replayed: Sequence[Replayed], store: Store, journal: Journal, simulators: Mapping[str, str | None], bodies: bool
) -> list[dict[str, Any]]:
    """One object for each record of the sample, in order."""
    first: dict[str, str] = {}
    stuck: dict[tuple[str, str], str] = {}
    records: list[dict[str, Any]] = []
    for one in replayed:
        record: dict[str, Any] = {
            "file": one.file, "record": one.number, "dossier": _code(one.names), "names": one.names, "outcome": one.outcome,
            "problems": _merged(one.problems), "messages": [],
        }  # fmt: skip
        if one.outcome == "known" and one.arrival in first:
            record["same_as"] = first[one.arrival]
        elif one.arrival is not None:
            first[one.arrival] = one.place
            arrival = await store.arrival(one.arrival)
            assert arrival is not None
            receipt = arrival["receipt"]
            record["messages"] = [_message(sent, arrival, journal, simulators, bodies) for sent in receipt["messages"]]
            _say_behind_what(record["messages"], receipt["dossier"], one.place, stuck)
        record["counts_as"] = _counts_as(record)
        records.append(record)
    return records


def _merged(problems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What several mappings say of the same field in the same words is one problem, with all of its places."""
    found: dict[tuple[Any, ...], tuple[dict[str, Any], list[str]]] = {}
    for one in problems:
        words = tuple(one.get(name) for name in ("at", "code", "message", "hint"))
        _, places = found.setdefault(words, (dict(one), []))
        if one.get("source") and one["source"] not in places:
            places.append(one["source"])
    return [{**one, "source": "; ".join(places)} if places else one for one, places in found.values()]


def _code(names: Sequence[Mapping[str, str]]) -> str:
    """The national code, else the first name that a system has for it."""
    by_system = {one["system"]: one["code"] for one in reversed(names)}
    return by_system.get(NATIONAL) or (names[0]["code"] if names else "")


def _message(
    sent: JsonObject, arrival: JsonObject, journal: Journal, simulators: Mapping[str, str | None], bodies: bool
) -> dict[str, Any]:
    deliveries = {one["delivery"]: one for message in arrival["messages"] for one in message["deliveries"]}
    routes: list[dict[str, Any]] = []
    for route in sent["routes"]:
        made = {name: route[name] for name in ("route", "endpoint", "taken", "why")}
        delivery = deliveries.get(route.get("delivery", ""))
        if delivery is not None:
            made |= _sent(delivery, journal.of(route["endpoint"], sent["id"]), simulators.get(route["endpoint"]), bodies)
        routes.append(made)
    return {
        "schema": sent["schema"], "seq": sent.get("seq"), "state": sent["state"],
        "warnings": list(sent.get("warnings", [])), "routes": routes,
    }  # fmt: skip


def _say_behind_what(messages: Sequence[JsonObject], dossier: str, place: str, stuck: dict[tuple[str, str], str]) -> None:
    """Why a delivery was not even tried; ``stuck``: at which record each lane (dossier, endpoint) stopped."""
    for route in (route for one in messages for route in one["routes"] if "verdict" in route):
        lane = (dossier, route["endpoint"])
        if route["verdict"] == "waiting" and not (route["code"] or route["reason"]):
            before = stuck.get(lane)
            route["reason"] = f"behind what stopped at {before}" if before else "it was not tried yet"
        if route["verdict"] not in FINE:
            stuck.setdefault(lane, place)


def _sent(delivery: JsonObject, sending: Sending | None, simulator: str | None, bodies: bool) -> dict[str, Any]:
    """What the partner was sent, and the verdict: ``taken``, ``refused`` by it, ``shown`` (nobody there to judge),
    ``unsendable`` (it cannot be translated, or a look-up forbade it), ``waiting``, ``replaced`` by a newer state."""
    state, code, reason = delivery["state"], delivery.get("code", ""), delivery.get("reason", "")
    warnings = list(delivery.get("warnings") or [])
    if sending is not None and sending.verdict == "not_sent":
        verdict, code, reason = "shown", "", ""
    elif sending is not None and sending.verdict == "refused":
        verdict, code, reason = "refused", sending.code, sending.reason
    elif state == "delivered":
        verdict, code, reason = "taken", "", delivery.get("reference", "")
    elif state == "superseded":
        verdict, reason = ("unsendable", reason) if code else ("replaced", "a newer state of the dossier went in its place")
    elif state == "dead":
        verdict = "refused" if delivery.get("attempts") else "unsendable"
    else:
        verdict = "waiting"
    made: dict[str, Any] = {
        "simulator": simulator, "verdict": verdict, "code": code, "reason": reason,
        "problems": list(delivery.get("problems") or []), "warnings": warnings,
    }  # fmt: skip
    if sending is not None:
        made |= {"as": sending.schema, "bytes": sending.size} | ({"body": sending.body} if bodies else {})
    return made


def _counts_as(record: Mapping[str, Any]) -> str:
    if record["outcome"] in ("refused", "unread", "passed_over", "kept"):
        return str(record["outcome"])
    if "same_as" in record:
        return "known"
    verdicts = [route["verdict"] for one in record["messages"] for route in one["routes"] if "verdict" in route]
    states = {one["state"] for one in record["messages"]}
    if ("conflict" in states and not verdicts) or not all(one in FINE for one in verdicts):
        return "failed"
    if not verdicts:
        return "known" if states and states <= {"known", "superseded"} else "unrouted"
    if "shown" in verdicts:
        return "partly" if "taken" in verdicts else "shown"
    return "taken" if "taken" in verdicts else "replaced"


def counted(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many records of each kind there are; kinds of which there are none are left out."""
    counts = Counter(one["counts_as"] for one in records)
    return {name: counts[name] for name in OUTCOMES if counts[name]}


def summary(counts: Mapping[str, int], fine: bool) -> Text:
    """The last line."""
    told = ", ".join(f"{count} {OUTCOMES[name]}" for name, count in counts.items())
    number = plural(sum(counts.values()), "record")
    return Text(f"{number}: {told or 'nothing'}; nothing left this machine", "bold green" if fine else "bold red")


def lines(record: Mapping[str, Any]) -> Iterator[str | Text]:
    """One record for people."""
    place = record["file"] if record["record"] is None else f"{record['file']}:{record['record']}"
    head = Text(printable(place), "bold")
    head.append(f"  {printable(record['dossier'])}" if record["dossier"] else "", "cyan")
    head.append(f"  {_headline(record)}", _STYLES.get(record["counts_as"], "bold red"))
    yield head
    yield from (f"    {line}" for line in reason_lines(record["problems"]))
    for message in record["messages"]:
        yield f"  {message['schema']}{_state(message)}"
        yield from _warnings(message["warnings"], "    ")
        for route in message["routes"]:
            yield from _route(route)
        if not message["routes"] and message["state"] == "routed":
            yield Text("    no route takes this schema", "yellow")


def _headline(record: Mapping[str, Any]) -> str:
    if "same_as" in record:
        return f"known: the same as {printable(record['same_as'])}"
    return {name: OUTCOMES[name] for name in ("unread", "passed_over", "refused")}.get(
        record["outcome"], str(record["outcome"])
    )


def _state(message: Mapping[str, Any]) -> str:
    return {
        "conflict": ": kept as an observation, the dossier is another sender's (`owners` in config.yaml); name it with --as",
        "superseded": ": older than what arrived before, so it goes nowhere",
        "known": ": this step is known already, so it goes nowhere",
    }.get(message["state"], "")


def _route(route: Mapping[str, Any]) -> Iterator[str | Text]:
    if "verdict" not in route:
        yield Text(f"    {route['route']} → {route['endpoint']}: not matched ({printable(route['why'])})", "yellow")
        return
    size = f", {route['bytes']} bytes" if "bytes" in route else ""
    what = f" as {route['as']}{size}" if "as" in route else ""
    said = ": ".join(printable(route[name]) for name in ("code", "reason") if route[name])
    verdict = {
        "taken": f"taken{f' ({said})' if said else ''}", "refused": f"refused by the simulator: {said}",
        "unsendable": f"not sent: {said}", "waiting": f"waits: {said}", "replaced": f"not sent: {said}",
        "shown": "would be sent; no simulator judges it",
    }[route["verdict"]]  # fmt: skip
    style = "green" if route["verdict"] == "taken" else "yellow" if route["verdict"] in FINE else "bold red"
    yield Text(f"    {route['route']} → {route['endpoint']}{what}: {verdict}", style)
    yield from (f"      {line}" for line in reason_lines(route["problems"]))
    yield from _warnings(route["warnings"], "      ")
    if "body" in route:
        yield printable_lines(orjson.dumps(route["body"], option=orjson.OPT_INDENT_2).decode())


def _warnings(warnings: Sequence[Mapping[str, Any]], indent: str) -> Iterator[Text]:
    yield from (Text(f"{indent}warning: {line}", "yellow") for line in reason_lines(warnings))

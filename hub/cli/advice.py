"""What to do next about something that waits, is dead, kept or in doubt: one sentence and one command for each.

Pure: from what the store shows of a dossier or a dead letter to advice, so that ``hub trace`` and ``hub dead show`` agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.cli.shell import first_reason, local, local_micros, plural, printable
from hub.console import remedies
from hub.store.values import EndpointState, JsonObject

_UNEXPLAINED = "outcome_unknown"
_IN_ORDER = "a dossier's messages reach a partner in order"


@dataclass(frozen=True, slots=True)
class Advice:
    """``about`` names the thing, ``why`` says how it stands, ``do`` what to do (a command, or that nothing is needed)."""

    about: str
    why: str
    do: str


def for_dossier(found: JsonObject, paused: Mapping[str, EndpointState], now: datetime) -> list[Advice]:
    """Advice on all that is not at its end: kept arrivals first, then each endpoint's lane as it stands ``now``."""
    said = [for_kept(one) for one in found["timeline"] if one["event"] == "arrival" and one["state"] == "kept"]
    lanes: dict[str, list[JsonObject]] = {}
    for one in found["waiting"]:
        lanes.setdefault(one["endpoint"], []).append(one)
    tries = [one for one in found["timeline"] if one["event"] == "attempt"]
    for endpoint, lane in sorted(lanes.items()):
        lane.sort(key=_place)
        head, behind = lane[0], [one for one in lane[1:] if one["state"] != "dead"]
        stopped = paused.get(endpoint)
        if stopped is not None:
            said.append(for_paused(stopped))
        said += [for_dead(one, tries) for one in lane if one["state"] == "dead"]
        if head["state"] != "dead" and stopped is None:
            said.append(_for_waiting(head, now))
        if behind:
            several = len(behind) > 1
            about = f"message{'s' * several} {', '.join(str(one['seq']) for one in behind)} to {endpoint}"
            why = f"{'wait' if several else 'waits'} behind message {head['seq']}: {_IN_ORDER}"
            said.append(Advice(about, why, f"nothing; {'they follow by themselves' if several else 'it follows by itself'}"))
    sent = {(one["endpoint"], one["stream"]): one for one in found["timeline"] if one["event"] == "delivered"}
    said += [
        _for_unmarked(one, warning) for one in sent.values() for warning in one.get("warnings") or [] if _unmarked(warning)
    ]
    newest = {one["schema"]: one for one in found["timeline"] if one["event"] == "message"}
    said += [_for_unrouted(one) for one in newest.values() if one["state"] == "not_routed"]
    if any(one["event"] == "message" and one["state"] == "conflict" for one in found["timeline"]):
        text = f"the dossier belongs to {found['owner']}; what others say is an observation, not sent on unless a route says so"
        mend = "if the owner is wrong, set `owners:` in config.yaml; where it is to be sent on, `observations: true` on a route"
        said.append(Advice("messages of another sender", text, mend))
    return said


def _place(delivery: JsonObject) -> tuple[bool, bool, int]:
    """Where a delivery stands in its lane: what is under way, then what is dead (it was the head when it died), by seq."""
    return delivery["state"] not in ("claimed", "in_doubt"), delivery["state"] != "dead", delivery["seq"]


def _unmarked(warning: Mapping[str, Any]) -> bool:
    """Whether it says that an owner who may be a citizen was not confirmed."""
    return warning.get("at") == "owner" and str(warning.get("code")).startswith(("applicant_", "verification_"))


def _for_unmarked(delivery: JsonObject, warning: Mapping[str, Any]) -> Advice:
    why = f"sent, though its owner is not confirmed: {printable(warning['message'])} [{warning['code']}]"
    do = "nothing, if the portal may have it so; else have the owner checked at the source: what is sent then is verified again"
    return Advice(f"message {delivery['seq']} to {delivery['endpoint']}", why, do)


def _for_unrouted(message: JsonObject) -> Advice:
    routes = ", ".join(route["route"] for route in message["routes"]) or "none is configured for it"
    do = "nothing, if the routes want what it does not have yet (a national code); else mend `when` and: hub backfill ROUTE"
    return Advice(f"message {message['seq']}", f"no route took it ({routes}): no partner has it", do)


def for_paused(state: EndpointState) -> Advice:
    """An operator stopped the endpoint."""
    why = f"paused by {printable(state.paused_by)} since {local_micros(state.paused_at)}: {printable(state.why)}"
    return Advice(f"endpoint {state.name}", why, f"hub endpoint resume {state.name}")


def for_kept(arrival: JsonObject) -> Advice:
    """An arrival that could not be translated, or that waits behind one."""
    reasons: Sequence[Mapping[str, Any]] = arrival.get("reasons") or []
    codes = {str(one.get("code")) for one in reasons}
    about = f"arrival {arrival['arrival']}"
    why = f"kept: {first_reason(reasons)}"
    row = next((printable(one["hint"]) for one in reasons if one.get("hint")), remedies.ADD_THE_ROW)
    return Advice(about, why, _plain(remedies.said(remedies.for_arrival(codes), "en", arrival["arrival"], row=row)))


def for_dead(delivery: JsonObject, tries: Sequence[JsonObject]) -> Advice:
    """A delivery that holds its lane. ``tries``: its attempts, perhaps among others."""
    delivery_id, endpoint = delivery["delivery"], delivery["endpoint"]
    about = f"message {delivery['seq']} to {endpoint}"
    code = delivery.get("code", "")
    why = f"dead: {code}" + (f": {printable(delivery['reason'])}" if delivery.get("reason") else "")
    unexplained = any(one["delivery"] == delivery_id and one.get("code") == _UNEXPLAINED for one in tries)
    remedy = remedies.for_delivery(code, doubted=bool(delivery.get("in_doubt_once")), unexplained=unexplained)
    return Advice(about, why, _plain(remedies.said(remedy, "en", delivery_id, endpoint)))


def _plain(said: str) -> str:
    """A remedy as a terminal shows it."""
    return said.replace("`", "")


def _for_waiting(delivery: JsonObject, now: datetime) -> Advice:
    endpoint, state = delivery["endpoint"], delivery["state"]
    about = f"message {delivery['seq']} to {endpoint}"
    last = f" ({delivery['code']})" if delivery.get("code") else ""
    at, past = local(delivery.get("next_at")), _past(delivery.get("next_at"), now)
    if state == "claimed":
        return Advice(about, "is being sent now, or was when the hub was killed", "nothing; a restarted hub asks the partner")
    if state == "in_doubt":
        when = f"as soon as {endpoint} answers" if past else f"at {at}"
        asks = f"the hub asks {endpoint} {when}"
        if delivery.get("code") == _UNEXPLAINED:
            why = f"in doubt{last}: {printable(delivery.get('reason', ''))}"
            do = _plain(remedies.said(remedies.EXPLAIN_ANSWER, "en", "", endpoint))
            return Advice(about, why, f"{do}; {asks}")
        return Advice(about, f"in doubt{last}: it may have taken effect", f"nothing; {asks}")
    when = "as soon as the hub comes to it" if past else f"at {at}"
    if str(delivery.get("code", "")).startswith("verification_"):
        return Advice(about, *_for_verification(delivery, when))
    if str(delivery.get("code", "")).startswith("file_"):
        why = f"not sent yet: {printable(delivery.get('reason', ''))} [{delivery['code']}]"
        return Advice(about, why, f"nothing; its files are fetched again {when}")
    if delivery.get("code") in ("not_found_there", "resend"):
        said = f"{endpoint} does not hold it" if delivery["code"] == "not_found_there" else f"{endpoint} cannot be asked for it"
        return Advice(about, f"{said}: it is sent again {when}", "nothing while the hub runs (hub run)")
    if delivery.get("attempts"):
        tried = f"tried {plural(delivery['attempts'], 'time')}{last}"
        when = f"due again since {at}: it goes when {endpoint} answers" if past else f"again at {at}"
        return Advice(about, f"{tried}, {when}", f"hub endpoint check {endpoint}")
    return Advice(about, f"due since {at}, not tried yet", "nothing while the hub runs (hub run)")


def _for_verification(delivery: JsonObject, when: str) -> tuple[str, str]:
    """Why its owner is not verified yet, and what to do; such a reason begins with the name of the registry."""
    code, reason = delivery["code"], printable(delivery.get("reason", ""))
    registry = reason.partition(" ")[0]
    why = f"not sent yet: {reason} [{code}]"
    if code == "verification_paused":
        return why, f"hub endpoint resume {registry}"
    if code == "verification_gone":
        return why, "hub check, then restart the hub"
    look = "see the hub's log" if code == "verification_broke" else f"hub endpoint check {registry}"
    return why, f"nothing; the registry is asked again {when} ({look})"


def _past(instant: str | None, now: datetime) -> bool:
    return instant is not None and datetime.fromisoformat(instant) <= now

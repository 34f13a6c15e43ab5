"""What SOAP costs: the connector's calls against those of zeep's AsyncClient, and the hub's deliveries against those by REST.

Both sides of the first call the same partner (``soap_partner``) by the same WSDL with the same values, each from a process of
its own (``soap_calls``). For the second, two hubs of the same age take the same dossiers: one posts them as JSON, the other
calls that partner.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson

from benchmarks import homes
from benchmarks.figures import Print, median
from benchmarks.processes import ROOT, Loader, Process
from benchmarks.records import SCHEMA, bodies
from benchmarks.soap_calls import SIDES
from benchmarks.soap_partner import KEPT
from benchmarks.stage import Round, Stage
from hub.translation import Catalog

VALUES = KEPT
"""So many different dossiers are sent by the calls of soap_rate; all of them are compared."""
_TURNS = 10


def measure(stage: Stage, rounds: int, messages: int, say: Print) -> None:
    """soap_rate, soap_zeep_rate, soap_rate_ratio; soap_cpu_us, soap_cpu_ratio."""
    with Process(("-m", "benchmarks.soap_partner")) as partner:
        home = homes.soap_home(stage.folder / "soap", f"{partner.url}/soap")
        _rates(stage.folder / "soap.json", partner, values(home, min(messages, VALUES)), rounds, messages // 2, say)
        _cpu(stage, partner, home, rounds, messages, say)


def catalog(home: Path) -> Catalog:
    """All that the hub of a SOAP home can translate."""
    return Catalog.load((home, homes.SOAP_CATALOG, ROOT))


def values(home: Path, count: int) -> list[dict[str, Any]]:
    """The operation's input for so many dossiers, in object form, as the hub of this home makes it."""
    made = catalog(home)
    to_dossier, to_soap = made.chain(SCHEMA, "dossier@1"), made.chain("dossier@1", f"{homes.SOAP_SCHEMA}@1")
    dossiers = [to_dossier.translate(orjson.loads(body)) for body in bodies(1, count)]
    requests = [to_soap.translate(dossier.body) for dossier in dossiers if dossier is not None]
    return [request.body for request in requests if request is not None]


def canonical(envelope: str) -> str:
    """What stands in an envelope's body, whatever its prefixes and its way of writing XML."""
    body = ElementTree.fromstring(envelope).find("{*}Body")
    if body is None or len(body) != 1:
        raise RuntimeError("there is no envelope with one element in its body")
    body[0].tail = None
    return ElementTree.canonicalize(ElementTree.tostring(body[0], encoding="unicode"), rewrite_prefixes=True)


def _rates(file: Path, partner: Process, sent: list[dict[str, Any]], rounds: int, calls: int, say: Print) -> None:
    file.write_bytes(orjson.dumps(sent))
    words = {side: ("-m", "benchmarks.soap_calls", side, f"{partner.url}/soap", str(file)) for side in SIDES}
    with Loader(words["zeep"]) as zeep, Loader(words["connector"]) as connector:
        if _sent(connector, partner, len(sent)) != _sent(zeep, partner, len(sent)):
            raise RuntimeError("the connector and zeep do not send the same values")
        pairs: list[tuple[float, float]] = []
        each = max(1, calls // _TURNS)
        for number in range(rounds + 1):
            seconds = [0.0, 0.0]
            for _ in range(_TURNS):  # in turn within a round, so that a busy machine is busy for both
                for side, caller in enumerate((zeep, connector)):
                    seconds[side] += _seconds(caller, partner, each)
            if number:  # the first is the warm-up
                pairs.append((each * _TURNS / seconds[0], each * _TURNS / seconds[1]))
    median(say, "soap_rate", [ours for _, ours in pairs], 0)
    median(say, "soap_zeep_rate", [theirs for theirs, _ in pairs], 0)
    median(say, "soap_rate_ratio", [ours / theirs for theirs, ours in pairs], 2)


def _sent(caller: Loader, partner: Process, count: int) -> list[str]:
    """The bodies of calls with every value; so many they are."""
    _seconds(caller, partner, count)
    return sorted(map(canonical, partner.ask("GET", "/kept")))


def _seconds(caller: Loader, partner: Process, calls: int) -> float:
    """From the first of so many calls to the last answer."""
    partner.ask("POST", "/forget")
    took = caller.run({"count": calls})
    if (seen := partner.ask("GET", "/seen")["count"]) != calls:
        raise RuntimeError(f"{calls} calls became {seen}")
    return float(took["seconds"])


def _cpu(stage: Stage, partner: Process, home: Path, rounds: int, messages: int, say: Print) -> None:
    rest_home = homes.one_call_home(stage.folder / "soap-rest", stage.destination.url)
    with stage.running_hubs(rest_home, home) as (rest, soap):
        pairs: list[tuple[Round, Round]] = []
        for number in range(rounds + 1):
            pair = stage.round(rest, messages), stage.round(soap, messages, to=partner)
            if number:
                pairs.append(pair)
    median(say, "soap_cpu_us", [soap.cpu_us for _, soap in pairs], 1)
    median(say, "soap_cpu_ratio", [soap.cpu_us / rest.cpu_us for rest, soap in pairs], 2)

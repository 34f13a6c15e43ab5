"""``hub demo`` and ``make demo``: 500 dossiers through repeats, refusals, an outage and a kill, and the proof that all arrived.

They come by REST, by SOAP from an older one-stop system, in files that a records office leaves in a folder, and by the portal's
own protocol from a unit that knows no other; their applicants are verified at the registries of people and of enterprises. Some
go to a ministry too, which issues a code for each and tells of dossiers of its own, with results; citizens file at the portal.

Everything runs in processes of its own, in a temporary hub home, and is used from outside only: ``hub`` commands, HTTP,
signals. The verdict is the checker's (``check``), which shares nothing with the hub. When KAFKA_BOOTSTRAP_SERVERS gives a
broker, the hub tells its events to a topic of the demo's own, and who hears nothing else must come to the same ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from connectors.demo import home
from connectors.demo.agenda import Agenda
from connectors.demo.beside import Beside, count_of
from connectors.demo.business import DATABASE_CODE as BUSINESS_CODE
from connectors.demo.check import check
from connectors.demo.check_events import events
from connectors.demo.envelopes import SENDER
from connectors.demo.event_topic import EventTopic
from connectors.demo.exchanged import judged
from connectors.demo.expected import Catalogue, Choices
from connectors.demo.filings import SENDER as CITIZENS
from connectors.demo.filings import Adapter, filings
from connectors.demo.held import held
from connectors.demo.hub_process import POLL_SECONDS, HubProcess
from connectors.demo.lines import Lines
from connectors.demo.local_system import SENDER as LOCAL
from connectors.demo.ministry import NAME as MINISTRY
from connectors.demo.ministry import own
from connectors.demo.partners import Partners
from connectors.demo.planted import DAY, write
from connectors.demo.population import DATABASE_CODE, Population
from connectors.demo.portal import Portal
from connectors.demo.portal_unit import SENDER as UNIT
from connectors.demo.portal_unit import PortalUnit
from connectors.demo.processes import DemoFailed, Place, command, environment
from connectors.demo.records_office import SENDER as RECORDS_OFFICE
from connectors.demo.records_office import RecordsOffice
from connectors.demo.repairs import Operator
from connectors.demo.script import Script
from connectors.demo.sender import Keys, OneStop
from connectors.demo.show import Show
from connectors.demo.told import Registry
from connectors.demo.verdict import compared, conclude

OUTAGE_SECONDS, REGISTRY_SECONDS = 6.0, 2.0
REGISTRY_AT, OUTAGE_AT, OUTAGE_TO, EXPIRY_AT, KILL_AT, KILL_TO = 0.1, 0.3, 0.6, 0.65, 0.75, 0.95
"""Shares of all requests answered when things happen, and how far the sending may get meanwhile."""
PER_SECOND = 110.0
"""How fast the one-stop shops send."""
SET_UP_SECONDS, END_SECONDS = 90.0, 10.0
CHOICES: Choices = {
    "ChuHoSo": ("applicantName",),  # name and number of one person: mappings/opencps-to-dossier says why
    "GhiChu": ("dossierNote",),
}


def play(argv: list[str]) -> int:
    """Play the demo; the exit code is 0 only if the checker finds nothing and every planted kind shows its count."""
    parser = argparse.ArgumentParser(prog="hub demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dossiers", type=int, default=500, help="how many (at least 100); default 500")
    parser.add_argument("--seed", type=int, default=1, help="the same seed plays the same script; default 1")
    parser.add_argument("--seconds", type=float, default=180, help="time limit after set-up; default 180")
    parser.add_argument("--keep", action="store_true", help="keep the temporary hub home, to look around in it")
    given = parser.parse_args(argv)
    if given.dossiers < 100:
        parser.error("--dossiers: at least 100, or there is no room for what is planted")
    folder = Path(tempfile.mkdtemp(prefix="hub-demo-"))
    with Show() as show:
        try:
            code = asyncio.run(_until_signal(_Demo(given, folder, show)))
        except (KeyboardInterrupt, asyncio.CancelledError):
            code = _given_up(show, folder, "the demo was interrupted", 130)
        except Exception as error:
            if not isinstance(cause := _cause(error), DemoFailed | TimeoutError):
                raise
            code = _given_up(show, folder, f"the demo failed: {cause or 'set-up took too long'}", 1)
    if code == 0 and not given.keep:
        shutil.rmtree(folder)
    return code


def _given_up(show: Show, folder: Path, why: str, code: int) -> int:
    show.quiet()
    show.say(why, "bold red")
    if any(folder.iterdir()):
        show.say(f"everything is kept in {folder}")
    else:
        folder.rmdir()
    return code


def _cause(error: BaseException) -> BaseException:
    """The first error of a group of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _until_signal(demo: _Demo) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await demo.run()


class _Demo:
    def __init__(self, options: argparse.Namespace, folder: Path, show: Show) -> None:
        """``options`` are those of ``play``; ``options.seconds`` is the time limit after set-up."""
        self._options, self._folder, self._show = options, folder, show
        self._topic: EventTopic | None = None

    async def run(self) -> int:
        """Set up, play, end every process, judge."""
        show, options = self._show, self._options
        script = write(options.seed, options.dossiers)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session, AsyncExitStack() as ends:
            async with asyncio.timeout(SET_UP_SECONDS):
                place, partners, hub, keys, adapter = await self._set_up(script, session, ends)
            portal, population = partners.portal, partners.population
            began = show.seconds
            agenda, lines = Agenda(script.lives), Lines(self._folder / "sent.jsonl")
            ends.callback(lines.close)
            shop = OneStop(agenda, lines, hub.url, keys, PER_SECOND)
            office = RecordsOffice(agenda, lines, self._folder / RECORDS_OFFICE, show)
            unit = PortalUnit(agenda, lines, hub.url, keys.unit)
            operator = Operator(place, script, hub, partners, agenda, lines, keys, show)
            count = count_of(options.dossiers)
            filed = filings(options.seed, count, DAY)
            beside = Beside(partners, agenda, adapter, own(options.seed, count, DAY), filed, session, show)
            show.counts = lambda: _counts(agenda, hub)
            requests = f"{script.total} records, {script.envelopes} in SOAP envelopes, {script.in_files} in files"
            requests += f", {script.calls} as calls of the portal"
            show.event(f"the senders begin: {options.dossiers} dossiers, {requests}", "bold")
            try:
                async with asyncio.timeout(options.seconds - END_SECONDS), asyncio.TaskGroup() as acts:
                    await agenda.may_send(OUTAGE_AT)
                    for act in (shop.run(), office.run(), unit.run(), self._mistake(office, operator)):
                        acts.create_task(act)
                    watching = [acts.create_task(operator.watch()), acts.create_task(hub.watch())]
                    await partners.ministry.hold_a_create()
                    others = [acts.create_task(beside.ministry()), acts.create_task(beside.citizens())]
                    struck = await self._play(script, portal, population, hub, agenda, lines, operator)
                    await asyncio.gather(*others)
                    await hub.settled()
                    wrong = struck + await portal.struck()
                    show.event(f"nothing waits any more; {wrong} calls went wrong at the portal on purpose")
                    for one in watching:
                        one.cancel()
            except TimeoutError:
                raise DemoFailed(f"not done after {options.seconds - END_SECONDS:g} s: {_counts(agenda, hub)}") from None
            state, procedures, people = await portal.state(), await portal.procedures(), await population.people()
            enterprises = await partners.business.enterprises()
            exchanged = await beside.evidence(lines.all, hub.codes_at(MINISTRY))
            if self._topic is not None:
                await hub.published()
            show.quiet()
            show.counts = lambda: ""
            await hub.end()
            stream = None
            if self._topic is not None:
                stream = events(await self._topic.heard(self._folder / "events.jsonl"), held(place.home))
            show.event(f"all is settled, {show.seconds - began:.1f} s after set-up; the hub is drained and stopped", "bold")
        tables = place.home / "mappings" / "tables"
        counts, sent = hub.counts(), [line.sent() for line in lines.all]
        catalogue = Catalogue.load([tables], procedures)
        registry = Registry.of(DATABASE_CODE, people, business_code=BUSINESS_CODE, enterprises=enterprises)
        elsewhere = {one.code for one in filed}
        verdict = check(sent, state, counts, catalogue, choices=CHOICES, registry=registry, elsewhere=elsewhere)
        for found in judged(exchanged, state, catalogue, CHOICES, counts["doubtful_states"]):
            verdict.include(found)
        verdict.findings += stream.findings if stream is not None else []
        planted = [*compared(script, lines.all, operator.repaired, counts), *exchanged.shown(counts)]
        return conclude(show, verdict, planted, script, place.home, kept=options.keep, stream=stream)

    async def _set_up(
        self, script: Script, session: aiohttp.ClientSession, ends: AsyncExitStack
    ) -> tuple[Place, Partners, HubProcess, Keys, Adapter]:
        """A home, the partners, the portal's catalogue fetched, keys made, the hub started."""
        show = self._show
        self._topic = topic = EventTopic.given(os.environ)
        if topic is not None:
            await topic.make()
            ends.push_async_callback(topic.delete, show)
            show.event(f"the hub will tell its events to the topic {topic.name}")
        folder = home.build(home.source_home(), self._folder, script.standing_faults, topic.endpoint if topic else None)
        show.event(f"a hub home of its own: {folder}")
        bare = Place(folder, environment())
        partners = await Partners.start(script, bare, session, ends)
        await partners.portal.plant_dossiers(script.known)
        partners.introduce(script, show)
        port = ends.enter_context(home.free_port()).getsockname()[1]
        home.keep_port(folder, port)
        place = Place(folder, environment(HUB_PUBLIC_URL=f"http://127.0.0.1:{port}", **partners.environment))
        told, first = await asyncio.gather(
            command(place, "catalog", "refresh"), command(place, "key", "new", "one-stop", "--schema", "opencps-dossier")
        )
        show.event(f"hub catalog refresh: {told.splitlines()[0].replace(str(folder) + '/', '')}")
        told, other, older, unit, citizens, local = await asyncio.gather(
            command(place, "check"),
            command(place, "key", "new", "other", "--schema", "dossier"),
            command(place, "key", "new", SENDER, "--schema", "one-stop-soap"),
            command(place, "key", "new", UNIT, "--schema", "portal-dossier", "--schema", "portal-progress"),
            command(place, "key", "new", CITIZENS, "--schema", "npsp-filed-dossier"),
            command(place, "key", "new", LOCAL, "--schema", "opencps-dossier"),
        )
        show.event(f"hub check: {told.strip().splitlines()[-1]}")
        hub = HubProcess(place, session)
        ends.push_async_callback(hub.end)
        await hub.start()
        show.event(f"hub run: the hub listens on {hub.url}")
        await partners.portal.plant(script.first_faults)
        keys = Keys(first.strip(), other.strip(), older.strip(), unit.strip())
        return place, partners, hub, keys, Adapter(hub.url, citizens.strip(), local.strip())

    async def _mistake(self, office: RecordsOffice, operator: Operator) -> None:
        """What was mistaken in a file is given up once it has come again as it should be."""
        await office.corrected.wait()
        await operator.give_mistake_up()

    async def _play(
        self, script: Script, portal: Portal, population: Population, hub: HubProcess, agenda: Agenda, lines: Lines,
        operator: Operator,
    ) -> int:  # fmt: skip
        """The day: sending goes on while partners and hub have their troubles; returns, when all is sent and answered, how many
        calls went wrong on purpose before the outage."""
        show = self._show
        await agenda.reached(REGISTRY_AT)
        await population.kill()
        show.event(f"the registry is gone (SIGKILL) for {REGISTRY_SECONDS:g} s; dossiers of citizens wait for it", "yellow")
        await asyncio.sleep(REGISTRY_SECONDS)
        await population.start()
        show.event(
            f"the registry is back; {hub.counts()['unreachable']} questions had no answer and were asked again", "yellow"
        )
        await operator.early.wait()
        await agenda.may_send(OUTAGE_TO)
        await agenda.reached(OUTAGE_AT)
        struck = await portal.struck()
        await portal.kill()
        show.event(f"OUTAGE: the portal is gone (SIGKILL) for {OUTAGE_SECONDS:g} s; the hub goes on accepting", "bold yellow")
        await asyncio.sleep(OUTAGE_SECONDS)
        await portal.start()
        await portal.plant(script.later_faults)
        await agenda.may_send(KILL_TO)
        show.event("the portal is back, without its sessions; what waited flows again", "yellow")
        await agenda.reached(EXPIRY_AT)
        while not await portal.expire_sessions():  # the hub has not signed in again yet
            await asyncio.sleep(POLL_SECONDS)
        show.event("the portal ends the hub's session; the hub signs in again", "yellow")
        await agenda.reached(KILL_AT)
        await hub.kill()
        show.event("SIGKILL: the hub is dead in the middle of it; the senders keep trying", "bold yellow")
        await hub.start()
        await agenda.may_send(1)
        show.event("the hub is back; what was under way is in doubt, and asked about", "yellow")
        await agenda.all_but("table mended")
        show.event(f"all is sent; {lines.tries_without_answer} tries had no answer and were made again")
        await operator.mend_table()
        await agenda.reached(1)
        return struck


def _counts(agenda: Agenda, hub: HubProcess) -> str:
    seen = hub.seen
    waiting = "".join(f", {seen[name]} {name}" for name in ("open", "dead", "kept") if seen.get(name))
    return f"{agenda.done} answered{waiting}{', breaker open' if seen.get('breaker') else ''}"

"""What must hold of a connector without any fault: its settings, its life cycle, and that what it says is so.

Each check is an async function whose docstring is the sentence in the report. It returns what is broken, as sentences, or
raises DoesNotApply with the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from hub.connector import Finder, Found, Holder, Receipt, Sender
from hub.errors import DeliveryError, Problem, Rejected
from hub.message import SchemaRef, system_clock
from hub.testing.bench import Subject, bench, make, settings_at
from hub.testing.specimen import Sample
from hub.testing.watched_calls import Told, unlike, watched

_UNREACHABLE = "http://127.0.0.1:9"
_GRACE_SECONDS = 3.0


class DoesNotApply(Exception):
    """The check cannot be told of this connector; the text says why."""


async def is_described(subject: Subject) -> list[str]:
    """The connector says what it is, and every setting, sections included, says what it means."""
    found = [] if inspect.getdoc(subject.kind) and subject.kind.__doc__ else ["the class has no docstring"]
    return found + [f"{name} has no description" for name, field in _fields(subject) if not field.get("description")]


def _models(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any]]]:
    whole = subject.kind.Config.model_json_schema(by_alias=True)
    yield "settings", whole
    for name, one in whole.get("$defs", {}).items():
        if "properties" in one:
            yield name, one


def _fields(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for model, schema in _models(subject):
        for name, field in schema.get("properties", {}).items():
            yield f"{model}.{name}", field


async def unknown_settings_are_refused(subject: Subject) -> list[str]:
    """A setting that does not exist, a misspelt one, is refused, in sections too."""
    open_ones = [name for name, schema in _models(subject) if schema.get("additionalProperties") is not False]
    found = [f"{name} takes settings that it does not know" for name in open_ones]
    given = {**settings_at(subject, _UNREACHABLE, subject.folder), "no_such_setting": 1}
    with contextlib.suppress(ValidationError):
        subject.kind.Config.model_validate(given)
        found = found or ["no_such_setting was taken"]
    return found


async def settings_are_frozen(subject: Subject) -> list[str]:
    """Settings do not change after they were read."""
    config = make(subject, _UNREACHABLE, subject.folder).config
    name = next(iter(type(config).model_fields), None)
    if name is None:
        raise DoesNotApply("it has no settings")
    with contextlib.suppress(ValidationError):
        setattr(config, name, getattr(config, name))
        return [f"{name} could be set"]
    return []


async def problems_are_told(subject: Subject) -> list[str]:
    """``problems``, ``sources`` and ``paths`` answer without a partner, in the form that `hub check` shows."""
    kind, config = subject.kind, make(subject, _UNREACHABLE, subject.folder).config
    found = []
    sent = {_major(one.schema) for one in subject.specimen.samples}
    if not all(isinstance(one, Problem) for one in kind.problems(config, sent, lambda _: None)):
        found.append("problems gives something else than a Problem")
    for at, schema in kind.sources(config).items():
        try:
            SchemaRef.parse(schema)
        except ValueError:
            found.append(f"sources: {at} is no schema")
    return found + [f"path {path} does not begin with /" for path in kind.paths(config) if not path.startswith("/")]


def _major(schema: str) -> str:
    ref = SchemaRef.parse(schema)
    return f"{ref.id}@{ref.version.split('.')[0]}"


async def opens_without_partner(subject: Subject) -> list[str]:
    """``open`` needs no partner, and calls none; to make a connector needs no event loop."""
    try:
        await asyncio.to_thread(make, subject, _UNREACHABLE, subject.folder)
    except Exception as error:
        return [f"it cannot be made: {Told('untyped', error=error).word}; what needs the event loop is begun in open"]
    async with bench(subject) as it:
        await it.leave()
        seen = len(it.proxy.calls) if it.proxy else 0
        connector = make(subject, _UNREACHABLE, it.folder)
        told = await watched(connector.open())
        await watched(connector.close())
        if told.end != "well":
            return [f"open ended with {told.word}"]
        await it.reach()
        return ["open called the partner"] if it.proxy and len(it.proxy.calls) > seen else []


async def closes_twice(subject: Subject) -> list[str]:
    """``close`` may be called twice, and without ``open``."""
    found = []
    async with bench(subject) as it:
        for number in (1, 2):
            told = await watched(it.connector.close())
            if told.end != "well":
                found.append(f"close number {number} ended with {told.word}")
    unopened = make(subject, _UNREACHABLE, subject.folder)
    told = await watched(unopened.close())
    return found + ([] if told.end == "well" else [f"close without open ended with {told.word}"])


async def check_finds_it_well(subject: Subject) -> list[str]:
    """``check`` passes where the partner answers with these credentials."""
    async with bench(subject) as it:
        told = await watched(it.connector.check())
        return [] if told.end == "well" else [told.said]


async def check_changes_nothing(subject: Subject) -> list[str]:
    """``check`` changes nothing at the partner."""
    async with bench(subject) as it:
        if it.partner is None:
            raise DoesNotApply("no simulator, so that nobody can tell")
        before = it.state()
        await watched(it.connector.check())
        found = [f"the partner was changed {it.effects()} times"] if it.effects() else []
        return found or (["the partner's memory is another"] if it.state() != before else [])


async def check_says_what_is_wrong(subject: Subject) -> list[str]:
    """``check`` raises a DeliveryError where nobody answers."""
    if subject.specimen.simulator is None:
        raise DoesNotApply("no HTTP")
    async with bench(subject) as it:
        opened = await watched(it.reach(_UNREACHABLE))
        if opened.end != "well":
            raise DoesNotApply("it cannot be opened without the partner")
        told = await watched(opened.value.check())
        return [] if isinstance(told.error, DeliveryError) else [told.said]


async def leaves_nothing_behind(subject: Subject) -> list[str]:
    """After ``close`` no task, socket or file of it is left."""
    tasks, files = asyncio.all_tasks(), _descriptors()
    async with bench(subject) as it:
        await watched(it.connector.check())
        for sample in subject.specimen.samples[:1]:
            message = it.message(sample)
            await watched(it.connector.send(message, it.attempt(message)))
    loop = asyncio.get_running_loop()
    until = loop.time() + _GRACE_SECONDS
    while True:
        found = [f"a task is left: {one.get_name()}" for one in asyncio.all_tasks() - tasks if not one.done()]
        found += [f"left open: {what}" for fd, what in _descriptors().items() if files.get(fd) != what]
        if not found or loop.time() > until:
            return found
        await asyncio.sleep(0.02)


def _descriptors() -> dict[str, str]:
    """What this process has open, by number; empty where the system does not tell."""
    found: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for number in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                what = os.readlink(f"/proc/self/fd/{number}")
                if not what.startswith(("/proc/", "anon_inode:", "pipe:", "/dev/")):
                    found[number] = what
    return found


async def delivers_its_samples(subject: Subject) -> list[str]:
    """Each sample is accepted, with a Receipt, and the partner has it."""
    if not issubclass(subject.kind, Sender):
        raise DoesNotApply("it sends nothing")
    if not subject.specimen.samples:
        return ["the specimen has no sample of what it sends"]
    found = []
    async with bench(subject) as it:
        for sample in subject.specimen.samples:
            message, before = it.message(sample), it.effects()
            told = await watched(it.connector.send(message, it.attempt(message)))
            if not isinstance(told.value, Receipt):
                found.append(f"{sample.schema}: {unlike(told, Receipt).said}")
                continue
            it.delivered(message, told.value.ids)
            if it.partner is not None and it.effects() == before:
                found.append(f"{sample.schema}: the partner was not changed by it")
    return found


async def the_same_twice_is_safe(subject: Subject) -> list[str]:
    """A message whose first answer the hub lost is found at the partner, or has no second effect when it is sent again."""
    if not subject.specimen.samples:
        raise DoesNotApply("it sends nothing")
    found, guessed = [], []
    async with bench(subject) as it:
        for sample in subject.specimen.samples:
            message = it.message(sample)
            attempt = it.attempt(message)
            told = unlike(await watched(it.connector.send(message, attempt)), Receipt)
            if told.end != "well":
                return [f"{sample.schema}: it was not accepted"]
            held: Found | None = Found(holds=None)
            if isinstance(it.connector, Finder):
                asked = unlike(await watched(it.connector.find(message, attempt)), Found, type(None))
                if asked.end != "well":
                    return [f"{sample.schema}: asked by find, {asked.said}"]
                held = asked.value
            if held is None or held.holds is False:
                found.append(f"{sample.schema}: it is there, and find says that it is not")
            elif held.holds is None and it.partner is not None:
                before = it.effects()
                again = await watched(it.connector.send(message, attempt.next(may_update=True)))
                if it.effects() > before:
                    guessed.append(f"{sample.schema}: the partner cannot be asked and takes it twice")
                elif again.end != "well":
                    found.append(f"{sample.schema}: sent again it ended with {again.word}")
            it.delivered(message, told.value.ids)
    if guessed and not found:
        raise DoesNotApply("; ".join(guessed) + " (routes choose: in_doubt: hold)")
    return found


async def find_invents_nothing(subject: Subject) -> list[str]:
    """What was never sent is not found."""
    if not issubclass(subject.kind, Finder) or not subject.specimen.samples:
        raise DoesNotApply("it cannot ask")
    sample, found = subject.specimen.samples[0], []
    async with bench(subject) as it:
        message = it.message(sample)
        told = unlike(await watched(it.connector.find(message, it.attempt(message))), Found, type(None))
        if told.end != "well" or (told.value is not None and told.value.holds):
            found.append(f"find said {told.word if told.end != 'well' else 'that it is there'}")
        if isinstance(it.connector, Holder):
            told = unlike(await watched(it.connector.held(message)), Found, type(None))
            if told.end != "well" or (told.value is not None and told.value.holds):
                found.append(f"held said {told.word if told.end != 'well' else 'that it is there'}")
        if it.effects():
            found.append(f"the partner was changed {it.effects()} times by asking")
    return found


async def keeps_nothing_in_mind(subject: Subject) -> list[str]:
    """What was sent is known from the partner, not from memory: one that never had it is sent it."""
    if not issubclass(subject.kind, Sender) or not subject.specimen.samples:
        raise DoesNotApply("it sends nothing")
    if subject.specimen.simulator is None:
        raise DoesNotApply("no simulator, so that nobody can tell")
    found = []
    async with bench(subject) as it:
        message = it.message(subject.specimen.samples[0])
        if (await watched(it.connector.send(message, it.attempt(message)))).end != "well":
            raise DoesNotApply("its first sample was not accepted")
    async with bench(subject) as it:
        if isinstance(it.connector, Finder):
            told = unlike(await watched(it.connector.find(message, it.attempt(message))), Found, type(None))
            if told.end == "well" and told.value is not None and told.value.holds:
                found.append("find said that it is there, of a partner that never had it")
        before = it.effects()
        told = await watched(it.connector.send(message, it.attempt(message)))
        if it.effects() == before:
            found.append(f"sent to a partner that never had it, {told.said} and changed nothing there")
    return found


async def foreign_messages_are_refused(subject: Subject) -> list[str]:
    """A message of a schema that it does not know is Rejected, before any call."""
    if not issubclass(subject.kind, Sender) or not subject.specimen.samples:
        raise DoesNotApply("it sends nothing")
    async with bench(subject) as it:
        message = it.message(Sample("no-such-schema@1.0.0", subject.specimen.samples[0].body))
        seen = len(it.proxy.calls) if it.proxy else 0
        told = await watched(it.connector.send(message, it.attempt(message)))
        if told.end == "well":
            raise DoesNotApply("it takes every schema that a route sends")
        called = it.proxy is not None and len(it.proxy.calls) > seen
        found = [] if isinstance(told.error, Rejected) else [told.said]
        return found + (["it called the partner"] if called else [])


async def the_clock_is_ours(subject: Subject) -> list[str]:
    """The same sample goes the same way whatever our clock says, as long as it stands still."""
    if not subject.specimen.samples:
        raise DoesNotApply("it sends nothing")
    now = system_clock()
    async with bench(subject) as it:
        await it.leave()
        where = it.proxy.url if it.proxy else _UNREACHABLE
        it.connector = make(subject, where, it.folder, lambda: now)
        await it.connector.open()
        message = it.message(subject.specimen.samples[0])
        told = await watched(it.connector.send(message, it.attempt(message)))
        return [] if told.end == "well" else [f"with a clock that stands still {told.said}"]


CONTRACT = (
    is_described, unknown_settings_are_refused, settings_are_frozen, problems_are_told, opens_without_partner, closes_twice,
    check_finds_it_well, check_changes_nothing, check_says_what_is_wrong, leaves_nothing_behind, delivers_its_samples,
    the_same_twice_is_safe, find_invents_nothing, keeps_nothing_in_mind, foreign_messages_are_refused, the_clock_is_ours,
)  # fmt: skip

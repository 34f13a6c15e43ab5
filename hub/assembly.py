"""Turns a hub home into the parts it describes, and finds everything that is wrong with them, all at once.

``hub check`` shows what ``examine`` finds; ``hub run`` refuses to start on the same findings.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hub import strictyaml
from hub.config import PACKAGED, Home, load_home, validation_problems
from hub.connector import Connector, ConnectorConfig, Sender, installed_connectors, load_connector
from hub.errors import BadConfig, Problem, UnknownSchema, WithProblems
from hub.files.on_routes import enclosing_of, unsaid
from hub.intake.planning import Source
from hub.intake.soap_config import make_service, paths_apart
from hub.intake.soap_service import SoapService
from hub.lookup.configured import lookup_fits, verify_of
from hub.message import SchemaRef
from hub.routing.routes import Condition, Route, Router, Verify
from hub.translation import Catalog, Schema
from hub.translation.lint import lint_catalog
from hub.translation.lock import UNRELEASED
from hub.translation.versions import allows, same_major
from hub.translation.ways import two_mappings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A configured partner, not yet opened."""

    name: str
    connector: type[Connector[Any]]
    settings: ConnectorConfig


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of a home that fits together."""

    home: Home
    catalog: Catalog
    router: Router
    sources: tuple[Source, ...]
    endpoints: dict[str, Endpoint]
    warnings: tuple[Problem, ...]
    soap: dict[str, SoapService] = field(default_factory=dict)


@dataclass(slots=True)
class _Findings:
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @contextmanager
    def gather(self, at: str = "", source: str = "") -> Iterator[None]:
        """Collect what is raised inside; problems that name no place get this one."""
        try:
            yield
        except WithProblems as error:
            for one in error.problems:
                placed = one if one.source else Problem(at or one.at, one.code, one.message, one.hint, source)
                self.problems.append(placed)
        except ValueError as error:
            self.problems.append(Problem(at, "bad_value", str(error), source=source))


def examine(folder: Path) -> tuple[Assembly | None, list[Problem], list[Problem]]:
    """(parts if the home can run, errors, warnings) of everything in the home: configuration, connectors, schemas,
    mappings with their tests, tables, routes."""
    found = _Findings()
    home: Home | None = None
    with found.gather():
        home = load_home(folder)
    if home is None:
        _what_else_is_wrong(folder, found)
        return None, found.problems, []
    return _fitted(home, _endpoints(home, found), found)


def fit(home: Home, endpoints: dict[str, Endpoint]) -> tuple[Assembly | None, list[Problem], list[Problem]]:
    """Like ``examine``, of a home whose endpoints stand ready: a rehearsal's are not those of config.yaml."""
    return _fitted(home, endpoints, _Findings())


def _fitted(
    home: Home, endpoints: dict[str, Endpoint], found: _Findings
) -> tuple[Assembly | None, list[Problem], list[Problem]]:
    known = [*_installed(_Findings()), *(one.connector for one in endpoints.values())]
    keys = {name: key.get_secret_value() for name, key in home.config.keys.items()}
    catalog, problems = Catalog.read(home.layers, fetched_tables(known), keys)
    pins = {pin.partition("@")[0] for route in home.config.routes.values() for pin in route.via}
    found.problems += [*problems, *lint_catalog(catalog), *two_mappings(catalog.edges(), pins)]
    read = len(found.problems)
    sources = _sources(home, catalog, found)
    _lookups(home, catalog, endpoints, found)
    routes = _routes(home, catalog, endpoints, found)
    _made_fits(home, catalog, sources, found)
    _settings_fit(home, catalog, endpoints, found)
    _handed_over_is_taken(home, catalog, endpoints, found)
    soap = _soap(home, catalog, found)
    _doors_apart(home, endpoints, found)
    _events(home, endpoints, found)
    _tls(home, found)
    warnings = [*catalog.warnings, *found.warnings]
    broken = {Path(one.source).parent.name for one in problems if one.code not in UNRELEASED}
    found.problems[read:] = [one for one in found.problems[read:] if not _for_its_sake(one, broken)]
    if found.problems:
        return None, found.problems, warnings
    return Assembly(home, catalog, Router(routes), tuple(sources), endpoints, tuple(warnings), soap), [], warnings


def _for_its_sake(problem: Problem, broken: set[str]) -> bool:
    """Is what is configured perhaps only called wrong because a file of the catalog is? ``broken``: the names of such files'
    schemas, mappings and tables."""
    if problem.code in ("no_mapping", "pin_leads_nowhere"):
        return bool(broken)
    return any(f" {name}@" in problem.message for name in broken)


def _what_else_is_wrong(folder: Path, found: _Findings) -> None:
    """With a configuration that is wrong as such: what else can be found in connectors, schemas, mappings and tables."""
    catalog, problems = Catalog.read((folder, PACKAGED), fetched_tables(_installed(found)))
    found.problems += [*problems, *lint_catalog(catalog)]
    with contextlib.suppress(BadConfig):
        document = strictyaml.load(folder / "config.yaml", "config.yaml")
        routes, written = _written(document, "routes"), _written(document, "endpoints")
        pinned = [pin for one in routes.values() if isinstance(one, dict) for pin in one.get("via") or ()]
        found.problems += two_mappings(catalog.edges(), {str(pin).partition("@")[0] for pin in pinned})
        for name, one in written.items():
            if isinstance(one, dict) and isinstance(one.get("connector"), str):
                with found.gather(f"endpoints.{name}.connector", document.at("endpoints", name, "connector")):
                    _settings(name, load_connector(one["connector"]), one.get("settings", {}), document.at, folder)


def _written(document: strictyaml.Document, section: str) -> dict[str, Any]:
    """A section of config.yaml as it is written; empty where it is something else."""
    found = document.data.get(section) if isinstance(document.data, dict) else None
    return found if isinstance(found, dict) else {}


def assemble(folder: Path) -> Assembly:
    """The parts of the home. Raises BadConfig with every problem."""
    parts, problems, _ = examine(folder)
    if parts is None:
        raise BadConfig(problems)
    return parts


def open_endpoints(home: Home) -> dict[str, Endpoint]:
    """The endpoints alone, for commands that must work before the catalog does. Raises BadConfig."""
    found = _Findings()
    endpoints = _endpoints(home, found)
    if found.problems:
        raise BadConfig(found.problems)
    return endpoints


def fetched_tables(connectors: Iterable[type[Connector[Any]]]) -> dict[str, Any]:
    """Code tables that these connectors can fetch: ``id@major`` → columns."""
    return {table: columns for one in connectors for table, columns in one.tables.items()}


def _endpoints(home: Home, found: _Findings) -> dict[str, Endpoint]:
    endpoints: dict[str, Endpoint] = {}
    for name, config in home.config.endpoints.items():
        at = f"endpoints.{name}.connector"
        with found.gather(at, home.where("endpoints", name, "connector")):
            connector = load_connector(config.connector)
            settings = _settings(name, connector, config.settings, home.where, home.folder)
            endpoints[name] = Endpoint(name, connector, settings)
    return endpoints


def _installed(found: _Findings) -> list[type[Connector[Any]]]:
    """Every connector that is installed, configured or not: the tables they can fetch are known by name."""
    loaded: list[type[Connector[Any]]] = []
    for name in installed_connectors():
        with found.gather():
            loaded.append(load_connector(name))
    return loaded


def _settings(
    name: str, connector: type[Connector[Any]], given: Any, where: Callable[..., str], folder: Path
) -> ConnectorConfig:
    """The connector's own configuration. Raises BadConfig with every problem, placed."""
    try:
        return connector.Config.model_validate(given, context={"home": folder})
    except ValidationError as error:
        raise BadConfig(validation_problems(error, where, ("endpoints", name, "settings"))) from None


def _sources(home: Home, catalog: Catalog, found: _Findings) -> list[Source]:
    sources: list[Source] = []
    for index, config in enumerate(home.config.sources):
        source_line = home.where("sources", index)
        with found.gather(f"sources.{index}.schema", source_line):
            schema = catalog.schema(config.schema_)
            if any(same_major(schema.ref, catalog.schema(one.schema).ref) for one in sources):
                text = f"{schema.ref.id} of this major version stands under sources twice"
                raise BadConfig([Problem("", "source_twice", text, "keep one, or name another major version")])
            for target in config.becomes:
                with found.gather(f"sources.{index}.becomes", source_line):
                    _canonical(catalog, target)
                    catalog.chain(str(schema.ref), target)
                    for other in (ref for ref in _versions(catalog, config.schema_) if ref != schema.ref):
                        _version_fits(catalog, other, target, f"sources.{index}.becomes", source_line, found)
            sources.append(Source(config.schema_, config.becomes))
    return sources


def _versions(catalog: Catalog, source: str) -> list[SchemaRef]:
    """Every version in which a message of the source may come."""
    listed = catalog.schema(source).ref
    return [ref for ref in catalog.schemas() if same_major(ref, listed)]


def _version_fits(catalog: Catalog, version: SchemaRef, target: str, at: str, source: str, found: _Findings) -> None:
    """Warn of another version of a source that has no way: what comes in it is kept. Raises BadConfig for several ways."""
    try:
        catalog.chain(version, target)
    except BadConfig as error:
        (problem,) = error.problems
        if problem.code != "no_mapping":
            raise
        text = f"{problem.message}: what comes in {version} is kept"
        found.warnings.append(replace(problem, at=at, message=text, source=source))


def _soap(home: Home, catalog: Catalog, found: _Findings) -> dict[str, SoapService]:
    services: dict[str, SoapService] = {}
    for name, config in home.config.soap.items():
        with found.gather(f"soap.{name}", home.where("soap", name)):
            services[name] = make_service(name, config, catalog, _taken(home))
    with found.gather("soap", home.where("soap")):
        paths_apart(home.config.soap)
    return services


def _lookups(home: Home, catalog: Catalog, endpoints: dict[str, Endpoint], found: _Findings) -> None:
    for name, config in home.config.endpoints.items():
        if config.lookup is not None and name in endpoints:
            with found.gather(f"endpoints.{name}.lookup", home.where("endpoints", name, "lookup")):
                lookup_fits(catalog, endpoints[name].connector, config.lookup)


def _routes(home: Home, catalog: Catalog, endpoints: dict[str, Endpoint], found: _Findings) -> list[Route]:
    routes: list[Route] = []
    connectors = {name: endpoint.connector for name, endpoint in endpoints.items()}
    for name, config in home.config.routes.items():
        at: Callable[[str], str] = lambda part, name=name: home.where("routes", name, part)  # type: ignore[misc]  # noqa: E731
        if config.to not in home.config.endpoints:
            known = ", ".join(home.config.endpoints) or "none"
            text = f"no endpoint is named {config.to}"
            found.problems.append(Problem(f"routes.{name}.to", "unknown_endpoint", text, f"one of: {known}", at("to")))
        elif config.to in endpoints and not issubclass(endpoints[config.to].connector, Sender):
            text = f"the connector of {config.to} does not deliver messages"
            found.problems.append(Problem(f"routes.{name}.to", "not_a_sender", text, source=at("to")))
        with found.gather(f"routes.{name}.take", at("take")):
            _canonical(catalog, config.take)
        via: tuple[SchemaRef, ...] = ()
        way = "via" if config.via else "as"
        with found.gather(f"routes.{name}.as", at("as")):
            catalog.schema(config.as_)
            with found.gather(f"routes.{name}.{way}", at(way)):
                via = tuple(map(SchemaRef.parse, config.via))
                catalog.chain(config.take, config.as_, via)
        with found.gather(f"routes.{name}.when", at("when")):
            _conditions_fit(catalog.schema(config.take), tuple(_conditions(config)))
        verify: list[Verify] = []
        for step in config.verify:
            with found.gather(f"routes.{name}.verify", at("verify")):
                verify.append(verify_of(catalog, config.take, step, home.config.endpoints, connectors))
        files = None
        with found.gather(f"routes.{name}.files", at("files")):
            if config.files is not None:
                files = enclosing_of(config.files, home.config.files, catalog.schema(config.take))
            if (warning := unsaid(config.files, home.config.files, catalog.schema(config.take))) is not None:
                found.warnings.append(replace(warning, at=f"routes.{name}.files", source=home.where("routes", name)))
        with found.gather(f"routes.{name}.take", at("take")):
            take = SchemaRef.parse(config.take)
            routes.append(
                Route(
                    name,
                    take,
                    config.to,
                    config.as_,
                    tuple(_conditions(config)),
                    config.coalesce,
                    config.in_doubt,
                    config.on_exists,
                    tuple(verify),
                    via,
                    files=files,
                    senders=config.from_,
                    observations=config.observations,
                )
            )
    return routes


def _made_fits(home: Home, catalog: Catalog, sources: list[Source], found: _Findings) -> None:
    """What the mappings of sources make may be an older version than the newest that a route takes: it must go on, too."""
    made: set[SchemaRef] = set()
    for target, version in (
        (target, ref) for one in sources for target in one.becomes for ref in _versions(catalog, one.schema)
    ):
        with contextlib.suppress(WithProblems):  # said of the sources already
            made.add(catalog.chain(version, target).target.ref)
    for name, config in home.config.routes.items():
        way = "via" if config.via else "as"
        at = home.where("routes", name, way)
        with found.gather(f"routes.{name}.{way}", at), contextlib.suppress(UnknownSchema, ValueError):
            take, via = SchemaRef.parse(config.take), tuple(map(SchemaRef.parse, config.via))
            for ref in sorted(one for one in made if allows(take, one) and one != catalog.schema(take).ref):
                catalog.chain(ref, config.as_, via)


def _conditions(config: Any) -> Iterator[Condition]:
    for one in config.when:
        if one.present is not None:
            yield Condition("present", one.present)
        elif one.absent is not None:
            yield Condition("absent", one.absent)
        else:
            yield from (Condition("equals", path, value) for path, value in one.equals.items())


def _conditions_fit(schema: Schema, conditions: tuple[Condition, ...]) -> None:
    """A condition on a field that no message has would silently stop the route. Raises BadConfig."""
    problems = []
    for one in conditions:
        if not schema.shape.defines(tuple(one.path.split(".")), strict=True):
            near = difflib.get_close_matches(one.path, schema.shape.fields, 1)
            hint = f"did you mean {near[0]}?" if near else f"one of: {', '.join(sorted(schema.shape.fields))}"
            problems.append(Problem("", "unknown_path", f"{schema.ref} has no field {one.path}", hint))
    if problems:
        raise BadConfig(problems)


def _canonical(catalog: Catalog, ref: str) -> None:
    if catalog.schema(ref).role != "canonical":
        text = f"{ref} is not a canonical schema"
        raise BadConfig(
            [Problem("", "not_canonical", text, "routes take, and sources become, canonical schemas such as dossier@1")]
        )


def _handed_over_is_taken(home: Home, catalog: Catalog, endpoints: dict[str, Endpoint], found: _Findings) -> None:
    """What a connector reads or hears is of a schema under ``sources``, else all of it would be refused."""
    taken = _taken(home)
    for name, one in endpoints.items():
        for setting, ref in one.connector.sources(one.settings).items():
            with contextlib.suppress(WithProblems, ValueError):  # a schema that is none is said with the settings
                schema = catalog.schema(ref)
                if schema.role == "source" and not any(same_major(schema.ref, one) for one in taken):
                    path = ("endpoints", name, "settings", *setting.split("."))
                    text = f"{ref} does not stand under sources, so that nothing of it would be taken"
                    hint = f"add {{ schema: {ref}, becomes: […] }} to sources"
                    found.problems.append(Problem(".".join(path), "not_a_source", text, hint, home.where(*path)))


def _taken(home: Home) -> list[SchemaRef]:
    """What stands under ``sources``; what is no reference is said there."""
    taken: list[SchemaRef] = []
    for source in home.config.sources:
        with contextlib.suppress(ValueError):
            taken.append(SchemaRef.parse(source.schema_))
    return taken


def _settings_fit(home: Home, catalog: Catalog, endpoints: dict[str, Endpoint], found: _Findings) -> None:
    """What connectors themselves find wrong with their settings, beside this catalog and these routes."""

    def document(ref: str) -> Mapping[str, Any] | None:
        try:
            return catalog.schema(ref).document
        except WithProblems:
            return None

    for name, one in endpoints.items():
        sent = [route.as_ for route in home.config.routes.values() if route.to == name]
        for problem in one.connector.problems(one.settings, sent, document):
            steps = (int(step) if step.isdecimal() else step for step in problem.at.split(".") if step)
            path = ("endpoints", name, "settings", *steps)
            found.problems.append(replace(problem, at=".".join(map(str, path)), source=home.where(*path)))


def _doors_apart(home: Home, endpoints: dict[str, Endpoint], found: _Findings) -> None:
    """No path of a connector's door is that of another, nor lies where a SOAP door hands out its files."""
    taken: dict[str, str] = {}
    for name, one in endpoints.items():
        where = home.where("endpoints", name, "settings")
        for path in one.connector.paths(one.settings):
            below = (f"soap.{soap}" for soap, door in home.config.soap.items() if f"{path}/".startswith(f"{door.path}/"))
            if other := taken.get(path) or next(below, None):
                text, hint = f"the path {path} is one of {other} too", "give each door paths of its own"
                found.problems.append(Problem(f"endpoints.{name}.settings", "path_taken", text, hint, where))
            taken.setdefault(path, f"endpoints.{name}")


def _events(home: Home, endpoints: dict[str, Endpoint], found: _Findings) -> None:
    """The endpoint of the event stream is there, and with its settings it publishes."""
    if home.config.events is None:
        return
    to, where = home.config.events.to, home.where("events", "to")
    if to not in home.config.endpoints:
        hint = f"one of: {', '.join(home.config.endpoints) or 'none'}"
        found.problems.append(Problem("events.to", "unknown_endpoint", f"no endpoint is named {to}", hint, where))
    elif (one := endpoints.get(to)) is not None and not one.connector.publishes(one.settings):
        text, hint = f"{to} publishes no events", "name an endpoint that does, or say in its settings where they go"
        found.problems.append(Problem("events.to", "not_a_publisher", text, hint, where))


def _tls(home: Home, found: _Findings) -> None:
    tls = home.config.server.tls
    for part, path in (("certificate", tls.certificate), ("key", tls.key)) if tls else ():
        if not (home.folder / path).is_file():
            where = home.where("server", "tls", part)
            found.problems.append(Problem(f"server.tls.{part}", "no_file", "there is no such file", source=where))

"""Alert rules and dashboard: valid, tried out, about metrics that the hub has, and each alert with a page that helps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.exposed import Series, metrics_of_a_busy_hub, series
from deploy.parts import DEPLOY, ROOT, RULES, document, passes, tool
from hub.errors import Busy, TooMany
from hub.observe import metrics

PROMETHEUS = RULES.parent
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "dossier-hub.json"
FROM_PROMETHEUS = {"up": [{"job": "dossier-hub", "instance": ""}], "ALERTS": [{"alertstate": "firing", "alertname": "Hub"}]}
ADDED = {"job", "instance"}
"""Labels that Prometheus adds to everything it scrapes."""
_SELECTOR = re.compile(r"\b([a-zA-Z_]\w*)\s*(?:\{([^}]*)\})?(?=\s*[\[\s)<>=!*/+-]|$)")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
_WORDS = {"by", "on", "without", "ignoring", "unless", "and", "or", "offset", "sum", "min", "max", "rate", "increase"}


def _rules() -> list[dict[str, Any]]:
    return [rule for group in document(RULES)["groups"] for rule in group["rules"]]


def _panels() -> Iterator[tuple[str, str]]:
    """(where, expression) of all that the dashboard asks; Grafana's variables replaced."""
    dashboard = document(DASHBOARD)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "1m").replace("$endpoint", ".*")
            yield f"panel {panel['title']}", expression
    for one in dashboard["templating"]["list"]:
        asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", one["query"]["query"])
        assert asked is not None
        yield f"variable {one['name']}", f"sum by ({asked[2]}) ({asked[1]})"


def _expressions() -> list[tuple[str, str]]:
    return [(f"alert {rule['alert']}", rule["expr"]) for rule in _rules()] + list(_panels())


def _wrong(expression: str, known: Series) -> list[str]:
    """What an expression names that is not there: metrics, labels, and values of ``=`` and of alternatives of ``=~``."""
    found: list[str] = []
    labels: set[str] = set()
    for name, matchers in _SELECTOR.findall(_GROUPING.sub(" ", expression)):
        if name in _WORDS or name in {"histogram_quantile", "vector"} or re.fullmatch(r"[0-9]+[a-z]?|[smhd]", name):
            continue
        if name not in known:
            found.append(f"metric {name}")
            continue
        sets = known[name]
        own = {label for one in sets for label in one} | ADDED
        labels |= own
        for label, operator, value in _MATCHER.findall(matchers):
            if label not in own:
                found.append(f"label {label} of {name}")
            elif operator in ("=", "=~") and label not in ADDED and value not in (".*", "Hub.*"):
                seen = {one.get(label) for one in sets}
                found += [f"{name}{{{label}={word}}}" for word in value.split("|") if word not in seen]
    for group in _GROUPING.findall(expression):
        found += [f"label {one.strip()}" for one in group.split(",") if one.strip() not in labels]
    return found


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Series:
    """Every series of a hub that has seen everything."""
    found = metrics_of_a_busy_hub(tmp_path_factory.mktemp("busy"))
    # what a short life does not show: a full disk, a crowd, one delivery under way and one in doubt
    metrics.store_error("disk_full")
    metrics.broke("rows")
    for crowd in (Busy, TooMany):
        metrics.refused(crowd.kind)
    here = series(metrics.render().decode())
    for name in ("hub_store_errors_total", "hub_refused_total", "hub_broke_total"):
        found[name] += here[name]
    found["hub_backlog"] += [{"state": state} for state in ("claimed", "in_doubt")]
    return found | FROM_PROMETHEUS


def test_prometheus_takes_configuration_and_rules() -> None:
    """``promtool check config`` reads both."""
    passes(tool("promtool"), "check", "config", PROMETHEUS / "prometheus.yml")
    passes(tool("promtool"), "check", "rules", RULES)


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    """``promtool test rules``; every alert is shown firing and shown silent there."""
    passes(tool("promtool"), "test", "rules", PROMETHEUS / "rules_test.yaml")
    tried = [one for test in document(PROMETHEUS / "rules_test.yaml")["tests"] for one in test["alert_rule_test"]]
    fires = {one["alertname"] for one in tried if one.get("exp_alerts")}
    assert fires == {rule["alert"] for rule in _rules()}


def test_the_rules_test_can_fail(tmp_path: Path) -> None:
    """With another threshold it finds an alert that fires too early."""
    (tmp_path / "rules.yaml").write_text(RULES.read_text(encoding="utf-8").replace("> 1800", "> 1"), encoding="utf-8")
    (tmp_path / "rules_test.yaml").write_bytes((PROMETHEUS / "rules_test.yaml").read_bytes())
    with pytest.raises(AssertionError):
        passes(tool("promtool"), "test", "rules", tmp_path / "rules_test.yaml")


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_each_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """Summary, description, severity, and a page that names the alert."""
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert rule["labels"]["severity"] in ("warning", "critical")
    page = ROOT / rule["annotations"]["runbook"]
    assert page.parent == ROOT / "docs" / "howto" and rule["alert"] in page.read_text(encoding="utf-8")


def test_prometheus_takes_what_the_dashboard_asks(tmp_path: Path) -> None:
    """Each expression of a panel is PromQL, as a rule that promtool reads."""
    rules = [{"record": f"panel:{number}", "expr": expression} for number, (_, expression) in enumerate(_panels())]
    assert len(rules) > 15
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    passes(tool("promtool"), "check", "rules", file)


def test_alerts_and_panels_name_what_the_hub_shows(known: Series) -> None:
    """Metrics, labels and their values, in every alert and panel, are those of a running hub."""
    wrong = {where: found for where, expression in _expressions() if (found := _wrong(expression, known))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("sum by (endpoint) (hub_backlogg) > 0", ["metric hub_backlogg", "label endpoint"]),
        ('hub_backlog{stat="dead"}', ["label stat of hub_backlog"]),
        ('hub_backlog{state=~"dead|gone"}', ["hub_backlog{state=gone}"]),
        ("sum by (rout) (rate(hub_backlog[5m]))", ["label rout"]),
    ],
)
def test_the_search_for_unknown_names_finds_them(expression: str, found: list[str]) -> None:
    """A misspelt metric, label, value or grouping is found."""
    assert _wrong(expression, {"hub_backlog": [{"endpoint": "portal", "state": "dead"}]}) == found


def test_the_dashboard_is_one_that_grafana_provisions() -> None:
    """Its panels have ids of their own and lie side by side; its data source is the one that is provisioned."""
    dashboard = document(DASHBOARD)
    source = document(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yaml")["datasources"][0]
    provider = document(DEPLOY / "grafana" / "provisioning" / "dashboards" / "dossier-hub.yaml")["providers"][0]
    mounted = [volume.split(":")[1] for volume in document(DEPLOY / "compose.yaml")["services"]["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) == 23

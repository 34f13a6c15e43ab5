"""What is said of settings before anybody calls: routes, schemas and accounts that do not go together."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.ministry_portal.config import MinistryConfig
from connectors.ministry_portal.connector import MinistryPortal
from ministry_portal.parts import settings

_ROLES = {"ministry-feed-dossier@1": "source", "ministry-feed-progress@1": "source", "dossier@1": "canonical"}


def _document(schema: str) -> dict[str, Any] | None:
    return {"x-hub": {"role": _ROLES[schema]}} if schema in _ROLES else None


def _problems(*sent: str, **more: Any) -> list[tuple[str, str]]:
    config = MinistryConfig.model_validate(settings("http://127.0.0.1:9", **more))
    return [(one.at, one.code) for one in MinistryPortal.problems(config, sent, _document)]


def test_what_goes_together_is_fine() -> None:
    both = {"feed": {}, "push": {"accounts": {"ministry": {"sender": "ministry"}}}}
    assert _problems("ministry-dossier@1", "ministry-status@1", "ministry-progress@1", **both) == []
    assert _problems() == []


@pytest.mark.parametrize(
    ("sent", "more", "problem"),
    [
        (["ministry-status@1"], {}, ("", "no_route")),
        (["ministry-status@1", "ministry-dossier@1"], {}, ("", "route_order")),
        (["npsp-dossier@1"], {}, ("", "unknown_schema_sent")),
        ([], {"push": {}}, ("push.accounts", "missing")),
        ([], {"feed": {}, "dossier_schema": "nothing@1"}, ("dossier_schema", "unknown_schema")),
        ([], {"feed": {}, "dossier_schema": "dossier@1"}, ("dossier_schema", "not_a_source")),
        ([], {"feed": {}, "dossier_schema": "ministry-feed-progress@1"}, ("progress_schema", "bad_value")),
    ],
)
def test_what_does_not(sent: list[str], more: dict[str, Any], problem: tuple[str, str]) -> None:
    assert problem in _problems(*sent, **more)


@pytest.mark.parametrize(
    "more",
    [
        {"base_url": "ftp://x"},
        {"base_url": "http://x/?a=1"},
        {"exists_patterns": [" "]},
        {"paths": {"create": "x"}},
        {"other": 1},
    ],
    ids=str,
)
def test_settings_that_cannot_be(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MinistryConfig.model_validate(settings("http://127.0.0.1:9", **more))


def test_the_secret_is_shown_nowhere() -> None:
    assert "mat-khau" not in repr(MinistryConfig.model_validate(settings("http://x", client_secret="mat-khau-chim")))

"""The settings of an account: what is taken, what is refused with its reason, and that no secret shows."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.cli.settings import settings_of
from hub.config import validation_problems
from hub.wire.accounts import Account, secrets_of

SECRET = "s3cret-never-shown"
LGSP = "eyJBY2Nlc3NLZXkiOiJrIn0="
WAYS: dict[str, dict[str, Any]] = {
    "api_key": {"value": SECRET},
    "basic": {"username": "province", "password": SECRET},
    "bearer": {"token": SECRET},
    "oauth2": {"token_url": "http://h/token", "client_id": "province", "client_secret": SECRET},
    "session": {"url": "http://h/login", "username": "province", "password": SECRET},
}


class Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    account: Account | None = Field(None, description="Who we are.")


def read(**account: Any) -> Config:
    return Config.model_validate({"account": account})


def wrong(**account: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as error:
        read(**account)
    return [(one.at, one.message) for one in validation_problems(error.value, lambda *_: "")]


@pytest.mark.parametrize("kind", WAYS)
def test_no_secret_shows(kind: str) -> None:
    """Neither in repr nor in the error of a wrong setting beside it; but whoever masks texts gets it."""
    config = read(kind=kind, lgsp_access_token=LGSP, **WAYS[kind])
    assert SECRET not in repr(config) and LGSP not in repr(config)
    assert {SECRET, LGSP} <= {value for _, value in secrets_of(config.account)}
    problems = wrong(kind=kind, lgsp_access_token=LGSP, unknown=1, **WAYS[kind])
    assert [at for at, _ in problems] == ["account.unknown"]
    assert SECRET not in str(problems) and LGSP not in str(problems)


@pytest.mark.parametrize("kind", WAYS)
def test_a_secret_on_two_lines_or_empty_is_refused(kind: str) -> None:
    """What is sent in a header cannot break out of it."""
    (name,) = (name for name, value in WAYS[kind].items() if value == SECRET)
    assert [at for at, _ in wrong(kind=kind, **{**WAYS[kind], name: ""})] == [f"account.{name}"]
    assert [at for at, _ in wrong(kind=kind, **WAYS[kind], lgsp_access_token="a\r\nX-Evil: 1")] == ["account.lgsp_access_token"]
    if kind in ("api_key", "bearer"):
        assert [at for at, _ in wrong(kind=kind, **{**WAYS[kind], name: "a\nb"})] == [f"account.{name}"]


@pytest.mark.parametrize(
    ("account", "at"),
    [
        ({"kind": "oauth2", "client_id": "c", "client_secret": "s"}, "account.token_url"),
        ({**WAYS["oauth2"], "kind": "oauth2", "token_url": "http://u:p@h/token"}, "account.token_url"),
        ({**WAYS["oauth2"], "kind": "oauth2", "token_url": "http://h:99999/token"}, "account.token_url"),
        ({**WAYS["oauth2"], "kind": "oauth2", "token_url": "http://h o/token"}, "account.token_url"),
        ({**WAYS["oauth2"], "kind": "oauth2", "token_at": "access_token"}, "account.token_at"),
        ({**WAYS["session"], "kind": "session", "sent_as": {"prefix": "Bearer\r\nX-Evil: "}}, "account.sent_as.prefix"),
        ({**WAYS["bearer"], "kind": "bearer", "token": "   "}, "account.token"),
        ({**WAYS["session"], "kind": "session", "sent_as": {"header": "X Token"}}, "account.sent_as.header"),
        ({**WAYS["basic"], "kind": "basic", "username": "a:b"}, "account.username"),
        ({"kind": "kerberos"}, "account"),
    ],
)
def test_a_wrong_setting_is_named_as_it_is_written(account: dict[str, Any], at: str) -> None:
    """The place is the one in the file: without the kind that pydantic puts between."""
    assert [one for one, _ in wrong(**account)] == [at]


def test_every_setting_is_described_and_secrets_are_known_as_such() -> None:
    """Of every kind, once, so that the reference and the caution about secrets in the file know them."""
    found = {one.name: one for one in settings_of(Config)}
    assert all(one.description for one in found.values())
    secret = {name for name, one in found.items() if one.type == "secret"}
    assert secret == {
        "account.lgsp_access_token", "account.value", "account.password", "account.token", "account.client_secret"
    }  # fmt: skip
    assert found["account.kind"].type == "api_key | basic | bearer | oauth2 | session"
    assert found["account.sent_as.prefix"].default == '"Bearer "'

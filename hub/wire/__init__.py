"""Plumbing that connectors may use: an HTTP session that tells what may have arrived, and a shared sign-in."""

from hub.wire.accounts import Account
from hub.wire.answer import Answer, unclear
from hub.wire.http import HttpEndpoint, HttpSettings
from hub.wire.sign_in import SignIn
from hub.wire.signed import SignedEndpoint

__all__ = ["Account", "Answer", "HttpEndpoint", "HttpSettings", "SignIn", "SignedEndpoint", "unclear"]

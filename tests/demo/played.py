"""A demo that was kept: its folder, what it printed, what its hub told and held, and every name, number and secret that was
sent through it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from warm_hub import Words

from connectors.demo.beside import count_of
from connectors.demo.check_events import Heard
from connectors.demo.filings import filings
from connectors.demo.held import held
from connectors.demo.ministry import own
from connectors.demo.planted import DAY

DOSSIERS = 120
"""How many a demo of the tests sends."""
HUB = Words("hub")
PERSONAL = (
    "applicantName", "applicantIdNo", "address", "contactName", "contactTelNo", "contactEmail", "lastActionUser",
    "delegateName", "delegateIdNo", "postalTelNo", "postalAddress",
)  # fmt: skip
IN_PACKETS = ("ChuHoSo", "SoGiayToChuHoSo", "SoDienThoai", "Email", "NguoiXuLy")
IN_ENVELOPES = re.compile(r"<(?:HoTen|SoGiayTo|DienThoai|Email|NguoiXuLy)(?: [^>]*)?>([^<]{6,})<")


class Played:
    """``folder`` holds its home, the senders' record and what the partners remember."""

    def __init__(self, folder: Path, printed: str, errors: str, hub: Path, brokers: str) -> None:
        self.folder = folder
        self.hub = hub
        self.brokers = brokers
        self.home = folder / "home"
        self.held = held(self.home)
        lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        self.heard = [Heard(**json.loads(line)) for line in lines]
        self.printed, self.errors = printed, errors
        self.codes: list[str] = []
        self.canaries: set[str] = set()
        for line in (folder / "sent.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if entry.get("code"):
                self.codes.append(entry["code"])
            self.canaries |= {text.strip() for text in IN_ENVELOPES.findall(entry.get("body", ""))}
            try:
                record = json.loads(entry["body"])
            except (KeyError, TypeError, ValueError, RecursionError):  # planted wrong ones
                continue
            for one in [record, *record.get("data", [])] if isinstance(record, dict) else []:
                texts = (one.get(name) for name in PERSONAL + IN_PACKETS)
                self.canaries |= {text.strip() for text in texts if isinstance(text, str) and len(text.strip()) > 5}
        day = [record for one in filings(1, count_of(DOSSIERS), DAY) for record in (one.body, *one.records)]
        for one in [*day, *own(1, count_of(DOSSIERS), DAY).items]:
            texts = (one.get(name) for name in (*PERSONAL, *IN_PACKETS, "NguoiNop"))
            self.canaries |= {text.strip() for text in texts if isinstance(text, str) and len(text.strip()) > 5}
        self.environment = {
            **os.environ, "PORTAL_URL": "http://127.0.0.1:9/x", "PORTAL_USERNAME": "somebody",
            "PORTAL_PASSWORD": "canary-secret", "POPULATION_URL": "http://127.0.0.1:9/x",
            "POPULATION_SECRET": "canary-registry", "POPULATION_API_KEY": "canary-api-key",
            "BUSINESS_URL": "http://127.0.0.1:9", "BUSINESS_SECRET": "canary-business", "MINISTRY_URL": "http://127.0.0.1:9",
            "MINISTRY_SECRET": "canary-ministry", "LOCAL_URL": "http://127.0.0.1:9", "LOCAL_KEY": "canary-local-key",
            "FILES_KEY": "canary-key-of-signed-links", "HUB_PUBLIC_URL": "http://127.0.0.1:9",
        }  # fmt: skip
        self.canaries |= {value for value in self.environment.values() if value.startswith("canary-")}

    def shell(self, *words: str) -> str:
        """Everything one command says, whatever its exit code."""
        run = subprocess.run([self.hub, "--home", self.home, *words], env=self.environment, capture_output=True, text=True)
        assert "Traceback" not in run.stderr
        return run.stdout + run.stderr

    def leaks(self, text: str) -> set[str]:
        return {canary for canary in self.canaries if canary in text}

"""Metrics have bounded labels and show what was counted; trace ids follow W3C; free text is masked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.observe import metrics, redact, trace

CANARY = "Nguyễn Canary"


def value(sample: str) -> float:
    """The value of one sample line as Prometheus would read it; 0 when it is absent."""
    found = re.search(rf"^{re.escape(sample)} (.+)$", metrics.render().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_arrivals_are_counted_by_known_names_only() -> None:
    """What was never made known is counted as unknown: a caller cannot make label values up."""
    metrics.know(senders=["one-stop"], schemas=["opencps-dossier@1"])
    known = 'hub_arrivals_total{outcome="accepted",schema="opencps-dossier@1",sender="one-stop"}'
    unknown = 'hub_arrivals_total{outcome="refused",schema="unknown",sender="unknown"}'
    before = value(known), value(unknown)
    metrics.arrival("one-stop", "opencps-dossier@1.0.0", "accepted")
    metrics.arrival("one-stop", "opencps-dossier@1", "accepted")
    metrics.arrival(None, None, "refused")
    metrics.arrival(CANARY, f"{CANARY.lower()}@1", "refused")
    assert (value(known), value(unknown)) == (before[0] + 2, before[1] + 2)
    assert "Canary" not in metrics.render().decode()


def test_senders_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many names are made known, the number of time series stays bounded."""
    monkeypatch.setattr(metrics, "_senders", set())
    before = metrics.render().decode().count("hub_arrivals_total{")
    metrics.know(senders=[f"sender-{n}" for n in range(2 * metrics.MAX_SENDERS)])
    for n in range(2 * metrics.MAX_SENDERS):
        metrics.arrival(f"sender-{n}", None, "refused")
    assert metrics.render().decode().count("hub_arrivals_total{") - before <= metrics.MAX_SENDERS + 1


def test_the_rest_of_the_flow_is_counted() -> None:
    """Deliveries, lag, partner latency, breaker, refusals and store errors, each under its own name."""
    metrics.delivery("counted", "to-portal", "delivered")
    metrics.lag("counted", "to-portal", 0.3)
    metrics.partner("counted", 0.2)
    metrics.breaker("counted", True)
    metrics.refused("schema-invalid")
    metrics.refused(CANARY)
    metrics.store_error("disk_full")
    assert value('hub_deliveries_total{endpoint="counted",outcome="delivered",route="to-portal"}') == 1
    assert value('hub_lag_seconds_bucket{endpoint="counted",le="0.5",route="to-portal"}') == 1
    assert value('hub_lag_seconds_bucket{endpoint="counted",le="0.25",route="to-portal"}') == 0
    assert value('hub_partner_seconds_count{endpoint="counted"}') == 1
    assert value('hub_breaker_open{endpoint="counted"}') == 1
    assert value('hub_refused_total{reason="unknown"}') >= 1
    assert value('hub_store_errors_total{reason="disk_full"}') >= 1
    metrics.breaker("counted", False)
    assert value('hub_breaker_open{endpoint="counted"}') == 0
    assert "Canary" not in metrics.render().decode()


def test_backlog_follows_the_store_up_and_down() -> None:
    """A lane that emptied leaves no old number behind."""
    row = {"endpoint": "portal", "route": "to-portal", "state": "pending", "count": 7}
    arrivals = [{"state": "kept", "count": 4}]
    oldest = {"oldest_waiting_seconds": {"portal": 12.5}, "oldest_sendable_seconds": {"portal": 2.5}}
    events = {"count": 3, "oldest_seconds": 1.5}
    metrics.set_traffic({"arrivals": arrivals, "deliveries": [row], "paused": ["portal"], "events": events, **oldest})
    backlog = 'hub_backlog{endpoint="portal",route="to-portal",state="pending"}'
    assert value(backlog) == 7
    assert value('hub_stored_arrivals{state="kept"}') == 4
    assert value('hub_oldest_waiting_seconds{endpoint="portal"}') == 12.5
    assert value('hub_oldest_sendable_seconds{endpoint="portal"}') == 2.5
    assert value('hub_endpoint_paused{endpoint="portal"}') == 1
    assert (value("hub_events_waiting"), value("hub_events_oldest_seconds")) == (3, 1.5)
    empty: dict[str, float] = {}
    none_open = {"oldest_waiting_seconds": empty, "oldest_sendable_seconds": empty}
    metrics.set_traffic({"arrivals": [], "deliveries": [], "paused": [], "events": None, **none_open})
    assert (value("hub_events_waiting"), value("hub_events_oldest_seconds")) == (0, 0)
    shown = metrics.render().decode()
    assert backlog not in shown and "hub_endpoint_paused{" not in shown and "hub_oldest_sendable_seconds{" not in shown


def test_a_callers_trace_is_continued() -> None:
    """Same trace id, a span of our own, the caller's flags."""
    caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    ours = trace.begin(caller)
    assert ours.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert ours.span_id != "00f067aa0ba902b7"
    assert ours.flags == "00"
    assert trace.parse(ours.traceparent) == ours


@pytest.mark.parametrize(
    "header",
    [
        None, "", CANARY, "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra", "00-" * 1000,
    ],
)  # fmt: skip
def test_a_malformed_trace_is_ignored(header: str | None) -> None:
    """W3C: what cannot be read starts a new trace."""
    assert trace.parse(header) is None
    assert trace.begin(header).trace_id != trace.begin(header).trace_id
    assert re.fullmatch("[0-9a-f]{32}", trace.begin(header).trace_id)


@pytest.mark.parametrize(
    "text",
    [
        "số 001090012345",
        "123456789",
        "a.b+c@mail.gov.vn",
        "gọi 0912 345 678",
        "gọi +84-912-345-678",
        "gọi 0912.345.678",
    ],
)
def test_numbers_phones_and_emails_are_masked(text: str) -> None:
    """Runs of nine digits, phone numbers however they are grouped, e-mail addresses."""
    masked = redact.text(text)
    assert "‹masked›" in masked
    assert not re.search(r"\d{3}", masked)
    assert "@" not in masked


@given(
    st.uuids(version=4).map(str) | st.from_regex(r"[0-9]{8}-[0-9]{4}-7[0-9]{3}-8[0-9]{3}-[0-9]{12}", fullmatch=True),
    st.sampled_from(["001090012345", "0912 345 678", "a.b@mail.gov.vn"]),
)
def test_an_id_is_never_masked(id_: str, number: str) -> None:
    """It leads to what an operator looks for; what stands around it is masked as ever."""
    masked = redact.text(f"số {number}: kept behind {id_}, {number}")
    assert masked == f"số ‹masked›: kept behind {id_}, ‹masked›"


@pytest.mark.parametrize("text", ["{}+{}@mail.vn", "{}.{}@mail.vn", "{}@{}.example.vn"])
def test_an_address_with_an_id_in_it_is_an_address(text: str) -> None:
    assert redact.text(text.format("nguyen.van.a", "01a20638-9218-74e9-8265-f1d2ddb62d38")) == redact.MASK


@pytest.mark.parametrize("text", ["000.00.10.H22-261121-0001", "mappings/x/1.0.0.yaml:12", "line 3, column 12345"])
def test_codes_and_places_are_not_masked(text: str) -> None:
    """What an operator needs in order to find the dossier and the line stays readable."""
    assert redact.text(text) == text

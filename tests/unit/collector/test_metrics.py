from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fakes.fleet import SITE, SimulatedSite
from kazasu.collector.metrics import site_metrics

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def site() -> SimulatedSite:
    return SimulatedSite()


def read(site: SimulatedSite) -> Samples:
    """What Prometheus makes of it, without the site's label."""
    text = site_metrics(SITE, site.fleet)
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type in {"gauge", "counter"}
        for sample in family.samples:
            assert sample.labels.pop("site") == SITE
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in samples
            samples[key] = sample.value
    return samples


def of(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"kazasu_{name}", tuple(sorted(labels.items()))))


def test_a_terminal_in_base_units(site: SimulatedSite) -> None:
    site.in_order("hall-1", 3, unsent=12, oldest_unacked_age_s=90, alerts=1, door_main="held_open")
    site.alert("hall-1", "door_main", "held open")
    site.send("hall-1", "info", b'{"version":"1.2.3"}')
    event = {"event_type": "attendance.in", "time": "2026-04-01T17:29:00.000+09:00"}
    site.send("hall-1", "event", json.dumps(event).encode())
    samples = read(site)
    expected = {
        "up": 1,
        "events_total": 40,
        "events_unsent": 12,
        "oldest_unsent_age_seconds": 90,
        "receipt_seq": 40,
        "alerts": 1,
        "journal_used_ratio": 0.03,
        "roster_version": 12,
        "roster_made_timestamp_seconds": site.at.timestamp() - 3 * 86_400,
        "clock_error_seconds": 0.005,
        "clock_offset_seconds": 0,
        "disk_free_bytes": 11_000_000_000,
        "temperature_celsius": 45,
        "certificate_remaining_seconds": 210 * 86_400,
        "heard_timestamp_seconds": site.at.timestamp(),
        "last_tap_timestamp_seconds": site.at.timestamp() - 60,
    }
    assert {name: of(samples, f"terminal_{name}", terminal="hall-1") for name in expected} == expected
    assert of(samples, "terminal_reader_present", terminal="hall-1", reader="desk") == 1
    assert of(samples, "terminal_door_alarm", terminal="hall-1", door="main") == 1
    assert of(samples, "terminal_door_released", terminal="hall-1", door="main") == 0
    assert of(samples, "terminal_alert", terminal="hall-1", alert="door_main") == 1
    assert of(samples, "terminal_time_source", terminal="hall-1", source="ntp") == 1
    assert of(samples, "terminal_info", terminal="hall-1", version="1.2.3") == 1


@pytest.mark.parametrize("how", ["offline", "silent"])
def test_who_is_away_is_not_up(site: SimulatedSite, how: str) -> None:
    site.in_order("hall-1")
    if how == "offline":
        site.offline("hall-1", 1)
    site.pass_time(200)
    assert of(read(site), "terminal_up", terminal="hall-1") == 0


def test_what_nobody_knows_is_left_out(site: SimulatedSite) -> None:
    site.in_order("hall-1", time_error_ms=-1, oldest_unacked_age_s=-1, certificate_days=-3)
    samples = read(site)
    assert of(samples, "terminal_clock_error_seconds", terminal="hall-1") is None
    assert of(samples, "terminal_oldest_unsent_age_seconds", terminal="hall-1") is None
    assert of(samples, "terminal_certificate_remaining_seconds", terminal="hall-1") == -3 * 86_400


def test_the_collectors_own_figures(site: SimulatedSite) -> None:
    site.send("hall-1", "health", b"{")
    site.collector("one/health", stored=7, duplicates="many")
    site.collector("one/alert/store", message="the disk is full")
    site.collector("all/alert/hall-1/gap", count=2, message="12 to 14 are missing")
    samples = read(site)
    assert of(samples, "messages_unreadable_total") == 1
    assert of(samples, "collector_stored_total", collector="one") == 7
    assert of(samples, "collector_duplicates_total", collector="one") is None
    assert of(samples, "collector_trouble", collector="one", alert="store") == 1
    assert of(samples, "terminal_findings", terminal="hall-1", kind="gap") == 2


def test_no_text_of_a_terminal_breaks_the_page(site: SimulatedSite) -> None:
    version = 'a"b\\n\n} 1\nkazasu_fake 1'
    site.send("hall-1", "info", json.dumps({"version": version}).encode())
    site.in_order("hall-1")
    samples = read(site)
    assert not [name for name, _ in samples if name == "kazasu_fake"]
    (version,) = (dict(labels)["version"] for name, labels in samples if name == "kazasu_terminal_info")
    assert version == 'a"b\\n�} 1�kazasu_fake 1'


def test_no_person_is_in_it(site: SimulatedSite) -> None:
    event = {"event_type": "attendance.in", "time": "2026-04-01T17:29:00.000+09:00", "cardholder": "1001-secret"}
    site.send("hall-1", "event", json.dumps(event).encode())
    assert "1001-secret" not in site_metrics(SITE, site.fleet)


def test_nobody_is_called_for_a_terminal_that_was_revoked() -> None:
    site = SimulatedSite()
    site.in_order("hall-1", 3)
    site.in_order("hall-2", 3)
    page = site_metrics(SITE, site.fleet, {"hall-2"})
    assert 'terminal="hall-1"' in page
    assert 'terminal="hall-2"' not in page

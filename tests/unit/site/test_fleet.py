from __future__ import annotations

import json
from datetime import timedelta

import pytest

from fakes.fleet import SITE, START, SimulatedSite
from kazasu.site.fleet import SILENT_S, Fleet
from kazasu.site.terminal import Found, Tap


@pytest.fixture
def site() -> SimulatedSite:
    return SimulatedSite()


def test_a_terminal_is_online_from_its_birth_to_its_will(site: SimulatedSite) -> None:
    site.online("hall-1", 7)
    assert site["hall-1"].state == "online"
    site.pass_time(60)
    site.offline("hall-1", 7)
    assert (site["hall-1"].state, site["hall-1"].cause) == ("offline", "connection_lost")
    assert site["hall-1"].changed_at == START + timedelta(seconds=60)


def test_a_will_of_an_older_connection_is_stale(site: SimulatedSite) -> None:
    site.online("hall-1", 8)
    site.offline("hall-1", 7)
    assert site["hall-1"].state == "online"
    assert site["hall-1"].changed_at is None


@pytest.mark.parametrize("health_first", [True, False])
def test_a_health_of_a_newer_connection_shows_a_retained_will_to_be_stale(
    site: SimulatedSite, health_first: bool
) -> None:
    if health_first:
        site.health("hall-1", 6)
    site.offline("hall-1", 5)
    site.health("hall-1", 6)
    assert site["hall-1"].state == "online"


def test_numbers_that_begin_anew_with_a_new_disk_are_believed(site: SimulatedSite) -> None:
    site.in_order("hall-1", 500)
    site.online("hall-1", 1)
    site.offline("hall-1", 1)
    assert site["hall-1"].state == "offline"


def test_how_long_it_has_been_offline_is_told_by_its_last_health(site: SimulatedSite) -> None:
    site.health("hall-1", 3, -7200)
    site.offline("hall-1", 3)
    assert site["hall-1"].heard_at == START - timedelta(hours=2)
    assert site["hall-1"].changed_at is None


def test_who_says_nothing_for_three_minutes_is_silent_until_the_next_word(site: SimulatedSite) -> None:
    site.in_order("hall-1")
    site.in_order("hall-2")
    site.pass_time(SILENT_S - 1)
    site.health("hall-2", 1)
    site.pass_time(1)
    assert (site["hall-1"].silent, site["hall-2"].silent) == (True, False)
    site.health("hall-1", 1)
    assert not site["hall-1"].silent


def test_who_is_offline_is_not_silent_too(site: SimulatedSite) -> None:
    site.in_order("hall-1")
    site.offline("hall-1", 1)
    site.pass_time(10 * SILENT_S)
    assert not site["hall-1"].silent


def test_a_health_that_lay_at_the_broker_for_long_is_no_sign_of_life(site: SimulatedSite) -> None:
    site.online("hall-1", 3)
    site.health("hall-1", 3, -600)
    assert site["hall-1"].silent


def test_a_clock_is_compared_once_a_health_comes_live(site: SimulatedSite) -> None:
    site.health("hall-1", 3, -3600)
    assert site["hall-1"].clock_off_s == 0
    site.pass_time(60)
    site.health("hall-1", 3, -3600)
    assert site["hall-1"].clock_off_s == -3600


def test_what_the_broker_retains_comes_again_with_a_new_connection_and_changes_nothing(site: SimulatedSite) -> None:
    before = site.in_order("hall-1")
    body = json.dumps(dict(before.health)).encode()
    site.pass_time(120)
    site.online("hall-1", 1)
    site.send("hall-1", "health", body)
    assert site["hall-1"] == before


def test_an_alert_stands_until_it_is_cleared(site: SimulatedSite) -> None:
    site.alert("hall-1", "journal", "no room")
    assert dict(site["hall-1"].alerts) == {"journal": "no room"}
    site.send("hall-1", "alert/journal", b"")
    assert dict(site["hall-1"].alerts) == {}


@pytest.mark.parametrize(
    ("event_type", "is_tap"),
    [("attendance.in", True), ("door.granted", True), ("door.denied", True), ("door.opened", False)],
)
def test_the_last_tap_is_when_somebody_held_a_card_there(site: SimulatedSite, event_type: str, is_tap: bool) -> None:
    event = {"event_type": event_type, "time": "2026-04-01T17:30:00.000+09:00", "cardholder": "1001"}
    site.send("hall-1", "event", json.dumps(event).encode())
    terminal = site.fleet.terminals.get("hall-1")
    expected = Tap(event_type=event_type, at=START) if is_tap else None
    assert (terminal.last_tap if terminal else None) == expected
    assert "1001" not in repr(terminal)


def test_the_collector_is_heard(site: SimulatedSite) -> None:
    site.fleet.take(f"kazasu/v1/{SITE}/down/all/collector", b'{"state":"offline","v":1}', START)
    assert site.fleet.collector == "offline"


def test_what_the_collector_found_stands_until_it_is_settled(site: SimulatedSite) -> None:
    site.collector("all/alert/hall-1/gap", count=2, message="12 to 14 are missing")
    assert dict(site["hall-1"].findings) == {"gap": Found(count=2, message="12 to 14 are missing")}
    site.collector("all/alert/hall-1/gap")
    assert dict(site["hall-1"].findings) == {}


def test_a_collector_says_how_it_is(site: SimulatedSite) -> None:
    site.collector("one/health", stored=7)
    site.collector("one/alert/store", message="the disk is full")
    assert {name: dict(fields) for name, fields in site.fleet.collectors.items()} == {"one": {"stored": 7}}
    assert site.fleet.troubles == {("one", "store"): "the disk is full"}
    site.collector("one/alert/store")
    assert site.fleet.troubles == {}
    assert site.fleet.unreadable == 0


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("collector/one/health", b"{"),
        ("collector/\x1b[2J/health", b"{}"),
        ("collector/all/alert/Hall 1/gap", b'{"count":1}'),
        ("collector/one/elsewhere", b"{}"),
        ("up/hall-1/state", b"{"),
        ("up/hall-1/state", b'{"state":"online"}'),
        ("up/hall-1/state", b'{"state":"online","conn":"7"}'),
        ("up/hall-1/state", b'{"state":"online","conn":true}'),
        ("up/hall-1/state", b'{"state":"perhaps","conn":1}'),
        ("up/hall-1/health", b'{"conn":1,"reader":{"a":1}}'),
        ("up/hall-1/health", b'{"conn":1,"unsent":1e300}'),
        ("up/hall-1/health", b'{"conn":1,"unsent":99999999999999999999999999}'),
        ("up/hall-1/health", b'{"conn":1,"\\u001b[2J":1}'),
        ("up/hall-1/health", b'{"conn":1,"a":"' + b"x" * 20_000 + b'"}'),
        ("up/hall-1/health", b'{"conn":1,' + b",".join(b'"a%d":1' % i for i in range(200)) + b"}"),
        ("up/hall-1/health", b"[" * 10_000),
        ("up/hall-1/health", b'{"conn":1,"a":"\xff"}'),
        ("up/hall-1/event", b'{"event_type":"attendance.in","time":"yesterday"}'),
        ("up/hall-1/event", b'{"event_type":"attendance.in","time":"2026-04-01T08:30:00"}'),
        ("up/hall-1/event", b'{"event_type":"attendance.in","time":"0001-01-01T00:00:00+14:00"}'),
        ("up/hall-1/event", b'{"event_type":"\\u001b[2J","time":"2026-04-01T08:30:00Z"}'),
        ("up/hall-1/alert/\x1b[2J", b'{"message":"x"}'),
        ("up/hall-1/alert/journal", b"no JSON"),
        ("up/Hall 1/state", b'{"state":"online","conn":1}'),
        ("up/\x1b[2J/state", b'{"state":"online","conn":1}'),
        ("up/" + "a" * 33 + "/state", b'{"state":"online","conn":1}'),
        ("elsewhere/hall-1/state", b'{"state":"online","conn":1}'),
    ],
)
def test_what_cannot_be_read_is_counted_and_changes_nothing(site: SimulatedSite, topic: str, payload: bytes) -> None:
    site.fleet.take(f"kazasu/v1/{SITE}/{topic}", payload, START)
    assert site.fleet.terminals == {}
    assert site.fleet.unreadable == 1


def test_text_is_plain_before_it_is_kept(site: SimulatedSite) -> None:
    site.alert("hall-1", "journal", "full\x1b[2J\x07\u202egnp.exe\n" + "x" * 500)
    message = site["hall-1"].alerts["journal"]
    assert message.isprintable()
    assert message.startswith("full�[2J��gnp.exe�x")
    assert len(message) == 200


def test_names_and_alerts_cannot_pile_up() -> None:
    site = SimulatedSite(most=3)
    for number in range(5):
        site.online(f"hall-{number}", 1)
    assert len(site.fleet.terminals) == 3
    assert len(site.fleet._waiting) == 3, "nobody waits for a sign of life of those that are not kept"
    for number in range(60):
        site.alert("hall-0", f"a{number}", "x")
    assert len(site["hall-0"].alerts) == 50


def test_a_terminal_that_was_revoked_is_not_seen_whatever_the_broker_keeps_of_it() -> None:
    fleet = Fleet(SITE, frozenset({"hall-2"}))
    for name in ("hall-1", "hall-2"):
        fleet.take(f"kazasu/v1/{SITE}/up/{name}/state", b'{"state":"offline","conn":3}', START)
    assert (set(fleet.terminals), fleet.unreadable, fleet.firsts) == ({"hall-1"}, 0, 1)

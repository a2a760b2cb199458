from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest

from fakes.fleet import SimulatedSite
from kazasu.site.fleet_order import FleetOrder
from kazasu.site.fleet_view import WHOLE, FleetView, Heading, Screen, as_json
from kazasu.site.plain_text import columns, fitted, plain

JST = timezone(timedelta(hours=9))
HEADING = Heading(site="city-hall")


def screen(width: int = 140, height: int = 24, *, coloured: bool = False) -> Screen:
    return Screen(width=width, height=height, coloured=coloured, zone=JST)


@pytest.fixture
def site() -> SimulatedSite:
    return SimulatedSite()


@pytest.fixture
def order(site: SimulatedSite) -> FleetOrder:
    return FleetOrder(site.fleet)


@pytest.fixture
def view(site: SimulatedSite, order: FleetOrder) -> FleetView:
    return FleetView(site.fleet, order)


def test_an_hour_at_a_small_site(site: SimulatedSite, order: FleetOrder, view: FleetView) -> None:
    site.in_order("hall-1", 3, unsent=9, oldest_unacked_age_s=7300)
    site.in_order("library", 1)
    site.offline("library", 1)
    site.in_order("annex", 9)
    info = {"time": "2026-03-29T17:00:00.000+09:00", "version": "1.0"}
    site.send("annex", "info", json.dumps(info).encode())
    event = {"event_type": "attendance.in", "time": "2026-04-01T17:12:00.000+09:00"}
    site.send("annex", "event", json.dumps(event).encode())
    site.pass_time(120)
    for name, conn in (("hall-1", 3), ("annex", 9)):
        site.health(name, conn, unsent=9 * (name == "hall-1"), oldest_unacked_age_s=7300)
    order.follow()
    assert view.snapshot(HEADING, screen(118), site.at) == [
        "city-hall  2026-04-01 17:32:00  3 terminals: 1 down, 1 with a problem, 1 in order",
        "  TERMINAL  STATE           UNSENT      LAST TAP                ROSTER      WHAT IS WRONG",
        "✗ library   offline 2 min   0                                   12, 3 d     connection lost",
        "! hall-1    online          9, 2 h                              12, 3 d     9 events wait, the oldest for 2 h",
        "  annex     online 3 d      0           17:12 attendance.in     12, 3 d",
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 140, 220])
def test_no_line_is_wider_than_the_screen_or_holds_a_control_character(
    site: SimulatedSite, order: FleetOrder, view: FleetView, width: int
) -> None:
    site.in_order("a" * 32)
    site.alert("a" * 32, "journal", "満杯\x1b[2J\r\n" * 40)
    order.follow()
    for line in view.snapshot(HEADING, screen(width), site.at)[2:]:
        assert columns(line) <= max(width, 60)
        assert line.isprintable()


def test_a_page_fills_the_screen_and_draws_no_more_than_it_shows(
    site: SimulatedSite, order: FleetOrder, view: FleetView
) -> None:
    for number in range(5_000):
        site.online(f"t{number:04}", 1)
    order.follow()
    lines, page = view.page(HEADING, screen(coloured=True), site.at, 1)
    assert len(lines) == 24
    assert page == 1
    assert [line.split()[1] for line in lines[2:-1]] == [f"t{number:04}" for number in range(21, 42)]
    assert "page 2 of 239" in lines[-1]
    assert view.page(HEADING, screen(), site.at, 10_000)[1] == 238
    assert view.page(HEADING, screen(), site.at, -1)[1] == 0


def test_of_a_large_fleet_a_snapshot_only_counts_those_in_order(
    site: SimulatedSite, order: FleetOrder, view: FleetView
) -> None:
    for number in range(WHOLE + 1):
        site.in_order(f"t{number}")
    site.offline("t7", 1)
    order.follow()
    lines = view.snapshot(HEADING, screen(), site.at)
    assert [line for line in lines if " t7 " in line]
    assert lines[-1] == f"  and {WHOLE} in order, not shown"
    assert len(lines) == 4


def test_what_makes_the_view_doubtful_stands_above_it(site: SimulatedSite, order: FleetOrder, view: FleetView) -> None:
    site.fleet.take("kazasu/v1/city-hall/down/all/collector", b'{"state":"offline"}', site.at)
    site.send("hall-1", "health", b"{")
    lines = view.snapshot(Heading(site="city-hall", trouble="no connection"), screen(), site.at)
    assert "no terminal heard of" in lines[0]
    assert lines[1:4] == [
        "! no connection",
        "! the collector is offline: events wait, and none is vouched for",
        "! 1 messages could not be read",
    ]


def test_an_access_list_is_suspected_only_where_somebody_was_let_in(
    site: SimulatedSite, order: FleetOrder, view: FleetView
) -> None:
    suspicion = "! if there are any, the access list does not let this client read"
    assert suspicion in view.snapshot(HEADING, screen(), site.at)
    assert suspicion not in view.snapshot(Heading(site="city-hall", trouble="no connection"), screen(), site.at)


def test_another_program_reads_a_line_of_json(site: SimulatedSite, order: FleetOrder) -> None:
    site.in_order("hall-1")
    site.offline("hall-1", 1)
    site.pass_time(90)
    order.follow()
    line = json.loads(as_json(site["hall-1"], order.problems("hall-1"), site.at))
    assert {name: line[name] for name in ("terminal", "grade", "state", "state_s", "problems", "last_tap")} == {
        "terminal": "hall-1",
        "grade": "down",
        "state": "offline",
        "state_s": 90,
        "problems": ["connection lost"],
        "last_tap": None,
    }


def test_plain_text_is_cut_and_filled_by_columns_and_not_by_characters() -> None:
    assert fitted("打刻", 5) == "打刻 "
    assert fitted("打刻端末", 6) == "打刻… "
    assert fitted("abc", 2) == "a…"
    assert fitted("abc", 0) == ""
    assert plain("e\u0301" + "\u0301" * 90, 100) == "é"

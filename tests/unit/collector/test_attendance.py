"""Attendance from events: pairs, paper and corrected times beside the original, what came late."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

import pytest

from fakes.told import Teller
from kazasu.collector.attendance import days, punches
from kazasu.collector.layout import Column, Layout, problems_of, write
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.collector.attendance import Cell, Punch
    from kazasu.collector.ports import EventStore

DAY = "2026-04-01"  # the fake clock begins at 08:30 UTC
TODAY = dt.date.fromisoformat(DAY)
LATE_S = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    store = SqliteStore(tmp_path / "events.db")
    yield store
    store.close()


def punch(teller: Teller, direction: str, person: str = "1001", day: str = DAY, **fields: int | str) -> None:
    teller.tell(1, f"attendance.{direction}", cardholder=person, day=day, **fields)


def keep(store: EventStore, *tellers: Teller, late_s: int = 0) -> None:
    for teller in tellers:
        arrived_s = int(teller.clock.at.timestamp()) + late_s
        store.keep(teller.checked(teller.told), [], arrived_s)


def recorded(store: EventStore) -> list[Punch]:
    return list(punches(store, TODAY, TODAY + dt.timedelta(days=1), LATE_S))


def day_of(store: EventStore, person: str = "1001") -> dict[str, Cell]:
    [day] = [day for day in days(recorded(store)) if day.cardholder == person]
    return day.cells()


def test_a_day_at_two_terminals_is_one_row(store: EventStore) -> None:
    front, back = Teller("front"), Teller("back")
    punch(front, "in")
    front.clock.advance(4 * 3600)
    back.clock.advance(4 * 3600 + 600)
    punch(front, "out")
    punch(back, "in")
    back.clock.advance(3600)
    punch(back, "out")
    punch(back, "denied")
    keep(store, front, back)
    cells = day_of(store)
    assert (cells["first_in"], cells["last_out"]) == (front.told[0].moment.at, back.told[1].moment.at)
    assert (cells["pairs"], cells["minutes"], cells["open"]) == (2, 300, 0)
    assert (cells["terminals"], cells["corrected_in"]) == ("back front", None)


def test_a_punch_without_its_other_half_is_left_open(store: EventStore) -> None:
    front = Teller()
    for direction in ("out", "in", "in"):
        punch(front, direction)
    keep(store, front)
    cells = day_of(store)
    assert (cells["pairs"], cells["open"], cells["minutes"]) == (0, 3, 0)


def test_a_line_on_paper_stands_beside_the_taps_and_counts_once(store: EventStore) -> None:
    front, back = Teller("front"), Teller("back")
    punch(front, "in")
    for teller in (front, back):
        punch(teller, "in", assurance="paper", punched_at="2026-04-01T08:00:00+09:00", line="abc", by="suzuki")
    keep(store, front, back)
    cells = day_of(store)
    assert cells["first_in"] == front.told[0].moment.at
    assert cells["paper_in"] == dt.datetime.fromisoformat("2026-04-01T08:00:00+09:00")
    assert (cells["taps"], cells["paper"]) == (1, 1)


def test_a_time_that_was_wrong_is_corrected_beside_the_original(store: EventStore) -> None:
    front = Teller()
    front.clock.source = TimeSource.HOLDOVER
    front.clock.step(-7200)
    punch(front, "in")
    front.clock.step(7200)
    front.clock.source = TimeSource.NTP
    front.tell(1, "clock.changed", step_ms=7200000)
    keep(store, front)
    cells = day_of(store)
    signed = front.told[0].moment.at
    assert (cells["first_in"], cells["corrected_in"]) == (signed, signed + dt.timedelta(hours=2))


@pytest.mark.parametrize("what", ["no anchor", "rebooted", "no time server"])
def test_a_time_that_nobody_knows_better_stays_as_it_is(store: EventStore, what: str) -> None:
    front = Teller()
    front.clock.source = TimeSource.HOLDOVER
    punch(front, "in")
    if what == "rebooted":
        front.clock.reboot()
        front.clock.source = TimeSource.NTP
    if what != "no anchor":
        front.tell(1, "clock.changed", step_ms=0)
    keep(store, front)
    assert recorded(store)[0].corrected is None


def test_what_came_long_after_is_marked(store: EventStore) -> None:
    front = Teller()
    punch(front, "in")
    keep(store, front, late_s=3700)
    assert day_of(store)["late"] == 1


def test_what_stands_behind_a_gap_is_marked(store: EventStore) -> None:
    front = Teller()
    front.tell(1)
    punch(front, "in")
    store.keep(front.checked(front.told[1:]), [], 0)
    assert day_of(store)["unproved"] == 1


def test_nobodys_punches_have_no_row(store: EventStore) -> None:
    front = Teller()
    front.tell(1, day=DAY)
    keep(store, front)
    assert list(days(recorded(store))) == []
    assert len(recorded(store)) == 1


def test_a_layout_names_orders_and_formats(store: EventStore) -> None:
    front = Teller()
    punch(front, "in", person="=1+1")
    keep(store, front)
    layout = Layout(
        columns=(
            Column(name="cardholder", title="社員番号"),
            Column(name="first_in", title="出勤", format="%H%M"),
            Column(name="last_out"),
        ),
        delimiter=";",
    )
    stream = io.StringIO(newline="")
    write(layout, (day.cells() for day in days(recorded(store))), stream)
    assert stream.getvalue() == "社員番号;出勤;last_out\r\n'=1+1;0830;\r\n"
    assert list(problems_of(layout)) == []


def test_without_a_format_a_time_reads_as_the_terminal_signed_it(store: EventStore) -> None:
    front = Teller()
    punch(front, "in")
    keep(store, front)
    stream = io.StringIO(newline="")
    layout = Layout(columns=(Column(name="first_in"), Column(name="day")), header=False)
    write(layout, (day.cells() for day in days(recorded(store))), stream)
    assert stream.getvalue() == f"{front.told[0].fields['time']},2026-04-01\r\n"


def test_a_column_that_nobody_knows_is_named() -> None:
    layout = Layout(rows="punches", columns=(Column(name="first_in"),))
    [(place, words)] = problems_of(layout)
    assert place == ("columns", 0, "name")
    assert "no column 'first_in' of punches: arrived, assurance" in words


def test_every_punch_has_every_cell(store: EventStore) -> None:
    front = Teller()
    punch(front, "in")
    keep(store, front)
    stream = io.StringIO()
    write(Layout(rows="punches"), (punch.cells() for punch in recorded(store)), stream)
    assert "0123456789abcdef.1" in stream.getvalue()

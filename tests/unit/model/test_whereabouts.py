"""What a terminal says of where it saw everybody last, from its events alone."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from fakes.clock import FakeClock
from fakes.seen import Happenings
from kazasu.model.moment import TimeSource
from kazasu.model.muster import OUT, Statement
from kazasu.model.passback import Area
from kazasu.model.presence import OUTSIDE
from kazasu.model.whereabouts import Whereabouts, unix_ms

TOKYO = ZoneInfo("Asia/Tokyo")
HOUR_S = 3600
DAY_AND_A_HALF_S = 36 * HOUR_S


class Gate(Happenings):
    """A terminal whose lab is emptied at four in the morning."""

    def __init__(self) -> None:
        super().__init__(FakeClock(datetime(2026, 11, 24, 9, tzinfo=TOKYO)))
        self.whereabouts = Whereabouts("gate-1", [Area(name="lab", reset_at=time(4))], TOKYO)

    def happens(self, event_type: str, **fields: int | str) -> None:
        self.whereabouts.recorded(self.event(event_type, **fields))

    def passes(self, number: str, area: str, **more: str) -> int:
        """Returns when, Unix time in milliseconds."""
        self.whereabouts.recorded(self.entered(number, area, **more))
        return self.now_ms

    @property
    def now_ms(self) -> int:
        return unix_ms(self.clock.now())

    def says(self) -> Statement:
        return self.whereabouts.statement(self.clock.now())

    def where(self) -> dict[str, tuple[str, int]]:
        return {each.number: (each.area, each.at_ms) for each in self.says().movements}


def test_the_last_movement_of_each_is_said_and_up_to_which_event() -> None:
    gate = Gate()
    first = gate.passes("1", "hall")
    gate.clock.advance(60)
    left, entered = gate.passes("2", OUTSIDE), gate.passes("1", "lab", visitor="3")
    gate.happens("door.denied", cardholder="1", reason="out_of_hours", door="d", way="in")
    assert first < entered
    assert gate.where() == {"1": ("lab", entered), "2": (OUT, left), "3": ("lab", entered)}
    said = gate.says()
    assert (said.terminal, said.epoch, said.seq, said.clock_unset) == ("gate-1", "e" * 16, 4, False)


def test_a_punch_that_opened_a_door_into_an_area_is_a_movement_and_one_that_did_not_is_none() -> None:
    gate = Gate()
    gate.happens("attendance.in", cardholder="1", area="hall", door="d", way="in", door_decision="granted")
    gate.happens("attendance.in", cardholder="2", area="hall", door="d", way="in", door_decision="denied")
    gate.happens("attendance.in", cardholder="3")
    assert set(gate.where()) == {"1"}


def test_after_a_day_and_a_half_a_movement_is_forgotten() -> None:
    gate = Gate()
    entered = gate.passes("1", "hall")
    gate.clock.advance(DAY_AND_A_HALF_S - 1)
    assert gate.where() == {"1": ("hall", entered)}
    gate.clock.advance(1)
    assert gate.where() == {}


def test_whoever_an_areas_reset_forgets_is_out_from_then_on_and_no_older_sight_of_them_counts() -> None:
    gate = Gate()
    gate.passes("1", "lab")
    four = unix_ms(gate.clock.now()) + 19 * HOUR_S * 1000
    assert gate.whereabouts.next_end_ms(gate.now_ms) == four
    gate.clock.advance(timedelta(hours=19).total_seconds())
    assert gate.where() == {"1": (OUT, four)}
    assert gate.whereabouts.next_end_ms(gate.now_ms) is None


def test_whoever_is_forgotten_by_order_is_out_from_then_on() -> None:
    gate = Gate()
    for number in ("1", "2", "3"):
        gate.passes(number, "hall")
    gate.clock.advance(60)
    gate.happens("passback.reset", by="taro", cardholder="1")
    assert gate.where()["1"] == (OUT, gate.now_ms)
    assert gate.where()["2"][0] == "hall"
    gate.happens("passback.reset", by="taro")
    assert {area for area, _ in gate.where().values()} == {OUT}


def test_who_taps_at_the_meeting_point_is_present_while_the_muster_stands() -> None:
    gate = Gate()
    gate.happens("muster.begun", by="taro")
    begun_ms = gate.now_ms
    gate.clock.advance(60)
    gate.happens("muster.present", cardholder="1")
    gate.happens("attendance.in", cardholder="2", muster_decision="granted")
    gate.happens("muster.denied", cardholder="3", reason="unknown_card")
    said = gate.says()
    assert (said.begun_ms, said.present) == (begun_ms, {"1": gate.now_ms, "2": gate.now_ms})
    gate.happens("muster.ended", by="taro")
    assert (gate.says().begun_ms, gate.says().present) == (None, {})


def test_a_muster_that_nobody_ended_is_over_after_a_day_and_a_half() -> None:
    gate = Gate()
    gate.happens("muster.begun", by="taro")
    gate.happens("muster.present", cardholder="1")
    gate.clock.advance(DAY_AND_A_HALF_S)
    assert (gate.says().begun_ms, gate.says().present) == (None, {})


def test_what_happened_before_the_time_was_known_gets_its_time_once_it_is() -> None:
    gate = Gate()
    gate.clock.source = TimeSource.NONE
    gate.clock.step(-50 * 365 * 86400)
    gate.happens("muster.begun", by="taro")
    gate.passes("1", "hall")
    gate.happens("muster.present", cardholder="1")
    said = gate.says()
    assert said.clock_unset
    assert (gate.where(), said.begun_ms, said.present) == ({"1": ("hall", 0)}, 0, {"1": 0})
    gate.clock.advance(60)
    gate.clock.step(50 * 365 * 86400)
    gate.clock.source = TimeSource.NTP
    minute_ago = gate.now_ms - 60_000
    said = gate.says()
    assert not said.clock_unset
    assert gate.where() == {"1": ("hall", minute_ago)}
    assert (said.begun_ms, said.present) == (minute_ago, {"1": minute_ago})


def test_a_time_that_only_goes_on_from_before_a_power_cut_is_none() -> None:
    gate = Gate()
    gate.passes("1", "hall")
    gate.clock.source = TimeSource.HOLDOVER
    assert not gate.says().clock_unset, "the same boot: it drifts, and no more"
    gate.clock.reboot()
    gate.passes("2", "hall")
    assert gate.says().clock_unset
    assert gate.where()["2"] == ("hall", 0)
    gate.clock.reboot()
    gate.clock.source = TimeSource.RTC
    gate.happens("terminal.started", version="1")
    assert gate.says().clock_unset, "of a boot that never knew the time, nobody will ever know when it was"
    gate.passes("2", "hall")
    assert not gate.says().clock_unset, "seen again, with a clock"


def test_nobody_is_forgotten_or_counted_out_while_the_time_is_not_known() -> None:
    gate = Gate()
    entered = gate.passes("1", "lab")
    gate.clock.reboot()
    gate.clock.source = TimeSource.HOLDOVER
    gate.clock.advance(DAY_AND_A_HALF_S)
    assert gate.where() == {"1": ("lab", entered)}
    assert gate.says().clock_unset, "though everything that it saw has its time"


def test_of_somebody_who_came_an_hour_from_now_nobody_knows_when() -> None:
    gate = Gate()
    gate.clock.advance(3600)
    gate.passes("1", "hall")
    gate.clock.step(-3600)
    assert gate.says().clock_unset
    assert gate.where() == {"1": ("hall", 0)}

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from fakes.clock import FakeClock
from kazasu.model.passback import Area, Passback, Rule

TOKYO = ZoneInfo("Asia/Tokyo")
BERLIN = ZoneInfo("Europe/Berlin")


class Lab:
    """People who pass between the hall and the lab."""

    def __init__(self, area: Area, at: datetime = datetime(2026, 11, 24, 9, tzinfo=TOKYO)) -> None:
        self.passback = Passback([area])
        self.clock = FakeClock(at)

    def enters(self, number: str = "1") -> bool:
        """Enter, by whatever the rule says; returns whether that broke it."""
        breached = self.passback.breached(number, "hall", "lab", self.clock.now())
        self.passback.elapse(self.clock.at)
        self.passback.moved(number, "lab", self.clock.now())
        return breached

    def leaves(self, number: str = "1") -> None:
        self.passback.elapse(self.clock.at)
        self.passback.moved(number, "hall", self.clock.now())

    def breached(self, number: str = "1") -> bool:
        return self.passback.breached(number, "hall", "lab", self.clock.now())


def lab(rule: Rule, within_s: float = 0, **more: object) -> Lab:
    return Lab(Area(name="lab", passback=rule, within_s=within_s, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("rule", "breached"), [("off", False), ("soft", True), ("hard", True)])
def test_who_is_inside_cannot_come_from_outside(rule: Rule, breached: bool) -> None:
    subject = lab(rule)
    assert not subject.enters()
    subject.clock.advance(3600)
    assert subject.breached() is breached
    subject.leaves()
    assert not subject.breached()


def test_a_card_is_passed_back_by_its_own_holder_only() -> None:
    subject = lab("hard")
    subject.enters("1")
    assert not subject.breached("2")


def test_who_was_seen_elsewhere_last_skipped_a_reader() -> None:
    subject = lab("hard")
    subject.passback.moved("1", "yard", subject.clock.now())
    assert subject.breached()


def test_the_way_out_is_judged_by_the_area_that_it_leads_to() -> None:
    subject = lab("hard")
    subject.passback.moved("1", "yard", subject.clock.now())
    assert not subject.passback.breached("1", "lab", "hall", subject.clock.now())


@pytest.mark.parametrize(("after_s", "breached"), [(0, True), (599.9, True), (600, False)])
def test_a_timed_rule_is_a_wait_wherever_the_person_went(after_s: float, breached: bool) -> None:
    subject = lab("timed", 600)
    subject.enters()
    subject.clock.advance(after_s)
    assert subject.breached() is breached


@pytest.mark.parametrize("step_s", [-86400 // 3, 86400 // 3])
def test_the_wait_goes_by_the_monotonic_clock(step_s: int) -> None:
    subject = lab("timed", 600)
    subject.enters()
    subject.clock.step(step_s)
    assert subject.breached()
    subject.clock.advance(600)
    assert not subject.breached()


def test_no_start_and_no_step_shorten_the_wait() -> None:
    subject = lab("timed", 600)
    subject.enters()
    subject.clock.reboot(off_s=3600)
    subject.clock.step(4 * 3600)
    assert subject.breached()
    subject.clock.advance(600)
    assert not subject.breached()


def test_everybody_is_forgotten_at_the_reset() -> None:
    subject = lab("hard", reset_at=time(4))
    subject.enters()
    subject.clock.advance(18 * 3600)  # 03:00
    assert subject.breached()
    subject.clock.advance(3600)
    assert not subject.breached()


@pytest.mark.parametrize(
    ("entered", "hours"),
    [
        (datetime(2026, 3, 28, 23, tzinfo=BERLIN), 4),  # the hour from 2 is left out
        (datetime(2026, 10, 24, 23, tzinfo=BERLIN), 6),  # it comes twice
        (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=0), 2.5),
        (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1), 1.5),
        (datetime(2028, 2, 28, 23, tzinfo=BERLIN), 5),
        (datetime(2026, 12, 31, 23, tzinfo=TOKYO), 5),
    ],
)
def test_the_reset_is_what_the_clock_on_the_wall_shows(entered: datetime, hours: float) -> None:
    subject = Lab(Area(name="lab", passback="hard", reset_at=time(4)), entered)
    subject.enters()
    ends_s = subject.passback._entries[
        "1"
    ].ends_s  # wall-clock sums lie on such a night, so what is stored is looked at
    assert ends_s - entered.timestamp() == hours * 3600


@pytest.mark.parametrize(
    ("entered", "hours"),
    [
        (datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=0), 1 / 3),
        (datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=1), 24 + 1 / 3),
        (datetime(2026, 10, 25, 2, 40, tzinfo=BERLIN, fold=0), 24 + 5 / 6),
        (datetime(2026, 3, 29, 1, 50, tzinfo=BERLIN), 2 / 3),
        (datetime(2026, 3, 29, 3, 10, tzinfo=BERLIN), 1 / 3),
        (datetime(2026, 3, 29, 3, 40, tzinfo=BERLIN), 22 + 5 / 6),
    ],
)
def test_a_reset_in_the_hour_that_changes_comes_once_for_everybody(entered: datetime, hours: float) -> None:
    """Half past two: the first of two in autumn; in spring, where it is left out, an hour later on the wall."""
    subject = Lab(Area(name="lab", passback="hard", reset_at=time(2, 30)), entered)
    subject.enters()
    assert subject.passback._entries["1"].ends_s - entered.timestamp() == pytest.approx(hours * 3600)


def test_without_a_reset_an_entry_counts_for_a_day_and_a_half() -> None:
    subject = lab("hard")
    subject.enters()
    subject.clock.advance(36 * 3600 - 1)
    assert subject.breached()
    subject.clock.advance(1)
    assert not subject.breached()


def test_an_operator_forgets_one_person_or_everybody() -> None:
    subject = lab("hard")
    for number in "123":
        subject.enters(number)
    subject.passback.reset("1")
    assert [subject.breached(number) for number in "123"] == [False, True, True]
    subject.passback.reset()
    assert not any(subject.breached(number) for number in "123")
    assert subject.passback.occupancy("lab", subject.clock.now()) == 0


def test_an_area_takes_so_many_and_counts_those_who_left_out() -> None:
    subject = lab("off", capacity=2)
    passback, clock = subject.passback, subject.clock
    subject.enters("1")
    assert not passback.full("lab", ["2"], clock.now())
    assert passback.full("lab", ["2", "3"], clock.now())
    subject.enters("2")
    assert passback.full("lab", ["3"], clock.now())
    assert not passback.full("lab", ["1"], clock.now()), "who is in takes no more room"
    subject.leaves("1")
    assert not passback.full("lab", ["3"], clock.now())


def test_room_that_came_with_the_reset_is_there_before_anything_is_recorded() -> None:
    subject = lab("off", capacity=1, reset_at=time(4))
    subject.enters("1")
    subject.clock.advance(20 * 3600)
    assert not subject.passback.full("lab", ["2"], subject.clock.now())
    assert subject.passback.inside(subject.clock.now()) == {}


def test_memory_is_of_those_who_count() -> None:
    subject = lab("hard", reset_at=time(4))
    for number in range(500):
        subject.enters(str(number))
        subject.clock.advance(1)
    subject.clock.advance(24 * 3600)
    subject.enters("new")
    assert len(subject.passback._entries) == 1
    assert len(subject.passback._ends) == 1


def test_a_clock_that_went_back_by_half_a_day_ends_what_a_start_would_not_read() -> None:
    subject = lab("hard")
    subject.enters("1")
    subject.clock.step(-12 * 3600 + 1)
    subject.enters("2")
    assert subject.breached("1")
    subject.clock.step(-1)
    subject.enters("3")
    assert not subject.breached("1")

from __future__ import annotations

import threading
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.cues import FakeCues
from fakes.display import RecordingDisplay
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.journal import FakeJournal
from fakes.roster import FakeRoster, person
from kazasu.app.terminal import terminal_of
from kazasu.captions.display import DENIED_S, GRANTED_S, DisplayCaptions, Ways
from kazasu.errors import JournalUnwritable
from kazasu.model.access import Assurance, Decision, DenyReason, Enrolment, Identifier, Presentation
from kazasu.model.alarm import Alarm
from kazasu.model.cue import CueName
from kazasu.model.input import (
    ButtonPressed,
    CardPresented,
    CardRead,
    CodeAbandoned,
    Input,
    KeyTaken,
    PinAsked,
    PinEnded,
    ReaderChanged,
    ReaderState,
)
from kazasu.model.name_mask import NameMask
from kazasu.model.policy import AssurancePolicy
from kazasu.model.screen import Screen
from kazasu.model.screen_words import Language
from kazasu.outputs.display_loop import DisplayLoop
from kazasu.services.attendance import Alternation, Attendance
from kazasu.terminal import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.captions.display import Drawing

HANAKO, STRANGER = "a" * 32, "c" * 32
POLICY = AssurancePolicy(min_assurance=Assurance.SERIAL)
BLANK = Screen(lines=())


class Easel:
    """Implements Drawing: makes each screen at once."""

    def __init__(self) -> None:
        self.shown: list[tuple[tuple[str, ...], float]] = []
        self.looks = 0
        self.ends = 0

    def show(self, make: Callable[[], Screen], hold_s: float) -> None:
        self.shown.append((make().lines, hold_s))

    def end(self) -> None:
        self.ends += 1

    def look(self) -> None:
        self.looks += 1


class Woken:
    def wake(self) -> None:
        pass


class Entrance:
    """A terminal with a display, and every other seam a fake."""

    def __init__(
        self,
        drawing: Drawing | None = None,
        *,
        enrolment: Enrolment | None = None,
        names: NameMask = NameMask.MASK,
        ways: Ways | None = None,
        dark_after_s: float = 600.0,
        journal: FakeJournal | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.journal = journal or FakeJournal()
        self.cues = FakeCues()
        self.easel = Easel()
        self.online = True
        self.captions = DisplayCaptions(
            language=Language.JA,
            names=names,
            ways=ways or Ways(),
            dark_after_s=dark_after_s,
            clock=self.clock,
            online=lambda: self.online,
        )
        self.captions.draw_on(drawing or self.easel)
        self.terminal = terminal_of(
            Settings(policy=POLICY, button_within_s=10, version="1.2.3"),
            inbox=Inbox(),
            clock=self.clock,
            roster=FakeRoster([enrolment or person("1001", HANAKO, name="山田 花子")]),
            service=Attendance(Alternation(), day_boundary=time(5), repeat_after_s=120, policy=POLICY),
            journal=self.journal,
            cues=self.cues,
            publisher=Woken(),
            health=FakeHealth(),
            captions=self.captions,
        )

    def take(self, *inputs: Input) -> None:
        for item in inputs:
            self.terminal.take(item)

    def tap(self, pseudonym: str = HANAKO) -> None:
        identifier = Identifier(kind="felica", pseudonym=pseudonym, assurance=Assurance.SERIAL)
        self.take(CardRead(reader="desk", identifier=identifier))

    def start(self) -> None:
        """Start and stop, as after a power cut."""
        self.terminal.stop()
        self.terminal.run(lambda: None)

    @property
    def idle(self) -> tuple[str, ...]:
        return self.captions.idle().screen.lines


class Inbox(ListInbox):
    def get(self, timeout_s: float) -> Input | None:
        return self.next()


def test_a_person_sees_their_masked_name_and_own_last_punches_for_three_seconds() -> None:
    entrance = Entrance()
    entrance.tap()
    entrance.clock.advance(9 * 3600)
    entrance.tap()
    assert entrance.easel.shown == [
        (("記録しました", "山田 〇子", "08:30 出勤"), GRANTED_S),
        (("記録しました", "山田 〇子", "17:30 退勤", "08:30 出勤"), GRANTED_S),
    ]
    assert GRANTED_S == 3.0


def test_own_punches_are_known_after_a_restart() -> None:
    before = Entrance()
    before.tap()
    after = Entrance(journal=before.journal)
    after.start()
    after.clock.advance(9 * 3600)
    after.tap()
    assert after.easel.shown[-1][0][2:] == ("17:30 退勤", "08:30 出勤")


def test_a_denial_is_told_with_its_reason() -> None:
    entrance = Entrance()
    entrance.tap(STRANGER)
    assert entrance.easel.shown == [(("受付できません", "", "未登録のカード", "登録が必要です"), DENIED_S)]


@pytest.mark.parametrize(("names", "shown"), [(NameMask.OFF, ""), (NameMask.FULL, "山田 花子")])
def test_the_site_decides_how_much_of_a_name_is_shown(names: NameMask, shown: str) -> None:
    entrance = Entrance(names=names)
    entrance.tap()
    assert entrance.easel.shown[-1][0][1] == shown


def test_a_pin_is_asked_for_and_counted_and_never_shown() -> None:
    entrance = Entrance()
    entrance.take(
        CardPresented(reader="desk"), PinAsked(tries_left=3), KeyTaken(entered=1), KeyTaken(entered=2), PinEnded()
    )
    assert [lines[1:] for lines, _ in entrance.easel.shown] == [
        ("そのままお待ちを", ""),
        ("暗証番号を入力", ""),
        ("暗証番号を入力", "*"),
        ("暗証番号を入力", "**"),
        ("そのままお待ちを", ""),
    ]
    assert all(hold_s >= 60 for _, hold_s in entrance.easel.shown)  # the longest that a PIN is waited for


def test_a_code_is_asked_for_in_its_own_words_and_one_that_nobody_finishes_leaves_the_screen_at_once() -> None:
    entrance = Entrance()
    entrance.take(KeyTaken(entered=1, of_code=True), PinAsked(tries_left=None), KeyTaken(entered=1))
    assert [lines[1] for lines, _ in entrance.easel.shown] == ["番号を入力", "暗証番号を入力", "暗証番号を入力"]
    entrance.take(CodeAbandoned())
    assert entrance.easel.ends == 1


def test_a_tap_that_cannot_be_recorded_is_told_so() -> None:
    entrance = Entrance()
    entrance.journal.failing = JournalUnwritable("the disk is gone")
    entrance.tap()
    entrance.tap()
    assert [lines for lines, _ in entrance.easel.shown] == [("", "記録できません", "担当者へ連絡を")] * 2
    assert entrance.idle[1] == "記録できません"


def test_a_pressed_button_is_shown_until_it_does_not_count_any_more_or_the_tap_is_made() -> None:
    entrance = Entrance(ways=Ways(button_within_s=10))
    assert entrance.idle[2] == "出勤か退勤を押す"
    entrance.take(ButtonPressed(button="out"))
    assert entrance.easel.looks == 1
    assert entrance.idle[2] == "退勤を記録します"
    entrance.clock.advance(10)
    assert entrance.idle[2] == "出勤か退勤を押す"
    entrance.take(ButtonPressed(button="in"))
    entrance.tap()
    assert entrance.idle[2] == "出勤か退勤を押す"


def test_the_hours_of_in_and_out_are_shown() -> None:
    entrance = Entrance(ways=Ways(by_hour=lambda at: "in" if at < time(12) else None), dark_after_s=0)
    assert entrance.idle[2] == "今は出勤の時間"
    entrance.clock.advance(4 * 3600)
    assert entrance.idle[2] == ""


def test_the_clock_is_drawn_anew_at_the_next_minute() -> None:
    entrance = Entrance()
    entrance.clock.advance(12.5)
    assert entrance.captions.idle().valid_s == pytest.approx(47.5)


def test_a_reader_that_is_gone_and_a_broker_that_is_gone_are_told_at_rest() -> None:
    entrance = Entrance()
    entrance.online = False
    assert entrance.idle[3] == "通信なし・記録可"
    entrance.take(ReaderChanged(reader="desk", state=ReaderState.MISSING))
    assert entrance.idle[1:] == ("記録できません", "担当者へ連絡を")


def test_an_alarm_of_a_door_is_told_at_rest() -> None:
    entrance = Entrance()
    entrance.captions.rest(CueName.HELD_OPEN, Alarm.HELD_OPEN)
    assert entrance.idle[1:] == ("扉が開いています", "閉めて下さい", "かざしてください")
    assert entrance.easel.looks == 1


def test_the_display_goes_dark_and_the_next_tap_lights_it() -> None:
    entrance = Entrance(dark_after_s=600)
    entrance.clock.advance(599)
    assert entrance.captions.idle().valid_s == pytest.approx(1.0)
    entrance.clock.advance(1)
    assert entrance.captions.idle().screen == BLANK
    entrance.tap()
    entrance.clock.advance(GRANTED_S + 599)
    assert entrance.captions.idle().screen != BLANK


def test_what_is_out_of_order_stays_to_be_read() -> None:
    entrance = Entrance(dark_after_s=600)
    entrance.captions.rest(CueName.HELD_OPEN, Alarm.FORCED_OPEN)
    entrance.clock.advance(86400)
    assert entrance.idle[1] == "扉の異常開放"


def test_a_display_that_is_to_stay_lit_does() -> None:
    entrance = Entrance(dark_after_s=0)
    entrance.clock.advance(86400)
    assert entrance.captions.idle().screen != BLANK


def test_duress_shows_what_everybody_sees() -> None:
    enrolment = person("1001", HANAKO, name="山田 花子")
    shown = []
    for duress in (False, True):
        entrance = Entrance()
        identifier = Identifier(kind="code", pseudonym=HANAKO, assurance=Assurance.CODE, duress=duress)
        presentation = Presentation(reader="desk", identifier=identifier, enrolment=enrolment)
        decision = Decision(event_type="door.granted", cue=CueName.GRANTED, details={"door": "server-room"})
        entrance.captions.answered(presentation, decision)
        shown += entrance.easel.shown
    assert shown == [(("解錠しました", "山田 〇子"), GRANTED_S)] * 2


def test_a_door_that_is_asked_beside_attendance_is_told_beside_it() -> None:
    entrance = Entrance()
    details: dict[str, int | str] = {"door_decision": "denied", "door_reason": DenyReason.LOCKDOWN.value}
    decision = Decision(event_type="attendance.in", cue=CueName.DENIED, details=details)
    entrance.captions.answered(Presentation(reader="desk"), decision)
    granted = Decision(event_type="attendance.in", cue=CueName.GRANTED, details={"door_decision": "granted"})
    entrance.captions.answered(Presentation(reader="desk"), granted)
    assert [lines[2:] for lines, _ in entrance.easel.shown] == [("扉は開きません", "封鎖中です"), ("", "解錠しました")]


@pytest.mark.rule(2)
def test_a_name_that_no_display_can_show_takes_nothing_from_its_tap() -> None:
    told = threading.Event()

    class Told(FakeHealth):
        def alert(self, alert_id: str, message: str) -> None:
            super().alert(alert_id, message)
            told.set()

    health, clock = Told(), FakeClock()

    class Choosy(RecordingDisplay):
        def show(self, screen: Screen) -> None:
            "".join(screen.lines).encode()  # as a page, or a bus, does
            super().show(screen)

    entrance = Entrance(enrolment=person("1001", HANAKO, name="山田 花\udc80"))
    loop = DisplayLoop(Choosy, entrance.captions.idle, health=health, mono_s=clock.mono_s)
    entrance.captions.draw_on(loop)
    entrance.tap()
    assert entrance.cues.played == [CueName.GRANTED]
    assert len(entrance.journal.events) == 1
    loop.start()
    assert told.wait(30)
    loop.close()
    assert health.alerts == {"display": "UnicodeEncodeError"}


@pytest.mark.rule(2)
def test_nobody_who_taps_waits_for_a_display_that_hangs() -> None:
    drawing, go_on = threading.Event(), threading.Event()

    class Hanging(RecordingDisplay):
        def show(self, screen: Screen) -> None:
            drawing.set()
            assert go_on.wait(30)
            super().show(screen)

    display, entrance = Hanging(), Entrance()
    loop = DisplayLoop(lambda: display, entrance.captions.idle, health=FakeHealth(), mono_s=entrance.clock.mono_s)
    entrance.captions.draw_on(loop)
    loop.start()
    assert drawing.wait(30)
    for _ in range(3):  # were anything waited for, this would never return
        entrance.tap()
    assert entrance.cues.played == [CueName.GRANTED, CueName.ALREADY_DONE, CueName.ALREADY_DONE]
    go_on.set()
    loop.close()


def test_the_time_of_the_terminals_zone_is_shown() -> None:
    entrance = Entrance()
    entrance.clock.at = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    assert entrance.idle[0] == "12/31(木) 23:59"

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from fakes.display import RecordingDisplay
from fakes.health import FakeHealth
from fakes.outputs import ScriptedCondition
from kazasu.errors import DisplayError
from kazasu.model.screen import Screen
from kazasu.outputs.display_loop import DisplayLoop, Idle

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports.outputs import Display

IDLE = Screen(lines=("idle",))
PUNCH = Screen(lines=("punch",))
OTHER = Screen(lines=("other",))


class Bench:
    """A loop whose time passes by a script; the script's last line stops it."""

    def __init__(self, open_display: Callable[[], Display] | None = None) -> None:
        self.clock = FakeClock()
        self.health = FakeHealth()
        self.display = RecordingDisplay()
        self.open_display = open_display or (lambda: self.display)

    def run(self, *script: tuple[float, Callable[[DisplayLoop], None]]) -> None:
        def stop(loop: DisplayLoop) -> None:
            self.seen_alerts = dict(self.health.alerts)
            loop.stop()

        running: list[DisplayLoop] = []

        def when(step: Callable[[DisplayLoop], None]) -> Callable[[], None]:
            return lambda: step(running[0])

        loop = DisplayLoop(
            self.open_display,
            lambda: Idle(IDLE, 60.0),
            health=self.health,
            mono_s=self.clock.mono_s,
            condition=ScriptedCondition(self.clock, [(at_s, when(step)) for at_s, step in (*script, (100.0, stop))]),
        )
        running.append(loop)
        loop.run()


def test_a_screen_is_held_for_its_time_and_then_the_idle_one_returns() -> None:
    bench = Bench()
    bench.run((1.0, lambda loop: loop.show(lambda: PUNCH, 3.0)))
    assert bench.display.history == [IDLE, PUNCH, IDLE]
    assert bench.display.closed


def test_the_next_person_never_waits_for_the_last_ones_screen() -> None:
    bench = Bench()
    bench.run((1.0, lambda loop: loop.show(lambda: PUNCH, 3.0)), (1.5, lambda loop: loop.show(lambda: OTHER, 3.0)))
    assert bench.display.history == [IDLE, PUNCH, OTHER, IDLE]


def test_a_display_that_breaks_is_an_alert_and_is_opened_again_later() -> None:
    opened: list[RecordingDisplay] = []

    def open_display() -> RecordingDisplay:
        opened.append(RecordingDisplay())
        return opened[-1]

    bench = Bench(open_display)
    seen: list[dict[str, str]] = []

    def fail(loop: DisplayLoop) -> None:
        opened[0].failure = DisplayError("unplugged")
        loop.show(lambda: PUNCH, 3.0)

    bench.run((1.0, fail), (5.0, lambda loop: seen.append(dict(bench.health.alerts))))
    assert seen == [{"display": "unplugged"}]
    assert opened[0].closed
    assert opened[1].history == [IDLE]
    assert bench.seen_alerts == {}


def test_a_display_that_was_never_there_ends_nothing() -> None:
    def nothing() -> RecordingDisplay:
        raise DisplayError("no panel answers")

    bench = Bench(nothing)
    bench.run((1.0, lambda loop: loop.show(lambda: PUNCH, 3.0)))
    assert bench.seen_alerts == {"display": "no panel answers"}


def test_whoever_has_news_does_not_wait_for_a_display_that_hangs() -> None:
    drawing, go_on = threading.Event(), threading.Event()

    class Hanging(RecordingDisplay):
        def show(self, screen: Screen) -> None:
            drawing.set()
            assert go_on.wait(30)
            super().show(screen)

    display = Hanging()
    loop = DisplayLoop(lambda: display, lambda: Idle(IDLE, 60.0), health=FakeHealth(), mono_s=lambda: 0.0)
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert drawing.wait(30)
    loop.show(lambda: PUNCH, 3.0)  # were the lock held while drawing, this would never return
    loop.stop()
    go_on.set()
    thread.join(30)
    assert not thread.is_alive()
    assert display.history == [IDLE]


def test_a_bus_that_hangs_is_an_alert_once_somebody_has_news_and_none_once_it_answers() -> None:
    drawing, go_on = threading.Event(), threading.Event()

    class Hanging(RecordingDisplay):
        def show(self, screen: Screen) -> None:
            drawing.set()
            assert go_on.wait(30)
            super().show(screen)

    clock, health = FakeClock(), FakeHealth()
    loop = DisplayLoop(Hanging, lambda: Idle(IDLE, 60.0), health=health, mono_s=clock.mono_s)
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert drawing.wait(30)
    loop.look()
    assert health.alerts == {}
    clock.advance(10.0)
    loop.look()
    assert "hangs" in health.alerts["display"]
    loop.stop()
    go_on.set()
    thread.join(30)
    assert health.alerts == {}


def test_a_screen_that_cannot_be_made_is_an_alert_and_the_next_one_is_shown() -> None:
    def unmakable() -> Screen:
        return Screen(lines=("x" * 17,))

    bench = Bench(RecordingDisplay)
    seen: list[dict[str, str]] = []
    bench.run(
        (1.0, lambda loop: loop.show(unmakable, 3.0)),
        (2.0, lambda _: seen.append(dict(bench.health.alerts))),
    )
    assert seen == [{"display": "ValueError"}]
    assert bench.seen_alerts == {}


def test_the_idle_screen_is_drawn_anew_when_it_is_over_and_when_somebody_says_so() -> None:
    clock = FakeClock()
    asked_at_s: list[float] = []

    def idle() -> Idle:
        asked_at_s.append(clock.mono_s() - 1000.0)
        return Idle(IDLE, 4.0)

    display = RecordingDisplay()
    running: list[DisplayLoop] = []

    def look() -> None:
        running[0].look()

    def stop() -> None:
        running[0].stop()

    condition = ScriptedCondition(clock, [(5.0, look), (7.0, stop)])
    loop = DisplayLoop(lambda: display, idle, health=FakeHealth(), mono_s=clock.mono_s, condition=condition)
    running.append(loop)
    loop.run()
    assert asked_at_s == [0.0, 4.0, 5.0]
    assert display.history == [IDLE]  # the same screen is not sent over the bus again


def test_closing_blanks_the_display_and_waits_for_its_thread() -> None:
    display = RecordingDisplay()
    loop = DisplayLoop(lambda: display, lambda: Idle(IDLE, 60.0), health=FakeHealth(), mono_s=lambda: 0.0)
    loop.start()
    loop.close()
    assert display.closed or display.history == []


def test_a_librarys_own_surprise_is_an_alert_that_quotes_nothing_of_it() -> None:
    class Surprising(RecordingDisplay):
        def show(self, screen: Screen) -> None:
            raise RuntimeError(screen.lines[0])

    bench = Bench(Surprising)
    bench.run((1.0, lambda loop: loop.show(lambda: PUNCH, 3.0)))
    assert bench.seen_alerts == {"display": "RuntimeError"}

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.outputs import RecordingOutput, ScriptedCondition
from kazasu.errors import OutputError
from kazasu.model.cue import Channel, CueName
from kazasu.outputs.cues import load
from kazasu.outputs.player import Player

if TYPE_CHECKING:
    from collections.abc import Callable

READY = frozenset({Channel.RED})
GREEN = frozenset({Channel.GREEN})
LOUD_GREEN = frozenset({Channel.GREEN, Channel.BUZZER})
LOUD_RED = frozenset({Channel.RED, Channel.BUZZER})
DARK: frozenset[Channel] = frozenset()


class Stage:
    """A player whose time is a script's."""

    def __init__(self, *script: tuple[float, Callable[[Player], None]]) -> None:
        self.clock = FakeClock()
        self.output = RecordingOutput(self.clock.mono_s)
        self.condition = ScriptedCondition(
            self.clock, [(at_s, partial(self._happen, happens)) for at_s, happens in script]
        )
        self.player = Player(load(), self.output, mono_s=self.clock.mono_s, condition=self.condition)
        self.beats: list[float] = []
        self._start_s = self.clock.mono_s()

    def run(self) -> None:
        self.player.run(lambda: self.beats.append(self.clock.mono_s()))

    def _happen(self, happens: Callable[[Player], None]) -> None:
        happens(self.player)

    def seen(self) -> list[tuple[int, frozenset[Channel]]]:
        """Every change: milliseconds from the start, and what was on."""
        return [(round((shown.mono_s - self._start_s) * 1000), shown.on) for shown in self.output.history]


def test_the_first_frame_is_on_when_play_returns_without_any_thread() -> None:
    stage = Stage()
    stage.player.play(CueName.GRANTED)
    assert stage.output.on == LOUD_GREEN


def test_plays_a_cue_to_its_end_and_rests() -> None:
    stage = Stage((3.0, Player.stop))
    stage.player.rest(CueName.READY)
    stage.player.play(CueName.GRANTED)
    stage.run()
    assert stage.seen() == [(0, READY), (0, LOUD_GREEN), (120, GREEN), (1000, DARK), (1250, READY)]


def test_a_newer_cue_interrupts_an_older_one() -> None:
    stage = Stage(
        (0.1, lambda player: player.play(CueName.READING)),
        (0.2, lambda player: player.play(CueName.GRANTED)),
        (0.25, lambda player: player.play(CueName.RETRY)),
        (2.0, Player.stop),
    )
    stage.player.rest(CueName.READY)
    stage.run()
    assert stage.seen() == [
        *((0, READY), (100, DARK), (200, LOUD_GREEN)),
        *((250, LOUD_RED), (400, DARK), (650, LOUD_RED), (1250, DARK), (1500, READY)),
    ]


def test_beats_and_wakes_every_ten_seconds_at_rest_and_not_more() -> None:
    stage = Stage((60.5, Player.stop))
    stage.player.rest(CueName.READY)
    stage.run()
    assert [round(beat - stage.beats[0]) for beat in stage.beats] == [0, 1, 11, 21, 31, 41, 51, 60]
    assert stage.seen() == [(0, READY)]


def test_beats_while_a_cue_repeats_for_long() -> None:
    stage = Stage((60.0, Player.stop))
    stage.player.play(CueName.READING)
    stage.run()
    assert max(b - a for a, b in zip(stage.beats, stage.beats[1:], strict=False)) <= 10.0


def test_a_broken_output_never_raises_into_a_tap_but_ends_the_loop_with_its_cause() -> None:
    stage = Stage()
    stage.output.failure = OutputError("the relay's wire is burnt")
    stage.player.play(CueName.GRANTED)
    stage.player.rest(CueName.FAULT)
    with pytest.raises(OutputError, match="burnt"):
        stage.run()


def test_an_output_that_breaks_while_a_cue_plays_ends_the_loop_with_its_cause() -> None:
    def breaks(player: Player) -> None:
        stage.output.failure = OutputError("the relay's wire is burnt")

    stage = Stage((0.05, breaks))
    stage.player.play(CueName.GRANTED)
    with pytest.raises(OutputError, match="burnt"):
        stage.run()


def test_an_output_that_breaks_while_a_loop_beats_is_not_slept_over() -> None:
    stage = Stage()

    def tap() -> None:
        stage.output.failure = OutputError("the relay's wire is burnt")
        stage.player.play(CueName.GRANTED)

    with pytest.raises(OutputError, match="burnt"):
        stage.player.run(tap)
    assert stage.condition.waits == 0


def test_a_stopped_player_stays_stopped_and_shows_nothing_new() -> None:
    stage = Stage()
    stage.player.stop()
    stage.player.stop()
    stage.player.play(CueName.GRANTED)
    stage.run()
    assert stage.seen() == []


def test_says_when_it_rests_so_that_a_command_can_play_one_cue() -> None:
    stage = Stage((60.0, Player.stop))

    def beat() -> None:
        if stage.player.resting:
            stage.player.stop()

    stage.player.play(CueName.DENIED)
    stage.player.run(beat)
    assert stage.clock.mono_s() == pytest.approx(1001.35)
    assert stage.output.on == DARK


class DeepSleep(threading.Condition):
    """A real condition that says when its loop sleeps, and whose idle waits end by being woken only."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.asleep.set()
        return super().wait(600.0 if timeout == 10.0 else timeout)


def test_a_sleeping_thread_wakes_for_a_cue_and_for_stop() -> None:
    output = RecordingOutput(time.monotonic)
    condition = DeepSleep()
    player = Player(load(), output, mono_s=time.monotonic, condition=condition)
    thread = threading.Thread(target=player.run, args=(lambda: None,), daemon=True)
    thread.start()
    try:
        assert condition.asleep.wait(30.0)
        player.play(CueName.GRANTED)
        assert output.wait_for(GREEN), "the second frame is the thread's"
        assert output.wait_for(DARK)
        player.rest(CueName.READY)
        assert output.wait_for(READY)
    finally:
        player.stop()
        thread.join(30.0)
    assert not thread.is_alive()
    assert [shown.on for shown in output.history] == [LOUD_GREEN, GREEN, DARK, READY]

from __future__ import annotations

from kazasu.model.cue import Channel, Cue, CueName, Frame
from kazasu.outputs.timeline import Timeline

RED = frozenset({Channel.RED})
GREEN = frozenset({Channel.GREEN})
LOUD_RED = frozenset({Channel.RED, Channel.BUZZER})
DARK: frozenset[Channel] = frozenset()


def _cue(name: CueName, *frames: tuple[int, frozenset[Channel]], repeat: bool = False) -> Cue:
    return Cue(name=name, frames=tuple(Frame(ms=ms, on=on) for ms, on in frames), repeat=repeat)


CUES = {
    cue.name: cue
    for cue in (
        _cue(CueName.READY, (500, RED), repeat=True),
        _cue(CueName.READING, (125, DARK), (250, RED), repeat=True),
        _cue(CueName.GRANTED, (250, GREEN), (500, DARK)),
        _cue(CueName.FAULT, (250, LOUD_RED), (500, DARK)),
    )
}


def _walk(timeline: Timeline, steps: int) -> list[tuple[frozenset[Channel], float | None]]:
    """What is on and until when, now and after each of the next changes that come by themselves."""
    seen = [(timeline.on, timeline.until_s)]
    for _ in range(steps):
        assert timeline.until_s is not None
        timeline.advance(timeline.until_s)
        seen.append((timeline.on, timeline.until_s))
    return seen


def test_is_dark_and_at_rest_before_anything_is_told() -> None:
    timeline = Timeline(CUES)
    timeline.advance(99.0)
    assert (timeline.on, timeline.until_s, timeline.resting) == (DARK, None, True)


def test_a_cue_ends_in_the_cue_at_rest_which_then_changes_no_more() -> None:
    timeline = Timeline(CUES)
    timeline.rest(CueName.READY, 0.0)
    timeline.play(CueName.GRANTED, 10.0)
    assert not timeline.resting
    assert _walk(timeline, 2) == [(GREEN, 10.25), (DARK, 10.75), (RED, None)]
    assert timeline.resting


def test_a_cue_ends_dark_where_nothing_is_set_at_rest() -> None:
    timeline = Timeline(CUES)
    timeline.play(CueName.GRANTED, 0.0)
    assert _walk(timeline, 2) == [(GREEN, 0.25), (DARK, 0.75), (DARK, None)]
    assert timeline.resting


def test_nothing_changes_before_its_time() -> None:
    timeline = Timeline(CUES)
    timeline.play(CueName.GRANTED, 0.0)
    timeline.advance(0.2499)
    assert timeline.on == GREEN


def test_a_repeating_cue_goes_on_until_another_comes() -> None:
    timeline = Timeline(CUES)
    timeline.rest(CueName.READY, 0.0)
    timeline.play(CueName.READING, 0.0)
    assert _walk(timeline, 4) == [(DARK, 0.125), (RED, 0.375), (DARK, 0.5), (RED, 0.75), (DARK, 0.875)]
    timeline.play(CueName.GRANTED, 0.8)
    assert timeline.on == GREEN


def test_a_newer_cue_interrupts_and_begins_at_its_first_frame() -> None:
    timeline = Timeline(CUES)
    timeline.play(CueName.GRANTED, 0.0)
    timeline.advance(0.25)
    timeline.play(CueName.GRANTED, 0.5)
    assert _walk(timeline, 1) == [(GREEN, 0.75), (DARK, 1.25)]


def test_a_late_thread_makes_a_cue_longer_and_loses_no_frame() -> None:
    timeline = Timeline(CUES)
    timeline.play(CueName.GRANTED, 0.0)
    timeline.advance(60.0)
    assert (timeline.on, timeline.until_s) == (DARK, 60.5)


def test_a_cue_that_comes_to_rest_sounds_once_and_repeats_as_light() -> None:
    timeline = Timeline(CUES)
    timeline.rest(CueName.FAULT, 0.0)
    assert timeline.resting
    assert _walk(timeline, 4) == [(LOUD_RED, 0.25), (DARK, 0.75), (RED, 1.0), (DARK, 1.5), (RED, 1.75)]


def test_a_tap_lets_the_cue_at_rest_sound_again_and_once_only() -> None:
    timeline = Timeline(CUES)
    timeline.rest(CueName.FAULT, 0.0)
    _walk(timeline, 3)
    timeline.play(CueName.FAULT, 10.0)
    assert _walk(timeline, 2) == [(LOUD_RED, 10.25), (DARK, 10.75), (RED, 11.0)]


def test_setting_the_cue_at_rest_lets_a_playing_one_end() -> None:
    timeline = Timeline(CUES)
    timeline.rest(CueName.READY, 0.0)
    timeline.play(CueName.GRANTED, 0.0)
    timeline.rest(CueName.FAULT, 0.125)
    assert _walk(timeline, 2) == [(GREEN, 0.25), (DARK, 0.75), (RED, 1.0)]


def test_healing_ends_the_fault_at_once_also_while_it_sounds() -> None:
    timeline = Timeline(CUES)
    timeline.rest(CueName.FAULT, 0.0)
    timeline.rest(CueName.READY, 0.125)
    assert timeline.on == RED
    assert _walk(timeline, 1)[-1] == (RED, None)


def test_setting_the_same_cue_at_rest_again_does_not_start_it_again() -> None:
    timeline = Timeline(CUES)
    timeline.rest(CueName.FAULT, 0.0)
    timeline.rest(CueName.FAULT, 0.125)
    assert timeline.until_s == 0.25

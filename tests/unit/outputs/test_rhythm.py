from __future__ import annotations

import pytest

from kazasu.model.cue import Channel, Cue, CueName, Frame
from kazasu.outputs.rhythm import LIGHTS, SOUND, flashes_per_second, rhythm, told_apart


def _cue(*frames: tuple[int, str], repeat: bool = False) -> Cue:
    """Frames as milliseconds and the channels' first letters."""
    channels = {channel.value[0]: channel for channel in (Channel.GREEN, Channel.RED, Channel.BUZZER)}
    return Cue(
        name=CueName.DENIED,
        frames=tuple(Frame(ms=ms, on=frozenset(channels[letter] for letter in on)) for ms, on in frames),
        repeat=repeat,
    )


def test_a_rhythm_knows_no_colour() -> None:
    assert rhythm(_cue((100, "g"), (100, "r"), (200, ""), (300, "gr")), LIGHTS, repeat=False) == (200, 200, 300)


def test_light_and_sound_are_apart() -> None:
    cue = _cue((100, "gb"), (100, "g"), (200, "b"))
    assert rhythm(cue, LIGHTS, repeat=False) == (200,)
    assert rhythm(cue, SOUND, repeat=False) == (100, 100, 200)


def test_darkness_before_and_after_is_no_part_of_a_rhythm() -> None:
    assert rhythm(_cue((500, ""), (100, "r"), (900, "")), LIGHTS, repeat=False) == (100,)
    assert rhythm(_cue((500, "")), LIGHTS, repeat=True) == ()


@pytest.mark.parametrize(("gap_ms", "lengths"), [(79, (279,)), (80, (100, 80, 100))])
def test_a_gap_too_short_to_notice_runs_together(gap_ms: int, lengths: tuple[int, ...]) -> None:
    assert rhythm(_cue((100, "r"), (gap_ms, ""), (100, "r")), LIGHTS, repeat=False) == lengths


def test_a_repeated_rhythm_is_looked_at_for_four_seconds() -> None:
    assert rhythm(_cue((1500, ""), (1500, "r")), LIGHTS, repeat=True) == (1500,)
    assert rhythm(_cue((1500, "r"), (1500, "")), LIGHTS, repeat=True) == (1500, 1500, 1000)
    assert rhythm(_cue((60_000, "r")), LIGHTS, repeat=True) == (4000,)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ((200,), (200, 200, 200), True),
        ((), (40,), True),
        ((200,), (200,), False),
        ((100,), (179,), False),  # less than 80 ms
        ((100,), (180,), True),
        ((1000,), (1400,), False),  # less than half as long again
        ((1000,), (1500,), True),
        ((200, 100, 200), (200, 200, 200), True),  # the gap counts too
    ],
)
def test_rhythms_are_told_apart_by_counting_or_by_a_clear_difference(
    one: tuple[int, ...], other: tuple[int, ...], *, apart: bool
) -> None:
    assert told_apart(one, other) is apart
    assert told_apart(other, one) is apart


@pytest.mark.parametrize(
    ("cue", "flashes"),
    [
        (_cue((60_000, "r")), 1),
        (_cue((60_000, "")), 0),
        (_cue((200, "r"), (134, "")), 3),
        (_cue((200, "r"), (133, "")), 4),  # at 0, 333, 666 and 999 ms
        (_cue((200, "r"), (134, "g")), 1),  # a change of colour is no flash: some light is always on
        (_cue((1, "r"), (1, "")), 500),  # too fast to be noticed, and still not allowed
        (_cue((100, "r"), (100, ""), (100, "r"), (5000, "")), 2),
        (_cue((5000, ""), (50, "r"), (50, ""), (50, "r"), (50, ""), (50, "r"), (50, ""), (50, "r")), 4),
    ],
)
def test_counts_the_flashes_of_the_worst_second_over_and_over(cue: Cue, flashes: int) -> None:
    assert flashes_per_second(cue) == flashes

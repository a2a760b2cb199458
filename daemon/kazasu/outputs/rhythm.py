"""How a cue is perceived when its colours, or its lights, or its sound are taken away: pure arithmetic on frames."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from typing import TYPE_CHECKING

from kazasu.model.cue import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.cue import Cue

LIGHTS = frozenset({Channel.GREEN, Channel.RED})
SOUND = frozenset({Channel.BUZZER})

PERCEPTIBLE_MS = 80  # a shorter gap runs together, a smaller difference between two lengths is not noticed
_RATIO = 1.5  # nor is a difference of less than half
_WINDOW_MS = 4000  # as long as a person looks at a cue that repeats
_SECOND_MS = 1000


def rhythm(cue: Cue, channels: frozenset[Channel], *, repeat: bool) -> tuple[int, ...]:
    """Lengths in milliseconds, by turns on and off: begins and ends with on; empty if the channels are never on.

    Which of the channels is on makes no difference: that is what is left of a light without its colour.

    Args:
        cue: what is played.
        channels: `LIGHTS` or `SOUND`.
        repeat: whether the frames are repeated, as a cue at rest is; four seconds of it are looked at.
    """
    lengths: list[int] = []
    pause_ms = 0
    for on, ms in _spans(cue, channels, window_ms=_WINDOW_MS if repeat else None):
        if not on:
            pause_ms += ms
        elif lengths and pause_ms < PERCEPTIBLE_MS:
            lengths[-1] += pause_ms + ms
            pause_ms = 0
        else:
            lengths += [pause_ms, ms] if lengths else [ms]
            pause_ms = 0
    return tuple(lengths)


def told_apart(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Say whether a person can tell two rhythms apart: by counting, or because one part is clearly longer."""
    if len(one) != len(other):
        return True
    return any(
        abs(a - b) >= PERCEPTIBLE_MS and max(a, b) >= _RATIO * min(a, b) for a, b in zip(one, other, strict=True)
    )


def flashes_per_second(cue: Cue) -> int:
    """The most times that a light goes on within any second, whatever its colour, if the cue is played over and over.

    Source: WCAG 2.2, success criterion 2.3.1, allows three. Unlike `rhythm` it counts flashes too short to be noticed.
    """
    starts: list[int] = []
    at_ms, was_on = 0, False
    for on, ms in _spans(cue, LIGHTS, window_ms=sum(frame.ms for frame in cue.frames) + _SECOND_MS):
        if on and not was_on:
            starts.append(at_ms)
        at_ms, was_on = at_ms + ms, on
    return max((bisect_left(starts, start + _SECOND_MS) - index for index, start in enumerate(starts)), default=0)


def _spans(cue: Cue, channels: frozenset[Channel], *, window_ms: int | None) -> Iterator[tuple[bool, int]]:
    """On or off, and for how many milliseconds: the frames once, or over and over until the window is full."""
    if window_ms is None:
        for frame in cue.frames:
            yield not channels.isdisjoint(frame.on), frame.ms
        return
    left_ms = window_ms
    for frame in itertools.cycle(cue.frames):
        ms = min(frame.ms, left_ms)
        yield not channels.isdisjoint(frame.on), ms
        left_ms -= ms
        if left_ms == 0:
            return

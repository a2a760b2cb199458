"""What is wrong with a terminal, the worst first, in words that operations understand. Pure, and without a clock."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from kazasu.model.moment import TimeSource
from kazasu.site.duration import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.site.terminal import Terminal

BEHIND_S = 300
CERTIFICATE_DAYS = 30
LAST_CERTIFICATE_DAYS = 7
DISK_FREE_MB = 500
LAST_DISK_FREE_MB = 100
HOT_C = 80  # a Pi slows down from here on
CLOCK_OFF_S = 5
WRONG_CLOCK_OFF_S = 60
_CLOCK_ERROR_MS = 1000


class Grade(enum.IntEnum):
    """How bad it is; the worst first."""

    DOWN = 0  # nothing comes from there: it is off, cut off, or cannot record
    PROBLEM = 1  # somebody has to do something
    NOTE = 2  # sooner or later somebody has to
    FINE = 3


class Problem(NamedTuple):
    """One thing that is wrong.

    Attributes:
        grade: how bad.
        words: what.
    """

    grade: Grade
    words: str


def problems_of(terminal: Terminal, roster_of_most: int | None = None) -> tuple[Problem, ...]:
    """Everything that is wrong with a terminal, the worst first.

    Args:
        terminal: which.
        roster_of_most: the roster version that most terminals have, if most have the same.
    """
    return tuple(sorted(_problems(terminal, roster_of_most), key=lambda problem: problem.grade))


def grade_of(problems: tuple[Problem, ...]) -> Grade:
    """How bad it is all in all."""
    return problems[0].grade if problems else Grade.FINE


def _problems(terminal: Terminal, roster_of_most: int | None) -> Iterator[Problem]:
    for kind, found in terminal.findings.items():
        yield Problem(Grade.PROBLEM, f"the collector found {kind}: {found.message}")
    match terminal.state:
        case "offline":
            # What it last said of itself is not what is wrong now.
            yield Problem(Grade.DOWN, _CAUSES.get(terminal.cause, terminal.cause or "offline"))
            return
        case "unknown":
            yield Problem(Grade.NOTE, "says nothing of its state")
    if terminal.silent:
        yield Problem(Grade.DOWN, "silent: no health for three minutes and more")
    yield from _alerts(terminal)
    yield from _backlog(terminal)
    yield from _clock(terminal)
    yield from _machine(terminal)
    version = terminal.number("roster_version")
    if roster_of_most is not None and version is not None and version < roster_of_most:
        yield Problem(Grade.NOTE, f"roster {version}, most have {roster_of_most}")


_CAUSES = {"connection_lost": "connection lost", "stopped": "stopped in order"}


def _alerts(terminal: Terminal) -> Iterator[Problem]:
    for alert_id, message in terminal.alerts.items():
        if alert_id == "journal":
            yield Problem(Grade.DOWN, f"it records nothing: {message}")
        else:
            yield Problem(Grade.PROBLEM, message or alert_id)
    for reader, state in terminal.parts("reader_").items():
        if state == "missing" and f"reader_{reader}" not in terminal.alerts:
            yield Problem(Grade.PROBLEM, f"reader {reader} is missing")


def _backlog(terminal: Terminal) -> Iterator[Problem]:
    unsent, age_s = terminal.number("unsent") or 0, terminal.number("oldest_unacked_age_s") or 0
    if unsent > 0 and age_s >= BEHIND_S:
        yield Problem(Grade.PROBLEM, f"{unsent} events wait, the oldest for {short(age_s)}")


def _clock(terminal: Terminal) -> Iterator[Problem]:
    source, error_ms, off_s = terminal.word("time_source"), terminal.number("time_error_ms"), terminal.clock_off_s
    if source == TimeSource.NONE:
        yield Problem(Grade.PROBLEM, "its clock is not set")
    elif source == TimeSource.HOLDOVER:
        yield Problem(Grade.NOTE, "no time server: its clock drifts")
    elif error_ms is not None and error_ms >= _CLOCK_ERROR_MS:
        yield Problem(Grade.NOTE, f"its clock may be wrong by {error_ms / 1000:.0f} s")
    if abs(off_s) >= CLOCK_OFF_S:
        grade = Grade.PROBLEM if abs(off_s) >= WRONG_CLOCK_OFF_S else Grade.NOTE
        yield Problem(grade, f"its clock is {short(abs(off_s))} {'ahead' if off_s > 0 else 'behind'}")


def _machine(terminal: Terminal) -> Iterator[Problem]:
    days = terminal.number("certificate_days")
    if days is not None and days < CERTIFICATE_DAYS:
        words = f"its certificate ends in {days} days" if days >= 0 else "its certificate has ended"
        yield Problem(Grade.PROBLEM if days < LAST_CERTIFICATE_DAYS else Grade.NOTE, words)
    free_mb = terminal.number("disk_free_mb")
    if free_mb is not None and free_mb < DISK_FREE_MB:
        yield Problem(Grade.PROBLEM if free_mb < LAST_DISK_FREE_MB else Grade.NOTE, f"{free_mb} MB of disk left")
    temperature_c = terminal.number("temperature_c")
    if temperature_c is not None and temperature_c >= HOT_C:
        yield Problem(Grade.NOTE, f"{temperature_c} °C")

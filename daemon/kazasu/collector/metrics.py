"""What Prometheus gets to read of a site: each terminal's figures, and the collector's own. Pure.

Figures of terminals are what they say of themselves, unsigned; a terminal that says nothing any more keeps its last
ones and `kazasu_terminal_up` at 0. Counted in base units, as Prometheus' conventions ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kazasu.collector.exposition import Family, Kind, written
from kazasu.model.door_table import STATES, DoorState

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from kazasu.site.fleet import Fleet
    from kazasu.site.terminal import Terminal

_DAY_S = 86_400
_MEGABYTE = 1_000_000


class _Figure(NamedTuple):
    """A number of health as a metric.

    Attributes:
        field: of health.
        name: of the metric.
        help: what it means.
        unit: what one is worth in the metric's unit.
        kind: what it is.
    """

    field: str
    name: str
    help: str
    unit: float = 1
    kind: Kind = Kind.GAUGE


_FIGURES = (
    _Figure("last_seq", "events_total", "Events recorded in the journal's epoch.", kind=Kind.COUNTER),
    _Figure("unsent", "events_unsent", "Events that the broker has not taken yet."),
    _Figure("oldest_unacked_age_s", "oldest_unsent_age_seconds", "Age of the oldest of them."),
    _Figure("receipt_seq", "receipt_seq", "The last event that the collector has vouched for, as the terminal knows."),
    _Figure("alerts", "alerts", "Standing alerts."),
    _Figure("journal_percent", "journal_used_ratio", "How much of the journal's room is used.", 0.01),
    _Figure("roster_version", "roster_version", "The roster that decides there."),
    _Figure("roster_made_s", "roster_made_timestamp_seconds", "When the site vouched for that roster."),
    _Figure("time_error_ms", "clock_error_seconds", "How far its clock may be wrong, as it knows itself.", 0.001),
    _Figure("disk_free_mb", "disk_free_bytes", "Room left on the disk of its state.", _MEGABYTE),
    _Figure("temperature_c", "temperature_celsius", "Of the processor."),
    _Figure("certificate_days", "certificate_remaining_seconds", "Until its broker certificate ends.", _DAY_S),
)
_COUNTERS = {
    "stored": "Events that the collector has kept since its start.",
    "duplicates": "Events that came to it again.",
    "refused": "Messages that it refused.",
    "receipts": "Receipts that it gave.",
    "asked_again": "How often it asked a terminal for missing events.",
}
_NEVER_NEGATIVE = frozenset(
    {"oldest_unacked_age_s", "roster_made_s", "time_error_ms"}
)  # there -1 says that nobody knows


def site_metrics(site: str, fleet: Fleet, gone: Container[str] = ()) -> str:
    """Write everything.

    Args:
        site: the site's name, a label of each metric.
        fleet: what is known of its terminals and collectors.
        gone: terminals that were revoked: nobody is to be called for them.
    """
    return written(_families(site, fleet, gone))


def _families(site: str, fleet: Fleet, gone: Container[str]) -> Iterator[Family]:
    terminals = [
        ({"site": site, "terminal": name}, terminal)
        for name, terminal in sorted(fleet.terminals.items())
        if name not in gone
    ]
    for name, text, of in _STATES:
        yield Family(
            name=f"kazasu_terminal_{name}",
            kind=Kind.GAUGE,
            help=text,
            samples=[(labels | more, value) for labels, terminal in terminals for more, value in of(terminal)],
        )
    for figure in _FIGURES:
        yield Family(
            name=f"kazasu_terminal_{figure.name}",
            kind=figure.kind,
            help=figure.help,
            samples=[
                (labels, _in_units(number, figure.unit))
                for labels, terminal in terminals
                if (number := terminal.number(figure.field)) is not None
                and not (number < 0 and figure.field in _NEVER_NEGATIVE)
            ],
        )
    yield Family(
        name="kazasu_messages_unreadable_total",
        kind=Kind.COUNTER,
        help="Messages of terminals that could not be read.",
        samples=[({"site": site}, fleet.unreadable)],
    )
    for name, text in _COUNTERS.items():
        yield Family(
            name=f"kazasu_collector_{name}_total",
            kind=Kind.COUNTER,
            help=text,
            samples=[
                ({"site": site, "collector": collector}, count)
                for collector, fields in sorted(fleet.collectors.items())
                if isinstance(count := fields.get(name), int)
            ],
        )
    yield Family(
        name="kazasu_collector_trouble",
        kind=Kind.GAUGE,
        help="1 for each alert that a collector raises about itself.",
        samples=[
            ({"site": site, "collector": collector, "alert": alert}, 1) for collector, alert in sorted(fleet.troubles)
        ],
    )


def _in_units(number: int, unit: float) -> int | float:
    return round(number * unit, 6)


def _up(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    yield {}, int(terminal.state == "online" and not terminal.silent)


def _heard(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    if terminal.heard_at is not None:
        yield {}, round(terminal.heard_at.timestamp(), 3)


def _last_tap(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    if terminal.last_tap is not None:
        yield {}, round(terminal.last_tap.at.timestamp(), 3)


def _clock_off(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    if terminal.health:
        yield {}, terminal.clock_off_s


def _time_source(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    if source := terminal.word("time_source"):
        yield {"source": source}, 1


def _readers(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    for reader, state in terminal.parts("reader_").items():
        yield {"reader": reader}, int(state == "present")


def _door_alarms(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    for door, state in terminal.parts("door_").items():
        yield {"door": door}, int(state in _ALARMING)


def _doors_released(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    for door, state in terminal.parts("door_").items():
        yield {"door": door}, int(state in _RELEASED)


def _alerts(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    for alert in terminal.alerts:
        yield {"alert": alert}, 1


def _findings(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    for kind, found in terminal.findings.items():
        yield {"kind": kind}, found.count


def _info(terminal: Terminal) -> Iterator[tuple[dict[str, str], float]]:
    if terminal.info:
        yield {"version": str(terminal.info.get("version", ""))}, 1


_ALARMING = {state for state in DoorState if STATES[state].alarm is not None} | {DoorState.FAULT}
_RELEASED = {state for state in DoorState if STATES[state].released}
_STATES = (
    ("up", "1 if it is online and says so every minute, else 0.", _up),
    ("heard_timestamp_seconds", "Its last sign of life.", _heard),
    ("last_tap_timestamp_seconds", "When somebody last held a card there, by its own clock.", _last_tap),
    ("clock_offset_seconds", "By how much its clock is ahead of the collector's, below zero behind.", _clock_off),
    ("time_source", "Where its time comes from: ntp, rtc, holdover or none.", _time_source),
    ("reader_present", "1 if the reader is there, 0 if it is missing.", _readers),
    ("door_alarm", "1 while a door is held open, forced open, released by fire or out of order.", _door_alarms),
    ("door_released", "1 while a door's lock is released.", _doors_released),
    ("alert", "1 for each alert that stands.", _alerts),
    ("findings", "What the collector found out about it and nobody has settled: gaps, forks and others.", _findings),
    ("info", "1, with what it runs.", _info),
)

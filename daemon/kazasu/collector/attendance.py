"""Attendance by person and working day, from events. What is computed stands beside what was signed, never over it."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from kazasu.model.access import EventFields
from kazasu.model.event import moment_of
from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kazasu.collector.ports import EventStore
    from kazasu.collector.records import KeptEvent

Cell: TypeAlias = str | int | dt.datetime | dt.date | None

_PUNCHES = {"attendance.in": "in", "attendance.out": "out"}
_FIELDS = msgspec.json.Decoder(EventFields)


class Punch(msgspec.Struct, frozen=True, kw_only=True):
    """One punch as it was recorded, and what is known of it beside.

    Attributes:
        cardholder: whose; empty if the roster knew nobody.
        day: its working day.
        direction: `in` or `out`.
        time: as the terminal signed it; of a line on a paper list when it was recorded.
        punched_at: when the punch was made as a paper list says; None of a tap.
        corrected: when it was by a clock that was set later in the same run; None if nobody knows better than `time`.
        time_source: where `time` came from.
        terminal, reader, assurance: where, and what was proved.
        by: who entered it, of a paper list.
        arrived: when the collector got it.
        late: it arrived long after it was made.
        unproved: something before it is missing, or does not hold.
        event: its identity.
        line: of the paper list; empty of a tap.
    """

    cardholder: str
    day: dt.date
    direction: str
    time: dt.datetime
    punched_at: dt.datetime | None
    corrected: dt.datetime | None
    time_source: str
    terminal: str
    reader: str
    assurance: str
    by: str
    arrived: dt.datetime
    late: bool
    unproved: bool
    event: str
    line: str

    def cells(self) -> dict[str, Cell]:
        """By the names that a layout knows."""
        return msgspec.structs.asdict(self) | {
            "late": int(self.late),
            "unproved": int(self.unproved),
            "arrived": self.arrived.astimezone(self.time.tzinfo),
        }


class PersonDay(msgspec.Struct, frozen=True, kw_only=True):
    """One person's working day."""

    cardholder: str
    day: dt.date
    punches: tuple[Punch, ...]

    def cells(self) -> dict[str, Cell]:
        """By the names that a layout knows."""
        taps = [punch for punch in self.punches if punch.punched_at is None]
        paper = [punch for punch in self.punches if punch.punched_at is not None]
        pairs, left_open = _pairs(taps)
        return {
            "cardholder": self.cardholder,
            "day": self.day,
            "first_in": min((punch.time for punch in taps if punch.direction == "in"), default=None),
            "last_out": max((punch.time for punch in taps if punch.direction == "out"), default=None),
            "corrected_in": min((p.corrected or p.time for p in taps if p.direction == "in"), default=None)
            if any(punch.corrected for punch in taps)
            else None,
            "corrected_out": max((p.corrected or p.time for p in taps if p.direction == "out"), default=None)
            if any(punch.corrected for punch in taps)
            else None,
            "paper_in": min((p.punched_at for p in paper if p.punched_at and p.direction == "in"), default=None),
            "paper_out": max((p.punched_at for p in paper if p.punched_at and p.direction == "out"), default=None),
            "minutes": sum(int((out.time - in_.time).total_seconds()) // 60 for in_, out in pairs),
            "pairs": len(pairs),
            "open": left_open,
            "taps": len(taps),
            "paper": len(paper),
            "late": sum(punch.late for punch in self.punches),
            "unproved": sum(punch.unproved for punch in self.punches),
            "terminals": " ".join(sorted({punch.terminal for punch in self.punches})),
            "times": " ".join(f"{punch.direction}:{punch.time:%H:%M}" for punch in taps),
        }


def punches(store: EventStore, first: dt.date, last: dt.date, late_after_s: float) -> Iterator[Punch]:
    """Every punch of these working days, ends included: by day and person; each line of a paper list once.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    seen: set[tuple[str, dt.date, str]] = set()
    for kept in store.punches(first.isoformat(), last.isoformat()):
        fields = _FIELDS.decode(kept.body)
        direction = _PUNCHES.get(str(fields["event_type"]))
        if direction is None:
            continue
        punch = _punch(store, kept, fields, direction, late_after_s)
        line = (punch.cardholder, punch.day, punch.line)
        if punch.line and line in seen:
            continue  # the same line of the same list, imported at two terminals
        seen.add(line)
        yield punch


def days(recorded: Iterable[Punch]) -> Iterator[PersonDay]:
    """Gather punches that come by day and person; whose they are nobody knows has no day."""
    for (day, cardholder), group in itertools.groupby(recorded, key=lambda punch: (punch.day, punch.cardholder)):
        if cardholder:
            ordered = sorted(group, key=lambda punch: (punch.time, punch.event))
            yield PersonDay(cardholder=cardholder, day=day, punches=tuple(ordered))


def _punch(store: EventStore, kept: KeptEvent, fields: EventFields, direction: str, late_after_s: float) -> Punch:
    moment = moment_of(fields)
    arrived = dt.datetime.fromtimestamp(kept.arrived_s, dt.UTC)
    punched_at = fields.get("punched_at")
    return Punch(
        cardholder=str(fields.get("cardholder", "")),
        day=dt.date.fromisoformat(str(fields["day"])),
        direction=direction,
        time=moment.at,
        punched_at=dt.datetime.fromisoformat(punched_at) if isinstance(punched_at, str) else None,
        corrected=None if moment.source is TimeSource.NTP else _corrected(store, kept, fields),
        time_source=moment.source.value,
        terminal=kept.terminal,
        reader=str(fields.get("reader", "")),
        assurance=str(fields.get("assurance", "")),
        by=str(fields.get("by", "")),
        arrived=arrived,
        late=(arrived - moment.at).total_seconds() > late_after_s,
        unproved=not kept.linked,
        event=str(fields["id"]),
        line=str(fields.get("line", "")),
    )


def _corrected(store: EventStore, kept: KeptEvent, fields: EventFields) -> dt.datetime | None:
    """When it was, if a time server set the clock later in the same run: the monotonic clock says how long before."""
    after = store.clock_after(kept.terminal, kept.epoch, kept.seq)
    if after is None:
        return None
    before, anchor = moment_of(fields), moment_of(_FIELDS.decode(after.body))
    if anchor.boot != before.boot or anchor.source is not TimeSource.NTP:
        return None
    return anchor.at - dt.timedelta(milliseconds=anchor.mono_ms - before.mono_ms)


def _pairs(taps: Iterable[Punch]) -> tuple[list[tuple[Punch, Punch]], int]:
    """Each way in with the next way out, and how many punches found none."""
    pairs: list[tuple[Punch, Punch]] = []
    waiting: Punch | None = None
    alone = 0
    for punch in taps:
        if punch.direction == "in":
            alone += waiting is not None
            waiting = punch
        elif waiting is None:
            alone += 1
        else:
            pairs.append((waiting, punch))
            waiting = None
    return pairs, alone + (waiting is not None)


PUNCH_CELLS = frozenset(Punch.__struct_fields__)
DAY_CELLS = frozenset(PersonDay(cardholder="", day=dt.date.min, punches=()).cells())

"""Punches on a paper list, as somebody typed them into a CSV file: all of it can be recorded, or nothing is."""

from __future__ import annotations

import contextlib
import csv
import hashlib
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import PaperListError
from kazasu.model.access import Direction
from kazasu.store.roster import Roster
from kazasu.store.roster_csv import text_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kazasu.store.backlog import Backlog

COLUMNS = ("cardholder", "direction", "time")

_WAYS: Mapping[str, Direction] = MappingProxyType({"in": "in", "out": "out"})
_SHOWN_LINES = 200
_SHOWN = 40
_BATCH = 500
_FIELDS = msgspec.json.Decoder(dict[str, int | str])


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One punch.

    Attributes:
        cardholder: the person's number.
        direction: which way.
        punched_at: aware, in the terminal's time zone.
        id: names it: the same punch has the same, 16 hexadecimal digits.
    """

    cardholder: str
    direction: Direction
    punched_at: datetime
    id: str


def read_list(path: Path, now: datetime, roster_path: Path) -> list[Line]:
    """Read a list.

    Args:
        path: UTF-8, with the header cardholder,direction,time.
        now: in the terminal's time zone, in which the clock on the wall is; no punch is later.
        roster_path: whose people may stand on the list.

    Raises:
        PaperListError: what is wrong in every bad line.
        RosterError: not UTF-8 text, or the roster cannot be read.
    """
    found: dict[str, Line] = {}
    problems: list[str] = []
    with contextlib.closing(Roster(roster_path)) as roster:
        lines = text_lines(path)
        _, header = next(lines, (1, ""))
        columns = [name.strip() for name in header.split(",")]
        if sorted(columns) != sorted(COLUMNS):
            raise PaperListError(f"{path}, line 1: the header must be {','.join(COLUMNS)}")
        for number, text in lines:
            if not text.strip(" \t,"):
                continue
            line = _line(text, columns, now, roster)
            if isinstance(line, str):
                problems.append(f"line {number}: {line}")
            elif line.id in found:
                problems.append(f"line {number}: the same punch stands further up")
            else:
                found[line.id] = line
    if problems:
        count = len(problems)
        shown = problems[:_SHOWN_LINES] + (
            [f"and {count - _SHOWN_LINES} more bad lines"] if count > _SHOWN_LINES else []
        )
        noun = "line is" if count == 1 else "lines are"
        raise PaperListError("\n".join([f"{path}: {count} {noun} wrong, and nothing was recorded", *shown]))
    return sorted(found.values(), key=lambda line: line.punched_at)


def recorded_lines(backlog: Backlog) -> frozenset[str]:
    """The lines that the journal holds already, by their ids."""
    found, seq = set(), 0
    while batch := backlog.after(seq, _BATCH):
        for seq, body in batch:  # noqa: B007  (the last one is where the next batch begins)
            if b'"punched_at"' in body:
                found.add(str(_FIELDS.decode(body).get("line", "")))
    return frozenset(found)


def _line(text: str, columns: list[str], now: datetime, roster: Roster) -> Line | str:
    """A line, or what is wrong with it."""
    try:
        values = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        return f"not CSV ({error}): look for a quotation mark that is not closed"
    if len(values) != len(columns):
        return f"{len(values)} fields, and the header has {len(columns)}"
    fields = {name: value.strip() for name, value in zip(columns, values, strict=True)}
    number, direction = fields["cardholder"], fields["direction"]
    if roster.find(number) is None:
        return f"cardholder: {number[:_SHOWN]!r} is not in the roster"
    if direction not in _WAYS:
        return f"direction: {direction[:_SHOWN]!r} is neither in nor out"
    at = _at(fields["time"], now)
    if isinstance(at, str):
        return f"time: {at}"
    punch = f"{number}\n{direction}\n{at.isoformat()}"
    return Line(
        cardholder=number,
        direction=_WAYS[direction],
        punched_at=at,
        id=hashlib.sha256(punch.encode()).hexdigest()[:16],
    )


def _at(text: str, now: datetime) -> datetime | str:
    """A time on the wall, or what is wrong with it."""
    try:
        at = datetime.strptime(text.replace("T", " "), "%Y-%m-%d %H:%M").replace(tzinfo=now.tzinfo)
    except ValueError:
        return f"{text[:_SHOWN]!r} is no time; write 2026-11-24 08:31"
    if at.astimezone(UTC).astimezone(now.tzinfo).replace(tzinfo=None) != at.replace(tzinfo=None):
        return f"{text} did not exist: the clocks were put forward"
    if at.utcoffset() != at.replace(fold=1).utcoffset():
        return f"{text} came twice, since the clocks were put back: write another time"
    if at.astimezone(UTC) > now.astimezone(UTC):
        return f"{text} is still to come: here it is {now:%Y-%m-%d %H:%M}"
    return at

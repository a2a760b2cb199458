"""How a report is written, for whatever reads it: which columns, under which titles, in which encoding."""

from __future__ import annotations

import csv
import datetime as dt
from typing import TYPE_CHECKING, Literal, TextIO

from kazasu.collector.attendance import DAY_CELLS, PUNCH_CELLS
from kazasu.model.setting import Duration, within
from kazasu.model.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kazasu.collector.attendance import Cell
    from kazasu.config.problems import Place


class Column(Table, frozen=True, kw_only=True):
    """[[columns]]."""

    name: str
    title: str | None = None
    format: str | None = None


_DAYS = tuple(
    Column(name=name)
    for name in (
        "day",
        "cardholder",
        "first_in",
        "last_out",
        "minutes",
        "open",
        "corrected_in",
        "corrected_out",
        "paper_in",
        "paper_out",
        "late",
        "unproved",
        "terminals",
    )
)
_PUNCHES = tuple(
    Column(name=name)
    for name in (
        "day",
        "cardholder",
        "direction",
        "time",
        "corrected",
        "punched_at",
        "time_source",
        "assurance",
        "terminal",
        "late",
        "unproved",
        "event",
    )
)


class Layout(Table, frozen=True, kw_only=True):
    """The whole file."""

    rows: Literal["days", "punches"] = "days"
    columns: tuple[Column, ...] | None = None
    header: bool = True
    encoding: Literal["utf-8", "utf-8-sig", "cp932"] = "utf-8"
    delimiter: Literal[",", ";", "\t"] = ","
    late_after: Duration = Duration(3600)

    def __post_init__(self) -> None:
        within(self.late_after, "late_after", 1, 86400 * 366)

    @property
    def written(self) -> tuple[Column, ...]:
        """Its columns, or else those that show everything at a glance."""
        return self.columns or (_DAYS if self.rows == "days" else _PUNCHES)


def problems_of(layout: Layout) -> Iterator[tuple[Place, str]]:
    """Say which columns nobody knows."""
    known = DAY_CELLS if layout.rows == "days" else PUNCH_CELLS
    for number, column in enumerate(layout.columns or ()):
        if column.name not in known:
            yield ("columns", number, "name"), f"no column {column.name!r} of {layout.rows}: {', '.join(sorted(known))}"


def write(layout: Layout, rows: Iterable[Mapping[str, Cell]], stream: TextIO) -> None:
    """Write rows as CSV."""
    writer = csv.writer(stream, delimiter=layout.delimiter, lineterminator="\r\n")
    if layout.header:
        writer.writerow([column.title or column.name for column in layout.written])
    for row in rows:
        writer.writerow([_text(row[column.name], column.format) for column in layout.written])


def _text(value: Cell, wanted: str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.date) and wanted is not None:  # which a datetime is, too
        return value.strftime(wanted)
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="milliseconds")  # as in events
    # A spreadsheet takes a text that begins so for a formula.
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in {"=", "+", "@", "-"} else text

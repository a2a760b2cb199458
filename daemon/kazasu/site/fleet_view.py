"""The fleet as lines of text: how many are down, then a line a terminal, the worst first. Pure.

Plain ANSI, and readable without colour: what is down, a problem or a note has its mark. Everything shown went through
plain_text.py when it came, so no message can move the cursor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kazasu.site.duration import short
from kazasu.site.fleet_problems import CLOCK_OFF_S, Grade, grade_of
from kazasu.site.plain_text import fitted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime, tzinfo

    from kazasu.site.fleet import Fleet
    from kazasu.site.fleet_order import FleetOrder
    from kazasu.site.fleet_problems import Problem
    from kazasu.site.terminal import Terminal

WHOLE = 100
"""So many terminals a snapshot shows one by one; of a larger fleet those in order are only counted."""

_MARKS = {Grade.DOWN: "✗", Grade.PROBLEM: "!", Grade.NOTE: "·", Grade.FINE: " "}
_COLOURS = {Grade.DOWN: "1;31", Grade.PROBLEM: "33", Grade.NOTE: "36", Grade.FINE: "0"}
_COUNTED = {Grade.DOWN: "down", Grade.PROBLEM: "with a problem", Grade.NOTE: "to look at", Grade.FINE: "in order"}
_NAME = "TERMINAL"
_LEAST_WORDS = 40
_BETWEEN = 2
_MS = 1000
_DIM, _BOLD = "2", "1"


class Screen(NamedTuple):
    """What is drawn on.

    Attributes:
        width: columns.
        height: lines; 0 where the paper is endless.
        coloured: whether it takes ANSI colours.
        zone: whose local time to show.
    """

    width: int
    height: int
    coloured: bool
    zone: tzinfo


class Heading(NamedTuple):
    """What stands above the terminals.

    Attributes:
        site: the site's name.
        trouble: why what is shown may be old; empty if it is not.
    """

    site: str
    trouble: str = ""


class _Column(NamedTuple):
    """A column.

    Attributes:
        title: above it.
        width: its columns.
        rank: the higher, the earlier it goes where there is no room.
        text: what stands in it.
    """

    title: str
    width: int
    rank: int
    text: Callable[[Terminal, datetime, tzinfo], str]


class FleetView:
    """Draws a fleet.

    Args:
        fleet: what is known.
        order: in which order.
    """

    def __init__(self, fleet: Fleet, order: FleetOrder) -> None:
        self._fleet = fleet
        self._order = order

    def page(self, heading: Heading, screen: Screen, at: datetime, number: int) -> tuple[list[str], int]:
        """One page of the live view; returns it and its number, which is that of the last page if there are fewer.

        Args:
            heading: what stands above.
            screen: what it has to fit.
            at: now.
            number: which one, from 0.
        """
        lines = self._head(heading, screen, at)
        rows = max(1, screen.height - len(lines) - 2)  # titles and foot
        pages = max(1, -(-len(self._order) // rows))
        number = max(0, min(number, pages - 1))
        lines.extend(self._table(screen, at, number * rows, rows))
        foot = f"page {number + 1} of {pages}   space: next   b: back   q: quit" if pages > 1 else "q: quit"
        lines.append(_painted(fitted(foot, screen.width), _DIM, screen))
        return lines, number

    def snapshot(self, heading: Heading, screen: Screen, at: datetime) -> list[str]:
        """The fleet once, however long: of a large one without those that are in order."""
        lines = self._head(heading, screen, at)
        total, fine = len(self._order), self._order.counts[Grade.FINE]
        shown = total if total <= WHOLE else total - fine
        lines.extend(self._table(screen, at, 0, shown))
        if shown < total:
            lines.append(f"  and {fine} in order, not shown")
        return lines

    def _head(self, heading: Heading, screen: Screen, at: datetime) -> list[str]:
        total = len(self._order)
        summary = _summary(total, self._order.counts, lambda words, grade: _painted(words, _COLOURS[grade], screen))
        local = at.astimezone(screen.zone)
        title = f"{heading.site}  {local:%Y-%m-%d %H:%M:%S}"
        painted = _painted(title, _BOLD, screen)
        plain_summary = _summary(total, self._order.counts, lambda words, _: words)
        room = screen.width - len(title) - _BETWEEN >= len(plain_summary)
        lines = [f"{painted}  {summary}"] if room else [painted, summary]
        warnings = [heading.trouble] if heading.trouble else []
        if self._fleet.collector == "offline":
            warnings.append("the collector is offline: events wait, and none is vouched for")
        warnings.extend(f"{name}: {message}" for (name, _), message in self._fleet.troubles.items())
        if self._fleet.unreadable:
            warnings.append(f"{self._fleet.unreadable} messages could not be read")
        if not (total or warnings):
            warnings.append("if there are any, the access list does not let this client read")
        problem = _COLOURS[Grade.PROBLEM]
        lines.extend(_painted(fitted(f"! {warning}", screen.width), problem, screen) for warning in warnings)
        return lines

    def _table(self, screen: Screen, at: datetime, first: int, count: int) -> Iterator[str]:
        terminals = list(self._order.window(first, count))
        name_width = max([len(_NAME), *(len(terminal.name) for terminal in terminals)])
        columns, words = _layout(screen.width - name_width - _BETWEEN)
        titles = [fitted(_NAME, name_width), *(fitted(column.title, column.width) for column in columns)]
        yield _painted(_joined("  ", titles, fitted("WHAT IS WRONG", words)), _DIM, screen)
        for terminal in terminals:
            problems = self._order.problems(terminal.name)
            grade = grade_of(problems)
            cells = [fitted(column.text(terminal, at, screen.zone), column.width) for column in columns]
            wrong = fitted("; ".join(problem.words for problem in problems), words)
            line = _joined(f"{_MARKS[grade]} ", [fitted(terminal.name, name_width), *cells], wrong)
            yield _painted(line, _COLOURS[grade], screen)


def _summary(total: int, counts: Mapping[Grade, int], painted: Callable[[str, Grade], str]) -> str:
    if not total:
        return "no terminal heard of"
    words = ", ".join(painted(f"{counts[grade]} {_COUNTED[grade]}", grade) for grade in Grade if counts[grade])
    return f"{total} terminal{'' if total == 1 else 's'}: {words}"


def as_json(terminal: Terminal, problems: Sequence[Problem], at: datetime) -> bytes:
    """One terminal as a line of JSON, for other programs."""
    since = _since(terminal)
    tap = terminal.last_tap
    return msgspec.json.encode(
        {
            "terminal": terminal.name,
            "grade": grade_of(tuple(problems)).name.lower(),
            "state": "silent" if terminal.silent else terminal.state,
            "state_s": None if since is None else max(0, int((at - since).total_seconds())),
            "cause": terminal.cause,
            "problems": [problem.words for problem in problems],
            "alerts": dict(terminal.alerts),
            "findings": {kind: found.message for kind, found in terminal.findings.items()},
            "last_tap": None if tap is None else {"time": tap.at.isoformat(), "event_type": tap.event_type},
            "clock_off_s": terminal.clock_off_s,
            "health": dict(terminal.health),
            "info": dict(terminal.info),
        }
    )


def _since(terminal: Terminal) -> datetime | None:
    """Since when its state stands, as far as that is known."""
    if terminal.silent or (terminal.state == "offline" and terminal.changed_at is None):
        return terminal.heard_at
    return terminal.changed_at or terminal.connected_at


def _state(terminal: Terminal, at: datetime, _zone: tzinfo) -> str:
    state, since = "silent" if terminal.silent else terminal.state, _since(terminal)
    return state if since is None else f"{state} {short((at - since).total_seconds())}"


def _unsent(terminal: Terminal, _at: datetime, _zone: tzinfo) -> str:
    unsent, age_s = terminal.number("unsent"), terminal.number("oldest_unacked_age_s")
    if not unsent or age_s is None or age_s < 0:
        return "" if unsent is None else str(unsent)
    return f"{unsent}, {short(age_s)}"


def _last_tap(terminal: Terminal, at: datetime, zone: tzinfo) -> str:
    tap = terminal.last_tap
    if tap is None:
        return ""
    local = tap.at.astimezone(zone)
    when = f"{local:%H:%M}" if local.date() == at.astimezone(zone).date() else f"{local:%m-%d}"
    return f"{when} {tap.event_type}"


def _reader(terminal: Terminal, _at: datetime, _zone: tzinfo) -> str:
    states = terminal.parts("reader_")
    missing = [name for name, state in states.items() if state != "present"]
    if missing:
        return f"no {missing[0]}"
    return "ok" if len(states) == 1 else f"{len(states)} ok" if states else ""


def _clock(terminal: Terminal, _at: datetime, _zone: tzinfo) -> str:
    off_s, error_ms = terminal.clock_off_s, terminal.number("time_error_ms")
    source = terminal.word("time_source")
    if abs(off_s) >= CLOCK_OFF_S:
        return f"{source} {'+' if off_s > 0 else '-'}{short(abs(off_s))}"
    if not source or error_ms is None or error_ms < 0:
        return source
    return f"{source} ±{error_ms} ms" if error_ms < _MS else f"{source} ±{error_ms // _MS} s"


def _roster(terminal: Terminal, at: datetime, _zone: tzinfo) -> str:
    version, made_s = terminal.number("roster_version"), terminal.number("roster_made_s")
    if version is None:
        return ""
    return str(version) if made_s is None or made_s < 0 else f"{version}, {short(at.timestamp() - made_s)}"


def _certificate(terminal: Terminal, _at: datetime, _zone: tzinfo) -> str:
    days = terminal.number("certificate_days")
    return "" if days is None else f"{days} d"


_COLUMNS = (
    _Column("STATE", 14, 1, _state),
    _Column("UNSENT", 10, 2, _unsent),
    _Column("LAST TAP", 22, 3, _last_tap),
    _Column("READER", 8, 6, _reader),
    _Column("CLOCK", 13, 5, _clock),
    _Column("ROSTER", 10, 4, _roster),
    _Column("CERT", 5, 7, _certificate),
)


def _layout(width: int) -> tuple[list[_Column], int]:
    """The columns that there is room for beside what is wrong, which says it in words in any case; and its room."""
    columns = sorted(_COLUMNS, key=lambda column: column.rank)
    while len(columns) > 1 and _room(columns, width) < _LEAST_WORDS:
        columns.pop()
    return [column for column in _COLUMNS if column in columns], max(0, _room(columns, width))


def _room(columns: Sequence[_Column], width: int) -> int:
    return width - _BETWEEN - sum(column.width + _BETWEEN for column in columns)


def _joined(mark: str, cells: Sequence[str], last: str) -> str:
    return mark + "".join(cell + " " * _BETWEEN for cell in cells) + last


def _painted(text: str, colour: str, screen: Screen) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if screen.coloured else text.rstrip()

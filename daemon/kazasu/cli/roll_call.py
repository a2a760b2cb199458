"""The roll call as it is read: by people in a hurry, by programs, in spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from kazasu.model.muster import Inside, RollCall


def as_text(listed: RollCall, names: Mapping[str, str], now_ms: int, zone: ZoneInfo) -> str:
    """For people: what is lacking on top, then who is missing, then everybody else.

    Args:
        listed: the list.
        names: of people, by number.
        now_ms: Unix time.
        zone: in which times are said.
    """
    lines = _lines(listed, names, now_ms, zone)
    # Some of it came over the network: nothing in it moves anybody's cursor.
    return "".join("".join(c if c.isprintable() else "?" for c in line) + "\n" for line in lines)


def as_json(listed: RollCall, names: Mapping[str, str], now_ms: int, zone: ZoneInfo) -> str:
    """For programs; arguments as for `as_text`."""

    def said(at_ms: int | None) -> str | None:
        return None if not at_ms else _at(at_ms, zone).isoformat(timespec="seconds")

    inside = [
        {
            "cardholder": each.number,
            "name": names.get(each.number, ""),
            "area": each.area,
            "since": said(each.since_ms),
            "terminal": each.terminal,
            "present": said(each.present_ms),
        }
        for each in listed.inside
    ]
    arrived = [
        {"cardholder": number, "name": names.get(number, ""), "present": said(at_ms)}
        for number, at_ms in listed.arrived.items()
    ]
    whole = {
        "time": said(now_ms),
        "complete": not listed.incomplete,
        "incomplete": [{"terminal": lack.terminal, "why": lack.why} for lack in listed.incomplete],
        "muster_since": said(listed.begun_ms),
        "missing": [each.number for each in listed.missing],
        "inside": inside,
        "arrived": arrived,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def as_csv(listed: RollCall, names: Mapping[str, str], now_ms: int, zone: ZoneInfo) -> str:  # noqa: ARG001  (as the others)
    """For spreadsheets: everybody who is inside or has arrived; arguments as for `as_text`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["cardholder", "name", "area", "since", "terminal", "present"])

    def said(at_ms: int | None) -> str:
        return "" if not at_ms else _at(at_ms, zone).isoformat(timespec="seconds")

    for each in listed.inside:
        since, present = said(each.since_ms), said(each.present_ms)
        writer.writerow([each.number, names.get(each.number, ""), each.area, since, each.terminal, present])
    for number, at_ms in listed.arrived.items():
        writer.writerow([number, names.get(number, ""), "", "", "", said(at_ms)])
    return text.getvalue()


def _lines(listed: RollCall, names: Mapping[str, str], now_ms: int, zone: ZoneInfo) -> Iterator[str]:
    for lack in listed.incomplete:
        terminal = f"terminal {lack.terminal} " if lack.terminal else ""
        yield f"INCOMPLETE: {terminal}{lack.why}"
    yield f"Roll call of {_at(now_ms, zone):%Y-%m-%d %H:%M:%S}: {len(listed.inside)} inside"
    sheet = _Sheet(names, now_ms, zone)
    if listed.begun_ms is None:
        yield from sheet.by_area(listed.inside)
        return
    safe = [each for each in listed.inside if each.present_ms]
    accounted = len(safe) + len(listed.arrived)
    begun = sheet.clock(listed.begun_ms)
    yield f"Muster since {begun}: {len(listed.missing)} missing, {accounted} at the meeting point"
    yield f"MISSING: {len(listed.missing)}"
    yield from sheet.by_area(listed.missing)
    yield f"At the meeting point: {accounted}"
    for each in safe:
        yield sheet.person(each.number, f"at {sheet.clock(each.present_ms)}, from {each.area}")
    for number, at_ms in listed.arrived.items():
        yield sheet.person(number, f"at {sheet.clock(at_ms)}")


class _Sheet(NamedTuple):
    """Lines about people."""

    names: Mapping[str, str]
    now_ms: int
    zone: ZoneInfo

    def by_area(self, people: Sequence[Inside]) -> Iterator[str]:
        for area, group in groupby(people, key=lambda each: each.area):
            each_here = list(group)
            yield f"  {area}: {len(each_here)}"
            for each in each_here:
                # There, and perhaps before they went in: still looked for.
                remark = "" if each.present_ms is None else ", was at the meeting point"
                yield self.person(each.number, f"since {self.clock(each.since_ms)}{remark}")

    def person(self, number: str, since: str) -> str:
        return f"    {number:<12} {since:<24} {self.names.get(number, '')}".rstrip()

    def clock(self, at_ms: int | None) -> str:
        """A time of day, with the day if it is another one."""
        if not at_ms:
            return "?"
        at, now = _at(at_ms, self.zone), _at(self.now_ms, self.zone)
        return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%m-%d %H:%M}"


def _at(at_ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)

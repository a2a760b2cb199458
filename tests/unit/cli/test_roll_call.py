"""The roll call as people, programs and spreadsheets read it."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from kazasu.cli.roll_call import as_csv, as_json, as_text
from kazasu.model.muster import Inside, Lack, RollCall

TOKYO = ZoneInfo("Asia/Tokyo")
NOW_MS = 1_800_000_000_000  # 2027-01-15 17:00:00 in Tokyo
NAMES = {"1001": "山田 花子", "1002": "佐藤 健"}


def inside(number: str, area: str, minutes: int, present_minutes: int | None = None) -> Inside:
    present_ms = None if present_minutes is None else NOW_MS - present_minutes * 60_000
    return Inside(
        number=number, area=area, since_ms=NOW_MS - minutes * 60_000, terminal="gate-1", present_ms=present_ms
    )


def listed(begun_ms: int | None = None, *lacks: Lack) -> RollCall:
    present = None if begun_ms is None else 2
    people = (inside("1001", "hall", 30), inside("1003", "hall", 24 * 60), inside("1002", "lab", 20, present))
    return RollCall(inside=people, arrived={"9": NOW_MS - 60_000}, begun_ms=begun_ms, incomplete=lacks)


def test_people_are_listed_by_area_with_since_when() -> None:
    assert as_text(listed(), NAMES, NOW_MS, TOKYO).splitlines() == [
        "Roll call of 2027-01-15 17:00:00: 3 inside",
        "  hall: 2",
        "    1001         since 16:30              山田 花子",
        "    1003         since 01-14 17:00",
        "  lab: 1",
        "    1002         since 16:40              佐藤 健",
    ]


def test_in_a_muster_the_missing_come_first_and_what_is_lacking_before_them() -> None:
    lacks = (Lack(terminal="", why="the broker cannot be asked"), Lack(terminal="gate-2", why="is offline"))
    assert as_text(listed(NOW_MS - 300_000, *lacks), NAMES, NOW_MS, TOKYO).splitlines() == [
        "INCOMPLETE: the broker cannot be asked",
        "INCOMPLETE: terminal gate-2 is offline",
        "Roll call of 2027-01-15 17:00:00: 3 inside",
        "Muster since 16:55: 2 missing, 2 at the meeting point",
        "MISSING: 2",
        "  hall: 2",
        "    1001         since 16:30              山田 花子",
        "    1003         since 01-14 17:00",
        "At the meeting point: 2",
        "    1002         at 16:58, from lab       佐藤 健",
        "    9            at 16:59",
    ]


def test_whoever_was_at_the_meeting_point_nobody_knows_when_is_missing_with_a_remark() -> None:
    lost = Inside(number="1", area="hall", since_ms=0, terminal="gate-1", present_ms=0)
    call = RollCall(inside=(lost,), arrived={"9": 0}, begun_ms=0, incomplete=())
    assert as_text(call, {}, NOW_MS, TOKYO).splitlines()[1:] == [
        "Muster since ?: 1 missing, 1 at the meeting point",
        "MISSING: 1",
        "  hall: 1",
        "    1            since ?, was at the meeting point",
        "At the meeting point: 1",
        "    9            at ?",
    ]
    read = json.loads(as_json(call, {}, NOW_MS, TOKYO))
    assert (read["missing"], read["inside"][0]["since"]) == (["1"], None)


def test_programs_read_the_same() -> None:
    read = json.loads(as_json(listed(NOW_MS, Lack(terminal="gate-2", why="is offline")), NAMES, NOW_MS, TOKYO))
    assert (read["complete"], read["incomplete"]) == (False, [{"terminal": "gate-2", "why": "is offline"}])
    assert (read["time"], read["muster_since"]) == ("2027-01-15T17:00:00+09:00", "2027-01-15T17:00:00+09:00")
    assert read["missing"] == ["1001", "1003"]
    assert read["inside"][2] == {
        "cardholder": "1002",
        "name": "佐藤 健",
        "area": "lab",
        "since": "2027-01-15T16:40:00+09:00",
        "terminal": "gate-1",
        "present": "2027-01-15T16:58:00+09:00",
    }
    assert read["arrived"] == [{"cardholder": "9", "name": "", "present": "2027-01-15T16:59:00+09:00"}]
    assert json.loads(as_json(listed(), {}, NOW_MS, TOKYO))["missing"] == []


def test_spreadsheets_read_a_line_a_person() -> None:
    assert as_csv(listed(NOW_MS), NAMES, NOW_MS, TOKYO).splitlines() == [
        "cardholder,name,area,since,terminal,present",
        "1001,山田 花子,hall,2027-01-15T16:30:00+09:00,gate-1,",
        "1003,,hall,2027-01-14T17:00:00+09:00,gate-1,",
        "1002,佐藤 健,lab,2027-01-15T16:40:00+09:00,gate-1,2027-01-15T16:58:00+09:00",
        "9,,,,,2027-01-15T16:59:00+09:00",
    ]


def test_nothing_that_came_over_the_network_moves_the_cursor() -> None:
    text = as_text(listed(None, Lack(terminal="gate-2", why="is not believed: \x1b[2J\r\n")), {}, NOW_MS, TOKYO)
    assert text.splitlines()[0] == "INCOMPLETE: terminal gate-2 is not believed: ?[2J??"

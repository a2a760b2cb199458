"""A paper list, typed by somebody: all of it can be recorded, or every bad line is named."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from fakes.roster import person
from kazasu.errors import PaperListError, RosterError
from kazasu.store.paper_list import Line, read_list
from kazasu.store.roster_file import enroll

if TYPE_CHECKING:
    from pathlib import Path

TOKYO, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 12, tzinfo=TOKYO)
HEADER = "cardholder,direction,time\n"


class Office:
    def __init__(self, folder: Path) -> None:
        self.csv, self.roster = folder / "list.csv", folder / "roster.db"
        for number in ("1001", "1002"):
            enroll(self.roster, person(number, number.rjust(32, "0")))

    def read(self, text: str | bytes, now: datetime = NOW) -> list[Line]:
        self.csv.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_list(self.csv, now, self.roster)

    def problems(self, text: str, now: datetime = NOW) -> list[str]:
        with pytest.raises(PaperListError) as caught:
            self.read(text, now)
        return str(caught.value).splitlines()[1:]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_list_is_read_in_the_order_of_its_times(office: Office) -> None:
    lines = office.read(HEADER + "1002,out,2026-11-24 11:59\n\n,,\n1001,in,2026-11-24T08:31\n")
    assert [(line.cardholder, line.direction, line.punched_at.isoformat()) for line in lines] == [
        ("1001", "in", "2026-11-24T08:31:00+09:00"),
        ("1002", "out", "2026-11-24T11:59:00+09:00"),
    ]


def test_columns_may_stand_in_any_order_and_a_line_has_the_same_name_in_any_list(office: Office) -> None:
    (one,) = office.read(HEADER + "1001,in,2026-11-24 08:31\n")
    (other,) = office.read("time,cardholder,direction\n2026-11-24T08:31, 1001 ,in\n")
    assert one == other
    (third,) = office.read(HEADER + "1001,out,2026-11-24 08:31\n")
    assert third.id != one.id


def test_every_bad_line_is_named_with_what_is_wrong(office: Office) -> None:
    text = HEADER + (
        "1001,in,2026-11-24 08:31\n"
        "9999,in,2026-11-24 08:31\n"
        "1001,lunch,2026-11-24 08:31\n"
        "1001,in,8:31\n"
        "1001,in,2026-02-29 08:31\n"
        "1001,in\n"
        '1001,"in,2026-11-24 08:31\n'
        "1001,in,2026-11-24 08:31\n"
        "1001,out,2026-11-24 12:01\n"
    )
    assert office.problems(text) == [
        "line 3: cardholder: '9999' is not in the roster",
        "line 4: direction: 'lunch' is neither in nor out",
        "line 5: time: '8:31' is no time; write 2026-11-24 08:31",
        "line 6: time: '2026-02-29 08:31' is no time; write 2026-11-24 08:31",
        "line 7: 2 fields, and the header has 3",
        "line 8: not CSV (unexpected end of data): look for a quotation mark that is not closed",
        "line 9: the same punch stands further up",
        "line 10: time: 2026-11-24 12:01 is still to come: here it is 2026-11-24 12:00",
    ]


def test_an_hour_that_did_not_exist_or_came_twice_is_asked_about(office: Office) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=BERLIN)
    assert office.problems(HEADER + "1001,in,2026-03-29 02:30\n1001,in,2026-10-25 02:30\n", now) == [
        "line 2: time: 2026-03-29 02:30 did not exist: the clocks were put forward",
        "line 3: time: 2026-10-25 02:30 came twice, since the clocks were put back: write another time",
    ]
    assert office.read(HEADER + "1001,in,2026-03-29 03:00\n1001,in,2026-10-25 03:00\n", now)


def test_a_file_that_is_no_such_list_says_so(office: Office) -> None:
    with pytest.raises(PaperListError, match="line 1: the header must be cardholder,direction,time"):
        office.read("number,time\n")
    with pytest.raises(PaperListError, match="line 1"):
        office.read("")
    with pytest.raises(RosterError, match="Shift_JIS"):
        office.read("cardholder,direction,time\n花子,in,x\n".encode("cp932"))


def test_a_long_list_of_mistakes_is_cut(office: Office) -> None:
    problems = office.problems(HEADER + "9999,in,2026-11-24 08:31\n" * 300)
    assert len(problems) == 201
    assert problems[-1] == "and 100 more bad lines"

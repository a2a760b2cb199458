from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazasu.app.doors import access_levels, door_site
from kazasu.cli.door_sentences import door_sentences
from kazasu.config import parse
from kazasu.errors import ConfigurationError
from kazasu.model.passback import Area

if TYPE_CHECKING:
    from kazasu.model.configuration import Config

FILE = Path("/etc/kazasu/kazasu.toml")
SITE = """\
[terminal]
site = "town-hall"
id = "entrance-1"
[[readers]]
name = "desk"
[[readers]]
name = "inside"
[cards]
kinds = ["felica"]
[services.attendance]
[services.door]
[outputs.gpio]
green = { pin = 1 }
red = { pin = 2 }
buzzer = { pin = 3 }
[collector]
present = false
"""
SERVER_ROOM = """\
[[doors]]
name = "server-room"
title = "Server Room"
readers = ["desk"]
strike = { pin = 17 }
contact = { pin = 18 }
"""
IT = """\
[[schedules]]
name = "office"
hours = ["mon-fri 07:00-20:00"]
[[levels]]
name = "it"
title = "IT"
doors = ["server-room"]
schedule = "office"
min_assurance = "challenge"
"""


def config(*tables: str) -> Config:
    return parse("".join((SITE, *tables)).encode(), FILE)


def sentences(*tables: str) -> list[str]:
    return list(door_sentences(config(*tables)))


def test_a_door_is_said_as_those_would_who_asked_for_it() -> None:
    assert sentences(SERVER_ROOM, IT)[0] == (
        "Door Server Room: staff with level IT, weekdays 07:00\N{EN DASH}20:00 Asia/Tokyo, challenge or better; strike"
        " on GPIO 17 for 5 s; alarm after 30 s open."
    )


def test_a_configuration_without_doors_has_nothing_to_say() -> None:
    assert list(door_sentences(parse(SITE.replace("[services.door]\n", "").encode(), FILE))) == []


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ([SERVER_ROOM], "Door Server Room: nobody, since no level opens it;"),
        ([SERVER_ROOM, IT], "While the clock is unset, nobody opens Door Server Room."),
        ([SERVER_ROOM, IT, "emergency = true"], "While the clock is unset, only level IT opens Door Server Room."),
        ([SERVER_ROOM, IT, "valid_until = 2027-03-31"], "until 2027-03-31, challenge or better"),
        (
            [SERVER_ROOM.replace("strike", "# strike").replace("contact", "# contact"), IT],
            "no strike is wired; no contact",
        ),
        ([SERVER_ROOM, 'fail = "safe"\n', IT], "the magnet has to lose its power without this terminal"),
        ([SERVER_ROOM, "two_person = true\n", IT], "Nobody enters alone: the second person taps within 15 s."),
        ([SERVER_ROOM, 'unlock = "office"\n', IT], "Stays unlocked weekdays 07:00\N{EN DASH}20:00."),
        (
            [
                SERVER_ROOM,
                'area = "it"\nexit_readers = ["inside"]\n',
                IT,
                '[[areas]]\nname = "it"\npassback = "hard"\n',
            ],
            "Leads from outside into it; passback is denied.",
        ),
        (
            [
                SERVER_ROOM,
                'area = "it"\n',
                IT,
                '[[areas]]\nname = "it"\npassback = "timed"\nwithin = "10m"\nreset = "04:00"\n',
            ],
            "nobody enters again within 10m who was not elsewhere since; everybody is forgotten at 04:00.",
        ),
        (
            [SERVER_ROOM, 'interlock = ["b"]\n', '[[doors]]\nname = "b"\ntitle = "Inner Door"\n', IT],
            "Opens only while Inner Door is closed and locked.",
        ),
        ([SERVER_ROOM, IT, '[[levels]]\nname = "nothing"\n'], "Level nothing opens no door here"),
        (
            [
                SERVER_ROOM,
                IT.replace('"]', '"]\non_holidays = []', 1),
                '[[holidays]]\ncountry = "JP"\n[[holidays]]\ndays = ["12-29..01-03"]\n',
            ],
            "Holidays: the public ones of JP, 12-29 to 01-03.",
        ),
        (
            [SERVER_ROOM, IT.replace('"]', '"]\non_holidays = []', 1), '[[holidays]]\ncountry = "JP"\n'],
            "07:00\N{EN DASH}20:00 Asia/Tokyo, not on holidays, challenge or better",
        ),
        (
            [SERVER_ROOM, IT.replace('"]', '"]\non_holidays = ["10:00-15:00"]', 1), '[[holidays]]\ncountry = "JP"\n'],
            "07:00\N{EN DASH}20:00 Asia/Tokyo, on holidays 10:00\N{EN DASH}15:00, challenge or better",
        ),
        (
            [SERVER_ROOM, IT.replace("mon-fri 07:00-20:00", "sat,sun 00:00-24:00"), "extended = true"],
            "weekends the whole day Asia/Tokyo, challenge or better, released for longer",
        ),
        (
            [SERVER_ROOM, *(IT[IT.index("[[levels]]") :].replace('"it"', f'"it{n}"') for n in range(4)), IT],
            "one of 5 levels",
        ),
    ],
)
def test_each_rule_has_its_words(tables: list[str], said: str) -> None:
    assert any(said in sentence for sentence in sentences(*tables))


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ([IT], "[services.door] and [[doors]] belong together"),
        ([SERVER_ROOM, SERVER_ROOM], "two [[doors]] are called server-room; reader desk is at two doors"),
        (
            [SERVER_ROOM, IT.replace('["server-room"]', '["sever-room"]')],
            "level it: sever-room is no door; did you mean server-room?",
        ),
        (
            [SERVER_ROOM, IT.replace('schedule = "office"', 'schedule = "ofice"')],
            "level it: ofice is no schedule; did you mean office?",
        ),
        ([SERVER_ROOM.replace('"desk"', '"dask"')], "door server-room: dask is no reader; did you mean desk?"),
        ([SERVER_ROOM, 'exit_readers = ["desk"]\n'], "reader desk is at two doors, or on both sides of one"),
        ([SERVER_ROOM, 'interlock = ["server-room"]\n'], "`interlock` names the door itself"),
        ([SERVER_ROOM, 'interlock = ["roof"]\n'], "interlock: roof is no door"),
        ([SERVER_ROOM, "first_person = true\n"], "`first_person` is about the hours of `unlock`"),
        ([SERVER_ROOM, 'unlock = "office"\nfirst_person = true\n', IT], "first_person waits for ever"),
        ([SERVER_ROOM, IT, "needs_escort = true\n"], "a level needs an escort, and no level with escorts = true"),
        ([SERVER_ROOM, 'area = "outside"\n'], "`area` and `from_area` are both outside"),
        ([SERVER_ROOM, '[[areas]]\nname = "lab"\n'], "[[areas]]: lab is no area of a door"),
        (
            [SERVER_ROOM, 'area = "lab"\n', '[[areas]]\nname = "lab"\npassback = "hard"\n'],
            'without one there is "timed"',
        ),
        (
            [SERVER_ROOM, 'area = "lab"\n', '[[areas]]\nname = "lab"\npassback = "timed"\n'],
            "`within` belongs to passback",
        ),
        (
            [SERVER_ROOM, 'area = "lab"\n', '[[areas]]\nname = "lab"\ncapacity = 3\n'],
            "capacity needs a reader on the way out",
        ),
        (
            [SERVER_ROOM, IT.replace('"]', '"]\non_holidays = []', 1)],
            "on_holidays is set, and there are no [[holidays]]",
        ),
        ([SERVER_ROOM, "[[holidays]]\n"], "name a `country` or `days`"),
        ([SERVER_ROOM, '[[holidays]]\ndays = ["2027-02-29"]\n'], "is no days"),
        ([SERVER_ROOM, '[[holidays]]\ndays = ["02-30"]\n'], "is no days"),
        ([SERVER_ROOM, '[[holidays]]\ndays = ["2026-08-15..2026-08-13"]\n'], "ends before it begins"),
        ([SERVER_ROOM, '[[holidays]]\ndays = ["2026-12-29..01-03"]\n'], "begins with a day of one year"),
        ([SERVER_ROOM, IT.replace("mon-fri", "mon-fry")], "is no hours of the week"),
        ([SERVER_ROOM, IT.replace("20:00", "25:00")], "is no time of day"),
        ([SERVER_ROOM.replace("17", "2")], "GPIO 2 of [[doors]] is taken twice"),
        ([SERVER_ROOM, 'release = "20s"\n'], 'extended_release has to be from "20s"'),
        ([SERVER_ROOM, IT, "valid_from = 2026-04-02\nvalid_until = 2026-04-01\n"], "lies before `valid_from`"),
        ([SERVER_ROOM, IT, "needs_escort = true\nescorts = true\n"], "who needs one is none"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(tables: list[str], said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        config(*tables)
    assert said in str(raised.value)


def test_a_country_that_nobody_knows_is_found_out_by_the_check() -> None:
    tables = [SERVER_ROOM, IT.replace('"]', '"]\non_holidays = []', 1), '[[holidays]]\ncountry = "XX"\n']
    with pytest.raises(ConfigurationError, match="'XX' is no country"):
        sentences(*tables)


def test_the_tables_become_the_doors_that_they_describe() -> None:
    whole = config(
        SERVER_ROOM,
        'area = "it"\nexit_readers = ["inside"]\ntwo_person = true\nunlock = "office"\n',
        IT,
        'valid_until = 2027-03-31\n[[areas]]\nname = "it"\npassback = "hard"\nreset = "04:00"\ncapacity = 9\n',
    )
    site = door_site(whole)
    assert {name: (each.door, each.way, each.leaves, each.enters) for name, each in site.passages.items()} == {
        "desk": ("server-room", "in", "outside", "it"),
        "inside": ("server-room", "out", "it", "outside"),
    }
    [door], [area] = site.doors, site.areas
    assert (door.two_person, door.unlock is not None, door.first_person) == (True, True, False)
    assert isinstance(area, Area)
    assert (area.passback, area.capacity, str(area.reset_at)) == ("hard", 9, "04:00:00")
    assert access_levels(whole)._levels["it"].doors == {"server-room"}


def test_a_door_without_an_area_moves_nobody() -> None:
    assert {each.enters for each in door_site(config(SERVER_ROOM, IT)).passages.values()} == {""}

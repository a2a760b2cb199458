from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
import pytest
import tomli

from fakes.configuration import SMALLEST
from kazasu.cards import registry
from kazasu.config import credential, load, load_table, parse
from kazasu.errors import ConfigurationError
from kazasu.model.configuration import Cards, Config, KindSettings
from kazasu.model.setting import Duration
from kazasu.model.table import Table

EXAMPLE = Path(__file__).parents[3] / "config" / "kazasu.toml"
FILE = Path("/etc/kazasu/kazasu.toml")


def config(text: str) -> Config:
    return parse(text.encode(), FILE)


def mistakes(text: str) -> list[str]:
    """What is said about a configuration, a line each, without the file's name."""
    with pytest.raises(ConfigurationError) as raised:
        config(text)
    lines = str(raised.value).splitlines()
    assert all(line.startswith(str(FILE)) for line in lines)
    return [line.removeprefix(str(FILE)).removeprefix(": ") for line in lines]


def test_the_example_loads() -> None:
    example = load(EXAMPLE)

    assert example.terminal.site == "town-hall"
    assert example.cards.kinds == ("jpki", "felica", "mifare")
    assert example.mqtt is not None


@pytest.mark.parametrize(
    ("keypad", "what"),
    [
        ('kind = "ps2"', "keypad.kind: Invalid enum value 'ps2'"),
        ('kind = "matrix"', "`rows` and `columns` belong to"),
        ('kind = "matrix"\nrows = [1, 2, 3, 4]', "`rows` and `columns` belong to"),
        ('kind = "usb"\nrows = [1, 2, 3, 4]\ncolumns = [5, 6, 7, 8]', "`rows` and `columns` belong to"),
        ('kind = "matrix"\nrows = [1, 2, 3, 4]\ncolumns = [5, 6, 7, 4]', "name a pin twice"),
        ('kind = "matrix"\nrows = [1, 2, 3]\ncolumns = [5, 6, 7, 8]', ": keypad.rows: "),
        ('kind = "matrix"\nrows = [1, 2, 3, 28]\ncolumns = [5, 6, 7, 8]', ": keypad.rows: "),
        ('kind = "usb"\ndevice = "/etc/passwd"', "is not a path in /dev/input"),
        ('kind = "usb"\ntimeout = "61s"', 'timeout has to be from "5s" to "1m"'),
        ('kind = "usb"\npin = "4711"', "keypad.pin: unknown"),
        ('kind = "matrix"\nrows = [1, 2, 3, 4]\ncolumns = [5, 6, 7, 8]', 'needs outputs.driver = "gpio"'),
    ],
)
def test_a_keypad_that_cannot_be_is_said_in_words(keypad: str, what: str) -> None:
    assert any(what in line for line in mistakes(f"{SMALLEST}\n[keypad]\n{keypad}\n"))


BY_CODE = SMALLEST.replace("[terminal]\n", '[terminal]\nmin_assurance = "code"\n')
ON_GPIO = 'driver = "gpio"\n[outputs.gpio]\ngreen = { pin = 17 }\nred = { pin = 27 }\nbuzzer = { pin = 22 }\n'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (SMALLEST, '[codes] needs terminal.min_assurance = "code"'),
        (BY_CODE.replace('driver = "terminal"', ON_GPIO), "[codes] needs a [keypad]"),
        (BY_CODE.replace("[cards]", '[[readers]]\nname = "exit"\n[cards]'), "has to say at which `reader`"),
    ],
)
def test_codes_that_nobody_can_enter_or_that_count_nowhere_are_said_in_words(text: str, what: str) -> None:
    assert any(what in line for line in mistakes(f"{text}\n[codes]\n"))


@pytest.mark.parametrize(
    ("codes", "what"),
    [
        ('reader = "exit"', "codes.reader: exit is no reader; there are: desk"),
        ("tries_per_person = 21", "`tries_per_person` is more than `tries_per_terminal`"),
        ("tries_per_person = 0", "is not a number of tries, 1 to 1000"),
        ('within = "2d"', 'within has to be from "1m" to "1d"'),
        ('timeout = "61s"', 'timeout has to be from "5s" to "1m"'),
    ],
)
def test_codes_whose_settings_cannot_be_are_said_in_words(codes: str, what: str) -> None:
    assert any(what in line for line in mistakes(f"{BY_CODE}\n[codes]\n{codes}\n"))


def test_codes_count_at_the_only_reader_or_at_the_named_one() -> None:
    one = config(f"{BY_CODE}\n[codes]\n").codes
    at_exit = BY_CODE.replace("[cards]", '[[readers]]\nname = "exit"\n[cards]')
    two = config(f'{at_exit}\n[codes]\nreader = "exit"\n').codes
    assert one is not None
    assert two is not None
    assert (one.at_reader(["desk"]), two.at_reader(["desk", "exit"])) == ("desk", "exit")


@pytest.mark.parametrize(
    ("display", "what"),
    [
        ('kind = "lcd"', "display.kind: Invalid enum value 'lcd'"),
        ('kind = "html"', "`page` belongs to kind"),
        ('kind = "ssd1306"\npage = "display.html"', "`page` belongs to kind"),
        ('kind = "ssd1306"\naddress = 0x80', "display.address: "),
        ('kind = "ssd1306"\nlanguage = "de"', "display.language: "),
        ('kind = "ssd1306"\ndark_after = "5s"', 'dark_after has to be from "10s" to "1d"'),
        ('kind = "ssd1306"\nadress = 0x3D', "did you mean"),
    ],
)
def test_a_display_that_cannot_be_is_said_in_words(display: str, what: str) -> None:
    assert any(what in line for line in mistakes(f"{SMALLEST}\n[display]\n{display}\n")), mistakes(
        f"{SMALLEST}\n[display]\n{display}\n"
    )


def test_a_panels_pins_are_the_displays_alone() -> None:
    wired = SMALLEST.replace(
        'driver = "terminal"', "[outputs.gpio]\ngreen = { pin = 17 }\nred = { pin = 3 }\nbuzzer = { pin = 22 }"
    )
    assert config(f'{wired}\n[display]\nkind = "terminal"\n').display is not None
    assert config(f'{wired}\n[display]\nkind = "ssd1306"\nport = 3\n').display is not None
    [line] = mistakes(f'{wired}\n[display]\nkind = "ssd1306"\n')
    assert "GPIO 3 is wired to something, and [display] needs 2 and 3" in line


def test_a_display_that_never_goes_dark_and_one_by_default() -> None:
    assert config(SMALLEST).display is None
    lit = config(f'{SMALLEST}\n[display]\nkind = "html"\npage = "display.html"\ndark_after = "0s"\n').display
    assert lit is not None
    assert lit.page == FILE.parent / "display.html"
    assert not lit.dark_after
    panel = config(f'{SMALLEST}\n[display]\nkind = "ssd1306"\n').display
    assert panel is not None
    assert (panel.address, panel.port, str(panel.dark_after)) == (0x3C, 1, "10m")


def test_without_a_table_there_is_no_keypad() -> None:
    assert config(SMALLEST).keypad is None
    usb = config(f'{SMALLEST}\n[keypad]\nkind = "usb"\n').keypad
    assert usb is not None
    assert (usb.device, usb.timeout) == ("/dev/input/by-id/*-event-kbd", Duration(30))


def test_the_smallest_configuration_has_every_default() -> None:
    smallest = config(SMALLEST)

    assert smallest.terminal.timezone.key == "Asia/Tokyo"
    assert smallest.terminal.journal_path == Path("/var/lib/kazasu/journal.db")
    assert smallest.readers[0].match == "*"
    assert smallest.services.attendance is not None
    assert smallest.services.attendance.day_boundary == time(5)
    assert smallest.services.attendance.repeat_after == Duration(120)
    assert smallest.journal.keep == Duration(90 * 86400)
    assert smallest.mqtt is None


def keys_shown(text: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Every key that the example shows, commented out or not: table, key, and the line from the value on."""
    tables: dict[tuple[str, ...], dict[str, str]] = {(): {}}
    table: tuple[str, ...] = ()
    for line in text.splitlines():
        if match := re.match(r"(?:# )?\[+([\w.]+)\]", line):
            table = tuple(match[1].split("."))
            tables[table] = {}
        elif match := re.match(r"(?:# )?(\w+) = (.*)", line):
            tables[table][match[1]] = match[2]
    return tables


def tables_of(table: type[Table], place: tuple[str, ...] = ()) -> dict[tuple[str, ...], type[Table]]:
    """Every table that the configuration knows."""
    found = {place: table}
    for field in msgspec.structs.fields(table):
        options = [field.type, *get_args(field.type), *(inner for t in get_args(field.type) for inner in get_args(t))]
        for option in options:
            if isinstance(option, type) and issubclass(option, Table):
                found |= tables_of(option, (*place, field.encode_name))
    return found


def settings_of(kind: str) -> type[Table]:
    module = registry.module_of(kind)
    assert module is not None
    return module.Settings


SHOWN = keys_shown(EXAMPLE.read_text(encoding="utf-8"))
TABLES = {
    place: table
    for place, table in tables_of(Config).items()
    if not place or table.__name__ not in {"Pin", "ButtonPin"}
} | {
    place: table
    for kind in registry.KINDS
    for place, table in tables_of(settings_of(kind), ("cards", kind)).items()
    if msgspec.structs.fields(table)
}


@pytest.mark.parametrize("place", [place for place in TABLES if place], ids=".".join)
def test_the_example_shows_every_key_and_its_default(place: tuple[str, ...]) -> None:
    for field in msgspec.structs.fields(TABLES[place]):
        if (*place, field.encode_name) in TABLES or field.type is KindSettings:
            continue  # a table of its own
        line = SHOWN[place][field.encode_name]
        if field.required:
            continue
        if field.default is None:
            assert "optional" in line or place == ("collector",), line
            continue
        shown = tomli.loads(f"value = {line}")["value"]
        template = with_kind(*place[1:]) if place[:1] == ("cards",) and place[1:] else SMALLEST_WITH[place]
        value: Any = config(template.format(key=field.encode_name, value=line))
        for name in place:
            value = value.settings.by_kind[name] if isinstance(value, Cards) else getattr(value, name)
            value = value[0] if isinstance(value, tuple) else value
        assert getattr(value, field.name) in (field.default, FILE.parent / str(field.default)), shown


def with_table(header: str, rest: str = "") -> str:
    """The smallest configuration with one more key in a table."""
    line = f"{header}\n{{key}} = {{value}}\n{rest}"
    text = SMALLEST.replace("{", "{{").replace("}", "}}")
    return text.replace(header, line, 1) if header in text else f"{text}\n{line}"


def with_kind(kind: str, *within: str) -> str:
    """The smallest configuration that reads one kind, with the example's required keys and one key more.

    The one key stands in the kind's own table, or in the one within it.
    """
    fields = msgspec.structs.fields(settings_of(kind))
    required = "".join(f"{f.encode_name} = {SHOWN['cards', kind][f.encode_name]}\n" for f in fields if f.required)
    text = SMALLEST.replace('["felica"]', f'["{kind}"]') + f"\n[cards.{kind}]\n{required}"
    header = f"[{'.'.join(('cards', kind, *within))}]\n" if within else ""
    return text.replace("{", "{{").replace("}", "}}") + header + "{key} = {value}\n"


A_DOOR = "[[doors]]\nname = 'd'\narea = 'a'\nreaders = ['desk']\n[services.door]"

SMALLEST_WITH = {
    ("terminal",): with_table("[terminal]"),
    ("keys",): with_table("[keys]"),
    ("readers",): with_table("[[readers]]"),
    ("cards",): with_table("[cards]", '[cards.jpki]\nca = ["ca.pem"]').replace('kinds = ["felica"]\n', ""),
    ("services", "attendance"): with_table("[services.attendance]"),
    ("services", "attendance", "stricter"): with_table(
        "[[services.attendance.stricter]]", 'during = "00:00-05:00"\nmin_assurance = "challenge"'
    ),
    ("display",): with_table("[display]", 'kind = "ssd1306"'),
    ("vouching",): with_table("[vouching]", 'levels = ["staff"]').replace(
        "[terminal]\n", '[terminal]\nmin_assurance = "vouched"\n', 1
    ),
    ("codes",): with_table("[codes]").replace("[terminal]\n", '[terminal]\nmin_assurance = "code"\n', 1),
    ("services", "door"): with_table("[services.door]", "[[doors]]\nname = 'd'\nreaders = ['desk']"),
    ("services", "muster"): with_table("[services.muster]", "readers = ['m']\n[[readers]]\nname = 'm'"),
    ("doors",): with_table("[[doors]]", "name = 'd'\n[services.door]"),
    ("areas",): with_table("[[areas]]", f"name = 'a'\n{A_DOOR}"),
    ("schedules",): with_table("[[schedules]]", f"name = 's'\nhours = ['07:00-20:00']\n{A_DOOR}"),
    ("holidays",): with_table("[[holidays]]", f"country = 'JP'\n{A_DOOR}"),
    ("levels",): with_table("[[levels]]", f"name = 'l'\n{A_DOOR}"),
    ("outputs",): with_table(
        "[outputs]", "[outputs.gpio]\ngreen = {{ pin = 1 }}\nred = {{ pin = 2 }}\nbuzzer = {{ pin = 3 }}"
    ).replace('driver = "terminal"\n', ""),
    ("keypad",): with_table("[keypad]", 'kind = "usb"'),
    ("mqtt",): with_table("[mqtt]", 'host = "h"\nca = "ca"\ncertificate = "c"\nkey = "k"'),
    ("site",): with_table("[site]", 'key = "k"'),
    ("collector",): with_table("[collector]", 'key = "k"').replace("present = false\n", ""),
    ("journal",): with_table("[journal]"),
    ("log",): with_table("[log]"),
}


MEETING = """
[[readers]]
name = "meeting"
[services.muster]
readers = ["meeting"]
fire = true
[muster]
terminals = { b-2 = "b.pem" }
"""


def test_a_meeting_points_reader_is_for_nothing_else_and_keys_of_others_begin_in_the_files_folder() -> None:
    read = config(SMALLEST + MEETING)
    assert read.punching == ("desk",)
    assert read.muster is not None
    assert read.muster.terminals == {"b-2": FILE.parent / "b.pem"}


def test_a_fire_that_begins_a_muster_needs_an_input() -> None:
    pins = "[outputs.gpio]\ngreen = { pin = 1 }\nred = { pin = 2 }\nbuzzer = { pin = 3 }"
    (said,) = mistakes(SMALLEST.replace('driver = "terminal"', pins) + MEETING)
    assert "services.muster.fire is set, and no door has a `fire` input" in said


def test_every_key_of_the_example_is_known() -> None:
    for place, keys in SHOWN.items():
        known = {field.encode_name for field in msgspec.structs.fields(TABLES[place])}
        assert set(keys) <= known


def test_paths_begin_in_the_files_folder() -> None:
    text = f'{SMALLEST}\n[mqtt]\nhost = "h"\nca = "ca.pem"\ncertificate = "/run/c.pem"\nkey = "../client.key"\n'

    mqtt = config(text).mqtt

    assert mqtt is not None
    assert mqtt.ca == Path("/etc/kazasu/ca.pem")
    assert mqtt.certificate == Path("/run/c.pem")
    assert mqtt.key == Path("/etc/kazasu/../client.key")
    assert config(SMALLEST).keys.event == Path("/etc/kazasu/keys/event.key")


def test_a_credential_that_systemd_hands_over_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    configured = FILE.parent / "keys" / "event.key"
    assert credential(configured) == configured

    (tmp_path / "keys_event.key").touch()
    assert credential(configured) == tmp_path / "keys_event.key"


@pytest.mark.parametrize(("written", "seconds"), [("0s", 0), ("500ms", 0.5), ("5s", 5), ("10m", 600), ("1h", 3600)])
def test_a_duration_is_a_number_and_its_unit(written: str, seconds: float) -> None:
    text = SMALLEST.replace("[services.attendance]", f'[services.attendance]\nrepeat_after = "{written}"')

    service = config(text).services.attendance

    assert service is not None
    assert service.repeat_after == Duration(seconds)
    assert str(service.repeat_after) == written


def test_ranges_of_a_schedule_may_wrap_midnight() -> None:
    text = SMALLEST.replace(
        "[services.attendance]",
        '[services.attendance]\ndirection = "schedule"\nin = ["05:00-12:00"]\nout = ["12:00-05:00"]',
    )

    service = config(text).services.attendance

    assert service is not None
    assert 299 not in service.in_[0].minutes
    assert service.in_[0].minutes | service.out[0].minutes == set(range(1440))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('site = "town-hall"', 'site = "Town Hall"', ":2: terminal.site: 'Town Hall' is not 1 to 32 of a-z"),
        ('site = "town-hall"', 'site = "a\\n"', r":2: terminal.site: 'a\n' is not"),
        ('site = "town-hall"', "site = 7", ":2: terminal.site: 7 is not"),
        ('site = "town-hall"', 'sight = "a"', ":2: terminal.sight: unknown; did you mean site?"),
        ('site = "town-hall"', 'foo = "a"', ":2: terminal.foo: unknown; there are: site, id, timezone, "),
        ('id = "entrance-1"\n', "", ":1: terminal: the key id is missing"),
        (
            'id = "entrance-1"',
            'id = "e"\ntimezone = "Asia/Tokio"',
            ":4: terminal.timezone: 'Asia/Tokio' is no time zone",
        ),
        ('id = "entrance-1"', 'id = "e"\ntimezone = "../etc/passwd"', ":4: terminal.timezone: '../etc/passwd' is no"),
        ('id = "entrance-1"', 'id = "e"\nstate_dir = ""', ":4: terminal.state_dir: '' is no path"),
        ("[cards]", "[[readers]]\nname = 'D'\n[cards]", ":9: readers.name: 'D' is not 1 to 16 of a-z, 0-9 and _"),
        ("[cards]", "[[readers]]\nname = 'desk'\n[cards]", "two [[readers]] have the same name"),
        ("[[readers]]", "[readers]", ":5: readers: {'name': 'desk'} is not one [[readers]] table or more"),
        (
            'kinds = ["felica"]',
            'kinds = ["felika"]',
            ":9: cards.kinds: 'felika' is no kind of card; did you mean felica?",
        ),
        ("[cards]", "[cards]\nfelica = 5", ":9: cards.felica: Expected a table, got a whole number"),
        ("[cards]", "[cards]\nkind = 5", ":9: cards.kind: unknown; did you mean kinds?"),
        ("[cards]", "[cards.felika]\n[cards]", ":8: cards.felika: unknown; did you mean felica?"),
        ("[cards]", "[cards.mifare]\nfoo = 1\n[cards]", ":9: cards.mifare.foo: unknown; there is nothing to set here"),
        ("[cards]", "[cards.jpki]\n[cards]", ":8: cards.jpki: the key ca is missing"),
        ('kinds = ["felica"]', 'kinds = "felica"', ":9: cards.kinds: Expected a list, got text in quotation marks"),
        (
            'kinds = ["felica"]',
            "",
            ":8: cards: the table [cards.jpki] is missing: it has ca; or take jpki out of `kinds`",
        ),
        ('kinds = ["felica"]', 'kinds = ["felica", "felica"]', ":8: cards: kinds names a kind twice"),
        (
            "[services.attendance]",
            "[services]",
            ":11: services: name what the terminal is for: [services.attendance], [services.door], [services.muster]",
        ),
        (
            "[services.attendance]",
            '[services.attendance]\nreaders = ["gate"]',
            "services.attendance.readers: gate is no reader; there are: desk",
        ),
        (
            "[services.attendance]",
            "[services.attendance]\nreaders = []",
            "reader desk is for nothing: it is at no door, and no service names it",
        ),
        (
            "[services.attendance]",
            "[services.attendance]\nrepeat_after = 120",
            ":12: services.attendance.repeat_after: expected text in quotation marks, got int",
        ),
        (
            "[services.attendance]",
            "[services.attendance]\nrepeat_after = '120'",
            ":12: services.attendance.repeat_after: '120' is no duration",
        ),
        (
            "[services.attendance]",
            "[services.attendance]\nrepeat_after = '2h'",
            ':11: services.attendance: repeat_after has to be from "0s" to "1h", and is "2h"',
        ),
        (
            "[services.attendance]",
            "[services.attendance]\nday_boundary = '24:00'",
            ":12: services.attendance.day_boundary: '24:00' is no time of day",
        ),
        (
            "[services.attendance]",
            "[services.attendance]\ndirection = 'schedule'",
            ':11: services.attendance: `in` and `out` belong to direction = "schedule"',
        ),
        (
            "[services.attendance]",
            "[services.attendance]\ndirection = 'schedule'\nin = ['05:00-12:01']\nout = ['12:00-05:00']",
            ":11: services.attendance: the ranges of `in` and `out` overlap at 12:00",
        ),
        (
            "[services.attendance]",
            "[services.attendance]\ndirection = 'schedule'\nin = ['05:00']",
            ":13: services.attendance.in: '05:00' is no range of times",
        ),
        ("[services.attendance]", "[services.attendance]\ndirection = 'button'", "[buttons] is missing"),
        (
            "[outputs]",
            "[buttons]\nin = { pin = 1 }\nout = { pin = 2 }\n[outputs]",
            '[buttons] needs outputs.driver = "gpio"',
        ),
        ('driver = "terminal"', 'driver = "gpio"', ':13: outputs: [outputs.gpio] belongs to driver = "gpio"'),
        (
            'driver = "terminal"',
            "[outputs.gpio]\ngreen = { pin = 28 }\nred = { pin = 2 }\nbuzzer = { pin = 3 }",
            ":15: outputs.gpio.green.pin: 28 is not a GPIO (BCM) number, 0 to 27",
        ),
        ("present = false", "present = 0", ":17: collector.present: Expected true or false, got a whole number"),
        ("present = false", "", ":16: collector: a site with a collector names its public `key`"),
        ("present = false", "present = false\n[journal]\nmax_events = 999", ":19: journal.max_events: 999 is not"),
        (
            "present = false",
            "present = false\n[log]\nlevel = 'loud'",
            ":19: log.level: Invalid enum value 'loud'; there are",
        ),
        ("present = false", "present = false\n[[log]]", ":18: log: Expected a table, got a list"),
        ("present = false", "present = false\n[mqtt]\nhost = ''", ":19: mqtt.host: '' is not a host name"),
        (
            "present = false",
            "present = false\n[services.muster]\nreaders = ['gate']",
            "services.muster.readers: gate is no reader; there are: desk",
        ),
        (
            "[services.attendance]",
            "[services.attendance]\nreaders = ['desk']\n[services.muster]\nreaders = ['desk']",
            "services.muster.readers: desk is for something else, too",
        ),
        ("present = false", "present = false\n[muster.terminals]\nGATE = 'g'", "muster.terminals"),
        ("present = false", "present = false\nwindow", "not TOML: Expected '=' after a key"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_is_right(before: str, after: str, said: str) -> None:
    text = SMALLEST.replace(before, after, 1)
    assert text != SMALLEST

    assert any(said in line for line in mistakes(text)), mistakes(text)


def test_every_mistake_is_said_at_once() -> None:
    text = SMALLEST.replace("town-hall", "Town").replace("entrance-1", "1 2").replace("driver", "drivr")

    assert [line.partition(": ")[0] for line in mistakes(text)] == [":2", ":3", ":14"]


def test_an_empty_file_is_told_what_it_needs() -> None:
    assert mistakes("") == [
        f"the table [{name}] is missing"
        for name in ("terminal", "readers", "services", "outputs", "collector", "cards")
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml: cannot be read: No such file.*--config"):
        load(tmp_path / "absent.toml")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"\xff", b"a = " + b"[" * 100_000, b"a = " + b"9" * 10_000, b"#" * 300_000])
def test_what_is_no_configuration_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"not TOML|no configuration"):
        parse(content, FILE)


class Shelf(Table, frozen=True, kw_only=True):
    book: str
    places: tuple[int, ...] = ()
    boards: Literal[3, 5] | None = None
    wood: Annotated[str, msgspec.Meta(pattern="^[a-z]+$", description="a tree")] | None = None
    key: Path = Path("key")


def shelf_mistakes(shelf: Shelf) -> list[tuple[tuple[str | int, ...], str]]:
    return [(("places", 1), "two books in one place")] if len(set(shelf.places)) < len(shelf.places) else []


def test_a_file_that_the_configuration_names_is_read_with_its_own_folder(tmp_path: Path) -> None:
    file = tmp_path / "shelf.toml"
    file.write_text('book = "a"\nkey = "k.pem"')
    assert load_table(file, Shelf, shelf_mistakes) == Shelf(book="a", key=tmp_path / "k.pem")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('book = "a"\nplaces = [1, 1]', ":2: places: two books in one place"),
        ('boook = "a"\nplaces = [1, "2"]', ":1: boook: unknown; did you mean book?"),
        ('book = "a"\nplaces = [1, "2"]', ":2: places: Expected a whole number, got text in quotation marks"),
        ('book = "a"\nboards = 4', ":2: boards: Invalid enum value 4; there are: 3, 5"),
        ('book = "a"\nwood = "7"', ":2: wood: '7' is not a tree"),
        ("", ": the key book is missing"),
        ("book", ": not TOML: Expected '=' after a key"),
        ("#" * 300_000, "this is no configuration"),
    ],
)
def test_its_mistakes_are_named_like_the_configurations(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "shelf.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_table(file, Shelf, shelf_mistakes)
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)


def test_one_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"shelf\.toml: cannot be read: No such file.*; is its path right\?"):
        load_table(tmp_path / "shelf.toml", Shelf, shelf_mistakes)

"""The documents say what is so: links, pins, prices, what the doctor says, and the same in both languages."""

from __future__ import annotations

import argparse
import ast
import itertools
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from gpiozero import PiBoardInfo

from kazasu.cli import check_config
from kazasu.collector.records import Kind
from kazasu.config import parse
from kazasu.model import configuration_doors
from kazasu.model.access import DenyReason
from kazasu.model.cue import Channel, CueName
from kazasu.model.door_table import DoorEventType
from kazasu.outputs import cues

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "daemon/kazasu"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ENGLISH, JAPANESE = ROOT / "docs/install.md", ROOT / "docs/install.ja.md"
INSTALL = [ENGLISH, JAPANESE]
SECURITY = [ROOT / "docs/security.md", ROOT / "docs/security.ja.md"]
DOORS = [ROOT / "docs/doors.md", ROOT / "docs/doors.ja.md"]
SAME_IN_JAPANESE = ["collector", "operations", "site", "wire"]
PICTURES = sorted((ROOT / "docs").rglob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
SMALLEST_PX = 12

# Header pin to name, as gpiozero knows it of a Pi Zero 2 W; it is the same on every Pi with 40 pins.
HEADER = {
    number: {"3V3": "3.3 V", "5V": "5 V", "GND": "ground"}.get(pin.name, pin.name)
    for number, pin in PiBoardInfo.from_revision(0x902120).headers["J8"].pins.items()
}
PULLED_UP = range(9)  # BCM2835 ARM Peripherals, table 6-31: GPIO 0 to 8 at power-on; the others are pulled down

PART_WORDS = {
    "green": ("green LED", "緑 LED"),
    "red": ("red LED", "赤 LED"),
    "buzzer": ("buzzer", "ブザー"),
    "relay": ("relay", "リレー"),
    "in": ('"in"', "「出勤」"),
    "out": ('"out"', "「退勤」"),
}


def configured_pins() -> dict[str, int]:
    """Each part's GPIO in the example configuration, the ones that are switched off there included."""
    example = (ROOT / "config/kazasu.toml").read_text(encoding="utf-8")
    found = re.findall(r"^(?:# )?(\w+) = \{ pin = (\d+)", example, re.MULTILINE)
    return {part: int(pin) for part, pin in found}


def rows_of(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines()]


def table_after(marker: str, document: Path) -> list[list[str]]:
    """The rows of the table behind an HTML comment, without its head."""
    found = re.search(rf"<!-- {marker} -->\n((?:\|.*\n)+)", document.read_text(encoding="utf-8"))
    assert found, f"{document.name}: no table is marked {marker}"
    return rows_of(found[1])[2:]


def slugs_in(document: Path) -> set[str]:
    """What GitHub calls the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def prose_of(document: Path) -> str:
    return re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(document)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        if anchor:
            assert anchor in slugs_in(file), target


def pin_rows(document: Path) -> list[tuple[str, int, int]]:
    """Part, GPIO and header pin of every row that names all three, in two columns or one in brackets."""
    rows = []
    for cells in rows_of(document.read_text(encoding="utf-8")):
        found = re.match(r"(\d+)\W+(\d+)\W*$", " ".join(cells[1:3])) or re.match(
            r"(\d+)\W(\d+)\W$", "".join(cells[1:2])
        )
        if found and int(found[2]) in HEADER:
            rows.append((cells[0], int(found[1]), int(found[2])))
    return rows


def part_of(words: str) -> str:
    [part] = [part for part, named in PART_WORDS.items() if any(word in words for word in named)]
    return part


@pytest.mark.parametrize("document", [ROOT / "docs/wiring.md", *INSTALL], ids=lambda path: path.name)
def test_the_pins_in_the_tables_are_those_of_the_configuration(document: Path) -> None:
    first = [row for row in pin_rows(document) if not re.search("second|2 台目", row[0])]
    assert {part_of(words) for words, _, _ in first} == set(PART_WORDS)
    for words, gpio, pin in first:
        assert gpio == configured_pins()[part_of(words)], words
        assert HEADER[pin] == f"GPIO{gpio}", words


@pytest.mark.parametrize("document", INSTALL, ids=lambda path: path.name)
def test_a_second_terminals_pins_are_free_and_keep_still_at_power_on(document: Path) -> None:
    second = [row for row in pin_rows(document) if re.search("second|2 台目", row[0])]
    assert {part_of(words) for words, _, _ in second} == set(PART_WORDS)
    reserved = {0, 1, 2, 3, 7, 8, 9, 10, 11, 14, 15}  # docs/wiring.md: HAT memory, I²C, SPI, serial console
    assert not {gpio for _, gpio, _ in second} & (reserved | set(configured_pins().values()))
    for words, gpio, pin in second:
        assert HEADER[pin] == f"GPIO{gpio}", words
        if part_of(words) not in {"in", "out"}:
            assert (gpio in PULLED_UP) == (part_of(words) == "relay"), words


def test_the_displays_pins_are_those_of_its_bus() -> None:
    wired = {part: (HEADER[int(pin)], name) for part, pin, name in table_after("display", ROOT / "docs/wiring.md")}
    assert wired == {
        "VCC": ("3.3 V", "3.3 V"),  # the panel pulls the bus up to it, and the Pi's pins take no more
        "GND": ("ground", "ground"),
        "SDA": ("GPIO2", "GPIO2"),
        "SCL": ("GPIO3", "GPIO3"),
    }


def test_the_readmes_pins_are_those_of_the_configuration() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8")
    for part in ("green", "red", "buzzer", "relay"):
        gpio = configured_pins()[part]
        pin = next(pin for pin, name in HEADER.items() if name == f"GPIO{gpio}")
        assert re.search(rf"\| {PART_WORDS[part][0]}[^|]*\| {gpio} \| {pin} \|", table), part


def test_the_header_in_letters_is_the_real_one() -> None:
    drawn = (ROOT / "docs/wiring.md").read_text(encoding="utf-8")
    rows = re.findall(r"(\S+(?: V)?) +(\d+) ■ ■ (\d+) +(\S+(?: V)?)", drawn)
    assert len(rows) >= 15
    for left, odd, even, right in rows:
        assert (HEADER[int(odd)], HEADER[int(even)]) == (left, right)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_can_be_read(picture: Path) -> None:
    root = ET.parse(picture).getroot()  # noqa: S314  (our own file)
    assert root.find(f"{SVG}title") is not None
    background = root.find(f"{SVG}rect")
    assert background is not None
    # White behind everything, so that it is the same on a dark page.
    assert (background.get("fill"), background.get("width")) == ("#ffffff", root.get("width"))
    style = root.findtext(f"{SVG}style") or ""
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", style)]
    assert sizes
    assert min(sizes) >= SMALLEST_PX


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_the_pins_in_a_picture_are_those_of_the_configuration(picture: Path) -> None:
    root = ET.parse(picture).getroot()  # noqa: S314  (our own file)
    for group in root.iter(f"{SVG}g"):
        words = " ".join(group.itertext())
        if header := group.get("data-header"):
            assert HEADER[int(header)] == group.get("data-name")
            assert header in words.split()
        if part := group.get("data-part"):
            gpio, pin = configured_pins()[part], int(group.get("data-pin", ""))
            assert int(group.get("data-gpio", "")) == gpio
            assert HEADER[pin] == f"GPIO{gpio}"
            assert f"GPIO{gpio}, pin {pin}" in words


def test_the_pictures_show_every_part_and_the_whole_header_and_share_no_pin_but_the_relays() -> None:
    parts, strike = (ET.parse(ROOT / f"docs/wiring-{name}.svg").getroot() for name in ("parts", "strike"))  # noqa: S314
    groups = list(parts.iter(f"{SVG}g"))
    assert {part for group in groups if (part := group.get("data-part"))} == set(PART_WORDS)
    assert {int(pin) for group in groups if (pin := group.get("data-header"))} == set(HEADER)
    used = {group.get("data-header") for group in groups if group.get("data-used")}
    assert used & {group.get("data-header") for group in strike.iter(f"{SVG}g")} - {None} == {"29"}


@pytest.mark.parametrize(
    ("document", "build"),
    list(itertools.product(INSTALL, ("desk", "door", "gate"))),
    ids=lambda value: getattr(value, "name", value),
)
def test_the_prices_add_up(document: Path, build: str) -> None:
    *parts, (_, _, _, total) = table_after(f"prices: {build}", document)
    total_yen = 0
    for _, number, each, row_sum in parts:
        yen = int(number) * int(each.replace(",", ""))
        assert row_sum == f"{yen:,}"
        total_yen += yen
    assert total == f"**{total_yen:,}**"
    overview = next(
        row for row in rows_of(document.read_text(encoding="utf-8")) if re.search("Parts, about|目安", row[0])
    )
    assert f"{total_yen:,}" in overview[1 + ("desk", "door", "gate").index(build)]


def test_both_languages_have_the_same_prices() -> None:
    for build in ("desk", "door", "gate"):
        english, japanese = (table_after(f"prices: {build}", document) for document in INSTALL)
        assert [row[1:] for row in english] == [row[1:] for row in japanese]


def template_of(node: ast.expr) -> str | None:
    """A text of the program, with … for what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in values)
    return None


def templates_in(tree: ast.AST) -> set[str]:
    return {text for node in ast.walk(tree) if isinstance(node, ast.expr) and (text := template_of(node)) is not None}


def quoted_messages(document: Path) -> list[list[str]]:
    return [re.findall(r"`([^`]+)`", row[0]) for row in table_after("messages", document) if "`" in row[0]]


@pytest.mark.parametrize("document", INSTALL, ids=lambda path: path.name)
def test_each_message_in_the_table_is_one_of_the_programs(document: Path) -> None:
    templates = set().union(
        *(templates_in(ast.parse(file.read_text(encoding="utf-8"))) for file in SOURCE.rglob("*.py"))
    )
    unknown = [
        message
        for messages in quoted_messages(document)
        for message in messages
        if not any(message in template for template in templates)
    ]
    assert not unknown


@pytest.mark.parametrize("document", INSTALL, ids=lambda path: path.name)
def test_each_note_and_problem_of_the_doctor_is_in_the_table(document: Path) -> None:
    quotes = set(itertools.chain(*quoted_messages(document)))
    checks = [ast.parse(file.read_text(encoding="utf-8")) for file in (SOURCE / "cli").glob("checks*.py")]
    missing = []
    for function in (node for tree in checks for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        assigned: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                assigned.setdefault(node.targets[0].id, []).append(node.value)
        for call in ast.walk(function):
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "Finding"):
                continue
            grade, _, *said = call.args
            if ast.unparse(grade) == "Grade.OK" or ast.unparse(said[0]) == "str(error)":
                continue
            sources = [
                source
                for argument in said
                for source in (assigned.get(argument.id, []) if isinstance(argument, ast.Name) else [argument])
            ]
            texts = set().union(*map(templates_in, sources))
            if not any(quote in text for quote in quotes for text in texts):
                missing.append(ast.unparse(call))
    assert not missing


def test_the_reasons_in_the_tables_are_all_there_are() -> None:
    for document in INSTALL:
        named = [word for row in table_after("reasons", document) for word in re.findall(r"`([^`]+)`", row[0])]
        assert sorted(named) == sorted(DenyReason)


def code_of(document: Path) -> list[str]:
    """Every line that is typed or shown, fenced or indented, without its comment."""
    text = document.read_text(encoding="utf-8")
    fenced = "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)).splitlines()
    indented = re.findall(r"^ {4,7}(?=\S)(?![|*-])(.+)$", prose_of(document), re.MULTILINE)
    return [re.sub(r"\s+#.*", "", line).strip() for line in (*fenced, *indented)]


def test_both_languages_say_the_same() -> None:
    english, japanese = (document.read_text(encoding="utf-8") for document in INSTALL)
    levels = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (english, japanese)]
    assert levels[0] == levels[1]
    assert quoted_messages(ENGLISH) == quoted_messages(JAPANESE)
    assert code_of(ENGLISH) == code_of(JAPANESE)
    for ours, theirs in zip(english.split("\n## "), japanese.split("\n## "), strict=True):
        spans = [sorted(set(re.findall(r"`([^`\n]+)`", section))) for section in (ours, theirs)]
        assert spans[0] == spans[1]
        rows = [re.findall(r"^ *\|", section, re.MULTILINE) for section in (ours, theirs)]
        assert len(rows[0]) == len(rows[1])


def test_the_cue_that_holds_the_relay_is_one_that_kazasu_accepts() -> None:
    snippet = next(block for block in re.findall(r"```toml\n(.*?)```", ENGLISH.read_text(encoding="utf-8"), re.DOTALL))
    own = cues.DEFAULT_PATH.read_text(encoding="utf-8")
    changed, replaced = re.subn(r"\[granted\].*?\n\]\n", snippet, own, count=1, flags=re.DOTALL)
    assert replaced == 1
    granted = cues.parse(changed.encode(), "docs")[CueName.GRANTED]
    assert sum(frame.ms for frame in granted.frames if Channel.RELAY in frame.on) == 4000


def test_a_lane_that_only_leads_in_can_be_configured_so() -> None:
    settings = re.findall(r"`(direction = [^`]+)` and `(in = [^`]+)`", ENGLISH.read_text(encoding="utf-8"))
    example = (ROOT / "config/kazasu.toml").read_text(encoding="utf-8")
    [(direction, hours)] = settings
    text = re.sub(r"(?m)^\[services\.attendance\].*$", f"[services.attendance]\n{direction}\n{hours}", example)
    attendance = parse(text.encode(), Path("/etc/kazasu/kazasu.toml")).services.attendance
    assert attendance is not None
    minutes = set().union(*(time_range.minutes for time_range in attendance.in_))
    assert len(minutes) == 24 * 60
    assert not attendance.out


@pytest.mark.parametrize("document", DOORS, ids=lambda path: path.name)
def test_the_whole_door_is_one_that_kazasu_reads_and_says_so(
    document: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(r"```toml\n(.*?)```.*?```\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    example, said = found.groups()
    file = tmp_path / "kazasu.toml"
    file.write_text(example, encoding="utf-8")
    check_config.execute(argparse.Namespace(config=file))
    assert capsys.readouterr().out == said
    [door] = parse(example.encode(), file).doors
    assert door.strike is not None
    assert (door.strike.pin in PULLED_UP) == door.strike.active_low


@pytest.mark.parametrize("document", DOORS, ids=lambda path: path.name)
def test_a_doors_inputs_are_those_of_the_configuration(document: Path) -> None:
    wired = {part.strip("`"): re.findall(r"\d+", pins) for part, pins, *_ in table_after("door inputs", document)}
    assert set(wired) == {"contact", "rex", "motion", "tamper", "fire"}
    for part, (gpio, pin) in wired.items():
        assert int(gpio) == configured_pins()[part]
        assert HEADER[int(pin)] == f"GPIO{gpio}"


def test_the_picture_of_a_doors_inputs_shows_each() -> None:
    root = ET.parse(ROOT / "docs/wiring-door-inputs.svg").getroot()  # noqa: S314  (our own file)
    parts = {part for group in root.iter(f"{SVG}g") if (part := group.get("data-part"))}
    assert parts == {part.strip("`") for part, *_ in table_after("door inputs", DOORS[0])}


@pytest.mark.parametrize("document", DOORS, ids=lambda path: path.name)
@pytest.mark.parametrize("table", ["DoorService", "Door", "Area", "Schedule", "Holidays", "Level"])
def test_every_key_about_doors_is_named(table: str, document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    keys = {field.encode_name for field in msgspec.structs.fields(getattr(configuration_doors, table))}
    assert not {key for key in keys if not re.search(rf"`{key}\b|^{key} = ", text, re.MULTILINE)}


@pytest.mark.parametrize("document", DOORS, ids=lambda path: path.name)
def test_the_door_events_named_are_those_there_are(document: Path) -> None:
    named = set(re.findall(r"`(door\.[a-z_]+)`", document.read_text(encoding="utf-8")))
    assert named - {"door.granted", "door.denied"} <= set(DoorEventType)


def test_both_languages_say_the_same_of_doors() -> None:
    english, japanese = (document.read_text(encoding="utf-8") for document in DOORS)
    levels = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (english, japanese)]
    assert levels[0] == levels[1]
    assert re.findall(r"```toml\n.*?```", english, re.DOTALL) == re.findall(r"```toml\n.*?```", japanese, re.DOTALL)
    for ours, theirs in zip(re.split(r"\n##+ ", english), re.split(r"\n##+ ", japanese), strict=True):
        if "stateDiagram" in ours:
            continue  # drawn once
        rows = [rows_of("\n".join(re.findall(r"^\|.*", section, re.MULTILINE))) for section in (ours, theirs)]
        unknown = [[[cell == "–" for cell in row] for row in table] for table in rows]  # noqa: RUF001
        assert unknown[0] == unknown[1], ours.splitlines()[0]


def test_each_attack_names_tests_that_there_are_and_both_languages_the_same() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = {name for source in sources for name in re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE)}
    named = []
    for path in SECURITY:
        rows = [cells for cells in rows_of(path.read_text(encoding="utf-8")) if len(cells) == 4]
        tests = [re.findall(r"`(test_\w+)`", cells[3]) for cells in rows]
        assert all(each for each, cells in zip(tests, rows, strict=True) if cells[3] not in {"Test", "テスト", "---"})
        assert {name for each in tests for name in each} <= there
        named.append(tests)
    assert named[0] == named[1]
    assert len(named[0]) > 20


def spans_of(text: str) -> list[str]:
    return sorted(set(re.findall(r"`([^`\n]+)`", text)))


@pytest.mark.parametrize("page", SAME_IN_JAPANESE)
def test_both_languages_of_a_page_say_the_same(page: str) -> None:
    documents = ROOT / f"docs/{page}.md", ROOT / f"docs/{page}.ja.md"
    english, japanese = (document.read_text(encoding="utf-8") for document in documents)
    levels = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (english, japanese)]
    assert levels[0] == levels[1]
    assert code_of(documents[0]) == code_of(documents[1])
    for ours, theirs in zip(re.split(r"\n##+ ", english), re.split(r"\n##+ ", japanese), strict=True):
        heading = ours.splitlines()[0]
        assert spans_of(ours) == spans_of(theirs), heading
        rows = [[spans_of(row) for row in re.findall(r"^\|.*", section, re.MULTILINE)] for section in (ours, theirs)]
        assert rows[0] == rows[1], heading


def alerts_in(source: Path) -> set[str]:
    """The names of the alerts that a file raises, `<name>` for what is filled in."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    named = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"alert", "own"}
        and len(node.args) == len(("name", "words"))
    ]
    texts = [template_of(constants.get(name.id, name) if isinstance(name, ast.Name) else name) for name in named]
    return {text.replace("…", "<name>") for text in texts if text}


@pytest.mark.parametrize("language", ["", ".ja"])
def test_each_alert_that_is_raised_has_a_row(language: str) -> None:
    raised = {room: set().union(*map(alerts_in, (SOURCE / room).rglob("*.py"))) for room in (".", "collector")}
    operations, collector = ((ROOT / f"docs/{page}{language}.md") for page in ("operations", "collector"))
    rows = {row[0].strip("`") for row in table_after("alerts", operations)}
    assert rows == raised["."] - raised["collector"] | {"door_<name>"}  # its name is the one of its field in health
    own = {row[0].strip("`") for row in table_after("alerts", collector)}
    assert {f"collector/<name>/alert/{name}" for name in raised["collector"]} <= own


@pytest.mark.parametrize("language", ["", ".ja"])
def test_the_wire_names_each_reason_and_each_kind_of_the_collectors_alerts(language: str) -> None:
    spans = set(re.findall(r"`([^`\n]+)`", (ROOT / f"docs/wire{language}.md").read_text(encoding="utf-8")))
    assert not set(DenyReason) - spans
    assert not set(Kind) - spans
    collector = (ROOT / f"docs/collector{language}.md").read_text(encoding="utf-8")
    assert not set(Kind) - set(re.findall(r"`([^`\n]+)`", collector))

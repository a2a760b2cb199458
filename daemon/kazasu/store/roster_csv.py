"""One line of a roster: what it must look like, and what to do where it does not."""

from __future__ import annotations

import csv
import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import RosterError
from kazasu.model.access import Assurance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo
    from pathlib import Path

COLUMNS = ("cardholder", "name", "credential", "min_assurance", "valid_from", "valid_until")
OPTIONAL_COLUMNS = ("levels",)
_OF_A_CARD = ("min_assurance", "valid_from", "valid_until")

_MAX_LINE_BYTES = 4096
_MAX_TEXT = 100
_LEVEL = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_CREDENTIAL = re.compile(r"[0-9a-f]{32}")
_MY_NUMBER_DIGITS = 12
_SHOWN = 40
_FIRST_YEAR, _LAST_YEAR = 1970, 9998  # each day has a midnight before and after it that Unix time can name


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line that can be taken over; the columns as in `model.access`, `levels` sorted and a space between two.

    A person without a card has a line without `pseudonym`.
    """

    cardholder: str
    name: str
    pseudonym: bytes | None
    min_assurance: int
    valid_from_s: int | None
    valid_until_s: int | None
    levels: str = ""


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, from 1, without its end; a line at a time, whatever the file's size.

    Raises:
        RosterError: not UTF-8 text.
        OSError: as usual.
    """
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(_MAX_LINE_BYTES + 1):
            number += 1
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")  # Excel's "CSV UTF-8" begins with it
            if len(raw) > _MAX_LINE_BYTES:
                raise RosterError(f"{path}, line {number}: longer than {_MAX_LINE_BYTES} bytes: this is no roster")
            yield number, _decoded(raw, f"{path}, line {number}").rstrip("\r\n")


def check_header(line: str, path: Path) -> tuple[str, ...]:
    """Return the columns in the file's order.

    Raises:
        RosterError: a column is missing, stands twice or is not known.
    """
    try:
        names = tuple(name.strip() for name in next(csv.reader([line], strict=True), []))
    except csv.Error:
        names = ()
    missing = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name not in {*COLUMNS, *OPTIONAL_COLUMNS}]
    if missing or unknown or len(set(names)) != len(names):
        raise RosterError(
            f"{path}, line 1: the header must name the columns {','.join(COLUMNS)}, and may name"
            f" {','.join(OPTIONAL_COLUMNS)}"
            + (f"; missing: {', '.join(missing)}" if missing else "")
            + (f"; not known: {', '.join(map(repr, unknown))}" if unknown else "")
            + ("" if missing or unknown else "; one stands twice")
        )
    return names


def parse_row(line: str, columns: tuple[str, ...], zone: tzinfo) -> Row | list[str]:
    """Read one line; where it is wrong, say for each column what and what to do.

    A field holds no line break, so each line is a record of its own, and a forgotten quotation mark spoils one line
    instead of all that follow.
    """
    try:
        values = next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        return [f"not CSV ({error}): look for a quotation mark that is not closed or not doubled"]
    if len(values) != len(columns):
        return [
            f"{len(values)} fields, and the header has {len(columns)}: a comma is missing, or needs quotation marks"
        ]
    fields = {name: value.strip() for name, value in zip(columns, values, strict=True)}
    problems = cardholder_problems(fields["cardholder"], fields["name"])
    credential = fields["credential"].lower()
    min_assurance = Assurance.SERIAL
    if not credential:
        problems += [
            f"{name}: is a card's, and this line has none: leave it empty, or fill in `credential`"
            for name in _OF_A_CARD
            if fields[name]
        ]
    else:
        if not _CREDENTIAL.fullmatch(credential):
            problems.append(
                "credential: must be the 32 hexadecimal digits that `kazasu identify` shows for the card, or empty"
            )
        try:
            min_assurance = Assurance.from_word(fields["min_assurance"])
        except ValueError as error:
            problems.append(f"min_assurance: {error}")
    first = _day("valid_from", fields, problems)
    last = _day("valid_until", fields, problems)
    if first is not None and last is not None and last < first:
        problems.append(f"valid_until: {last} lies before valid_from {first}")
    levels = sorted({*fields.get("levels", "").replace(";", " ").split()})
    problems += levels_problems(levels)
    if problems:
        return problems
    return Row(
        cardholder=fields["cardholder"],
        name=fields["name"],
        pseudonym=bytes.fromhex(credential) or None,
        min_assurance=min_assurance.value,
        valid_from_s=None if first is None else _midnight_s(first, zone),
        valid_until_s=None if last is None else _midnight_s(last + timedelta(days=1), zone),
        levels=" ".join(levels),
    )


def cardholder_problems(number: str, name: str) -> list[str]:
    """Say what is wrong with a person's number and name, and what to do; empty if nothing is."""
    problems = _text_problems("cardholder", number) + _text_problems("name", name)
    if _looks_like_my_number(number):
        problems.append(
            "cardholder: twelve digits look like a My Number, which must never stand here: use the site's staff number"
        )
    return problems


def levels_problems(levels: Iterable[str]) -> list[str]:
    """Say which names of access levels are none; whether a door knows them is its own terminal's business."""
    return [
        f"levels: {level[:_SHOWN]!r} is no name of a level: 1 to 32 of a-z, 0-9 and -, not - first; a space between two"
        for level in levels
        if not _LEVEL.fullmatch(level)
    ]


def _day(name: str, fields: dict[str, str], problems: list[str]) -> date | None:
    text = fields[name]
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        problems.append(f"{name}: {text[:_SHOWN]!r} is no date; write 2026-04-01, or leave it empty")
        return None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        problems.append(f"{name}: {day} is not between {_FIRST_YEAR} and {_LAST_YEAR}; leave it empty for no limit")
        return None
    return day


def _decoded(raw: bytes, where: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    advice = (
        'save it as UTF-8 (in Excel: Save As, "CSV UTF-8 (Comma delimited)"; in Excel 2013 and older by way of Notepad)'
    )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RosterError(f"{where}: the file is UTF-16, which Excel calls Unicode text: {advice}")
    try:
        raw.decode("cp932")
    except UnicodeDecodeError:
        raise RosterError(f"{where}: the file is not UTF-8 text: {advice}") from None
    raise RosterError(f"{where}: the file is not UTF-8; it reads as Shift_JIS (CP932), as Excel saves a CSV: {advice}")


def _text_problems(name: str, value: str) -> list[str]:
    if not value:
        return [f"{name}: must not be empty"]
    if len(value) > _MAX_TEXT:
        return [f"{name}: {len(value)} characters, and at most {_MAX_TEXT} are kept"]
    if not value.isprintable():
        return [f"{name}: holds a character that cannot be shown, such as a tab: type it anew"]
    return []


def _looks_like_my_number(value: str) -> bool:
    """Look through full-width digits, spaces and hyphens, as people write them."""
    digits = "".join(
        c for c in unicodedata.normalize("NFKC", value) if unicodedata.category(c) not in {"Zs", "Pd", "Sm"}
    )
    return len(digits) == _MY_NUMBER_DIGITS and digits.isdecimal()


def _midnight_s(day: date, zone: tzinfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())

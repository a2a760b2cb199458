"""What a personnel system exports, as people.csv: its own column names and encoding, told by a mapping file.

Such a system knows people, not cards: whoever stands in people.csv already keeps their cards, and whoever is in the
export no longer leaves with them. Day cards, which stand in people.csv as people do, are in no export, and stay.
"""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import msgspec

from kazasu.config import load_table
from kazasu.errors import RosterError
from kazasu.model.day_card import in_pool
from kazasu.model.table import Table
from kazasu.store.durable import sync_directory
from kazasu.store.roster_csv import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    cardholder_problems,
    check_header,
    levels_problems,
    text_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.config.problems import Place

_SHOWN_LINES = 200
_CODECS = {"utf-8": "utf-8-sig", "shift_jis": "cp932"}
_OF_CARDS = ("credential", "min_assurance", "valid_from", "valid_until")
_HEADER = (*COLUMNS, *OPTIONAL_COLUMNS)

Column = Annotated[str, msgspec.Meta(min_length=1, description="the name of a column")]


class Columns(Table, frozen=True, kw_only=True):
    """[columns]: what the export calls them; `name` may be several, a space between two."""

    cardholder: Column
    name: Annotated[tuple[Column, ...], msgspec.Meta(min_length=1)]
    level: Column | None = None


class Export(Table, frozen=True, kw_only=True):
    """The mapping file: `always` are levels of everybody, [levels] those of a word in the column `level`."""

    columns: Columns
    encoding: Literal["utf-8", "shift_jis"] = "utf-8"
    always: str = ""
    levels: dict[str, str] = msgspec.field(default_factory=dict)


class _Known(NamedTuple):
    """Who stands in people.csv: name and levels as in the first line, and the columns of each card."""

    name: str
    levels: str
    cards: list[tuple[str, ...]]


class Imported(NamedTuple):
    """What came of it: how many people there are, are new, left, and have no card yet."""

    people: int
    joined: int
    left: int
    without_card: int


def import_people(export_path: Path, mapping_path: Path, people_path: Path, pool: str | None) -> Imported:
    """Write people.csv anew, whole or not at all.

    Args:
        export_path: what the personnel system wrote.
        mapping_path: how to read it.
        people_path: people.csv; a missing one has nobody.
        pool: which numbers are day cards; None: there are none.

    Raises:
        ConfigurationError: everything that is wrong with the mapping file.
        RosterError: what is wrong in every bad line, or people.csv cannot be read or written; nothing was changed.
    """
    mapping = load_table(mapping_path, Export, _problems_of)
    known = _known_in(people_path)
    day_cards = {number for number in known if pool is not None and in_pool(number, pool)}
    people: dict[str, tuple[str, str]] = {}
    problems: list[str] = []
    try:
        for number, fields in _rows(export_path, mapping):
            cardholder, name, levels, wrong = _person(fields, mapping)
            if cardholder in people and not wrong:
                wrong = [f"{cardholder} stands in a line before already"]
            if pool is not None and in_pool(cardholder, pool):
                wrong.append(f"{cardholder} is like {pool}, which site.toml says of day cards")
            problems += [f"line {number}: {what}" for what in wrong]
            people[cardholder] = (name, levels)
    except OSError as error:
        raise RosterError(f"{export_path} cannot be read: {error.strerror}; nothing was changed") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RosterError(
            f"{export_path} cannot be read as {mapping.encoding} CSV: {error}; `encoding` in {mapping_path} is utf-8 or"
            " shift_jis; nothing was changed"
        ) from error
    if problems:
        raise RosterError("\n".join([f"{export_path}: nothing was changed", *problems[:_SHOWN_LINES]]))
    if not people:
        raise RosterError(f"{export_path} names nobody, and everybody would leave; nothing was changed")
    staying = {number: (known[number].name, known[number].levels) for number in known if number in day_cards}
    _write(people_path, people | staying, known)
    return Imported(
        people=len(people),
        joined=len(people.keys() - known.keys()),
        left=len(known.keys() - people.keys() - day_cards),
        without_card=sum(number not in known or not any(card[0] for card in known[number].cards) for number in people),
    )


def _problems_of(mapping: Export) -> Iterator[tuple[Place, str]]:
    for key, levels in (("always", mapping.always), *mapping.levels.items()):
        place = ("always",) if key == "always" else ("levels", key)
        yield from ((place, what) for what in levels_problems(levels.split()))
    if bool(mapping.levels) != (mapping.columns.level is not None):
        yield ("columns",), "`level` and the table [levels] belong together: each needs the other"


def _rows(path: Path, mapping: Export) -> Iterator[tuple[int, dict[str, str]]]:
    """Each record of the export, with the number of its last line.

    Raises:
        RosterError: a column is missing.
    """
    with path.open(encoding=_CODECS[mapping.encoding], newline="") as file:
        rows = csv.reader(file, strict=True)
        header = [name.strip() for name in next(rows, [])]
        columns = mapping.columns
        missing = [name for name in (columns.cardholder, *columns.name, columns.level) if name and name not in header]
        if missing:
            raise RosterError(
                f"{path}, line 1: there is no column {', '.join(missing)}; there are: {', '.join(header) or 'none'}"
            )
        for values in rows:
            if any(value.strip() for value in values):
                yield rows.line_num, dict(zip(header, (value.strip() for value in values), strict=False))


def _person(fields: dict[str, str], mapping: Export) -> tuple[str, str, str, list[str]]:
    """Number, name, levels, and what is wrong."""
    columns = mapping.columns
    number = fields.get(columns.cardholder, "")
    name = " ".join(filter(None, (fields.get(column, "") for column in columns.name)))
    wrong = cardholder_problems(number, name)
    levels = mapping.always.split()
    word = "" if columns.level is None else fields.get(columns.level, "")
    if word:
        if word not in mapping.levels:
            wrong.append(f"{columns.level}: {word!r:.60} is not in [levels] of the mapping")
        levels += mapping.levels.get(word, "").split()
    return number, name, " ".join(sorted(set(levels))), wrong


def _known_in(path: Path) -> dict[str, _Known]:
    """Everybody in people.csv, by number.

    Raises:
        RosterError: it cannot be read.
    """
    known: dict[str, _Known] = {}
    if not path.exists():
        return known
    lines = text_lines(path)
    columns = check_header(next(lines, (1, ""))[1], path)
    for number, line in lines:
        try:
            values = next(csv.reader([line]), [])
        except csv.Error as error:
            raise RosterError(f"{path}, line {number}: {error}; nothing was changed") from error
        if not any(values):
            continue
        if len(values) != len(columns):
            raise RosterError(f"{path}, line {number}: {len(values)} fields, and the header has {len(columns)}")
        fields = dict(zip(columns, values, strict=True))
        first = _Known(fields["name"].strip(), fields.get("levels", ""), [])
        theirs = known.setdefault(fields["cardholder"].strip(), first)
        theirs.cards.append(tuple(fields[name] for name in _OF_CARDS))
    return known


def _write(path: Path, people: dict[str, tuple[str, str]], known: dict[str, _Known]) -> None:
    """Whole on the disk, and as much others' to read as it was: names stand in it."""
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="utf-8", newline="") as file:
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_HEADER)
            for number, (name, levels) in people.items():
                for card in known[number].cards if number in known else [("", "", "", "")]:
                    writer.writerow((number, name, *card, levels))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise RosterError(f"{path} cannot be written: {error.strerror}; nothing was changed") from error

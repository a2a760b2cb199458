"""A whole roster from a CSV file, or nothing of it: every bad line is reported, and one is enough to change nothing.

In constant memory, whatever the number of people: the lines go into a staging database, duplicates are found there by
sorting, and the new roster is written in key order beside the old one, made durable, and moved into its place. Codes
and their PINs are no office's to write into a file: people who stay keep theirs.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import RosterError
from kazasu.store.durable import sync_directory
from kazasu.store.migration import bring_up_to_date
from kazasu.store.roster import ROSTER
from kazasu.store.roster_csv import check_header, parse_row, text_lines
from kazasu.store.roster_file import begin_roster, locked_roster, make_durable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

SHOWN_LINES = 200
_PROGRESS_LINES = 1000

_STAGE = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE stage (line INTEGER PRIMARY KEY, cardholder TEXT, name TEXT, pseudonym BLOB, min_assurance INTEGER,
        valid_from_s INTEGER, valid_until_s INTEGER, levels TEXT);
    CREATE TABLE problem (line INTEGER, what TEXT);
"""

_FIND_DUPLICATES = """
    INSERT INTO problem
        SELECT line, 'credential: stands in line ' || first || ' already; a card belongs to one person, once'
        FROM (SELECT line, min(line) OVER (PARTITION BY pseudonym) AS first FROM stage WHERE pseudonym IS NOT NULL)
        WHERE line <> first;
    INSERT INTO problem
        SELECT line, 'name: cardholder ' || cardholder || ' has another name in line ' || first
        FROM (SELECT line, cardholder, name, min(line) OVER mine AS first, first_value(name) OVER mine AS first_name
              FROM stage WINDOW mine AS (PARTITION BY cardholder ORDER BY line))
        WHERE name <> first_name;
    INSERT INTO problem
        SELECT line, 'levels: cardholder ' || cardholder || ' has other levels in line ' || first
            || '; they are the person''s, not the card''s'
        FROM (SELECT line, cardholder, levels, min(line) OVER mine AS first,
                  first_value(levels) OVER mine AS first_levels
              FROM stage WINDOW mine AS (PARTITION BY cardholder ORDER BY line))
        WHERE levels <> first_levels;
"""

_FILL = """
    INSERT INTO cardholder (number, name, levels)
        SELECT cardholder, min(name), min(levels) FROM stage GROUP BY cardholder ORDER BY cardholder;
    INSERT INTO credential (pseudonym, cardholder, min_assurance, valid_from_s, valid_until_s)
        SELECT pseudonym, cardholder, min_assurance, valid_from_s, valid_until_s
        FROM stage WHERE pseudonym IS NOT NULL ORDER BY pseudonym;
"""

_KEEP_CODES = """
    INSERT INTO code SELECT pseudonym, cardholder, salt, digest, duress_digest FROM old.code
        WHERE cardholder IN (SELECT number FROM main.cardholder) ORDER BY pseudonym;
    UPDATE main.roster SET pepper = (SELECT pepper FROM old.roster) WHERE EXISTS (SELECT 1 FROM old.cardholder);
"""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did.

    Attributes:
        version: of the new roster; one above the old one's.
        cardholders: people in it.
        credentials: cards in it.
        codes: codes that were kept.
        codes_dropped: codes that went with their people, who are not in it any more.
    """

    version: int
    cardholders: int
    credentials: int
    codes: int = 0
    codes_dropped: int = 0


def import_csv(
    csv_path: Path,
    roster_path: Path,
    zone: tzinfo,
    progress: Callable[[int], None],
    *,
    made_s: int | None = None,
    layer: str | None = None,
) -> Summary:
    """Put a roster in place of the old one.

    Args:
        csv_path: UTF-8, a header with the six columns of `roster_csv.COLUMNS` and perhaps `levels`, dates as 2026-04-01
            and inclusive.
        roster_path: made if it is missing.
        zone: the terminal's; its midnights bound the dates.
        progress: told the number of lines read, now and then.
        made_s: since when the site vouches for it: now, Unix time; None if the clock is unset.
        layer: of the pepper, that the cards' pseudonyms are under; None: the first. Where a roster with people is
            there, they are under that one's: nothing in a CSV file says.

    Raises:
        RosterError: what is wrong in every bad line, of which the first 200 are shown; nothing was changed.
    """
    try:
        with contextlib.ExitStack() as stack:
            old_version = stack.enter_context(locked_roster(roster_path))
            directory = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix=f".{roster_path.name}-", dir=roster_path.parent))
            )
            stage_path, new_path = directory / "stage", directory / "roster"
            _stage(csv_path, stage_path, zone, progress)
            summary = _build(stage_path, new_path, roster_path, old_version + 1, made_s, layer)
            make_durable(new_path, roster_path)
            new_path.replace(roster_path)
            sync_directory(roster_path.parent)
    except (OSError, sqlite3.Error) as error:
        raise RosterError(
            f"{csv_path} could not be imported into {roster_path}: {error}; nothing was changed"
        ) from error
    return summary


def _stage(csv_path: Path, stage_path: Path, zone: tzinfo, progress: Callable[[int], None]) -> None:
    with contextlib.closing(sqlite3.connect(stage_path, isolation_level=None)) as stage:
        stage.executescript(_STAGE + "BEGIN")
        lines = text_lines(csv_path)
        _, header = next(lines, (1, ""))
        columns = check_header(header, csv_path)
        number = 1
        for number, line in lines:
            if not line.strip(" \t,"):
                continue  # Excel leaves rows of commas where rows were emptied
            row = parse_row(line, columns, zone)
            if isinstance(row, list):
                stage.executemany("INSERT INTO problem VALUES (?, ?)", ((number, what) for what in row))
            else:
                values = (number, *msgspec.structs.astuple(row))
                stage.execute("INSERT INTO stage VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            if number % _PROGRESS_LINES == 0:
                progress(number)
        stage.execute("COMMIT")
        stage.executescript(_FIND_DUPLICATES)
        progress(number)
        _refuse_problems(stage, csv_path)


def _refuse_problems(stage: sqlite3.Connection, csv_path: Path) -> None:
    count = stage.execute("SELECT count(DISTINCT line) FROM problem").fetchone()[0]
    if not count:
        return
    rows = stage.execute(
        "SELECT line, what FROM problem WHERE line IN (SELECT DISTINCT line FROM problem ORDER BY line LIMIT ?)"
        " ORDER BY line, rowid",
        (SHOWN_LINES,),
    )
    shown = [f"line {line}: {what}" for line, what in rows]
    if count > SHOWN_LINES:
        shown.append(f"and {count - SHOWN_LINES} more bad lines")
    noun = "line is" if count == 1 else "lines are"
    raise RosterError("\n".join([f"{csv_path}: {count} {noun} wrong, and nothing was changed", *shown]))


def _build(
    stage_path: Path, new_path: Path, old_path: Path, version: int, made_s: int | None, layer: str | None
) -> Summary:
    # Written once from beginning to end and made durable as a whole: it needs no way back.
    with contextlib.closing(sqlite3.connect(new_path, isolation_level=None)) as roster:
        roster.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        bring_up_to_date(roster, new_path, ROSTER, lambda new: begin_roster(new, version, made_s, layer))
        roster.execute("ATTACH ? AS staged", (str(stage_path),))
        roster.executescript("BEGIN;" + _FILL + "COMMIT")
        codes_before = 0
        if old_path.exists():  # locked, and up to date
            roster.execute("ATTACH ? AS old", (str(old_path),))
            roster.executescript("BEGIN;" + _KEEP_CODES + "COMMIT")
            codes_before = roster.execute("SELECT count(*) FROM old.code").fetchone()[0]
        counts = roster.execute(
            "SELECT (SELECT count(*) FROM main.cardholder), (SELECT count(*) FROM main.credential),"
            " (SELECT count(*) FROM main.code)"
        ).fetchone()
    return Summary(
        version=version,
        cardholders=counts[0],
        credentials=counts[1],
        codes=counts[2],
        codes_dropped=codes_before - counts[2],
    )

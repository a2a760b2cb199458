"""people.csv under a later layer of the pepper: the credentials are others, and every other byte is the same."""

from __future__ import annotations

import csv
import os
import re
from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.store.roster_csv import check_header, text_lines

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.layers import Lift

_FIELD = re.compile(r'("(?:[^"]|"")*"|[^,]*)(?:,|$)')
_CREDENTIAL = re.compile(r"[0-9a-fA-F]{32}")
_MARK = b"\xef\xbb\xbf"
_SHOWN_LINES = 200


def people_relaid(path: Path, new: Path, lift: Lift) -> None:
    """Write people.csv anew, with its owner and mode; durable on return.

    Args:
        path: what is there.
        new: what is made of it; in another folder.
        lift: from its layer to the next.

    Raises:
        RosterError: every line in which it is not sure where the credential is.
        OSError: as usual.
    """
    status = path.stat()
    problems: list[str] = []
    place = _place_of_credentials(path)
    with path.open("rb") as lines, new.open("wb") as file:
        os.fchmod(file.fileno(), status.st_mode & 0o777)
        if os.geteuid() == 0:
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
        for number, (_, line) in enumerate(text_lines(path), 1):
            raw = lines.readline()
            laid = line if number == 1 else _line(line, place, lift)
            if laid is None:
                problems.append(f"line {number}: its credential is not 32 hexadecimal digits, or a comma is missing")
            else:
                text = raw.removeprefix(_MARK) if number == 1 else raw
                mark, end = raw[: len(raw) - len(text)], text[len(line.encode()) :]
                file.write(mark + laid.encode() + end)
        file.flush()
        os.fsync(file.fileno())
    if problems:
        new.unlink()
        told = problems[:_SHOWN_LINES]
        raise RosterError("\n".join([f"{path}: nothing was changed; mend these lines first", *told]))


def _place_of_credentials(path: Path) -> int:
    _, header = next(iter(text_lines(path)), (1, ""))
    return check_header(header, path).index("credential")


def _line(line: str, place: int, lift: Lift) -> str | None:
    """A line with its credential under the later layer; None if that cannot be found for sure."""
    if not line.strip(" \t,"):
        return line
    try:
        values = next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None
    if len(values) <= place:
        return None
    credential = values[place].strip()
    if not credential:
        return line
    start, end = _span(line, place)
    field = line[start:end]
    if not _CREDENTIAL.fullmatch(credential) or field.count(credential) != 1:
        return None
    return line[:start] + field.replace(credential, lift.pseudonym(credential.lower())) + line[end:]


def _span(line: str, place: int) -> tuple[int, int]:
    """Where a field begins and ends, its quotation marks included; nothing, if it is not there."""
    position = 0
    for _ in range(place):
        match = _FIELD.match(line, position)
        if match is None:
            return 0, 0
        position = match.end()
    match = _FIELD.match(line, position)
    return (0, 0) if match is None else match.span(1)

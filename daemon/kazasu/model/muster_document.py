"""A terminal's statement on the wire: signed documents, flat as all are, of at most 64 KiB each (docs/wire.md).

People stand by area in text, a line each: `1001@1764000000000`, the person's number and the Unix time in milliseconds.
Where one document does not hold all, there are several, signed each by itself; they belong together if all say the
same `seq`, `time` and `pages`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import SignatureInvalid
from kazasu.model.document import signed
from kazasu.model.event import WIRE_VERSION
from kazasu.model.muster import OUT, Movement, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.document import Signer

_PAGE_BYTES = 56_000  # of people; with all else still below 64 KiB
_LIST_BYTES = 100  # what one more list takes: its names, and the area's
_PRESENT = "present"
_MS_DIGITS = 14  # of a time that a calendar still has


def pages(statement: Statement, site: str, signer: Signer) -> tuple[bytes, ...]:
    """Write and sign a statement: one document or more.

    Args:
        statement: a terminal's own.
        site: its site.
        signer: its event key.
    """
    contents = tuple(_paged(statement)) or ({},)
    head: EventFields = {
        "v": WIRE_VERSION,
        "site": site,
        "terminal": statement.terminal,
        "epoch": statement.epoch,
        "seq": statement.seq,
        "time": datetime.fromtimestamp(statement.at_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "clock": "unset" if statement.clock_unset else "set",
        "pages": len(contents),
    }
    if statement.begun_ms is not None:
        head["begun"] = statement.begun_ms
    return tuple(signed({**head, "page": number, **lists}, signer).body for number, lists in enumerate(contents, 1))


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    """What each page has beside its lists."""

    v: int
    site: str
    terminal: str
    epoch: str
    seq: int
    time: str
    clock: str
    pages: int
    page: int
    begun: int | None = None


def read(documents: Sequence[Mapping[str, int | str]], site: str, terminal: str) -> Statement:
    """Read a statement's pages, whose signatures hold or whose origin is beyond doubt.

    Raises:
        SignatureInvalid: they are no statement of this terminal's.
        ValueError: they do not belong together: some of them are older than others, or have not come yet.
    """
    try:
        heads = [msgspec.convert(document, _Page) for document in documents]
        at = datetime.fromisoformat(heads[0].time)
    except (msgspec.ValidationError, ValueError, IndexError) as error:
        raise SignatureInvalid(f"no muster document: {error}") from error
    first = heads[0]
    if (first.v, first.site, first.terminal) != (WIRE_VERSION, site, terminal) or at.tzinfo is None:
        raise SignatureInvalid(f"the muster document of {first.site}/{first.terminal}, version {first.v}")
    if first.begun is not None and not 0 <= first.begun < 10**_MS_DIGITS:
        raise SignatureInvalid(f"no muster document: begun {first.begun}")
    alike = {msgspec.structs.replace(head, page=0) for head in heads}
    if len(alike) != 1 or len(heads) != first.pages or [head.page for head in heads] != [*range(1, len(heads) + 1)]:
        raise ValueError("its pages are not of one moment")
    movements, present = [], {}
    for document in documents:
        for name, area in _lists_in(document):
            for number, at_ms in _people_in(document, name):
                if area is None:
                    present[number] = at_ms
                else:
                    movements.append(Movement(number=number, area=area, at_ms=at_ms))
    return Statement(
        terminal=terminal,
        epoch=first.epoch,
        seq=first.seq,
        at_ms=round(at.timestamp() * 1000),
        clock_unset=first.clock != "set",
        movements=tuple(movements),
        begun_ms=first.begun,
        present=present,
    )


def page_count(document: Mapping[str, int | str]) -> int:
    """How many pages there are, by what the first one says."""
    count = document.get("pages")
    return count if isinstance(count, int) and count > 0 else 1


def _paged(statement: Statement) -> Iterator[EventFields]:
    """Lists of people, as many as go on a page, page by page."""
    page: EventFields = {}
    room = _PAGE_BYTES
    for area, people in _by_area(statement):
        lines: list[str] = []
        index = 1 + len(page) // 2
        room -= _LIST_BYTES
        for number, at_ms in people:
            line = f"{number}@{at_ms}"
            length = len(msgspec.json.encode(line))  # its quotation marks count for the line's end, which is two bytes
            if length > room:
                page |= _list(index, area, lines)
                yield page
                page, lines, index, room = {}, [], 1, _PAGE_BYTES - _LIST_BYTES
            lines.append(line)
            room -= length
        page |= _list(index, area, lines)
    if page:
        yield page


def _list(index: int, area: str | None, lines: Sequence[str]) -> EventFields:
    if not lines:
        return {}
    text = "\n".join(lines)
    return {_PRESENT: text} if area is None else {f"area_{index}": area, f"people_{index}": text}


def _by_area(statement: Statement) -> Iterator[tuple[str | None, Iterable[tuple[str, int]]]]:
    """People of each area, those who are out, and, with None for an area, those at the meeting point."""
    areas: dict[str, list[tuple[str, int]]] = {}
    for movement in sorted(statement.movements, key=lambda each: (each.area == OUT, each.area, each.number)):
        areas.setdefault(movement.area, []).append((movement.number, movement.at_ms))
    yield from areas.items()
    if statement.present:
        yield None, sorted(statement.present.items())


def _lists_in(document: Mapping[str, int | str]) -> Iterator[tuple[str, str | None]]:
    """Names of the fields that list people, each with its area; None: the meeting point."""
    for name, value in document.items():
        if name.startswith("area_"):
            yield f"people_{name.removeprefix('area_')}", str(value)
    if _PRESENT in document:
        yield _PRESENT, None


def _people_in(document: Mapping[str, int | str], name: str) -> Iterator[tuple[str, int]]:
    for line in str(document.get(name, "")).split("\n"):
        number, _, at_ms = line.rpartition("@")
        if not (number and at_ms.isascii() and at_ms.isdecimal() and len(at_ms) <= _MS_DIGITS):
            raise SignatureInvalid(f"no muster document: {name} has the line {line!r}")
        yield number, int(at_ms)

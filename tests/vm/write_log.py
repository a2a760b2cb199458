"""What a machine wrote to a disk, in order, and every state that the disk could have been left in by a power cut.

The log is QEMU's `blklogwrites`, whose format is the kernel's dm-log-writes: a superblock and then entries, each a
sector of header and its data (kernel, drivers/md/dm-log-writes.c).

A disk with a write cache keeps what came before a completed flush, and of what came after it any part in any order. So
the states tried are, for each flush: everything up to it; everything up to it and a random part of what followed; and
everything up to the next one but its last write.
"""

from __future__ import annotations

import itertools
import random
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SUPERBLOCK = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")
_MAGIC = 0x6A736677736872
_VERSION = 1
_FLUSH, _FUA, _DISCARD = 1, 2, 4


class Entry(NamedTuple):
    """One thing that the machine asked of the disk.

    Attributes:
        offset: in bytes, on the disk.
        data: what was written; empty for a flush alone.
        zeroes: bytes set to zero instead (a discard).
        flush: everything before this entry is durable once it is there; with data (FUA), so is the data.
    """

    offset: int
    data: bytes
    zeroes: int
    flush: bool


class State(NamedTuple):
    """What the disk could hold after a cut.

    Attributes:
        name: for the report.
        durable: so many first entries are there, all of them.
        extra: of the following entries, these too: indices, in this order.
    """

    name: str
    durable: int
    extra: tuple[int, ...]


def read_log(path: Path) -> list[Entry]:
    """Read all entries that are there whole; the machine may still be writing.

    Raises:
        ValueError: not such a log.
    """
    content = path.read_bytes()
    if len(content) < _SUPERBLOCK.size:
        return []
    magic, version, _, sector_bytes = _SUPERBLOCK.unpack_from(content)
    if (magic, version) != (_MAGIC, _VERSION):
        raise ValueError(f"{path} is no write log: it begins with {content[:16].hex()}")
    entries, at = [], sector_bytes
    while at + sector_bytes <= len(content):
        sector, sectors, flags, data_bytes = _ENTRY.unpack_from(content, at)
        at += sector_bytes
        if sectors == 0 and not flags & _FLUSH:
            break  # room that the log has taken and not yet written
        discarded = bool(flags & _DISCARD)
        length = 0 if discarded else sectors * sector_bytes
        if at + length > len(content):
            break
        if data_bytes not in (0, length):
            raise ValueError(f"{path}: an entry of {length} bytes says that it has {data_bytes}")
        entries.append(
            Entry(
                offset=sector * sector_bytes,
                data=content[at : at + length],
                zeroes=sectors * sector_bytes if discarded else 0,
                flush=bool(flags & (_FLUSH | _FUA)),
            )
        )
        at += length
    return entries


def states(entries: list[Entry], first: int, last: int, *, seed: int, samples: int) -> Iterator[State]:
    """Name every state to try, from the entry `first` to the entry `last`.

    Args:
        entries: the whole log.
        first, last: indices; states whose durable part ends between them.
        seed: of the random parts, so that a failure can be had again.
        samples: random parts for each flush.
    """
    chance = random.Random(seed)  # noqa: S311  (chance, not secrecy)
    flushes = [index + 1 for index in range(len(entries)) if entries[index].flush]
    boundaries = [0, *flushes, len(entries)]
    for begin, end in itertools.pairwise(boundaries):
        if not first <= begin <= last:
            continue
        yield State(f"flush {begin}", begin, ())
        volatile = [index for index in range(begin, end) if not (entries[index].flush and not entries[index].data)]
        if not volatile:
            continue
        for index in range(1, len(volatile)):
            yield State(f"flush {begin} and the {index} writes after it", begin, tuple(volatile[:index]))
        for number in range(samples):
            part = [index for index in volatile if chance.random() < 0.5]
            chance.shuffle(part)
            yield State(f"flush {begin} and a random part {number} of {len(volatile)} writes", begin, tuple(part))


def apply(image: Path, entries: list[Entry]) -> None:
    """Write entries to an image, in order."""
    with image.open("r+b") as file:
        for entry in entries:
            file.seek(entry.offset)
            file.write(entry.data or bytes(entry.zeroes))

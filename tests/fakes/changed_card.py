"""A recorded card whose answers are not quite what they were: for a fuzzer and for property tests.

What is changed is told by bytes, so that a coverage-guided fuzzer can find its way: the first names the transcript,
then five for each change (which answer, how, where in two, with what).
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Final

from fakes.transcript import Answers, kind_of, load_transcripts, read
from kazasu.errors import CardError
from kazasu.model.access import Assurance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.transcript import Transcript

CHANGE_BYTES: Final = 5
_STATUS_WORDS: Final = (0x9000, 0x6100, 0x6110, 0x6C00, 0x6C10, 0x6282, 0x6300, 0x63C0, 0x6700, 0x6982, 0x6A82, 0x6F00,
                        0x9100, 0x91AF, 0x91AE, 0x0000)  # fmt: skip


@functools.cache
def _transcripts() -> tuple[Transcript, ...]:
    return tuple(load_transcripts().values())


def play(data: bytes) -> None:
    """Read one recorded card with changed answers.

    Raises:
        AssertionError: it proved with a key what the real card never answered.
        Exception: a defect: a card raises nothing but CardError.
    """
    if not data:
        return
    transcript = _transcripts()[data[0] % len(_transcripts())]
    exchanges = [(command, bytes.fromhex(answer)) for command, answer in transcript.exchanges]
    for which, how, where, value in _changes(data[1:]):
        command, answer = exchanges[which % len(exchanges)]
        exchanges[which % len(exchanges)] = command, _changed(answer, how, where, value)
    drawn = io.BytesIO(bytes.fromhex(transcript.random))
    kind = kind_of(transcript, lambda count: drawn.read(count).ljust(count, b"\0"))
    try:
        identifier = read(kind, Answers((command, answer.hex()) for command, answer in exchanges), transcript.atr)
    except CardError:
        return
    if identifier is not None and identifier.assurance >= Assurance.CHALLENGE:
        assert identifier.pseudonym == transcript.identifier["pseudonym"]


def _changes(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    for at in range(0, len(data) - CHANGE_BYTES + 1, CHANGE_BYTES):
        which, how, *where, value = data[at : at + CHANGE_BYTES]
        yield which, how, int.from_bytes(bytes(where)), value


def _changed(answer: bytes, how: int, where: int, value: int) -> bytes:
    content, sw = bytearray(answer[:-2]), answer[-2:]
    at = where % (len(content) + 1)
    match how % 7:
        case 0:
            content[at : at + 1] = bytes([value])
        case 1:
            content[at:at] = bytes([value]) * (1 + where % 300)
        case 2:
            del content[at : at + 1 + value]
        case 3:
            del content[at:]
        case 4:
            content[at : at + 1] = bytes([content[at] ^ (1 << value % 8)]) if at < len(content) else b""
        case 5:
            sw = _STATUS_WORDS[value % len(_STATUS_WORDS)].to_bytes(2)
        case _:
            sw = where.to_bytes(2)
    return bytes(content) + sw

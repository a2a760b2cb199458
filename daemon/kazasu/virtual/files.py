"""A card's applications and files, as ISO/IEC 7816-4 has them: SELECT, READ BINARY, READ RECORD, VERIFY."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kazasu.virtual.card import Command, IsoCard, StatusWord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Instructions: TypeAlias = "Mapping[tuple[int, int], Callable[[Command], bytes]]"

_SHORT_ID = 0x1F
_MAX_SHORT_ID = 0x1E  # 31 is reserved: ISO/IEC 7816-4:2020, section 7.4.1
_MAX_PIN_BYTES = 16


class Pin:
    """A PIN and its counter, which outlives power.

    Args:
        secret: what is right, ASCII.
        tries: wrong ones in a row that block it.
    """

    def __init__(self, secret: bytes, tries: int) -> None:
        self.secret = secret
        self.tries = tries
        self.left = tries
        self.verified = False

    def verify(self, candidate: bytes) -> None:
        """Try it.

        Raises:
            StatusWord: 63Cx, wrong and x tries are left; 6984, it was blocked before.
        """
        if not self.left:
            raise StatusWord(0x6984)
        self.left -= 1  # before it is compared: tearing the card away gives no free try
        self.verified = candidate == self.secret
        if not self.verified:
            raise StatusWord(0x63C0 | self.left)
        self.left = self.tries


class File:
    """An elementary file of plain bytes.

    Args:
        content: what READ BINARY reads; empty if there is nothing to read.
        pin: has to be verified before.
        records: what READ RECORD reads, the first is number 1.
        sign: COMPUTE DIGITAL SIGNATURE, for a key: the signature of the data that comes in.
        verifies: the PIN that VERIFY tries, for a PIN's file.
    """

    def __init__(
        self,
        content: bytes = b"",
        *,
        pin: Pin | None = None,
        records: tuple[bytes, ...] = (),
        sign: Callable[[bytes], bytes] | None = None,
        verifies: Pin | None = None,
    ) -> None:
        self.content = content
        self.pin = pin
        self.records = records
        self.sign = sign
        self.verifies = verifies

    def check_access(self) -> None:
        """See that its PIN was verified.

        Raises:
            StatusWord: 6982, it was not.
        """
        if self.pin is not None and not self.pin.verified:
            raise StatusWord(0x6982)


class FileCard(IsoCard):
    """A card with applications, of which one is selected at a time.

    What a PIN opened stays open over a warm reset, and ends when an application is selected or the power goes.

    Args:
        atr: see `VirtualCard.atr`.
        uid: what the reader calls the card.
        applications: by AID, their files by identifier, in the order in which a shortened AID finds them.
        touched: AIDs of all applications that were ever selected.
        selections: how often what was selected before was left, for whoever keeps a state as long as that.
    """

    def __init__(self, atr: bytes, uid: bytes, applications: Mapping[bytes, Mapping[int, File]]) -> None:
        super().__init__(
            atr,
            uid,
            {
                (0x00, 0xA4): self._select,
                (0x00, 0xB0): self._read_binary,
                (0x00, 0xB2): self._read_record,
                (0x00, 0x20): self._verify,
                (0x80, 0x2A): self._compute_digital_signature,
            },
        )
        self.touched: set[bytes] = set()
        self.selections = 0
        self._applications = dict(applications)
        self._own_instructions: dict[bytes, Instructions] = {}
        self._file: File | None = None

    def load(self, aid: bytes, files: Mapping[int, File], instructions: Instructions) -> None:
        """Put one more application on the card, as an issuer does into a My Number Card's free area.

        Args:
            aid: its whole AID.
            files: by identifier.
            instructions: what it answers beside SELECT and READ while it is selected; see `IsoCard`.
        """
        self._applications[aid] = files
        self._own_instructions[aid] = instructions

    def power_on(self) -> None:
        """Begin anew, with nothing selected and no PIN verified."""
        super().power_on()
        self._leave()

    def power_off(self) -> None:
        """Forget selection and PINs."""
        super().power_off()
        self._leave()

    def find_instruction(self, command: Command) -> Callable[[Command], bytes]:
        """The selected application's own, or the card's."""
        own = self._own_instructions.get(self.application, {}).get((command.cla, command.ins))
        return own or super().find_instruction(command)

    def _leave(self) -> None:
        self.selections += 1
        self._file = None
        for files in self._applications.values():
            for file in files.values():
                if file.verifies is not None:
                    file.verifies.verified = False

    def _select(self, command: Command) -> bytes:
        match command.p1, command.p2:
            case 0x04, 0x00 | 0x0C:  # with or without file control information, of which there is none
                self._select_application(command.data)
            case 0x02, 0x0C:
                if len(command.data) != 2:  # noqa: PLR2004  (a file identifier's length)
                    raise StatusWord(0x6700)
                self._file = self._find(int.from_bytes(command.data))
            case _:
                raise StatusWord(0x6A86)
        return b""

    def _select_application(self, name: bytes) -> None:
        if not name:
            raise StatusWord(0x6700)
        aid = next((aid for aid in self._applications if aid.startswith(name)), None)
        if aid is None:
            raise StatusWord(0x6A82)
        self._leave()
        self.application = aid
        self.touched.add(aid)

    def _find(self, identifier: int) -> File:
        file = self._applications.get(self.application, {}).get(identifier)
        if file is None:
            raise StatusWord(0x6A82)
        return file

    def _current(self, short_id: int) -> File:
        """The file that a short identifier names and thereby selects; with 0 the selected one."""
        if short_id > _MAX_SHORT_ID:
            raise StatusWord(0x6A86)
        if short_id:
            self._file = self._find(short_id)
        if self._file is None:
            raise StatusWord(0x6986)
        return self._file

    def _read_binary(self, command: Command) -> bytes:
        if command.data or not command.ne:
            raise StatusWord(0x6700)
        if not command.p1 & 0x80:
            file, offset = self._current(0), command.p1 << 8 | command.p2
        elif command.p1 & 0x60 or not command.p1 & _SHORT_ID:
            raise StatusWord(0x6A86)
        else:
            file, offset = self._current(command.p1 & _SHORT_ID), command.p2
        if file.sign or file.verifies or file.records:
            raise StatusWord(0x6981)
        file.check_access()
        if offset >= len(file.content):
            raise StatusWord(0x6B00)
        data = file.content[offset : offset + command.ne]
        if len(data) < command.ne and not command.any_length:
            raise StatusWord(0x6282, data)
        return data

    def _read_record(self, command: Command) -> bytes:
        if command.data or not command.ne:
            raise StatusWord(0x6700)
        if command.p2 & 0x07 != 0x04:  # noqa: PLR2004  (P1 is a record number: ISO/IEC 7816-4:2020, table 71)
            raise StatusWord(0x6A86)
        file = self._current(command.p2 >> 3)
        if not file.records:
            raise StatusWord(0x6981)
        file.check_access()
        if not 1 <= command.p1 <= len(file.records):
            raise StatusWord(0x6A83)
        return file.records[command.p1 - 1]

    def _verify(self, command: Command) -> bytes:
        if command.p1 or command.p2 & 0xE0 != 0x80:  # noqa: PLR2004  (a PIN of this application)
            raise StatusWord(0x6A86)
        if command.ne or len(command.data) > _MAX_PIN_BYTES:
            raise StatusWord(0x6700)
        pin = self._current(command.p2 & _SHORT_ID).verifies
        if pin is None:
            raise StatusWord(0x6981)
        if not command.data:  # a question: how many tries are left?
            raise StatusWord(0x63C0 | pin.left)
        pin.verify(command.data)
        return b""

    def _compute_digital_signature(self, command: Command) -> bytes:
        if (command.p1, command.p2) != (0x00, 0x80):
            raise StatusWord(0x6A86)
        if not command.data or not command.ne:
            raise StatusWord(0x6700)
        file = self._current(0)
        if file.sign is None:
            raise StatusWord(0x6981)
        file.check_access()
        return file.sign(command.data)

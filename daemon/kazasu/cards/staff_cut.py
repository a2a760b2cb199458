"""Where in a card's answers something stands: the tables with `from` in a profile of a staff application."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias, get_args

from msgspec import Meta

from kazasu.cards.tlv import is_tag
from kazasu.model.table import Table

Hex: TypeAlias = Annotated[
    str, Meta(pattern=r"^([0-9A-Fa-f]{2}){1,255}\Z", description="hexadecimal digits, two for each byte")
]
Offset: TypeAlias = Annotated[int, Meta(ge=0, le=65535, description="a number of bytes, 0 to 65535")]
Length: TypeAlias = Annotated[int, Meta(ge=1, le=255, description="a number of bytes, 1 to 255")]
Encoding: TypeAlias = Literal["ascii", "bcd", "shift_jis", "hex", "integer"]

CERTIFICATE: Final = "certificate"
"""The source of a number that stands in the certificate."""

_LONGEST_INTEGER_BYTES: Final = 8
_NO_BYTES: Final = 'from = "certificate" takes `subject` alone: no `tlv`, `offset`, `length` or `encoding`'


class Cut(Table, rename={"from_": "from"}, frozen=True, kw_only=True):
    """Bytes out of what the card answered to a step.

    Attributes:
        from_: the step's name.
        tlv: tags, the outermost first; offset and length then count within the value of the last.
        offset: of the first byte, from 0.
        length: in bytes; None to the end.
    """

    from_: str
    tlv: Annotated[tuple[Hex, ...], Meta(description='a list of tags, such as ["70", "5F20"]')] = ()
    offset: Offset = 0
    length: Length | None = None

    def __post_init__(self) -> None:
        for tag in self.tlv:
            if not is_tag(bytes.fromhex(tag)):
                raise ValueError(f"{tag} is no tag of BER-TLV, 1 to 3 bytes, such as 53 or 5F20")

    @property
    def path(self) -> tuple[bytes, ...]:
        """The tags."""
        return tuple(bytes.fromhex(tag) for tag in self.tlv)

    def covers(self, other: Cut) -> bool:
        """Whether all bytes of the other cut are among those of this one, whatever the card answers."""
        if (self.from_, self.path) != (other.from_, other.path) or other.length is None or self.length is None:
            return False
        return self.offset <= other.offset and other.offset + other.length <= self.offset + self.length


class Number(Cut, frozen=True, kw_only=True):
    """[number].

    Attributes:
        encoding: how the bytes are to be read.
        subject: for a number that stands in the certificate: the attribute of its subject.
    """

    encoding: Encoding | None = None
    subject: Literal["common_name", "serial_number", "user_id"] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.from_ == CERTIFICATE) != (self.subject is not None):
            raise ValueError('`subject` belongs to from = "certificate", and that needs it')
        if (self.subject is None) != (self.encoding is not None):
            raise ValueError(
                "`encoding` is missing: " + ", ".join(get_args(Encoding)) if self.subject is None else _NO_BYTES
            )
        if self.subject is not None and (self.tlv or self.offset or self.length is not None):
            raise ValueError(_NO_BYTES)
        if self.encoding == "integer" and (self.length is None or self.length > _LONGEST_INTEGER_BYTES):
            raise ValueError(f"an integer needs its `length`, 1 to {_LONGEST_INTEGER_BYTES} bytes")


class Part(Table, rename={"from_": "from"}, frozen=True, kw_only=True):
    """A part of the diversification input: `fixed` bytes, or a cut with a length."""

    fixed: Hex | None = None
    from_: str | None = None
    tlv: tuple[Hex, ...] = ()
    offset: Offset = 0
    length: Length | None = None

    def __post_init__(self) -> None:
        if (self.fixed is None) == (self.from_ is None):
            raise ValueError("a part of `input` is either `fixed` bytes or a cut `from` a step")
        if self.fixed is not None and (self.tlv or self.offset or self.length is not None):
            raise ValueError("`fixed` bytes are not cut")
        if self.from_ is not None:
            if self.length is None:
                raise ValueError("a cut in `input` needs its `length`, or two cards could have one input")
            self.cut.__post_init__()

    @property
    def cut(self) -> Cut:
        """As a cut; for a part that is not fixed."""
        return Cut(from_=self.from_ or "", tlv=self.tlv, offset=self.offset, length=self.length)

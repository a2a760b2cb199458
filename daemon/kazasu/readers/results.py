"""What the result codes of PC/SC mean: for the loop, for the event, and in words for people.

Source: pcsc-lite `pcsclite.h`, which takes its numbers from PC/SC Workgroup part 5 and winerror.h.
"""

from __future__ import annotations

from typing import Final

from kazasu.errors import CardError, CardGone, CardRefused, ReaderUnavailable
from kazasu.model.access import DenyReason

SUCCESS: Final = 0x00000000
CANCELLED: Final = 0x80100002
INVALID_HANDLE: Final = 0x80100003
UNKNOWN_READER: Final = 0x80100009
TIMEOUT: Final = 0x8010000A
SHARING_VIOLATION: Final = 0x8010000B
NO_SMARTCARD: Final = 0x8010000C
PROTOCOL_MISMATCH: Final = 0x8010000F
COMM_ERROR: Final = 0x80100013
NOT_TRANSACTED: Final = 0x80100016
READER_UNAVAILABLE: Final = 0x80100017
NO_SERVICE: Final = 0x8010001D
SERVICE_STOPPED: Final = 0x8010001E
NO_READERS: Final = 0x8010002E
UNRESPONSIVE_CARD: Final = 0x80100066
UNPOWERED_CARD: Final = 0x80100067
RESET_CARD: Final = 0x80100068
REMOVED_CARD: Final = 0x80100069
NOT_ALLOWED: Final = 0x8010006A

# The card left while a command was under way. A contactless reader cannot tell a lost field from a lost frame, so
# NOT_TRANSACTED is here: what the person has to do is the same.
GONE_IN_TRANSMIT: Final = frozenset({NO_SMARTCARD, NOT_TRANSACTED, UNPOWERED_CARD, RESET_CARD, REMOVED_CARD})
# A mute card answers a connect with UNRESPONSIVE_CARD or UNPOWERED_CARD: it is there, so it is not gone.
GONE_IN_CONNECT: Final = frozenset({NO_SMARTCARD, NOT_TRANSACTED, REMOVED_CARD})
READER_LOST: Final = frozenset(
    {
        INVALID_HANDLE,
        UNKNOWN_READER,
        COMM_ERROR,
        READER_UNAVAILABLE,
        NO_SERVICE,
        SERVICE_STOPPED,
        NO_READERS,
        NOT_ALLOWED,
    }
)

_WORDS: Final = {
    CANCELLED: "the wait was cancelled",
    INVALID_HANDLE: "pcscd was started anew and does not know this program any more",
    UNKNOWN_READER: "the reader was unplugged",
    TIMEOUT: "nothing happened in time",
    SHARING_VIOLATION: "another program holds the card exclusively; close it (`fuser -v /run/pcscd/pcscd.comm`)",
    NO_SMARTCARD: "the card left the field",
    PROTOCOL_MISMATCH: "the card answers its reset with nonsense",
    COMM_ERROR: "the connection to pcscd broke",
    NOT_TRANSACTED: "the card left the field during a command",
    READER_UNAVAILABLE: "the reader was unplugged",
    NO_SERVICE: "pcscd is not running; start it: `systemctl start pcscd.socket`",
    SERVICE_STOPPED: "pcscd was stopped; start it: `systemctl start pcscd.socket`",
    NO_READERS: "pcscd sees no reader; plug one in (`lsusb` shows whether the kernel sees it)",
    UNRESPONSIVE_CARD: "the card does not answer",
    UNPOWERED_CARD: "the card has no power",
    RESET_CARD: "the card was reset",
    REMOVED_CARD: "the card left the field",
    NOT_ALLOWED: (
        "polkit does not let this user reach pcscd; it needs a rule that grants `org.debian.pcsc-lite.access_pcsc` and "
        "`org.debian.pcsc-lite.access_card` to the user of the service (a file in /etc/polkit-1/rules.d)"
    ),
}


def unsigned(code: int) -> int:
    """A result code as 32 bits without sign; on 32-bit systems pyscard hands it over negative."""
    return code & 0xFFFFFFFF


def explain(code: int) -> str:
    """A result code in words, with what to do, and the number to search for."""
    return f"{_WORDS.get(code, 'PC/SC reports an error')} (0x{code:08X})"


def card_error(code: int, gone: frozenset[int]) -> CardError | ReaderUnavailable:
    """The error for a result code of a call about a card.

    Args:
        code: any but `SUCCESS`, with or without sign.
        gone: the codes that mean, after this call, that the card left.
    """
    code = unsigned(code)
    words = explain(code)
    if code in gone:
        return CardGone(words)
    return ReaderUnavailable(words) if code in READER_LOST else CardError(words)


def refusal(error: CardError | ReaderUnavailable) -> DenyReason:
    """Why a read that ended so is worth nothing."""
    if isinstance(error, CardRefused):
        return error.reason
    return DenyReason.CARD_REMOVED if isinstance(error, CardGone) else DenyReason.CARD_UNREADABLE

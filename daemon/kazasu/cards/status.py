"""What status words mean (ISO/IEC 7816-4:2020, tables 5 to 8; PC/SC part 3, 3.2.2).

Those with 91 are DESFire's own (NXP, data sheet MF2DL(H)x0, return codes of the commands).
"""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 0x9000
END_OF_FILE: Final = 0x6282
NOT_FOUND: Final = 0x6A82
UNKNOWN_ERROR: Final = 0x6F00

FAULTS: Final = frozenset({0x64, 0x65, 0x6F})
"""First bytes of execution, memory and unknown errors: the card has not answered."""

_MEANINGS: Final = {
    SUCCESS: "done",
    0x6281: "part of the data may be corrupted",
    END_OF_FILE: "the file ended before Le bytes",
    0x6283: "the selected file is deactivated",
    0x6300: "no information given",
    0x6700: "wrong length",
    0x6881: "logical channels are not supported",
    0x6883: "the last command of a chain was expected",
    0x6884: "command chaining is not supported",
    0x6981: "command does not fit the file",
    0x6982: "security status not satisfied: a PIN is wanted first",
    0x6983: "blocked: no tries left",
    0x6984: "reference data not usable",
    0x6985: "conditions of use not satisfied",
    0x6986: "no EF is selected",
    0x6A80: "incorrect data",
    0x6A81: "function not supported",
    NOT_FOUND: "file or application not found",
    0x6A86: "incorrect P1 or P2",
    0x6A88: "key or reference data not found",
    0x6B00: "offset outside the file",
    0x6D00: "instruction not supported",
    0x6E00: "class not supported",
    UNKNOWN_ERROR: "no precise diagnosis",
    0x9100: "done",
    0x911C: "command not known to this card",
    0x911E: "the command's MAC or padding is wrong",
    0x9140: "there is no key of this number",
    0x917E: "wrong length",
    0x919D: "permission denied: nobody may do this",
    0x919E: "a parameter is wrong",
    0x91A0: "application not found",
    0x91AD: "the card waits after failed authentications",
    0x91AE: "not authenticated with a key that may do this",
    0x91AF: "more frames to fetch",
    0x91BE: "outside the file",
    0x91CA: "the command before was not finished",
    0x91F0: "file not found",
}


def meaning(sw: int) -> str:
    """What a status word says, in words."""
    match sw >> 8:
        case 0x61:
            return f"{sw & 0xFF or 256} bytes more to fetch"
        case 0x6C:
            return f"wrong Le, {sw & 0xFF or 256} is right"
        case _:
            return _MEANINGS.get(sw, "a status word of its own")

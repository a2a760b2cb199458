"""Which commands a profile may name: those that read, in the interindustry class, within the selected application.

A list of what is permitted, not of what is forbidden (rule 6): what is on neither is not sent. The names of common
commands that change a card serve the message alone.
"""

from __future__ import annotations

from typing import Final

from kazasu.cards.guard import Template

_HEADER_BYTES: Final = 4
_SHORT_BYTES: Final = 5
_EXTENDED_BYTES: Final = 7
_READ_BINARY: Final = 0xB0
_SELECT: Final = 0xA4
_SELECTS_EF: Final = (b"\x00\xa4\x02\x00\x02", b"\x00\xa4\x02\x04\x02", b"\x00\xa4\x02\x0c\x02")
_SELECTS_EF_BYTES: Final = 7
_OUTSIDE: Final = frozenset({0x3F00, 0x3FFF, 0xFFFF})  # ISO/IEC 7816-4:2020, 7.4.1: the MF, the current DF, reserved
_SETS_ENVIRONMENT: Final = (b"\x00\x22\x41\xa4", b"\x00\x22\x41\xb6", b"\x00\x22\x81\xa4", b"\x00\x22\x81\xb6")

_PERMITTED: Final = (
    "a step may SELECT an EF by its identifier (00A4020C02…), READ BINARY (00B0), READ RECORD (00B2), GET DATA (00CA)"
    " or set the security environment (002241A4, 002241B6)"
)

# ISO/IEC 7816-4:2020, table 4
_OTHERS: Final = {
    0x04: "DEACTIVATE FILE changes the card",
    0x0C: "ERASE RECORD changes the card",
    0x0E: "ERASE BINARY changes the card",
    0x0F: "ERASE BINARY changes the card",
    0x10: "PERFORM SCQL OPERATION may change the card",
    0x20: "VERIFY tries a PIN, and this kind has none",
    0x21: "VERIFY tries a PIN, and this kind has none",
    0x24: "CHANGE REFERENCE DATA changes the card",
    0x25: "CHANGE REFERENCE DATA changes the card",
    0x26: "DISABLE VERIFICATION REQUIREMENT changes the card",
    0x28: "ENABLE VERIFICATION REQUIREMENT changes the card",
    0x2A: "PERFORM SECURITY OPERATION belongs in [signature], as its `command`",
    0x2C: "RESET RETRY COUNTER changes the card",
    0x2D: "RESET RETRY COUNTER changes the card",
    0x32: "CHANGE KEY changes the card",
    0x44: "ACTIVATE FILE changes the card",
    0x46: "GENERATE ASYMMETRIC KEY PAIR may change the card",
    0x47: "GENERATE ASYMMETRIC KEY PAIR may change the card",
    0x70: "MANAGE CHANNEL leads out of the application",
    0x82: "EXTERNAL AUTHENTICATE shows the card a key, and this kind only asks for one",
    0x86: "GENERAL AUTHENTICATE is not known to this kind",
    0x87: "GENERAL AUTHENTICATE is not known to this kind",
    0x88: "INTERNAL AUTHENTICATE belongs in [internal_authentication] or [signature], as its `command`:"
    " its challenge is never the same",
    0xC0: "GET RESPONSE is sent by the terminal itself",
    0xC2: "ENVELOPE may hold any command",
    0xC3: "ENVELOPE may hold any command",
    0xD0: "WRITE BINARY changes the card",
    0xD1: "WRITE BINARY changes the card",
    0xD2: "WRITE RECORD changes the card",
    0xD6: "UPDATE BINARY changes the card",
    0xD7: "UPDATE BINARY changes the card",
    0xDA: "PUT DATA changes the card",
    0xDB: "PUT DATA changes the card",
    0xDC: "UPDATE RECORD changes the card",
    0xDD: "UPDATE RECORD changes the card",
    0xE0: "CREATE FILE changes the card",
    0xE2: "APPEND RECORD changes the card",
    0xE4: "DELETE FILE changes the card",
    0xE6: "TERMINATE DF changes the card",
    0xE8: "TERMINATE EF changes the card",
    0xFE: "TERMINATE CARD USAGE changes the card",
}


def fault_of_step(apdu: bytes) -> str | None:
    """Why a profile must not send this command; None if it may.

    Args:
        apdu: the whole command.
    """
    if len(apdu) < _HEADER_BYTES:
        return f"a command has four bytes at least; {_PERMITTED}"
    if apdu[0]:
        return f"class {apdu[0]:02X} is a card's own, a logical channel or secure messaging; {_PERMITTED}"
    check = _PERMITTED_IF.get(apdu[1])
    if check is not None:
        return check(apdu)
    return f"{_OTHERS.get(apdu[1], f'instruction {apdu[1]:02X} is not known to read')}; {_PERMITTED}"


def _fault_of_select(apdu: bytes) -> str | None:
    file = int.from_bytes(apdu[_SHORT_BYTES:_SELECTS_EF_BYTES])
    without_le = apdu[:-1] if len(apdu) == _SELECTS_EF_BYTES + 1 else apdu
    if apdu.startswith(_SELECTS_EF) and len(without_le) == _SELECTS_EF_BYTES and file not in _OUTSIDE:
        return None
    return f"this SELECT may lead to another application; the profile's is selected by its `aid`; {_PERMITTED}"


def _fault_of_environment(apdu: bytes) -> str | None:
    if apdu[:_HEADER_BYTES] not in _SETS_ENVIRONMENT:
        return f"MANAGE SECURITY ENVIRONMENT otherwise than SET for authentication or signature; {_PERMITTED}"
    if len(apdu) <= _SHORT_BYTES or len(apdu) != _SHORT_BYTES + apdu[_HEADER_BYTES]:
        return "MANAGE SECURITY ENVIRONMENT: its length (Lc) is not that of its data"
    return None


def _fault_of_read(apdu: bytes) -> str | None:
    if len(apdu) == _SHORT_BYTES or (len(apdu) == _EXTENDED_BYTES and not apdu[_HEADER_BYTES]):
        return None
    return "a command that reads is four bytes and Le: one byte, or 00 and two bytes"


_PERMITTED_IF: Final = {
    _SELECT: _fault_of_select,
    0x22: _fault_of_environment,
    _READ_BINARY: _fault_of_read,
    0xB2: _fault_of_read,
    0xCA: _fault_of_read,
}
"""By instruction, what else has to hold."""


def selects_file(apdu: bytes) -> bool:
    """Whether a permitted command makes another EF the current one."""
    return apdu[1] == _SELECT


def templates_of_step(apdu: bytes) -> tuple[Template, ...]:
    """What else the terminal may send for a permitted command: the same READ BINARY with the Le that the card names."""
    if apdu[1] == _READ_BINARY and len(apdu) == _SHORT_BYTES:
        return (Template((apdu[:_HEADER_BYTES], 1)),)
    return ()


def fault_of_authentication(header: bytes) -> str | None:
    """Why a command cannot carry the challenge; None if it can.

    Args:
        header: class, instruction, P1 and P2.
    """
    internal_authenticate = header[:2] == b"\x00\x88"
    compute_digital_signature = header in {b"\x00\x2a\x9e\x9a", b"\x80\x2a\x00\x80"}
    if len(header) == _HEADER_BYTES and (internal_authenticate or compute_digital_signature):
        return None
    return (
        "only INTERNAL AUTHENTICATE (0088 and P1, P2) and COMPUTE DIGITAL SIGNATURE (002A9E9A, 802A0080) can; write"
        " their first four bytes"
    )

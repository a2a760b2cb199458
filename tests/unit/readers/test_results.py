from __future__ import annotations

import pytest
from smartcard import scard

from kazasu.errors import CardError, CardGone, ReaderUnavailable
from kazasu.readers import results


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (results.SUCCESS, scard.SCARD_S_SUCCESS),
        (results.CANCELLED, scard.SCARD_E_CANCELLED),
        (results.INVALID_HANDLE, scard.SCARD_E_INVALID_HANDLE),
        (results.UNKNOWN_READER, scard.SCARD_E_UNKNOWN_READER),
        (results.TIMEOUT, scard.SCARD_E_TIMEOUT),
        (results.SHARING_VIOLATION, scard.SCARD_E_SHARING_VIOLATION),
        (results.NO_SMARTCARD, scard.SCARD_E_NO_SMARTCARD),
        (results.PROTOCOL_MISMATCH, scard.SCARD_E_PROTO_MISMATCH),
        (results.COMM_ERROR, scard.SCARD_F_COMM_ERROR),
        (results.NOT_TRANSACTED, scard.SCARD_E_NOT_TRANSACTED),
        (results.READER_UNAVAILABLE, scard.SCARD_E_READER_UNAVAILABLE),
        (results.NO_SERVICE, scard.SCARD_E_NO_SERVICE),
        (results.SERVICE_STOPPED, scard.SCARD_E_SERVICE_STOPPED),
        (results.NO_READERS, scard.SCARD_E_NO_READERS_AVAILABLE),
        (results.UNRESPONSIVE_CARD, scard.SCARD_W_UNRESPONSIVE_CARD),
        (results.UNPOWERED_CARD, scard.SCARD_W_UNPOWERED_CARD),
        (results.RESET_CARD, scard.SCARD_W_RESET_CARD),
        (results.REMOVED_CARD, scard.SCARD_W_REMOVED_CARD),
        (results.NOT_ALLOWED, scard.SCARD_W_SECURITY_VIOLATION),
    ],
)
def test_the_numbers_are_those_of_pcsc(ours: int, theirs: int) -> None:
    assert ours == results.unsigned(theirs)


def test_a_negative_code_of_a_32_bit_system_is_the_same_code() -> None:
    assert results.unsigned(0x8010001D - (1 << 32)) == results.NO_SERVICE


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (results.NO_SERVICE, "systemctl start pcscd.socket"),
        (results.NOT_ALLOWED, "org.debian.pcsc-lite.access_card"),
        (results.SHARING_VIOLATION, "another program holds the card"),
        (0x80100001, "0x80100001"),
    ],
)
def test_an_error_says_what_to_do(code: int, words: str) -> None:
    assert words in results.explain(code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (results.NOT_TRANSACTED, CardGone),
        (results.NOT_TRANSACTED - (1 << 32), CardGone),
        (results.READER_UNAVAILABLE, ReaderUnavailable),
        (results.UNRESPONSIVE_CARD, CardError),
    ],
)
def test_what_a_failed_call_means(code: int, kind: type[Exception]) -> None:
    error = results.card_error(code, results.GONE_IN_TRANSMIT)
    assert type(error) is kind
    assert f"0x{results.unsigned(code):08X}" in str(error)

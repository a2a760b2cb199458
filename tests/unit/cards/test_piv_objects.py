"""A PIV card's data objects: exactly what the standard has, and nothing that only looks like it."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazasu.cards.piv_objects import Chuid, elements, read_certificate, read_chuid, value_of
from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason
from kazasu.virtual.piv_issuer import FASC_N, FASC_N_SHARED, certificate_object, chuid
from kazasu.virtual.tlv import tlv

GUID = bytes.fromhex("5B2C1A7E90F34D1C8A6633D0C9A4E712")
NONE = bytes(16)
# What yubico-piv-tool writes (lib/util.c, CHUID_TMPL; read back by `yubico-piv-tool -a status`), with a UUID of ours.
YUBIKEY = bytes.fromhex(
    "533B3019D4E739DA739CED39CE739D836858210842108421C84210C3EB3410" + GUID.hex() + "350832303330303130313E00FE00"
)
NUMBERS = tlv(0x30, FASC_N) + tlv(0x34, GUID)


def refused(answer: bytes, *, cut: bool = False) -> None:
    with pytest.raises(CardRefused) as caught:
        read_chuid(answer, cut=cut)
    assert caught.value.reason is DenyReason.CARD_UNREADABLE


@pytest.mark.parametrize(
    ("answer", "guid", "fasc_n"),
    [
        (chuid(GUID), GUID, FASC_N),
        (chuid(NONE), None, FASC_N),
        (chuid(GUID, FASC_N_SHARED), GUID, None),
        (chuid(NONE, FASC_N_SHARED), None, None),
        (chuid(GUID, bytes(25)), GUID, None),
        (YUBIKEY, GUID, None),
        (tlv(0x53, b""), None, None),
        (tlv(0x53, tlv(0x34, GUID)), GUID, None),
        (tlv(0x53, tlv(0x30, b"") + tlv(0x34, b"")), None, None),
        (b"\x53\x82\x00\x3b" + YUBIKEY[2:], GUID, None),  # a length in more bytes than it takes: BER allows it
    ],
)
def test_a_chuid_has_the_numbers_that_are_its_own(answer: bytes, guid: bytes | None, fasc_n: bytes | None) -> None:
    assert read_chuid(answer, cut=False) == Chuid(guid, fasc_n)


@pytest.mark.rule(7)
def test_a_chuid_is_not_printed() -> None:
    shown = repr(read_chuid(chuid(GUID), cut=False))
    assert shown == "Chuid(…)"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x53",
        b"\x53\x82",
        b"\x53\x80" + NUMBERS + b"\0\0",
        b"\x53\x83\0\0\x2d" + NUMBERS,
        NUMBERS,
        tlv(0x70, NUMBERS),
        tlv(0x53, NUMBERS)[:-1],
        tlv(0x53, NUMBERS) + b"\0",
        tlv(0x53, NUMBERS[:-1]),
        tlv(0x53, NUMBERS + b"\x35"),
        tlv(0x53, NUMBERS + b"\x35\x81"),
        tlv(0x53, NUMBERS * 2),
        tlv(0x53, tlv(0x30, FASC_N[:-1]) + tlv(0x34, GUID)),
        tlv(0x53, tlv(0x30, FASC_N) + tlv(0x34, GUID + b"\0")),
        tlv(0x53, NUMBERS + tlv(0x5F, b"\x2f")),
        tlv(0x53, NUMBERS + tlv(0x3E, bytes(8200))),
    ],
)
def test_what_is_no_chuid_is_unreadable(answer: bytes) -> None:
    refused(answer)


WHOLE = chuid(GUID)
BEHIND_THE_GUID = 4 + 27 + 18


def test_a_beginning_is_enough_from_its_numbers_on() -> None:
    for end in range(4, len(WHOLE) + 1):
        found = read_chuid(WHOLE[:end], cut=True)
        assert found == (Chuid(GUID, FASC_N) if end >= BEHIND_THE_GUID else None)


def test_a_beginning_that_is_wrong_is_unreadable_at_once() -> None:
    refused(WHOLE[:40].replace(b"\x53", b"\x70", 1), cut=True)
    refused(tlv(0x53, NUMBERS * 2 + bytes(100))[:110], cut=True)
    refused(tlv(0x53, NUMBERS) + b"\0", cut=True)


DER = b"\x30\x82\x01\x00" + bytes(range(256))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_certificate_comes_out_as_it_went_in(compressed: bool) -> None:
    assert read_certificate(certificate_object(DER, compressed=compressed)) == DER


def packed(content: bytes, info: bytes = b"\x01", rest: bytes = b"\xfe\x00") -> bytes:
    return tlv(0x53, tlv(0x70, content) + tlv(0x71, info) + rest)


def test_an_old_card_has_one_object_more() -> None:
    assert read_certificate(packed(DER, b"\0", tlv(0x72, b"") + b"\xfe\0")) == DER  # MSCUID, which is deprecated


@pytest.mark.parametrize("content", [b"", tlv(0x70, b"") + tlv(0x71, b"\0"), tlv(0x71, b"\0") + tlv(0xFE, b"")])
def test_an_empty_object_is_no_certificate(content: bytes) -> None:
    assert read_certificate(tlv(0x53, content)) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        tlv(0x53, tlv(0x3E, b"")),
        tlv(0x53, tlv(0x70, DER)),
        packed(DER, b""),
        packed(DER, b"\0\0"),
        packed(DER, b"\x02"),
        packed(DER, b"\x03"),
        packed(DER),
        packed(gzip.compress(DER)[:-1]),
        packed(gzip.compress(DER)[:-9] + bytes(9)),
        packed(gzip.compress(DER) + b"\0"),
        packed(gzip.compress(DER) * 2),
        packed(zlib.compress(DER)),
        packed(gzip.compress(bytes(8193))),
        packed(gzip.compress(bytes(5_000_000))),
    ],
)
def test_what_is_no_certificate_object_is_unreadable(answer: bytes) -> None:
    with pytest.raises(CardRefused) as caught:
        read_certificate(answer)
    assert caught.value.reason is DenyReason.CARD_UNREADABLE


def test_the_longest_certificate_still_comes_out() -> None:
    assert read_certificate(packed(gzip.compress(bytes(8192)))) == bytes(8192)


answers = st.binary(max_size=300) | st.builds(
    lambda at, other: WHOLE[:at] + other + WHOLE[at + len(other) :], st.integers(0, 90), st.binary(max_size=4)
)


@settings(max_examples=2000, deadline=None)
@given(answers, st.booleans())
def test_no_bytes_raise_anything_but_a_refusal(answer: bytes, cut: bool) -> None:
    for parse in (
        lambda: read_chuid(answer, cut=cut),
        lambda: read_certificate(answer),
        lambda: elements(answer, cut=cut),
        lambda: value_of(answer, 0x53, cut=cut),
    ):
        try:
            parse()
        except CardRefused as error:
            assert error.reason is DenyReason.CARD_UNREADABLE  # noqa: PT017  (most answers are not refused alike)

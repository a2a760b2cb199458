"""A PIV card proves its card authentication key, and a copy of it nothing but its number."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from fakes.card_channel import FakeCardChannel, ScriptedCard
from kazasu.cards.felica import Felica
from kazasu.cards.guard import AllowList, Guarded
from kazasu.cards.identify import CardKinds
from kazasu.cards.piv import Piv, _uuid
from kazasu.errors import CardGone, CardRefused, ForbiddenApdu, UnexpectedStatus
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.moment import TimeSource
from kazasu.virtual.felica import FELICA_ATR, FelicaCard
from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.piv import CARD_AUTHENTICATION, CERTIFICATES, CHUID, PivCard
from kazasu.virtual.piv_issuer import (
    FASC_N,
    FASC_N_SHARED,
    PivIssuer,
    certificate_object,
    chuid,
    clone,
    ec_key,
)
from kazasu.virtual.tlv import objects, tlv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.x509 import Certificate

    from fakes.clock import FakeClock
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.virtual.piv import PrivateKey

KEY = ec_key("card")
GUID = bytes.fromhex("5B2C1A7E90F34D1C8A6633D0C9A4E712")
OTHER_GUID = bytes.fromhex("0E6F4C3B5D2A4F1E9B8877665544332211"[:32])
OTHER_FASC_N = bytes.fromhex("D0439458210C2C19A0846D83685A1082108CE73984108CA300")
NO_GUID = bytes(16)
RSA_3072 = rsa.generate_private_key(65_537, 3072)


class Door:
    """A terminal's card kinds, and what they drew and sent last."""

    def __init__(self, ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock, **settings: int) -> None:
        self.challenges = [bytes([number]) * 32 for number in range(256)]
        self._drawn = 0
        self.kinds = CardKinds([Piv([ca_file], pseudonymizer, clock, self._random, **settings), Felica(pseudonymizer)])
        self.channel = FakeCardChannel(ScriptedCard(lambda _: b""))

    def _random(self, count: int) -> bytes:
        challenge = self.challenges[self._drawn]
        assert len(challenge) == count
        self._drawn += 1
        return challenge

    def tap(self, card: PivCard | ScriptedCard, remove_at: int | None = None) -> Identifier:
        if isinstance(card, PivCard):
            card.power_on()
        self.channel = FakeCardChannel(card, remove_at)
        return self.kinds.identify(self.channel, bytes.fromhex("3B80800101"))

    def refusal(self, card: PivCard | ScriptedCard) -> CardRefused:
        with pytest.raises(CardRefused) as caught:
            self.tap(card)
        return caught.value


@pytest.fixture
def piv_issuer() -> PivIssuer:
    return PivIssuer()


@pytest.fixture
def piv_ca(piv_issuer: PivIssuer, tmp_path: Path) -> Path:
    file = tmp_path / "piv-ca.pem"
    file.write_bytes(piv_issuer.ca_certificate.public_bytes(Encoding.PEM))
    return file


@pytest.fixture
def door(piv_ca: Path, pseudonymizer: Pseudonymizer, clock: FakeClock) -> Door:
    return Door(piv_ca, pseudonymizer, clock)


@pytest.fixture
def card(piv_issuer: PivIssuer) -> PivCard:
    return piv_issuer.card(KEY, guid=GUID)


def answering(card: PivCard, changed: Callable[[bytes, bytes], bytes]) -> ScriptedCard:
    """A card whose answers somebody changes on the way: `changed(apdu, answer)`."""
    card.power_on()
    return ScriptedCard(lambda apdu: changed(apdu, card.transmit(apdu)))


def is_authentication(apdu: bytes) -> bool:
    return apdu[:2] == b"\x00\x87"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "key", [rsa_key("card"), RSA_3072, KEY, ec_key("card", "secp384r1")], ids=["rsa2048", "rsa3072", "p256", "p384"]
)
def test_its_key_proves_challenge(door: Door, piv_issuer: PivIssuer, key: PrivateKey, compressed: bool) -> None:
    card = piv_issuer.card(key, compressed=compressed)

    identifier = door.tap(card)

    assert (identifier.kind, identifier.assurance) == ("piv", Assurance.CHALLENGE)
    assert identifier.why_not_more == ""
    assert card.used == {CARD_AUTHENTICATION}
    assert door.tap(card) == identifier


@pytest.mark.rule(7)
def test_the_pseudonym_is_over_the_cards_uuid(door: Door, card: PivCard, pseudonymizer: Pseudonymizer) -> None:
    assert door.tap(card).pseudonym == pseudonymizer.pseudonym("piv", GUID)


@pytest.mark.rule(7)
def test_without_a_uuid_it_is_over_the_fasc_n(door: Door, piv_issuer: PivIssuer, pseudonymizer: Pseudonymizer) -> None:
    identifier = door.tap(piv_issuer.card(KEY, guid=NO_GUID))
    assert identifier.pseudonym == pseudonymizer.pseudonym("piv", FASC_N)
    assert identifier.assurance is Assurance.CHALLENGE


def test_the_number_alone_is_the_same_card_and_proves_serial(door: Door, piv_issuer: PivIssuer, card: PivCard) -> None:
    proved = door.tap(card)

    read = door.tap(piv_issuer.card({}, guid=GUID))

    assert read.pseudonym == proved.pseudonym
    assert read.assurance is Assurance.SERIAL
    assert "no card authentication certificate" in read.why_not_more


@pytest.mark.parametrize("content", [b"", tlv(0x70, b""), tlv(0x70, b"") + tlv(0x71, b"\0") + tlv(0xFE, b"")])
def test_an_empty_certificate_object_is_none(door: Door, card: PivCard, content: bytes) -> None:
    card.objects[CERTIFICATES[CARD_AUTHENTICATION]] = tlv(0x53, content)
    assert door.tap(card).assurance is Assurance.SERIAL


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("key", [None, ec_key("copier"), ec_key("copier", "secp384r1"), rsa_key("copier")])
def test_a_copy_of_everything_readable_does_not_prove_the_key(
    door: Door, card: PivCard, key: PrivateKey | None, warm: bool
) -> None:
    if warm:
        door.tap(card)
    assert door.refusal(clone(card, key)).reason is DenyReason.AUTHENTICATION_FAILED


def test_a_copy_that_leaves_the_certificate_out_is_the_same_card_at_serial(door: Door, card: PivCard) -> None:
    """Whoever enrols the card at `challenge` turns this one away: what it reads as is weaker."""
    proved = door.tap(card)
    copy = clone(card)
    del copy.objects[CERTIFICATES[CARD_AUTHENTICATION]]

    read = door.tap(copy)

    assert read.pseudonym == proved.pseudonym
    assert read.assurance is Assurance.SERIAL < proved.assurance


@pytest.mark.parametrize("fasc_n", [FASC_N, FASC_N_SHARED])
def test_another_cards_number_on_a_genuine_card_is_noticed(
    door: Door, piv_issuer: PivIssuer, card: PivCard, fasc_n: bytes
) -> None:
    card.objects[CHUID] = chuid(OTHER_GUID, fasc_n)
    assert door.refusal(card).reason is DenyReason.AUTHENTICATION_FAILED


def test_a_number_that_hides_its_uuid_is_noticed(door: Door, card: PivCard) -> None:
    card.objects[CHUID] = chuid(NO_GUID)
    assert door.refusal(card).reason is DenyReason.AUTHENTICATION_FAILED


def test_another_fasc_n_beside_the_right_uuid_is_noticed(door: Door, card: PivCard) -> None:
    card.objects[CHUID] = chuid(GUID, OTHER_FASC_N)
    assert door.refusal(card).reason is DenyReason.AUTHENTICATION_FAILED


def test_a_uuid_that_the_certificate_does_not_name_is_not_proved_by_its_fasc_n(
    door: Door, piv_issuer: PivIssuer
) -> None:
    certificate = piv_issuer.certificate(KEY.public_key(), guid=None)
    error = door.refusal(piv_issuer.card(KEY, guid=GUID, certificate=certificate))
    assert error.reason is DenyReason.CERTIFICATE_UNTRUSTED
    assert "does not name the card's number" in str(error)


@pytest.mark.parametrize("guid", [GUID, NO_GUID])
def test_a_card_of_a_private_issuer_is_known_by_its_uuid_only(door: Door, piv_issuer: PivIssuer, guid: bytes) -> None:
    card = piv_issuer.card(KEY, guid=guid, fasc_n=FASC_N_SHARED)
    if any(guid):
        assert door.tap(card).assurance is Assurance.CHALLENGE
    else:
        assert door.refusal(card).reason is DenyReason.NO_STABLE_NUMBER


@pytest.mark.parametrize("purposes", [(), (ExtendedKeyUsageOID.CLIENT_AUTH,)])
def test_a_certificate_for_something_else_is_untrusted(
    door: Door, piv_issuer: PivIssuer, purposes: tuple[ExtendedKeyUsageOID, ...]
) -> None:
    certificate = piv_issuer.certificate(KEY.public_key(), guid=GUID, purposes=purposes)  # type: ignore[arg-type]
    error = door.refusal(piv_issuer.card(KEY, guid=GUID, certificate=certificate))
    assert error.reason is DenyReason.CERTIFICATE_UNTRUSTED
    assert "id-PIV-cardAuth" in str(error)


def test_another_authoritys_certificate_is_untrusted(door: Door) -> None:
    forger = PivIssuer(rsa_key("forger"))
    assert door.refusal(forger.card(KEY, guid=GUID)).reason is DenyReason.CERTIFICATE_UNTRUSTED


def test_a_key_that_the_standard_does_not_have_is_untrusted(door: Door, piv_issuer: PivIssuer, card: PivCard) -> None:
    key = ec.generate_private_key(ec.SECP521R1())
    der = piv_issuer.certificate(key.public_key(), guid=GUID).public_bytes(Encoding.DER)
    card.objects[CERTIFICATES[CARD_AUTHENTICATION]] = certificate_object(der)
    error = door.refusal(card)
    assert error.reason is DenyReason.CERTIFICATE_UNTRUSTED
    assert "P-256" in str(error)


def dated(issuer: PivIssuer, clock: FakeClock, first_s: float, last_s: float) -> Certificate:
    return issuer.certificate(
        KEY.public_key(),
        guid=GUID,
        not_before=clock.at + dt.timedelta(seconds=first_s),
        not_after=clock.at + dt.timedelta(seconds=last_s),
    )


@pytest.mark.parametrize("warm", [False, True])
def test_the_dates_count_cold_and_warm(door: Door, piv_issuer: PivIssuer, clock: FakeClock, warm: bool) -> None:
    card = piv_issuer.card(KEY, guid=GUID, certificate=dated(piv_issuer, clock, -10, 10))
    if warm:
        door.tap(card)
    clock.advance(11)
    error = door.refusal(card)
    assert error.reason is DenyReason.CERTIFICATE_EXPIRED
    assert "whoever issued the card renews it" in str(error)
    clock.step(-30)
    assert door.refusal(card).reason is DenyReason.CERTIFICATE_NOT_YET_VALID


def test_an_unset_clock_judges_no_dates_and_still_the_key(
    door: Door, piv_issuer: PivIssuer, card: PivCard, clock: FakeClock
) -> None:
    clock.source = TimeSource.NONE
    clock.at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert door.tap(card).assurance is Assurance.CHALLENGE
    assert door.refusal(clone(card, ec_key("copier"))).reason is DenyReason.AUTHENTICATION_FAILED


def test_a_second_tap_reads_no_certificate(door: Door, piv_issuer: PivIssuer, card: PivCard) -> None:
    cold = door.tap(card)
    cold_bytes = door.channel.air_bytes

    warm = door.tap(card)

    assert warm == cold
    assert [apdu[1] for apdu in door.channel.sent] == [0xA4, 0xCB, 0x87]
    assert door.channel.air_bytes < 300 < cold_bytes


def test_a_certificate_that_was_renewed_meanwhile_is_read_anew(
    door: Door, piv_issuer: PivIssuer, card: PivCard
) -> None:
    before = door.tap(card)
    renewed = piv_issuer.card(rsa_key("renewed"), guid=GUID)
    assert door.tap(renewed) == before
    door.tap(renewed)
    assert [apdu[1] for apdu in door.channel.sent] == [0xA4, 0xCB, 0x87, 0x87, 0xC0]


def test_of_the_checked_keys_the_one_shown_longest_ago_makes_room(
    piv_ca: Path, pseudonymizer: Pseudonymizer, clock: FakeClock, piv_issuer: PivIssuer, card: PivCard
) -> None:
    door = Door(piv_ca, pseudonymizer, clock, kept=2)
    other, third = piv_issuer.card(KEY, guid=OTHER_GUID), piv_issuer.card(KEY)

    def is_warm(card: PivCard) -> bool:
        door.tap(card)
        return not any(apdu.hex().startswith("00cb3fff055c035fc101") for apdu in door.channel.sent)

    assert [is_warm(each) for each in (card, other, card, third, card, other)] == [
        False,
        False,
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("uri", "uuid"),
    [
        ("urn:uuid:5b2c1a7e-90f3-4d1c-8a66-33d0c9a4e712", GUID),
        ("URN:UUID:5B2C1A7E-90F3-4D1C-8A66-33D0C9A4E712", GUID),
        ("urn:uuid:5b2c1a7e90f34d1c8a6633d0c9a4e712", None),
        ("urn:uuid:5b2c1a7e-90f3-4d1c-8a66-33d0c9a4e712 ", None),
        ("http://urn:uuid:5b2c1a7e-90f3-4d1c-8a66-33d0c9a4e712", None),
        ("urn:uuid:5b2c1a7e-90f3-4d1c-8a66-33d0c9a4e71", None),
    ],
)
def test_a_uuid_is_written_as_its_standard_says(uri: str, uuid: bytes | None) -> None:
    """RFC 9562, section 4: read in either case. Looks inside: no issuer here writes anything else."""
    assert _uuid(uri) == uuid


def test_a_replayed_answer_proves_nothing(door: Door, piv_issuer: PivIssuer, card: PivCard) -> None:
    kept: list[bytes] = []

    def keep(apdu: bytes, answer: bytes) -> bytes:
        if is_authentication(apdu):
            kept.append(answer)
        return answer

    door.tap(answering(card, keep))

    replay = answering(card, lambda apdu, answer: kept[0] if is_authentication(apdu) else answer)
    assert door.refusal(replay).reason is DenyReason.AUTHENTICATION_FAILED


@pytest.mark.parametrize("key", [KEY, rsa_key("card")], ids=["p256", "rsa"])
def test_an_answer_to_another_challenge_proves_nothing(door: Door, piv_issuer: PivIssuer, key: PrivateKey) -> None:
    genuine = piv_issuer.card(key, guid=GUID)
    genuine.power_on()

    def another(apdu: bytes) -> bytes:
        if is_authentication(apdu):
            apdu = apdu[:-2] + bytes([apdu[-2] ^ 1]) + apdu[-1:]
        return genuine.transmit(apdu)

    assert door.refusal(ScriptedCard(another)).reason is DenyReason.AUTHENTICATION_FAILED


def signature_in(answer: bytes) -> bytes:
    whole = objects(answer[:-2])
    assert whole is not None
    inner = objects(whole[0x7C])
    assert inner is not None
    return inner[0x82]


def response(content: bytes) -> bytes:
    return tlv(0x7C, content) + b"\x90\x00"


@pytest.mark.parametrize(
    "change",
    [
        lambda signature: b"\x90\x00",
        lambda signature: tlv(0x7C, tlv(0x82, signature))[:-1] + b"\x90\x00",
        lambda signature: tlv(0x7C, tlv(0x82, signature)) + b"\0\x90\x00",
        lambda signature: response(tlv(0x82, signature[:-1])),
        lambda signature: response(tlv(0x82, signature + b"\0")),
        lambda signature: response(tlv(0x82, b"")),
        lambda signature: response(tlv(0x81, signature)),
        lambda signature: response(tlv(0x82, signature) + tlv(0x81, b"")),
        lambda signature: response(tlv(0x82, signature) * 2),
        lambda signature: response(tlv(0x82, bytes(9000))),
        lambda signature: tlv(0x53, tlv(0x82, signature)) + b"\x90\x00",
        lambda signature: signature + b"\x90\x00",
        *(lambda signature, sw=sw: sw.to_bytes(2) for sw in (0x6982, 0x6985, 0x6A80, 0x6A86, 0x6A88, 0x6D00, 0x6700)),
    ],
)
def test_any_other_answer_to_the_challenge_proves_nothing(
    door: Door, card: PivCard, change: Callable[[bytes], bytes]
) -> None:
    def changed(apdu: bytes, answer: bytes) -> bytes:
        return change(signature_in(answer)) if is_authentication(apdu) else answer

    assert door.refusal(answering(card, changed)).reason is DenyReason.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    ("at", "words"),
    [(0xA4, "selecting PIV"), (0xCB, "reading the card's number"), (0x87, "card authentication")],
)
def test_a_card_that_fails_is_not_called_a_copy(door: Door, card: PivCard, at: int, words: str) -> None:
    failing = answering(card, lambda apdu, answer: b"\x6f\x00" if apdu[1] == at else answer)
    with pytest.raises(UnexpectedStatus, match=words):
        door.tap(failing)


@pytest.mark.parametrize("key", [KEY, rsa_key("card")], ids=["p256", "rsa"])
@pytest.mark.parametrize("warm", [False, True])
def test_a_card_that_leaves_at_any_moment_is_gone(
    piv_ca: Path, pseudonymizer: Pseudonymizer, clock: FakeClock, piv_issuer: PivIssuer, key: PrivateKey, warm: bool
) -> None:
    card = piv_issuer.card(key, guid=GUID)

    def fresh() -> Door:
        door = Door(piv_ca, pseudonymizer, clock)
        if warm:
            door.tap(card)
        return door

    undisturbed = fresh()
    undisturbed.tap(card)
    for number in range(1, len(undisturbed.channel.sent) + 1):
        door = fresh()
        with pytest.raises(CardGone):
            door.tap(card, remove_at=number)
        assert door.tap(card).assurance is Assurance.CHALLENGE


def test_a_card_without_the_application_is_not_asked_further(door: Door) -> None:
    error = door.refusal(ScriptedCard(lambda _: b"\x6a\x82"))
    assert error.reason is DenyReason.FOREIGN_CARD
    assert len(door.channel.sent) == 1


@pytest.mark.parametrize("empty", [None, b"\x53\x00"])
def test_an_application_that_nobody_has_personalised_is_no_card_of_this_kind(
    door: Door, card: PivCard, empty: bytes | None
) -> None:
    del card.objects[CHUID]
    if empty is not None:
        card.objects[CHUID] = empty
    assert door.refusal(card).reason is DenyReason.FOREIGN_CARD


def test_a_storage_card_is_not_asked(door: Door) -> None:
    channel = FakeCardChannel(FelicaCard(bytes(range(8))))
    assert door.kinds.identify(channel, FELICA_ATR).kind == "felica"
    assert channel.sent == [bytes.fromhex("FFCA000000")]


@pytest.mark.parametrize("sw", ["6700", "6C3D", "6A80"])
def test_a_card_that_gives_its_number_only_whole_is_read_whole(door: Door, card: PivCard, sw: str) -> None:
    expected = door.tap(card)
    whole_only = answering(
        card, lambda apdu, answer: bytes.fromhex(sw) if apdu[:2] == b"\0\xcb" and apdu[-1] else answer
    )
    assert door.tap(whole_only) == expected


def test_a_number_behind_other_things_is_read_whole(door: Door, card: PivCard) -> None:
    expected = door.tap(card)
    numbers = tlv(0x30, FASC_N) + tlv(0x34, GUID)
    card.objects[CHUID] = tlv(0x53, tlv(0x33, bytes(100)) + numbers + tlv(0xFE, b""))
    assert door.tap(card) == expected


def test_a_short_number_is_read_at_once(door: Door, card: PivCard) -> None:
    card.objects[CHUID] = chuid(GUID, signature=b"")
    door.tap(card)
    assert [apdu.hex()[:22] for apdu in door.channel.sent[1:3]] == ["00cb3fff055c035fc10250", "00cb3fff055c035fc10100"]


@pytest.mark.parametrize("key", [rsa_key("card"), RSA_3072], ids=["rsa2048", "rsa3072"])
def test_what_an_rsa_key_signs_is_the_encoded_challenge(door: Door, piv_issuer: PivIssuer, key: PrivateKey) -> None:
    """RFC 8017, 9.2: 00 01 FF … 00, DigestInfo, digest; cut as ISO/IEC 7816-4:2020, 5.3.3 has it."""
    door.tap(piv_issuer.card(key))
    size = key.key_size // 8
    sent = [apdu for apdu in door.channel.sent if apdu[1] == 0x87]
    data = b"".join(apdu[5 : 5 + apdu[4]] for apdu in sent)
    digest_info = bytes.fromhex("3031300D060960864801650304020105000420") + hashlib.sha256(bytes(32)).digest()
    block = b"\0\1" + b"\xff" * (size - 3 - len(digest_info)) + b"\0" + digest_info
    assert data == b"\x7c\x82" + (size + 6).to_bytes(2) + b"\x82\0\x81\x82" + size.to_bytes(2) + block
    assert [apdu[0] for apdu in sent] == [0x10, 0x00]
    assert [len(apdu) for apdu in sent] == [260, 5 + len(data) - 255 + 1]


GENERAL_AUTHENTICATE = "0087119E267C2482008120"


@pytest.mark.rule(6)
@pytest.mark.parametrize(
    "apdu",
    [
        "00A40400" + "0AA0000003080000100001" + "00",  # a shortened AID
        "00A4040C" + "0BA000000308000010000100",
        "00CB3FFF055C035FC10500",  # the certificate of 9A
        "00CB3FFF055C035FC10300",  # fingerprints
        "00CB3FFF055C035FC10900",  # printed information
        "00CB3FFF055C035FC1027F",
        "00CB3FFF0A5C035FC1025C035FC10300",
        "0020008008313233343536FFFF",
        "00200080",
        *(GENERAL_AUTHENTICATE.replace("9E", key) + "11" * 32 + "00" for key in ("9A", "9B", "9C", "9D", "9F")),
        GENERAL_AUTHENTICATE.replace("11", "14", 1) + "11" * 32 + "00",
        GENERAL_AUTHENTICATE + "11" * 31 + "00",
        GENERAL_AUTHENTICATE + "11" * 33 + "00",
        "0087119E267C248200852011" + "11" * 31 + "00",  # key agreement
        "1087079EFF7C82010682008182010000" + "11" * 244,  # anything but an encoded digest
        "0087039B047C02810000",
        "00DB3FFF055C035FC102",
        "0047009E05AC0380010700",
    ],
)
def test_nothing_else_may_be_sent(card: PivCard, apdu: str) -> None:
    card.power_on()
    channel = FakeCardChannel(card)
    guarded = Guarded(channel, AllowList([Piv.allow]))
    guarded.transmit(bytes.fromhex("00A404000BA00000030800001000010000"))
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(bytes.fromhex(apdu))
    assert len(channel.sent) == 1


@pytest.mark.rule(6)
def test_nothing_may_be_sent_before_its_application_is_selected(card: PivCard) -> None:
    guarded = Guarded(FakeCardChannel(card), AllowList([Piv.allow]))
    for apdu in ("00CB3FFF055C035FC10200", GENERAL_AUTHENTICATE + "11" * 32 + "00"):
        with pytest.raises(ForbiddenApdu):
            guarded.transmit(bytes.fromhex(apdu))


@pytest.mark.rule(7)
def test_no_error_names_the_card(door: Door, card: PivCard) -> None:
    card.objects[CHUID] = chuid(OTHER_GUID)
    error = door.refusal(card)
    words = f"{error!r} {error} {error.__cause__!r}".lower()
    for secret in (GUID, OTHER_GUID, FASC_N):
        assert secret.hex() not in words
        assert repr(secret)[2:-1].lower() not in words


def test_the_signature_is_made_over_the_challenge_that_was_drawn(door: Door, card: PivCard) -> None:
    answers: list[bytes] = []

    def keep(apdu: bytes, answer: bytes) -> bytes:
        answers.append(answer)
        return answer

    door.tap(answering(card, keep))
    KEY.public_key().verify(signature_in(answers[-1]), door.challenges[0], ec.ECDSA(hashes.SHA256()))


def test_a_signature_in_another_encoding_is_refused(door: Door, piv_issuer: PivIssuer) -> None:
    key = rsa_key("card")
    pss = key.sign(bytes(32), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())

    def other(apdu: bytes, answer: bytes) -> bytes:
        return response(tlv(0x82, pss)) if is_authentication(apdu) else answer

    card = answering(piv_issuer.card(key), other)
    assert door.refusal(card).reason is DenyReason.AUTHENTICATION_FAILED

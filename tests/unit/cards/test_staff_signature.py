"""A signature over a challenge, in every form that a profile may name, under a certificate of the profile's CA."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fakes.card_channel import FakeCardChannel
from fakes.staff import CARD_KEY, ISSUER, PEPPER, card_with, clock, kinds_of
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.moment import TimeSource
from kazasu.virtual.files import File
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import ATR_CONTACTLESS
from kazasu.virtual.staff_card import StaffApplication

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakes.clock import FakeClock

AID = bytes.fromhex("F04B415A5553550112")
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
SHA256, SHA384 = hashes.SHA256(), hashes.SHA384()

BY_SUBJECT = '[number]\nfrom = "certificate"\nsubject = "common_name"\n'
BY_FILE = '[[steps]]\nname = "holder"\napdu = "00B0810000"\n[number]\nfrom = "holder"\nencoding = "ascii"\n'
PLAIN = ""


def plain(signature: bytes, width: int) -> bytes:
    """A signature of EC as r and s, one after the other."""
    r, s = decode_dss_signature(signature)
    return r.to_bytes(width) + s.to_bytes(width)


def certificate(key: object = CARD_KEY, number: str = "1001", **rest: dt.datetime) -> bytes:
    assert hasattr(key, "public_key")
    return ISSUER.certificate(key.public_key(), common_name=number, **rest).public_bytes(Encoding.DER)  # type: ignore[arg-type]


def with_subject(*attributes: tuple[x509.ObjectIdentifier, str]) -> bytes:
    """A certificate of the same CA with any subject."""
    genuine = x509.load_der_x509_certificate(certificate())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes]))
        .issuer_name(genuine.issuer)
        .public_key(CARD_KEY.public_key())
        .serial_number(4711)
        .not_valid_before(genuine.not_valid_before_utc)
        .not_valid_after(genuine.not_valid_after_utc)
    )
    for extension in genuine.extensions:
        if isinstance(extension.value, x509.AuthorityKeyIdentifier | x509.KeyUsage):
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(rsa_key("staff authority"), SHA256).public_bytes(Encoding.DER)


def read(
    tmp_path: Path,
    settings: str = PLAIN,
    number: str = BY_SUBJECT,
    *,
    der: bytes | None = None,
    sign: Callable[[bytes], bytes] = lambda challenge: CARD_KEY.sign(challenge, padding.PKCS1v15(), SHA256),
    at: FakeClock | None = None,
    ca: JpkiIssuer = ISSUER,
) -> Identifier:
    """Read a card with this certificate, which signs so."""
    (tmp_path / "ca.pem").write_bytes(ca.ca_certificate.public_bytes(Encoding.PEM))
    profile = tmp_path / "staff.toml"
    profile.write_text(
        f'aid = "{AID.hex()}"\nauthentication = "signature"\n{number}'
        f'[signature]\nca = ["ca.pem"]\ncertificate_file = "0003"\ncommand = "00880081"\n{settings}'
    )
    files = {1: File(b"1001"), 3: File(certificate() if der is None else der)}
    card = card_with(StaffApplication(AID, files, {1: sign}))
    return kinds_of(profile, at=at or clock()).identify(FakeCardChannel(card), ATR_CONTACTLESS)


def refusal(tmp_path: Path, settings: str = PLAIN, number: str = BY_SUBJECT, **rest: object) -> DenyReason:
    with pytest.raises(CardRefused) as caught:
        read(tmp_path, settings, number, **rest)  # type: ignore[arg-type]
    return caught.value.reason


FORMS: dict[str, tuple[str, object, Callable[[bytes], bytes]]] = {
    "RSA signs the challenge": (
        "",
        CARD_KEY,
        lambda challenge: CARD_KEY.sign(challenge, padding.PKCS1v15(), SHA256),
    ),
    "RSA signs the hash, PSS": (
        'sends = "hash"\npadding = "pss"\nhash = "sha384"\n',
        CARD_KEY,
        lambda digest: CARD_KEY.sign(digest, padding.PSS(padding.MGF1(SHA384), 48), Prehashed(SHA384)),
    ),
    "EC P-256 signs the challenge": ("", P256, lambda challenge: P256.sign(challenge, ec.ECDSA(SHA256))),
    "EC P-256 signs the hash, plain": (
        'sends = "hash"\nec_signature = "plain"\n',
        P256,
        lambda digest: plain(P256.sign(digest, ec.ECDSA(Prehashed(SHA256))), 32),
    ),
    "EC P-384 signs the hash, plain": (
        'sends = "hash"\nec_signature = "plain"\nhash = "sha384"\nchallenge_bytes = 48\n',
        P384,
        lambda digest: plain(P384.sign(digest, ec.ECDSA(Prehashed(SHA384))), 48),
    ),
}
EACH_FORM = pytest.mark.parametrize("form", FORMS)


@EACH_FORM
def test_each_form_of_signature_proves_the_key(tmp_path: Path, form: str) -> None:
    settings, key, sign = FORMS[form]
    identifier = read(tmp_path, settings, der=certificate(key), sign=sign)
    assert identifier.assurance is Assurance.CHALLENGE
    assert identifier.pseudonym == Pseudonymizer(PEPPER).pseudonym("staff", AID, b"1001")


@EACH_FORM
@pytest.mark.parametrize(
    "change",
    [
        lambda signature: signature[:-1],
        lambda signature: signature + b"\0",
        lambda signature: b"\0" * len(signature),
        lambda signature: b"\xff" * len(signature),
        lambda signature: signature[:10] + bytes([signature[10] ^ 1]) + signature[11:],
        lambda _: b"\0",
    ],
)
def test_no_other_bytes_do(tmp_path: Path, form: str, change: Callable[[bytes], bytes]) -> None:
    settings, key, sign = FORMS[form]
    reason = refusal(tmp_path, settings, der=certificate(key), sign=lambda sent: change(sign(sent)))
    assert reason is DenyReason.AUTHENTICATION_FAILED


@EACH_FORM
def test_a_signature_over_another_challenge_does_not(tmp_path: Path, form: str) -> None:
    settings, key, sign = FORMS[form]
    recorded: list[bytes] = []

    def replays(sent: bytes) -> bytes:
        recorded.append(sign(sent))
        return recorded[0]

    read(tmp_path, settings, der=certificate(key), sign=replays)
    assert refusal(tmp_path, settings, der=certificate(key), sign=replays) is DenyReason.AUTHENTICATION_FAILED


def test_what_the_card_is_sent_has_the_form_that_it_takes(tmp_path: Path) -> None:
    sent: list[bytes] = []

    def noting(data: bytes) -> bytes:
        sent.append(data)
        return b"\0"

    for sends in ("challenge", "hash", "digest_info"):
        refusal(tmp_path, f'sends = "{sends}"\nchallenge_bytes = 20\n', sign=noting)
    assert [len(data) for data in sent] == [20, hashlib.sha256().digest_size, 19 + hashlib.sha256().digest_size]
    assert sent[2].startswith(bytes.fromhex("3031300D0609608648016503040201"))


def test_whose_certificate_it_is_shows_in_the_signature(tmp_path: Path) -> None:
    """Somebody with a card of the same CA shows another's certificate."""
    anothers = certificate(rsa_key("another staff card"), "1002")
    assert refusal(tmp_path, der=anothers) is DenyReason.AUTHENTICATION_FAILED


def test_a_certificate_of_no_named_ca_is_not_trusted(tmp_path: Path) -> None:
    assert refusal(tmp_path, ca=JpkiIssuer(rsa_key("stranger"))) is DenyReason.CERTIFICATE_UNTRUSTED


def test_its_dates_count_unless_the_clock_is_unset(tmp_path: Path) -> None:
    now = clock()
    expired = certificate(not_before=now.at - dt.timedelta(days=2), not_after=now.at - dt.timedelta(days=1))
    later = certificate(not_before=now.at + dt.timedelta(days=1), not_after=now.at + dt.timedelta(days=2))
    assert refusal(tmp_path, der=expired) is DenyReason.CERTIFICATE_EXPIRED
    assert refusal(tmp_path, der=later) is DenyReason.CERTIFICATE_NOT_YET_VALID
    now.source = TimeSource.NONE
    assert read(tmp_path, der=expired, at=now).assurance is Assurance.CHALLENGE


@pytest.mark.parametrize(
    ("subject", "oid"),
    [
        ("common_name", NameOID.COMMON_NAME),
        ("serial_number", NameOID.SERIAL_NUMBER),
        ("user_id", NameOID.USER_ID),
    ],
)
def test_the_number_may_stand_in_several_places_of_the_subject(
    tmp_path: Path, subject: str, oid: x509.ObjectIdentifier
) -> None:
    number = f'[number]\nfrom = "certificate"\nsubject = "{subject}"\n'
    names = [NameOID.COMMON_NAME, NameOID.SERIAL_NUMBER, NameOID.USER_ID]
    der = with_subject(*((name, "1001" if name == oid else "other") for name in names))
    pseudonym = Pseudonymizer(PEPPER).pseudonym("staff", AID, b"1001")
    assert read(tmp_path, number=number, der=der).pseudonym == pseudonym
    for wrong in ([], [(oid, "1"), (oid, "2")]):
        der = with_subject((NameOID.COUNTRY_NAME, "JP"), *wrong)
        assert refusal(tmp_path, number=number, der=der) is DenyReason.CARD_UNREADABLE
    assert refusal(tmp_path, number=number, der=with_subject((oid, "000"))) is DenyReason.NO_STABLE_NUMBER


def test_a_renewed_certificate_of_the_same_number_is_the_same_person(tmp_path: Path) -> None:
    assert read(tmp_path, der=certificate()) == read(tmp_path, der=certificate())


def test_with_the_number_in_a_file_the_certificate_is_the_credential(tmp_path: Path) -> None:
    """Nothing signs the file, so who has one card could write any number into it."""
    mine, renewed = certificate(), certificate()
    identifier = read(tmp_path, number=BY_FILE, der=mine)
    assert identifier == read(tmp_path, number=BY_FILE, der=mine)
    assert identifier.pseudonym != read(tmp_path, number=BY_FILE, der=renewed).pseudonym
    assert identifier.pseudonym != read(tmp_path, der=mine).pseudonym
    assert identifier.assurance is Assurance.CHALLENGE


@pytest.mark.parametrize(
    "head", ["", "30", "3080", "3081", "30810200", "30820000", "3082FFFF", "31820400", "308303FFFF"]
)
def test_a_file_that_does_not_begin_like_a_certificate_is_unreadable(tmp_path: Path, head: str) -> None:
    for der in (bytes.fromhex(head), bytes.fromhex(head).ljust(300, b"\0")):
        assert refusal(tmp_path, der=der) is DenyReason.CARD_UNREADABLE

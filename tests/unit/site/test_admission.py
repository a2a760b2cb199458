"""Who is admitted, once, and who is not."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.enrolment import DAY, NOW, Newcomer, admission
from kazasu.enrolment import request
from kazasu.enrolment.reply import certificate_for
from kazasu.enrolment.request import claimed
from kazasu.errors import EnrolmentRefused, SignatureInvalid
from kazasu.model.document import canonical, signed
from kazasu.model.signature import Ed25519Signer
from kazasu.site.admission import Admission, invite
from kazasu.site.authority import CERTIFICATE_VALID_FOR, Authority
from kazasu.site.revocation import revocations, revoke
from kazasu.virtual.site import PASSPHRASE, make_site

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.directory import Site, TerminalRecord

LATER = NOW + 2 * DAY

UNKNOWN_KEY = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDKx8JAyEA/sFChnP2r+iSZLOAc0SuiyadElpQOFUgJofbWnEoV58=
-----END PUBLIC KEY-----
"""


def files(site: Site) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (site.path / "terminals").iterdir()}


def is_refused(site: Site, payload: bytes, words: str, now: object = NOW) -> None:
    """Refused with these words, and nothing is changed."""
    before = files(site)
    with pytest.raises(EnrolmentRefused, match=words):
        admission(site).accept(payload, now)  # type: ignore[arg-type]
    assert files(site) == before


def serial_of(site: Site, terminal: str = "entrance-1") -> int:
    return int(site.terminal(terminal).certificates[-1].serial, 16)


def test_whoever_has_bundle_and_code_is_admitted_and_gets_a_certificate(site: Site) -> None:
    newcomer = Newcomer(site)
    assert site.terminal("entrance-1").state == "invited"
    asked = newcomer.asks()
    answer = admission(site).accept(asked, NOW)
    pem = certificate_for(
        answer.body,
        site.verifier(),
        site=site.name,
        terminal="entrance-1",
        request=claimed(asked).digest,
        key=newcomer.client,
    )
    certificate = x509.load_pem_x509_certificate(pem.encode())
    certificate.verify_directly_issued_by(site.authority(PASSPHRASE).certificate)
    assert certificate.not_valid_after_utc == NOW + CERTIFICATE_VALID_FOR
    record = site.terminal("entrance-1")
    assert (record.state, record.invitation) == ("active", None)
    assert record.event_key is not None
    assert record.event_key.keyid == newcomer.event.keyid
    assert serial_of(site) == certificate.serial_number


def test_a_bundle_is_good_for_one_request(site: Site) -> None:
    newcomer = Newcomer(site)
    first = newcomer.asks()
    admission(site).accept(first, NOW)
    is_refused(site, first, "entrance-1 has no open invitation")
    newcomer.client = ec.generate_private_key(ec.SECP256R1())
    is_refused(site, newcomer.asks(), "entrance-1 has no open invitation")


def test_the_bundles_own_certificate_ends_with_its_use(site: Site) -> None:
    newcomer = Newcomer(site)
    bootstrap = x509.load_pem_x509_certificate(newcomer.secrets.certificate.encode())
    assert bootstrap.not_valid_after_utc == NOW + DAY
    assert list(revocations(site.terminals().values(), NOW)) == []
    admission(site).accept(newcomer.asks(), NOW)
    assert list(revocations(site.terminals().values(), NOW)) == [(bootstrap.serial_number, NOW)]
    assert list(revocations(site.terminals().values(), LATER)) == []  # it ended by itself


def test_after_its_day_it_admits_nobody(site: Site) -> None:
    newcomer = Newcomer(site)
    is_refused(site, newcomer.asks(), "the invitation of entrance-1 ended at 2026-04-02 08:30", LATER)


def test_a_newer_bundle_takes_the_old_ones_place(site: Site) -> None:
    old = Newcomer(site)
    new = Newcomer(site)
    is_refused(site, old.asks(), "not signed by whom it claims")
    admission(site).accept(new.asks(), NOW)


def test_a_bundle_admits_only_whom_it_is_for(site: Site) -> None:
    newcomer, other = Newcomer(site), Newcomer(site, "entrance-2")
    is_refused(site, newcomer.asks(terminal="entrance-2"), "not signed by whom it claims")
    is_refused(site, newcomer.asks(terminal="entrance-3"), "nobody invited 'entrance-3'")
    is_refused(site, newcomer.asks(site="elsewhere"), "meant for 'elsewhere', 'entrance-1'")
    admission(site).accept(other.asks(), NOW)


def test_without_the_one_time_key_nobody_is_admitted(site: Site) -> None:
    newcomer = Newcomer(site)
    newcomer.one_time = Ed25519Signer(Ed25519PrivateKey.generate())
    is_refused(site, newcomer.asks(), "not signed by whom it claims")


def test_a_certificate_request_for_a_kind_of_key_that_nobody_knows_is_refused(site: Site) -> None:
    newcomer = Newcomer(site)
    fields = {name: value for name, value in json.loads(newcomer.asks()).items() if name not in {"keyid", "sig"}}
    der = base64.b64decode("".join(fields["csr"].splitlines()[1:-1]))
    unknown = der.replace(bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209"))
    assert unknown != der
    armour = "-----BEGIN CERTIFICATE REQUEST-----\n{}-----END CERTIFICATE REQUEST-----\n"
    csr = armour.format(base64.encodebytes(unknown).decode())
    is_refused(site, signed(fields | {"csr": csr}, newcomer.one_time).body, "certificate request cannot be read")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "command"}, "no request of a terminal, but 'command'"),
        ({"v": 2}, "meant for 'town-hall', 'entrance-1'"),
        ({"admin": 1}, "not of this version"),
        ({"csr": "-----BEGIN CERTIFICATE REQUEST-----"}, "cannot be read"),
        ({"proof": "AAAA"}, "its event key does not sign for it"),
        ({"event_key": "none"}, "its event key does not sign for it"),
        ({"event_key": UNKNOWN_KEY}, "its event key does not sign for it"),
        ({"site": "a\x1b[2J\nb"}, r"meant for 'a\\x1b\[2J\\nb'"),
        ({"terminal": "../site"}, "nobody invited"),
        ({"terminal": 7}, "no request of a terminal"),
        ({"made": "x" * 20_000}, "larger than"),
    ],
)
def test_a_request_of_another_form_is_refused(site: Site, changes: dict[str, int | str], words: str) -> None:
    newcomer = Newcomer(site)
    fields = {name: value for name, value in json.loads(newcomer.asks()).items() if name not in {"keyid", "sig"}}
    is_refused(site, signed(fields | changes, newcomer.one_time).body, words)


@pytest.mark.parametrize("payload", [b"", b"null", b"[1]", b"\xff", b'{"type":"enrolment"}', b"{" * 5000])
def test_what_is_no_request_at_all_is_refused(site: Site, payload: bytes) -> None:
    is_refused(site, payload, "no request of a terminal")


def test_an_event_key_that_somebody_else_holds_cannot_be_registered(site: Site) -> None:
    """Its public half is known to everybody; the proof needs the private one."""
    first = Newcomer(site)
    admission(site).accept(first.asks(), NOW)
    second = Newcomer(site, "entrance-2")
    second.event = first.event
    is_refused(site, second.asks(), "is entrance-1's: a copied SD card")


def test_a_certificate_request_for_another_name_or_kind_of_key_is_refused(site: Site) -> None:
    newcomer = Newcomer(site)
    fields = {
        name: value for name, value in json.loads(newcomer.asks()).items() if name not in {"keyid", "sig", "proof"}
    }
    large = rsa.generate_private_key(65537, 2048)
    for key, name, words in (
        (newcomer.client, "desk", "its certificate request is for desk, not for entrance-1"),
        (large, "entrance-1", "is not P-256"),
    ):
        other = fields | {"csr": request._fields("enrolment", site.name, name, NOW, key)["csr"]}  # type: ignore[arg-type]
        proof = newcomer.event.sign(canonical(other))
        body = signed({**other, "proof": base64.b64encode(proof).decode()}, newcomer.one_time).body
        is_refused(site, body, words)


def test_a_terminal_that_is_there_is_not_invited_by_mistake(site: Site) -> None:
    admission(site).accept(Newcomer(site).asks(), NOW)
    with pytest.raises(EnrolmentRefused, match="entrance-1 is active already"):
        Newcomer(site)


@pytest.mark.parametrize(
    "name",
    [
        "enrol-entrance-1",
        "desk",
        "collector",
        "discovery",
        "homeassistant",
        "operations",
        "broker",
        "Entrance",
        "a/b",
        "",
        "+",
        "a" * 33,
    ],
)
def test_a_name_that_would_be_something_else_on_the_broker_is_refused(site: Site, name: str) -> None:
    with pytest.raises(EnrolmentRefused):
        invite(site, name, None, DAY, NOW, again=False)


def test_new_keys_end_the_old_ones_when_they_are_accepted(site: Site) -> None:
    old = Newcomer(site)
    admission(site).accept(old.asks(), NOW)
    old_serial = serial_of(site)
    new = Newcomer(site, again=True)
    assert site.terminal("entrance-1").event_key is not None, "until then the old ones count"
    admission(site).accept(new.asks(), NOW)
    record = site.terminal("entrance-1")
    assert [(key.keyid, key.revoked_at) for key in record.event_keys] == [
        (old.event.keyid, NOW),
        (new.event.keyid, None),
    ]
    assert old_serial in dict(revocations(site.terminals().values(), NOW))
    assert serial_of(site) not in dict(revocations(site.terminals().values(), NOW))


def test_a_terminal_may_keep_its_event_key_and_so_its_journal(site: Site) -> None:
    old = Newcomer(site)
    admission(site).accept(old.asks(), NOW)
    new = Newcomer(site, again=True)
    new.event = old.event
    admission(site).accept(new.asks(), LATER - DAY)
    [key] = site.terminal("entrance-1").event_keys
    assert (key.keyid, key.since, key.revoked_at) == (old.event.keyid, NOW, None)


def test_renewal_is_for_who_has_the_event_key_and_once_for_each_certificate(site: Site) -> None:
    newcomer = Newcomer(site)
    admission(site).accept(newcomer.asks(), NOW)
    first = serial_of(site)
    newcomer.client = ec.generate_private_key(ec.SECP256R1())
    asked = newcomer.renews(first)
    admission(site).accept(asked, LATER)
    assert serial_of(site) != first
    assert [certificate.revoked_at for certificate in site.terminal("entrance-1").certificates] == [None, None]
    is_refused(site, asked, "a certificate that has one already", LATER)
    newcomer.event = Ed25519Signer(Ed25519PrivateKey.generate())
    is_refused(site, newcomer.renews(serial_of(site)), "not signed by whom it claims", LATER)


def test_an_open_invitation_does_not_hinder_renewal(site: Site) -> None:
    newcomer = Newcomer(site)
    admission(site).accept(newcomer.asks(), NOW)
    Newcomer(site, again=True)
    Newcomer(site, again=True)  # whose predecessor's certificate is on the list now
    admission(site).accept(newcomer.renews(serial_of(site)), NOW)


def test_nothing_of_a_revoked_terminal_is_renewed_or_admitted(site: Site) -> None:
    newcomer = Newcomer(site)
    admission(site).accept(newcomer.asks(), NOW)
    invited = Newcomer(site, again=True)
    revoke(site, "entrance-1", site.authority(PASSPHRASE), NOW)
    assert serial_of(site) in dict(revocations(site.terminals().values(), NOW))
    is_refused(site, newcomer.renews(serial_of(site)), "entrance-1 is revoked")
    is_refused(site, invited.asks(), "no open invitation")
    before = files(site)
    revoke(site, "entrance-1", site.authority(PASSPHRASE), LATER)
    assert files(site) == before, "once is enough"
    with pytest.raises(EnrolmentRefused, match="no terminal 'gate'"):
        revoke(site, "gate", None, NOW)


def test_another_box_may_get_a_revoked_ones_name_but_not_its_key(site: Site) -> None:
    stolen = Newcomer(site)
    admission(site).accept(stolen.asks(), NOW)
    revoke(site, "entrance-1", site.authority(PASSPHRASE), NOW)
    new = Newcomer(site, again=True)
    mine, new.event = new.event, stolen.event
    is_refused(site, new.asks(), "and revoked")
    new.event = mine
    admission(site).accept(new.asks(), NOW)
    assert site.terminal("entrance-1").state == "active"


def test_a_reply_is_for_one_request_of_one_terminal(tmp_path: Path, site: Site) -> None:
    newcomer = Newcomer(site)
    asked = newcomer.asks()
    answer = admission(site).accept(asked, NOW).body
    mine = {
        "site": site.name,
        "terminal": "entrance-1",
        "request": claimed(asked).digest,
        "key": newcomer.client,
    }
    elsewhere = make_site(tmp_path / "elsewhere")
    for change in ({"terminal": "entrance-2"}, {"request": "0" * 64}):
        with pytest.raises(SignatureInvalid):
            certificate_for(answer, site.verifier(), **(mine | change))  # type: ignore[arg-type]
    with pytest.raises(SignatureInvalid):
        certificate_for(answer, elsewhere.verifier(), **mine)  # type: ignore[arg-type]
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(EnrolmentRefused, match="for another key"):
        certificate_for(answer, site.verifier(), **(mine | {"key": other}))  # type: ignore[arg-type]


def test_a_refusal_reaches_whom_it_is_for_in_words(site: Site) -> None:
    newcomer = Newcomer(site)
    asked = newcomer.asks()
    answer = admission(site).refused(asked, "ask Hanako")
    assert answer is not None
    with pytest.raises(EnrolmentRefused, match="the site says no: ask Hanako"):
        certificate_for(
            answer.body,
            site.verifier(),
            site=site.name,
            terminal="entrance-1",
            request=claimed(asked).digest,
            key=newcomer.client,
        )


def test_a_ca_elsewhere_certifies_what_was_asked_for_and_nothing_else(site: Site) -> None:
    newcomer = Newcomer(site)
    ca, asked = site.authority(PASSPHRASE), newcomer.asks()
    desk = Admission(site, site.unlock(PASSPHRASE), None)
    with pytest.raises(EnrolmentRefused, match="this site's CA is elsewhere"):
        desk.accept(asked, NOW)
    public = desk.request_of(asked, NOW).public
    for wrong in (
        ca.client("desk", public, NOW),
        ca.client("entrance-1", site.authority(PASSPHRASE).key.public_key(), NOW),
    ):
        with pytest.raises(EnrolmentRefused, match="the certificate is for"):
            desk.accept(asked, NOW, wrong)
    desk.accept(asked, NOW, ca.client("entrance-1", public, NOW))
    assert site.terminal("entrance-1").state == "active"


def test_while_one_desk_answers_no_other_can(site: Site) -> None:
    class Watched(Authority):
        """Issues while somebody else tries to get in."""

        def client(self, *given: Any, **named: Any) -> x509.Certificate:
            descriptor = os.open(site.path, os.O_RDONLY)
            with pytest.raises(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(descriptor)
            tried.append(True)
            return super().client(*given, **named)

    tried: list[bool] = []
    newcomer, ca = Newcomer(site), site.authority(PASSPHRASE)
    Admission(site, site.unlock(PASSPHRASE), Watched(ca.certificate, ca.key)).accept(newcomer.asks(), NOW)
    assert tried


def test_the_broker_says_who_asks_and_nobody_asks_for_another(site: Site) -> None:
    newcomer = Newcomer(site)
    with pytest.raises(EnrolmentRefused, match="it came from gate, and speaks for 'entrance-1'"):
        admission(site).accept(newcomer.asks(), NOW, by="gate")
    admission(site).accept(newcomer.asks(), NOW, by="entrance-1")


def test_a_certificate_request_that_its_key_did_not_sign_is_refused(site: Site) -> None:
    newcomer = Newcomer(site)
    asked = json.loads(newcomer.asks())
    der = x509.load_pem_x509_csr(asked["csr"].encode()).public_bytes(Encoding.DER)
    changed = base64.encodebytes(der[:-1] + bytes([der[-1] ^ 1])).decode()
    fields = {name: value for name, value in asked.items() if name not in {"keyid", "sig", "proof"}}
    fields["csr"] = f"-----BEGIN CERTIFICATE REQUEST-----\n{changed}-----END CERTIFICATE REQUEST-----\n"
    proof = base64.b64encode(newcomer.event.sign(canonical(fields))).decode()
    is_refused(site, signed({**fields, "proof": proof}, newcomer.one_time).body, "is not signed with the key")


def test_the_list_for_the_broker_names_what_no_record_does_yet(site: Site) -> None:
    """A power cut after the list and before the record: better a bundle too many refused."""

    class Cut(type(site)):  # type: ignore[misc]  # the site's own class
        def save(self, record: TerminalRecord) -> None:
            raise InterruptedError(record.id)

    newcomer = Newcomer(site)
    admission(site).accept(newcomer.asks(), NOW)
    with pytest.raises(InterruptedError):
        revoke(Cut(site.path, site._file), "entrance-1", site.authority(PASSPHRASE), NOW)
    listed = x509.load_pem_x509_crl(site.file("crl.pem").read_bytes())
    assert site.terminal("entrance-1").state == "active"
    assert serial_of(site) in [entry.serial_number for entry in listed]

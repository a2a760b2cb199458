"""Records the transcripts anew, each from a virtual card.

    PYTHONPATH=tests python tests/vectors/cards/record.py [NAME …]

Only for a kind that sends other commands than before: a recorded read that stays is what shows that nothing changed.
"""

from __future__ import annotations

import datetime as dt
import secrets
import sys
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from fakes import felica as felica_cards
from fakes import staff as applications
from fakes.transcript import FOLDER, Transcript, record
from kazasu.cards.diversification import aes_key
from kazasu.virtual.desfire import DesfireCard, DesfireFile, DesfireKey
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.felica_reader import DirectReader, Pn532Reader, TransparentReader
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import TOKEN_ANDROID
from kazasu.virtual.mifare import ULTRALIGHT_ATR, MifareCard
from kazasu.virtual.piv_issuer import FASC_N_SHARED, PivIssuer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.felica_reader import FelicaReader
    from kazasu.virtual.jpki import PrivateKey

_ISO_7816_4 = "ISO/IEC 7816-4:2020, 11.2.2, 11.3.3, 11.5.2"
_FELICA_READERS = {
    "transparent": "PC/SC part 3, supplement 2.02",
    "direct": "ACS, ACR1252U Application Programming Interface",
    "acr122u": "ACS, ACR122U Application Programming Interface",
}
_MYNA_CARD = "soltia48/myna-card, src/ap/common.rs"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=400)  # after the card, before its end


def blank(card: str, kind: str, in_field: VirtualCard, source: str, **rest: Any) -> Transcript:
    """A transcript without the read."""
    defaults: dict[str, Any] = {"settings": {}, "keys": {}, "demand": "serial", "pin": None}
    return Transcript(
        card=card,
        source=source,
        kind=kind,
        atr=in_field.atr.hex(),
        time=NOW.isoformat(),
        random="",
        exchanges=[],
        identifier={},
        **(defaults | rest),
    )


def taken(name: str, card: VirtualCard, transcript: Transcript) -> None:
    """Record one."""
    card.power_on()
    record(name, transcript, card, secrets.token_bytes)


def jpki() -> None:
    issuer = JpkiIssuer()
    (FOLDER / "jpki-ca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
    settings = {"ca": ["jpki-ca.pem"]}
    source = "OpenSC, src/libopensc/card-jpki.c and pkcs15-jpki.c"
    card = issuer.card(rsa_key("card"))
    taken("jpki", card, blank("My Number Card, without its PIN", "jpki", card, source, settings=settings))
    with_pin = {"settings": settings, "demand": "challenge_pin", "pin": "4711"}
    keys: dict[str, PrivateKey] = {"rsa": rsa_key("card"), "p384": ec.generate_private_key(ec.SECP384R1())}
    for name, key in keys.items():
        card = issuer.card(key, pin="4711")
        taken(f"jpki_pin_{name}", card, blank("My Number Card, with its PIN", "jpki", card, source, **with_pin))
    phone = issuer.card(rsa_key("phone"), pin="4711", token=TOKEN_ANDROID)
    taken("jpki_phone", phone, blank("An Android phone, with its PIN", "jpki", phone, source, **with_pin))


def desfire() -> None:
    uid, aid, master = bytes.fromhex("04A1B2C3D4E580"), bytes.fromhex("F53042"), bytes(range(16))
    keys = {3: DesfireKey(aes_key(master, uid + aid + b"kazasu"), 1)}
    files = {2: DesfireFile(b"1001    ", 3)}
    settings = {"aid": aid.hex(), "key": "staff", "key_number": 3, "system_identifier": b"kazasu".hex()}
    for generation, of in (("ev1", False), ("ev2", True)):
        for number, where in (("file", {"file": 2, "length": 8}), ("uid", {})):
            card = DesfireCard(uid, aid, keys, files, ev2=of)
            words = f"DESFire {generation.upper()}, its {number} under a diversified AES key"
            rest = {"settings": settings | where, "keys": {"staff": {"1": master.hex()}}, "demand": "challenge"}
            taken(
                f"desfire_{generation}_{number}", card, blank(words, "desfire", card, "NXP, AN12196, AN12343", **rest)
            )


def piv() -> None:
    issuer = PivIssuer()
    (FOLDER / "piv-ca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
    settings = {"ca": ["piv-ca.pem"]}
    source = "NIST SP 800-73-4 part 1, appendix A, and part 2, 3.1 and 3.2.4"
    keys: dict[str, PrivateKey] = {
        "rsa": rsa_key("card"),
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()),
    }
    for name, key in keys.items():
        card = issuer.card(key, compressed=name == "p384")
        words = f"PIV by its card authentication key, {name}"
        taken(f"piv_{name}", card, blank(words, "piv", card, source, settings=settings))
    card = issuer.card({}, fasc_n=FASC_N_SHARED)
    taken("piv_chuid", card, blank("PIV-I without a certificate", "piv", card, source, settings=settings))


def felica() -> None:
    card = FelicaCard(bytes.fromhex("012E4CD8A3F2B07C"))
    taken("felica", card, blank("FeliCa by its IDm", "felica", card, "PC/SC part 3, 3.2.2.1.3"))


def felica_lite_s() -> None:
    keys = {"badge": {"1": felica_cards.OLD_MASTER.hex(), "2": felica_cards.MASTER.hex()}}
    readers: dict[str, FelicaReader] = {
        "transparent": TransparentReader(),
        "direct": DirectReader(),
        "acr122u": Pn532Reader(),
    }
    for name, reader in readers.items():
        card = felica_cards.lite_s(reader)
        source = f"Sony, FeliCa Lite-S User's Manual; {_FELICA_READERS[name]}"
        rest = {"settings": {"key": "badge"}, "keys": keys, "demand": "challenge"}
        words = "FeliCa Lite-S by its card key, made of a master key"
        taken(f"felica_lite_s_{name}", card, blank(words, "felica", card, source, **rest))


def felica_fcf() -> None:
    card = felica_cards.student()
    source = f"Sony, FeliCa Card User's Manual, Excerpted Edition; {_FELICA_READERS['transparent']}"
    words = "FeliCa by a number in the common-use format"
    taken("felica_fcf", card, blank(words, "felica", card, source, settings={"service_block": {}}))


def mifare() -> None:
    card = MifareCard(bytes.fromhex("04A1B2C3D4E5F6"), ULTRALIGHT_ATR)
    taken("mifare", card, blank("MIFARE Ultralight by its UID", "mifare", card, "PC/SC part 3, 3.2.2.1.3"))


def common() -> None:
    # The serial number is a test card's: soltia48/myna-card, src/ap/common.rs, tests.
    card = JpkiIssuer().card(rsa_key("card"), common="4000000127198431322120350217")
    taken("common", card, blank("My Number Card by its common application", "common", card, _MYNA_CARD))


def staff_aes128() -> None:
    card = applications.card_with(applications.aes(), on_my_number_card=True)
    words = "My Number Card with the staff application of config/cards.d/staff-aes128.toml"
    keys = {"staff": {str(version): key.hex() for version, key in applications.KEYS.items()}}
    settings = {"profiles": ["../../../config/cards.d/staff-aes128.toml"]}
    taken("staff_aes128", card, blank(words, "staff", card, _ISO_7816_4, settings=settings, keys=keys))


def staff_number() -> None:
    card = applications.card_with(applications.number_only(), on_my_number_card=True)
    words = "My Number Card with the staff application of config/cards.d/staff-number.toml"
    settings = {"profiles": ["../../../config/cards.d/staff-number.toml"]}
    taken("staff_number", card, blank(words, "staff", card, _ISO_7816_4, settings=settings))


def staff_rsa() -> None:
    applications.with_example(FOLDER, "staff-rsa")
    card = applications.card_with(applications.rsa(), on_my_number_card=True)
    words = "My Number Card with the staff application of config/cards.d/staff-rsa.toml"
    settings = {"profiles": ["staff-rsa.toml"]}
    taken("staff_rsa", card, blank(words, "staff", card, _ISO_7816_4, settings=settings))


RECORDINGS: tuple[Callable[[], None], ...] = (
    jpki,
    desfire,
    piv,
    felica,
    felica_lite_s,
    felica_fcf,
    mifare,
    common,
    staff_aes128,
    staff_number,
    staff_rsa,
)

if __name__ == "__main__":
    for recording in RECORDINGS:
        if not sys.argv[1:] or recording.__name__ in sys.argv[1:]:
            recording()

"""A new site: its keys, its certificate authority, and certificates for the broker and the site's own clients of it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kazasu.config.problems import problems_of
from kazasu.errors import KazasuError
from kazasu.model.pepper import Pepper
from kazasu.site.authority import Authority, general_name
from kazasu.site.directory import Site, SiteFile, open_site
from kazasu.site.own_certificates import OWN, renew
from kazasu.site.pem import certificate_pem, key_pem, public_pem
from kazasu.store.durable import sync_directory
from kazasu.store.keys import new_pepper, pepper_text, write_new
from kazasu.store.roster_csv import COLUMNS, OPTIONAL_COLUMNS

if TYPE_CHECKING:
    import datetime as dt

SHORTEST_PASSPHRASE = 16
"""PKCS#8 as OpenSSL writes it stretches a passphrase by 2048 rounds only: its length has to do the rest."""

_IGNORED = """\
# Secrets. They belong into a backup that you lock up, and never under version control.
keys/
*.bundle
broker.key
roster/.*
"""

_HOST_NAME = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?")


class Founding(msgspec.Struct, frozen=True, kw_only=True):
    """What a new site is to be.

    Attributes:
        name: the site's.
        timezone: IANA name.
        host: the broker's name, as its certificate will have it.
        port: the broker's.
        pepper: of a site whose terminals have one already; None makes one.
        ca: the certificate of a CA elsewhere, PEM, which gets requests to sign; None makes a CA.
    """

    name: str
    timezone: str
    host: str
    port: int = 8883
    pepper: Pepper | None = None
    ca: bytes | None = None


def found(path: Path, founding: Founding, passphrase: str, now: dt.datetime) -> Site:
    """Make a site directory: all of it, or nothing.

    Args:
        path: where; not there yet, or an empty directory.
        founding: what it is to be.
        passphrase: for the site key and the CA's.
        now: aware.

    Raises:
        KazasuError: there is something already, the passphrase is too short, or it cannot be written.
    """
    expect_free(path)
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise KazasuError(
            f"the passphrase has {len(passphrase)} characters: take {SHORTEST_PASSPHRASE} or more, such as five random"
            " words; whoever has it and the files speaks for the site"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as directory:
            staged = Path(directory) / "site"
            staged.mkdir(mode=0o755)
            for folder in ("keys", "keys/clients"):
                (staged / folder).mkdir(mode=0o700)
            for folder in ("clients", "terminals", "roster"):
                (staged / folder).mkdir(mode=0o755)
            _fill(staged, founding, passphrase, now)
            staged.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        raise KazasuError(f"{path} cannot be made: {error.strerror}") from error
    return open_site(path)


def expect_free(path: Path) -> None:
    """Return if a site directory can be made there.

    Raises:
        KazasuError: there is something already.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise KazasuError(
            f"{path} is there already, and is left as it is: a second `init` would replace keys that every terminal"
            " trusts; name a new directory"
        )


def _check(founding: Founding) -> None:
    """Find what could not be read again.

    Raises:
        KazasuError: a name, a zone or an address that is none.
    """
    address = {"host": founding.host, "port": founding.port}
    wrong = [
        f"{'.'.join(map(str, keys))}: {words}"
        for keys, words in problems_of(
            {"name": founding.name, "timezone": founding.timezone, "broker": address}, SiteFile
        )
    ]
    if wrong:
        raise KazasuError("; ".join(wrong))
    try:
        name = general_name(founding.host)
    except ValueError as error:
        raise KazasuError(f"broker.host: {founding.host!r} is no host name for a certificate: {error}") from error
    if isinstance(name, x509.DNSName) and not _HOST_NAME.fullmatch(founding.host):
        raise KazasuError(
            f"broker.host: {founding.host!r} is no host name, such as broker.town-hall.example, and no address; a port"
            " goes into --port"
        )


def _fill(folder: Path, founding: Founding, passphrase: str, now: dt.datetime) -> None:
    _check(founding)
    quoted = {name: msgspec.json.encode(getattr(founding, name)).decode() for name in ("name", "timezone", "host")}
    _public(
        folder / "site.toml",
        f"name = {quoted['name']}\ntimezone = {quoted['timezone']}\n\n"
        f"[broker]\nhost = {quoted['host']}\nport = {founding.port}\n".encode(),
    )
    _public(folder / ".gitignore", _IGNORED.encode())
    _public(folder / "roster" / "people.csv", f"{','.join((*COLUMNS, *OPTIONAL_COLUMNS))}\n".encode())
    site_key, collector_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    _secret(folder, "site", key_pem(site_key, passphrase))
    _public(folder / "site.pub", public_pem(site_key.public_key()))
    _secret(folder, "collector", key_pem(collector_key))
    _public(folder / "collector.pub", public_pem(collector_key.public_key()))
    pepper = founding.pepper or new_pepper()
    _secret(folder, "pepper", pepper_text(pepper))
    _public(folder / "pepper.id", f"{pepper.newest}\n".encode())
    if founding.ca is None:
        authority = Authority.founded(f"{founding.name} Kazasu CA", (founding.host,), now)
        _secret(folder, "ca", key_pem(authority.key, passphrase))
        _public(folder / "ca.pem", certificate_pem(authority.certificate))
        _public(folder / "crl.pem", authority.revocations((), now).public_bytes(Encoding.PEM))
    else:
        authority = None
        _public(folder / "ca.pem", founding.ca)
        (folder / "requests").mkdir()
    site = open_site(folder)
    for owner in OWN:
        if authority is not None:
            renew(site, owner, authority, now)
            continue
        key = ec.generate_private_key(ec.SECP256R1())
        _secret(folder, f"clients/{owner}", key_pem(key))
        _public(folder / "requests" / f"{owner}.csr", _request(owner, founding.host, key))


def _request(owner: str, host: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """What a CA elsewhere is to sign: for the broker its host name, for a client its name."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner)])
    )
    if owner == "broker":
        builder = builder.add_extension(x509.SubjectAlternativeName([general_name(host)]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _public(path: Path, content: bytes) -> None:
    write_new(path, content, 0o644)


def _secret(folder: Path, owner: str, content: bytes) -> None:
    write_new(folder / "keys" / f"{owner}.key", content, 0o600)

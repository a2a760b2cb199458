"""Certificates of the broker and of the site's own clients of it, made at the desk with their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec

from kazasu.site.directory import OWN_CLIENTS, replace_file
from kazasu.site.pem import certificate_in, certificate_pem, key_pem
from kazasu.store.keys import read_checked

if TYPE_CHECKING:
    import datetime as dt

    from kazasu.site.authority import Authority
    from kazasu.site.directory import Site

BROKER: Final = "broker"
OWN: Final = (BROKER, *OWN_CLIENTS)


def renew(site: Site, name: str, authority: Authority, now: dt.datetime) -> None:
    """Make a new key and its certificate, one of `OWN`.

    The key comes first: whoever starts between the two is refused by TLS, says so, and tries again.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    if name == BROKER:
        certificate = authority.server(key.public_key(), (site.address.host,), now)
    else:
        certificate = authority.client(name, key.public_key(), now)
    replace_file(site.key_file(f"clients/{name}"), key_pem(key), 0o600)
    replace_file(site.certificate_file(name), certificate_pem(certificate), 0o644)


def ends(site: Site, name: str) -> dt.datetime:
    """When a certificate of `OWN` does.

    Raises:
        KeyMaterialError: it is missing or none.
    """
    path = site.certificate_file(name)
    return certificate_in(read_checked(path, "certificate", secret=False), path).not_valid_after_utc

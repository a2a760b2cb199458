"""How the site key is replaced: a document that says which keys count from now on, signed with one that counts already.

It is retained at the broker under the name of the key that signed it, one for each; a terminal that was away for years
follows them from the key that it knows to those that count now. While a new key takes over, two count.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kazasu.errors import KeyMaterialError, SignatureInvalid
from kazasu.model.document import signed, verified
from kazasu.model.event import WIRE_VERSION
from kazasu.store.keys import verifier_in

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from kazasu.model.document import Document, Signer, Verifier

TYPE: Final = "site_key"
_FIELDS = {"v", "type", "site", "terminal", "made", "keys", "keyid", "sig"}
_PUBLIC_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]{1,200}\n-----END PUBLIC KEY-----\n")
_MOST_KEYS = 2


def succession(site: str, keys: Sequence[str], made: dt.datetime, signer: Signer) -> Document:
    """Say which keys count.

    Args:
        site: whose.
        keys: all of them, PEM.
        made: now, aware.
        signer: one that counts already.
    """
    fields: dict[str, int | str] = {
        "v": WIRE_VERSION,
        "type": TYPE,
        "site": site,
        "terminal": "all",
        "made": made.isoformat(timespec="seconds"),
        "keys": "".join(keys),
    }
    return signed(fields, signer)


def keys_in(payload: bytes, site: str, *trusted: Verifier) -> tuple[str, tuple[str, ...]]:
    """Read such a document: the name of the key that signed it, and the keys that it says count, PEM.

    Raises:
        SignatureInvalid: whatever is wrong with it.
    """
    fields: dict[str, Any] = dict(verified(payload, *trusted).fields)
    if fields.keys() != _FIELDS:
        raise SignatureInvalid(f"this is no succession of site keys: its fields are {', '.join(sorted(fields))}")
    if (fields["v"], fields["type"], fields["site"], fields["terminal"]) != (WIRE_VERSION, TYPE, site, "all"):
        raise SignatureInvalid(f"a succession of site keys for {fields['site']!r:.40}, {fields['terminal']!r:.40}")
    keys = tuple(_PUBLIC_KEY.findall(str(fields["keys"])))
    if not 1 <= len(keys) <= _MOST_KEYS or "".join(keys) != fields["keys"]:
        raise SignatureInvalid("a succession of site keys with no key, with too many, or with something else")
    return str(fields["keyid"]), keys


def followed(site: str, present: str, payloads: Iterable[bytes]) -> str:
    """Follow successions from the keys that count here to those that count now.

    Args:
        site: whose.
        present: the keys that count here, PEM, one after the other.
        payloads: untrusted, in any order; what does not hold is as if it was not there.

    Returns:
        The keys that count now, likewise.
    """
    left = list(payloads)
    while True:
        for payload in left:
            try:
                _, keys = keys_in(payload, site, *_verifiers(present))
                _verifiers("".join(keys))
            except SignatureInvalid:
                continue
            present = "".join(keys)
            left.remove(payload)
            break
        else:
            return present


def _verifiers(pems: str) -> list[Verifier]:
    try:
        return [verifier_in(pem.encode(), Path("a site key")) for pem in _PUBLIC_KEY.findall(pems)]
    except KeyMaterialError as error:
        raise SignatureInvalid(str(error)) from error

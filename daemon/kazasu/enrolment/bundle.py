"""The bundle: what a terminal of a site has to know, sealed under the one-time code.

The file is flat JSON that says for whom it is; everything else in it is sealed with AES-256-GCM under a key that scrypt
makes of the code. The seal covers what stands outside, too. So nobody without the code learns the pepper or can change
a word, and that is all the authentication there is to have: a terminal that knows no site yet can check no signature.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from kazasu.enrolment.code import meant
from kazasu.errors import EnrolmentRefused
from kazasu.model.document import canonical
from kazasu.model.table import Name
from kazasu.site.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

BOOTSTRAP: Final = "enrol-"
"""What the broker calls a terminal that has nothing but its bundle: this and its name."""

BUNDLE_VERSION: Final = 1

# Fixed, and not in the file: nobody talks a terminal into cheaper ones. 32 MiB, a tenth of a second at a desk and a
# second on a Pi Zero 2 W.
_SCRYPT_N: Final = 2**15
_SCRYPT_R: Final = 8
_SCRYPT_P: Final = 1
_SALT_BYTES: Final = 16
_NONCE: Final = bytes(12)  # each key is used once: its salt is new for each bundle


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sealed.

    Attributes:
        timezone: the site's.
        host: the broker's.
        port: the broker's.
        ca: the CA's certificate, PEM.
        site_key: the site's public key, PEM.
        collector_key: the collector's, PEM.
        pepper: as its file holds it, all layers.
        one_time_key: the private key that the request is to be signed with, PEM.
        certificate: for the broker, until the terminal has its own, PEM; empty if the request travels as a file.
        key: the key to it.
    """

    timezone: str
    host: str
    port: int
    ca: str
    site_key: str
    collector_key: str
    pepper: str
    one_time_key: str
    certificate: str = ""
    key: str = ""

    def __repr__(self) -> str:
        """Without a secret."""
        return f"<Secrets for {self.host}:{self.port}>"


class Bundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file.

    Attributes:
        v: the form's version.
        type: what it is.
        site: whose.
        terminal: for whom.
        expires: afterwards nobody is admitted with it; RFC 3339.
        salt: the code's, base64.
        sealed: `Secrets` as JSON, sealed, base64.
    """

    v: Literal[1]
    type: Literal["bundle"]
    site: Name
    terminal: Name
    expires: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    salt: bytes
    sealed: bytes


def sealed(site: str, terminal: str, expires: dt.datetime, content: Secrets, code: str) -> bytes:
    """Make a bundle's bytes.

    Args:
        site: whose.
        terminal: for whom.
        expires: aware.
        content: what is sealed.
        code: opens it.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    outside: dict[str, int | str] = {
        "v": BUNDLE_VERSION,
        "type": "bundle",
        "site": site,
        "terminal": terminal,
        "expires": expires.isoformat(timespec="seconds"),
        "salt": base64.b64encode(salt).decode(),
    }
    inside = AESGCM(_key(code, salt)).encrypt(_NONCE, msgspec.json.encode(content), canonical(outside))
    return canonical({**outside, "sealed": base64.b64encode(inside).decode()}) + b"\n"


def read(payload: bytes) -> Bundle:
    """Read what stands outside.

    Raises:
        EnrolmentRefused: it is no bundle.
    """
    try:
        return msgspec.json.decode(payload, type=Bundle)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise EnrolmentRefused(f"this is no bundle of `kazasu site add-terminal`: {plain(str(error))}") from error


def opened(payload: bytes, code: str) -> Secrets:
    """Open a bundle.

    Raises:
        EnrolmentRefused: it is none, the code is another's, or somebody changed it.
    """
    bundle = read(payload)
    outside: Mapping[str, int | str] = {
        name: value for name, value in msgspec.json.decode(payload).items() if name != "sealed"
    }
    try:
        inside = AESGCM(_key(code, bundle.salt)).decrypt(_NONCE, bundle.sealed, canonical(outside))
        return msgspec.json.decode(inside, type=Secrets)
    except InvalidTag as error:
        raise EnrolmentRefused(
            f"the code does not open the bundle for {bundle.terminal}: it is another bundle's, mistyped, or the file"
            " was changed"
        ) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise EnrolmentRefused(f"the bundle is another version's: {plain(str(error))}") from error


def _key(code: str, salt: bytes) -> bytes:
    stretched = Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
    return stretched.derive(meant(code).encode())

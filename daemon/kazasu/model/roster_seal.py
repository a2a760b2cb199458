"""The seal of a roster's parts: they lie at the broker for weeks, and say nothing to who runs it or reads its disk.

AES-SIV (RFC 5297) under a key that is made of the layer of the site's pepper that the roster is under, which the desk
and each terminal have. It has no nonce, so that the same part is the same bytes whenever it is sealed: a part that is
at a terminal already is not asked for again. Who made a part, the seal does not say, because every terminal has the
key: that is what the signed manifest is for. It names the sealed bytes, and nothing is opened that it does not name.
The form: docs/wire.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import RosterRefused
from kazasu.model.roster_manifest import Refusal

if TYPE_CHECKING:
    from kazasu.model.pepper import Pepper

SEAL_BYTES = 16
"""So much longer a part is for its seal."""

_KEY_BYTES = 64  # AES-256-SIV takes two keys of 32


class PartSeal:
    """Seals the parts of one audience's rosters, and opens them.

    Args:
        pepper: the site's.
        layer: of that, that the roster is under, as in the manifest.
        site: whose roster it is.
        audience: whom it is for, as in the manifest.
    """

    def __init__(self, pepper: Pepper, layer: str, site: str, audience: str) -> None:
        # No start needs these, and a terminal without the site's roster never does.
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = f"kazasu roster part/{site}/{audience}".encode()
        secret = pepper.layers[pepper.place_of(layer)]
        self._cipher = AESSIV(HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(secret))

    def sealed(self, name: str, part: bytes) -> bytes:
        """Seal a part; the same bytes each time.

        Args:
            name: what it is called, such as `full-0`: it opens at that place and at no other.
            part: compressed.
        """
        return self._cipher.encrypt(part, [name.encode()])

    def opened(self, name: str, sealed: bytes) -> bytes:
        """Open a part whose hash was checked.

        Raises:
            RosterRefused: it was sealed with another key, for another place, or not at all.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed, [name.encode()])
        except InvalidTag as error:
            detail = (
                f"{name} does not open: the desk has not sealed it as this version of Kazasu does; bring both to the"
                " same version, then run `kazasu site publish` again"
            )
            raise RosterRefused(Refusal.SEALED, detail) from error

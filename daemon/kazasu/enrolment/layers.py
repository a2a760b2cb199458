"""How the next layer of the site's pepper comes to a terminal (model/pepper.py): said to all, sealed to each.

    announcement  desk → all       which layers there are, by their names; retained, and no secret
    wish          terminal → desk  a fresh X25519 key, signed with the event key: seal what I lack to this
    gift          desk → terminal  all layers, sealed to that key, signed with the site key

The seal's key comes of both X25519 keys and of what stands outside, and is used once. A wish names the newest layer
that was announced: an old one, sent again, is answered by nobody. A gift names the digest of the one wish that it
answers, whose private key is gone once it was taken: an old one, sent again, opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kazasu.enrolment.reply import REFUSAL, SAID
from kazasu.errors import EnrolmentRefused, SignatureInvalid
from kazasu.model.document import canonical, signed, verified
from kazasu.model.event import WIRE_VERSION
from kazasu.model.pepper import MOST_LAYERS, PEPPER_ID
from kazasu.site.plain_text import plain

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.document import Document, Signer, Verifier

ANNOUNCEMENT: Final = "pepper"
WISH: Final = "pepper_wish"
GIFT: Final = "pepper_gift"
_SIGNED = {"v", "type", "site", "terminal", "keyid", "sig"}
_FIELDS = {
    ANNOUNCEMENT: _SIGNED | {"made", "layers"},
    WISH: _SIGNED | {"made", "layer", "agreement"},
    GIFT: _SIGNED | {"request", "agreement", "sealed"},
    REFUSAL: _SIGNED | {"request", "said"},
}
_MAX_BYTES = 16 * 1024
_KEY_BYTES = 32
_NONCE: Final = bytes(12)  # each key is used once: the desk's half of it is new for each gift


class Wish(NamedTuple):
    """A wish that holds.

    Attributes:
        terminal: whose.
        layer: the newest that it has heard of.
        agreement: what is to be sealed to.
        digest: names this very wish in the gift.
    """

    terminal: str
    layer: str
    agreement: X25519PublicKey
    digest: str


def announcement(site: str, layers: Sequence[str], made: dt.datetime, signer: Signer) -> Document:
    """Say which layers there are.

    Args:
        site: whose.
        layers: their names, the oldest first.
        made: now, aware.
        signer: the site key.
    """
    fields = {
        **_said(ANNOUNCEMENT, site, "all"),
        "made": made.isoformat(timespec="seconds"),
        "layers": " ".join(layers),
    }
    return signed(fields, signer)


def layers_in(payload: bytes, site: str, *verifiers: Verifier) -> tuple[str, ...]:
    """The names of the layers that an announcement says there are, the oldest first.

    Raises:
        SignatureInvalid: whatever is wrong with it.
    """
    fields = _checked(payload, ANNOUNCEMENT, site, "all", *verifiers)
    layers = tuple(str(fields["layers"]).split(" "))
    if not 1 <= len(layers) <= MOST_LAYERS or not all(map(PEPPER_ID.fullmatch, layers)):
        raise SignatureInvalid("an announcement of layers of the pepper that names none, too many, or something else")
    return layers


def wish(
    site: str, terminal: str, layer: str, made: dt.datetime, *, event: Signer, agreement: X25519PrivateKey
) -> Document:
    """Ask for what is missing up to a layer.

    Args:
        site: of whom.
        terminal: who asks.
        layer: the newest that was announced.
        made: now, aware.
        event: the terminal's event key.
        agreement: made for this wish alone.
    """
    fields = {
        **_said(WISH, site, terminal),
        "made": made.isoformat(timespec="seconds"),
        "layer": layer,
        "agreement": _encoded(agreement.public_key()),
    }
    return signed(fields, event)


def wisher(payload: bytes) -> str:
    """Whose wish this is, as it says; nothing of it is proved.

    Raises:
        EnrolmentRefused: it claims nothing that can be.
    """
    if len(payload) > _MAX_BYTES:
        raise EnrolmentRefused(f"larger than {_MAX_BYTES} bytes: this is no request")
    try:
        fields = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise EnrolmentRefused(f"this is no request of a terminal: {error}") from error
    if not (isinstance(fields, dict) and isinstance(fields.get("terminal"), str)):
        raise EnrolmentRefused("this is no request of a terminal: it names none")
    return str(fields["terminal"])


def wish_in(payload: bytes, site: str, terminal: str, verifier: Verifier) -> Wish:
    """Verify a wish.

    Args:
        payload: untrusted; `wisher` has looked at it.
        site: that it has to be meant for.
        terminal: that it has to come from.
        verifier: the terminal's event key.

    Raises:
        EnrolmentRefused: whatever is wrong with it.
    """
    try:
        document = verified(payload, verifier)
        fields = _of_kind(document, WISH, site, terminal)
        agreement = X25519PublicKey.from_public_bytes(_decoded(fields, "agreement"))
    except SignatureInvalid as error:
        raise EnrolmentRefused(f"not signed by whom it claims, or no such wish: {error}") from error
    layer = str(fields["layer"])
    if PEPPER_ID.fullmatch(layer) is None:
        raise EnrolmentRefused(f"{layer!r:.40} is no layer of a pepper")
    return Wish(terminal, layer, agreement, _digest(document))


def gift(site: str, asked: Wish, layers: bytes, signer: Signer) -> Document:
    """Give all layers to who asked.

    Args:
        site: whose.
        asked: the wish.
        layers: as their file holds them.
        signer: the site key.
    """
    own = X25519PrivateKey.generate()
    outside = {
        **_said(GIFT, site, asked.terminal),
        "request": asked.digest,
        "agreement": _encoded(own.public_key()),
    }
    try:
        shared = own.exchange(asked.agreement)
    except ValueError as error:  # a point of small order, which would make a secret that everybody knows
        raise EnrolmentRefused("its X25519 key is none that anything can be sealed to") from error
    key = _sealing_key(shared, outside, asked.agreement)
    inside = AESGCM(key).encrypt(_NONCE, layers, canonical(outside))
    return signed({**outside, "sealed": base64.b64encode(inside).decode()}, signer)


def refused(site: str, terminal: str, payload: bytes, said: str, signer: Signer) -> Document:
    """Say why not."""
    return signed({**_said(REFUSAL, site, terminal), "request": wish_digest(payload), "said": said}, signer)


def wish_digest(payload: bytes) -> str:
    """Name a wish as its gift will: the SHA-256 of what its signature covers. The wish is one's own, or looked at."""
    fields = {name: value for name, value in msgspec.json.decode(payload).items() if name != "sig"}
    return hashlib.sha256(canonical(fields)).hexdigest()


def opened(
    payload: bytes, *verifiers: Verifier, site: str, terminal: str, asked: bytes, agreement: X25519PrivateKey
) -> bytes:
    """Open the gift that answers one's own wish; returns the layers as their file holds them.

    Args:
        payload: untrusted.
        verifiers: the site's key, or both while a new one takes over.
        site: one's own.
        terminal: oneself.
        asked: one's wish.
        agreement: the private key to it.

    Raises:
        SignatureInvalid: this is no answer of the site's to this wish: one may come yet.
        EnrolmentRefused: it is, and says no; or it does not open.
    """
    if len(payload) > _MAX_BYTES:
        raise SignatureInvalid(f"larger than {_MAX_BYTES} bytes: this is no gift")
    document = verified(payload, *verifiers)
    kind = str(document.fields.get("type"))
    if kind not in {GIFT, REFUSAL}:
        raise SignatureInvalid(f"this is no gift but {kind!r:.40}")
    fields = _of_kind(document, kind, site, terminal)
    if fields["request"] != wish_digest(asked):
        raise SignatureInvalid("an answer to another wish")
    if kind == REFUSAL:
        raise EnrolmentRefused(f"the site says no: {plain(str(fields['said']), SAID)}")
    outside = {name: value for name, value in fields.items() if name not in {"sealed", "keyid", "sig"}}
    try:
        shared = agreement.exchange(X25519PublicKey.from_public_bytes(_decoded(fields, "agreement")))
        sealed = base64.b64decode(str(fields["sealed"]), validate=True)
        return AESGCM(_sealing_key(shared, outside, agreement.public_key())).decrypt(_NONCE, sealed, canonical(outside))
    except (InvalidTag, ValueError, SignatureInvalid) as error:
        raise EnrolmentRefused("what the site sent does not open: it was sealed to another key") from error


def _sealing_key(shared: bytes, outside: EventFields, wisher_key: X25519PublicKey) -> bytes:
    """Bound to site, terminal and wish, and to both keys: the giver's stands in `outside`."""
    info = b"kazasu pepper gift\0" + wisher_key.public_bytes_raw() + canonical(outside)
    return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(shared)


def _checked(payload: bytes, kind: str, site: str, terminal: str, *verifiers: Verifier) -> Mapping[str, Any]:
    if len(payload) > _MAX_BYTES:
        raise SignatureInvalid(f"larger than {_MAX_BYTES} bytes: this is no {kind}")
    return _of_kind(verified(payload, *verifiers), kind, site, terminal)


def _of_kind(document: Document, kind: str, site: str, terminal: str) -> Mapping[str, Any]:
    fields = document.fields
    if fields.keys() != _FIELDS[kind]:
        raise SignatureInvalid(f"this is no {kind}: its fields are {', '.join(sorted(fields)):.300}")
    if (fields["v"], fields["type"], fields["site"], fields["terminal"]) != (WIRE_VERSION, kind, site, terminal):
        raise SignatureInvalid(f"a {fields['type']!r:.40} for {fields['site']!r:.40}, {fields['terminal']!r:.40}")
    return fields


def _said(kind: str, site: str, terminal: str) -> dict[str, int | str]:
    return {"v": WIRE_VERSION, "type": kind, "site": site, "terminal": terminal}


def _encoded(key: X25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes_raw()).decode()


def _decoded(fields: Mapping[str, Any], name: str) -> bytes:
    try:
        key = base64.b64decode(str(fields[name]), validate=True)
    except ValueError as error:
        raise SignatureInvalid(f"{name} is no base64") from error
    if len(key) != _KEY_BYTES:
        raise SignatureInvalid(f"{name} has {len(key)} bytes, and an X25519 key has {_KEY_BYTES}")
    return key


def _digest(document: Document) -> str:
    return hashlib.sha256(document.covered).hexdigest()

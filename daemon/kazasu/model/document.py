"""A signed document: flat JSON, with the key's name and an Ed25519 signature over its RFC 8785 bytes (docs/wire.md).

Events, receipts, commands, answers and rosters' manifests are all of this form, so that one program of twenty lines
verifies each of them, whatever bridge or database has written it anew on its way.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from typing import TYPE_CHECKING, Protocol

import msgspec

from kazasu.errors import SignatureInvalid
from kazasu.model.access import EventFields

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_INTEGER = 2**53 - 1  # RFC 8785, 3.2.2.3: beyond it numbers do not survive other JSON readers
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ENCODER = msgspec.json.Encoder(order="sorted")


class Signer(Protocol):
    """Signs with one private key."""

    @property
    def keyid(self) -> str:
        """First 16 hexadecimal digits of the public key's SHA-256."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Sign with Ed25519: 64 bytes."""
        ...


class Verifier(Protocol):
    """Checks against one public key."""

    @property
    def keyid(self) -> str:
        """First 16 hexadecimal digits of the public key's SHA-256."""
        ...

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if the signature holds.

        Raises:
            SignatureInvalid: it does not.
        """
        ...


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document whose signature holds.

    Attributes:
        fields: the whole object, `keyid` and `sig` included.
        covered: the canonical bytes that `sig` covers: those of the object without `sig`.
        body: its bytes, `sig` included, as they came or were made.
    """

    fields: EventFields
    covered: bytes
    body: bytes


def canonical(fields: Mapping[str, int | str]) -> bytes:
    """Serialise as RFC 8785 does, on the wire's subset.

    On flat objects with ASCII names, integers below 2^53 and strings without lone surrogates, sorted compact JSON
    *is* RFC 8785; a property test holds this against the `rfc8785` library, which takes twenty times as long.

    Raises:
        ValueError: a name or value outside the subset.
    """
    for name, value in fields.items():
        if not _is_name(name):
            raise ValueError(f"{name!r:.60} is no field name: lower-case ASCII letters, digits and _ only")
        if type(value) is int:
            if not -_MAX_INTEGER <= value <= _MAX_INTEGER:
                raise ValueError(f"{name}: {value} is beyond 2^53")
        elif not isinstance(value, str):
            raise ValueError(f"{name}: {type(value).__name__} is neither an integer nor a string")
    # A lone surrogate is no Unicode text: UnicodeEncodeError, which is a ValueError.
    return _ENCODER.encode(fields)


def signed(fields: Mapping[str, int | str], signer: Signer) -> Document:
    """Sign a document; `keyid` and `sig` are added.

    Raises:
        ValueError: a name or value outside the wire's subset.
    """
    whole: EventFields = {**fields, "keyid": signer.keyid}
    covered = canonical(whole)
    whole["sig"] = base64.b64encode(signer.sign(covered)).decode()
    return Document(fields=whole, covered=covered, body=_ENCODER.encode(whole))


def verified(payload: bytes, *verifiers: Verifier) -> Document:
    """Parse and verify a document's bytes; they may have been re-serialised on their way.

    Args:
        payload: untrusted.
        verifiers: the keys that may have signed it, one or more; the document says which it was (`keyid`).

    Raises:
        SignatureInvalid: not JSON, not flat, a duplicate name, a foreign key, or a signature that does not hold.
    """
    try:
        fields: EventFields = json.loads(payload, object_pairs_hook=_unique)
        signature = base64.b64decode(str(fields["sig"]), validate=True)
        covered = canonical({name: value for name, value in fields.items() if name != "sig"})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SignatureInvalid(f"no signed document: {error}") from error
    for verifier in verifiers:
        if fields.get("keyid") == verifier.keyid:
            verifier.verify(signature, covered)
            break
    else:
        known = " or ".join(verifier.keyid for verifier in verifiers)
        raise SignatureInvalid(f"it names the key {fields.get('keyid')!r:.60}, not {known}")
    return Document(fields=fields, covered=covered, body=payload)


@functools.lru_cache(maxsize=256)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _unique(pairs: list[tuple[str, int | str]]) -> EventFields:
    """Refuse duplicate names: two readers of one message must not see two different documents."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields

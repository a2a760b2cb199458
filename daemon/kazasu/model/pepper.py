"""The site's pepper: one secret, or several in layers, each laid over what the one before has made.

A card's number is made into a pseudonym under the first layer (cards/pseudonym.py). Each later layer makes another
pseudonym of that one, and of what is kept of a PIN another thing that is kept. So whoever holds the next layer converts
a whole roster without one card, and who holds the layers before it alone can neither compute nor join what it made. The
old layers stay, underneath: no secret any more, but needed.

Which layer counts is the roster's to say: it names the one that its pseudonyms are under by `pepper_id`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PEPPER_BYTES: Final = 32
MOST_LAYERS: Final = 100
"""One a year, for a century; each costs microseconds a tap."""

PEPPER_ID: Final = re.compile(r"[0-9a-f]{16}")
_OF_PSEUDONYM: Final = b"kazasu pepper layer: pseudonym\0"
_OF_PIN: Final = b"kazasu pepper layer: PIN\0"
_PSEUDONYM_BYTES: Final = 16


class LayerNotHeld(ValueError):
    """Something is under a layer of the pepper that is not here."""


class Pepper:
    """All layers that are held.

    Args:
        layers: 32 bytes each, the oldest first.

    Attributes:
        layers: they.
        ids: what each is called.

    Raises:
        ValueError: none, too many, one of another length, or one twice.
    """

    __slots__ = ("_pins", "_pseudonyms", "ids", "layers")

    def __init__(self, layers: Sequence[bytes]) -> None:
        if not 1 <= len(layers) <= MOST_LAYERS or len(set(layers)) < len(layers):
            raise ValueError(f"a pepper has 1 to {MOST_LAYERS} layers, all different")
        if any(len(layer) != PEPPER_BYTES for layer in layers):
            raise ValueError(f"each layer of a pepper has {PEPPER_BYTES} bytes")
        self.layers = tuple(layers)
        self.ids = tuple(map(pepper_id, layers))
        # Keyed once, and copied for each card: keying is most of the work.
        self._pseudonyms = tuple(hmac.new(layer, _OF_PSEUDONYM, hashlib.sha256) for layer in self.layers[1:])
        self._pins = tuple(hmac.new(layer, _OF_PIN, hashlib.sha256) for layer in self.layers[1:])

    def __repr__(self) -> str:
        """Without a secret."""
        return f"Pepper({', '.join(self.ids)})"

    def __eq__(self, other: object) -> bool:
        """Whether all layers are the same."""
        return isinstance(other, Pepper) and other.layers == self.layers

    def __hash__(self) -> int:
        """Of the layers."""
        return hash(self.layers)

    @property
    def newest(self) -> str:
        """What the newest layer is called."""
        return self.ids[-1]

    def place_of(self, layer: str) -> int:
        """Where a layer stands, the first at 0.

        Raises:
            LayerNotHeld: it is not here.
        """
        if layer not in self.ids:
            raise LayerNotHeld(f"the layer {layer} of the pepper is not held, but {' and '.join(self.ids)}")
        return self.ids.index(layer)

    def forms(self, pseudonym: str) -> tuple[str, ...]:
        """What a card's pseudonym under the first layer is under each of them."""
        return (pseudonym, *self._later(pseudonym, 0))

    def lifted(self, pseudonym: str, since: str, to: str) -> str:
        """What a pseudonym under one layer is under the same or a later one.

        Raises:
            LayerNotHeld: one of them is not here.
            ValueError: the other is an older one, to which nothing leads back.
        """
        first, last = self._way(since, to)
        return (pseudonym, *self._later(pseudonym, first))[last - first]

    def lifted_pin(self, digest: bytes, since: str, to: str) -> bytes:
        """What is kept of a PIN under the same or a later layer; all 32 bytes of it.

        Raises:
            LayerNotHeld: one of them is not here.
            ValueError: the other is an older one, to which nothing leads back.
        """
        first, last = self._way(since, to)
        for keyed in self._pins[first:last]:
            digest = _over(keyed, digest)
        return digest

    def _way(self, since: str, to: str) -> tuple[int, int]:
        first, last = self.place_of(since), self.place_of(to)
        if first > last:
            raise ValueError(f"nothing leads back from the layer {since} of the pepper to {to}")
        return first, last

    def _later(self, pseudonym: str, first: int) -> Sequence[str]:
        forms = []
        for keyed in self._pseudonyms[first:]:
            pseudonym = _over(keyed, bytes.fromhex(pseudonym))[:_PSEUDONYM_BYTES].hex()
            forms.append(pseudonym)
        return forms


def pepper_id(layer: bytes) -> str:
    """Tell one pepper, or one layer of it, from another without telling anything of it: 16 hexadecimal digits."""
    return hmac.new(layer, b"kazasu pepper id", hashlib.sha256).hexdigest()[:16]


def _over(keyed: hmac.HMAC, content: bytes) -> bytes:
    laid = keyed.copy()
    laid.update(content)
    return laid.digest()

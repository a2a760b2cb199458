"""Who gets the layers of the site's pepper: terminals of the site's that ask, and nobody else (enrolment/layers.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kazasu.enrolment import layers
from kazasu.errors import EnrolmentRefused
from kazasu.store.keys import pepper_text

if TYPE_CHECKING:
    from kazasu.model.document import Document
    from kazasu.model.signature import Ed25519Signer
    from kazasu.site.directory import Site


class PepperGifts:
    """Answers wishes.

    Args:
        site: the site.
        signer: its key.
    """

    def __init__(self, site: Site, signer: Ed25519Signer) -> None:
        self._site = site
        self._signer = signer

    def give(self, payload: bytes, by: str) -> Document:
        """Give a terminal all layers, sealed to it, and write down that it was.

        Args:
            payload: untrusted: its wish.
            by: who brought it, as the broker says; it has to be the terminal that it speaks for.

        Raises:
            EnrolmentRefused: whatever is wrong with it; nothing was changed.
        """
        claimed = layers.wisher(payload)
        if claimed != by:
            raise EnrolmentRefused(f"it came from {by}, and speaks for {claimed!r:.60}")
        with self._site.locked():
            record = self._site.find(by)
            key = None if record is None else record.event_key
            if record is None or key is None or record.state != "active":
                raise EnrolmentRefused(f"{by!r:.60} is none of the site's terminals, or no more")
            asked = layers.wish_in(payload, self._site.name, by, key.verifier())
            pepper = self._site.pepper()
            if asked.layer != pepper.newest:
                raise EnrolmentRefused(f"{by} asks for the layer {asked.layer}, and the newest is {pepper.newest}")
            gift = layers.gift(self._site.name, asked, pepper_text(pepper), self._signer)
            self._site.save(msgspec.structs.replace(record, layer=pepper.newest))
            return gift

    def refused(self, payload: bytes, by: str, reason: str) -> Document | None:
        """Say no in the site's name; None if it cannot be said to what."""
        try:
            layers.wisher(payload)
            return layers.refused(self._site.name, by, payload, reason, self._signer)
        except (EnrolmentRefused, ValueError):
            return None

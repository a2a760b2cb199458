"""The terminal's side of a new layer of the site's pepper: hear of it, ask for it, put it where the daemon looks.

What was asked for lies in `layers/` beside the configuration until the answer comes, root's alone; the private key in
it opens that one answer and goes with it.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from kazasu.cli.setup.files import SECRET, NewFile, install, read
from kazasu.config import credential
from kazasu.enrolment.layers import layers_in, opened, wish
from kazasu.errors import EnrolmentRefused, KeyMaterialError, SignatureInvalid
from kazasu.model.document import verified
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.keys import load_pepper, load_signer, load_verifiers, pepper_in, pepper_text, write_new

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from kazasu.model.configuration import Config
    from kazasu.model.pepper import Pepper
    from kazasu.publishers.exchange import Exchange
    from kazasu.publishers.news import Received
    from kazasu.publishers.wire import Topics

_FOLDER: Final = "layers"


class LayerRenewal:
    """One run.

    Args:
        config: the terminal's.
        site_key: the file with the site's keys.
        folder: the configuration's.
        topics: the terminal's.

    Attributes:
        waiting: something was asked, and the answer is still to come.
    """

    def __init__(self, config: Config, site_key: Path, folder: Path, topics: Topics) -> None:
        self.waiting = False
        self._config = config
        self._site_key = site_key
        self._folder = folder / _FOLDER
        self._topics = topics

    def run(self, exchange: Exchange, there: Sequence[Received], now: dt.datetime, wait_s: float) -> list[str]:
        """Ask for what is missing, if the site says that there is more than here; what changed, in words.

        Raises:
            EnrolmentRefused: the site says no, or its pepper is another one.
            KeyMaterialError: a key cannot be used or written.
            OSError, BrokerUnsuitable: see `exchanging`.
        """
        held = load_pepper(credential(self._config.keys.pepper))
        announced = self._announced(there)
        if announced is None:
            return []  # nothing, or not in time: what was asked for may be answered yet
        if announced[-1] in held.ids:
            shutil.rmtree(self._folder, ignore_errors=True)
            return []
        if announced[: len(held.ids)] != held.ids:
            raise EnrolmentRefused(
                f"the site's pepper has the layers {' '.join(announced)}, and here are {' '.join(held.ids)}: this"
                " terminal was set up with another pepper; docs/site.md, The pepper, says what to do"
            )
        asked, agreement = self._wish(announced[-1], now)
        given = next((pepper for each in there if (pepper := self._given(each, asked, agreement))), None)
        if given is None:
            exchange.publish(self._topics.pepper_wish, asked, retain=True)
            while given is None and (received := exchange.receive(wait_s)) is not None:
                given = self._given(received, asked, agreement)
        self.waiting = given is None
        if given is None:
            return []
        if given.ids[: len(announced)] != announced:
            raise EnrolmentRefused("the site sent other layers of the pepper than it announced")
        install([NewFile(self._config.keys.pepper, pepper_text(given), SECRET)])
        shutil.rmtree(self._folder, ignore_errors=True)
        return [f"the pepper has {len(given.layers)} layers now, the newest of them {given.newest}"]

    def _announced(self, there: Sequence[Received]) -> tuple[str, ...] | None:
        """What the site says there is; what does not hold is as if it was not there."""
        site, verifiers = self._config.terminal.site, load_verifiers(self._site_key)
        for each in there:
            if each.topic == self._topics.pepper:
                try:
                    return layers_in(each.payload, site, *verifiers)
                except SignatureInvalid:
                    return None
        return None

    def _wish(self, layer: str, now: dt.datetime) -> tuple[bytes, X25519PrivateKey]:
        """The wish that waits already, or a new one with a new key."""
        path, key = self._folder / "wish.json", self._folder / "agreement.key"
        event, terminal = load_signer(credential(self._config.keys.event)), self._config.terminal
        if path.exists():
            payload = path.read_bytes()
            try:
                fields = verified(payload, Ed25519Verifier(event.public)).fields
                said = (fields.get("site"), fields.get("terminal"), fields.get("layer"))
                if said == (terminal.site, terminal.id, layer):
                    return payload, X25519PrivateKey.from_private_bytes(read(key, "key"))
            except (SignatureInvalid, ValueError, KeyMaterialError):
                pass  # another event key's, or a power cut's
            # Or from before the terminal got another name, or heard of another layer: a new one is as good.
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        agreement = X25519PrivateKey.generate()
        asked = wish(terminal.site, terminal.id, layer, now, event=event, agreement=agreement)
        write_new(key, agreement.private_bytes_raw(), SECRET)
        write_new(path, asked.body, SECRET)
        return asked.body, agreement

    def _given(self, received: Received, asked: bytes, agreement: X25519PrivateKey) -> Pepper | None:
        """The layers, if this is the answer to the wish."""
        if received.topic != self._topics.pepper_gift:
            return None
        terminal = self._config.terminal
        try:
            content = opened(
                received.payload,
                *load_verifiers(self._site_key),
                site=terminal.site,
                terminal=terminal.id,
                asked=asked,
                agreement=agreement,
            )
        except SignatureInvalid:  # to a wish before, still retained
            return None
        return pepper_in(content, self._folder)

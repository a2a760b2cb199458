"""The terminal's side of renewal: the next certificate, the site keys that count, the layers of the pepper.

What was asked for lies in `renewal/` beside the configuration until the answer comes, root's alone.
"""

from __future__ import annotations

import datetime as dt
import shutil
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kazasu.app.broker import broker_of
from kazasu.cli.setup.files import PUBLIC, SECRET, NewFile, install, read
from kazasu.cli.setup.layer_renewal import LayerRenewal
from kazasu.config import credential
from kazasu.enrolment.reply import certificate_for
from kazasu.enrolment.request import claimed, renewal
from kazasu.enrolment.succession import followed
from kazasu.errors import BrokerUnsuitable, EnrolmentRefused, KeyMaterialError, SignatureInvalid
from kazasu.publishers.exchange import exchanging
from kazasu.publishers.wire import Topics
from kazasu.site.pem import certificate_in, key_pem
from kazasu.store.keys import load_signer, load_verifiers, write_new

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.configuration import Config
    from kazasu.model.configuration_broker import Mqtt
    from kazasu.publishers.exchange import Exchange
    from kazasu.publishers.news import Received

_DUE: Final = dt.timedelta(days=30)
_QUIET_S: Final = 1.0  # what is retained comes at once
_MOST_WAITING: Final = 100  # messages; far more than a site retains for this


class Renewal:
    """One run.

    Args:
        config: the terminal's.
        mqtt: its table.
        site_key: the file with the site's keys.
        folder: the configuration's.

    Attributes:
        changed: what is in its place already, in words, whatever breaks off later: the service has to start anew.
        waiting: what was asked for, in words, whose answer is still to come.
        refused: why there is no new layer of the pepper, though the site has one; empty if all is well.
    """

    def __init__(self, config: Config, mqtt: Mqtt, site_key: Path, folder: Path) -> None:
        self.changed: list[str] = []
        self.waiting: list[str] = []
        self.refused = ""
        self._config = config
        self._mqtt = mqtt
        self._site_key = site_key
        self._folder = folder / "renewal"
        self._certificate = certificate_in(read(mqtt.certificate, "certificate"), mqtt.certificate)
        self._topics = Topics(config.terminal.site, config.terminal.id)
        self._layers = LayerRenewal(config, site_key, folder, self._topics)

    @property
    def ends(self) -> dt.datetime:
        """When the certificate does."""
        return self._certificate.not_valid_after_utc

    def is_due(self, now: dt.datetime) -> bool:
        """Whether it is time to ask for the next one."""
        return self.ends - now < _DUE

    def run(self, now: dt.datetime, wait_s: float, *, wanted: bool) -> None:
        """Connect, and see `renew`.

        Raises:
            EnrolmentRefused, KeyMaterialError: see `renew`.
            OSError, BrokerUnsuitable: see `exchanging`.
        """
        with exchanging(
            broker_of(self._mqtt),
            f"{self._config.terminal.id}-renew",
            (self._topics.site_keys, self._topics.enrol_reply, self._topics.pepper, self._topics.pepper_gift),
        ) as exchange:
            self.renew(exchange, now, wait_s, wanted=wanted)

    def renew(self, exchange: Exchange, now: dt.datetime, wait_s: float, *, wanted: bool) -> None:
        """Take what waits at the broker, and ask for a certificate if it is wanted.

        Raises:
            EnrolmentRefused: the site says no.
            KeyMaterialError: a key or certificate cannot be used.
            OSError, BrokerUnsuitable: see `Exchange`.
        """
        there: list[Received] = []
        while len(there) < _MOST_WAITING and (received := exchange.receive(_QUIET_S)) is not None:
            there.append(received)
        if self._take_over(there):
            keyids = [key.keyid for key in load_verifiers(self._site_key)]
            self.changed.append(f"what counts as the site's key now: {' and '.join(keyids)}")
        try:
            self.changed += self._layers.run(exchange, there, now, wait_s)
        except (EnrolmentRefused, KeyMaterialError, BrokerUnsuitable) as error:
            self.refused = str(error)  # no reason to let the certificate run out
        if self._layers.waiting:
            self.waiting.append("a layer of the pepper")
        if wanted:
            self.changed += self._certified(exchange, there, now, wait_s)

    def _certified(self, exchange: Exchange, there: list[Received], now: dt.datetime, wait_s: float) -> list[str]:
        """Ask for a certificate, and wait for it."""
        request = self._request(now)
        taken = any(self._taken(request, received) for received in there)
        if not taken:
            exchange.publish(self._topics.enrol_request, request, retain=True)
        while not taken and (received := exchange.receive(wait_s)) is not None:
            taken = self._taken(request, received)
        if not taken:
            self.waiting.append("a certificate")
            return []
        return [f"the certificate for the broker is good until {self._install():%Y-%m-%d}"]

    def _take_over(self, there: list[Received]) -> bool:
        """Follow what the site says of its keys."""
        present = read(self._site_key, "public key").decode()
        keys = self._topics.site_keys.removesuffix("+")
        payloads = [each.payload for each in there if each.topic.startswith(keys)]
        newest = followed(self._config.terminal.site, present, payloads)
        if newest == present:
            return False
        install([NewFile(self._site_key, newest.encode(), PUBLIC)])
        return True

    def _request(self, now: dt.datetime) -> bytes:
        """The request that waits already, or a new one with a new key."""
        request, serial = self._folder / "request.json", f"{self._certificate.serial_number:x}"
        if request.exists():
            try:
                waiting = request.read_bytes()
                if msgspec.json.decode(waiting, type=dict).get("serial") == serial:
                    return waiting
            except msgspec.MsgspecError:
                pass  # a power cut's: a new one is as good
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        asked = renewal(
            self._config.terminal.site,
            self._config.terminal.id,
            now,
            event=load_signer(credential(self._config.keys.event)),
            client=key,
            serial=self._certificate.serial_number,
        )
        write_new(self._folder / "client.key", key_pem(key), SECRET)
        write_new(request, asked.body, SECRET)
        return asked.body

    def _taken(self, request: bytes, received: Received) -> bool:
        """Take the answer to this request; whether it is that."""
        if received.topic != self._topics.enrol_reply:
            return False
        try:
            pem = certificate_for(
                received.payload,
                *load_verifiers(self._site_key),
                site=self._config.terminal.site,
                terminal=self._config.terminal.id,
                request=claimed(request).digest,
                key=self._key(),
            )
        except SignatureInvalid:  # to somebody before, still retained
            return False
        (self._folder / "client.pem").write_text(pem)
        return True

    def _key(self) -> ec.EllipticCurvePrivateKey:
        path = self._folder / "client.key"
        key = load_pem_private_key(read(path, "key"), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeyMaterialError(f"{path} is damaged: remove {self._folder}, and run this again")
        return key

    def _install(self) -> dt.datetime:
        """Put certificate and key in their places together; until when the certificate is good."""
        pem, key = self._folder / "client.pem", self._folder / "client.key"
        install(
            [
                NewFile(self._mqtt.certificate, pem.read_bytes(), PUBLIC),
                NewFile(self._mqtt.key, key.read_bytes(), SECRET),
            ]
        )
        ends = x509.load_pem_x509_certificate(pem.read_bytes()).not_valid_after_utc
        shutil.rmtree(self._folder)
        return ends

"""The terminal's side of joining a site: open the bundle, make keys, ask, keep the answer until all is set up.

What it has so far lies in `enrolment/` beside the configuration, root's alone: setting up may be interrupted at any
moment and goes on from there. What the bundle has settled nobody is asked for any more.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kazasu.cli.setup.files import PUBLIC, SECRET, read
from kazasu.enrolment import bundle
from kazasu.enrolment.reply import certificate_for
from kazasu.enrolment.request import document_digest, enrolment
from kazasu.errors import EnrolmentRefused, KeyMaterialError, SignatureInvalid
from kazasu.model.signature import Ed25519Signer
from kazasu.publishers.settings import Broker
from kazasu.publishers.wire import Topics
from kazasu.site.pem import key_pem
from kazasu.store.keys import generate_signer, load_signer, load_verifier, pepper_in, write_new

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from kazasu.publishers.exchange import Exchange

_FOLDER: Final = "enrolment"
_QUIET_S: Final = 1.0  # what is retained comes at once


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a bundle; nothing of it is secret.

    Attributes:
        bundle: the SHA-256 of its file.
        site: whose terminal this becomes.
        terminal: which.
        timezone: the site's.
        host: the broker's.
        port: the broker's.
        request: the digest of what was asked.
    """

    bundle: str
    site: str
    terminal: str
    timezone: str
    host: str
    port: int
    request: str


class Enrolment:
    """A terminal on its way into a site.

    Args:
        folder: the configuration's.
        event_key: where the terminal's event key is, or is to be.
        journal: the journal, if there is one; its key is then not made anew.
    """

    def __init__(self, folder: Path, event_key: Path, journal: Path) -> None:
        self._folder = folder / _FOLDER
        self._event_key = event_key
        self._journal = journal

    @property
    def request_file(self) -> Path:
        """What is to be brought to the desk, if the broker is not to be the messenger."""
        return self._folder / "request.json"

    @property
    def accepted(self) -> bool:
        """Whether the site has answered with a certificate."""
        return self._file("client.pem").exists()

    @property
    def pending(self) -> Pending | None:
        """What is under way, if anything is."""
        try:
            return msgspec.json.decode(self._file("pending.json").read_bytes(), type=Pending)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise EnrolmentRefused(f"{self._folder} is damaged: remove it, and begin with a new bundle") from error

    def begin(self, path: Path, code: Callable[[str], str], now: dt.datetime, *, opened: Callable[[], None]) -> Pending:
        """Open a bundle, make what keys are missing, and write the request; a bundle that was opened goes on.

        Args:
            path: the bundle.
            code: asked for the one-time code, once it is known for which terminal.
            now: aware.
            opened: called once the bundle is open, before keys are made.

        Raises:
            EnrolmentRefused: it is no bundle, has expired, or the code does not open it.
            KeyMaterialError: a key cannot be used or written.
        """
        payload = read(path, "bundle")
        outside, digest = bundle.read(payload), hashlib.sha256(payload).hexdigest()
        before = self.pending
        if before is not None and before.bundle == digest:
            return before
        if now > outside.expires:
            raise EnrolmentRefused(
                f"{path} was good until {_local(outside.expires)}, and here it is {_local(now)}: ask the desk for"
                " another, or set the clock"
            )
        secrets = bundle.opened(payload, code(f"Code of the bundle for {outside.terminal} at {outside.site}: "))
        pepper_in(secrets.pepper.encode(), path)
        one_time = load_pem_private_key(secrets.one_time_key.encode(), None)
        if not isinstance(one_time, Ed25519PrivateKey):
            raise EnrolmentRefused(f"{path} is another version's")
        opened()
        client = ec.generate_private_key(ec.SECP256R1())
        request = enrolment(
            outside.site,
            outside.terminal,
            now,
            one_time=Ed25519Signer(one_time),
            event=self._event_signer(),
            client=client,
        )
        pending = Pending(
            bundle=digest,
            site=outside.site,
            terminal=outside.terminal,
            timezone=secrets.timezone,
            host=secrets.host,
            port=secrets.port,
            request=document_digest(request),
        )
        self._write(
            {
                "ca.pem": secrets.ca,
                "site.pub": secrets.site_key,
                "collector.pub": secrets.collector_key,
                "pepper.key": secrets.pepper + "\n",
                "bundle.pem": secrets.certificate,
                "bundle.key": secrets.key,
                "client.key": key_pem(client).decode(),
                "request.json": request.body.decode(),
                "pending.json": msgspec.json.encode(pending).decode(),
            }
        )
        return pending

    def ask(self, pending: Pending, timeout_s: float) -> bool:
        """Ask over the broker, and wait for the answer; whether it came.

        The request is retained, and so is the answer: desk and terminal need not be there at the same time.

        Raises:
            EnrolmentRefused: the site says no.
            OSError, BrokerUnsuitable, KeyMaterialError: see `exchanging`.
        """
        from kazasu.publishers.exchange import exchanging

        if not self._file("bundle.pem").read_bytes():
            raise EnrolmentRefused("this bundle is not for the broker: --request FILE writes what to bring to the desk")
        broker = Broker(
            host=pending.host,
            port=pending.port,
            ca_file=self._file("ca.pem"),
            certificate_file=self._file("bundle.pem"),
            key_file=self._file("bundle.key"),
        )
        topics = Topics(pending.site, pending.terminal)
        with exchanging(broker, bundle.BOOTSTRAP + pending.terminal, (topics.enrol_reply,)) as exchange:
            if self._heard(exchange, pending, _QUIET_S):
                return True  # it waited
            exchange.publish(topics.enrol_request, self.request_file.read_bytes(), retain=True)
            return self._heard(exchange, pending, timeout_s)

    def _heard(self, exchange: Exchange, pending: Pending, timeout_s: float) -> bool:
        while (received := exchange.receive(timeout_s)) is not None:
            with contextlib.suppress(SignatureInvalid):  # an answer to somebody before, still retained
                self.take(pending, received.payload)
                return True
        return False

    def take(self, pending: Pending, payload: bytes) -> None:
        """Take the site's answer.

        Raises:
            SignatureInvalid: it is none to this request.
            EnrolmentRefused: the site says no.
        """
        key = load_pem_private_key(self._file("client.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise EnrolmentRefused(f"{self._folder} is damaged: remove it, and begin with a new bundle")
        pem = certificate_for(
            payload,
            load_verifier(self._file("site.pub")),
            site=pending.site,
            terminal=pending.terminal,
            request=pending.request,
            key=key,
        )
        write_new(self._file("client.pem"), pem.encode(), PUBLIC)

    def answers(self) -> dict[str, Any]:
        """Answers to the questions that the bundle has settled; empty before the site has accepted."""
        pending = self.pending
        if pending is None or not self.accepted:
            return {}
        return {
            "site": pending.site,
            "terminal": pending.terminal,
            "timezone": pending.timezone,
            "broker": pending.host,
            "broker_port": pending.port,
            "broker_ca": str(self._file("ca.pem")),
            "client_certificate": str(self._file("client.pem")),
            "client_key": str(self._file("client.key")),
            "collector_key": str(self._file("collector.pub")),
            "site_key": str(self._file("site.pub")),
            "pepper": str(self._file("pepper.key")),
        }

    def end(self) -> None:
        """All is in its place."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, name: str) -> Path:
        return self._folder / name

    def _event_signer(self) -> Ed25519Signer:
        """The terminal's event key: one that is there is kept, and with it the journal."""
        if self._event_key.exists():
            return load_signer(self._event_key)
        if self._journal.exists():
            raise KeyMaterialError(
                f"there is a journal, {self._journal}, but the key that signs it, {self._event_key}, is missing: bring"
                " it back, or move the journal away once all of it was sent"
            )
        self._event_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return generate_signer(self._event_key)

    def _write(self, content: Mapping[str, str]) -> None:
        """Write the folder, whole; what was under way before ends."""
        parent = self._folder.parent
        parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=f".{_FOLDER}-") as directory:
            staged = Path(directory) / _FOLDER
            staged.mkdir(mode=0o700)
            for name, text in content.items():
                write_new(staged / name, text.encode(), SECRET)
            self.end()
            staged.rename(self._folder)


def _local(at: dt.datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"

"""The site's directory: who its terminals are, its keys, and how its own programs reach the broker.

    site.toml                     the site's name, time zone, broker and day cards
    site.pub collector.pub        public keys
    ca.pem crl.pem                the CA's certificate, and its list of certificates that were revoked
    pepper.id                     the layer of the pepper that the roster's files are under
    clients/<name>.pem            certificates of the broker and of the site's own clients of it
    terminals/<id>.toml           a record a terminal
    keys/                         secrets: site.key and ca.key under the passphrase, collector.key and pepper.key as
                                  they are, clients/<name>.key the keys to the certificates

All but keys/ is made for version control; what changes is written whole or not at all, under the directory's lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import msgspec

from kazasu.config import load_table
from kazasu.errors import ConfigurationError, KazasuError, KeyMaterialError
from kazasu.model.configuration_people import DayCards
from kazasu.model.table import Name, Table
from kazasu.site.terminal_record import EventKey, TerminalRecord, is_name, written
from kazasu.store.durable import sync_directory, write_durable
from kazasu.store.keys import load_pepper, load_signer, load_verifier, read_checked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.model.pepper import Pepper
    from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
    from kazasu.publishers.settings import Broker
    from kazasu.site.authority import Authority

__all__ = ["EventKey", "Site", "SiteFile", "TerminalRecord", "open_site", "replace_file"]


OWN_CLIENTS = ("collector", "desk", "discovery", "homeassistant", "operations")
"""The site's own clients of the broker, as the access list knows them."""


class BrokerAddress(Table, frozen=True, kw_only=True):
    """[broker]."""

    host: Annotated[str, msgspec.Meta(min_length=1, description="a host name or address")]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535, description="a port, 1 to 65535")] = 8883


class SiteFile(Table, frozen=True, kw_only=True):
    """site.toml."""

    name: Name
    timezone: ZoneInfo
    broker: BrokerAddress
    day_cards: DayCards | None = None


class Site:
    """An open site directory.

    Args:
        path: where it is.
        file: what its site.toml says.
    """

    def __init__(self, path: Path, file: SiteFile) -> None:
        self.path = path
        self._file = file

    @property
    def name(self) -> str:
        """The site's name: a level of every topic."""
        return self._file.name

    @property
    def zone(self) -> ZoneInfo:
        """Where it is."""
        return self._file.timezone

    @property
    def address(self) -> BrokerAddress:
        """Where its broker is."""
        return self._file.broker

    @property
    def pool(self) -> str | None:
        """Which numbers in people.csv are cards that the site lends; None: it lends none."""
        return None if self._file.day_cards is None else self._file.day_cards.cards

    def file(self, name: str) -> Path:
        """One of its files, such as `site.pub`."""
        return self.path / name

    def broker(self, client: str = "desk") -> Broker:
        """How one of the site's own clients (`OWN_CLIENTS`) reaches the broker."""
        from kazasu.publishers.settings import Broker

        return Broker(
            host=self.address.host,
            port=self.address.port,
            ca_file=self.path / "ca.pem",
            certificate_file=self.certificate_file(client),
            key_file=self.key_file(f"clients/{client}"),
        )

    def certificate_file(self, client: str) -> Path:
        """The certificate of the broker or of one of the site's own clients."""
        return self.path / "clients" / f"{client}.pem"

    def key_file(self, owner: str) -> Path:
        """A private key: `site`, `collector`, `clients/desk` and so on."""
        return self.path / "keys" / f"{owner}.key"

    def terminals(self) -> dict[str, TerminalRecord]:
        """Every terminal's record, by name.

        Raises:
            ConfigurationError: one that cannot be used.
        """
        files = sorted((self.path / "terminals").glob("*.toml"))
        return {file.stem: self.terminal(file.stem) for file in files}

    def gone(self) -> frozenset[str]:
        """Terminals that were revoked.

        Raises:
            ConfigurationError: see `terminals`.
        """
        return frozenset(name for name, record in self.terminals().items() if record.state == "revoked")

    def terminal(self, terminal: str) -> TerminalRecord:
        """One terminal's record.

        Raises:
            ConfigurationError: there is none, or it cannot be used.
        """
        path = self._record_file(terminal)
        if not path.exists():
            raise ConfigurationError(f"{self.path} has no terminal {terminal!r}; {self._nearest(terminal)}")
        record = load_table(path, TerminalRecord, lambda _: ())
        if record.id != terminal:
            raise ConfigurationError(
                f"{path}: id: it is the record of {record.id!r}; a file is named after its terminal"
            )
        return record

    def find(self, terminal: str) -> TerminalRecord | None:
        """One terminal's record, if there is one; the name may be anything.

        Raises:
            ConfigurationError: there is one, and it cannot be used.
        """
        return self.terminal(terminal) if is_name(terminal) and self._record_file(terminal).exists() else None

    def save(self, record: TerminalRecord) -> None:
        """Write a terminal's record, durable."""
        path = self._record_file(record.id)
        path.parent.mkdir(exist_ok=True)
        replace_file(path, written(record).encode(), 0o644)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other program change the directory meanwhile: an invitation is used once, whoever answers it."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Said at once, to whoever sits there: a command that stands still without a word is ended by hand.
                sys.stderr.write(f"another `kazasu site` is changing {self.path}: waiting until it has ended\n")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Be the one that answers at the broker: of two, one would refuse what the other has just accepted.

        Raises:
            KazasuError: another is.
        """
        terminals = self.path / "terminals"
        terminals.mkdir(exist_ok=True)  # version control keeps no folder in which nobody is yet
        descriptor = os.open(terminals, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise KazasuError(
                    f"another `kazasu site accept` answers for {self.path} already: one hears all that ask"
                ) from error
            yield
        finally:
            os.close(descriptor)

    def unlock(self, passphrase: str) -> Ed25519Signer:
        """Open the site key.

        Raises:
            KeyMaterialError: the passphrase is wrong, or the key cannot be used.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        from kazasu.model.signature import Ed25519Signer
        from kazasu.site.pem import unlocked

        path = self.key_file("site")
        key = unlocked(read_checked(path, "site key", secret=True), passphrase, path)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyMaterialError(f"{path} holds a key that is not Ed25519: bring the site key back from its backup")
        return Ed25519Signer(key)

    def authority(self, passphrase: str) -> Authority:
        """Open the certificate authority.

        Raises:
            KeyMaterialError: the passphrase is wrong, the key cannot be used, or the authority is not the site's.
        """
        from cryptography.hazmat.primitives.asymmetric import ec

        from kazasu.site.authority import Authority
        from kazasu.site.pem import certificate_in, unlocked

        path, certificate_file = self.key_file("ca"), self.path / "ca.pem"
        key = unlocked(read_checked(path, "CA key", secret=True), passphrase, path)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeyMaterialError(f"{path} holds a key that is not P-256: bring the CA key back from its backup")
        pem = read_checked(certificate_file, "CA certificate", secret=False)
        return Authority(certificate_in(pem, certificate_file), key)

    @property
    def has_authority(self) -> bool:
        """Whether it issues certificates itself, and no CA elsewhere does."""
        return self.key_file("ca").exists()

    def verifier(self) -> Ed25519Verifier:
        """The site's public key.

        Raises:
            KeyMaterialError: it cannot be used.
        """
        return load_verifier(self.path / "site.pub")

    def collector_signer(self) -> Ed25519Signer:
        """The collector's key.

        Raises:
            KeyMaterialError: it cannot be used.
        """
        return load_signer(self.key_file("collector"))

    def pepper(self) -> Pepper:
        """The pepper, all layers of it.

        Raises:
            KeyMaterialError: it cannot be used.
        """
        return load_pepper(self.key_file("pepper"))

    def _nearest(self, terminal: str) -> str:
        import difflib  # only a mistake needs it

        names = [file.stem for file in (self.path / "terminals").glob("*.toml")]
        near = difflib.get_close_matches(terminal, names, n=1)
        return f"did you mean {near[0]}?" if near else f"`kazasu site add-terminal {terminal}` invites it"

    def _record_file(self, terminal: str) -> Path:
        return self.path / "terminals" / f"{terminal}.toml"


def open_site(path: Path) -> Site:
    """Open a site directory.

    Raises:
        ConfigurationError: there is none, or its site.toml cannot be used.
    """
    file = path / "site.toml"
    if not file.exists():
        raise ConfigurationError(
            f"{path.absolute()} is no site directory: there is no site.toml in it; name one with --site or"
            " $KAZASU_SITE, or make one with `kazasu site init`"
        )
    return Site(path, load_table(file, SiteFile, lambda _: ()))


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all, durable.

    Raises:
        KeyMaterialError: it cannot be written; what was there before still is.
    """
    staged = path.with_name(f".{path.name}.new")
    try:
        staged.unlink(missing_ok=True)  # of a run that lost its power
        write_durable(staged, content, mode)
        staged.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise KeyMaterialError(f"{path} cannot be written: {error.strerror}") from error

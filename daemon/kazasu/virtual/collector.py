"""The real collector as a process of one's own, for the demo, the tests and the benchmarks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from kazasu.model.signature import Ed25519Signer
from kazasu.virtual.program import OwnProgram, Program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kazasu.publishers.settings import Broker


class SiteCollector(OwnProgram):
    """`kazasu collect` with a site's files.

    Args:
        directory: where its own files go; made if it is missing.
        site: the site's name.
        broker: where to, and as whom.
        key_file: the collector's key.
        terminals: the directory that knows the terminals.
        postgresql: the store's connection string; by default it is an SQLite file in the directory.
        lines: more of the table [collector].

    Attributes:
        config_file: its configuration.
        store_file: its SQLite file.
        log_file: what it logged, over all starts.
    """

    def __init__(
        self,
        directory: Path,
        site: str,
        broker: Broker,
        *,
        key_file: Path,
        terminals: Path,
        postgresql: str = "",
        lines: str = "",
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.config_file = directory / "collector.toml"
        self.store_file = directory / "events.db"
        self.log_file = directory / "collector.log"
        super().__init__(Program(sys.executable, "kazasu", self.log_file))
        store = f'postgresql = "{postgresql}"' if postgresql else f'sqlite = "{self.store_file}"'
        self.config_file.write_text(
            f"""[collector]
site = "{site}"
key = "{key_file}"
terminals = "{terminals}"
repair_after = "1s"
{lines}
[broker]
host = "{broker.host}"
port = {broker.port}
ca = "{broker.ca_file}"
certificate = "{broker.certificate_file}"
key = "{broker.key_file}"
[store]
{store}
"""
        )

    def start(self) -> None:
        """Start it; it connects when it can."""
        self._program.start(["-m", "kazasu", "collect", "--config", self.config_file], lambda: True)


class CollectorProcess(SiteCollector):
    """One without a site directory: with a key and a directory of terminals of its own.

    Args:
        directory: where its files go; made if it is missing.
        site: the site's name.
        broker: where to, and as whom.
        terminals: each terminal's public event key.
        private: the collector's key; a new one by default.
        postgresql: see `SiteCollector`.
        lines: see `SiteCollector`.

    Attributes:
        signer: the collector's key.
    """

    def __init__(
        self,
        directory: Path,
        site: str,
        broker: Broker,
        terminals: Mapping[str, Ed25519Signer],
        *,
        private: Ed25519PrivateKey | None = None,
        postgresql: str = "",
        lines: str = "",
    ) -> None:
        self._terminals = directory / "terminals"
        self._terminals.mkdir(parents=True)
        private = private or Ed25519PrivateKey.generate()
        self.signer = Ed25519Signer(private)
        key_file = directory / "collector.key"
        key_file.touch(0o600)
        key_file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        for name, signer in terminals.items():
            self.register(name, signer)
        super().__init__(
            directory,
            site,
            broker,
            key_file=key_file,
            terminals=self._terminals,
            postgresql=postgresql,
            lines=lines,
        )

    def register(self, name: str, signer: Ed25519Signer) -> None:
        """Put a terminal's public event key into the directory; a collector that runs takes it over."""
        pem = signer.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (self._terminals / f"{name}.pub.pem").write_bytes(pem)

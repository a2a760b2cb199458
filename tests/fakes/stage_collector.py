"""The collector that a stage's terminal believes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kazasu.store.keys import load_signer
from kazasu.virtual.collector import CollectorProcess
from kazasu.virtual.stage import SITE, TERMINAL

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.virtual.stage import Stage


def collector_of(stage: Stage, keys: Path, folder: Path) -> CollectorProcess:
    """Not started yet.

    Args:
        stage: whose.
        keys: the stage's folder of keys.
        folder: for the collector's files.
    """
    private = load_pem_private_key((keys / "collector.key").read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    terminals = {TERMINAL: load_signer(keys / "event.key")}
    return CollectorProcess(folder, SITE, stage.broker.client("collector"), terminals, private=private)

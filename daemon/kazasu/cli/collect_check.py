"""What `kazasu collect check` looks at."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.app.broker import broker_of
from kazasu.app.collector import open_store
from kazasu.cli.finding import Finding, Grade
from kazasu.collector.terminals import TerminalDirectory
from kazasu.config import credential
from kazasu.errors import BrokerUnsuitable, KazasuError, KeyMaterialError
from kazasu.store.keys import load_signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.collector.configuration import CollectorConfig


_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def check_all(config: CollectorConfig) -> Iterator[Finding]:
    """Look at everything that a collector needs; changes nothing."""
    yield from _key(config)
    yield from _terminals(config)
    yield from _store(config)
    yield from _broker(config)
    yield from _metrics(config)


def _key(config: CollectorConfig) -> Iterator[Finding]:
    try:
        signer = load_signer(credential(config.collector.key), "collector key")
    except KazasuError as error:
        yield Finding(Grade.PROBLEM, "key", str(error))
        return
    yield Finding(Grade.OK, "key", f"{signer.keyid}: terminals have its public half as [collector] key")


def _terminals(config: CollectorConfig) -> Iterator[Finding]:
    directory = TerminalDirectory(config.collector.terminals)
    try:
        directory.read()
    except KazasuError as error:
        yield Finding(Grade.PROBLEM, "terminals", str(error))
        return
    if not directory.terminals:
        yield Finding(
            Grade.PROBLEM,
            "terminals",
            f"{config.collector.terminals} names none",
            "put each terminal's record or its public event key there: <id>.toml or <id>.pub.pem",
        )
        return
    for keyid, names in directory.shared_keys().items():
        yield Finding(
            Grade.PROBLEM,
            "terminals",
            f"{', '.join(names)} are registered with one key, {keyid}",
            "make a key of its own on each: nobody can tell whose their events are",
        )
    yield Finding(Grade.OK, "terminals", f"{len(directory.terminals)} registered")


def _store(config: CollectorConfig) -> Iterator[Finding]:
    if config.store.postgresql is None and not config.store.sqlite.exists():
        yield Finding(Grade.NOTE, "store", f"{config.store.sqlite} is not there yet", "it is made at the first start")
        return
    try:
        with contextlib.closing(open_store(config.store)) as store:
            chains, alerts = store.chains(), store.alerts()
    except KazasuError as error:
        yield Finding(Grade.PROBLEM, "store", str(error))
        return
    where = "PostgreSQL" if config.store.postgresql else str(config.store.sqlite)
    complete = sum(chain.seq for chain in chains)
    yield Finding(Grade.OK, "store", f"{where}: {complete} events without a gap, of {len(chains)} journals")
    for alert in alerts:
        yield Finding(Grade.NOTE, "alert", f"{alert.terminal}: {alert.kind.value}: {alert.detail}")


def _broker(config: CollectorConfig) -> Iterator[Finding]:
    from kazasu.publishers.visit import unreached, visiting

    broker = broker_of(config.broker)
    try:
        with visiting(broker, f"{config.collector.name}-check"):
            pass
    except (OSError, BrokerUnsuitable, KeyMaterialError) as error:
        yield Finding(Grade.PROBLEM, "broker", unreached(broker.host, broker.port, error))
        return
    yield Finding(Grade.OK, "broker", f"{broker.host}:{broker.port} takes this collector in")


def _metrics(config: CollectorConfig) -> Iterator[Finding]:
    where = f"{config.metrics.host}, port {config.metrics.port}"
    if config.metrics.port and config.metrics.host not in _LOOPBACK:
        yield Finding(
            Grade.NOTE,
            "metrics",
            f"{where}: other machines read them without a password",
            'keep that to a network of yours, or set host = "127.0.0.1"',
        )
    elif config.metrics.port:
        yield Finding(Grade.OK, "metrics", where)

"""The collector's composition root: what stands behind its seams, and in which order it is opened."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from kazasu.app.broker import broker_of
from kazasu.collector.alerts import Alerts
from kazasu.collector.collecting import Collecting
from kazasu.collector.intake import Intake
from kazasu.collector.loop import CollectorLoop
from kazasu.collector.receipts import Receipts
from kazasu.collector.repair import Repair
from kazasu.collector.terminals import TerminalDirectory
from kazasu.collector.wire import CollectorPayloads, CollectorTopics
from kazasu.config import credential
from kazasu.errors import ConfigurationError
from kazasu.ports.clock import Clock
from kazasu.ports.loops import Loop
from kazasu.runtime.clock import SystemClock
from kazasu.runtime.debian import see_debian
from kazasu.store.keys import load_signer

if TYPE_CHECKING:
    from contextlib import ExitStack

    from kazasu.collector.configuration import CollectorConfig, Store
    from kazasu.collector.ports import EventStore
    from kazasu.collector.store.postgresql import PostgresqlStore


class CollectorApp(msgspec.Struct, frozen=True, kw_only=True):
    """What a collector runs.

    Attributes:
        loop: the thread that collects.
        collecting: what that thread does.
        others: what else has a thread, by name: whoever shows how the site is.
        clock: the machine's.
    """

    loop: CollectorLoop
    collecting: Collecting
    others: tuple[tuple[str, Loop], ...]
    clock: Clock

    def status(self) -> str:
        """One line for `systemctl status`."""
        return self.loop.trouble or self.collecting.trouble or "in order"


def assemble_collector(config: CollectorConfig, stack: ExitStack) -> CollectorApp:
    """Open everything that the configuration names; the store and the broker may be away.

    Args:
        config: checked.
        stack: closes what was opened.

    Raises:
        KazasuError: something that a person has to mend.
    """
    settings = config.collector
    signer = load_signer(credential(settings.key), "collector key")
    directory = TerminalDirectory(settings.terminals)
    directory.read()
    store = open_store(config.store, make=True)
    stack.callback(store.close)
    clock = SystemClock(ZoneInfo("UTC"))
    topics = CollectorTopics(settings.site, settings.name, settings.group)
    payloads = CollectorPayloads(settings.site, settings.name)
    collecting = Collecting(
        topics,
        payloads,
        directory=directory,
        intake=Intake(settings.site, {}, {}),
        store=store,
        receipts=Receipts(payloads, signer),
        repair=Repair(payloads, signer, clock, int(settings.repair_after)),
        alerts=Alerts(topics, payloads),
        clock=clock,
        random=random.random,
    )
    loop = CollectorLoop(
        settings, broker_of(config.broker), topics, payloads, collecting=collecting, clock=clock, random=random.random
    )
    return CollectorApp(loop=loop, collecting=collecting, others=_metrics(config, clock, directory), clock=clock)


def _metrics(config: CollectorConfig, clock: Clock, directory: TerminalDirectory) -> tuple[tuple[str, Loop], ...]:
    """What serves metrics, if anything is to.

    They are read over a connection of their own: neither a slow reader nor a large fleet holds up what is collected.
    """
    if not config.metrics.port:
        return ()
    from kazasu.collector.metrics import site_metrics
    from kazasu.collector.metrics_server import MetricsServer
    from kazasu.site.fleet import Fleet
    from kazasu.site.fleet_loop import FleetLoop
    from kazasu.site.line import SiteLine

    site = config.collector.site
    fleet = Fleet(site)
    line = SiteLine(broker_of(config.broker), fleet.subscriptions, clock.mono_s, random.random)
    reading = FleetLoop(fleet, line, clock)

    def page() -> str:
        gone = {name for name, registered in directory.terminals.items() if registered.gone}
        return reading.ask(lambda known: site_metrics(site, known, gone))

    server = MetricsServer(config.metrics.host, config.metrics.port, page)
    return (("fleet", reading), ("metrics", server))


def open_store(store: Store, *, make: bool = False) -> EventStore:
    """The store that the configuration names; it is opened at its first use.

    Args:
        store: which.
        make: an SQLite file that is not there is made, as only the collector itself does.

    Raises:
        ConfigurationError: its driver is not installed.
    """
    if store.postgresql is None:
        from kazasu.collector.store.sqlite import SqliteStore

        return SqliteStore(store.sqlite, make=make)
    return postgresql_store(store.postgresql)


def postgresql_store(conninfo: str) -> PostgresqlStore:
    """A store in PostgreSQL; it is opened at its first use.

    Raises:
        ConfigurationError: its driver is not installed.
    """
    see_debian()
    try:
        from kazasu.collector.store.postgresql import PostgresqlStore
    except ImportError as error:
        raise ConfigurationError(
            f"store.postgresql: its driver is missing ({error}): sudo apt install python3-psycopg, or"
            " pip install 'kazasu[postgresql]'"
        ) from error
    return PostgresqlStore(conninfo)

"""What a site can set of its collector: the tables of config/collector.toml, as frozen values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

from kazasu.model.configuration import Log
from kazasu.model.configuration_broker import Broker
from kazasu.model.setting import Duration, within
from kazasu.model.table import Name, Table

_Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, description="text, not empty")]


class Collector(Table, frozen=True, kw_only=True):
    """[collector]."""

    site: Name
    key: Path
    terminals: Path
    name: Name = "collector"
    group: Name | None = None
    repair_after: Duration = Duration(10)

    def __post_init__(self) -> None:
        within(self.repair_after, "repair_after", 1, 3600)
        if self.name == "all":
            raise ValueError('name cannot be "all": that is the level of what all collectors say together')


class Store(Table, frozen=True, kw_only=True):
    """[store]."""

    sqlite: Path = Path("/var/lib/kazasu-collector/events.db")
    postgresql: _Text | None = None


class Metrics(Table, frozen=True, kw_only=True):
    """[metrics]."""

    port: Annotated[int, msgspec.Meta(ge=0, le=65535, description="a port, or 0 for none")] = 0
    host: _Text = "127.0.0.1"


class CollectorConfig(Table, frozen=True, kw_only=True):
    """The whole file."""

    collector: Collector
    broker: Broker
    store: Store = Store()
    metrics: Metrics = Metrics()
    log: Log = Log()

    def __post_init__(self) -> None:
        if self.collector.group is not None and self.store.postgresql is None:
            raise ValueError("several collectors in one `group` need one [store] `postgresql`: SQLite is one machine's")

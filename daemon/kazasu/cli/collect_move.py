"""Move the collector's store from its SQLite file to PostgreSQL, while the collector is stopped."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from kazasu.app.collector import postgresql_store
from kazasu.cli import EXIT_OK
from kazasu.cli.progress import ProgressLine
from kazasu.collector.store.move import move
from kazasu.errors import ConfigurationError

if TYPE_CHECKING:
    from kazasu.collector.configuration import Store


def move_store(store: Store, conninfo: str) -> int:
    """Copy everything, put the file aside, and say what is to be written into collector.toml.

    Raises:
        ConfigurationError: the store is in PostgreSQL already.
        StoreError, StoreUnavailable: see `move`.
    """
    if store.postgresql is not None:
        raise ConfigurationError(f"store.postgresql: the store is in PostgreSQL already: {store.postgresql}")
    progress = ProgressLine("moving row")
    with closing(postgresql_store(conninfo)) as to:
        moved = move(store.sqlite, to, progress.show)
    progress.clear()
    print(
        f"moved: {', '.join(f'{table} {count:,}' for table, count in sorted(moved.rows.items()) if count) or 'nothing'}"
    )
    print(f"the file is kept as {moved.kept_as}: remove it once the collector runs\n")
    print(f'now in collector.toml:\n  [store]\n  postgresql = "{conninfo}"')
    return EXIT_OK

"""A throwaway site for the demo and the tests."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from kazasu.site.founding import Founding, found

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.directory import Site

PASSPHRASE = "throwaway throwaway throwaway"  # noqa: S105  (of keys that are thrown away)


def make_site(path: Path, name: str = "town-hall", host: str = "localhost", port: int = 8883) -> Site:
    """Make a site directory; `PASSPHRASE` opens it.

    Args:
        path: where; not there yet.
        name: the site's.
        host: the broker's name, as its certificate has it.
        port: the broker's.
    """
    founding = Founding(name=name, timezone="Asia/Tokyo", host=host, port=port)
    return found(path, founding, PASSPHRASE, dt.datetime.now(dt.UTC))

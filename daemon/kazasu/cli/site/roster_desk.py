"""What the actions on the site's roster have in common: its folder, the broker, a question."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kazasu.errors import KazasuError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.site.directory import Site
    from kazasu.site.post import Post
    from kazasu.site.roster import RosterDesk


def desk_of(site: Site) -> RosterDesk:
    """The desk of a site's roster."""
    from kazasu.site.files_layer import layer_of
    from kazasu.site.roster import RosterDesk

    return RosterDesk(site.file("roster"), site.name, site.zone, site.pepper(), layer_of(site), site.pool)


@contextmanager
def post_of(site: Site) -> Iterator[Post]:
    """An open connection to the site's broker.

    Raises:
        KazasuError: it cannot be reached, or refuses.
    """
    from kazasu.publishers.visit import unreached, visiting
    from kazasu.site.post import Post

    try:
        with visiting(site.broker(), f"desk-{os.getpid()}") as connection:
            yield Post(connection)
    except OSError as error:
        why = unreached(site.address.host, site.address.port, error)
        raise KazasuError(f"{why} The terminals have what they had: call again once it is there") from error


def agreed(question: str) -> bool:
    """Ask somebody at the keyboard; nobody there is a no."""
    if not sys.stdin.isatty():
        print("nobody is there to ask: --yes says yes")
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        print()
        return False

"""Bring what this terminal and its site share up to date: its certificate for the broker, the site's key, the pepper.

Run it each day (docs/site.md): it asks for the next certificate in the last thirty days of this one, takes over a new
site key that the present one vouches for, and asks for a layer of the pepper that it lacks. Requests wait at the broker
until the desk answers (`kazasu site accept`), and answers wait for the next run. What was replaced stays as FILE.old,
and the service is started anew.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, add_config_argument, number_of_seconds
from kazasu.config import load
from kazasu.errors import KazasuError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--now", action="store_true", help="ask for a certificate however long this one is good")
    parser.add_argument(
        "--wait", type=number_of_seconds, default=60.0, metavar="SECONDS", help="for the desk; default: %(default)g"
    )
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Renew what is due."""
    path: Path = arguments.config.absolute()
    config = load(path)
    if config.mqtt is None or config.site is None:
        raise KazasuError(
            f"{path}: there is no [mqtt] or no [site]: this terminal is of no site that could renew anything"
        )
    from kazasu.cli.setup.renewal import Renewal
    from kazasu.publishers.visit import unreached

    renewal = Renewal(config, config.mqtt, config.site.key, path.parent)
    now = dt.datetime.now(dt.UTC)
    try:
        with taking_effect(renewal.changed, path.parent):
            renewal.run(now, arguments.wait, wanted=arguments.now or renewal.is_due(now))
    except OSError as error:
        raise KazasuError(unreached(config.mqtt.host, config.mqtt.port, error)) from error
    if renewal.waiting:
        print(
            f"no answer yet: the request for {' and '.join(renewal.waiting)} waits at the broker for `kazasu site"
            " accept`; the next run looks for the answer"
        )
    elif not renewal.changed and not renewal.refused:
        print(f"nothing to renew: the certificate is good until {renewal.ends:%Y-%m-%d}")
    if renewal.refused:
        raise KazasuError(renewal.refused)
    return EXIT_OK


@contextlib.contextmanager
def taking_effect(changed: Sequence[str], folder: Path) -> Iterator[None]:
    """Say what changed meanwhile and start the service anew, however it ends: the next run finds nothing to change.

    Args:
        changed: in words; filled meanwhile.
        folder: the configuration's.

    Raises:
        KazasuError: the service does not start.
    """
    try:
        yield
    finally:
        for line in changed:
            print(line)
        if changed:
            _start_anew(folder)


def _start_anew(folder: Path) -> None:
    """Systemd hands keys over at the start only."""
    from kazasu.cli.setup import service

    unit = service.find(folder)
    if unit is not None and unit.active:
        if not unit.start():
            raise KazasuError(f"{unit.name} did not start: `journalctl -u {unit.name} -n 20` says why")
        print(f"{unit.name} was started anew")
    else:
        print("the terminal takes it over when it is started the next time")

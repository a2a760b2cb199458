"""Tell Home Assistant, over MQTT, which terminals there are: each becomes a device.

It stays, and announces what is new; with --once it announces what there is and ends. Announcements are retained, so
Home Assistant finds them whenever it starts. To let it forget a terminal, remove its announcement from the broker:
`mosquitto_pub … -r -n -t homeassistant/device/kazasu_SITE_TERMINAL/config`.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_site_argument, site_of
from kazasu.errors import BrokerUnsuitable
from kazasu.site.announcer import Announcer

if TYPE_CHECKING:
    import argparse

    from kazasu.site.line import SiteLine

_APART_S = 1.0  # also long enough for the broker to have sent what it retains
_WAIT_S = 60.0
_FOR_ANSWERS_S = 10.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--once", action="store_true", help="announce what there is, and end")
    add_site_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Announce."""
    from kazasu.site.line import SiteLine  # paho

    site = site_of(arguments)
    announcer = Announcer(site.name, site.gone())
    line = SiteLine(site.broker("discovery"), announcer.subscriptions, time.monotonic, random.random)
    try:
        return _announce(line, announcer, once=arguments.once)
    finally:
        line.close()


def _announce(line: SiteLine, announcer: Announcer, *, once: bool) -> int:
    heard, said, looked_s = False, "", time.monotonic()
    while True:
        line.wait(_APART_S if heard or once else _WAIT_S)
        for message in line.turn():
            announcer.take(message.topic, message.payload, dt.datetime.now(dt.UTC))
            heard = True
        trouble = line.trouble or line.refused
        if once and trouble:
            raise BrokerUnsuitable(trouble)
        if trouble != said:
            print(trouble or "connected again", flush=True)
            said = trouble
        now_s = time.monotonic()
        if not line.up:
            looked_s = now_s
        elif now_s - looked_s >= _APART_S:
            heard, looked_s = False, now_s
            announcements = list(announcer.due())
            for topic, payload in announcements:
                line.publish(topic, payload)
                print(f"announced  {topic}", flush=True)
            if once and not announcements:
                _wait_for_answers(line)
                return EXIT_OK


def _wait_for_answers(line: SiteLine) -> None:
    """The broker says of each announcement whether it took it.

    Raises:
        BrokerUnsuitable: it did not, or says nothing.
    """
    until_s = time.monotonic() + _FOR_ANSWERS_S
    while not line.idle and time.monotonic() < until_s:
        line.turn()
        line.wait(_APART_S)
    line.turn()
    if line.refused or not line.idle:
        raise BrokerUnsuitable(line.refused or line.trouble or "the broker did not confirm what was announced")

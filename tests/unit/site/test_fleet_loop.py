from __future__ import annotations

import threading
from pathlib import Path

from fakes.clock import FakeClock
from fakes.fleet import SITE
from kazasu.publishers.settings import Broker
from kazasu.site.fleet import Fleet
from kazasu.site.fleet_loop import FleetLoop
from kazasu.site.line import SiteLine


def test_it_ends_at_once_though_the_broker_cannot_be_reached() -> None:
    clock, fleet, nowhere = FakeClock(), Fleet(SITE), Path("/nowhere")
    broker = Broker(host="localhost", port=1, ca_file=nowhere, certificate_file=nowhere, key_file=nowhere)
    loop = FleetLoop(fleet, SiteLine(broker, fleet.subscriptions, clock.mono_s, lambda: 0.0), clock)
    beaten = threading.Event()
    thread = threading.Thread(target=loop.run, args=(beaten.set,))
    thread.start()
    assert beaten.wait(30)
    assert loop.ask(lambda known: len(known.terminals)) == 0
    loop.stop()
    thread.join(30)
    assert not thread.is_alive()

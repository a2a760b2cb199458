"""See how every terminal of the site is: the worst first, anew once a second.

Into a pipe, or with --once, it says once how things are and ends; its exit code is 1 if a terminal is down or has a
problem, or if none was heard of. It shows what the terminals say of themselves; which events are kept, and whether one
is missing, the collector knows.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import shutil
import sys
import termios
import time
import tty
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, EXIT_PROBLEM
from kazasu.cli.site import add_site_argument, site_of
from kazasu.errors import BrokerUnsuitable
from kazasu.site.fleet import Fleet
from kazasu.site.fleet_order import FleetOrder
from kazasu.site.fleet_problems import Grade
from kazasu.site.fleet_view import FleetView, Heading, Screen, as_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kazasu.site.directory import Site
    from kazasu.site.line import SiteLine

_DRAWN_APART_S = 1.0
_QUIET_S = 1.0  # the broker sends what it retains at once; when nothing more comes, that was all
_LONGEST_S = 10.0
_PIPE = (140, 0)
_NEXT, _BACK, _QUIT = b" ", b"b", b"q"

# ECMA-48 with xterm's alternate screen: what stood there before is there again afterwards.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _TO_LINE_END, _TO_SCREEN_END = "\x1b[H", "\x1b[K", "\x1b[J"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--once", action="store_true", help="say once how things are, as into a pipe")
    parser.add_argument("--json", action="store_true", help="once, a line of JSON a terminal")
    add_site_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Watch."""
    from kazasu.site.line import SiteLine  # paho

    site = site_of(arguments)
    fleet = Fleet(site.name, site.gone())
    line = SiteLine(site.broker("operations"), fleet.subscriptions, time.monotonic, random.random)
    watch = _Watch(site, fleet, line)
    try:
        if arguments.once or arguments.json or not (sys.stdout.isatty() and sys.stdin.isatty()):
            return watch.once(as_lines_of_json=arguments.json)
        watch.live()
    finally:
        watch.line.close()
    return EXIT_OK


class _Watch:
    def __init__(self, site: Site, fleet: Fleet, line: SiteLine) -> None:
        self.line = line
        self._site = site
        self._fleet = fleet
        self._order = FleetOrder(fleet)
        self._view = FleetView(fleet, self._order)

    def once(self, *, as_lines_of_json: bool) -> int:
        """Hear what the broker retains, say it, and answer with 1 if something is wrong.

        Raises:
            BrokerUnsuitable: it cannot be reached, or does not let this client read.
        """
        began_s = heard_s = time.monotonic()
        firsts = 0
        while (now_s := time.monotonic()) - began_s < _LONGEST_S and (not self.line.up or now_s - heard_s < _QUIET_S):
            self.line.wait(_QUIET_S)
            self._hear()
            trouble = self.line.trouble or self.line.refused
            if trouble:
                raise BrokerUnsuitable(trouble)
            if self._fleet.firsts != firsts or not self.line.up:
                firsts, heard_s = self._fleet.firsts, time.monotonic()
        if not self.line.up:
            raise BrokerUnsuitable("no answer: this is no MQTT broker, or it hangs")
        whole = time.monotonic() - heard_s >= _QUIET_S
        at = dt.datetime.now(dt.UTC)
        self._follow(at)
        if as_lines_of_json:
            for terminal in self._order.window(0, len(self._order)):
                sys.stdout.buffer.write(as_json(terminal, self._order.problems(terminal.name), at) + b"\n")
        else:
            heading = Heading(site=self._site.name, trouble="" if whole else "not all of it: more was still coming")
            print("\n".join(self._view.snapshot(heading, _screen(self._site.zone), at)))
        counts = self._order.counts
        well = self._fleet.terminals and not counts[Grade.DOWN] and not counts[Grade.PROBLEM]
        return EXIT_OK if well else EXIT_PROBLEM

    def live(self) -> None:
        """Draw at most once a second, until somebody has seen enough."""
        page, drawn_s = 0, -_DRAWN_APART_S
        with _raw_terminal() as keyboard:
            while True:
                wait_s = drawn_s + _DRAWN_APART_S - time.monotonic()
                self.line.wait(wait_s, keyboard)
                self._hear()
                key = _key(keyboard)
                if key == _QUIT:
                    return
                page += {_NEXT: 1, _BACK: -1}.get(key, 0)
                if key or time.monotonic() - drawn_s >= _DRAWN_APART_S:
                    drawn_s, at = time.monotonic(), dt.datetime.now(dt.UTC)
                    self._follow(at)
                    heading = Heading(site=self._site.name, trouble=self._trouble())
                    lines, page = self._view.page(heading, _screen(self._site.zone), at, page)
                    _draw(lines)

    def _hear(self) -> None:
        messages = self.line.turn()
        at = dt.datetime.now(dt.UTC)
        for message in messages:
            self._fleet.take(message.topic, message.payload, at)

    def _follow(self, at: dt.datetime) -> None:
        self._fleet.pass_time(at)
        self._order.follow()

    def _trouble(self) -> str:
        if self.line.up:
            return self.line.refused
        return f"no connection, so this is old: {self.line.trouble}" if self.line.trouble else "connecting"


def _screen(zone: dt.tzinfo) -> Screen:
    live = sys.stdout.isatty()
    size = shutil.get_terminal_size(_PIPE)
    coloured = live and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    # A line that ends in the last column would lose its last character to what clears the rest of the line.
    return Screen(width=size.columns - live, height=size.lines, coloured=coloured, zone=zone)


@contextlib.contextmanager
def _raw_terminal() -> Iterator[int]:
    """Keys come as they are pressed, and the screen is ours; both are given back."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)
    print(_ENTER, end="", flush=True)
    try:
        yield keyboard
    finally:
        print(_LEAVE, end="", flush=True)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _key(keyboard: int) -> bytes:
    import select

    return os.read(keyboard, 1) or _QUIT if select.select([keyboard], [], [], 0)[0] else b""


def _draw(lines: list[str]) -> None:
    sys.stdout.write(_HOME + (_TO_LINE_END + "\r\n").join(lines) + _TO_LINE_END + _TO_SCREEN_END)
    sys.stdout.flush()

"""A terminal, put together: everything that the configuration names, opened in order and closed in reverse.

One ExitStack holds everything that was opened, and unwinds it in reverse. Threads are the supervisor's; when they have
ended, the journal and the roster are closed, the outputs switched off and the pins let go.
"""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING, NamedTuple

from kazasu import __version__
from kazasu.app.cards import card_identifier, enrolled_demand, pepper_of, terminal_policy
from kazasu.app.keypads import open_keypads
from kazasu.app.services import meeting_point, reception_of, services_of
from kazasu.app.site_roster import config_to_start_with, roster_updates
from kazasu.app.terminal import terminal_of
from kazasu.config import credential
from kazasu.model.cue import Channel
from kazasu.outputs import cues
from kazasu.outputs.player import Player
from kazasu.outputs.terminal import TerminalOutput
from kazasu.publishers.board import HealthBoard
from kazasu.readers.pcsc import PcscReaders
from kazasu.readers.presence import ReaderPattern
from kazasu.runtime.clock import SystemClock
from kazasu.runtime.control import ControlSocket
from kazasu.runtime.inbox import BoundedInbox
from kazasu.store.alone import alone
from kazasu.store.journal import Journal
from kazasu.store.keys import load_signer, load_verifier, load_verifiers
from kazasu.store.roster import Roster, upgrade
from kazasu.terminal import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from kazasu.app.wiring import Wired
    from kazasu.model import configuration_wires
    from kazasu.model.configuration import Config
    from kazasu.model.document import Signer
    from kazasu.outputs.gpio import Header
    from kazasu.ports.captions import Captions
    from kazasu.ports.clock import Clock
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.loops import Loop
    from kazasu.ports.muster import MusterBoard
    from kazasu.ports.outputs import Output
    from kazasu.publishers.roster_updates import RosterUpdates
    from kazasu.publishers.settings import Commanding


class App(NamedTuple):
    """A terminal that is ready to run.

    Attributes:
        loops: name and loop, in the order to start in. Stopped in reverse: codes and readers first, the terminal when
            its queue is empty, the publisher with what came last, the player at the end.
        clock: the terminal's.
        status: one line for `systemctl status`.
    """

    loops: Sequence[tuple[str, Loop]]
    clock: Clock
    status: Callable[[], str]


def assemble(config: Config, config_file: Path, stack: ExitStack) -> App:
    """Open everything that the configuration names.

    Args:
        config: checked.
        config_file: where it was read from, and is read again at the site's command.
        stack: closes what was opened.

    Raises:
        KazasuError: something that a person has to mend; a full or broken disk is not among it (rule 1).
    """
    stack.enter_context(alone(config.terminal.state_dir))
    signer = load_signer(credential(config.keys.event))
    inbox = BoundedInbox()
    patterns = cues.load(config.outputs.cues or cues.DEFAULT_PATH)
    output, header = open_outputs(config, stack)
    if header is not None and config.buttons is not None:
        _open_buttons(config.buttons, inbox, header, stack)

    clock = SystemClock(config.terminal.timezone)
    board = HealthBoard()

    terminal = config.terminal
    journal = Journal(
        terminal.journal_path,
        terminal.site,
        terminal.id,
        signer,
        max_events=config.journal.max_events,
        keep_s=int(config.journal.keep),
        collector=config.collector.present,
    )
    stack.callback(journal.close)
    upgrade(terminal.roster_path)  # before anybody looks into it
    keypads = open_keypads(config, inbox, board, clock, header, stack)
    roster = Roster(terminal.roster_path, pepper_of(config))
    stack.callback(roster.close)
    player = Player(patterns, output, mono_s=clock.mono_s)

    def secure(door: str) -> bool:
        return terminal_loop.doors is not None and terminal_loop.doors.is_secure(door)

    services = services_of(
        config_to_start_with(config, roster, board), secure=secure, roster_made_s=lambda: roster.made_s
    )
    meeting = meeting_point(config, services.muster, signer, clock)
    wired = _doors(config, inbox, clock, header, stack)
    attendance = config.services.attendance
    terminal_loop = terminal_of(
        Settings(
            policy=terminal_policy(config),
            button_within_s=0.0 if attendance is None else attendance.button_within,
            version=__version__,
            simulated=header is None,
        ),
        inbox=inbox,
        clock=clock,
        roster=roster,
        service=services.asked,
        journal=journal,
        cues=player,
        publisher=board.waker,
        health=board,
        captions=_captions(config, clock, board, stack),
        access=services.access,
        doorways=None if wired is None else wired.doorways,
        reception=reception_of(config, services.attendance, keypads.simulated),
        meeting_point=meeting,
        commanded=config.site is not None,
    )
    readers = PcscReaders(
        [ReaderPattern(name=reader.name, match=reader.match) for reader in config.readers],
        card_identifier(config, clock, enrolled_demand(config, services.asked, clock, stack), keypads.pins),
        inbox,
        clock,
        board,
    )
    loops: list[tuple[str, Loop]] = [("player", player)]
    if config.mqtt is not None:
        rosters = roster_updates(config, board, inbox, clock, stack)
        if rosters is not None:
            loops.append(("rosters", rosters))
        publisher = _publisher(
            config,
            journal.epoch,
            services.names,
            commanding=_commanding(config, config_file, signer),
            board=board,
            muster=meeting.board,
            inbox=inbox,
            clock=clock,
            rosters=rosters,
            stack=stack,
        )
        loops.append(("publisher", publisher))
    if wired is not None:
        loops.append(("locks", wired.locks))
    control = ControlSocket(terminal.control_path, inbox, board)
    stack.callback(control.close)
    loops += [("terminal", terminal_loop), ("control", control), ("readers", readers)]
    if keypads.codes is not None:
        loops.append(("codes", keypads.codes))
    return App(loops=loops, clock=clock, status=lambda: _status(board))


def open_outputs(config: Config, stack: ExitStack) -> tuple[Output, Header | None]:
    """Open LEDs, buzzer and relay, all off; and the header that the buttons share with them, if there is one.

    Raises:
        OutputError: a pin that cannot be driven.
    """
    pins = config.outputs.gpio
    if pins is None:
        drawn = TerminalOutput(sys.stdout, os.environ)
        stack.callback(drawn.close)
        return drawn, None
    from kazasu.outputs.gpio import GpioOutput, Header, Pin

    header = Header()
    stack.callback(header.close)
    wired = {
        Channel.GREEN: pins.green,
        Channel.RED: pins.red,
        Channel.BUZZER: pins.buzzer,
        Channel.RELAY: pins.relay,
    }
    output = GpioOutput(
        {channel: Pin(number=pin.pin, active_low=pin.active_low) for channel, pin in wired.items() if pin is not None},
        header,
    )
    stack.callback(output.close)
    return output, header


def _publisher(  # noqa: PLR0913  (what it stands between)
    config: Config,
    epoch: str,
    services: Sequence[str],
    *,
    commanding: Commanding | None,
    board: HealthBoard,
    muster: MusterBoard | None,
    inbox: Inbox,
    clock: Clock,
    rosters: RosterUpdates | None,
    stack: ExitStack,
) -> Loop:
    from kazasu.app.broker import broker_of
    from kazasu.publishers.publisher import MqttPublisher
    from kazasu.publishers.settings import Settings as PublisherSettings
    from kazasu.runtime.vitals import Vitals
    from kazasu.store.backlog import Backlog
    from kazasu.store.cursor import SendCursor

    mqtt = config.mqtt
    if mqtt is None:
        raise ValueError("there is no broker")

    cursor = SendCursor(config.terminal.cursor_path, epoch)
    stack.callback(cursor.close)
    backlog = Backlog(config.terminal.journal_path)
    stack.callback(backlog.close)
    return MqttPublisher(
        PublisherSettings(
            site=config.terminal.site,
            terminal=config.terminal.id,
            broker=broker_of(mqtt),
            ack_timeout_s=mqtt.ack_timeout,
            info={"version": __version__, "services": ",".join(services), "cards": ",".join(config.cards.kinds)},
        ),
        backlog=backlog,
        cursor=cursor,
        board=board,
        inbox=inbox,
        clock=clock,
        collector=None if config.collector.key is None else load_verifier(config.collector.key),
        random=random.random,
        commanding=commanding,
        vitals=Vitals(config.terminal.state_dir, mqtt.certificate, clock),
        muster=muster,
        listeners=() if rosters is None else (rosters.mail,),
        wanted=tuple if rosters is None else rosters.mail.wanted,
    )


def _commanding(config: Config, config_file: Path, signer: Signer) -> Commanding | None:
    if config.site is None:
        return None
    from kazasu.app.powers import Process
    from kazasu.publishers.settings import Commanding

    return Commanding(load_verifiers(config.site.key), signer, Process(config_file))


def _doors(config: Config, inbox: Inbox, clock: Clock, header: Header | None, stack: ExitStack) -> Wired | None:
    if not config.doors:
        return None
    from kazasu.app.wiring import open_doors

    return open_doors(config, inbox, clock, header, stack)


def _captions(config: Config, clock: Clock, board: HealthBoard, stack: ExitStack) -> Captions | None:
    if config.display is None:
        return None
    from kazasu.app.display import captions_of

    def online() -> bool:
        return "broker" not in board.alerts()

    return captions_of(config, config.display, clock=clock, health=board, online=online, stack=stack)


def _open_buttons(buttons: configuration_wires.Buttons, inbox: Inbox, header: Header, stack: ExitStack) -> None:
    from kazasu.outputs.gpio import GpioButtons, Pin

    opened = GpioButtons(
        {
            "in": Pin(number=buttons.in_.pin, active_low=buttons.in_.active_low),
            "out": Pin(number=buttons.out.pin, active_low=buttons.out.active_low),
        },
        inbox,
        header,
    )
    stack.callback(opened.close)


def _status(board: HealthBoard) -> str:
    alerts = board.alerts()
    return "; ".join(alerts.values()) if alerts else f"in order, last event {board.fields().get('last_seq', 0)}"

"""The terminal's thread, put together: what it has always, and what only some have, which is imported only for those.

The rest is assemble.py's.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from kazasu.captions.silent import Silent
from kazasu.meeting_point import MeetingPoint
from kazasu.presenting import Presenter
from kazasu.reception import Reception
from kazasu.recorder import Followers, Recorder
from kazasu.showing import Showing
from kazasu.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.commands import Commands
    from kazasu.doors import Access, Doors, Doorway
    from kazasu.orders import Orders
    from kazasu.ports.captions import Captions
    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import InputQueue
    from kazasu.ports.loops import Wakeable
    from kazasu.ports.outputs import CuePlayer
    from kazasu.ports.services import Service
    from kazasu.ports.store import Journal, Roster
    from kazasu.terminal import Settings

NOBODY = Reception()
NOWHERE = MeetingPoint()


def terminal_of(  # noqa: PLR0913  (every seam of the terminal's thread)
    settings: Settings,
    *,
    inbox: InputQueue,
    clock: Clock,
    roster: Roster,
    service: Service,
    journal: Journal,
    cues: CuePlayer,
    publisher: Wakeable,
    health: Health,
    captions: Captions | None = None,
    access: Access | None = None,
    doorways: Mapping[str, Doorway] | None = None,
    reception: Reception = NOBODY,
    meeting_point: MeetingPoint = NOWHERE,
    commanded: bool = False,
) -> Terminal:
    """Put it together.

    Args:
        settings: what the site decides.
        inbox: what happens.
        clock: the terminal's.
        roster: who is known.
        service: answers presentations.
        journal: where events go.
        cues: light and sound.
        publisher: is woken for each event.
        health: hears of what is wrong.
        captions: words; None without a display.
        access: who passes doors; None without doors.
        doorways: by name.
        reception: what there is for people without a card.
        meeting_point: what there is for a muster.
        commanded: the site may command something.
    """
    recorder = Recorder(journal, clock, roster, health, publisher)
    words = captions or Silent()
    presenter = Presenter(
        roster, health, day_cards=reception.day_cards, vouching=reception.vouching, tries=reception.tries
    )

    doors: Doors | None = None
    if doorways:
        from kazasu.doors import Doors

        doors = Doors(doorways, access, recorder, clock, health, changed=lambda: showing.rest())  # noqa: PLW0108  (it comes later)
    showing = Showing(cues, words, able=lambda: recorder.able, alarm=lambda: None if doors is None else doors.alarm)

    @functools.cache
    def orders() -> Orders:
        """Made with the first order, where neither doors nor the site wait for what one does."""
        from kazasu.orders import Orders

        return Orders(
            recorder,
            clock,
            doors,
            roster,
            presenter,
            reception,
            meeting_point,
            show=showing.play,
            simulated=settings.simulated,
        )

    if doors is not None or commanded:
        orders()  # a disk that fails later keeps nobody from locking down
    commands: Commands | None = None
    if commanded:
        from kazasu.commands import Commands

        commands = Commands(recorder, clock, orders)
    follow = (service, reception, meeting_point.board, words, doors, commands)
    due = (access, meeting_point.muster)
    recorder.followers = Followers(
        recorded=[each.recorded for each in follow if each is not None],
        due=[each.due for each in due if each is not None],
        changed=[showing.rest] if doors is None else [doors.journal_changed, showing.rest],
    )
    return Terminal(
        settings,
        inbox=inbox,
        clock=clock,
        roster=roster,
        service=service,
        recorder=recorder,
        presenter=presenter,
        showing=showing,
        cues=cues,
        captions=words,
        orders=orders,
        doors=doors,
        commands=commands,
    )

"""The site's commands as the terminal's thread takes them: fresh and new, recorded, and only then done (rules 1 and 8).

Who signed one, and for whom, is checked before it gets here (publishers/command_trust.py). Here is what only this
thread knows: what time it is, and which transactions were here before; the journal remembers them over restarts.

A refused command is an event, too. A flood of them must not fill the journal: ten at once have one each, then one a
minute says how many there were.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from kazasu.model.command import SAFER, Refusal, TurnedAway, Verdict, staleness
from kazasu.model.input import CommandFailed
from kazasu.model.order import Order
from kazasu.model.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.access import EventFields
    from kazasu.model.command import Command
    from kazasu.model.event import Event
    from kazasu.model.input import CommandArrived
    from kazasu.model.moment import Moment
    from kazasu.orders import Orders
    from kazasu.ports.clock import Clock
    from kazasu.recorder import Recorder

_log = logging.getLogger(__name__)

_REFUSALS_AT_ONCE = 10
_REFUSAL_EVERY_S = 60.0
_REMEMBERED = 10_000  # transactions: at the most a terminal takes (publishers/command_listener.py), those of hours
_MAX_DETAIL = 500  # letters of the words in an event
_UNRECORDED = Verdict(ok=False, said="nothing can be recorded, so nothing is done: see `kazasu doctor`", seq=0)
_WORDS = {
    Refusal.EXPIRED: "it came too late, or this terminal's clock is ahead",
    Refusal.NOT_YET_ISSUED: "it was issued later than now by this terminal's clock: one of the two clocks is wrong",
    Refusal.CLOCK_UNSET: f"this terminal does not know what time it is, and takes only {', '.join(sorted(SAFER))}",
    Refusal.REPLAYED: "it was here before: what became of it the journal tells",
}


class Commands:
    """Judges and does them. The terminal's thread only.

    Args:
        recorder: the terminal's.
        clock: the terminal's.
        orders: gives what does orders.
    """

    def __init__(self, recorder: Recorder, clock: Clock, orders: Callable[[], Orders]) -> None:
        self._recorder = recorder
        self._clock = clock
        self._orders = orders
        self._seen: dict[str, None] = {}  # in the order in which they came
        self._newest: datetime | None = None
        self._limit = RateLimit(_REFUSALS_AT_ONCE, _REFUSAL_EVERY_S)
        self._untold = 0

    def take(self, item: CommandArrived | CommandFailed) -> None:
        """Do it, or refuse it, and answer which."""
        if isinstance(item, CommandFailed):
            verdict = self._not_done(item.command, item.said)
        elif isinstance(item.command, TurnedAway):
            verdict = self._refuse(item.command)
        elif self._orders().can_be_recorded():
            verdict = self._judge(item.command)
        else:
            verdict = self._unrecorded(item.command)
        item.answer(verdict)

    def recorded(self, event: Event) -> None:
        """Take over an event that is durable; at the start those that were recorded before."""
        fields = event.fields
        transaction = fields.get("transaction")
        if fields["event_type"] not in {"command.accepted", "command.refused"} or transaction is None:
            return
        self._seen[str(transaction)] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        if fields["event_type"] == "command.accepted":
            issued = datetime.fromisoformat(str(fields["issued"]))
            self._newest = issued if self._newest is None else max(issued, self._newest)

    def pass_time(self) -> None:
        """Say how many were refused without an event of their own, once that is due."""
        if self._untold and self._recorder.able and self._limit.allows(self._clock.mono_s()):
            fields: EventFields = {"reason": Refusal.FLOOD, "count": self._untold}
            if self._recorder.record("command.refused", fields) is not None:
                self._untold = 0

    def _judge(self, command: Command) -> Verdict:
        reason = self._reason(command, self._recorder.now())
        if reason is not None:
            return self._refuse(TurnedAway(reason=reason, detail=_WORDS[reason], fields=command.fields))
        event = self._recorder.record("command.accepted", command.fields)
        if event is None:
            return self._unrecorded(command)
        if not isinstance(command.asked, Order):
            return Verdict(ok=True, said="", seq=event.seq)  # whoever brought it does it
        answer = self._orders().answer(command.asked)
        return Verdict(ok=True, said=answer.said, seq=event.seq) if answer.ok else self._not_done(command, answer.said)

    def _unrecorded(self, command: Command) -> Verdict:
        """What makes things safer is done as far as an operator's order is while nothing can be recorded."""
        order = command.asked
        if command.name not in SAFER or not isinstance(order, Order) or self._reason(command, self._clock.now()):
            return _UNRECORDED
        self._seen[command.transaction] = None
        answer = self._orders().answer(order)
        return Verdict(ok=answer.ok, said=answer.said, seq=0)

    def _not_done(self, command: Command, said: str) -> Verdict:
        """A command that was accepted could not be done: that is recorded, too."""
        _log.warning("command_not_done", extra={"fields": {"command": command.name, "detail": said}})
        fields: EventFields = {
            "command": command.name,
            "transaction": command.transaction,
            "by": command.by,
            "detail": said[:_MAX_DETAIL],
        }
        event = self._recorder.record("command.not_done", fields)
        return Verdict(ok=False, said=said, seq=0 if event is None else event.seq)

    def _reason(self, command: Command, moment: Moment) -> Refusal | None:
        if command.transaction in self._seen:
            return Refusal.REPLAYED
        return staleness(command, moment, self._newest)

    def _refuse(self, refused: TurnedAway) -> Verdict:
        _log.warning("command_refused", extra={"fields": {"reason": refused.reason.value, "detail": refused.detail}})
        seq = 0
        if refused.count > 1 or not self._limit.allows(self._clock.mono_s()):
            self._untold += refused.count
        else:
            fields: EventFields = {"reason": refused.reason.value, **refused.fields}
            event = self._recorder.record("command.refused", fields)
            if event is None:
                self._untold += 1
            else:
                seq = event.seq
        return Verdict(ok=False, said=f"{refused.reason.value}: {refused.detail}", seq=seq)

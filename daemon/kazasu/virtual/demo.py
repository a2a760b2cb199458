"""The demo's script: a day at the entrance in half a minute, each answer checked, and at the end all that arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kazasu.model.cue import Channel, CueName
from kazasu.outputs import cues
from kazasu.virtual.stage import TERMINAL
from kazasu.virtual.type_b import DrivingLicence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.model.access import EventFields
    from kazasu.model.cue import Cue
    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.stage import Stage

PULLED_AT_APDU = 4  # in the middle of a My Number Card's read


class Expected(NamedTuple):
    """What one tap has to lead to."""

    event_type: str
    reason: str
    cardholder: str
    cue: CueName


class Script:
    """Plays the demo.

    Args:
        stage: entered; its daemon not started.
        say: prints a line.
    """

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._say = say
        self._cues: Mapping[CueName, Cue] = cues.load()
        self._expected: list[Expected] = []
        self._wrong: list[str] = []

    def play(self) -> bool:
        """Play it; returns whether everything that should have happened did."""
        stage, (first, second, third, fourth, fifth) = self._stage, self._stage.staff
        stage.daemon.start()
        self._say("The terminal is ready. What is done, what people see (●) and hear (♪), what is recorded:\n")
        for person in (first, second, third):
            self._tap(f"{person.number} taps for the first time today", person.card, _in(person.number))
        again = Expected("attendance.suppressed", "already_done", first.number, CueName.ALREADY_DONE)
        self._tap(f"{first.number} taps again at once", first.card, again)
        unknown = Expected("attendance.denied", "unknown_card", "", CueName.DENIED)
        self._tap("a card that nobody enrolled", stage.stranger, unknown)
        foreign = Expected("attendance.denied", "no_stable_number", "", CueName.DENIED)
        self._tap("a driving licence", DrivingLicence(), foreign)
        pulled = Expected("attendance.denied", "card_removed", "", CueName.RETRY)
        self._tap(f"{second.number} pulls the card away too early", second.card, pulled, PULLED_AT_APDU)

        self._say("\nThe broker is stopped; taps go on.")
        stage.broker.stop()
        self._tap(f"{fourth.number} taps", fourth.card, _in(fourth.number))
        self._tap("the unknown card once more", stage.stranger, unknown)
        self._say("The broker is started again; what waited arrives.")
        stage.broker.start()
        self._wait_for_arrival()

        self._say("\nThe daemon is killed and started again.")
        stage.daemon.kill()
        stage.daemon.start()
        self._tap(f"{fifth.number} taps", fifth.card, _in(fifth.number))
        again = Expected("attendance.suppressed", "already_done", fourth.number, CueName.ALREADY_DONE)
        self._tap(f"{fourth.number} taps again: the terminal remembers", fourth.card, again)
        code = stage.daemon.terminate()
        if code:
            self._wrong.append(f"the daemon ended with {code}")
        self._wait_for_arrival()
        return self._report()

    def _tap(self, what: str, card: VirtualCard, expected: Expected, pulled_at_apdu: int = 0) -> None:
        self._expected.append(expected)
        daemon, since = self._stage.daemon, len(self._stage.daemon.shown)
        self._stage.tap(card, pulled_at_apdu)
        if not daemon.wait_for(lambda: daemon.played(self._cues[expected.cue], since)):
            self._wrong.append(f"{what}: the cue {expected.cue.value} was not played")
        recorded = f"{expected.event_type} {expected.reason}".strip()
        self._say(f"  {what:<45}  {in_words(self._cues[expected.cue]):<31}  {recorded}")

    def _wait_for_arrival(self) -> None:
        stage, last_seq = self._stage, self._stage.backlog.last_seq()
        if not stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) == last_seq):
            arrived = stage.subscriber.seq(TERMINAL)
            self._wrong.append(f"of {last_seq} events {arrived} arrived at the broker's subscriber")

    def _report(self) -> bool:
        subscriber = self._stage.subscriber
        self._say("\nWhat arrived at the broker; every signature and the whole chain checked:")
        for event in subscriber.events:
            self._say("  " + event_line(event.fields))
        taps = [event.fields for event in subscriber.events if "decision" in event.fields]
        arrived = [(fields["event_type"], fields.get("reason", ""), fields.get("cardholder", "")) for fields in taps]
        expected = [(tap.event_type, tap.reason, tap.cardholder) for tap in self._expected]
        if arrived != expected:
            self._wrong.append(f"expected {expected}, and {arrived} arrived")
        self._wrong += subscriber.problems
        for wrong in self._wrong:
            self._say(f"WRONG: {wrong}")
        if not self._wrong:
            count, again = len(subscriber.events), subscriber.duplicates
            self._say(f"\nAll of it: {len(taps)} taps, {count} events, none missing, none twice ({again} sent again).")
        return not self._wrong


def _in(number: str) -> Expected:
    return Expected("attendance.in", "", number, CueName.GRANTED)


def event_line(fields: EventFields) -> str:
    """One event in a line: number, time, type, and who or why."""
    words = (fields["seq"], fields["time"], fields["event_type"], fields.get("cardholder", fields.get("reason", "")))
    return "{:>3}  {}  {:<24}{}".format(*words)


def in_words(cue: Cue) -> str:
    """`granted       green, 1 light, 1 tone`: how often a cue lights up and sounds."""
    colour = "green" if any(Channel.GREEN in frame.on for frame in cue.frames) else "red"
    lights, tones, before = 0, 0, frozenset[Channel]()
    for frame in cue.frames:
        lights += bool(frame.on & {Channel.GREEN, Channel.RED}) and not before & {Channel.GREEN, Channel.RED}
        tones += Channel.BUZZER in frame.on and Channel.BUZZER not in before
        before = frame.on
    return f"{cue.name.value:<12}  {colour:<5} {'●' * lights:<3}  {'♪' * tones}"

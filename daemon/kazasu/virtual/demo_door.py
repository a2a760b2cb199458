"""The demo's third scene: a door, who passes it and who does not, and what it does when somebody holds or forces it."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias
from zoneinfo import ZoneInfo

from kazasu.app.cards import pepper_of, pseudonymizer
from kazasu.model.code import SALT_BYTES, code_pseudonym, keep
from kazasu.model.cue import CueName
from kazasu.model.order import EVERY_DOOR, BeginMuster, IssueDayCard, Lockdown, Look, PressKeys, Simulate, Vouch
from kazasu.model.schedule import WEEKDAYS
from kazasu.store.roster_file import set_code
from kazasu.virtual.demo_muster import MEETING_POINT, at_the_meeting_point, missing_in, roll_call
from kazasu.virtual.demo_steps import Expected, Steps
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.staff import Person, WithoutCard
from kazasu.virtual.stage import TERMINAL, Enrolled

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.virtual.stage import Stage

Input: TypeAlias = Literal["contact", "rex", "fire"]

_ZONE = ZoneInfo("Asia/Tokyo")
_BY = "demo"
_DOOR = "hall"
_CODE, _PIN, _WRONG_PIN = "482913", "5170", "5171"
_DAY_CARD = Person("day-07", "Day card 07", "a day card", FelicaCard(bytes.fromhex("0114B00100000007")))
ENROLLED = Enrolled(
    others=(
        _DAY_CARD,
        WithoutCard("1006", "伊藤 玲"),
        WithoutCard("1007", "Nguyen An"),
        WithoutCard("1008", "小林 恵"),
    ),
    levels={
        "1001": "staff host",
        "1003": "evenings",
        "1004": "vault",
        "1005": "staff",
        "1006": "staff",
        "1007": "guest",
        "1008": "guest",
    },
)


def settings() -> str:
    """The configuration's tables about the door; somebody's hours are never today's."""
    today = datetime.now(_ZONE).weekday()
    another = WEEKDAYS[(today + 3) % len(WEEKDAYS)]  # nor, at midnight, tomorrow's
    return f"""
[services.door]

[[doors]]
name = "{_DOOR}"
readers = ["desk"]
area = "{_DOOR}"
release = "10s"
extended_release = "10s"
held_open_warning = "2s"
held_open = "5s"

[[areas]]
name = "{_DOOR}"
passback = "timed"
within = "10m"

[[schedules]]
name = "another-day"
hours = ["{another} 18:00-22:00"]

[[levels]]
name = "staff"
doors = ["{_DOOR}"]

[[levels]]
name = "evenings"
doors = ["{_DOOR}"]
schedule = "another-day"

[[levels]]
name = "vault"
doors = ["{_DOOR}"]
min_assurance = "challenge"

[[levels]]
name = "guest"
doors = ["{_DOOR}"]
min_assurance = "vouched"

[day_cards]
cards = "day-*"

[vouching]
levels = ["host"]

[codes]
reader = "desk"
{MEETING_POINT}
"""


def _punch(door: str, reason: str = "", **says: object) -> Expected:
    """A punch is recorded, whatever the door says."""
    why = {"door_reason": reason} if reason else {}
    return Expected("attendance.in", {"door_decision": door, **why, **says})


def _refused_again(reason: str) -> Expected:
    """A punch that was made a moment ago, at a door that stays shut."""
    return Expected("attendance.suppressed", {"door_decision": "denied", "door_reason": reason})


_RELEASED, _LOCKED = ("released",), ("locked",)


class DoorScene:
    """Plays the scene.

    Args:
        stage: entered, with `settings()` and `ENROLLED`; its daemon not started.
        say: prints a line.
    """

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._say = say
        self._steps = Steps(stage, say)
        self._cards = {person.number: person.card for person in stage.staff}

    def play(self) -> bool:
        """Play it; returns whether everything that should have happened did, and nothing else."""
        self._stage.daemon.start()
        self._say("A door: what is done, what people see (●) and hear (♪), what the lock does, what is recorded.\n")
        self._people()
        self._leaf()
        self._lockdown_and_fire()
        self._without_a_card()
        self._restart()
        self._evacuation()
        self._stage.daemon.terminate()
        return self._steps.report(*self._arrival())

    def _people(self) -> None:
        staff = _punch("granted", level="staff")
        self._passes("1001 taps: staff, at any hour", self._steps.tap(self._cards["1001"]), staff)
        for what, number, reason in (
            ("1002 taps: no level opens this door for them", "1002", "no_access_level"),
            ("1003 taps: out of hours", "1003", "out_of_hours"),
            ("1004 taps: the level asks for more than FeliCa", "1004", "assurance_too_low"),
        ):
            self._steps.take(what, self._steps.tap(self._cards[number]), _punch("denied", reason), cue=CueName.DENIED)
        inside = _refused_again("passback")
        again = self._steps.tap(self._cards["1001"])
        self._steps.take("1001 taps again: is inside (anti-passback)", again, inside, cue=CueName.DENIED)

    def _leaf(self) -> None:
        step, opened, closed = self._steps.take, self._simulate("contact", True), self._simulate("contact", False)
        self._say("")
        granted = _punch("granted", level="staff")
        step("1005 taps", self._steps.tap(self._cards["1005"]), granted, cue=CueName.GRANTED, moves=_RELEASED)
        step("opens the door", opened, Expected("door.opened", {"cause": "grant"}), moves=_LOCKED)
        step("and holds it open", self._nothing, Expected("door.held_open"), cue=CueName.HELD_OPEN)
        step("it is closed", closed, Expected("door.held_open_ended"), Expected("door.closed"))
        self._wait_until_locked()
        step("somebody forces it open", opened, Expected("door.forced_open"), cue=CueName.HELD_OPEN)
        step("it is closed", closed, Expected("door.forced_open_ended"), Expected("door.closed"))
        self._wait_until_locked()
        step("REX: somebody leaves", self._simulate("rex", True), Expected("door.rex", {"rex": "button"}))
        step("through the door", opened, Expected("door.opened", {"cause": "rex_button"}))
        step("which closes", closed, Expected("door.closed"))
        step("the button is let go", self._simulate("rex", False))

    def _lockdown_and_fire(self) -> None:
        step = self._steps.take
        self._say("")
        for_all = partial(Lockdown, by=_BY, door=EVERY_DOOR)
        begun, ended = Expected("lockdown.begun", {"by": _BY}), Expected("lockdown.ended", {"by": _BY})
        step("kazasu door lockdown --all", self._steps.order(for_all(active=True)), begun)
        step("1005 taps", self._steps.tap(self._cards["1005"]), _refused_again("lockdown"), cue=CueName.DENIED)
        step("kazasu door end-lockdown --all", self._steps.order(for_all(active=False)), ended)
        fire, over = self._simulate("fire", True), self._simulate("fire", False)
        step("fire alarm: the door is released", fire, Expected("door.fire_release"), moves=_RELEASED)
        step("it is over", over, Expected("door.fire_release_ended"), moves=_LOCKED)

    def _without_a_card(self) -> None:
        self._say("")
        unlent = Expected("attendance.denied", {"reason": "day_card_not_issued"})
        tap = self._steps.tap(_DAY_CARD.card)
        self._steps.take("a day card that nobody was given", tap, unlent, cue=CueName.DENIED)
        issue = IssueDayCard(by=_BY, day_card=_DAY_CARD.number, cardholder="1006")
        issued = Expected("day_card.issued", {"cardholder": "1006"})
        self._steps.take("kazasu daycard issue day-07 1006", self._steps.order(issue), issued)
        lent = _punch("granted", cardholder="1006", day_card=_DAY_CARD.number)
        self._passes("1006, who has no card, taps it", tap, lent)
        self._steps.take("kazasu vouch 1007", self._steps.order(Vouch(by=_BY, cardholder="1007", reader="desk")))
        vouched = _punch("granted", cardholder="1007", vouched_by="1001", assurance="vouched")
        self._passes("1001 taps for the guest", self._steps.tap(self._cards["1001"]), vouched)
        self._code()

    def _code(self) -> None:
        config = self._stage.config
        peppered = pseudonymizer(pepper_of(config))
        kept = keep(peppered, _CODE, _PIN, None, secrets.token_bytes(SALT_BYTES))
        set_code(config.terminal.roster_path, "1008", code_pseudonym(peppered, _CODE), kept)
        wrong = Expected("attendance.denied", {"reason": "wrong_code", "door_reason": "wrong_code"})
        self._steps.take("1008 enters a code and a wrong PIN", self._keys(_CODE, _WRONG_PIN), wrong, cue=CueName.RETRY)
        by_code = _punch("granted", cardholder="1008", card="code", assurance="code")
        self._passes("1008 enters the right one", self._keys(_CODE, _PIN), by_code)

    def _restart(self) -> None:
        def kill_and_start() -> None:
            self._stage.daemon.kill()
            self._stage.daemon.start()

        self._say("")
        self._steps.take("killed and started again: nothing opens", kill_and_start, Expected("terminal.started"))
        back = _refused_again("passback")
        self._steps.take("1005 taps: is inside, still", self._steps.tap(self._cards["1005"]), back, cue=CueName.DENIED)

    def _evacuation(self) -> None:
        self._say("")
        begun = Expected("muster.begun", {"by": _BY})
        self._steps.take("kazasu muster begin", self._steps.order(BeginMuster(by=_BY)), begun)
        present = Expected("muster.present", {"cardholder": "1005"})
        tap = at_the_meeting_point(self._stage, self._cards["1005"])
        self._steps.take("1005 taps at the meeting point", tap, present, cue=CueName.GRANTED)
        listed = roll_call(self._stage)
        self._say("  kazasu muster")
        for line in listed:
            self._say(f"    {line}")
        if missing_in(listed) != ["1001", "1006", "1007", "1008"]:
            self._steps.went_wrong("the roll call names others as missing than those who went in and did not come")

    def _arrival(self) -> tuple[list[str], str]:
        """Wait until all that was recorded has arrived: what was wrong with it, and what to say if nothing was."""
        subscriber, last_seq = self._stage.subscriber, self._stage.backlog.last_seq()
        subscriber.wait_for(lambda: subscriber.seq(TERMINAL) == last_seq)
        arrived = subscriber.seq(TERMINAL)
        lost = [] if arrived == last_seq else [f"of {last_seq} events {arrived} arrived at the subscriber"]
        well = f"All {last_seq} events arrived at the broker, every signature and the whole chain checked."
        return [*lost, *subscriber.problems], well

    def _passes(self, what: str, act: Callable[[], object], granted: Expected) -> None:
        """Tap, or enter a code, and go through."""

        def open_and_close() -> None:
            self._simulate("contact", True)()
            self._simulate("contact", False)()

        self._steps.take(what, act, granted, cue=CueName.GRANTED, moves=_RELEASED)
        opened, closed = Expected("door.opened", {"cause": "grant"}), Expected("door.closed")
        self._steps.take("  and goes through", open_and_close, opened, closed, moves=_LOCKED)
        self._wait_until_locked()

    def _wait_until_locked(self) -> None:
        """A leaf that has not latched yet may be pushed open again, and is no break-in."""
        if not self._steps.answered(Look(by=_BY), f"{_DOOR}: locked"):
            self._steps.went_wrong("the door did not lock")

    def _keys(self, code: str, pin: str) -> Callable[[], object]:
        return self._steps.order(PressKeys(by=_BY, keys=f"{code}#{pin}#"))

    def _simulate(self, name: Input, active: bool) -> Callable[[], object]:  # noqa: FBT001  (as the input is)
        return self._steps.order(Simulate(by=_BY, door=_DOOR, input=name, active=active))

    def _nothing(self) -> None:
        """Time passes."""

"""A code at the terminal: whose it is, how often it may be tried, and what nobody is shown."""

from __future__ import annotations

import threading
from datetime import time
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.codes import PEPPER, PEPPERED, kept, pseudonym, slow_hash
from fakes.cues import FakeCues
from fakes.health import FakeHealth
from fakes.journal import FakeJournal
from fakes.roster import FakeRoster, person
from kazasu.app.terminal import terminal_of
from kazasu.keypads.code_check import CodeCheck
from kazasu.keypads.codes import CodeLoop
from kazasu.keypads.simulated import SimulatedKeypad
from kazasu.keypads.turns import Turns
from kazasu.model.access import Assurance, DenyReason, EventFields, Identifier
from kazasu.model.cue import CueName
from kazasu.model.input import CardRead, Input, Ordered
from kazasu.model.order import Answer, PressKeys, Vouch
from kazasu.model.pepper import Pepper
from kazasu.model.policy import AssurancePolicy
from kazasu.model.try_limit import TryLimit
from kazasu.presenting import Vouching
from kazasu.reception import Reception
from kazasu.runtime.inbox import BoundedInbox
from kazasu.services.attendance import Alternation, Attendance
from kazasu.terminal import Settings

if TYPE_CHECKING:
    from kazasu.model.access import Decision, Presentation

POLICY = AssurancePolicy(min_assurance=Assurance.VOUCHED)
CODE, PIN, FORCED = "482913", "5170", "8026"
HANAKO = pseudonym(CODE)


class Woken:
    def wake(self) -> None:
        """Nobody publishes here."""


class Shown:
    """Implements ports.captions.Captions: who was named."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, DenyReason | None]] = []

    def answered(self, presentation: Presentation, decision: Decision) -> None:
        holder = None if presentation.enrolment is None else presentation.enrolment.cardholder
        self.answers.append(("" if holder is None else holder.number, decision.reason))

    def __getattr__(self, name: str) -> object:
        return lambda *_, **__: None


class Entrance:
    """A terminal at which Hanako has a code and Ken a card."""

    def __init__(self, journal: FakeJournal | None = None, keypad: SimulatedKeypad | None = None) -> None:
        self.clock = FakeClock()
        self.journal = journal or FakeJournal()
        self.cues, self.shown = FakeCues(), Shown()
        self.roster = FakeRoster([person("1001", "a" * 32), person("1002", "b" * 32, levels=("staff",))])
        self.roster.set_code("1001", HANAKO, kept(CODE, PIN, FORCED))
        self.roster.set_code("1002", pseudonym("739146"), kept("739146", PIN))
        self.inbox = BoundedInbox()
        reception = Reception(
            vouching=Vouching(levels=frozenset({"staff"}), within_s=30),
            readers=("desk",),
            tries=TryLimit(per_person=3, per_terminal=5, within_s=600),
            keypad=keypad,
        )
        self.terminal = terminal_of(
            Settings(policy=POLICY, button_within_s=10, version="1.2.3"),
            inbox=self.inbox,
            clock=self.clock,
            roster=self.roster,
            service=Attendance(Alternation(), day_boundary=time(5), repeat_after_s=120, policy=POLICY),
            journal=self.journal,
            cues=self.cues,
            publisher=Woken(),
            health=FakeHealth(),
            captions=self.shown,  # type: ignore[arg-type]
            reception=reception,
        )

    def enters(self, code: str = HANAKO, refusal: DenyReason | None = None, *, duress: bool = False) -> EventFields:
        identifier = Identifier(kind="code", pseudonym=code, assurance=Assurance.CODE, duress=duress)
        return self.take(CardRead(reader="desk", identifier=identifier, refusal=refusal))

    def take(self, item: Input) -> EventFields:
        before = len(self.journal.events)
        self.terminal.take(item)
        (event,) = self.journal.events[before:]
        return event.fields

    def order(self, order: PressKeys | Vouch) -> Answer:
        answers: list[Answer] = []
        self.terminal.take(Ordered(order=order, answer=answers.append))
        (answer,) = answers
        return answer


@pytest.fixture
def entrance() -> Entrance:
    return Entrance()


@pytest.mark.rule(2)
def test_a_code_is_the_persons_punch_with_its_own_assurance(entrance: Entrance) -> None:
    fields = entrance.enters()
    assert (fields["event_type"], fields["cardholder"], fields["card"], fields["assurance"]) == (
        "attendance.in", "1001", "code", "code",
    )  # fmt: skip
    assert fields["credential"] == HANAKO
    assert entrance.cues.played == [CueName.GRANTED]
    assert entrance.shown.answers == [("1001", None)]


def test_whose_a_refused_code_is_the_event_tells_and_no_display(entrance: Entrance) -> None:
    wrong = entrance.enters(refusal=DenyReason.WRONG_CODE)
    unknown = entrance.enters("f" * 32, DenyReason.WRONG_CODE)
    assert (wrong["reason"], wrong["cardholder"]) == ("wrong_code", "1001")
    assert unknown["reason"] == "wrong_code"
    assert "cardholder" not in unknown
    assert entrance.cues.played == [CueName.RETRY, CueName.RETRY]
    assert entrance.shown.answers == [("", DenyReason.WRONG_CODE)] * 2


def test_at_the_limit_the_right_pin_is_refused_as_a_wrong_one_until_the_tries_are_old(entrance: Entrance) -> None:
    for _ in range(3):
        entrance.enters(refusal=DenyReason.WRONG_CODE)
    right, wrong = entrance.enters(), entrance.enters(refusal=DenyReason.WRONG_CODE)
    assert right["reason"] == wrong["reason"] == "too_many_tries"
    assert right["cardholder"] == "1001"
    assert entrance.cues.played[3:] == [CueName.DENIED, CueName.DENIED]
    assert entrance.shown.answers[3:] == [("", DenyReason.TOO_MANY_TRIES)] * 2
    assert entrance.enters(pseudonym("739146"))["event_type"] == "attendance.in", "another person's"
    entrance.clock.advance(600)
    assert entrance.enters()["event_type"] == "attendance.in"


def test_the_terminals_limit_holds_for_everybody_by_code_and_for_no_card(entrance: Entrance) -> None:
    for number in range(5):
        entrance.enters(f"{number:032}", DenyReason.WRONG_CODE)
    assert entrance.enters()["reason"] == "too_many_tries"
    card = Identifier(kind="felica", pseudonym="a" * 32, assurance=Assurance.SERIAL)
    assert entrance.take(CardRead(reader="desk", identifier=card))["event_type"] == "attendance.in"


def test_no_restart_gives_new_tries(entrance: Entrance) -> None:
    for _ in range(3):
        entrance.enters(refusal=DenyReason.WRONG_CODE)
    again = Entrance(entrance.journal)
    again.terminal.stop()
    again.terminal.run(lambda: None)
    again.clock.reboot()
    assert again.enters()["reason"] == "too_many_tries"


def test_duress_is_in_the_event_and_nowhere_else(entrance: Entrance) -> None:
    calm = Entrance()
    said, silent = calm.enters(), entrance.enters(duress=True)
    differing = {name for name in said.keys() | silent.keys() if said.get(name) != silent.get(name)}
    assert differing == {"duress", "sig"}
    assert silent["duress"] == 1
    assert calm.cues.played == entrance.cues.played
    assert calm.cues.rests == entrance.cues.rests
    assert calm.shown.answers == entrance.shown.answers


def test_duress_is_told_though_the_limit_refuses(entrance: Entrance) -> None:
    for _ in range(3):
        entrance.enters(refusal=DenyReason.WRONG_CODE)
    fields = entrance.enters(duress=True)
    assert (fields["reason"], fields["duress"]) == ("too_many_tries", 1)


def test_a_code_that_was_taken_away_meanwhile_is_a_wrong_one(entrance: Entrance) -> None:
    assert entrance.enters("f" * 32)["reason"] == "wrong_code"


def test_a_code_vouches_for_nobody_and_leaves_the_guest_waiting(entrance: Entrance) -> None:
    assert entrance.order(Vouch(by="taro", cardholder="1001")).ok
    own = entrance.enters(pseudonym("739146"))
    assert (own["cardholder"], "vouched_by" in own) == ("1002", False)
    card = Identifier(kind="felica", pseudonym="b" * 32, assurance=Assurance.SERIAL)
    vouched = entrance.take(CardRead(reader="desk", identifier=card))
    assert (vouched["cardholder"], vouched["vouched_by"]) == ("1001", "1002")


LATER = Pepper([*PEPPER.layers, b"q" * 32])


def test_a_read_that_was_in_flight_while_the_roster_got_another_layer_is_the_same_persons(entrance: Entrance) -> None:
    card = CardRead(
        reader="desk", identifier=Identifier(kind="jpki", pseudonym="b" * 32, assurance=Assurance.CHALLENGE)
    )
    entrance.roster.lay_over(LATER)
    for fields, holder in ((entrance.take(card), "1002"), (entrance.enters(), "1001")):
        assert (fields["decision"], fields["cardholder"]) == ("granted", holder)
    assert [event.fields["credential"] for event in entrance.journal.events] == [
        LATER.forms("b" * 32)[1], LATER.forms(HANAKO)[1],
    ]  # fmt: skip


@pytest.mark.rule(7)
def test_an_unknown_card_is_recorded_under_the_rosters_layer_too(entrance: Entrance) -> None:
    entrance.roster.lay_over(LATER)
    unknown = entrance.enters("f" * 32, DenyReason.WRONG_CODE)
    assert unknown["credential"] == LATER.forms("f" * 32)[1]


def test_another_layer_gives_no_new_tries(entrance: Entrance) -> None:
    for _ in range(2):
        entrance.enters(refusal=DenyReason.WRONG_CODE)
    entrance.roster.lay_over(LATER)
    entrance.enters(refusal=DenyReason.WRONG_CODE)
    assert entrance.enters()["reason"] == "too_many_tries"


def test_keys_are_ordered_only_where_nobody_can_press_any() -> None:
    order = PressKeys(by="taro", keys=f"{CODE}#{PIN}#")
    refused = Entrance().order(order)
    assert (refused.ok, refused.said[:24]) == (False, "no keypad is simulated: ")
    keypad = SimulatedKeypad()
    assert Entrance(keypad=keypad).order(order) == Answer(ok=True, said="pressed")
    with keypad.listen():
        assert keypad.key(0) is not None


@pytest.mark.rule(7)
def test_an_order_of_keys_shows_none() -> None:
    order = PressKeys(by="taro", keys=f"{CODE}#{PIN}#")
    assert CODE not in f"{order!r} {order}"
    assert PIN not in repr(Ordered(order=order, answer=lambda _: None))


@pytest.mark.rule(7)
def test_hashing_is_no_business_of_the_terminals_thread_and_no_digit_comes_out_of_it() -> None:
    keypad = SimulatedKeypad()
    entrance = Entrance(keypad=keypad)
    hashed_by: list[int] = []

    def hashed(secret: str, salt: bytes) -> bytes:
        hashed_by.append(threading.get_ident())
        return slow_hash(secret, salt)

    check = CodeCheck("desk", entrance.roster.code_of, PEPPERED, PEPPER, hashed)
    loop = CodeLoop(
        Turns(keypad),
        entrance.inbox,
        FakeHealth(),
        check,
        mono_s=entrance.clock.mono_s,
        timeout_s=15,
        sleep=lambda _: None,
    )
    # The right one, a wrong PIN, a code that nobody has, and what the limit refuses, both right and wrong.
    entries = [(CODE, PIN), ("739146", "5171"), ("999999", PIN), *[(CODE, "5171")] * 3, (CODE, PIN), (CODE, "5171")]
    codes = threading.Thread(target=loop.run, args=(lambda: None,))
    codes.start()
    for code, pin in entries:
        before = len(entrance.journal.events)
        entrance.terminal.take(Ordered(order=PressKeys(by="t", keys=f"{code}#{pin}#"), answer=lambda _: None))
        while len(entrance.journal.events) == before:
            item = entrance.inbox.get(60)
            assert item is not None
            assert code not in repr(item)
            assert pin not in repr(item)
            entrance.terminal.take(item)
    loop.stop()
    codes.join(60)
    assert len(hashed_by) == len(entries)
    assert set(hashed_by) == {codes.ident}
    assert [event.fields.get("reason") for event in entrance.journal.events] == [
        None, *["wrong_code"] * 5, "too_many_tries", "too_many_tries",
    ]  # fmt: skip
    written = b"".join(event.body for event in entrance.journal.events)
    assert CODE.encode() not in written

"""People without a card at a terminal: day cards, a colleague who vouches, a paper list."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import msgspec
import pytest

from fakes.clock import FakeClock
from fakes.cues import FakeCues
from fakes.health import FakeHealth
from fakes.journal import FakeJournal
from fakes.roster import FakeRoster, person
from kazasu.app.terminal import terminal_of
from kazasu.errors import JournalFull
from kazasu.model.access import Assurance, Credential, DenyReason, Enrolment, EventFields, Identifier
from kazasu.model.cue import CueName
from kazasu.model.day_card import DayCards, Loan, midnight_after
from kazasu.model.input import CardRead, Ordered
from kazasu.model.moment import TimeSource
from kazasu.model.order import Answer, DayCardsOut, EnterPaper, IssueDayCard, Order, ReturnDayCard, Vouch
from kazasu.model.policy import AssurancePolicy
from kazasu.presenting import Vouching
from kazasu.reception import Reception
from kazasu.runtime.inbox import BoundedInbox
from kazasu.services.attendance import Alternation, Attendance
from kazasu.terminal import Settings

HANAKO, KEN, POOLED, OTHER = "a" * 32, "b" * 32, "d" * 32, "e" * 32
VOUCHED = AssurancePolicy(min_assurance=Assurance.VOUCHED)


class Woken:
    def wake(self) -> None:
        """Nobody publishes here."""


class Hall:
    """A terminal where Hanako may vouch, Ken may not, Maria has no card, and day-07 is in the pool."""

    def __init__(self, reception: Reception | None = None, journal: FakeJournal | None = None) -> None:
        self.clock = FakeClock()
        self.journal = journal or FakeJournal()
        self.cues = FakeCues()
        self.roster = FakeRoster(
            [
                person("1001", HANAKO, Assurance.SERIAL, levels=("staff",)),
                person("1002", KEN, levels=("temporary",)),
                person("1003", OTHER, levels=("staff",)),
                person("day-07", POOLED),
                person("day-08", "f" * 32),
            ]
        )
        attendance = Attendance(Alternation(), day_boundary=time(5), repeat_after_s=120, policy=VOUCHED)
        self.terminal = terminal_of(
            Settings(policy=VOUCHED, button_within_s=10, version="1.2.3"),
            inbox=BoundedInbox(),
            clock=self.clock,
            roster=self.roster,
            service=attendance,
            journal=self.journal,
            cues=self.cues,
            publisher=Woken(),
            health=FakeHealth(),
            reception=reception
            or Reception(
                day_cards=DayCards("day-*"),
                vouching=Vouching(levels=frozenset({"staff"}), within_s=30),
                paper=attendance,
                readers=("desk",),
            ),
        )

    def order(self, order: Order) -> Answer:
        answers: list[Answer] = []
        self.terminal.take(Ordered(order=order, answer=answers.append))
        (answer,) = answers
        return answer

    def tap(self, pseudonym: str, assurance: Assurance = Assurance.SERIAL, reader: str = "desk") -> EventFields:
        before = len(self.journal.events)
        identifier = Identifier(kind="felica", pseudonym=pseudonym, assurance=assurance)
        self.terminal.take(CardRead(reader=reader, identifier=identifier))
        (event,) = self.journal.events[before:]
        return event.fields

    def at_midnight(self) -> None:
        now = self.clock.now().at
        self.clock.advance((midnight_after(now) - now).total_seconds())


@pytest.fixture
def reception() -> Hall:
    return Hall()


def issue(card: str = "day-07", number: str = "1002") -> IssueDayCard:
    return IssueDayCard(by="taro", day_card=card, cardholder=number)


def test_a_day_card_is_the_persons_with_what_such_a_card_proves(reception: Hall) -> None:
    answer = reception.order(issue())
    assert answer.ok
    assert answer.said.startswith("day-07 is 1002's until ")
    lent = reception.journal.events[0].fields
    assert (lent["event_type"], lent["day_card"], lent["cardholder"], lent["by"]) == (
        "day_card.issued", "day-07", "1002", "taro",
    )  # fmt: skip
    fields = reception.tap(POOLED)
    assert (fields["event_type"], fields["cardholder"], fields["day_card"]) == ("attendance.in", "1002", "day-07")
    assert (fields["credential"], fields["assurance"]) == (POOLED, "serial")
    # The same person's own card goes on from there: it is one person, whatever they show.
    reception.clock.advance(200)
    assert reception.tap(KEN)["event_type"] == "attendance.out"


def test_a_day_card_is_nobodys_before_it_is_lent_once_it_is_back_and_from_midnight_on(reception: Hall) -> None:
    def denied() -> None:
        fields = reception.tap(POOLED)
        assert (fields["event_type"], fields["reason"]) == ("attendance.denied", "day_card_not_issued")
        assert fields["day_card"] == "day-07"
        assert "cardholder" not in fields
        assert reception.cues.played[-1] is CueName.DENIED

    denied()
    reception.order(issue())
    reception.order(ReturnDayCard(by="taro", day_card="day-07"))
    denied()
    reception.order(issue())
    reception.at_midnight()
    denied()


def test_a_day_card_outlives_a_restart_and_not_its_day(reception: Hall) -> None:
    reception.order(issue())
    after = Hall(journal=reception.journal)
    after.terminal._recorder.rebuild()
    assert after.tap(POOLED)["cardholder"] == "1002"


def in_an_hour(hall: Hall, number: str) -> Loan:
    return Loan(number, hall.clock.now().at + timedelta(hours=1))


def test_a_card_that_the_site_lends_is_its_holders_until_it_ends(reception: Hall) -> None:
    reception.roster.lend("day-07", in_an_hour(reception, "1002"))
    fields = reception.tap(POOLED)
    assert (fields["event_type"], fields["cardholder"], fields["day_card"]) == ("attendance.in", "1002", "day-07")
    assert fields["credential"] == POOLED
    reception.clock.advance(3600)
    fields = reception.tap(POOLED)
    assert (fields["reason"], fields["day_card"], "cardholder" in fields) == ("day_card_not_issued", "day-07", False)


def test_it_is_so_at_a_terminal_that_has_no_pool_of_its_own() -> None:
    hall = Hall(Reception())
    hall.roster.lend("day-07", in_an_hour(hall, "1002"))
    hall.roster.lend("day-08", None)
    assert hall.tap(POOLED)["cardholder"] == "1002"
    assert hall.tap("f" * 32)["reason"] == "day_card_not_issued"
    assert hall.order(DayCardsOut(by="taro")).said == "day-07: 1002, lent at the desk"
    assert hall.order(issue()).said.startswith("the site lends this card, at all its terminals: at the desk ")


@pytest.mark.parametrize("lost", ["returned", "left", "no_clock", "revoked"])
def test_what_the_site_lends_no_more_is_refused_as_ever(reception: Hall, lost: str) -> None:
    reception.roster.lend("day-07", in_an_hour(reception, "1009" if lost == "left" else "1002"))
    match lost:
        case "returned":
            reception.roster.lend("day-07", None)
        case "revoked":
            reception.roster.revoke(POOLED)
        case "no_clock":
            reception.clock.source = TimeSource.NONE
    expected = "credential_revoked" if lost == "revoked" else "day_card_not_issued"
    assert reception.tap(POOLED)["reason"] == expected


def test_the_sites_word_on_a_card_counts_and_not_the_terminals(reception: Hall) -> None:
    reception.order(issue("day-07", "1001"))
    reception.order(issue("day-08", "1003"))
    reception.roster.lend("day-07", in_an_hour(reception, "1002"))
    assert reception.tap(POOLED)["cardholder"] == "1002"
    assert reception.order(DayCardsOut(by="taro")).said == "day-07: 1002, lent at the desk\nday-08: 1003"
    reception.roster.lend("day-07", None)
    assert reception.tap(POOLED)["reason"] == "day_card_not_issued", "what the terminal said before is no answer"
    assert reception.order(DayCardsOut(by="taro")).said == "day-08: 1003"


def test_a_card_of_the_sites_pool_is_lent_and_taken_back_at_the_desk_alone(reception: Hall) -> None:
    reception.order(issue())
    reception.roster.lend("day-07", None)
    for order, command in (
        (issue(), "issue day-07 1002`"),
        (ReturnDayCard(by="taro", day_card="day-07"), "return day-07`"),
    ):
        answer = reception.order(order)
        assert not answer.ok
        assert answer.said.endswith(f"at the desk `kazasu site day-card {command}")
    assert reception.order(issue("day-08")).ok, "the others are the terminal's as before"


def test_nobody_gets_a_card_here_who_has_one_of_the_sites(reception: Hall) -> None:
    reception.roster.lend("day-07", in_an_hour(reception, "1002"))
    assert reception.order(issue("day-08", "1002")).said == "1002 has day-07 today: take it back first"
    assert reception.order(issue("day-08", "day-07")).said == "day-07 is a card of the pool, and no person"
    reception.clock.advance(3600)
    assert reception.order(issue("day-08", "1002")).ok


def test_the_desk_sees_what_is_out(reception: Hall) -> None:
    assert reception.order(DayCardsOut(by="taro")).said == "none is out"
    reception.order(issue())
    reception.order(issue("day-08", "1001"))
    assert reception.order(DayCardsOut(by="taro")).said == "day-07: 1002\nday-08: 1001"
    reception.at_midnight()
    assert reception.order(DayCardsOut(by="taro")).said == "none is out"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (issue("1001"), "1001 is no card of the pool: see [day_cards]"),
        (issue("day-99"), "day-99 is not in the roster"),
        (issue(number="9999"), "9999 is not in the roster"),
        (issue(number="day-08"), "day-08 is a card of the pool, and no person"),
        (ReturnDayCard(by="taro", day_card="day-07"), "day-07 is not out"),
    ],
)
def test_what_the_desk_gets_wrong_is_said_and_changes_nothing(reception: Hall, order: Order, said: str) -> None:
    assert reception.order(order) == Answer(ok=False, said=said)
    assert reception.journal.events == []


def test_a_card_is_one_persons_and_a_person_has_one_card(reception: Hall) -> None:
    reception.order(issue())
    assert reception.order(issue(number="1001")).said == "day-07 is 1002's today: take it back first"
    assert reception.order(issue("day-08")).said == "1002 has day-07 today: take it back first"
    assert reception.order(issue()).ok, "said twice, it is so all the same"


def test_nothing_is_lent_that_cannot_be_recorded_or_whose_end_nobody_knows(reception: Hall) -> None:
    reception.journal.failing = JournalFull("full")
    assert not reception.order(issue()).ok
    reception.journal.failing = None
    reception.clock.source = TimeSource.NONE
    assert "nobody knows what time it is" in reception.order(issue()).said


def test_without_a_pool_there_are_no_day_cards() -> None:
    reception = Hall(Reception())
    assert "no day cards here" in reception.order(issue()).said
    assert reception.tap(POOLED)["cardholder"] == "day-07", "a number like any other"


def vouch(number: str = "1002", reader: str | None = None) -> Vouch:
    return Vouch(by="taro", cardholder=number, reader=reader)


def test_a_colleagues_tap_is_the_guests_punch_and_both_are_recorded(reception: Hall) -> None:
    assert reception.order(vouch()).said == "the next card on reader desk within 30 s vouches for 1002"
    fields = reception.tap(HANAKO)
    assert (fields["event_type"], fields["cardholder"]) == ("attendance.in", "1002")
    assert (fields["vouched_by"], fields["assurance"], fields["credential"]) == ("1001", "vouched", HANAKO)
    # The colleague's own punch is still to be made, and was not.
    own = reception.tap(HANAKO)
    assert (own["event_type"], own["cardholder"], own["assurance"]) == ("attendance.in", "1001", "serial")
    assert "vouched_by" not in own


@pytest.mark.parametrize(
    ("pseudonym", "reason"),
    [(KEN, "may_not_vouch"), ("9" * 32, "unknown_card"), (POOLED, "day_card_not_issued")],
)
def test_who_may_not_vouch_is_told_and_the_guest_waits_for_another(
    reception: Hall, pseudonym: str, reason: str
) -> None:
    reception.order(vouch("1003"))
    fields = reception.tap(pseudonym)
    assert (fields["event_type"], fields["reason"], fields["cardholder"]) == ("attendance.denied", reason, "1003")
    assert reception.tap(HANAKO)["vouched_by"] == "1001"


def test_nobody_vouches_for_themselves_nor_with_a_card_that_is_worth_nothing(reception: Hall) -> None:
    reception.order(vouch("1001"))
    assert reception.tap(HANAKO)["reason"] == "may_not_vouch"
    expired = Credential(pseudonym="7" * 32, cardholder="1003", min_assurance=Assurance.SERIAL, valid_until_s=1)
    holder = reception.roster.find("1003")
    assert holder is not None
    reception.roster.enroll(Enrolment(credential=expired, cardholder=holder))
    assert reception.tap("7" * 32)["reason"] == "credential_expired"


def test_a_card_that_could_not_be_read_leaves_the_guest_waiting(reception: Hall) -> None:
    reception.order(vouch())
    reception.terminal.take(CardRead(reader="desk", refusal=DenyReason.CARD_REMOVED))
    assert "cardholder" not in reception.journal.events[-1].fields
    assert reception.tap(HANAKO)["cardholder"] == "1002"


def test_a_colleague_who_comes_too_late_or_elsewhere_vouches_for_nobody(reception: Hall) -> None:
    reception.order(vouch())
    assert reception.tap(HANAKO, reader="other")["cardholder"] == "1001"
    reception.clock.advance(30)
    assert reception.tap(OTHER)["cardholder"] == "1003"


def test_a_guest_who_left_the_roster_meanwhile_is_nobody(reception: Hall) -> None:
    reception.order(vouch())
    del reception.roster._enrolments[KEN]
    fields = reception.tap(HANAKO)
    assert (fields["event_type"], fields["reason"]) == ("attendance.denied", "unknown_card")
    assert "cardholder" not in fields


def test_vouching_asks_for_a_reader_where_there_are_several_and_for_the_configuration() -> None:
    several = Hall(Reception(vouching=Vouching(levels=frozenset({"staff"}), within_s=30), readers=("in", "out")))
    assert several.order(vouch()).said == "which reader? There are: in, out"
    assert several.order(vouch(reader="out")).ok
    assert several.order(vouch("9999", "out")).said == "9999 is not in the roster"
    nobody = Hall(Reception(readers=("desk",)))
    assert "nobody may vouch here" in nobody.order(vouch()).said


def paper(at: datetime, direction: str = "in", number: str = "1002") -> EnterPaper:
    return EnterPaper(by="taro", cardholder=number, direction=direction, punched_at=at, line="0" * 16)  # type: ignore[arg-type]


def test_a_punch_on_paper_says_when_it_was_made_and_when_it_was_recorded(reception: Hall) -> None:
    at = reception.clock.now().at - timedelta(hours=3)
    assert reception.order(paper(at)).ok
    fields = reception.journal.events[0].fields
    assert (fields["event_type"], fields["cardholder"], fields["assurance"]) == ("attendance.in", "1002", "paper")
    assert datetime.fromisoformat(str(fields["punched_at"])) == at.replace(microsecond=0)
    assert datetime.fromisoformat(str(fields["time"])) > at
    assert (fields["by"], fields["line"]) == ("taro", "0" * 16)
    assert reception.tap(KEN)["event_type"] == "attendance.out", "the terminal goes on from the paper's word"


def test_a_punch_on_paper_that_is_older_than_the_last_tap_changes_nothing_of_it(reception: Hall) -> None:
    reception.tap(KEN)
    reception.clock.advance(300)
    reception.tap(KEN)
    assert reception.order(paper(reception.clock.now().at - timedelta(hours=1))).ok
    reception.clock.advance(300)
    assert reception.tap(KEN)["event_type"] == "attendance.in"


def test_a_punch_on_paper_belongs_to_its_own_working_day(reception: Hall) -> None:
    today = reception.clock.now().at
    night = today.replace(hour=4, minute=59)
    reception.order(paper(night if night < today else night - timedelta(days=1), "out"))
    fields = reception.journal.events[0].fields
    punched = datetime.fromisoformat(str(fields["punched_at"]))
    assert fields["day"] == (punched - timedelta(hours=5)).date().isoformat()


def test_paper_that_cannot_be_true_is_not_taken(reception: Hall) -> None:
    now = reception.clock.now().at
    assert "still to come" in reception.order(paper(now + timedelta(minutes=1))).said
    assert "no offset" in reception.order(paper(now.replace(tzinfo=None))).said
    assert reception.order(paper(now, number="9999")).said == "9999 is not in the roster"
    assert reception.journal.events == []
    assert "takes no punches" in Hall(Reception()).order(paper(now)).said


def test_an_order_is_what_travels() -> None:
    order = paper(datetime.fromisoformat("2026-11-24T08:31:00+09:00"))
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order

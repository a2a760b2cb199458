"""Whatever comes up to a desk: requests, answers, and what terminals and collectors say of themselves."""

from __future__ import annotations

import contextlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fakes import commands
from fakes.enrolment import Newcomer, admission
from fakes.fleet import HEALTH, SITE, START
from fakes.hostile import (
    STRANGER,
    Message,
    all_three,
    batches,
    both,
    either,
    enough,
    files_below,
    hostile,
    messages,
    these,
    told,
    topics,
)
from fakes.journal import SIGNER
from fakes.pems import pems
from kazasu.cli.muster import hearer
from kazasu.cli.roll_call import as_csv, as_json, as_text
from kazasu.cli.site import accept
from kazasu.enrolment.layers import wish
from kazasu.model.document import signed
from kazasu.model.hearing import MAX_PAGES, MAX_STRANGERS, Hearing
from kazasu.model.muster import Movement, Statement, roll_call
from kazasu.model.muster_document import pages
from kazasu.model.signature import Ed25519Verifier
from kazasu.publishers.news import Received
from kazasu.publishers.wire import Payloads, Topics
from kazasu.site.announcer import Announcer
from kazasu.site.command_round import Tally
from kazasu.site.fleet import Fleet
from kazasu.site.fleet_order import FleetOrder
from kazasu.site.fleet_view import FleetView, Heading, Screen
from kazasu.site.fleet_view import as_json as as_json_line
from kazasu.site.home_assistant import STATUS, discovery_topic
from kazasu.site.pem import public_pem
from kazasu.site.pepper_gifts import PepperGifts
from kazasu.virtual.site import PASSPHRASE, make_site

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = hostile

_FRONT, _BACK = Topics(commands.SITE, "front"), Topics(commands.SITE, "back")
_FEW = 2
"""So many terminals at the most, instead of thousands: a bound that a batch reaches."""


# Requests


class Asked:
    """A desk, a terminal that is invited and asks, and one that is there and asks for its next certificate."""

    def __init__(self, folder: Path) -> None:
        self.site = make_site(folder / "site")
        self.admission = admission(self.site)
        now = datetime.now(UTC)  # as the desk's own clock says
        self.invited, self.active = Newcomer(self.site, now=now), Newcomer(self.site, "entrance-2", now)
        self.admission.accept(self.active.asks(), now)
        record = self.site.find("entrance-2")
        assert record is not None
        self.enrolment = self.invited.asks()
        self.renewal = self.active.renews(int(record.certificates[-1].serial, 16))
        wisher = X25519PrivateKey.generate()
        layer = self.site.pepper().newest
        self.wish = wish(self.site.name, "entrance-2", layer, now, event=self.active.event, agreement=wisher).body
        invited, active = (Topics(self.site.name, name) for name in ("entrance-1", "entrance-2"))
        self.topics = [invited.enrol_request, active.enrol_request, active.pepper_wish]
        self.desk = accept._Desk(self.site, self.admission, PepperGifts(self.site, self.site.unlock(PASSPHRASE)))
        self.files = files_below(self.site.path)
        self.published: list[str] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Implements what is used of an Exchange, and refuses what paho refuses."""
        if not topic or "+" in topic or "#" in topic or len(topic.encode()) > 65_535:
            raise ValueError("Invalid topic.")
        self.published.append(topic)

    def takes(self, topic: str, payload: bytes) -> bool:
        """Whether a request was accepted; what it changed is as before again."""
        said = io.StringIO()
        self.published.clear()
        with contextlib.redirect_stdout(said):
            accepted = accept._answered(self.desk, self, Received(topic=topic, payload=payload))  # type: ignore[arg-type]  # what is used of it
        assert said.getvalue().removesuffix("\n").isprintable(), "one line, and nobody else moves the cursor"
        assert set(self.published) <= _ways_back(topic), "somebody else was answered"
        if accepted:
            for path in files_below(self.site.path).keys() - self.files.keys():
                self.site.file(path).unlink()
            for path, content in self.files.items():
                self.site.file(path).write_bytes(content)
        else:
            assert files_below(self.site.path) == self.files, "refused, and something has changed"
        return accepted


def _ways_back(topic: str) -> set[str]:
    """A request is taken away, and answered to whose topic it came on."""
    return {topic, topic.replace("/up/", "/down/")}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return Asked(tmp_path_factory.mktemp("asked"))


@enough
@given(st.data())
def test_the_desk_that_accepts(asked: Asked, data: st.DataObject) -> None:
    keys = [asked.invited.one_time, asked.active.event, asked.active.one_time]
    csr = json.loads(asked.enrolment)["csr"]
    values = pems(csr, json.loads(asked.renewal)["csr"], public_pem(STRANGER.public).decode())
    each = both(messages([asked.enrolment, asked.renewal, asked.wish], keys, values), topics(*asked.topics))
    for message, topic in data.draw(batches(each)):
        with told((topic, message)):
            assert not asked.takes(topic, message.payload) or message.vouched
    for topic, payload in zip(asked.topics, (asked.enrolment, asked.renewal, asked.wish), strict=True):
        assert asked.takes(topic, payload)


# Answers to commands

_TRANSACTION = "5a" * 16
_ANSWER: dict[str, int | str] = {
    "v": 1,
    "type": "answer",
    "site": commands.SITE,
    "terminal": "front",
    "transaction": _TRANSACTION,
    "ok": 1,
    "said": "gate: unlocked",
    "seq": 7,
}
_ANSWERS = [signed(_ANSWER, SIGNER).body, signed(_ANSWER | {"terminal": "back"}, commands.FORGER).body]


@enough
@given(batches(both(messages(_ANSWERS, [SIGNER]), topics(_FRONT.answer, _FRONT.state, _BACK.answer))))
def test_the_desk_that_commands(sent: list[tuple[Message, str]]) -> None:
    keys = {"front": [Ed25519Verifier(SIGNER.public)], "back": [Ed25519Verifier(commands.FORGER.public)]}
    tally = Tally(commands.SITE, keys)
    for message, topic in sent:
        tally.sent("front", 1, _TRANSACTION)
        with told((topic, message)):
            ended = tally.heard(topic, message.payload)
            assert (ended is None) is not tally.all_ended
            assert ended is None or (message.vouched and topic == _FRONT.answer and _is_plain(ended.said))
            assert all(_is_plain(each.said) for each in tally.unanswered())
            assert tally._states.keys() | tally._doubts.keys() <= keys.keys()
    tally.sent("front", 1, _TRANSACTION)
    assert tally.heard(_FRONT.answer, _ANSWERS[0])


def _is_plain(text: str) -> bool:
    return text.replace("\n", "").isprintable()


# Who is inside

_NOW_MS = 1_800_000_000_000
_SAID = Statement(
    terminal="front",
    epoch="0123456789abcdef",
    seq=3,
    at_ms=_NOW_MS,
    clock_unset=False,
    movements=(Movement(number="1001", area="hall", at_ms=_NOW_MS - 5),),
    begun_ms=_NOW_MS - 3,
    present={"1001": _NOW_MS - 2},
)
_MUSTERS = pages(_SAID, commands.SITE, SIGNER)
_STATES = [Payloads(commands.SITE, "front").online(1), Payloads(commands.SITE, "front").offline(1, "stopped")]
_HEALTHS = [Payloads(commands.SITE, "front").fields(HEALTH | {"conn": 1}, START.isoformat())]
_MUSTER_TOPICS = topics(_FRONT.muster(), _FRONT.muster(2), _BACK.muster(), _FRONT.state, _FRONT.health)


@enough
@given(batches(both(messages([*_MUSTERS, *_STATES, *_HEALTHS], [SIGNER]), _MUSTER_TOPICS)))
def test_the_desk_that_musters(sent: list[tuple[Message, str]]) -> None:
    """A terminal's own list hears the others in the same way."""
    hearing = Hearing(commands.SITE, {"front": Ed25519Verifier(SIGNER.public)})
    take = hearer(commands.SITE, hearing)
    vouched = {message.payload for message, _ in sent if message.vouched}
    for message, topic in sent:
        with told((topic, message)):
            take(topic, message.payload)
            said, lacks = hearing.judged(_NOW_MS)
            assert not said or set(hearing._heard["front"].pages.values()) & vouched
            listed = roll_call(said, lacks, _NOW_MS)
            text, _, _ = (form(listed, {}, _NOW_MS, ZoneInfo("Asia/Tokyo")) for form in (as_text, as_json, as_csv))
            assert text.replace("\n", "").isprintable()
    assert len(hearing._heard) <= MAX_STRANGERS + 1
    assert all(len(heard.pages) <= MAX_PAGES for heard in hearing._heard.values())
    for page in range(2, MAX_PAGES + 1):
        take(_FRONT.muster(page), b"")
    take(_FRONT.muster(), _MUSTERS[0])
    assert [each.movements for each in hearing.judged(_NOW_MS)[0]] == [_SAID.movements]


# What is watched, and what Home Assistant is told

_HALLS = [Topics(SITE, f"hall-{number}") for number in range(_FEW + 2)]
_BESIDE = f"kazasu/v1/{SITE}/collector"
_OVERHEARD = [
    *(Payloads(SITE, "hall-1").online(conn) for conn in (1, 2)),
    Payloads(SITE, "hall-1").offline(1, "connection_lost"),
    Payloads(SITE, "hall-1").fields(HEALTH | {"conn": 1}, START.isoformat()),
    Payloads(SITE, "hall-1").fields({"version": "1.0"}, START.isoformat()),
    Payloads(SITE, "hall-1").alert("journal", "it is full", START.isoformat()),
    b'{"event_type":"attendance.in","time":"2026-04-01T08:30:00+09:00","cardholder":"1001"}',
    b'{"v":1,"site":"city-hall","alert":"gap","count":2,"message":"events 3 to 4 are missing"}',
]
_WATCHED = topics(
    *(topic for hall in _HALLS for topic in (hall.state, hall.health, hall.info, hall.event, hall.alert("journal"))),
    *(f"{_BESIDE}/one/health", f"{_BESIDE}/one/alert/broker", f"{_BESIDE}/all/alert/hall-1/gap", _HALLS[0].collector),
)


@enough
@given(batches(all_three(messages(_OVERHEARD), _WATCHED, these(0, 0, 0, 0, 1, 200))))
def test_the_desk_that_watches(sent: list[tuple[Message, str, int]]) -> None:
    fleet, at = Fleet(SITE, most=_FEW), START
    order = FleetOrder(fleet)
    view = FleetView(fleet, order)
    for message, topic, seconds in sent:
        with told((topic, message)):
            fleet.take(topic, message.payload, at)
            at += timedelta(seconds=seconds)
            fleet.pass_time(at)
    order.follow()
    lines = view.snapshot(Heading(site=SITE), Screen(width=120, height=0, coloured=False, zone=UTC), at)
    assert all(line.isprintable() and len(line) <= 120 for line in lines)
    for terminal in order.window(0, len(order)):
        json.loads(as_json_line(terminal, order.problems(terminal.name), at))
    assert max(len(fleet.terminals), len(fleet._waiting)) <= _FEW
    fleet.terminals.clear()
    fleet.take(_HALLS[1].state, Payloads(SITE, "hall-1").online(2**53 - 1), at)
    assert fleet.terminals["hall-1"].state == "online"


_ANNOUNCEMENT = b'{"components":{"old":{"platform":"sensor","unique_id":"x"}},"device":{"name":"hall-1"}}'
_ANNOUNCED = [discovery_topic(SITE, f"hall-{number}") for number in range(_FEW + 2)]


@enough
@given(
    batches(
        both(
            messages([*_OVERHEARD, _ANNOUNCEMENT]),
            either(_WATCHED, topics(*_ANNOUNCED, "homeassistant/device/lamp/config", STATUS)),
        )
    )
)
def test_the_desk_that_announces(sent: list[tuple[Message, str]]) -> None:
    desk = Announcer(SITE, most=_FEW)
    for message, topic in sent:
        with told((topic, message)):
            desk.take(topic, message.payload, START)
            for announced, payload in desk.due():
                assert announced in _ANNOUNCED
                _check_announcement(json.loads(payload))
    assert max(len(desk._announced), len(desk._names), len(desk._fleet.terminals)) <= 2 * _FEW
    desk._fleet.terminals.clear()
    for payload in (_OVERHEARD[0], _OVERHEARD[3], _OVERHEARD[4]):
        for topic in (_HALLS[1].health, _HALLS[1].info):
            desk.take(topic, payload, START)
    desk.take(STATUS, b"online", START)
    assert _ANNOUNCED[1] in dict(desk.due())


def _check_announcement(announcement: dict[str, Any]) -> None:
    templates = [each.get("value_template", "") for each in announcement["components"].values()]
    assert all(str(template).isprintable() for template in templates)

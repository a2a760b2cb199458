"""Whatever comes down to a terminal: it believes what is vouched for, and nothing else changes anything."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fakes import commands
from fakes.backlog import FakeBacklog
from fakes.command_post import DONE, Post
from fakes.commands import COLLECTOR, SITE_KEY
from fakes.health import FakeHealth
from fakes.hostile import (
    Message,
    all_three,
    attack,
    batches,
    changed_bytes,
    changed_lines,
    either,
    enough,
    files_below,
    hostile,
    messages,
    nonsense,
    odd_values,
    these,
    told,
    topics,
)
from fakes.inbox import ListInbox
from fakes.pems import pems
from fakes.roster_desk import PEPPER
from fakes.roster_rig import MANIFEST, SITE, TERMINAL, RosterRig
from kazasu.enrolment import bundle, layers, reply
from kazasu.enrolment.succession import followed, succession
from kazasu.errors import EnrolmentRefused, SignatureInvalid
from kazasu.model.command import Command
from kazasu.model.document import canonical, signed
from kazasu.model.pepper import pepper_id
from kazasu.model.roster_manifest import Manifest, Offer, index_of
from kazasu.model.roster_seal import PartSeal
from kazasu.model.roster_text import cut
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.publishers.downlink import Downlink
from kazasu.publishers.news import Received
from kazasu.publishers.settings import Broker, Settings
from kazasu.publishers.wire import Topics
from kazasu.site.authority import Authority
from kazasu.site.pem import certificate_pem, public_pem
from kazasu.site.published import write_published
from kazasu.site.roster import VALID_FOR
from kazasu.virtual.subscriber import Chain, signed_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

pytestmark = [hostile, pytest.mark.rule(8)]

FILE = Path("/file")
TOPICS = Topics(SITE, TERMINAL)
NOW = dt.datetime(2026, 4, 1, 8, 30, tzinfo=dt.UTC)


# Commands

_ASKED: tuple[dict[str, int | str | None], ...] = (
    {},
    {"command": "unlock", "for_s": 60},
    {"command": "lockdown", "door": None, "level": "staff"},
    {"command": "reset_passback", "door": None, "cardholder": "1001"},
    {"command": "cue", "door": None, "cue": "granted"},
    {"command": "restart", "door": None},
    {"command": "log_level", "door": None, "level": "debug"},
    {"command": "publish_again", "door": None, "epoch": "0" * 16, "from": 1, "to": 9},
)
_COMMANDS = [commands.payload(**changes) for changes in _ASKED]
_ANSWERED = Topics(commands.SITE, commands.TERMINAL).answer


@pytest.fixture(scope="module")
def log_level() -> Iterator[None]:
    """A command may set it."""
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


@enough
@given(
    batches(messages(_COMMANDS, [SITE_KEY, COLLECTOR])),
    st.booleans(),
    st.sampled_from([_ANSWERED, "", "a/b", f"{_ANSWERED}x"]),
    st.binary(max_size=70),
)
def test_the_command_reader(
    log_level: None, sent: list[Message], retain: bool, response_topic: str, correlation: bytes
) -> None:
    post = Post()

    def take(payload: bytes) -> bool:
        post.turn(1.0)
        post.send(payload, to=response_topic, correlation=correlation, retain=retain)
        (item,) = post.arrived()
        canonical(item.command.fields)  # whatever it is, it goes into an event
        item.answer(DONE)
        post.turn()
        for answer in _answers(post):
            assert answer == response_topic == _ANSWERED
            assert len(correlation) <= 64
        assert not (retain and isinstance(item.command, Command))
        return isinstance(item.command, Command)

    def state() -> object:
        return post.restarts, list(post.asked_again), logging.getLogger().level, post.inbox.empty

    attack(sent, take, state)
    post.turn(60.0)
    post.send(commands.payload())
    (good,) = post.arrived()
    assert isinstance(good.command, Command)


def _answers(post: Post) -> Iterator[str]:
    while (answer := post.listener.next_answer()) is not None:
        yield answer.topic


# Receipts, and whether a collector is there

_BACKLOG = FakeBacklog(COLLECTOR, SITE, TERMINAL)
_BACKLOG.grow(1)
_RECEIPT = signed_receipt(COLLECTOR, SITE, TERMINAL, _BACKLOG.epoch, Chain(seq=7, digest="a" * 64))
_NEXT_RECEIPT = signed_receipt(COLLECTOR, SITE, TERMINAL, _BACKLOG.epoch, Chain(seq=2**53 - 1, digest="b" * 64))
_EVENT = _BACKLOG.events[0].body


@enough
@given(
    batches(
        all_three(
            messages([_RECEIPT, _EVENT, b'{"state":"online","v":1}'], [COLLECTOR]),
            topics(TOPICS.receipt, TOPICS.collector, TOPICS.command, TOPICS.roster_of_all),
            these(False, True),
        )
    )
)
def test_the_reader_of_receipts(sent: list[tuple[Message, str, bool]]) -> None:
    """It hears whether a collector is there, too, and lets fall what nobody here listens to."""
    health, inbox = FakeHealth(), ListInbox()
    downlink = Downlink(
        Settings(
            site=SITE,
            terminal=TERMINAL,
            broker=Broker(host="h", port=1, ca_file=FILE, certificate_file=FILE, key_file=FILE),
        ),
        TOPICS,
        Ed25519Verifier(COLLECTOR.public),
        backlog=_BACKLOG,
        inbox=inbox,
        health=health,
    )
    for message, topic, retain in sent:
        with told((topic, message)):
            there = downlink.take(Received(topic=topic, payload=message.payload, retain=retain))
            assert there <= (topic == TOPICS.collector)
            assert inbox.empty or (topic == TOPICS.receipt and message.vouched)
            inbox.drained()
            assert health.fields["collector"] in {"online", "offline", "unknown"}
            assert health.fields.keys() <= {"collector", "receipts_refused", "receipt_seq"}
    downlink.take(Received(topic=TOPICS.receipt, payload=_NEXT_RECEIPT))
    assert health.fields["receipt_seq"] == 2**53 - 1
    assert downlink.take(Received(topic=TOPICS.collector, payload=b'{"state":"online"}'))


# The site's roster

_LATER = 2**53 - 1
"""A version above all that a batch has."""

SITE_SIGNER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"s" * 32))


class Following:
    """A terminal that has one roster of its site's; the next one lies at the broker.

    Attributes:
        rig: the terminal, and the desk.
        next: what the broker holds now.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rig = RosterRig(folder, signer=SITE_SIGNER)
        self.rig.desk.staff(*range(1, 10))
        self.rig.desk.publish()
        self.rig.settle()
        self.rig.desk.staff(*range(5, 15))
        self.rig.desk.publish()
        self.rig.inbox.drained()
        self.next = dict(self.rig.post.retained)

    def state(self) -> object:
        """Everything on the disk, what is asked for, and what is being made."""
        site_roster = files_below(self.folder / "site-roster")
        wanted = dict(self.rig.updates.mail.wanted())
        return site_roster, self.rig.roster_path.read_bytes(), wanted, self.rig.updates.working

    def believed(self) -> str:
        """The manifest."""
        manifest = self.rig.updates._trust.manifest  # what counts, and nowhere said in full
        return "" if manifest is None else manifest.digest

    def publish(self, version: int) -> None:
        """The desk publishes once more, under this version."""
        path = self.rig.desk.folder / "published.toml"
        write_published(path, replace(self.rig.desk.desk.published, version=version - 1))
        self.rig.desk.publish()
        self.next = dict(self.rig.post.retained)

    def takes_the_next(self) -> bool:
        """Whether what the broker holds is taken over."""
        self.rig.settle(self.next)
        return self.rig.text() == (self.rig.desk.folder / "published.txt").read_bytes()


def _published_manifests() -> list[bytes]:
    with tempfile.TemporaryDirectory() as name:
        following = Following(Path(name))
        following.rig.desk.revoke("f" * 32)
        return [following.next[MANIFEST], following.rig.post.retained[MANIFEST]]


@enough
@given(batches(messages(_published_manifests(), [SITE_SIGNER])), st.booleans())
def test_the_reader_of_manifests(sent: list[Message], restarted: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        following = Following(Path(name))

        def take(payload: bytes) -> bool:
            before = following.believed()
            following.rig.hear(MANIFEST, payload)
            following.rig.updates.turn(0.0)
            assert len(following.rig.inbox.drained()) <= 1
            following.rig.work()
            return following.believed() != before

        attack(sent, take, following.state)
        if restarted:
            following.rig.restart()
        # Whatever it has believed by now, the site may go on from there.
        following.publish(_LATER)
        assert following.takes_the_next()


@enough
@given(batches(all_three(nonsense, these(*range(8)), topics(MANIFEST + "/1/full-0"))))
def test_the_reader_of_parts(sent: list[tuple[bytes, int, str]]) -> None:
    """What nobody has vouched for: other bytes on the topics that are asked for, and on others."""
    with tempfile.TemporaryDirectory() as name:
        following = Following(Path(name))
        rig = following.rig
        rig.hear(*rig.manifest())
        for noise, which, topic in sent:
            wanted = sorted(rig.updates.mail.wanted())
            place = wanted[which % len(wanted)] if which < 6 else topic
            before = following.state()
            with told((place, noise)):
                rig.hear(place, noise)
                assert following.state() == before
        assert following.takes_the_next()


_TEXT = b"".join(
    (
        b"card\t" + b"a" * 32 + b"\t1001\tserial\t\t\n",
        b"card\t" + b"b" * 32 + b"\t1002\tchallenge\t1700000000\t1900000000\n",
        b"code\t" + b"c" * 32 + b"\t1003\t" + b"d" * 32 + b"\t" + b"e" * 64 + b"\t\n",
        b"person\t1001\tPerson 1\tit staff\n",
        b"person\t1002\tPerson 2\tstaff\n",
        b"person\t1003\tPerson 3\t\n",
        b"rules\t00001\t[[levels]]\n",
        b'rules\t00002\tname = "staff"\n',
    )
)
_WORDS = these(
    *(
        b"",
        b"\0",
        b"\xff",
        b"\r",
        b"-1",
        b"9" * 30,
        b"a" * 31,
        b"A" * 32,
        b"serial",
        b"1002",
        b"x" * 5000,
        b"card",
        b"\xe2\x80\xae",
    )
)


_changed_text = changed_lines(_TEXT, _WORDS)


def _vouched_parts(chance: Random) -> tuple[bytes, list[bytes]]:
    """A text that the site signed, and its parts; or parts of it that are none."""
    text = _changed_text(chance)
    parts = list(cut(text.splitlines(keepends=True)))
    if chance.randint(0, 3) == 0:
        parts = [changed_bytes(chance, part) for part in parts]
    return text, parts


@enough
@given(batches(_vouched_parts), st.integers(0, 4))
def test_the_maker_of_rosters(sent: list[tuple[bytes, list[bytes]]], wrong: int) -> None:
    """What the site has signed, and what is no roster all the same."""
    with tempfile.TemporaryDirectory() as name:
        following = Following(Path(name))
        rig = following.rig
        before = rig.text()
        for version, (text, parts) in enumerate(sent, start=10):
            with told((text, parts)):
                rig.settle(_held(version, text, parts, wrong))
                after = rig.text()
                assert after in {before, text}
                before = after
        following.publish(_LATER)
        assert following.takes_the_next()


def _held(version: int, text: bytes, plain: list[bytes], wrong: int) -> dict[str, bytes]:
    """What a broker holds of a roster; its figures and its seal may be wrong, too."""
    seal = PartSeal(PEPPER, PEPPER.newest, SITE, "all")
    shift = wrong == 3  # each stands in another one's place
    parts = [seal.sealed(f"full-{number + shift}", part) for number, part in enumerate(plain)]
    digests = [hashlib.sha256(part).digest() for part in parts]
    indexes = index_of(digests)
    full = Offer(
        kind="full",
        version=version,
        parts=len(parts) + (wrong == 1),
        size_bytes=sum(map(len, parts)),
        index=tuple(hashlib.sha256(index).hexdigest() for index in indexes),
    )
    manifest = Manifest(
        site=SITE,
        aud="all",
        version=version,
        made_s=0,
        expires_s=0,
        people=text.count(b"person\t") + (wrong == 2),
        credentials=text.count(b"card\t"),
        codes=text.count(b"code\t"),
        sha256=hashlib.sha256(text).hexdigest(),
        size_bytes=len(text),
        pepper=PEPPER.newest,
        full=full,
    )
    body = signed(manifest.fields(NOW, VALID_FOR), SITE_SIGNER).body
    pieces = dict(zip(full.names, (*indexes, *parts), strict=False))
    return {MANIFEST: body} | {TOPICS.roster_part(version, name): piece for name, piece in pieces.items()}


# Which site keys count, and what the site answers to a request

_PRESENT = public_pem(SITE_KEY.public).decode()
_AFTER = public_pem(commands.NEXT_KEY.public).decode()
_SUCCESSION = succession(SITE, [_AFTER], NOW, SITE_KEY).body
_SUCCESSIONS = [_SUCCESSION, succession(SITE, [_PRESENT, _AFTER], NOW, SITE_KEY).body]


@enough
@given(batches(messages(_SUCCESSIONS, [SITE_KEY], either(pems(_PRESENT, _AFTER), odd_values))))
def test_the_follower_of_site_keys(sent: list[Message]) -> None:
    some = attack(sent, lambda payload: followed(SITE, _PRESENT, [payload]) != _PRESENT, lambda: None)
    assert some or followed(SITE, _PRESENT, [*(message.payload for message in sent), _SUCCESSION]) == _AFTER


_CLIENT = ec.derive_private_key(1234567, ec.SECP256R1())
_REQUEST = "ab" * 32
_AUTHORITY = Authority.founded(SITE, ["localhost"], NOW)
_PEM = certificate_pem(_AUTHORITY.client(TERMINAL, _CLIENT.public_key(), NOW)).decode()
_OTHER_PEM = certificate_pem(_AUTHORITY.client("exit-9", _CLIENT.public_key(), NOW)).decode()
_GRANTED = reply.granted(SITE, TERMINAL, _REQUEST, _PEM, SITE_KEY).body
_REPLIES = [_GRANTED, reply.refused(SITE, TERMINAL, _REQUEST, "no", SITE_KEY).body]


def _certificate(payload: bytes) -> bool:
    try:
        pem = reply.certificate_for(
            payload, *commands.KEYS, site=SITE, terminal=TERMINAL, request=_REQUEST, key=_CLIENT
        )
    except (SignatureInvalid, EnrolmentRefused) as error:
        said = str(error)
    else:
        assert pem.startswith("-----BEGIN CERTIFICATE-----")
        return True
    assert said.isprintable(), "an installer's screen is nobody else's"
    return False


@enough
@given(batches(messages(_REPLIES, [SITE_KEY], either(pems(_PEM, _OTHER_PEM), odd_values))))
def test_the_reader_of_replies(sent: list[Message]) -> None:
    """They come as files, too: `kazasu setup --reply`."""
    attack(sent, _certificate, lambda: None)
    assert _certificate(_GRANTED)


# Layers of the pepper

_LAYERS = [pepper_id(bytes([number]) * 32) for number in range(2)]
_ANNOUNCEMENT = layers.announcement(SITE, _LAYERS, NOW, SITE_KEY).body


def _announced(payload: bytes) -> bool:
    try:
        return bool(layers.layers_in(payload, SITE, *commands.KEYS))
    except SignatureInvalid:
        return False


@enough
@given(batches(messages([_ANNOUNCEMENT], [SITE_KEY], either(these(*_LAYERS), odd_values))))
def test_the_reader_of_layers(sent: list[Message]) -> None:
    attack(sent, _announced, lambda: None)
    assert _announced(_ANNOUNCEMENT)


_AGREEMENT = X25519PrivateKey.from_private_bytes(b"a" * 32)
_WISH = layers.wish(SITE, TERMINAL, _LAYERS[-1], NOW, event=SITE_SIGNER, agreement=_AGREEMENT).body
_WISHED = layers.wish_in(_WISH, SITE, TERMINAL, Ed25519Verifier(SITE_SIGNER.public))
_GIFT = layers.gift(SITE, _WISHED, b"layers", SITE_KEY).body
_GIFTS = [_GIFT, layers.refused(SITE, TERMINAL, _WISH, "no", SITE_KEY).body]


def _given(payload: bytes) -> bool:
    try:
        content = layers.opened(
            payload, *commands.KEYS, site=SITE, terminal=TERMINAL, asked=_WISH, agreement=_AGREEMENT
        )
    except (SignatureInvalid, EnrolmentRefused) as error:
        said = str(error)
    else:
        return content == b"layers"
    assert said.isprintable(), "an installer's screen is nobody else's"
    return False


@enough
@given(batches(messages(_GIFTS, [SITE_KEY])))
def test_the_opener_of_gifts(sent: list[Message]) -> None:
    attack(sent, _given, lambda: None)
    assert _given(_GIFT)


_CODE = "ABCD-EFGH-JKLM-NPQR"
_SECRETS = bundle.Secrets(
    timezone="Asia/Tokyo",
    host="broker",
    port=8883,
    ca=_PEM,
    site_key=_PRESENT,
    collector_key=_AFTER,
    pepper="ab" * 32,
    one_time_key="key",
)


@pytest.fixture(scope="module")
def cheap_codes() -> Iterator[None]:
    """The code is stretched less, which otherwise takes a tenth of a second a bundle."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "_SCRYPT_N", 2)
        yield


@enough
@given(st.data())
def test_the_reader_of_bundles(cheap_codes: None, data: st.DataObject) -> None:
    genuine = bundle.sealed(SITE, TERMINAL, NOW, _SECRETS, _CODE)

    def take(payload: bytes) -> bool:
        try:
            content = bundle.opened(payload, _CODE)
        except EnrolmentRefused as error:
            said = str(error)
        else:
            return content == _SECRETS
        assert said.isprintable(), "an installer's screen is nobody else's"
        return False

    attack(data.draw(batches(messages([genuine]))), take, lambda: None)
    assert take(genuine)

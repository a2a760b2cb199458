"""The site's desk and those who would like to be it, against the real daemon over a real broker."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes import publishing
from fakes.configuration import HALL, STAFF
from fakes.publishing import Rig
from kazasu.model.command import Verdict
from kazasu.model.document import signed
from kazasu.model.input import CommandArrived
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.publishers.mqtt import Connection
from kazasu.publishers.reasons import SUCCESS
from kazasu.publishers.settings import Commanding
from kazasu.publishers.visit import go_on
from kazasu.publishers.wire import Topics, command_properties
from kazasu.site.command_round import CommandRound, Progress, Reached
from kazasu.site.commands import CommandWriter
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.stage import SITE, TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.model.document import Signer

DOOR = HALL + STAFF
TOPICS = Topics(SITE, TERMINAL)
NOT_AUTHORISED = 0x87

pytestmark = pytest.mark.rule(8)


class Sender:
    """Somebody with a client's certificate, who publishes what they like."""

    def __init__(self, broker: PrivateBroker, name: str) -> None:
        self._connection = Connection(broker.client(name), f"{name}-test", will=None)
        self._acks: dict[int, int] = {}

    def __enter__(self) -> Self:
        self._connection.open()
        while not self._connection.news:
            self._go_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.disconnect()

    def publish(self, *payloads: bytes, retain: bool = False, topic: str = TOPICS.command) -> list[int]:
        """Publish, a hundred in flight; returns the broker's reason codes."""
        properties = command_properties(TOPICS.answer, b"test", 10)
        mids: list[int] = []
        for payload in payloads:
            mids.append(self._connection.publish(topic, payload, retain=retain, properties=properties))
            while len(mids) - len(self._acks) > 100:
                self._go_on()
        while not self._acks.keys() >= set(mids):
            self._go_on()
        acks, self._acks = self._acks, {}
        return [acks[mid] for mid in mids]

    def flood(self, payload: bytes, count: int) -> None:
        """Publish without asking for an acknowledgement, as fast as the broker takes it."""
        client = self._connection._client  # a terminal sends nothing so
        for _ in range(count):
            client.publish(TOPICS.command, payload, qos=0)
        while self._connection.wants_write:
            self._go_on()

    def _go_on(self) -> None:
        assert go_on(self._connection, 30.0)
        self._acks |= dict(self._connection.acks)
        self._connection.acks = []


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), DOOR, synchronised=True) as stage, stage.daemon:
        wait_online(stage, 1)
        yield stage


def wait_online(stage: Stage, conn: int) -> None:
    """Wait until the broker knows the terminal to be there, on this connection or a later one."""

    def online() -> bool:
        state = json.loads(stage.subscriber.retained.get(TOPICS.state, b'{"state":"unknown"}'))
        return bool(state["state"] == "online" and state["conn"] >= conn)

    assert stage.subscriber.wait_for(online)


@pytest.fixture
def attacker(stage: Stage) -> Iterator[Sender]:
    """A daemon that has refused nothing yet, and somebody with the desk's certificate and without the site's key."""
    conn = json.loads(stage.subscriber.retained[TOPICS.state])["conn"]
    stage.daemon.terminate()
    stage.daemon.start()
    wait_online(stage, conn + 1)
    with Sender(stage.broker, "desk") as sender:
        yield sender


def command(stage: Stage, name: str, **arguments: int | str) -> list[Progress]:
    """Send one from the desk."""
    writer = CommandWriter(SITE, stage.site_key, "suzuki", lambda: datetime.now(UTC))
    keys = {TERMINAL: [stage.event_verifier]}
    return list(CommandRound(stage.broker.client("desk"), SITE, keys, writer).send(name, arguments))


def written(stage: Stage, signer: Signer | None = None, *, age_s: float = 0.0, **changes: int | str) -> bytes:
    """A release of the hall's door, right but for what is changed."""
    fields: dict[str, int | str] = {
        "v": 1,
        "type": "command",
        "site": SITE,
        "terminal": TERMINAL,
        "command": "release",
        "transaction": "5a" * 16,
        "issued": (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat(),
        "expires_s": 10,
        "by": "suzuki",
        "door": "hall",
    }
    return signed(fields | changes, signer or stage.site_key).body


def events_after(stage: Stage, seq: int) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in stage.backlog.after(seq, 1000)]


def refusals(stage: Stage, seq: int, count: int) -> list[str]:
    """The reasons of the refused commands after an event, once there are so many."""

    def reasons() -> list[str]:
        return [event["reason"] for event in events_after(stage, seq) if event["event_type"] == "command.refused"]

    assert stage.wait_for(lambda: len(reasons()) >= count), reasons()
    return reasons()


@pytest.mark.rule(1)
def test_a_signed_release_opens_the_door_and_is_answered_by_the_terminals_own_key(stage: Stage) -> None:
    before, seq = len(stage.daemon.moved), stage.backlog.last_seq()
    sent, done = command(stage, "release", door="hall")
    assert (sent.reached, done.reached, done.said) == (Reached.SENT, Reached.DONE, "hall: unlocked")
    assert stage.daemon.wait_for(lambda: len(stage.daemon.moved) >= before + 2)
    assert stage.daemon.moved[before:] == [("hall", "released"), ("hall", "locked")]
    accepted, released, *_ = events_after(stage, seq)
    assert (accepted["event_type"], accepted["seq"], accepted["command"]) == ("command.accepted", done.seq, "release")
    assert accepted["signed_by"] == stage.site_key.keyid
    assert (released["event_type"], released["door"], released["by"]) == ("operator.released", "hall", "site:suzuki")


def test_what_cannot_be_done_is_answered_in_words(stage: Stage) -> None:
    _, refused = command(stage, "release", door="attic")
    assert (refused.reached, refused.said) == (Reached.REFUSED, "there is no door 'attic' here; there is: hall")
    _, refused = command(stage, "cue", cue="granted")
    assert refused.reached is Reached.REFUSED


def test_no_message_that_is_not_the_sites_fresh_and_for_this_terminal_opens_the_door(
    stage: Stage, attacker: Sender
) -> None:
    before, seq = len(stage.daemon.moved), stage.backlog.last_seq()
    attacks = {
        "expired": written(stage, age_s=60),
        "not_yet_issued": written(stage, age_s=-60, transaction="5b" * 16),
        "not_for_this_terminal": written(stage, site="elsewhere"),
        "badly_signed": written(stage).replace(b'"hall"', b'"gate"'),
        "malformed": written(stage, colour="red"),
        "key_not_allowed": written(stage, stage.collector_key),
        "too_large": b"x" * 60_000,
    }
    assert attacker.publish(*attacks.values()) == [SUCCESS] * len(attacks)
    assert refusals(stage, seq, len(attacks)) == [*attacks]
    assert len(stage.daemon.moved) == before


def test_neither_a_kept_nor_a_repeated_command_opens_the_door_also_not_after_a_restart(
    stage: Stage, attacker: Sender
) -> None:
    seq = stage.backlog.last_seq()
    once = written(stage, transaction="5c" * 16)
    attacker.publish(written(stage, terminal="another"), b'{"v":1,"door":"\xff"}')
    assert refusals(stage, seq, 2) == ["not_for_this_terminal", "badly_signed"]
    attacker.publish(once)
    assert stage.daemon.wait_for(lambda: stage.daemon.moved[-1] == ("hall", "released"))
    assert stage.daemon.wait_for(lambda: stage.daemon.moved[-1] == ("hall", "locked"))
    before = len(stage.daemon.moved)
    attacker.publish(once)
    attacker.publish(once, retain=True)
    assert refusals(stage, seq, 4)[2:] == ["replayed", "retained"]
    stage.daemon.kill()
    stage.daemon.start()
    assert refusals(stage, seq, 5)[4] == "retained"
    attacker.publish(b"", retain=True)  # the broker forgets it
    attacker.publish(once)
    assert refusals(stage, seq, 7)[5:] == ["retained", "replayed"]
    assert len(stage.daemon.moved) == before


@pytest.mark.rule(4)
def test_in_a_flood_taps_go_on_and_the_journal_does_not_fill(stage: Stage, attacker: Sender) -> None:
    seq = stage.backlog.last_seq()
    forged = written(stage).replace(b'"hall"', b'"gate"')
    for person in (stage.staff[0], stage.staff[2]):
        attacker.flood(forged, 5000)
        stage.tap(person.card)
    events = events_after(stage, seq)
    assert sum("decision" in event for event in events) == 2
    assert sum(event["event_type"] == "command.refused" for event in events) <= 11
    alert = TOPICS.alert("commands")
    assert stage.subscriber.wait_for(lambda: b"were not looked at" in stage.subscriber.retained.get(alert, b""))


def test_who_may_only_read_along_may_not_command(stage: Stage) -> None:
    seq = stage.backlog.last_seq()
    with Sender(stage.broker, "operations") as operations:
        assert operations.publish(written(stage, transaction="5d" * 16)) == [NOT_AUTHORISED]
    with Sender(stage.broker, "another-terminal") as other:
        assert other.publish(written(stage, transaction="5e" * 16)) == [NOT_AUTHORISED]
        assert other.publish(b"{}", topic=TOPICS.answer) == [NOT_AUTHORISED]
    assert events_after(stage, seq) == []


def test_the_collector_gets_events_again(stage: Stage, attacker: Sender) -> None:
    del attacker  # the daemon is fresh
    last = stage.backlog.last_seq()
    assert stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) >= last)
    before = stage.subscriber.duplicates
    body = written(stage, stage.collector_key, command="publish_again", transaction="6a" * 16)
    fields = {name: value for name, value in json.loads(body).items() if name not in {"door", "by", "keyid", "sig"}}
    with Sender(stage.broker, "collector") as collector:
        collector.publish(signed(fields | {"from": 2, "to": 4}, stage.collector_key).body)
    assert stage.subscriber.wait_for(lambda: stage.subscriber.duplicates >= before + 3)
    assert stage.subscriber.problems == []


def test_a_configuration_is_tried_before_the_terminal_starts_again_with_it(stage: Stage, attacker: Sender) -> None:
    del attacker  # the daemon is fresh
    good = stage.config_file.read_text()
    with ExitStack() as stack:
        stack.callback(stage.config_file.write_text, good)
        stage.config_file.write_text(good.replace("[terminal]", "[terminal]\ncolour = 1"))
        _, refused = command(stage, "reload")
        assert refused.reached is Reached.REFUSED
        assert "terminal.colour: unknown" in refused.said
    _, done = command(stage, "reload")
    assert done.reached is Reached.DONE
    assert stage.daemon.wait(30) == 0
    stage.daemon.terminate()
    (offline,) = command(stage, "restart")
    assert offline.reached is Reached.OFFLINE
    stage.daemon.start()


class Restarts:
    """Implements settings.Powers."""

    def __init__(self) -> None:
        self.asked = 0

    def reload(self) -> str:
        return ""

    def restart(self) -> None:
        self.asked += 1


def test_what_was_accepted_is_done_at_once_also_if_the_broker_is_gone_meanwhile(tmp_path: Path) -> None:
    with PrivateBroker(tmp_path) as broker:
        powers, site_key = Restarts(), Ed25519Signer(Ed25519PrivateKey.generate())
        commanding = Commanding([Ed25519Verifier(site_key.public)], site_key, powers)
        with Rig(broker.client(publishing.TERMINAL), commanding=commanding) as rig:
            writer = CommandWriter(publishing.SITE, site_key, "suzuki", lambda: datetime.now(UTC))
            command = writer.write(publishing.TERMINAL, "restart", {}).payload
            topic = Topics(publishing.SITE, publishing.TERMINAL).command
            with Sender(broker, "desk") as desk:
                assert rig.wait_for(lambda: desk.publish(command, topic=topic) == [SUCCESS])  # once somebody hears it
            arrived = rig.inbox.next()
            assert isinstance(arrived, CommandArrived)
            broker.kill()
            assert rig.wait_for(lambda: "broker" in rig.board.alerts())
            arrived.answer(Verdict(ok=True, said="", seq=1))
            assert rig.wait_for(lambda: powers.asked == 1)

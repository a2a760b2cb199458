"""The publisher against a real mosquitto with TLS, in the configuration that is shipped."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from fakes.clock import FakeClock
from fakes.publishing import SITE, TERMINAL, Rig
from kazasu.model.event import Draft
from kazasu.model.input import ReceiptArrived
from kazasu.model.signature import Ed25519Signer
from kazasu.publishers.wire import Topics
from kazasu.store.backlog import Backlog
from kazasu.store.cursor import SendCursor
from kazasu.store.journal import Journal
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.certificates import ThrowawayCa
from kazasu.virtual.subscriber import Chain, CheckingSubscriber, signed_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOPICS = Topics(SITE, TERMINAL)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    with PrivateBroker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def rig(broker: PrivateBroker) -> Iterator[Rig]:
    rig = Rig(broker.client(TERMINAL))
    yield rig
    rig.stop()


def subscriber(broker: PrivateBroker, rig: Rig, receipt_every: int = 1) -> CheckingSubscriber:
    return CheckingSubscriber(
        broker.client("collector"), SITE, rig.verifiers, signer=rig.collector, receipt_every=receipt_every
    )


def health(reader: CheckingSubscriber) -> dict[str, int | str]:
    fields: dict[str, int | str] = json.loads(reader.retained.get(TOPICS.health, b"{}"))
    return fields


@pytest.mark.rule(4)
def test_what_happened_without_a_broker_arrives_in_order_and_live_events_follow(
    broker: PrivateBroker, rig: Rig
) -> None:
    rig.grow(1500)
    with subscriber(broker, rig) as reader, rig:
        assert reader.wait_for(lambda: reader.seq(TERMINAL) == 1500)
        for count in range(1501, 1511):
            rig.grow(1)
            assert reader.wait_for(lambda count=count: reader.seq(TERMINAL) == count)  # type: ignore[misc]
        assert rig.wait_for(lambda: rig.cursor.seq == 1510)
        assert (reader.problems, reader.duplicates) == ([], 0)
    assert rig.fake_cursor.flushed_seq == 1510


def test_birth_health_and_farewell(broker: PrivateBroker, rig: Rig) -> None:
    rig.grow(3)
    with subscriber(broker, rig) as reader:
        with rig:
            assert reader.wait_for(lambda: health(reader).get("acked_seq") == 3)
            assert reader.wait_for(lambda: health(reader).get("collector") == "online")
            assert health(reader) | {"time": ""} == {
                "v": 1,
                "site": SITE,
                "terminal": TERMINAL,
                "time": "",
                "conn": 1,
                "epoch": rig.backlog.epoch,
                "last_seq": 3,
                "acked_seq": 3,
                "unsent": 0,
                "oldest_unacked_age_s": 0,
                "alerts": 0,
                "collector": "online",
                "receipt_seq": 3,
            }
            assert json.loads(reader.retained[TOPICS.info])["version"] == "1.2.3"
            rig.board.note(reader_entrance="present")
            assert reader.wait_for(lambda: health(reader).get("reader_entrance") == "present")
        assert reader.wait_for(lambda: len(reader.states) == 2)
        whose = {"v": 1, "site": SITE, "terminal": TERMINAL, "conn": 1}
        assert [json.loads(state) for state in reader.states] == [
            whose | {"state": "online"},
            whose | {"state": "offline", "cause": "stopped"},
        ]


def test_alerts_stand_are_cleared_and_do_not_outlive_a_crash(broker: PrivateBroker, rig: Rig) -> None:
    topic = TOPICS.alert("journal")
    rig.board.alert("journal", "the disk is full")
    with subscriber(broker, rig) as reader:
        with rig:
            assert reader.wait_for(lambda: topic in reader.retained)
            assert json.loads(reader.retained[topic])["message"] == "the disk is full"
        after = Rig(broker.client(TERMINAL))  # the process crashed: nobody remembers the alert
        with after:
            assert reader.wait_for(lambda: reader.retained[topic] == b"")
            after.board.alert("journal", "again")
            assert reader.wait_for(lambda: b"again" in reader.retained[topic])
            after.board.clear("journal")
            assert reader.wait_for(lambda: reader.retained[topic] == b"")


@pytest.mark.rule(5)
def test_without_a_subscriber_nothing_counts_as_delivered(broker: PrivateBroker, rig: Rig) -> None:
    rig.grow(50)
    with rig:
        assert rig.wait_for(lambda: "0x10 nobody subscribes" in rig.board.alerts().get("delivery", ""))
        assert rig.cursor.seq == 0
        with subscriber(broker, rig) as reader:  # its presence is reason enough to try at once
            assert reader.wait_for(lambda: reader.seq(TERMINAL) == 50)
            assert rig.wait_for(lambda: rig.cursor.seq == 50)
            assert rig.wait_for(lambda: rig.board.alerts() == {})
            assert reader.problems == []


@pytest.mark.rule(5)
def test_an_access_list_that_forbids_publishing_is_no_delivery(broker: PrivateBroker, rig: Rig) -> None:
    rig.settings = replace(rig.settings, broker=broker.client("somebody-else"))
    rig.grow(5)
    with subscriber(broker, rig) as reader, rig:
        assert rig.wait_for(lambda: "0x87 not authorised" in rig.board.alerts().get("delivery", ""))
        assert (rig.cursor.seq, reader.seq(TERMINAL)) == (0, 0)


@pytest.mark.rule(5)
@pytest.mark.rule(4)
def test_a_broker_killed_five_times_while_draining_leaves_no_gap(broker: PrivateBroker, rig: Rig) -> None:
    """SIGKILL may take events from mosquitto that it acknowledged (its save comes after its PUBACK).

    No publisher can see that; the collector's receipt does. Its request for the range is played here by a cursor that
    is set back to the receipt.
    """
    rig.grow(2500)
    with subscriber(broker, rig, receipt_every=100) as reader:
        with rig:
            for mark in (200, 600, 1000, 1400, 1800):
                assert rig.wait_for(lambda mark=mark: rig.cursor.seq >= mark)  # type: ignore[misc]
                broker.kill()
                rig.grow(20)  # taps go on
                broker.start()
            assert rig.wait_for(lambda: rig.cursor.seq == 2600)
        assert rig.fake_cursor.connections >= 6
        if not reader.wait_for(lambda: reader.seq(TERMINAL) == 2600, 5.0):
            assert all(problem.endswith("a gap") for problem in reader.problems)
            rig.fake_cursor.seq = reader.seq(TERMINAL)
            with rig:
                assert reader.wait_for(lambda: reader.seq(TERMINAL) == 2600)
        assert [event.seq for event in reader.events] == list(range(1, 2601))


def test_the_real_journal_and_cursor_carry_on_where_they_stopped(
    tmp_path: Path, broker: PrivateBroker, rig: Rig
) -> None:
    path = tmp_path / "journal" / "journal.db"
    clock = FakeClock()

    def punch(journal: Journal, count: int) -> None:
        for _ in range(count):
            journal.append(Draft(event_type="attendance.in", moment=clock.now(), fields={"reader": "entrance"}))

    def publish() -> None:
        backlog = Backlog(path)
        with (
            closing(backlog),
            closing(Journal(path, SITE, TERMINAL, rig.signer, max_events=1000, keep_s=0, collector=True)) as journal,
            closing(SendCursor(tmp_path / "cursor.db", backlog.epoch)) as cursor,
        ):
            rig.backlog, rig.cursor = backlog, cursor
            punch(journal, 30)
            with rig:
                punch(journal, 30)
                rig.publisher.wake()  # type: ignore[union-attr]
                assert rig.wait_for(lambda: cursor.seq == journal.seq)

    with closing(Journal(path, SITE, TERMINAL, rig.signer, max_events=1000, keep_s=0, collector=True)):
        pass  # it is there before the cursor asks for its epoch
    with subscriber(broker, rig) as reader:
        publish()
        publish()
        assert reader.wait_for(lambda: reader.seq(TERMINAL) == 120)
        assert (reader.problems, reader.duplicates) == ([], 0)
        births = [state["conn"] for state in map(json.loads, reader.states) if state["state"] == "online"]
        assert births == [1, 2]


def test_a_frozen_broker_is_given_up_and_found_again(broker: PrivateBroker, rig: Rig) -> None:
    rig.settings = replace(rig.settings, ack_timeout_s=1.0)
    with subscriber(broker, rig) as reader, rig:
        rig.grow(10)
        assert reader.wait_for(lambda: reader.seq(TERMINAL) == 10)
        assert rig.wait_for(lambda: rig.cursor.seq == 10)
        broker.freeze()
        try:
            rig.grow(10)
            assert rig.wait_for(lambda: "acknowledged nothing" in rig.board.alerts().get("broker", ""))
        finally:
            broker.thaw()
        assert reader.wait_for(lambda: reader.seq(TERMINAL) == 20)
        assert rig.wait_for(lambda: rig.cursor.seq == 20)
        assert rig.wait_for(lambda: rig.board.alerts() == {})
        assert reader.problems == []
        # The will of the connection that was given up came in between, and tells by its number that it is stale.
        conns = [(json.loads(state)["state"], json.loads(state)["conn"]) for state in reader.states]
        assert conns[-1][0] == "online"
        assert [conn for state, conn in conns if state == "offline"] == [
            conn for state, conn in conns if state == "online"
        ][:-1]


def test_a_will_carries_the_number_of_its_connection(broker: PrivateBroker, rig: Rig) -> None:
    with subscriber(broker, rig) as reader, rig:
        assert reader.wait_for(lambda: len(reader.states) == 1)
        rig.publisher._line.session.connection.close()  # type: ignore[union-attr]  # as if a cable was pulled
        rig.publisher.wake()  # type: ignore[union-attr]
        assert reader.wait_for(lambda: len(reader.states) == 3)
        assert [(s["state"], s["conn"], s.get("cause")) for s in map(json.loads, reader.states)] == [
            ("online", 1, None),
            ("offline", 1, "connection_lost"),
            ("online", 2, None),
        ]


def test_two_terminals_of_one_name_do_not_throw_each_other_out_as_fast_as_they_can(
    broker: PrivateBroker, rig: Rig
) -> None:
    twin = Rig(broker.client(TERMINAL))
    with rig, twin:
        assert rig.wait_for(lambda: rig.fake_cursor.connections + twin.fake_cursor.connections >= 5)
        backoffs = [one.publisher._line._backoff._delay_s for one in (rig, twin)]  # type: ignore[union-attr]
        assert max(backoffs) >= 4  # doubled: what breaks at once does not count as working


@pytest.mark.rule(5)
def test_receipts_that_hold_reach_the_terminal_and_others_are_noted(broker: PrivateBroker, rig: Rig) -> None:
    forger = Ed25519Signer(Ed25519PrivateKey.generate())
    rig.grow(4)
    with subscriber(broker, rig, receipt_every=1000) as reader, rig:
        assert reader.wait_for(lambda: reader.seq(TERMINAL) == 4)
        epoch, events = rig.backlog.epoch, rig.fake_backlog.events
        client = reader._client  # the tests' collector says what a collector must not

        def send(payload: bytes) -> None:
            client.publish(TOPICS.receipt, payload, qos=1, retain=True)

        two, three = (Chain(seq=seq, digest=events[seq - 1].digest) for seq in (2, 3))
        send(signed_receipt(forger, SITE, TERMINAL, epoch, three))
        send(signed_receipt(rig.collector, SITE, "entrance-2", epoch, three))
        send(b"\xff not a receipt")
        send(signed_receipt(rig.collector, SITE, TERMINAL, "f" * 16, three))  # another epoch's: true, and of no use
        send(signed_receipt(rig.collector, SITE, TERMINAL, epoch, two))
        send(signed_receipt(rig.collector, SITE, TERMINAL, epoch, two))
        send(signed_receipt(rig.collector, SITE, TERMINAL, epoch, three))
        first, second = rig.inbox.next(), rig.inbox.next()
        assert isinstance(first, ReceiptArrived)
        assert isinstance(second, ReceiptArrived)
        assert [(r.receipt.seq, r.receipt.digest) for r in (first, second)] == [
            (2, events[1].digest),
            (3, events[2].digest),
        ]
        assert rig.inbox.drained() == []
        assert rig.board.fields()["receipts_refused"] == 3
        assert rig.board.fields()["receipt_seq"] == 3


@pytest.mark.rule(5)
def test_a_retained_receipt_below_the_cursor_sends_nothing_again(broker: PrivateBroker, rig: Rig) -> None:
    rig.grow(10)
    with subscriber(broker, rig, receipt_every=4) as reader:
        with rig:
            assert rig.wait_for(lambda: rig.cursor.seq == 10)
        with rig:
            assert rig.wait_for(lambda: rig.board.fields().get("receipt_seq") == 8)
            rig.grow(1)
            assert reader.wait_for(lambda: reader.seq(TERMINAL) == 11)
        assert reader.duplicates == 0


@pytest.mark.parametrize("case", ["other CA", "other host name", "expired client", "foreign client", "missing file"])
def test_tls_that_does_not_hold_is_refused_and_said(tmp_path: Path, broker: PrivateBroker, rig: Rig, case: str) -> None:
    good = broker.client(TERMINAL)
    other = tmp_path / "other"
    other.mkdir()
    foreign_ca = ThrowawayCa(other)
    foreign = foreign_ca.client(TERMINAL)
    if case == "expired client":
        foreign = _in(other, broker.ca).client(TERMINAL, dt.timedelta(seconds=-60))
    changes: dict[str, tuple[dict[str, object], str]] = {
        "other CA": ({"ca_file": foreign_ca.ca_file}, "certificate verify failed"),
        "other host name": ({"host": "127.0.0.2"}, "IP address mismatch"),
        "expired client": (
            {"certificate_file": foreign.certificate_file, "key_file": foreign.key_file},
            "alert certificate expired",
        ),
        "foreign client": (
            {"certificate_file": foreign.certificate_file, "key_file": foreign.key_file},
            "alert unknown ca",
        ),
        "missing file": ({"key_file": tmp_path / "gone.key"}, "gone.key"),
    }
    change, words = changes[case]
    if case == "other host name":
        broker.stop()
        broker.configure(f"listener {broker.port}")
        broker.start()
    rig.settings = replace(rig.settings, broker=replace(good, **change))
    with subscriber(broker, rig) as reader, rig:
        assert rig.wait_for(lambda: words in rig.board.alerts().get("broker", "").replace("tlsv1 ", ""))
        assert reader.states == []


def test_no_broker_at_all_stops_nothing(tmp_path: Path) -> None:
    broker = PrivateBroker(tmp_path)  # not started
    rig = Rig(broker.client(TERMINAL))
    with rig:
        rig.grow(1)
        assert rig.wait_for(lambda: "refused" in rig.board.alerts().get("broker", ""))
    assert rig.fake_cursor.connections == 1  # a try that reached nobody writes nothing to the SD card


@pytest.mark.rule(4)
def test_waking_takes_no_lock_and_no_time_whatever_the_broker_does(broker: PrivateBroker, rig: Rig) -> None:
    with rig:
        broker.freeze()
        try:
            for _ in range(10_000):
                rig.publisher.wake()  # type: ignore[union-attr]
        finally:
            broker.thaw()


def test_the_private_broker_leaves_no_process(tmp_path: Path) -> None:
    broker = PrivateBroker(tmp_path)
    with broker:
        pid = broker.pid
        broker.freeze()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert broker.pid == 0


def test_publishing_adds_one_thread_at_most_and_only_to_connect(broker: PrivateBroker, rig: Rig) -> None:
    rig.grow(1)
    before = threading.active_count()
    with rig:
        assert rig.wait_for(lambda: "delivery" in rig.board.alerts())  # connected and answered
        assert threading.active_count() == before + 1  # the rig's own


def _in(directory: Path, ca: ThrowawayCa) -> ThrowawayCa:
    ca._directory = directory  # issue into another directory, beside the certificate that is good
    return ca

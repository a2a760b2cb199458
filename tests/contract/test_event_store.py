"""Both stores keep events alike: each once, in any order, whoever brings it, and durable."""

from __future__ import annotations

import itertools
import random
import shutil
import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from msgspec.structs import replace

from fakes.told import Teller
from kazasu.collector.records import Finding, KeptReceipt, Kind, Reason, Refused
from kazasu.collector.store.postgresql import PostgresqlStore
from kazasu.collector.store.sqlite import SCHEMA, SqliteStore
from kazasu.errors import StoreError, StoreUnavailable
from kazasu.virtual.postgresql import PrivatePostgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kazasu.collector.ports import EventStore
    from kazasu.collector.records import Chain, Checked

NOW_S = 1_800_000_000
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgresql]:
    with PrivatePostgresql("fsync=off") as server:
        yield server


def database(server: PrivatePostgresql) -> str:
    """Empty, and how it is reached: a schema of its own, which takes no time to make."""
    name = f"s{next(_NUMBERS)}"
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{server.conninfo} options=-csearch_path={name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., EventStore]]:
    """Opens the same store, as often as it is called; with what both stores can be given."""
    conninfo = database(request.getfixturevalue("server")) if request.param == "postgresql" else ""
    with ExitStack() as stack:

        def open_one(**given: Any) -> EventStore:
            store: EventStore = (
                PostgresqlStore(conninfo, **given) if conninfo else SqliteStore(tmp_path / "events.db", **given)
            )
            stack.callback(store.close)
            return store

        yield open_one


@pytest.fixture
def store(opened: Callable[[], EventStore]) -> EventStore:
    return opened()


@pytest.fixture
def front() -> Teller:
    return Teller()


def only_chain(store: EventStore) -> Chain:
    [chain] = store.chains()
    return chain


def seqs(store: EventStore, chain: Chain) -> list[int]:
    return [event.seq for event in store.events(chain.terminal, chain.epoch, 1, 10**9)]


def alerts(store: EventStore) -> dict[str, str]:
    return {alert.kind.value: alert.detail for alert in store.alerts()}


def test_events_are_there_once_they_were_kept(opened: Callable[[], EventStore], front: Teller) -> None:
    front.tell(3)
    kept = opened().keep(front.checked(front.told), [], NOW_S)
    assert (kept.stored, kept.duplicates, kept.refused) == (3, 0, 0)

    other = opened()
    chain = only_chain(other)
    assert (chain.seq, chain.top, chain.digest, chain.number) == (3, 3, front.told[-1].digest, 1)
    assert [event.body for event in other.events("front", chain.epoch, 2, 3)] == [e.body for e in front.told[1:]]
    assert kept.chains == (chain,)
    assert other.alerts() == []


@pytest.mark.rule(5)
def test_what_comes_again_is_kept_once(store: EventStore, front: Teller) -> None:
    checked = front.checked(front.tell(5))
    store.keep(checked[:3], [], NOW_S)
    kept = store.keep([*checked, checked[4]], [], NOW_S)
    assert (kept.stored, kept.duplicates) == (2, 4)
    assert seqs(store, only_chain(store)) == [1, 2, 3, 4, 5]


@pytest.mark.rule(5)
def test_the_order_of_arrival_does_not_matter(store: EventStore) -> None:
    tellers = [Teller(name) for name in ("front", "back", "side")]
    everything = [event for teller in tellers for event in teller.checked(teller.tell(40))]
    random.Random(7).shuffle(everything)  # noqa: S311  (the same order each time)
    while everything:
        store.keep(everything[:7], [], NOW_S)
        del everything[:7]
    assert [(chain.terminal, chain.seq, chain.top) for chain in store.chains()] == [
        ("back", 40, 40),
        ("front", 40, 40),
        ("side", 40, 40),
    ]
    assert store.alerts() == []


def test_more_than_one_step_of_events_waits_behind_a_gap(store: EventStore, front: Teller) -> None:
    checked = front.checked(front.tell(1203))
    store.keep(checked[1:], [], NOW_S)
    assert only_chain(store).seq == 0
    assert store.missing(only_chain(store)) == (1, 1)
    store.keep(checked[:1], [], NOW_S)
    assert only_chain(store).seq == 1203


def test_a_gap_is_the_first_range_that_is_missing(store: EventStore, front: Teller) -> None:
    checked = front.checked(front.tell(9))
    store.keep([checked[0], checked[3], checked[8]], [], NOW_S)
    assert store.missing(only_chain(store)) == (2, 3)
    store.keep(checked[1:3], [], NOW_S)
    assert store.missing(only_chain(store)) == (5, 8)
    store.keep(checked, [], NOW_S)
    assert store.missing(only_chain(store)) == (0, 0)


def test_one_asks_again_and_pauses_longer_each_time(opened: Callable[[], EventStore], front: Teller) -> None:
    store, other = opened(), opened()
    checked = front.checked(front.tell(9))
    store.keep(checked[4:], [], NOW_S)
    chain = only_chain(store)
    assert store.claim_repair(chain, NOW_S, 10)
    assert not other.claim_repair(chain, NOW_S, 10)
    assert not other.claim_repair(chain, NOW_S + 9, 10)
    assert other.claim_repair(chain, NOW_S + 10, 10)
    assert not store.claim_repair(chain, NOW_S + 29, 10)
    assert store.claim_repair(chain, NOW_S + 30, 10)
    store.keep(checked[:2], [], NOW_S)
    assert not store.claim_repair(chain, NOW_S + 4000, 10)  # it has moved meanwhile: look again
    assert store.claim_repair(only_chain(store), NOW_S + 31, 10)


def test_another_event_of_the_same_number_is_evidence_and_no_event(store: EventStore, front: Teller) -> None:
    before = front.checked(front.tell(5))
    store.keep(before, [], NOW_S)
    front.forget(2)
    kept = store.keep(front.checked(front.tell(2, by="somebody")), [], NOW_S)
    assert (kept.stored, kept.refused) == (0, 2)
    assert only_chain(store).digest == before[-1].digest
    assert "event 5 of epoch" in alerts(store)["fork"]
    again = store.keep(front.checked(front.told[3:]), [], NOW_S)
    assert again.refused == 0  # it is in quarantine already


def test_both_events_of_one_number_in_one_batch(store: EventStore, front: Teller) -> None:
    first = front.checked(front.tell(1))
    front.forget(1)
    kept = store.keep([*first, *front.checked(front.tell(1, by="somebody")), *first], [], NOW_S)
    assert (kept.stored, kept.duplicates, kept.refused) == (1, 1, 1)
    assert list(alerts(store)) == ["fork"]


def test_an_event_that_does_not_follow_is_taken_out(store: EventStore, front: Teller) -> None:
    store.keep(front.checked(front.tell(3)), [], NOW_S)
    front.forget(1)
    front.tell(1, by="somebody")
    rewritten = front.checked(front.tell(1))
    kept = store.keep(rewritten, [], NOW_S)
    assert (kept.stored, kept.refused) == (0, 1)
    assert seqs(store, only_chain(store)) == [1, 2, 3]
    assert "event 4 of epoch" in alerts(store)["rewritten"]


def test_a_filled_gap_shows_that_what_lay_behind_it_was_rewritten(store: EventStore, front: Teller) -> None:
    checked = front.checked(front.tell(3))
    front.forget(1)
    front.tell(1, by="somebody")
    behind = front.checked(front.tell(1))
    store.keep([*checked[:2], *behind], [], NOW_S)
    assert alerts(store) == {}
    store.keep(checked[2:], [], NOW_S)
    assert list(alerts(store)) == ["rewritten"]
    assert seqs(store, only_chain(store)) == [1, 2, 3]


def test_a_clock_that_jumps_unsaid_is_found(store: EventStore, front: Teller) -> None:
    store.keep(front.checked(front.tell(2)), [], NOW_S)
    front.clock.step(-3600)
    store.keep(front.checked(front.tell(1)), [], NOW_S)
    assert "set by -3600000 ms" in alerts(store)["clock"]


@pytest.mark.parametrize("what", ["said", "rebooted", "reordered"])
def test_a_clock_that_says_so_or_starts_anew_is_in_order(store: EventStore, front: Teller, what: str) -> None:
    front.tell(2)
    if what == "said":
        front.clock.step(-3600)
        front.tell(1, "clock.changed", step_ms=-3600000)
    elif what == "rebooted":
        front.clock.reboot(off_s=3600)
    front.tell(2)
    checked = front.checked(front.told)
    store.keep(checked[::-1] if what == "reordered" else checked, [], NOW_S)
    assert alerts(store) == {}


def test_a_journal_begun_anew_is_told(store: EventStore, front: Teller) -> None:
    store.keep(front.checked(front.tell(2)), [], NOW_S)
    anew = Teller(epoch="f" * 16, signer=front.signer)
    anew.clock.advance(60)
    kept = store.keep(anew.checked(anew.tell(1)), [], NOW_S)
    assert [(chain.number, chain.epoch, chain.seq) for chain in kept.chains] == [(2, "f" * 16, 1)]
    assert list(alerts(store)) == ["epoch"]
    assert store.keep(front.checked(front.told), [], NOW_S).chains == ()  # it has ended: nothing to vouch for


def test_two_journals_that_go_on_at_the_same_time_are_two_devices(store: EventStore, front: Teller) -> None:
    anew = Teller(epoch="f" * 16, signer=front.signer)
    store.keep(front.checked(front.tell(2)), [], NOW_S)
    store.keep(anew.checked(anew.tell(1)), [], NOW_S)
    front.clock.advance(60)
    store.keep(front.checked(front.tell(1)), [], NOW_S)
    assert "two_devices" in alerts(store)


def refusal(number: int, *, signed: bool = False) -> Refused:
    return Refused(
        terminal="front", reason=Reason.NO_EVENT, detail="nonsense\0", signed=signed, body=b"\xff\0 %d" % number
    )


def test_what_is_no_event_is_kept_once_with_its_reason(store: EventStore) -> None:
    assert store.keep([], [refusal(1), refusal(2)], NOW_S).refused == 2
    assert store.keep([], [refusal(1)], NOW_S).refused == 0
    [alert] = store.alerts()
    assert (alert.kind, alert.count) == (Kind.REFUSED, 2)
    assert alert.detail == "no_event: nonsense\\0"


def test_nonsense_is_kept_up_to_a_limit_and_evidence_without_one(opened: Callable[..., EventStore]) -> None:
    store = opened(most_unsigned=3)
    assert store.keep([], [refusal(number) for number in range(5)], NOW_S).refused == 3
    assert "not kept" in alerts(store)["refused"]
    assert store.keep([], [refusal(number, signed=True) for number in range(10, 15)], NOW_S).refused == 5


def test_alerts_stand_until_they_are_settled_and_rise_again(store: EventStore) -> None:
    gap = Finding(terminal="front", kind=Kind.GAP, epoch="e", detail="events 2 to 3 are missing")
    store.find([gap], NOW_S)
    store.find([gap], NOW_S + 1)
    [alert] = store.alerts()
    assert (alert.count, alert.raised) == (2, "2027-01-15T08:00:01+00:00")
    assert store.settle("front", "gap", "filled", NOW_S) == 1
    assert store.settle("front", "gap", "filled", NOW_S) == 0
    assert store.alerts() == []
    store.find([gap], NOW_S + 2)
    assert store.alerts()[0].count == 1


def test_the_nearest_receipt_is_found_again(store: EventStore, front: Teller) -> None:
    store.keep(front.checked(front.tell(1)), [], NOW_S)

    def receipt(seq: int) -> KeptReceipt:
        return KeptReceipt(terminal="front", epoch=front.epoch, seq=seq, body=b"%d" % seq)

    said = store.keep_receipts([receipt(seq) for seq in (20, 90, 150, 120, 320)])
    assert said[-1] == receipt(320)
    assert store.keep_receipts([receipt(210), receipt(320)]) == [receipt(320)]  # another collector was faster
    found = [store.receipt_from("front", front.epoch, seq) for seq in (1, 90, 91, 151, 211, 321)]
    assert found == [receipt(90), receipt(90), receipt(150), receipt(210), receipt(320), None]
    assert store.newest_receipts() == [receipt(320)]


def test_a_revoked_key_counts_as_far_as_its_events_were_kept(store: EventStore, front: Teller) -> None:
    store.keep(front.checked(front.tell(3)), [], NOW_S)
    store.revoke("front", front.signer.keyid)
    store.keep(front.checked(front.tell(1)), [], NOW_S)
    store.revoke("front", front.signer.keyid)
    boundaries = store.revocations()["front", front.signer.keyid]
    assert boundaries[front.epoch] == 3


def test_a_gap_that_nothing_fills_is_given_up_by_a_person(store: EventStore, front: Teller) -> None:
    checked = front.checked(front.tell(9))
    store.keep(checked[4:], [], NOW_S)
    assert store.accept_gap(only_chain(store), NOW_S, "suzuki") == (1, 4)
    assert only_chain(store).seq == 9
    with pytest.raises(StoreError, match="no gap"):
        store.accept_gap(only_chain(store), NOW_S, "suzuki")
    assert [event.linked for event in store.events("front", front.epoch, 1, 9)] == [True] * 5


def test_punches_come_by_day_and_person(store: EventStore, front: Teller) -> None:
    back = Teller("back")
    for teller, person, day in (
        (front, "2", "2026-04-01"),
        (back, "1", "2026-04-02"),
        (front, "1", "2026-04-01"),
        (back, "1", "2026-04-03"),
    ):
        store.keep(teller.checked(teller.tell(1, cardholder=person, day=day)), [], NOW_S)
    found = [(event.terminal, event.seq) for event in store.punches("2026-04-01", "2026-04-02")]
    assert found == [("front", 2), ("front", 1), ("back", 1)]


def test_a_change_of_the_clock_is_found_while_punches_are_being_read(store: EventStore, front: Teller) -> None:
    front.tell(1, day="2026-04-01")
    front.tell(1, "clock.changed", step_ms=0)
    front.tell(1, day="2026-04-01")
    store.keep(front.checked(front.told), [], NOW_S)
    found = [(event.seq, store.clock_after("front", event.epoch, event.seq)) for event in store.punches("2026", "2027")]
    assert [(seq, None if after is None else after.seq) for seq, after in found] == [(1, 2), (3, None)]


@pytest.mark.rule(5)
def test_two_at_once_double_nothing_and_lose_nothing(opened: Callable[[], EventStore]) -> None:
    tellers = [Teller(name) for name in ("front", "back")]
    everything = [event for teller in tellers for event in teller.checked(teller.tell(120))]
    failed: list[BaseException] = []

    def keep(store: EventStore, events: list[Checked]) -> None:
        while events:
            try:
                store.keep(events[:5], [], NOW_S)
            except StoreUnavailable:
                continue  # SQLite: the other one writes
            except BaseException as error:  # noqa: BLE001  (told below)
                failed.append(error)
                return
            del events[:5]

    # Every event comes to both, half of them in the other order.
    parts = [everything[::2] + everything[1::2], everything[1::2] + everything[::2]]
    threads = [threading.Thread(target=keep, args=(opened(), part)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with closing(opened()) as store:
        assert [(chain.terminal, chain.seq, seqs(store, chain)) for chain in store.chains()] == [
            (name, 120, list(range(1, 121))) for name in ("back", "front")
        ]


def test_an_older_store_is_brought_up_to_date_with_everything_in_it(
    opened: Callable[..., EventStore], front: Teller, tmp_path: Path
) -> None:
    opened().keep(front.checked(front.tell(2)), [], NOW_S)
    steps = tmp_path / "schema"
    shutil.copytree(SCHEMA.folder, steps)
    (steps / "archive_0002.sql").write_text("ALTER TABLE chain ADD COLUMN site INTEGER NOT NULL DEFAULT 7;\n")
    for _ in range(2):
        store = opened(schema=replace(SCHEMA, version=2, folder=steps))
        assert only_chain(store).seq == 2
        assert isinstance(store, SqliteStore | PostgresqlStore)
        assert store.rows("SELECT site FROM chain") == [(7,)]


def test_a_newer_kazasus_store_is_refused_and_left_alone(opened: Callable[..., EventStore], front: Teller) -> None:
    opened().keep(front.checked(front.tell(1)), [], NOW_S)
    with pytest.raises(StoreError, match="newer Kazasu"):
        opened(schema=replace(SCHEMA, version=0)).chains()


def test_a_server_that_comes_back_is_used_again(front: Teller) -> None:
    with PrivatePostgresql("fsync=off") as server, closing(PostgresqlStore(server.conninfo)) as store:
        checked = front.checked(front.tell(4))
        store.keep(checked[:2], [], NOW_S)
        server.stop()
        with pytest.raises(StoreUnavailable):
            store.keep(checked[2:], [], NOW_S)
        server.start()
        assert store.keep(checked[2:], [], NOW_S).stored == 2
        assert only_chain(store).seq == 4


def test_a_disk_that_takes_nothing_is_said_and_what_comes_back_is_used(tmp_path: Path, front: Teller) -> None:
    store = SqliteStore(tmp_path / "missing" / "events.db")
    (tmp_path / "missing").write_text("no folder")
    checked = front.checked(front.tell(1))
    with pytest.raises(StoreUnavailable, match="cannot be used now"):
        store.keep(checked, [], NOW_S)
    (tmp_path / "missing").unlink()
    assert store.keep(checked, [], NOW_S).stored == 1


def test_some_other_file_is_no_store(tmp_path: Path) -> None:
    file = tmp_path / "events.db"
    file.write_text("this is a letter" * 100)
    with pytest.raises(StoreError, match="damaged, or no store"):
        SqliteStore(file).chains()
    assert file.read_text().startswith("this is a letter")

"""What a collector does with what arrives, apart from the connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fakes.collector_bench import ALERT, BASE, COMMAND, PAUSE_S, RECEIPT, Bench
from fakes.told import Teller
from kazasu.collector.collecting import LOOK_S
from kazasu.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def front() -> Teller:
    return Teller()


@pytest.fixture
def bench(tmp_path: Path, front: Teller) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.register(front)
    bench.connect()
    yield bench
    bench.store.close()


@pytest.mark.rule(5)
def test_nothing_is_acknowledged_before_the_store_has_it(bench: Bench, front: Teller) -> None:
    bench.tell(front, 3)
    bench.store.away = True
    assert bench.work() == []
    assert bench.collecting.trouble == "the disk is away"
    bench.tell(front, 1)
    assert bench.work(0.5) == []  # it waits before it tries again
    bench.store.away = False
    assert bench.work(0.5) == [1, 2, 3, 4]
    assert bench.collecting.trouble == ""


def test_receipts_come_at_once_and_then_once_a_second(bench: Bench, front: Teller) -> None:
    bench.tell(front)
    bench.work()
    assert (bench.said(RECEIPT) or {})["seq"] == 1
    for _ in range(4):
        bench.tell(front)
        bench.work(0.2)
        assert bench.said(RECEIPT) is None
    assert bench.collecting.wait_s(bench.clock.mono_s()) == pytest.approx(0.2)
    bench.work(0.2)
    assert (bench.said(RECEIPT) or {})["seq"] == 5


def test_a_receipt_that_the_store_did_not_take_is_owed_still(bench: Bench, front: Teller) -> None:
    bench.tell(front, 2)
    bench.work()
    bench.tell(front)
    bench.work(0.5)
    bench.store.away = True
    bench.work(0.6)
    assert bench.said(RECEIPT) is None
    bench.store.away = False
    bench.work(5)
    assert (bench.said(RECEIPT) or {})["seq"] == 3


def test_a_new_connection_says_every_receipt_again(bench: Bench, front: Teller) -> None:
    bench.tell(front, 2)
    bench.work()
    bench.connect()
    bench.work()
    assert (bench.said(RECEIPT) or {})["seq"] == 2
    assert bench.said(f"{BASE}/down/all/collector") == {"v": 1, "state": "online"}


def test_another_collectors_will_is_contradicted(bench: Bench) -> None:
    bench.work()
    assert bench.arrive(f"{BASE}/down/all/collector", b'{"state":"offline"}')
    bench.work()
    assert bench.said(f"{BASE}/down/all/collector") == {"v": 1, "state": "online"}
    bench.arrive(f"{BASE}/down/all/collector", b'{"state":"online"}')
    bench.work()
    assert bench.said(f"{BASE}/down/all/collector") is None


def test_what_promises_nothing_does_not_fill_the_memory_while_the_store_is_away(bench: Bench, front: Teller) -> None:
    bench.tell(front)
    bench.store.away = True
    for _ in range(1500):
        bench.arrive(front.topic, b"flood", mid=0)
    assert bench.work() == []
    bench.store.away = False
    assert len(bench.work(2)) == 1000


def test_a_gap_is_asked_for_after_a_pause_and_the_alert_ends_with_it(bench: Bench, front: Teller) -> None:
    front.tell(3)
    bench.arrive(front.topic, front.told[2].body)
    bench.work()
    bench.work(LOOK_S)
    assert bench.said(COMMAND) is None
    bench.work(PAUSE_S)
    asked = bench.said(COMMAND) or {}
    assert (asked["command"], asked["from"], asked["to"], asked["expires_s"]) == ("publish_again", 1, 2, 10)
    assert "1 to 2" in (bench.said(f"{ALERT}/front/gap") or {})["message"]
    bench.work(LOOK_S)
    assert bench.said(COMMAND) is None
    for event in front.told[:2]:
        bench.arrive(front.topic, event.body)
    bench.work()
    bench.work(LOOK_S)
    assert bench.said(f"{ALERT}/front/gap") == {}


def test_a_missing_end_shows_in_the_terminals_health(bench: Bench, front: Teller) -> None:
    bench.tell(front, 2)
    bench.work()
    health = {"epoch": front.epoch, "acked_seq": 5}
    assert bench.arrive(f"{BASE}/up/front/health", json.dumps(health).encode())
    for nonsense in (b"\xff", b'{"epoch":"x","acked_seq":9}', b'{"epoch":"%b","acked_seq":%d}' % (b"0" * 16, 2**60)):
        assert bench.arrive(f"{BASE}/up/front/health", nonsense)
    bench.work(PAUSE_S + 1)
    asked = bench.said(COMMAND) or {}
    assert (asked["from"], asked["to"]) == (3, 5)


@pytest.mark.parametrize("topic", ["", "x", "front/health", "kazasu/v1/elsewhere/up/front/health"])
def test_what_comes_on_a_topic_that_nobody_asked_for_is_let_fall(bench: Bench, front: Teller, topic: str) -> None:
    assert bench.arrive(topic, json.dumps({"epoch": front.epoch, "acked_seq": 2}).encode())
    bench.work(LOOK_S)
    bench.work(2 * PAUSE_S)
    bench.work(2 * PAUSE_S)
    assert bench.said(COMMAND) is None


def test_alerts_that_somebody_makes_up_are_cleared_and_do_not_pile_up(tmp_path: Path, front: Teller) -> None:
    bench = Bench(tmp_path, most=2)
    bench.connect()
    for number in range(5):
        assert bench.arrive(f"{ALERT}/made-up-{number}/gap", b"x" * 70_000)
    assert [len(payload) for payload in bench.collecting._alerts._at_broker.values()] == [4096, 4096]
    bench.work(LOOK_S)
    assert bench.said(f"{ALERT}/made-up-1/gap") == {}
    assert bench.said(f"{ALERT}/made-up-2/gap") is None
    bench.store.close()


def test_a_chain_of_which_nothing_came_is_asked_for_more_and_more_seldom(bench: Bench, front: Teller) -> None:
    health = json.dumps({"epoch": front.epoch, "acked_seq": 2}).encode()
    for name in ("front", "stranger"):
        bench.arrive(f"{BASE}/up/{name}/health", health)
    bench.work(LOOK_S)
    for half_s in (PAUSE_S // 2, PAUSE_S, 2 * PAUSE_S):
        bench.work(half_s)
        assert bench.said(COMMAND) is None  # it may be on its way
        bench.work(half_s)
        asked = bench.said(COMMAND) or {}
        assert (asked["epoch"], asked["from"], asked["to"]) == (front.epoch, 1, 2)
        assert bench.said(f"{BASE}/down/stranger/command") is None
    bench.tell(front, 2)
    bench.work(8 * PAUSE_S)
    assert bench.said(COMMAND) is None
    assert (bench.said(RECEIPT) or {})["seq"] == 2


def test_what_the_broker_has_from_before_is_cleared_if_it_does_not_stand(bench: Bench, front: Teller) -> None:
    bench.arrive(f"{ALERT}/front/fork", b'{"alert":"fork"}')
    bench.arrive(f"{BASE}/collector/one/alert/store", b'{"alert":"store"}')
    bench.work()
    assert bench.said(f"{ALERT}/front/fork") is None  # nobody has looked yet
    bench.work(LOOK_S)
    assert bench.said(f"{ALERT}/front/fork") == {}
    assert bench.said(f"{BASE}/collector/one/alert/store") == {}


def test_while_the_store_is_away_its_alerts_stay_and_its_own_rises(bench: Bench, front: Teller) -> None:
    bench.arrive(f"{ALERT}/front/fork", b'{"alert":"fork"}')
    bench.store.away = True
    bench.work(LOOK_S)
    assert bench.said(f"{ALERT}/front/fork") is None
    assert (bench.said(f"{BASE}/collector/one/alert/store") or {})["message"] == "the disk is away"


def test_a_terminal_that_is_added_is_known_within_a_look(bench: Bench) -> None:
    back = Teller("back")
    bench.tell(back)
    bench.work()
    bench.register(back)
    bench.work(LOOK_S)
    assert (bench.said(f"{ALERT}/back/refused") or {})["message"].startswith("unknown_terminal")
    bench.arrive(back.topic, back.told[0].body)
    bench.work()
    assert (bench.said(f"{BASE}/down/back/receipt") or {})["seq"] == 1


def test_a_directory_that_cannot_be_read_is_told_and_what_was_known_counts(bench: Bench, front: Teller) -> None:
    (bench.terminals / "back.toml").write_text("state = ")
    bench.work(LOOK_S)
    assert "not TOML" in (bench.said(f"{BASE}/collector/one/alert/terminals") or {})["message"]
    bench.tell(front)
    bench.work()
    assert (bench.said(RECEIPT) or {})["seq"] == 1
    (bench.terminals / "back.toml").unlink()
    bench.work(LOOK_S)
    assert bench.said(f"{BASE}/collector/one/alert/terminals") == {}


def test_a_key_that_two_terminals_have_is_told_until_they_have_not(bench: Bench, front: Teller) -> None:
    bench.register(front, name="back")
    bench.work(LOOK_S)
    for terminal in ("front", "back"):
        words = (bench.said(f"{ALERT}/{terminal}/shared_key") or {})["message"]
        assert front.signer.keyid in words
    bench.register(Teller("back"))
    bench.work(LOOK_S)
    for terminal in ("front", "back"):
        assert bench.said(f"{ALERT}/{terminal}/shared_key") == {}


def test_a_revoked_keys_later_events_are_evidence_only(bench: Bench, front: Teller) -> None:
    bench.tell(front, 2)
    bench.work()
    pem = (bench.terminals / "front.pub.pem").read_text()
    (bench.terminals / "front.pub.pem").unlink()
    record = f'id = "front"\nstate = "revoked"\n[[event_keys]]\nkeyid = "{front.signer.keyid}"\n'
    since = "since = 2026-04-01T00:00:00+09:00\n"
    (bench.terminals / "front.toml").write_text(f'{record}{since}pem = """\n{pem}"""\n')
    bench.work(LOOK_S)
    bench.tell(front)
    bench.arrive(front.topic, front.told[1].body)
    bench.work(LOOK_S)
    assert (bench.said(f"{ALERT}/front/refused") or {})["message"].startswith("revoked_key")
    [chain] = bench.store.chains()
    assert chain.top == 2


def test_without_a_store_nobody_connects_because_nobody_knows_what_is_revoked(bench: Bench) -> None:
    bench.store.away = True
    anew = bench.begun()
    with pytest.raises(StoreUnavailable):
        anew.read_directory()
    bench.store.away = False
    anew.read_directory()


def test_health_says_what_was_done(bench: Bench, front: Teller) -> None:
    bench.tell(front, 2)
    bench.arrive(front.topic, front.told[0].body)
    bench.arrive(front.topic, b"nonsense")
    bench.work()
    bench.work(60)
    health = bench.said(f"{BASE}/collector/one/health") or {}
    assert [health[name] for name in ("stored", "duplicates", "refused", "terminals")] == [2, 1, 1, 1]

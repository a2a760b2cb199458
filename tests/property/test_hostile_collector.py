"""Whatever comes to a collector: events, and what terminals and other collectors say beside them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given

from fakes.collector_bench import ALERT, BASE, Bench
from fakes.hostile import Message, all_three, batches, enough, hostile, messages, these, told, topics
from fakes.told import Teller
from kazasu.collector.intake import MAX_KEPT_BYTES
from kazasu.model.signature import Ed25519Signer

pytestmark = [hostile, pytest.mark.rule(5)]

_KEY, _SIDE_KEY = (Ed25519Signer(Ed25519PrivateKey.from_private_bytes(letter * 32)) for letter in (b"t", b"u"))
_HEALTH = {"v": 1, "epoch": "0123456789abcdef", "acked_seq": 3, "last_seq": 3}


def _tellers() -> tuple[Teller, Teller]:
    front, side = Teller(signer=_KEY), Teller("side", signer=_SIDE_KEY)
    front.tell(3, cardholder="1001", day="2026-04-01")
    side.tell(1)
    return front, side


_FEW, _MANY = 2, 20
"""So many strangers, and alerts at the broker, at the most, instead of many: bounds that a batch reaches."""

_FRONT, _SIDE = _tellers()
_THIRD = Teller("third")
_THIRD.tell(3)
_EVENTS = [event.body for event in (*_FRONT.told, *_SIDE.told)]
_ALERTS = [b'{"v":1,"alert":"gap","terminal":"front","message":"events 1 to 2 are missing","count":1}']
_UNSIGNED = [json.dumps(_HEALTH).encode(), b'{"v":1,"state":"offline"}', *_ALERTS]
_TOPICS = topics(
    *(_FRONT.topic, _FRONT.topic, _SIDE.topic, f"{BASE}/up/front/health", f"{BASE}/down/all/collector"),
    *(f"{ALERT}/front/gap", f"{ALERT}/nobody/refused", f"{BASE}/collector/one/alert/terminals"),
)


@enough
@given(batches(all_three(messages([*_EVENTS, *_UNSIGNED], [_KEY, _SIDE_KEY]), _TOPICS, these(0, 1, 2))))
def test_the_collector(sent: list[tuple[Message, str, int]]) -> None:
    """All of it, around a real store: only what its own terminal has signed becomes an event."""
    vouched = {message.payload for message, _, _ in sent if message.vouched}
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), _FEW)
        bench.register(_FRONT, _SIDE)
        bench.connect()
        for message, topic, mid in sent:
            with told((topic, message)):
                bench.arrive(topic, message.payload, mid)
        with told(sent):
            bench.work()
            bench.work(30.0)
            assert not bench.collecting.trouble
            assert {body for terminal in ("front", "side") for body in _kept(bench, terminal)} <= vouched
            assert {chain.terminal for chain in bench.store.chains()} <= {"front", "side"}
            with bench.store.reading():
                evidence = bench.store.rows("SELECT terminal, length(body) FROM quarantine", ())
            assert all(size <= MAX_KEPT_BYTES for _, size in evidence)
            assert len({terminal for terminal, _ in evidence} - {"front", "side"}) <= _FEW + 1
            assert max(len(bench.collecting._alerts._at_broker), len(bench.outbox._waiting)) <= _MANY
        bench.register(_THIRD)
        bench.collecting.read_directory()
        for event in _THIRD.told:
            assert not bench.arrive(_THIRD.topic, event.body)
        bench.work()
        assert _kept(bench, "third") == [event.body for event in _THIRD.told]
        bench.store.close()


def _kept(bench: Bench, terminal: str) -> list[bytes]:
    chains = [chain for chain in bench.store.chains() if chain.terminal == terminal]
    return [event.body for chain in chains for event in bench.store.events(terminal, chain.epoch, 1, 2**53 - 1)]

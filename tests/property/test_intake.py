"""What is nearly an event, the intake says what it is worth; for the rest see test_hostile_collector.py."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.told import SITE, Teller
from kazasu.collector.intake import MAX_EVENT_BYTES, MAX_KEPT_BYTES, Intake
from kazasu.collector.records import Checked, Reason, Refused
from kazasu.model.document import signed

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

FRONT = Teller()
EVENT = FRONT.tell(1, cardholder="1001", day="2026-04-01")[0]
INTAKE = Intake(SITE, {"front": FRONT.registered}, {})

values: SearchStrategy[object] = st.one_of(
    st.integers(), st.text(max_size=8), st.none(), st.booleans(), st.floats(), st.lists(st.integers(), max_size=2)
)
fields = st.dictionaries(st.sampled_from(sorted(EVENT.fields)), values, max_size=4)


def check(payload: bytes, topic: str = FRONT.topic) -> Checked | Refused:
    worth = INTAKE.check(topic, payload)
    if isinstance(worth, Refused):
        assert len(worth.body) <= MAX_KEPT_BYTES
        assert worth.detail
    return worth


@settings(max_examples=300)
@given(fields)
def test_a_changed_field_is_found_out(changed: dict[str, object]) -> None:
    whole = {**EVENT.fields, **changed}
    worth = check(json.dumps(whole).encode())
    assert isinstance(worth, Checked) == (whole == EVENT.fields and all(type(v) is not bool for v in whole.values()))


@settings(max_examples=300)
@given(fields.filter(lambda changed: not {"keyid", "sig"} & changed.keys()))
def test_what_its_own_terminal_signed_has_the_form_of_an_event_or_is_refused_as_evidence(
    changed: dict[str, object],
) -> None:
    whole = {**EVENT.fields, **changed}
    del whole["sig"], whole["keyid"]
    try:
        body = signed(whole, FRONT.signer).body  # type: ignore[arg-type]  # wrong ones are refused right here
    except ValueError:
        return
    worth = check(body)
    if isinstance(worth, Refused):
        assert worth.signed
        assert worth.reason in {Reason.NO_EVENT, Reason.WRONG_TOPIC}
    else:
        assert (worth.seq, worth.epoch) == (whole["seq"], whole["epoch"])
        assert worth.seq >= 1


@settings(max_examples=100)
@given(st.text(max_size=40))
def test_any_topic_is_taken(topic: str) -> None:
    check(EVENT.body, topic)


def test_what_is_deep_huge_or_badly_encoded_is_refused() -> None:
    deep = b'{"a":' * 1900 + b"1" + b"}" * 1900
    worth = [check(payload) for payload in (deep, b"[" * MAX_EVENT_BYTES, b'{"keyid":"\xff"}', b"9" * 5000)]
    assert [isinstance(item, Refused) and item.reason for item in worth] == [Reason.NO_EVENT] * 4
    giant = check(b" " * (MAX_EVENT_BYTES + 1))
    assert isinstance(giant, Refused)
    assert giant.reason is Reason.TOO_LARGE
    twice = check(EVENT.body[:-1] + b',"seq":1}')
    assert isinstance(twice, Refused)
    assert "twice" in twice.detail

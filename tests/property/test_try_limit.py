"""Whatever is tried, however often the terminal starts anew: no more wrong tries in any time than the limits say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from kazasu.model.event import GENESIS, Draft, Event, Place, sealed
from kazasu.model.try_limit import TryLimit

if TYPE_CHECKING:
    from kazasu.model.access import EventFields

PER_PERSON, PER_TERMINAL, WITHIN_S = 2, 4, 600
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("try"), st.sampled_from("abc")),
        st.tuples(st.just("wait"), st.integers(1, 700)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("reboot"), st.integers(0, 100)),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_time_has_more_tries_than_the_limits_say(steps: list[tuple[str, int | str]]) -> None:
    clock, events, tried = FakeClock(), list[Event](), list[tuple[float, str]]()

    def fresh() -> TryLimit:
        limit = TryLimit(per_person=PER_PERSON, per_terminal=PER_TERMINAL, within_s=WITHIN_S)
        for event in events:
            limit.recorded(event)
        return limit

    limit = fresh()
    for what, value in steps:
        if what == "try":
            code = str(value) * 32
            allowed = limit.allows(code, clock.now())
            fields: EventFields = {"reason": "wrong_code" if allowed else "too_many_tries", "credential": code}
            place = Place(site="s", terminal="t", epoch="e", seq=len(events) + 1, prev=GENESIS)
            event = sealed(Draft(event_type="door.denied", moment=clock.now(), fields=fields), place, SIGNER)
            events.append(event)
            limit.recorded(event)
            if allowed:
                tried.append((clock.at.timestamp(), code))
        elif what == "wait":
            clock.advance(int(value))
        else:
            if what == "reboot":
                clock.reboot(off_s=int(value))
            limit = fresh()
    for at_s, code in tried:
        in_time = [other for since_s, other in tried if 0 <= since_s - at_s < WITHIN_S]
        assert len(in_time) <= PER_TERMINAL
        assert in_time.count(code) <= PER_PERSON

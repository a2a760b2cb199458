"""A fleet under any order of its messages; under bytes that are none: test_hostile_desk.py."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.fleet import SITE, START, SimulatedSite
from kazasu.site.fleet import Fleet
from kazasu.site.fleet_order import FleetOrder
from kazasu.site.fleet_problems import grade_of, problems_of
from kazasu.site.plain_text import columns, fitted, plain

NAMES = st.sampled_from(["hall-1", "hall-2", "library"])


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[tuple[str, int]], str]:
    """What a broker says of one terminal: births in their order, each farewell behind its birth; and the end."""
    said: list[tuple[str, int]] = []
    late: list[int] = []
    for conn in range(draw(st.integers(1, 5))):
        said.append(("online", conn))
        said.extend([("health", conn)] * draw(st.integers(0, 2)))
        late.append(conn)
        ending = draw(st.lists(st.sampled_from(late), unique=True))  # wills come late, and in any order
        late = [other for other in late if other not in ending]
        said.extend(("offline", other) for other in ending)
    newest = max(conn for _, conn in said)
    return said, "offline" if ("offline", newest) in said else "online"


@given(lives())
@settings(max_examples=100)
def test_only_the_will_of_the_newest_connection_counts(life: tuple[list[tuple[str, int]], str]) -> None:
    said, end = life
    site = SimulatedSite()
    for kind, conn in said:
        site.say("hall-1", kind, conn)
        site.pass_time(1)
    assert site["hall-1"].state == end


@given(st.lists(st.tuples(NAMES, st.sampled_from(["online", "offline", "health", "silence"]), st.integers(1, 3))))
@settings(max_examples=100)
def test_the_order_kept_is_the_order_made_anew(said: list[tuple[str, str, int]]) -> None:
    site = SimulatedSite()
    order = FleetOrder(site.fleet)
    for name, kind, conn in said:
        if kind == "silence":
            site.pass_time(100 * conn)
        else:
            site.say(name, kind, conn)
        order.follow()
    anew = sorted(
        (grade_of(problems_of(terminal, order.roster_of_most)), name) for name, terminal in site.fleet.terminals.items()
    )
    assert [terminal.name for terminal in order.window(0, 99)] == [name for _, name in anew]
    assert sum(order.counts.values()) == len(anew) == len(order)


@given(st.text(max_size=300), st.integers(0, 40))
def test_any_text_becomes_plain_and_fits(text: str, width: int) -> None:
    cleaned = plain(text)
    assert cleaned.isprintable()
    assert len(cleaned) <= 200
    assert columns(fitted(cleaned, width)) == width


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_time_of_a_health_can_be_taken(said_at: datetime) -> None:
    fleet = Fleet(SITE)
    for _ in range(2):
        body = json.dumps({"conn": 1, "time": said_at.isoformat(), "unsent": _}).encode()
        fleet.take(f"kazasu/v1/{SITE}/up/hall-1/health", body, START)
    assert fleet.terminals["hall-1"].health["unsent"] == 1

"""Each of the design's eleven rules is held by tests that name it."""

from __future__ import annotations

import re
from pathlib import Path

RULES = {
    1: "green is the receipt",
    2: "one tap, one event, one cue",
    3: "no gap, chained, nothing unsigned, no key no start",
    4: "the network never delays a tap",
    5: "at least once on the wire, exactly once at the collector",
    6: "the My Number is never read; an exact allow-list",
    7: "no raw number or secret in journal, MQTT or log",
    8: "what moves a terminal from outside is signed, meant for it and fresh",
    9: "debounce is per card",
    10: "punch time is evidence",
    11: "boot, crash and reconnect never open a door",
}

_MARK = re.compile(r"mark\.rule\((\d+)\)")


def test_each_rule_is_named_by_a_test() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py")]
    named = {int(number) for source in sources for number in _MARK.findall(source)}
    assert named == RULES.keys()

"""Whatever a configuration file holds, it is read or refused in words that name the file."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import event, given
from hypothesis import strategies as st

from fakes.hostile import enough_of_one, hostile
from kazasu.config import parse
from kazasu.errors import ConfigurationError

EXAMPLE = (Path(__file__).parents[2] / "config" / "kazasu.toml").read_text(encoding="utf-8")
FILE = Path("/etc/kazasu/kazasu.toml")

TABLES = (
    *("terminal", "keys", "readers", "cards", "cards.jpki", "services", "services.attendance", "outputs"),
    *("outputs.gpio", "buttons", "mqtt", "collector", "journal", "log", "unknown", "terminal.site", ""),
)
KEYS = (
    *(
        "site",
        "id",
        "timezone",
        "state_dir",
        "event",
        "pepper",
        "name",
        "match",
        "kinds",
        "ca",
        "direction",
        "in",
        "out",
    ),
    *("day_boundary", "repeat_after", "button_within", "min_assurance", "driver", "cues", "green", "red", "buzzer"),
    *("relay", "host", "port", "certificate", "key", "ack_timeout", "present", "max_events", "keep", "level", "else"),
)
VALUES = (
    *(
        '"a"',
        '"Asia/Tokyo"',
        '"Asia"',
        '"/"',
        '"\\u0000"',
        '"\uff15s"',
        '"5s"',
        '"-5s"',
        '"99999999999d"',
        '"05:00"',
        '"button"',
    ),
    *("true", "1", "-1", "99999999999999999999", "1e999", "nan", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z"),
    *("[]", '["jpki"]', '["05:00-05:00"]', '["22:00-05:00"]', "[[]]", "{}", "{ pin = 17 }", "{ pin = {} }"),
    *("[{}]", '[{ name = "a" }]', "{ attendance = {} }", '"gpio"', '"schedule"', '"jpki"', "", "'''\n[log]\n'''"),
)

strings = st.text(max_size=12).map(json.dumps)
lines = st.one_of(
    st.sampled_from(TABLES).map("[{}]".format),
    st.sampled_from(TABLES).map("[[{}]]".format),
    st.tuples(st.sampled_from(KEYS), st.one_of(st.sampled_from(VALUES), strings)).map(" = ".join),
    st.sampled_from([line.removeprefix("# ") for line in EXAMPLE.splitlines()]),
    st.text(max_size=12),
)


@st.composite
def edited_examples(draw: st.DrawFn) -> str:
    """The example as an installer leaves it: lines replaced, doubled, gone."""
    text = EXAMPLE.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text) - 1))
        text[at : at + draw(st.integers(0, 2))] = draw(st.lists(lines, max_size=2)) or [""]
    return "\n".join(text)


files = st.one_of(
    edited_examples().map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(lines, max_size=12).map(lambda text: "\n".join(text).encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
)


@hostile
@enough_of_one
@given(files)
def test_any_file_is_read_or_refused_in_words(content: bytes) -> None:
    refusal = None
    try:
        parse(content, FILE)
    except ConfigurationError as error:
        refusal = str(error)
    event("read" if refusal is None else "refused")

    assert refusal is None or all(line.startswith(str(FILE)) for line in refusal.split("\n"))

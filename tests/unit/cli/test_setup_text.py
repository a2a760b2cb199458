"""The configuration as a file that a person can maintain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from fakes import configuration
from kazasu.cli.setup.configuration_text import EXAMPLE_PATH, write
from kazasu.config import parse
from kazasu.errors import ConfigurationError

EXAMPLE = EXAMPLE_PATH.read_text(encoding="utf-8")
FILE = Path("/etc/kazasu/kazasu.toml")

SMALLEST: dict[str, Any] = tomli.loads(configuration.SMALLEST)

EVERYTHING: dict[str, Any] = tomli.loads("""
[terminal]
site = "town-hall"
id = "entrance-1"
timezone = "Asia/Seoul"
state_dir = "/data/\\u001f \\"quoted\\" \\\\ 状態\\u007f"
[keys]
event = "keys/a.key"
pepper = "keys/b.key"
[[readers]]
name = "desk"
match = "*PICC*"
[[readers]]
name = "gate"
[cards]
kinds = ["mifare", "jpki"]
[cards.jpki]
ca = ["a.pem", "b c.pem"]
[services.attendance]
direction = "button"
day_boundary = "04:00"
repeat_after = "1m"
button_within = "5s"
min_assurance = "signed_data"
[outputs]
driver = "gpio"
cues = "cues.toml"
[outputs.gpio]
green = { pin = 1, active_low = true }
red.pin = 2
buzzer = { pin = 3 }
[outputs.gpio.relay]
pin = 4
active_low = true
[buttons]
in = { pin = 6, active_low = false }
out = { pin = 7 }
[mqtt]
host = "h"
port = 1
ca = "c"
certificate = "d"
key = "e"
ack_timeout = "9s"
[collector]
present = true
key = "f"
[journal]
max_events = 2000
keep = "2d"
[log]
level = "debug"
""")


@pytest.mark.parametrize(
    "document", [SMALLEST, EVERYTHING, tomli.loads(EXAMPLE)], ids=["smallest", "everything", "example"]
)
def test_what_is_written_is_what_was_meant(document: dict[str, Any]) -> None:
    text = write(document)
    read = tomli.loads(text)
    assert {table: value for table, value in read.items() if value} == {
        table: value for table, value in document.items() if value
    }
    parse(text.encode(), FILE)


def test_the_examples_comments_stay_where_they_were() -> None:
    _, _, written = write(tomli.loads(EXAMPLE)).partition("\n[terminal]")
    assert written == EXAMPLE.partition("\n[terminal]")[2]
    comment = "in and out by turns | "
    for direction in ("alternate", "schedule"):
        document = SMALLEST | {"services": {"attendance": {"direction": direction}}}
        [line] = [line for line in write(document).splitlines() if comment in line]
        assert line.index("# " + comment) == next(
            line.index("# " + comment) for line in EXAMPLE.splitlines() if comment in line
        )


def test_a_value_too_long_for_its_column_moves_the_comment() -> None:
    document = SMALLEST | {"terminal": {"site": "a" * 32, "id": "b"}}
    assert f'site = "{"a" * 32}"   # a level of the MQTT topics' in write(document)


def test_a_table_that_is_not_there_stays_as_a_comment() -> None:
    text = write(SMALLEST)
    for line in ("# [mqtt] ", "# host = ", "# [buttons] ", "# green = { pin = 17 }", "# [cards.jpki]", "# ca = "):
        assert f"\n{line}" in text


def test_every_row_of_a_list_of_tables_is_written() -> None:
    assert write(EVERYTHING).count("\n[[readers]]") == 2


@given(text=st.text(min_size=1), words=st.lists(st.text(min_size=1), min_size=1))
def test_any_text_comes_back_as_it_was(text: str, words: list[str]) -> None:
    terminal = {"site": "a", "id": "b", "state_dir": text}
    document = SMALLEST | {"terminal": terminal, "cards": {"kinds": ["felica"], "jpki": {"ca": words}}}
    read = tomli.loads(write(document))
    assert (read["terminal"], read["cards"]["jpki"]["ca"]) == (terminal, words)


def test_it_says_who_made_it() -> None:
    assert "kazasu setup" in write(SMALLEST).partition("[terminal]")[0]


def test_what_has_no_place_in_the_example_is_not_lost_silently() -> None:
    with pytest.raises(ConfigurationError, match="cannot keep"):
        write(SMALLEST | {"log": {"colour": "red"}})

"""The site's rules in the place of the configuration's."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.health import FakeHealth
from kazasu.app.doors import door_policy
from kazasu.app.site_roster import config_of_site, config_to_start_with
from kazasu.config import parse, under_rules
from kazasu.errors import ConfigurationError
from kazasu.model.roster_text import rules_line
from kazasu.store.roster import Roster
from kazasu.store.roster_lines import NewRoster

FILE = Path("/etc/kazasu/kazasu.toml")
DOOR = """
[terminal]
site = "town-hall"
id = "entrance-1"
[[readers]]
name = "desk"
[cards]
kinds = ["felica"]
[services.door]
[outputs]
driver = "terminal"
[collector]
present = false
[[doors]]
name = "hall"
readers = ["desk"]
unlock = "office"
[[schedules]]
name = "office"
hours = ["mon-fri 07:00-20:00"]
[[levels]]
name = "staff"
doors = ["hall"]
"""
RULES = """
[[schedules]]
name = "office"
hours = ["09:00-17:00"]
[[levels]]
name = "it"
doors = ["hall", "server-room"]
[[levels]]
name = "other"
doors = ["server-room"]
[[levels]]
name = "slow"
extended = true
"""
CONFIG = parse(DOOR.encode(), FILE)


def test_rules_of_a_site_count_here_as_far_as_they_are_about_doors_here() -> None:
    config = under_rules(CONFIG, RULES.encode(), FILE)
    assert {level.name: level.doors for level in config.levels} == {"it": ("hall",), "slow": ()}
    policy = door_policy(config)
    assert policy is not None
    assert policy.unlock["hall"].hours[0].hours.first.hour == 9


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (RULES.replace('"office"', '"day"'), "door hall: unlock: office is no schedule"),
        (RULES + "[[levels]]\nname = 'it'\n", r"two \[\[levels\]\] are called it"),
        ("[[levels]]\nname = 'it'\nschedule = 'night'\n", "night is no schedule"),
        ("levels = 1\n", "levels"),
        ("x", "not TOML"),
    ],
)
def test_rules_that_do_not_fit_are_said(rules: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        under_rules(CONFIG, rules.encode(), FILE)


def test_a_terminal_without_doors_has_no_use_for_rules() -> None:
    without = DOOR[: DOOR.index("[[doors]]")].replace("[services.door]", "[services.attendance]")
    config = parse(without.encode(), FILE)
    assert under_rules(config, RULES.encode(), FILE) == config
    assert door_policy(config) is None


def test_a_start_goes_by_the_rules_in_place_or_says_why_not(tmp_path: Path) -> None:
    roster = Roster(roster_with(tmp_path, RULES))
    assert [level.name for level in config_of_site(CONFIG, roster).levels] == ["it", "slow"]

    health = FakeHealth()
    wrong = Roster(roster_with(tmp_path, RULES.replace('"office"', '"day"')))
    assert config_to_start_with(CONFIG, wrong, health) == CONFIG
    assert "office is no schedule" in health.alerts["roster_rules"]


def roster_with(directory: Path, rules: str) -> Path:
    path = directory / "roster.db"
    new = NewRoster(path)
    new.add([rules_line(number, line) for number, line in enumerate(rules.splitlines(), 1)])
    new._connection.execute("COMMIT")
    new._connection.close()
    return path

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fakes.configuration import smallest_with_state
from fakes.roster import person
from fakes.roster_rig import RosterRig
from kazasu.cli.checks_roster import check_roster
from kazasu.cli.finding import Grade
from kazasu.config import parse
from kazasu.errors import RosterError
from kazasu.store.keys import generate_pepper, new_pepper
from kazasu.store.roster_file import enroll

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.configuration import Config


def config_in(folder: Path, site: str = "") -> Config:
    text = smallest_with_state(folder) + site
    return parse(text.encode(), folder / "kazasu.toml")


def test_an_empty_roster_names_who_fills_it(tmp_path: Path) -> None:
    now = RosterRig(tmp_path).desk.now
    (alone,) = check_roster(config_in(tmp_path), now)
    (of_site,) = check_roster(config_in(tmp_path, '[site]\nkey = "site.pub"'), now)
    assert (alone.grade, alone.todo) == (Grade.NOTE, "kazasu roster import FILE, or kazasu enroll")
    assert of_site.todo.startswith("kazasu site publish at the desk")


def test_a_roster_of_this_terminals_own_has_a_version(tmp_path: Path) -> None:
    rig = RosterRig(tmp_path)
    enroll(rig.roster_path, person("1", "a" * 32))
    (found,) = check_roster(config_in(tmp_path), rig.desk.now)
    assert (found.grade, found.found) == (Grade.OK, "version 1")


def test_the_sites_roster_says_since_when_and_until_when(tmp_path: Path) -> None:
    rig = RosterRig(tmp_path)
    rig.desk.staff(1)
    rig.desk.publish()
    rig.settle()
    (fresh,) = check_roster(config_in(tmp_path), rig.desk.now)
    assert (fresh.grade, fresh.found) == (
        Grade.OK,
        "version 1, signed by the site on 2026-04-01, fresh until 2026-06-30",
    )
    (old,) = check_roster(config_in(tmp_path), rig.desk.now + timedelta(days=91))
    assert (old.grade, old.todo) == (Grade.NOTE, "publish it anew at the desk: kazasu site publish")


def test_a_roster_under_a_layer_that_is_not_here_is_a_problem_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    pepper = generate_pepper(tmp_path / "keys/pepper.key")
    enroll(RosterRig(tmp_path).roster_path, person("1", "a" * 32), new_pepper(pepper).newest)
    with pytest.raises(RosterError, match="kazasu renew"):
        list(check_roster(config_in(tmp_path), RosterRig(tmp_path).desk.now))

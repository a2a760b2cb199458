"""What the doctor says of the pepper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.configuration import smallest_with_state
from fakes.enrolment import NOW
from kazasu.cli.checks_pepper import check_announced, check_pepper
from kazasu.cli.finding import Grade
from kazasu.config import parse
from kazasu.enrolment.layers import announcement
from kazasu.store.keys import generate_pepper, generate_signer, new_pepper, pepper_text, write_public

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.configuration import Config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "keys").mkdir()
    text = smallest_with_state(tmp_path) + '[site]\nkey = "site.pub"\n'
    return parse(text.encode(), tmp_path / "kazasu.toml")


def test_one_layer_is_nothing_to_speak_of_and_more_are_named(config: Config) -> None:
    pepper = generate_pepper(config.keys.pepper)
    [found] = check_pepper(config)
    assert found.found == str(config.keys.pepper)
    second = new_pepper(pepper)
    config.keys.pepper.write_bytes(pepper_text(second))
    [found] = check_pepper(config)
    assert (found.grade, found.found) == (Grade.OK, f"{config.keys.pepper}, 2 layers, the newest {second.newest}")


def test_a_layer_that_the_site_has_and_that_is_not_here_is_told(config: Config, tmp_path: Path) -> None:
    site = generate_signer(tmp_path / "site.key")
    write_public(tmp_path / "site.pub", site)
    held = generate_pepper(config.keys.pepper)
    assert list(check_announced(config, announcement("town-hall", held.ids, NOW, site).body)) == []
    newer = new_pepper(held)
    [found] = check_announced(config, announcement("town-hall", newer.ids, NOW, site).body)
    assert newer.newest in found.found
    assert "kazasu renew" in found.todo
    [found] = check_announced(config, b"{}")
    assert "is not the site's" in found.found

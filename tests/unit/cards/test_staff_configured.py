"""The staff application by way of the configuration file, as the daemon starts with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.card_channel import FakeCardChannel
from fakes.staff import KEYS, aes, card_with, clock, with_example
from kazasu.app.cards import card_identifier
from kazasu.config import load
from kazasu.errors import ConfigurationError, KeyMaterialError
from kazasu.model.access import Assurance
from kazasu.readers.demand import FixedDemand
from kazasu.store.keys import generate_pepper
from kazasu.virtual.jpki import ATR_CONTACTLESS

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.cards.identify import CardKinds

CONFIGURATION = """\
[terminal]
site = "town-hall"
id = "entrance-1"
[[readers]]
name = "desk"
[cards]
kinds = ["staff", "common"]
[cards.staff]
profiles = ["cards.d/staff-aes128.toml"]
[services.attendance]
[outputs]
driver = "terminal"
[collector]
present = false
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration with its pepper, its card keys and the example profile in cards.d."""
    for folder in ("keys", "cards.d"):
        (tmp_path / folder).mkdir(mode=0o700)
    generate_pepper(tmp_path / "keys" / "pepper.key")
    keys = tmp_path / "keys" / "cards.toml"
    keys.touch(mode=0o600)
    keys.write_text("[staff]\n" + "".join(f'{version} = "{key.hex()}"\n' for version, key in KEYS.items()))
    with_example(tmp_path / "cards.d", "staff-aes128")
    path = tmp_path / "kazasu.toml"
    path.write_text(CONFIGURATION)
    return path


def started(file: Path) -> CardKinds:
    return card_identifier(load(file), clock(), FixedDemand(Assurance.SERIAL))


def test_a_card_is_read_under_the_key_of_the_key_file(file: Path) -> None:
    kinds = started(file)
    assert [kind.name for kind in kinds.kinds] == ["staff", "common"]
    for version in KEYS:
        identifier = kinds.identify(FakeCardChannel(card_with(aes(version))), ATR_CONTACTLESS)
        assert (identifier.kind, identifier.assurance) == ("staff", Assurance.CHALLENGE)


def test_without_a_profile_the_configuration_is_refused(file: Path) -> None:
    file.write_text(CONFIGURATION.replace('[cards.staff]\nprofiles = ["cards.d/staff-aes128.toml"]\n', ""))
    with pytest.raises(ConfigurationError, match=r"\[cards\.staff\] is missing"):
        started(file)
    file.write_text(CONFIGURATION.replace('["cards.d/staff-aes128.toml"]', "[]"))
    with pytest.raises(ConfigurationError, match=r":9: cards\.staff\.profiles: \[\] is not a list of one profile"):
        started(file)


@pytest.mark.rule(6)
def test_a_profile_of_a_forbidden_application_stops_the_start(file: Path) -> None:
    profile = file.parent / "cards.d" / "staff-aes128.toml"
    profile.write_text(profile.read_text().replace('aid = "F04B415A5553550101"', 'aid = "D3921000310001010408"'))
    with pytest.raises(
        ConfigurationError, match=r"staff-aes128\.toml:\d+: aid: D3921000310001010408 may select an app"
    ):
        started(file)


def test_a_key_that_is_not_in_the_key_file_stops_the_start(file: Path) -> None:
    keys = file.parent / "keys" / "cards.toml"
    keys.write_text(keys.read_text().replace("[staff]", "[door]"))
    with pytest.raises(KeyMaterialError, match=r"cards\.toml: no card key is called 'staff'; there are: door"):
        started(file)

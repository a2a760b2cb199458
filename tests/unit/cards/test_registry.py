"""A kind from outside the package: one module, one entry point."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from fakes.card_channel import FakeCardChannel
from kazasu.app.cards import card_identifier
from kazasu.cards import registry
from kazasu.config import load
from kazasu.errors import ConfigurationError, ForbiddenApdu
from kazasu.model.access import Assurance
from kazasu.readers.demand import FixedDemand
from kazasu.store.keys import generate_pepper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakes.clock import FakeClock

# Written as another package's author would: nothing but what kind.py names.
KIND = """
from typing import Annotated

import msgspec

from kazasu.cards.guard import Allowance
from kazasu.model.access import Assurance, Identifier
from kazasu.model.table import Table

READ = bytes.fromhex("80CA000008")


class Settings(Table, frozen=True, kw_only=True):
    prefix: Annotated[str, msgspec.Meta(max_length=4)]


def build(settings, tools):
    return LibraryCard(settings.prefix.encode(), tools.pseudonymizer)


class LibraryCard:
    name = "library"
    reach = Assurance.SERIAL
    allow = Allowance(commands=frozenset({READ}))

    def __init__(self, prefix, pseudonymizer):
        self._prefix, self._pseudonymizer = prefix, pseudonymizer

    def read(self, channel, atr):
        data, sw = channel.transmit(READ)
        if sw != 0x9000 or not data.startswith(self._prefix):
            return None
        pseudonym = self._pseudonymizer.pseudonym(self.name, data)
        return Identifier(kind=self.name, pseudonym=pseudonym, assurance=self.reach)
"""
CONFIGURATION = """\
[terminal]
site = "library"
id = "desk"
[[readers]]
name = "desk"
[cards]
kinds = ["library", "mifare"]
[cards.library]
prefix = "L"
[services.attendance]
[outputs]
driver = "terminal"
[collector]
present = false
"""
ATR = bytes.fromhex("3B8180018080")


class LibraryCard:
    """Answers one command."""

    def transmit(self, apdu: bytes) -> bytes:
        return b"L0000042\x90\x00" if apdu == bytes.fromhex("80CA000008") else bytes.fromhex("6D00")

    def power_on(self) -> None:
        """Nothing to forget."""

    @property
    def atr(self) -> bytes:
        return ATR


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lay a package beside ours as pip would."""
    site = tmp_path / "site-packages"
    (site / "library_card-1.dist-info").mkdir(parents=True)
    (site / "library_card.py").write_text(KIND)
    (site / "library_card-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: library-card\nVersion: 1\n"
    )
    (site / "library_card-1.dist-info" / "entry_points.txt").write_text("[kazasu.cards]\nlibrary = library_card\n")
    monkeypatch.syspath_prepend(site)
    yield
    sys.modules.pop("library_card", None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    generate_pepper(tmp_path / "keys" / "pepper.key")
    file = tmp_path / "kazasu.toml"
    file.write_text(CONFIGURATION)
    return file


@pytest.mark.usefixtures("installed")
def test_a_kind_of_another_package_reads_its_card(file: Path, clock: FakeClock) -> None:
    kinds = card_identifier(load(file), clock, FixedDemand(Assurance.SERIAL))

    identifier = kinds.identify(FakeCardChannel(LibraryCard()), ATR)

    assert (identifier.kind, identifier.assurance) == ("library", Assurance.SERIAL)
    assert registry.names() == (*registry.KINDS, "library")


@pytest.mark.usefixtures("installed")
def test_its_mistakes_are_told_like_ours(file: Path) -> None:
    file.write_text(CONFIGURATION.replace('prefix = "L"', 'prefix = "LONGER"'))
    with pytest.raises(ConfigurationError, match=r":9: cards\.library\.prefix: "):
        load(file)
    file.write_text(CONFIGURATION.replace('[cards.library]\nprefix = "L"\n', ""))
    with pytest.raises(ConfigurationError, match=r"the table \[cards\.library\] is missing: it has prefix; or take"):
        load(file)


def test_without_the_package_its_kind_is_unknown(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="'library' is no kind of card; there are: ") as caught:
        load(file)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.usefixtures("installed")
@pytest.mark.rule(6)
def test_it_can_send_nothing_but_what_it_has_declared(file: Path, clock: FakeClock) -> None:
    file.with_name("site-packages").joinpath("library_card.py").write_text(
        KIND.replace("channel.transmit(READ)", "channel.transmit(bytes.fromhex('00CA000008'))")
    )
    kinds = card_identifier(load(file), clock, FixedDemand(Assurance.SERIAL))

    with pytest.raises(ForbiddenApdu):
        kinds.identify(FakeCardChannel(LibraryCard()), ATR)

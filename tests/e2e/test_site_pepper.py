"""A terminal is stolen: the site's pepper gets another layer, and everybody taps green before and after."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fakes.enrolment import NOW, Newcomer, admission
from fakes.people import TERMINAL, People
from kazasu.app.cards import card_identifier
from kazasu.config import load
from kazasu.enrolment import layers
from kazasu.errors import EnrolmentRefused
from kazasu.model.access import Assurance
from kazasu.model.pepper import Pepper
from kazasu.publishers.exchange import exchanging
from kazasu.publishers.wire import Topics
from kazasu.readers.demand import FixedDemand
from kazasu.runtime.clock import SystemClock
from kazasu.site.pepper_gifts import PepperGifts
from kazasu.store.keys import load_pepper
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.site import PASSPHRASE, SiteBroker, make_site
from kazasu.virtual.site_terminal import SiteTerminal
from kazasu.virtual.staff import Person, write_roster
from kazasu.virtual.tapping import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.directory import Site
    from kazasu.virtual.vpcd import Slot

STOLEN = "entrance-2"
HANAKO = Person("1001", "山田 花子", "FeliCa", FelicaCard(bytes.fromhex("0114B00100000001")))


class Entrance:
    """The terminal that is not stolen, and the desk."""

    def __init__(self, site: Site, people: People, terminal: SiteTerminal) -> None:
        self.site = site
        self.people = people
        self.terminal = terminal

    def desk(self, *words: str, code: int = 0) -> str:
        return self.people.desk(*words, "--site", "site", code=code)

    def taps(self) -> dict[str, Any]:
        """Hanako taps; returns the event."""
        self.terminal.tap(HANAKO.card)
        (*_, event) = (event for event in self.terminal.recorded() if "decision" in event)
        return event

    def told(self, event_type: str, field: str, value: str | int) -> bool:
        """Wait for an event."""
        return wait_for(
            lambda: any(
                event["event_type"] == event_type and event[field] == value for event in self.terminal.recorded()
            )
        )

    def retained(self, topic: str) -> list[bytes]:
        """What stands at the broker there."""
        with exchanging(self.site.broker("operations"), "ear", (topic,)) as ear:
            heard = ear.receive(0.5)
            return [] if heard is None else [heard.payload]


@pytest.fixture
def stolen(tmp_path: Path) -> tuple[Site, Newcomer]:
    """A site, and a terminal whose keys somebody took with the box."""
    site = make_site(tmp_path / "site")
    newcomer = Newcomer(site, STOLEN)
    admission(site).accept(newcomer.asks(), NOW)
    return site, newcomer


@pytest.mark.rule(7)
@pytest.mark.rule(8)
def test_a_stolen_terminal_knows_nobody_any_more_and_everybody_else_taps_green(
    slot: Slot, stolen: tuple[Site, Newcomer], tmp_path: Path
) -> None:
    (site, thief), people = stolen, People(tmp_path)
    people.desk("add-terminal", TERMINAL, "--site", "site", "--code-file", "code")
    with SiteBroker(site, tmp_path / "broker") as broker:
        joining = ("--bundle", "entrance-1.bundle", "--code-file", "code", "--answers", "answers.toml")
        with people.begins("site", "accept", "--site", "site", "--passphrase-file", people.passphrase, "--stay"):
            people.at_terminal("setup", *joining, code=None)
        settings = people.config_file.read_text()
        people.config_file.write_text(re.sub(r"\n(# )?repeat_after = .*", '\nrepeat_after = "0s"', settings))
        config = load(people.config_file)
        identifier = card_identifier(config, SystemClock(config.terminal.timezone), FixedDemand(Assurance.SERIAL))
        write_roster(site.file("roster/people.csv"), [HANAKO], identifier)
        entrance = Entrance(site, people, SiteTerminal(TERMINAL, people.config_file, slot))
        with entrance.terminal.daemon as daemon:
            entrance.desk("publish", "--yes")
            assert entrance.told("roster.applied", "roster_version", 1)
            before = entrance.taps()
            assert (before["decision"], before["cardholder"]) == ("granted", "1001")

            entrance.desk("revoke", STOLEN)
            broker.restart()
            assert f"without it yet: {TERMINAL}" in entrance.desk("rotate-pepper")
            assert "no answer yet" in people.at_terminal("renew", "--wait", "0.1")
            assert f"accepted {TERMINAL}: all layers" in entrance.desk("accept")
            assert "the pepper has 2 layers now" in people.at_terminal("renew")
            pepper = site.pepper()
            assert load_pepper(config.keys.pepper) == pepper
            assert entrance.retained(Topics(site.name, TERMINAL).pepper_wish) == []

            assert "under the layer" in entrance.desk("rotate-pepper", "--finish")
            assert "nothing changed since the last time" in entrance.desk("publish", "--yes")
            # The daemon has the old layer still: it keeps the old roster, and says why.
            assert entrance.told("roster.refused", "reason", "pepper")
            meanwhile = entrance.taps()
            assert (meanwhile["decision"], meanwhile["credential"]) == ("granted", before["credential"])

            daemon.terminate()  # as `kazasu renew` has systemd do it
            daemon.start()
            assert entrance.told("roster.applied", "roster_version", 2)
            after = entrance.taps()
            for field in ("decision", "cardholder", "card", "assurance"):
                assert after[field] == before[field]
            assert after["credential"] == pepper.forms(str(before["credential"]))[1]

        gifts = PepperGifts(site, site.unlock(PASSPHRASE))
        wish = layers.wish(
            site.name, STOLEN, pepper.newest, NOW, event=thief.event, agreement=X25519PrivateKey.generate()
        )
        with pytest.raises(EnrolmentRefused, match="none of the site's terminals"):
            gifts.give(wish.body, STOLEN)
        taken = Pepper([bytes.fromhex(thief.secrets.pepper)])
        known = {*taken.forms(str(before["credential"]))}
        published = site.file("roster/published.txt").read_text() + site.file("roster/people.csv").read_text()
        assert not any(form in published or form == after["credential"] for form in known)
